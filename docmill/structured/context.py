"""What arrays are filled from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from docmill.structured.fields import Strategy
from docmill.structured.sections import Sections, running
from docmill.structured.statements import Statements
from docmill.structured.values import Style
from docmill.structured.words import Layout


@dataclass(frozen=True)
class Context:
    """What arrays are filled from. `keys` are the properties that tell items apart, by the array's path."""

    layout: Layout
    style: Style
    strategy: Strategy
    hints: Mapping[str, tuple[str, ...]]
    keys: Mapping[str, str]

    @cached_property
    def statements(self) -> Statements:
        """The tables of line items by period."""
        return Statements(self.layout, self.style)

    @cached_property
    def runs(self) -> bool:
        """Whether the document is mostly running text."""
        return running(self.layout)

    @cached_property
    def sections(self) -> Sections:
        """The headings and what stands below each."""
        return Sections(self.layout)
