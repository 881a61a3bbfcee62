"""Which way a page is read, and why: decided from what the fast path made of the page's own marks.

The fast path reads every page that has text. The layout model is spent only where the fast path itself is in doubt:
tables without a grid or with one that does not fit their text, and lines of cells that it made no table of.
"""

from __future__ import annotations

from collections.abc import Sequence

from docmill.config import Mode
from docmill.extract.pdf.aligned import text_rows
from docmill.extract.pdf.drafts import Draft
from docmill.extract.pdf.faults import faults
from docmill.extract.pdf.figures import inside
from docmill.extract.pdf.ink import Ink
from docmill.extract.pdf.tables import FoundTable
from docmill.models import ElementType

_FAULTY = 0.3  # faults a cell: a grid with more does not fit its text
_MOST_RUNS, _MOST_SHAPES = 2_000, 5_000
"""On a page: with more the model takes seconds to minutes, because it compares all of them with each other."""
_LOOSE_LINES = 3  # lines of three or more runs outside tables


def doubt(table: FoundTable) -> str:
    """Why the table may not be read right without a model, "" if there is no reason."""
    if not table.ruled:
        return "a table without a grid"
    return "a grid that does not fit its text" if faults(table) > _FAULTY else ""


def why_model(mode: Mode, ink: Ink, drafts: Sequence[Draft]) -> str:
    """Why the layout model is worth its cost on the page that the fast path made these drafts of; "" if it is not."""
    shapes = len(ink.drawings) + len(ink.fills) + len(ink.h_rules) + len(ink.v_rules)
    if mode is Mode.FAST or not ink.runs or len(ink.runs) > _MOST_RUNS or shapes > _MOST_SHAPES or ink.turn is not None:
        return ""
    if mode is Mode.ACCURATE:
        return "mode accurate"
    doubts = [draft.doubt for draft in drafts if draft.doubt]
    if doubts:
        return doubts[0]
    return "lines of cells outside tables" if _loose_lines(ink, drafts) >= _LOOSE_LINES else ""


def _loose_lines(ink: Ink, drafts: Sequence[Draft]) -> int:
    """How many lines of three or more runs stand outside the tables and figures."""
    kinds = (ElementType.TABLE, ElementType.IMAGE, ElementType.INFOGRAPHIC)
    taken = [draft.box for draft in drafts if draft.type in kinds]
    rows = text_rows(ink.runs)
    return sum(len(row.runs) >= 3 and not any(inside(row.runs[0], box) for box in taken) for row in rows)
