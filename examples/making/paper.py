"""A page setter for PDFs: a cursor, wrapped text, rules and running headers, enough for papers that look real.

All lengths are points, all positions are from the top left of an A4 page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import pymupdf

WIDTH, HEIGHT = 595.0, 842.0
MADE = "D:20250303090000Z"
COMPANY = "Quillmere Winch Works"

Color = tuple[float, float, float]
Align = Literal["left", "right", "centre"]

INK: Color = (0.12, 0.13, 0.15)
GREY: Color = (0.42, 0.44, 0.47)
NAVY: Color = (0.09, 0.23, 0.37)
PALE: Color = (0.90, 0.93, 0.96)

_FACES = {"sans": "helv", "sans-bold": "hebo", "sans-italic": "heit", "serif": "tiro", "serif-bold": "tibo"}
_FACES |= {"serif-italic": "tiit", "mono": "cour"}


@cache
def font(face: str) -> pymupdf.Font:
    """The font of a face such as `sans-bold`."""
    return pymupdf.Font(_FACES[face])


def wrap(text: str, width: float, face: str, size: float) -> list[str]:
    """Lines of `text` that are at most `width` wide; a newline in the text always breaks."""
    lines: list[str] = []
    for part in text.split("\n"):
        line = ""
        for word in part.split():
            longer = f"{line} {word}".strip()
            if line and font(face).text_length(longer, size) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


class Paper:
    """A PDF that is set from top to bottom; `running` draws the header and footer of each page that is begun."""

    def __init__(
        self,
        *,
        top: float = 82,
        bottom: float = 770,
        left: float = 72,
        width: float = WIDTH - 144,
        running: Callable[[Paper, int], None] | None = None,
    ) -> None:
        self.document = pymupdf.open()
        self.top, self.bottom, self.left, self.width = top, bottom, left, width
        self.running = running
        self.new_page()

    def new_page(self) -> None:
        """Begin a page, with the cursor at its top."""
        self.page = self.document.new_page(width=WIDTH, height=HEIGHT)
        self.y = self.top
        if self.running:
            self.running(self, self.document.page_count)

    def room(self, height: float) -> None:
        """Begin a page unless `height` is left on this one."""
        if self.y + height > self.bottom:
            self.new_page()

    def put(
        self,
        x: float,
        y: float,
        text: str,
        face: str = "sans",
        size: float = 10,
        *,
        color: Color = INK,
        align: Align = "left",
    ) -> None:
        """Write one line with its base line at `y`; `x` is its left end, right end or middle by `align`."""
        length = font(face).text_length(text, size)
        x -= {"left": 0.0, "right": length, "centre": length / 2}[align]
        name = "F" + face.replace("-", "")
        self.page.insert_font(fontname=name, fontbuffer=font(face).buffer)
        self.page.insert_text((x, y), text, fontname=name, fontsize=size, color=color)

    def rule(self, x0: float, x1: float, y: float, *, width: float = 0.6, color: Color = GREY) -> None:
        """Draw a horizontal rule."""
        self.page.draw_line((x0, y), (x1, y), color=color, width=width)

    def fill(self, x0: float, y0: float, x1: float, y1: float, color: Color = PALE) -> None:
        """Fill a box."""
        self.page.draw_rect((x0, y0, x1, y1), color=None, fill=color, width=0)

    def paragraph(
        self,
        text: str,
        face: str = "serif",
        size: float = 10.5,
        *,
        indent: float = 0,
        mark: str = "",
        justify: bool = False,
        after: float = 7,
    ) -> None:
        """Set a paragraph; `mark` is the bullet or number that stands before an indented one."""
        leading = size * 1.36
        lines = wrap(text, self.width - indent, face, size)
        for number, line in enumerate(lines):
            self.room(leading)
            base, x = self.y + size, self.left + indent
            if mark and number == 0:
                self.put(x - 15, base, mark, face, size)
            if justify and number < len(lines) - 1:
                self._justified(x, base, line, face, size)
            else:
                self.put(x, base, line, face, size)
            self.y += leading
        self.y += after

    def _justified(self, x: float, base: float, line: str, face: str, size: float) -> None:
        words = line.split()
        natural = sum(font(face).text_length(word, size) for word in words)
        gap = (self.width - natural) / max(len(words) - 1, 1)
        for word in words:
            self.put(x, base, word + " ", face, size)
            x += font(face).text_length(word, size) + gap

    def heading(
        self, text: str, size: float = 15, *, face: str = "sans-bold", before: float = 10, level: int = 1
    ) -> None:
        """Set a heading and enter it into the PDF's outline (level 0: not entered)."""
        self.room(before + size * 5)
        if self.y > self.top:
            self.y += before
        self.put(self.left, self.y + size, text, face, size, color=NAVY)
        self.y += size * 1.6
        if level:
            outline = self.document.get_toc()
            self.document.set_toc([*outline, [level, text, self.document.page_count]])

    def save(self, path: Path, title: str, *, author: str = COMPANY) -> None:
        """Write the PDF with fixed dates and no id, so that a second run gives the same bytes."""
        meta = {"title": title, "author": author, "creationDate": MADE, "modDate": MADE, "producer": "", "creator": ""}
        self.document.set_metadata(meta)
        for page in self.document:
            page.clean_contents()
        self.document.subset_fonts()
        self.document.save(path, garbage=4, deflate=True, deflate_fonts=True, no_new_id=True)


def table_row(
    paper: Paper,
    cells: Sequence[str],
    stops: Sequence[tuple[float, Align]],
    face: str = "sans",
    size: float = 9,
    *,
    color: Color = INK,
) -> None:
    """Write the cells of one row with their base line at the cursor; `stops` are offsets from the left margin."""
    for cell, (offset, align) in zip(cells, stops, strict=True):
        paper.put(paper.left + offset, paper.y, cell, face, size, color=color, align=align)
