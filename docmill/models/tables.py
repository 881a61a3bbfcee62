"""Tables as cells, and the forms that they are written in."""

from __future__ import annotations

import csv
import io
from html import escape
from typing import Annotated

from pydantic import Field

from docmill.models.base import Model
from docmill.models.places import BBox


class Cell(Model):
    """A cell of a table; a merged cell stands once, at its first row and column.

    `formula` is what a spreadsheet computes its text by, where the settings ask for formulas.
    `page` is given where a table goes on over pages and the cell stands on a later one than its element.
    """

    row: Annotated[int, Field(ge=0)]
    column: Annotated[int, Field(ge=0)]
    text: str
    row_span: Annotated[int, Field(ge=1)] = 1
    column_span: Annotated[int, Field(ge=1)] = 1
    header: bool = False
    bbox: BBox | None = None
    page: int | None = None
    formula: str = ""


class Table(Model):
    """A table as cells in reading order (by row, then column).

    `repeated_rows` are rows that only repeat the head on a following page: they are kept as they stand there, and left
    out of the table's text, Markdown, HTML, CSV and XLSX.
    """

    rows: int
    columns: int
    cells: tuple[Cell, ...]
    header_rows: int = 0
    title: str = ""
    repeated_rows: tuple[int, ...] = ()

    def shown_rows(self) -> list[int]:
        """The rows that repeat nothing."""
        repeated = set(self.repeated_rows)
        return [row for row in range(self.rows) if row not in repeated]

    def part(self, page: int, first_page: int | None) -> Table:
        """The rows that stand on a page, of a table that begins on `first_page` and goes on."""
        cells = [cell for cell in self.cells if (cell.page or first_page) == page]
        rows = {row: number for number, row in enumerate(sorted({cell.row for cell in cells}))}
        moved = tuple(cell.model_copy(update={"row": rows[cell.row], "page": None}) for cell in cells)
        head = len({cell.row for cell in cells if cell.header})
        return Table(rows=len(rows), columns=self.columns, cells=moved, header_rows=head, title=self.title)

    def shown(self) -> list[list[str]]:
        """The grid without the rows that repeat the head."""
        grid = self.grid()
        return [grid[row] for row in self.shown_rows()]

    def grid(self) -> list[list[str]]:
        """Texts as `rows` lists of `columns`; a merged cell's text stands at its first position, the rest is empty."""
        grid = [[""] * self.columns for _ in range(self.rows)]
        for cell in self.cells:
            grid[cell.row][cell.column] = cell.text
        return grid

    def markdown(self) -> str:
        """A pipe table. Spans cannot be written so: use `html` where they matter."""
        rows = [[" ".join(text.split()).replace("|", "\\|") for text in row] for row in self.shown()]
        if not rows:
            return ""
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([lines[0], "|" + "---|" * self.columns, *lines[1:]])

    def html(self) -> str:
        """An HTML table with row and column spans and `th` for header cells."""
        by_row: list[list[Cell]] = [[] for _ in range(self.rows)]
        for cell in self.cells:
            by_row[cell.row].append(cell)
        lines = ["<table>"]
        for row in (by_row[number] for number in self.shown_rows()):
            parts = []
            for cell in sorted(row, key=lambda each: each.column):
                tag = "th" if cell.header else "td"
                spans = f' rowspan="{cell.row_span}"' if cell.row_span > 1 else ""
                spans += f' colspan="{cell.column_span}"' if cell.column_span > 1 else ""
                spans += f' data-formula="{escape(cell.formula)}"' if cell.formula else ""
                parts.append(f"<{tag}{spans}>{escape(cell.text, quote=False)}</{tag}>")
            lines.append("<tr>" + "".join(parts) + "</tr>")
        return "\n".join([*lines, "</table>"])

    def csv(self) -> str:
        """The grid as CSV (RFC 4180)."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(self.shown())
        return out.getvalue()
