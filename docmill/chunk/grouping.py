"""Puts pieces of elements together into groups, each of which becomes a chunk.

A unit is what must stay together: a small element, a sentence, some rows of a table with their head. Units are added to
a group until it is full, or until the strategy says that the next one begins a new chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from docmill.chunk.context import table_labels
from docmill.chunk.pieces import Piece, Tokenizer, split_sentences, split_table, split_text, tail
from docmill.config import ChunkConfig, Strategy
from docmill.models import Element, ElementType

FURNITURE = {ElementType.HEADER, ElementType.FOOTER}
_HEADS = {ElementType.TITLE, ElementType.CAPTION}
_SMALL = 0.25
"""A section, or a page's beginning of one, that fills less than this share of a chunk is joined with the next one."""
_CONTEXT_SHARE = 4
"""A quarter of a chunk is kept for its context."""
_PACKED = 8
"""By tokens, a chunk is filled in eighths."""

Boundary = tuple[int, int]
"""An element's ordinal and the character that a new subject begins at."""


def is_left_out(element: Element) -> bool:
    """Whether no chunk holds the element: furniture, pictures that repeat another, and what has no text."""
    return element.type in FURNITURE or "repeat_of" in element.metadata or not element.text.strip()


@dataclass(frozen=True)
class Group:
    """Pieces of one chunk; the first `repeated` stand in an earlier chunk, too."""

    pieces: Sequence[Piece]
    repeated: int


@dataclass(frozen=True)
class _Unit:
    pieces: Sequence[Piece]
    cost: int
    is_table: bool = False

    @property
    def first(self) -> Piece:
        """The piece that begins it."""
        return self.pieces[0]


@dataclass(frozen=True)
class Budgets:
    """Tokens: of a chunk's context, of its embedded text without that, of a table's text, and of the overlap."""

    context: int
    body: int
    table: int
    overlap: int


def budgets(config: ChunkConfig, tokenizer: Tokenizer) -> Budgets:
    """What the settings leave for each part of a chunk."""
    context = config.max_tokens // _CONTEXT_SHARE if config.context else 0
    body = config.max_tokens - tokenizer.special_tokens - context
    table = max(config.table_tokens - tokenizer.special_tokens - context, body) if config.tables_apart else body
    return Budgets(context, body, table, min(config.overlap_tokens, body // 2))


@dataclass
class Grouper:
    """Groups the pieces of a document's elements. `subjects`, where new ones begin, are for the semantic strategy."""

    tokenizer: Tokenizer
    config: ChunkConfig
    subjects: frozenset[Boundary] = frozenset()
    _group: list[Piece] = field(default_factory=list)
    _repeated: int = 0
    _cost: int = 0

    def groups(self, elements: Sequence[Element]) -> Iterator[Group]:
        """The groups in reading order."""
        limits = budgets(self.config, self.tokenizer)
        for element in elements:
            if is_left_out(element):
                continue
            for unit in self._units(element, limits):
                begins = self._begins(unit, limits)
                if len(self._group) > self._repeated and (begins or self._cost + unit.cost > limits.body):
                    yield Group(self._group, self._repeated)
                    self._restart(unit, limits, overlapped=not begins)
                elif begins:
                    self._restart(unit, limits, overlapped=False)
                if not self._group and unit.first.repeats:
                    self._repeated = 1
                self._group = [*self._group, *unit.pieces]
                self._cost += unit.cost
        if len(self._group) > self._repeated:
            yield Group(self._group, self._repeated)

    def _restart(self, unit: _Unit, limits: Budgets, *, overlapped: bool) -> None:
        """A new group begins, with the end of the one before where that is to overlap."""
        carried: list[Piece] = []
        if overlapped and not unit.first.repeats and not (unit.is_table and self.config.tables_apart):
            carried = tail(self._group, self.tokenizer, min(limits.overlap, limits.body - unit.cost))
        self._group, self._repeated, self._cost = carried, len(carried), sum(piece.tokens for piece in carried)

    def _units(self, element: Element, limits: Budgets) -> list[_Unit]:
        if element.type is ElementType.TABLE:
            return self._table_units(element, limits)
        match self.config.strategy:
            case Strategy.TOKENS:
                pieces = split_text(element, self.tokenizer, max(1, limits.body // _PACKED), sentences=False)
            case Strategy.SENTENCE | Strategy.SEMANTIC:
                pieces = split_sentences(element, self.tokenizer, limits.body)
            case _:
                pieces = split_text(element, self.tokenizer, limits.body)
        return [_Unit([piece], piece.tokens) for piece in pieces]

    def _table_units(self, element: Element, limits: Budgets) -> list[_Unit]:
        """The table's rows in as few units as its text and its labels allow."""
        units = []
        for size in dict.fromkeys((limits.table, limits.body)):
            groups = split_table(element, self.tokenizer, size)
            units = [_Unit(pieces, self._table_cost(pieces), is_table=True) for pieces in groups]
            if all(unit.cost <= limits.body for unit in units):
                break
        return units

    def _table_cost(self, pieces: Sequence[Piece]) -> int:
        if self.config.tables_apart:
            labels = table_labels("".join(piece.text for piece in pieces))
            if labels:
                return len(self.tokenizer.tokenize(labels).offsets)
        return sum(piece.tokens for piece in pieces)

    def _begins(self, unit: _Unit, limits: Budgets) -> bool:
        """Whether the unit begins a new chunk, full or not."""
        if not self._group:
            return False
        before, element = self._group[-1].element, unit.first.element
        if self.config.tables_apart:
            held = next((each.element for each in self._group if each.element.type is ElementType.TABLE), None)
            if held is not None:
                return element.describes != held.ordinal
            if unit.is_table:
                return not self._only_heads()
        return _STARTS[self.config.strategy](self, before, unit, limits)

    def _only_heads(self) -> bool:
        """Whether nothing but titles and captions has been taken since the last chunk."""
        return self._repeated == 0 and all(piece.element.type in _HEADS for piece in self._group)

    def _is_small(self, limits: Budgets) -> bool:
        return self._cost < limits.body * _SMALL

    def _never(self, _before: Element, _unit: _Unit, _limits: Budgets) -> bool:
        return False

    def _new_page(self, before: Element, unit: _Unit, _limits: Budgets) -> bool:
        return unit.first.element.page != before.page

    def _new_element(self, before: Element, unit: _Unit, _limits: Budgets) -> bool:
        return unit.first.element is not before and not self._only_heads()

    def _new_section(self, before: Element, unit: _Unit, limits: Budgets) -> bool:
        """Not under a title that has no text yet, nor behind a small section or a small part of one."""
        if self._only_heads() or self._is_small(limits):
            return False
        element = unit.first.element
        titled = element.type is ElementType.TITLE and unit.first.start == 0
        return titled or (element is not before and element.page != before.page)

    def _new_subject(self, _before: Element, unit: _Unit, limits: Budgets) -> bool:
        element = unit.first.element
        titled = element.type is ElementType.TITLE and unit.first.start == 0
        changed = titled or (element.ordinal, unit.first.start) in self.subjects
        return changed and not self._only_heads() and not self._is_small(limits)


_STARTS: dict[Strategy, Callable[[Grouper, Element, _Unit, Budgets], bool]] = {
    Strategy.TOKENS: Grouper._never,
    Strategy.SENTENCE: Grouper._never,
    Strategy.PAGE: Grouper._new_page,
    Strategy.SECTION: Grouper._new_section,
    Strategy.ELEMENT: Grouper._new_element,
    Strategy.SEMANTIC: Grouper._new_subject,
}
