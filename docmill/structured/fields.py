"""Fills the leaves that stand in no array: candidates for each, then one assignment over all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from docmill.models import Scalar
from docmill.structured.addresses import Addresses
from docmill.structured.formats import FINDERS
from docmill.structured.front import asks_for_person, head_person, head_title
from docmill.structured.labels import Labels, Place, Surroundings, Zone
from docmill.structured.prose import Prose
from docmill.structured.reading import Value, in_prose, read, spanned, text_of
from docmill.structured.sections import Sections
from docmill.structured.targets import Target, words_of
from docmill.structured.values import Style, plain
from docmill.structured.words import Layout, Word

_OTHERS = ("your", "customer", "client", "uw", "ihre", "votre", "buyer", "su")
_MARGIN = 0.15
"""A field takes no candidate that is worse than its best by more than this: rather null than the second best."""
_TOLERANCE = 0.011
_CELL = 4
"""In running text a value beside a label without a colon has no more words than a cell of a table."""
_SECTION = 0.98
"""The text below a heading is trusted more than the line beside it."""
_WORDED = frozenset(("text", "org", "party", "city", "street", "address", "state", "country", "law", "effective"))
"""Kinds whose values are words: what stands beside a label without a colon is one only where it is no running text."""
_HOST = re.compile(r"^((?:https?://)?[^/:]+)/.+$")
_METHODS = re.compile(
    r"(?<!\w)(?:credit card|debit card|mastercard|american express|paypal|ideal|bancontact|bank transfer|wire transfer|"
    r"direct debit|apple pay|google pay|klarna|sofortüberweisung|sofort|banküberweisung|überweisung|lastschrift|vorkasse|"
    r"kreditkarte|nachnahme|rembours|virement|prélèvement|carte bancaire|carte de crédit|chèque|overboeking|"
    r"automatische incasso|transferencia bancaria|tarjeta de crédito|domiciliación|bonifico(?: bancario)?|przelew)(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Candidate:
    """A value that a target may take, with the words that write it and how far it is trusted (0 to 1)."""

    value: Scalar
    words: tuple[Word, ...]
    score: float
    label: str = ""

    @property
    def place(self) -> tuple[float, ...]:
        """What tells the span from others."""
        word = self.words[0]
        return (word.page, round(word.y0, 1), round(word.x0, 1))


@dataclass(frozen=True)
class Strategy:
    """One way to read a document. Consensus compares several; a single pass uses the first.

    `labels`, `forms`, `places` and `prose` say which sources of candidates are used; `threshold` is the least score.
    """

    name: str = "all"
    labels: bool = True
    forms: bool = True
    addresses: bool = True
    prose: bool = True
    threshold: float = 0.6
    below: float = 1.0


@dataclass(frozen=True)
class Chosen:
    """What was chosen for a target; `rival` is the score of the best candidate with another value."""

    candidate: Candidate
    rival: float
    confidence: float


def fill(targets: Sequence[Target], layout: Layout, style: Style, strategy: Strategy) -> dict[int, Chosen]:
    """The values of the targets by index; those without evidence are left out."""
    asked = [*targets, *_helpers(targets)]
    labels = Labels(asked)
    zones = list(labels.zones(layout))
    candidates = _all_candidates(asked, layout, zones, style, strategy)
    candidates = _add_up(asked, candidates)
    return _assign(len(targets), asked, candidates, strategy.threshold)


def _helpers(targets: Sequence[Target]) -> list[Target]:
    """The amounts that the schema does not ask for, but which tell a total from a subtotal."""
    from docmill.structured.schema import Node
    from docmill.structured.targets import target

    have = {each.concept for each in targets}
    if not have & {"total", "subtotal", "tax"}:
        return []
    return [target(Node("number", name, name), {}) for name in ("total", "subtotal", "tax") if name not in have]


def _all_candidates(
    targets: Sequence[Target], layout: Layout, zones: Sequence[Zone], style: Style, strategy: Strategy
) -> list[list[Candidate]]:
    found: list[list[Candidate]] = [[] for _ in targets]
    if strategy.labels:
        around = Surroundings(layout, zones)
        for zone in zones:
            for number, weight in zone.meanings.items():
                found[number] += _labelled(targets[number], weight, zone, around, style, strategy)
    if strategy.forms:
        for number, target in enumerate(targets):
            found[number] += _by_form(target, layout, style)
    if strategy.addresses and any(each.kind in ADDRESSED for each in targets):
        known = Addresses(layout, zones)
        for number, target in enumerate(targets):
            found[number] += [Candidate(*each) for each in known.candidates(target)]
    if strategy.prose:
        prose = Prose(layout)
        for number, target in enumerate(targets):
            found[number] += [Candidate(*each) for each in prose.candidates(target, style)]
    sections = Sections(layout)
    for number, target in enumerate(targets):
        found[number] += _told(target, sections)
    return [_merged(each) for each in found]


def _told(target: Target, sections: Sections) -> list[Candidate]:
    """What headings and the head of the document tell without a label: texts of sections, the title, the person."""
    if target.node.kind != "string" or target.node.enum or target.node.format:
        return []
    if asks_for_person(target.node.name, target.node.description):
        given = head_person(sections)
        return [Candidate(*given, "at the head")] if given else []
    if words_of(target.node.name) == ["title"] and "." not in target.node.path:
        given = head_title(sections)
        return [Candidate(*given, "at the head")] if given else []
    section = sections.text(target.node) if target.kind == "text" else None
    return [Candidate(section[0], section[1], _SECTION, section[2])] if section else []


ADDRESSED = frozenset(["org", "city", "zip", "street", "state", "country", "country_code", "address", "currency"])


def _labelled(
    target: Target, weight: float, zone: Zone, around: Surroundings, style: Style, strategy: Strategy
) -> list[Candidate]:
    rival = max((trust for name, trust in zone.others.items() if name != target.concept), default=0.0)
    if rival > weight + 0.04 or (_strangers(zone, target)):
        return []
    found: list[Candidate] = []
    for place in around.places(zone):
        if not zone.closed and (in_prose(place.words) or (target.kind in _WORDED and not _is_name(place.words))):
            continue
        if not zone.closed and around.runs and (target.kind in _WORDED or len(place.words) > _CELL):
            continue  # headings and lines of running text are no labels
        values = _suited(target, read(target, place.words, style), place)
        near = place.near if place.inline else place.near * strategy.below
        found += [Candidate(each.value, each.words, min(1.0, weight) * near * each.fit, zone.text) for each in values]
        if values and max(each.fit for each in values) > 0.9:
            break
    return found


def _is_name(words: Sequence[Word]) -> bool:
    """Whether words beside a label without a colon can be a text: they begin with one, and not as a sentence goes on."""
    first = re.sub(r"^\W+", "", words[0].text)
    letters = sum(char.isalpha() for word in words for char in word.text)
    return letters >= 2 and bool(first) and not (first[0].islower() and first.isalpha())


def _strangers(zone: Zone, target: Target) -> bool:
    """Whether the label says that the value is the other side's (`your VAT number` on an invoice)."""
    if target.side == "customer" or target.concept in ("purchase_order", "customer_number", "customer", "order_number"):
        return False
    before = zone.segment.words[: zone.segment.words.index(zone.label[0])]
    said = plain(text_of((*before, *zone.label))).split()
    return target.kind in ("vat", "iban", "bic", "phone", "email") and bool(set(_OTHERS) & set(said))


def _suited(target: Target, values: list[Value], place: Place) -> list[Value]:
    """Of several amounts on one line the last is the sum; of other values the first is the label's."""
    if len(values) > 1 and target.kind == "money":
        return [replace(values[-1], fit=max(values[-1].fit, 0.8 if place.inline else values[-1].fit))]
    return values[:1]


def _by_form(target: Target, layout: Layout, style: Style) -> list[Candidate]:
    """Values that their form alone tells: of a kind of which the document holds one only."""
    if target.kind in ("currency", "sign"):
        return _currencies(target, layout, style)
    if target.concept == "payment_method":
        return _payment(layout)
    if target.kind not in FINDERS or target.concept == "fax" or target.side in ("customer", "ship_to"):
        return []
    found: dict[str, list[Candidate]] = {}
    for row in layout.rows:
        for segment in row.segments:
            if target.kind != "url" and set(plain(segment.text).split()) & set(_OTHERS):
                continue
            for each in read(target, segment.words, style) if _has_form(target, segment.text) else []:
                score = 0.72 + (0.12 if each.fit >= 1 and target.kind in ("iban", "vat") else 0)
                if target.concept == "website":
                    each = replace(each, value=_HOST.sub(r"\1", str(each.value)))
                key = plain(str(each.value)).replace(" ", "")
                found.setdefault(key, []).append(Candidate(each.value, each.words, score * min(1, each.fit + 0.1)))
    if len(found) != 1:
        return []
    return next(iter(found.values()))[:1]


def _payment(layout: Layout) -> list[Candidate]:
    """The means of payment that the document names, if there is one only."""
    found: dict[str, Candidate] = {}
    for row in layout.rows:
        for match in _METHODS.finditer(row.text):
            words = spanned(row.words, match.start(), match.end())
            found.setdefault(match[0].casefold(), Candidate(match[0], words, 0.68))
    return list(found.values()) if len(found) == 1 else []


def _has_form(target: Target, text: str) -> bool:
    return bool(FINDERS[target.kind](text))


def _currencies(target: Target, layout: Layout, style: Style) -> list[Candidate]:
    """The currency beside the amounts, if there is one only."""
    seen: dict[str, list[Candidate]] = {}
    for row in layout.rows:
        for segment in row.segments:
            if any(char.isdigit() for char in row.text) or len(segment.words) < 4:
                for each in read(target, segment.words, style):
                    seen.setdefault(str(each.value), []).append(Candidate(each.value, each.words, 0.8 * each.fit))
    if len(seen) != 1:
        return []
    return next(iter(seen.values()))[:1]


def _merged(candidates: list[Candidate]) -> list[Candidate]:
    """One candidate for each value and span, the best; a value that stands at several places gains a little."""
    best: dict[tuple[str, tuple[float, ...]], Candidate] = {}
    places: dict[str, set[tuple[float, ...]]] = {}
    for each in candidates:
        key = (str(each.value), each.place)
        places.setdefault(str(each.value), set()).add(each.place)
        if key not in best or best[key].score < each.score:
            best[key] = each
    out = [
        replace(each, score=min(1.0, each.score + 0.02 * (min(3, len(places[value])) - 1)))
        for (value, _), each in best.items()
    ]
    return sorted(out, key=lambda each: -each.score)


def _add_up(targets: Sequence[Target], candidates: list[list[Candidate]]) -> list[list[Candidate]]:
    """The candidates, those in front whose subtotal and tax add up to the total."""
    roles: dict[str, int] = {
        name: i for i, each in enumerate(targets) for name in ("subtotal", "tax", "total") if each.concept == name
    }
    if len(roles) < 3:
        return candidates
    parts = {name: _distinct(candidates[number]) for name, number in roles.items()}
    best: tuple[float, dict[str, float]] = (0.0, {})
    for total in parts["total"]:
        for subtotal in parts["subtotal"]:
            for tax in parts["tax"]:
                if abs(subtotal + tax - total) <= _TOLERANCE and total and (tax or subtotal == total):
                    support = _support(candidates, roles, {"total": total, "subtotal": subtotal, "tax": tax})
                    if support > best[0]:
                        best = (support, {"total": total, "subtotal": subtotal, "tax": tax})
    if not best[1]:
        return candidates
    out = list(candidates)
    for name, number in roles.items():
        boosted = [
            replace(each, score=min(1.0, each.score + 0.2))
            if each.value == best[1][name]
            else replace(each, score=each.score - 0.1)
            for each in candidates[number]
        ]
        out[number] = sorted(boosted, key=lambda each: -each.score)
    return out


def _distinct(candidates: Sequence[Candidate]) -> list[float]:
    seen = dict.fromkeys(each.value for each in candidates if isinstance(each.value, int | float))
    return [float(value) for value in list(seen)[:12] if value is not None]


def _support(candidates: list[list[Candidate]], roles: dict[str, int], values: dict[str, float]) -> float:
    return sum(
        max((each.score for each in candidates[number] if each.value == values[name]), default=0.0)
        for name, number in roles.items()
    )


def _assign(
    count: int, targets: Sequence[Target], candidates: list[list[Candidate]], least: float
) -> dict[int, Chosen]:
    """One optimum over all targets: a span feeds one of them, save those that mean the same."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    groups: dict[str, list[int]] = {}
    for number, target in enumerate(targets):
        groups.setdefault(
            f"{target.concept}/{target.side}/{target.kind}" if target.concept else f"#{number}", []
        ).append(number)
    leads = [numbers[0] for numbers in groups.values()]
    spans = list(dict.fromkeys(each.place for lead in leads for each in candidates[lead]))
    if not spans:
        return {}
    scores = np.zeros((len(leads), len(spans) + len(leads)))
    scores[:, len(spans) :] = least
    column = {place: number for number, place in enumerate(spans)}
    for line, lead in enumerate(leads):
        for each in candidates[lead]:
            scores[line, column[each.place]] = max(scores[line, column[each.place]], each.score)
    rows, columns = linear_sum_assignment(scores, maximize=True)
    chosen: dict[int, Chosen] = {}
    for line, place in zip(rows, columns, strict=True):
        if place >= len(spans) or scores[line, place] < least:
            continue
        lead = leads[line]
        taken = next(each for each in candidates[lead] if each.place == spans[place])
        if taken.score >= candidates[lead][0].score - _MARGIN:
            for number in groups[next(key for key, value in groups.items() if value[0] == lead)]:
                if number < count:
                    chosen[number] = _chosen(taken, candidates[lead])
    return chosen


def _chosen(taken: Candidate, candidates: Sequence[Candidate]) -> Chosen:
    rival = max((each.score for each in candidates if _differs(each.value, taken.value)), default=0.0)
    margin = max(0.0, taken.score - rival)
    confidence = min(0.99, taken.score) * (0.75 + 0.25 * min(1.0, margin / 0.25))
    return Chosen(taken, rival, round(confidence, 4))


def _differs(a: Scalar, b: Scalar) -> bool:
    return plain(str(a)) != plain(str(b))
