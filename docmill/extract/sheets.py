"""Turns the cells of a sheet into elements: one table for each contiguous region, with its range.

Shared by xlsx, xls and ods. A region is what spreadsheet programs call so: filled cells that touch, diagonals included;
regions whose boxes overlap are one. A region that one empty row or column parts from the one above or to the left, and
that has no header row or label column of its own, goes on with it. A single cell of text is a text, not a table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from docmill.extract.builder import Builder, Fields, table_of
from docmill.models import Cell, ElementType, Scalar

MAX_REGIONS = 200
"""A sheet with more islands than this is one table: they are gaps in data, not tables of their own."""


@dataclass(frozen=True)
class SheetCell:
    """A filled cell; `number` says that its value is a number, date or truth value."""

    text: str
    number: bool = False
    row_span: int = 1
    column_span: int = 1
    formula: str = ""


@dataclass
class Sheet:
    """A sheet's filled cells by row and column from 0, and which rows and columns are hidden."""

    name: str
    hidden: bool = False
    cells: dict[tuple[int, int], SheetCell] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)

    def shows(self, row: int, column: int) -> bool:
        """Whether a cell of the sheet is seen."""
        return not self.hidden and row not in self.hidden_rows and column not in self.hidden_columns


@dataclass
class _Region:
    """A box of cells, ends included."""

    top: int
    left: int
    bottom: int
    right: int

    def join(self, other: _Region) -> None:
        """Grows around the other."""
        self.top, self.left = min(self.top, other.top), min(self.left, other.left)
        self.bottom, self.right = max(self.bottom, other.bottom), max(self.right, other.right)

    def meets(self, other: _Region) -> bool:
        """Whether the boxes overlap or touch."""
        rows = self.top <= other.bottom + 1 and other.top <= self.bottom + 1
        return rows and self.left <= other.right + 1 and other.left <= self.right + 1


def column_name(column: int) -> str:
    """`A` for 0, `AA` for 26."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def add_sheet(sheet: Sheet, builder: Builder) -> None:
    """Adds a sheet: its name as a title, then its regions from top to bottom, left to right."""
    if sheet.hidden and sheet.cells and not builder.config.office.hidden:
        builder.warn("A hidden sheet was left out, as extract.office.hidden says.")
        return
    sheet = _shown(sheet, builder)
    if not sheet.cells:
        return
    builder.end_sections()
    marks: dict[str, Scalar] = {"hidden": True} if sheet.hidden else {}
    builder.title(sheet.name, 1, {"sheet": sheet.name, "metadata": dict(marks)})
    by_region = _by_region(sheet)
    for region, cells in by_region:
        name = f"{column_name(region.left)}{region.top + 1}"
        single = region.top == region.bottom and region.left == region.right
        end = "" if single else f":{column_name(region.right)}{region.bottom + 1}"
        fields: Fields = {"sheet": sheet.name, "cells": name + end, "metadata": dict(marks)}
        if len(cells) == 1 and not cells[0][1].number:
            builder.add(ElementType.TEXT, cells[0][1].text, fields)
            continue
        made = [
            Cell(row=row - region.top, column=column - region.left, text=cell.text, row_span=cell.row_span,
                 column_span=cell.column_span, formula=cell.formula)
            for (row, column), cell in cells
        ]  # fmt: skip
        table = table_of(made, header_rows=_header_rows(region, cells), title=sheet.name)
        builder.table(table, fields)


def _shown(sheet: Sheet, builder: Builder) -> Sheet:
    """The sheet, without its hidden rows and columns where the settings say so."""
    if builder.config.office.hidden or not (sheet.hidden_rows or sheet.hidden_columns):
        return sheet
    kept = {place: cell for place, cell in sheet.cells.items() if sheet.shows(*place)}
    if len(kept) < len(sheet.cells):
        builder.warn("Hidden rows or columns were left out, as extract.office.hidden says.")
    return Sheet(sheet.name, sheet.hidden, kept)


def _header_rows(region: _Region, cells: list[tuple[tuple[int, int], SheetCell]]) -> int:
    """1 where the first row is all text, filled for more than half, and rows follow; else 0."""
    first = [cell for (row, _), cell in cells if row == region.top]
    width = region.right - region.left + 1
    filled = sum(cell.column_span for cell in first)
    headed = region.bottom > region.top and width > 1 and filled * 2 > width and not any(cell.number for cell in first)
    return int(headed)


def _by_region(sheet: Sheet) -> list[tuple[_Region, list[tuple[tuple[int, int], SheetCell]]]]:
    """The regions with their cells, both in reading order."""
    regions = _continued(sheet, _merged(_regions(sheet)))
    if len(regions) > MAX_REGIONS:
        whole = regions[0]
        for each in regions[1:]:
            whole.join(each)
        regions = [whole]
    regions.sort(key=lambda each: (each.top, each.left))
    found: list[tuple[_Region, list[tuple[tuple[int, int], SheetCell]]]] = [(each, []) for each in regions]
    for position in sorted(sheet.cells):
        for region, cells in found:
            if region.top <= position[0] <= region.bottom and region.left <= position[1] <= region.right:
                cells.append((position, sheet.cells[position]))
                break
    return found


def _regions(sheet: Sheet) -> list[_Region]:
    """The boxes of filled cells that touch, found run by run and row by row."""
    rows: dict[int, set[int]] = {}
    for (row, column), cell in sheet.cells.items():
        for down in range(cell.row_span):
            rows.setdefault(row + down, set()).update(range(column, column + cell.column_span))
    done: list[_Region] = []
    opened: list[tuple[int, int, _Region]] = []
    previous = -2
    for row in sorted(rows):
        if row != previous + 1:
            opened = []
        current: list[tuple[int, int, _Region]] = []
        for start, end in _runs(rows[row]):
            region = _Region(row, start, row, end)
            touching = [each for first, last, each in opened if first <= end + 1 and last >= start - 1]
            target = touching[0] if touching else region
            target.join(region)
            for other in touching[1:]:
                if other is not target:
                    target.join(other)
                    opened = [(first, last, target if each is other else each) for first, last, each in opened]
                    current = [(first, last, target if each is other else each) for first, last, each in current]
                    done = [each for each in done if each is not other]
            if not touching:
                done.append(region)
            current.append((start, end, target))
        opened, previous = current, row
    return done


def _runs(columns: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of each run of neighbouring columns."""
    ordered = sorted(columns)
    cuts = [index + 1 for index, (left, right) in enumerate(pairwise(ordered)) if right > left + 1]
    return [(ordered[start], ordered[end - 1]) for start, end in pairwise([0, *cuts, len(ordered)])]


def _continued(sheet: Sheet, regions: list[_Region]) -> list[_Region]:
    """The regions with those joined that go on with the one above or to the left."""
    if len(regions) > MAX_REGIONS:
        return regions
    kept: list[_Region] = []
    for region in sorted(regions, key=lambda each: (each.left, each.top)):
        before = next((each for each in kept if _goes_on(sheet, each, region)), None)
        if before is None:
            kept.append(region)
        else:
            before.join(region)
    below: list[_Region] = []
    for region in sorted(kept, key=lambda each: (each.top, each.left)):
        above = next((each for each in below if _goes_on(sheet, each, region)), None)
        if above is None:
            below.append(region)
        else:
            above.join(region)
    return _merged(below)


def _goes_on(sheet: Sheet, first: _Region, second: _Region) -> bool:
    """Whether the second region lacks a header row (below the first) or a label column (to the right of it)."""
    if second.top == first.bottom + 2 and first.left <= second.left and second.right <= first.right:
        edge = [sheet.cells.get((second.top, column)) for column in range(second.left, second.right + 1)]
        return first.right > first.left and any(cell is not None and cell.number for cell in edge)
    if second.left == first.right + 2 and first.top <= second.top and second.bottom <= first.bottom:
        edge = [sheet.cells.get((row, second.left)) for row in range(second.top, second.bottom + 1)]
        return any(cell is not None and cell.number for cell in edge)
    return False


def _merged(regions: list[_Region]) -> list[_Region]:
    """The regions with those that meet joined, until none meet; more than ten times MAX_REGIONS stay as they are."""
    if len(regions) > 10 * MAX_REGIONS:
        return regions
    changed = True
    while changed:
        changed = False
        kept: list[_Region] = []
        for region in regions:
            near = next((each for each in kept if each.meets(region)), None)
            if near is None:
                kept.append(region)
            else:
                near.join(region)
                changed = True
        regions = kept
    return regions
