"""The data model: what the stages take and return. All models are frozen.

Coordinates are page points (1/72 inch) with the origin at the top left of the page as displayed (rotation applied), x
to the right, y down; for image files one pixel is one point. Pages and slides are numbered from 1; elements, chunks,
rows and columns from 0.
"""

from __future__ import annotations

from docmill.models.base import Metadata, Model, Scalar
from docmill.models.chunks import Chunk, ChunkKind, Span
from docmill.models.documents import INSIDE, Document, ErrorClass, Outcome, Stage, Status
from docmill.models.elements import PICTURES, Crop, Element, ElementType, Line, Link
from docmill.models.extraction import Extraction, Member, OutlineEntry, Page, PageStatus
from docmill.models.hits import Hit
from docmill.models.places import BBox, Region, clock
from docmill.models.tables import Cell, Table

__all__ = [
    "INSIDE",
    "PICTURES",
    "BBox",
    "Cell",
    "Chunk",
    "ChunkKind",
    "Crop",
    "Document",
    "Element",
    "ElementType",
    "ErrorClass",
    "Extraction",
    "Hit",
    "Line",
    "Link",
    "Member",
    "Metadata",
    "Model",
    "Outcome",
    "OutlineEntry",
    "Page",
    "PageStatus",
    "Region",
    "Scalar",
    "Span",
    "Stage",
    "Status",
    "Table",
    "clock",
]
