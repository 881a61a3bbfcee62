"""Where something stands: a box, a page, a moment.

Coordinates are page points (1/72 inch) with the origin at the top left of the page as displayed (rotation applied), x
to the right, y down; for image files one pixel is one point.
"""

from __future__ import annotations

from docmill.models.base import Model


class BBox(Model):
    """A box in page points, origin top left."""

    x0: float
    y0: float
    x1: float
    y1: float

    def union(self, other: BBox) -> BBox:
        """The smallest box around both."""
        return BBox(
            x0=min(self.x0, other.x0), y0=min(self.y0, other.y0), x1=max(self.x1, other.x1), y1=max(self.y1, other.y1)
        )


class Region(Model):
    """A box on a page."""

    page: int
    bbox: BBox
    page_size: tuple[float, float] | None = None


def clock(seconds: float) -> str:
    """Seconds as a player shows them: `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
