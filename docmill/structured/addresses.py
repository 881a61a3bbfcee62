"""Postal addresses and company names: which stand in the document, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

from docmill.models import Scalar
from docmill.structured.formats import FINDERS
from docmill.structured.labels import Zone
from docmill.structured.numbers import currency
from docmill.structured.reading import spanned, text_of
from docmill.structured.targets import Target
from docmill.structured.values import plain
from docmill.structured.vocabulary import CUSTOMER_LABELS
from docmill.structured.words import Layout, Segment, Word

_CITIES = tuple(
    re.compile(pattern)
    for pattern in (
        r"^(?:.*,\s)?(?P<city>[A-Z][A-Za-z .'’-]+?),?\s+(?P<state>[A-Z]{2})\.?,?\s+(?P<zip>\d{5}(?:-\d{4})?)\b(?P<rest>.*)$",
        r"^(?:.*,\s)?(?P<zip>\d{4}\s?[A-Z]{2})\s+(?P<city>[A-Z][^\d,]+?)(?P<rest>(?:,.*)?)$",
        r"^(?P<city>[A-Z][A-Za-z .'’-]+?)?,?\s*(?P<zip>[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2})\b(?P<rest>.*)$",
        r"^(?:.*,\s)?(?:[A-Z]{1,2}\s?-\s?)?(?P<zip>\d{4,5})\s+(?P<city>[A-ZÀ-Þ][^\d,:]{1,40}?)(?P<rest>(?:[,(].*)?)$",
        r"^(?:.*,\s)?(?P<city>[A-Z][A-Za-z .]+?)\s*[-–]\s*(?P<zip>\d{6})\b(?P<rest>.*)$",
    )
)
_LEGAL = re.compile(
    r"(?<!\w)(?:B\.?V\.?|N\.V\.|GmbH(?: & Co\.? KG)?|AG|KG|UG|e\.?K\.|Ltd\.?|Limited|LLC|L\.L\.C\.|Inc\.?|Incorporated|Corp\.?|Corporation|"
    r"LLP|PLC|plc|S\.?A\.?R\.?L\.?|SAS|S\.A\.S?\.?|SA|S\.?p\.?A\.?|S\.?r\.?l\.?|S\.L\.U?\.?|SL|Oy|AB|A/S|ApS|Pty|Pvt|"
    r"sp\. z o\.o\.|S\.A\.)(?=[\s,.)|]|$)"
)
_STREET = re.compile(
    r"\d|street|road|avenue|lane|straße|strasse|str\.|weg|platz|rue|laan|straat|calle|via |plaza|drive", re.IGNORECASE
)
_STREETS = re.compile(
    r"\b(?:St|Street|Ave|Avenue|Rd|Road|Blvd|Dr|Drive|Lane|Ln|Way|Court|Ct|rue|Straße|Str)\b\.?", re.IGNORECASE
)
_NO_NAME = re.compile(r"invoice|factu?u?r|rechnung|receipt|page|seite|date|^\W*$|[:#@]|\d{3}|www\.|http", re.IGNORECASE)
_LANGUAGES = ("en", "de", "fr", "nl", "es", "it")
Given = tuple[Scalar, tuple[Word, ...], float, str]


@dataclass
class Block:
    """An address: its lines from the name down, the parts that were told apart, and whose it is (a side or "")."""

    lines: list[Segment]
    parts: dict[str, tuple[str, tuple[Word, ...]]] = field(default_factory=dict)
    side: str = ""
    label: str = ""
    weight: float = 0.0


@cache
def countries() -> dict[str, str]:
    """Plain names of countries in six languages, and the common codes, to ISO 3166 codes."""
    from babel import Locale

    found: dict[str, str] = {"usa": "US", "uk": "GB", "u k": "GB", "u s a": "US", "holland": "NL"}
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in ("EU", "EZ", "UN", "ZZ", "XA", "XB"):
                found.setdefault(plain(name), code)
    return found


class Addresses:
    """The addresses and companies of a document."""

    def __init__(self, layout: Layout, zones: Sequence[Zone]) -> None:
        self._layout = layout
        self._zones = {id(zone.segment): zone for zone in zones}
        self._segments = [segment for row in layout.rows for segment in row.segments]

    @cached_property
    def blocks(self) -> list[Block]:
        """The addresses in reading order, each with its side."""
        found = [block for segment in self._segments if (block := self._block(segment)) is not None]
        for block in found:
            self._owner(block)
        if found and not any(block.side == "supplier" for block in found):
            free = [block for block in found if not block.side]
            if free:
                max(free, key=lambda block: block.weight).side = "supplier"
        return found

    def _block(self, segment: Segment) -> Block | None:
        match = next((m for pattern in _CITIES if (m := pattern.match(segment.text)) is not None), None)
        if match is not None and match["city"] and _STREETS.search(match["city"]):
            match = None
        joined = segment
        if match is None:
            row = self._layout.rows[segment.row]
            following = row.segments[row.segments.index(segment) + 1 :][:1]
            if following and following[0].x0 - segment.x1 < 6 * row.height:
                joined = Segment((*segment.words, *following[0].words), segment.row)
                match = _CITIES[0].match(joined.text)
        if match is None or len(joined.text) > 90:
            return None
        block = Block([*self._above(segment), joined])
        for part in ("zip", "city", "state"):
            shown = match.groupdict().get(part)
            if shown:
                start = match.start(part)
                block.parts[part] = (shown.strip(" ,"), spanned(joined.words, start, match.end(part)))
        self._name_and_street(block)
        self._country(block, joined, match)
        return block

    def _above(self, segment: Segment) -> list[Segment]:
        """Up to five lines right above, left edges agreeing; a label ends them."""
        lines: list[Segment] = []
        current = segment
        for index in range(segment.row - 1, max(-1, segment.row - 14), -1):
            row = self._layout.rows[index]
            below = self._layout.rows[current.row]
            if row.page != below.page or below.y0 - row.y1 > 1.1 * below.height or len(lines) == 5:
                break
            found = next((each for each in row.segments if abs(each.x0 - current.x0) < 5), None)
            if found is None:
                continue
            if self._labels_something(found):
                break
            lines.insert(0, found)
            current = found
        return lines

    def _labels_something(self, segment: Segment) -> bool:
        zone = self._zones.get(id(segment))
        return zone is not None and (zone.closed or not zone.rest)

    def _name_and_street(self, block: Block) -> None:
        above = [
            line for line in block.lines[:-1] if not line.text.casefold().startswith(("attn", "t.a.v", "c/o", "z.hd"))
        ]
        if above:
            block.parts["name"] = (_clean(above[0].text), above[0].words)
        streets = [line for line in above[1:] if _STREET.search(line.text)]
        if streets:
            block.parts["street"] = (streets[-1].text.strip(" ,"), streets[-1].words)
        shown = [*above, block.lines[-1]]
        words = tuple(word for line in shown for word in line.words)
        block.parts["address"] = (", ".join(line.text.strip(" ,") for line in shown[1:] or shown), words)

    def _country(self, block: Block, last: Segment, match: re.Match[str]) -> None:
        rest = match.groupdict().get("rest") or ""
        code = plain(rest).upper()
        if len(code) == 2 and code in set(countries().values()):
            block.parts["country_code"] = (code, last.words[-1:])
            return
        row = self._layout.rows[last.row]
        for below in self._layout.rows[last.row + 1 : last.row + 6]:
            if below.page != row.page or below.y0 - row.y1 > 2 * row.height:
                return
            for segment in below.segments:
                known = countries().get(plain(segment.text))
                if known and abs(segment.x0 - last.x0) < 5:
                    block.parts["country"] = (segment.text, segment.words)
                    block.parts["country_code"] = (known, segment.words)
                    return

    def _owner(self, block: Block) -> None:
        """Sets the side by the label above or in the name's line, and the weight by what surrounds the address."""
        first = block.lines[0]
        for label in self._just_above(first):
            zone = self._zones.get(id(label))
            if zone is not None and zone.others:
                trust, name = max((trust, name) for name, trust in zone.others.items())
                if name in ("supplier", *CUSTOMER_LABELS) and trust > 0.75:
                    block.side, block.label = name, zone.text
        text = " ".join(line.text for line in block.lines)
        block.weight = 0.3 * bool(_LEGAL.search(text)) + 0.1 * (first.row < 12) - first.row / 500
        near = [
            row for row in self._layout.rows[block.lines[-1].row : block.lines[-1].row + 14] if row.page == first.page
        ]
        column = " ".join(s.text for row in near for s in row.segments if abs(s.x0 - first.x0) < 20)
        block.weight += 0.25 * any(FINDERS[kind](column) for kind in ("vat", "iban", "url", "email"))
        name = block.parts.get("name", ("", ()))[0]
        if len(name) > 4:
            block.weight += 0.1 * min(3, self._layout.text.count(name) - 1)

    def _just_above(self, segment: Segment) -> Iterator[Segment]:
        row = self._layout.rows[segment.row]
        for index in range(segment.row - 1, max(-1, segment.row - 8), -1):
            above = self._layout.rows[index]
            if above.page != row.page or row.y0 - above.y1 > 2.5 * row.height:
                return
            for each in above.segments:
                if abs(each.x0 - segment.x0) < 8:
                    yield each

    def companies(self) -> list[tuple[str, tuple[Word, ...], float]]:
        """Names that end with a legal form, in reading order, with their trust; a line of them alone is the best."""
        found = []
        for segment in self._segments:
            match = _LEGAL.search(segment.text)
            if match is None or len(segment.text) > 140:
                continue
            end = match.end()
            further = _LEGAL.match(segment.text, end + 1)
            end = further.end() if further else end
            name = re.sub(
                r"^.*(?:[:|•©]|\b(?:by|in favor of|between|attributable to)\b)\s*", "", segment.text[:end]
            ).strip(" ,-")
            words = spanned(segment.words, segment.text.index(name), end)
            if 1 < len(name.split()) <= 7 and name[:1].isupper():
                alone = len(segment.text) - len(name) < 4
                found.append((name, words, 0.8 if alone else 0.6))
        return found

    def candidates(self, target: Target) -> Iterator[Given]:
        """What the addresses and companies say of a target: value, words, trust, label."""
        if target.kind == "org":
            yield from self._names(target)
            return
        wanted = target.side or ("" if target.concept == "currency" else "supplier")
        part = {"zip": "zip", "city": "city", "street": "street", "state": "state", "country": "country",
                "country_code": "country_code", "address": "address"}.get(target.kind)  # fmt: skip
        if part is None:
            return
        for block in self.blocks:
            if block.side == wanted and part in block.parts:
                value, words = block.parts[part]
                yield value, words, 0.84 if target.side or block.label else 0.74, block.label
        if part in ("country", "country_code"):
            yield from self._any_country(part)

    def _any_country(self, part: str) -> Iterator[Given]:
        """The country that the document names, if there is one only."""
        named: dict[str, Segment] = {}
        for segment in self._segments:
            code = countries().get(plain(segment.text))
            if code:
                named.setdefault(code, segment)
        if len(named) == 1:
            (code, segment), *_ = named.items()
            yield code if part == "country_code" else segment.text, segment.words, 0.68, ""

    def _names(self, target: Target) -> Iterator[Given]:
        side = "supplier" if target.concept == "supplier" else target.concept
        others = {plain(b.parts["name"][0]) for b in self.blocks if b.side not in ("", side) and "name" in b.parts}
        for block in self.blocks:
            if block.side == side and "name" in block.parts and not _NO_NAME.search(block.parts["name"][0]):
                value, words = block.parts["name"]
                yield value, words, 0.85 if block.label else 0.74, block.label
        if side == "supplier":
            for name, words, trust in self._own_companies(others):
                yield name, words, trust, ""

    def _own_companies(self, others: set[str]) -> Iterator[tuple[str, tuple[Word, ...], float]]:
        """Companies that are not the customer's; the first, and better if it stands there more than once."""
        found = [each for each in self.companies() if not self._of_customer(each, others)]
        names = list(dict.fromkeys(plain(name) for name, _, _ in found))
        for name, words, trust in found:
            more = min(2, self._layout.text.count(name) - 1) * 0.04
            if len(names) == 1:
                yield name, words, trust + 0.04 + more
            elif plain(name) == names[0]:
                yield name, words, trust - 0.08 + more

    def _of_customer(self, company: tuple[str, tuple[Word, ...], float], others: set[str]) -> bool:
        name, words, _ = company
        if plain(name) in others:
            return True
        segment = next((each for each in self._segments if words[0] in each.words), None)
        if segment is None:
            return False
        said = plain(segment.text)
        if said.startswith(("attn", "t a v", "to ", "for ")):
            return True
        for each in (segment, *self._just_above(segment)):
            zone = self._zones.get(id(each))
            if zone is not None and any(zone.others.get(label, 0) > 0.9 for label in CUSTOMER_LABELS):
                return True
        return False


def _clean(text: str) -> str:
    return text.strip(" ,;:|")


def currency_of(text: str) -> str | None:
    """The ISO code of the currency of a text, None without one."""
    found = currency(text)
    return str(found.value) if found else None


__all__ = ["Addresses", "Block", "countries", "currency_of", "text_of"]
