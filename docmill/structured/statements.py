"""Statements: tables whose rows are line items and whose columns are periods, as accounts and reports print them.

An array of amounts by period (`revenue: [{"value": …, "period": …}]`) names a row; every column gives it one item.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from importlib.resources import files

from docmill.models import Scalar
from docmill.structured.dates import DATE, dates
from docmill.structured.fields import Candidate, Chosen
from docmill.structured.numbers import CURRENCIES, currency, numbers
from docmill.structured.reading import text_of
from docmill.structured.schema import Node
from docmill.structured.targets import target, words_of
from docmill.structured.values import Style, plain
from docmill.structured.words import Layout, Row, Segment, Word

_YEAR = re.compile(r"(?:19|20)\d\d")
_MONTHS = re.compile(
    r"\b(three|six|nine|twelve|3|6|9|12)\s+months\b|\b(13|26|39|52|53)\s+weeks\b|\b(quarter|year)\b", re.I
)
_LENGTHS = {"three": 3, "six": 6, "nine": 9, "twelve": 12, "13": 3, "26": 6, "39": 9, "52": 12, "53": 12}
_LENGTHS |= {"3": 3, "6": 6, "9": 9, "12": 12, "quarter": 3, "year": 12}
_SCALE = re.compile(r"\bin\s+(thousands|millions|billions)\b", re.IGNORECASE)
_SCALES = {"thousands": 1000, "millions": 1_000_000, "billions": 1_000_000_000}
_ENDS = re.compile(
    r"fiscal\s+year(?:s)?\s+(?:ended|ending|ends\s+on)\s+(?P<day>\w+\s+\d{1,2},?\s+\d{4})", re.IGNORECASE
)
_MONTH_DAYS = 30.44
_VALUES, _PERIODS = {"value", "amount", "figure"}, {"period", "year", "quarter", "date"}
_TRUST, _DERIVED = 0.9, 0.8
_LEAST, _TITLED = 0.65, 0.05
"""What a label must be trusted at least, and what a statement gains whose title is the name of the array's section."""
_ASIDE = 45.0
"""Points that a number may stand aside of its column."""
_TITLE = 10
"""A longer row above a statement is running text, no title."""
_DAYS = ({"balance", "sheet"}, {"financial", "position"})
"""Words of a section whose amounts are those of a day: a column of months, as of a cash flow statement, has none."""
_SHARES = {"margin", "rate", "growth", "percent", "percentage", "ratio"}
"""Words of a name that ask for a share: amounts of money are none."""
_OUTFLOWS = {
    "paid",
    "repurchases",
    "repurchased",
    "expense",
    "expenses",
    "capex",
    "expenditures",
    "payments",
    "purchases",
}
"""Words of a name that say the direction, which the statement's brackets only repeat: the amount has no sign then."""


@dataclass(frozen=True)
class Column:
    """A period: the words that name it, where its numbers stand, when it ends and how many months it has (0: a day)."""

    words: tuple[Word, ...]
    x0: float
    x1: float
    end: date | None
    months: int

    @property
    def text(self) -> str:
        """The period as printed."""
        return text_of(self.words)


@dataclass(frozen=True)
class Line:
    """A row of a statement: its label, with the heading above it, and the numbers by the column's number."""

    label: tuple[Word, ...]
    heading: str
    cells: dict[int, tuple[float, tuple[Word, ...], bool]]

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The label in the forms in which line items are compared, alone and behind its heading."""
        text = text_of(self.label)
        own = item_form(text)
        short = item_form(re.split(r",? (?:net|less) of\b|,? at ", text, maxsplit=1)[0])
        forms = (own, short, f"{own} {self.heading}" if self.heading else "")
        return tuple(dict.fromkeys(each for each in forms if each))


@dataclass(frozen=True)
class Statement:
    """A table of line items by period."""

    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    scale: tuple[int, tuple[Word, ...]] | None
    currency: tuple[str, tuple[Word, ...]] | None


def item_form(text: str) -> str:
    """A line item's label without notes in brackets and what follows an em dash, in the form of comparison."""
    return plain(re.sub(r"\([^)]*\)|\$[\d.,]+", " ", text).replace("’", "").replace("'", "").replace("-", " "))


def asks_for_periods(items: Node) -> bool:
    """Whether the items of an array are amounts by period."""
    leaves = [(set(words_of(leaf.name)), leaf.kind) for leaf in items.leaves()]
    amounts = any(names & _VALUES and kind in ("number", "integer", "any") for names, kind in leaves)
    return amounts and any(names & _PERIODS and not names & _VALUES for names, _ in leaves)


@cache
def _known() -> dict[str, tuple[str, ...]]:
    """The labels of rows by the names of properties that mean them."""
    found: dict[str, tuple[str, ...]] = {}
    table = files("docmill.structured").joinpath("line_items.psv").read_text(encoding="utf-8")
    for line in table.strip().splitlines()[1:]:
        names, labels = line.split("|")
        for name in names.split(","):
            found[name] = tuple(labels.split(","))
    return found


class Statements:
    """The statements of a document."""

    def __init__(self, layout: Layout, style: Style) -> None:
        self._layout = layout
        self._style = style

    @cached_property
    def all(self) -> list[Statement]:
        """The statements, top to bottom."""
        return list(_statements(self._layout, self._style))

    @cached_property
    def year_end(self) -> date | None:
        """A day on which a fiscal year of the document ends, None if it does not say."""
        for match in _ENDS.finditer(self._layout.text.replace("\n", " ")):
            found = dates(match["day"], self._style)
            if found:
                return date.fromisoformat(str(found[0].value))
        return None

    def items(self, node: Node) -> list[dict[str, Chosen]]:
        """The items of an array of amounts by period: a column each, of the first row that is named like the array."""
        assert node.items is not None
        found = self._row(node)
        if found is None:
            return []
        statement, line = found
        return [
            {
                leaf.path: chosen
                for leaf in node.items.leaves()
                if (chosen := self._leaf(leaf, node.name, statement, line, number))
            }
            for number in sorted(line.cells)
        ]

    def _row(self, node: Node) -> tuple[Statement, Line] | None:
        """The row whose label means the array: by the best of its labels, then in the statement that the path names."""
        labels = _labels(node)
        section = set(words_of(" ".join(node.path.split(".")[:-1])))
        shares = bool(_SHARES & set(words_of(node.name)))
        best: tuple[float, Statement, Line] | None = None
        of_days = any(words <= section for words in _DAYS)
        for statement in self.all:
            if of_days and any(column.months for column in statement.columns):
                continue
            titled = len(section & set(plain(statement.title).split())) / max(1, len(section))
            for line in statement.lines:
                if shares and not all(share for _, _, share in line.cells.values()):
                    continue
                named = max((labels.get(form, 0.0) for form in line.forms), default=0.0)
                score = named + _TITLED * titled
                if named >= _LEAST and (best is None or score > best[0] + 1e-6):
                    best = (score, statement, line)
        return best[1:] if best else None

    def _leaf(self, leaf: Node, item: str, statement: Statement, line: Line, number: int) -> Chosen | None:
        """What the table says of one property of the item in a column."""
        amount, words, share = line.cells[number]
        names = set(words_of(leaf.name))
        label = text_of(line.label)
        per_share = any("per share" in form or "per common share" in form for form in line.forms)
        if names & _VALUES:
            said = set(words_of(item))
            unsigned = said & _OUTFLOWS and "tax" not in said
            return _chosen(abs(amount) if unsigned else amount, words, _TRUST, label)
        if names & _PERIODS:
            column = statement.columns[number]
            return _chosen(self._period(leaf, column), column.words, _DERIVED, "column")
        if "scale" in names or "multiplier" in names:
            if share or per_share:
                return _chosen(1, words, _DERIVED, label)
            return _chosen(*statement.scale, _DERIVED, "scale") if statement.scale else None
        if names & {"unit", "currency"}:
            if share:
                return _chosen("%", words, _TRUST, label)
            return _chosen(*statement.currency, _DERIVED, "currency") if statement.currency else None
        if "label" in names or names == {"line", "item"}:
            return _chosen(label, line.label, _TRUST, "row")
        return None

    def _period(self, leaf: Node, column: Column) -> str:
        """The column's period as the schema writes periods: of fiscal years where its description has them."""
        wants_fiscal = "FY2" in f"{leaf.description}{leaf.pattern}" or leaf.pattern.startswith("^FY")
        if wants_fiscal and column.end is not None and self.year_end is not None:
            return fiscal(column.end, column.months, self.year_end)
        if leaf.format == "date" and column.end is not None:
            return column.end.isoformat()
        return column.text


def fiscal(end: date, months: int, year_end: date) -> str:
    """A period's name in fiscal years, which are called by the year in which they end: `FY2025 Q2`, `FY2025 H1`."""
    after = round((end - year_end).days / _MONTH_DAYS)
    years = math.ceil(after / 12)
    within = after - 12 * (years - 1)
    name = f"FY{year_end.year + years}"
    if within == 12 and months in (0, 12):
        return name
    if months in (0, 3):
        return f"{name} Q{math.ceil(within / 3)}"
    return f"{name} H{within // 6}" if months == 6 and within % 6 == 0 else f"{name} YTD"


def _labels(node: Node) -> dict[str, float]:
    """The forms of labels that mean the array, with their trust."""
    found: dict[str, float] = {}
    name = " ".join(words_of(node.name))
    for rank, label in enumerate(_known().get(name, ())):
        found[item_form(label)] = 1.0 - 0.02 * rank
    for phrase, weight in target(node, {}).phrases.items():
        found.setdefault(item_form(phrase), 0.7 * weight)
    return found


def _chosen(value: Scalar, words: tuple[Word, ...], trust: float, label: str) -> Chosen:
    return Chosen(Candidate(value, words, trust, label), 0.0, trust)


def _statements(layout: Layout, style: Style) -> Iterator[Statement]:
    """Every row of periods with the rows of numbers below it, to the next such row or the page's end."""
    heads = [(row.index, columns) for row in layout.rows if (columns := _columns(layout, row, style))]
    for position, (index, columns) in enumerate(heads):
        following = heads[position + 1][0] if position + 1 < len(heads) else len(layout.rows)
        page = layout.rows[index].page
        rows = [row for row in layout.rows[index + 1 : following] if row.page == page]
        above = [row for row in layout.rows[max(0, index - 9) : index] if row.page == page]
        lines = tuple(_lines(rows, columns, style))
        if len(lines) >= 2:
            title = " ".join(row.text for row in above if len(row.words) <= _TITLE)
            yield Statement(title, columns, lines, _scale(above, layout), _money(rows))


def _columns(layout: Layout, row: Row, style: Style) -> tuple[Column, ...]:
    """The periods that a row names, each with what stands above it; none if it is no row of periods."""
    named = [each for each in row.segments if _is_period(each, style)]
    if len(named) < 2 or any(len(each.words) > 3 for each in row.segments[1:] if each not in named):
        return ()
    above = [each for each in layout.rows[max(0, row.index - 3) : row.index] if each.page == row.page]
    above = [each for each in above if _heads_periods(each)]
    found = []
    for segment in named:
        centre = (segment.x0 + segment.x1) / 2
        parts = [min(each.segments, key=lambda one: abs((one.x0 + one.x1) / 2 - centre)) for each in above]
        parts = [part for part in parts if abs((part.x0 + part.x1) / 2 - centre) < 90]
        words = tuple(word for part in [*parts, segment] for word in part.words)
        day = dates(_joined(words), style)
        match = _MONTHS.search(text_of(words))
        months = _LENGTHS[next(each for each in match.groups() if each).casefold()] if match else 0
        end = date.fromisoformat(str(day[0].value)) if day else None
        found.append(Column(words, segment.x0, segment.x1, end, months))
    return tuple(found) if len({column.text for column in found}) == len(found) else ()


def _joined(words: Sequence[Word]) -> str:
    """The words with day and year side by side, though a line break stood between."""
    return re.sub(r"\s+,", ",", text_of(words))


def _is_period(segment: Segment, style: Style) -> bool:
    text = segment.text.strip(" ()*")
    return bool(_YEAR.fullmatch(text)) or (bool(DATE.fullmatch(text)) and bool(dates(text, style)))


def _heads_periods(row: Row) -> bool:
    """Whether the row can stand above periods: it says how long they are, or their day and month."""
    return (
        bool(re.search(r"\b[Ee]nded\b|\b[Mm]onths\b|\b[Ww]eeks\b|\b[A-Z][a-z]+ \d{1,2},?$", row.text))
        and len(row.words) < 24
    )


def _lines(rows: Sequence[Row], columns: tuple[Column, ...], style: Style) -> Iterator[Line]:
    heading = ""
    left = min(min(word.x0 for word in column.words) for column in columns) - 30
    for row in rows:
        label = tuple(word for word in row.words if word.x1 < left)
        cells = _cells([word for word in row.words if word.x1 >= left], columns, style)
        if cells and label:
            yield Line(label, heading, cells)
        elif label and not cells:
            heading = item_form(text_of(label)) if text_of(label).rstrip().endswith(":") else heading


def _cells(
    words: Sequence[Word], columns: tuple[Column, ...], style: Style
) -> dict[int, tuple[float, tuple[Word, ...], bool]]:
    """The numbers of a row by their columns: one each, or by the nearest right edge. Dashes stand for nothing."""
    found: list[tuple[float | None, tuple[Word, ...], bool]] = []
    for position, word in enumerate(words):
        if word.text in ("—", "–", "-", "—%"):
            found.append((None, (word,), False))
            continue
        value = numbers(word.text if not word.text.startswith("(") or ")" in word.text else word.text + ")", style)
        if len(value) == 1 and re.search(r"\d", word.text):
            following = words[position + 1].text if position + 1 < len(words) else ""
            share = "%" in word.text or following.lstrip(")").startswith("%")
            before = words[position - 1 : position] if position and words[position - 1].text in ("$", "€", "£") else []
            found.append((float(value[0].value), (*before, word), share))
    placed: dict[int, tuple[float, tuple[Word, ...], bool]] = {}
    for order, (amount, spoken, share) in enumerate(found):
        distances = [_distance(spoken[-1], column) for column in columns]
        number = order if len(found) == len(columns) else distances.index(min(distances))
        if amount is not None and number not in placed and distances[number] < _ASIDE:
            placed[number] = (amount, spoken, share)
    return placed


def _distance(word: Word, column: Column) -> float:
    """How far a number stands from where its column's name would have it: edges or centres agree at best."""
    left, right = word.x0 - column.x0, word.x1 - column.x1
    return min(abs(left), abs(right), abs(left + right) / 2)


def _scale(above: Sequence[Row], layout: Layout) -> tuple[int, tuple[Word, ...]] | None:
    """The factor that the rows above the table name, else the first that the document names."""
    for row in [*reversed(above), *layout.rows]:
        match = _SCALE.search(row.text)
        if match is not None:
            named = tuple(word for word in row.words if match[1].casefold() in word.text.casefold())
            return _SCALES[match[1].casefold()], named[:1]
    return None


def _money(rows: Sequence[Row]) -> tuple[str, tuple[Word, ...]] | None:
    """The currency whose sign stands before the numbers."""
    for row in rows:
        for word in row.words:
            if word.text in ("$", "€", "£") or word.text in CURRENCIES:
                found = currency(word.text)
                if found is not None:
                    return str(found.value), (word,)
    return None
