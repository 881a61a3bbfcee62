"""What was read of a PDF's pages before they are joined to a document; it travels between processes."""

from __future__ import annotations

from dataclasses import dataclass, field

from docmill.extract.pdf.drafts import BodyStyle, Draft
from docmill.models import BBox, Crop, OutlineEntry, Page, Scalar


@dataclass(frozen=True, slots=True)
class Head:
    """What a PDF says as a whole, known before its pages are read."""

    count: int
    body: BodyStyle
    outline: tuple[OutlineEntry, ...] = ()
    metadata: dict[str, Scalar] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    engine: tuple[str, ...] = ()


@dataclass(slots=True)
class PageRead:
    """A page with its drafts; `boxes` and `crops` stand beside the drafts, `pictures` are the crops' PNGs by sha256.

    `ocr` is the method of its lines that have a confidence, `engine` what MuPDF complained about while the page was
    read, `repaired` whether it had mended the file by then.
    """

    page: Page
    height: float = 0.0
    drafts: list[Draft] = field(default_factory=list)
    boxes: list[BBox] = field(default_factory=list)
    crops: dict[int, Crop] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    unknown: int = 0
    ocr: str = ""
    engine: tuple[str, ...] = ()
    repaired: bool = False

    def without(self, index: int) -> Draft:
        """The draft at `index`, taken out of the page."""
        del self.boxes[index]
        self.crops = {at - (at > index): crop for at, crop in self.crops.items() if at != index}
        return self.drafts.pop(index)
