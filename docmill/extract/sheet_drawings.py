"""Reads the charts and pictures of Excel workbooks (xlsx, xlsb), each with the sheet and cells that it lies over."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docmill.extract.archive import Archive
from docmill.extract.builder import Builder, Fields
from docmill.extract.charts import CX, DGM, C, add_chart, add_diagram
from docmill.extract.ooxml import A, R, Relation, main_part, ooxml_xml, relations
from docmill.extract.sheets import column_name
from docmill.extract.untyped import XmlNode

_XDR = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ANCHORS = frozenset(_XDR + name for name in ("twoCellAnchor", "oneCellAnchor", "absoluteAnchor"))


def add_drawings(archive: Archive, builder: Builder, without: frozenset[str] = frozenset()) -> None:
    """Adds what lies over the sheets, sheet by sheet, then charts and pictures that no sheet is known to show.

    What lies over the sheets in `without` is left out.
    """
    shown: set[str] = set()
    for sheet, drawing in _drawings(archive):
        related = relations(archive, drawing)
        if sheet in without:
            shown.update(each.target for each in related.values())
            continue
        for anchor in ooxml_xml(archive, drawing):
            if anchor.tag in _ANCHORS:
                shown.update(_anchored(archive, builder, anchor, related, {"sheet": sheet, "cells": _cells(anchor)}))
    for name in sorted(set(archive.names) - shown):
        if re.fullmatch(r"xl/charts/chart(Ex)?\d+\.xml", name):
            add_chart(ooxml_xml(archive, name), builder, {})
        elif name.startswith("xl/media/") and not name.endswith("/"):
            builder.picture(archive.read(name), "")


def _drawings(archive: Archive) -> Iterator[tuple[str, str]]:
    """The names of the sheets with the parts that hold their drawings; none of a workbook that is not XML (xlsb)."""
    workbook = main_part(archive, "xl/workbook.xml")
    if not workbook.endswith(".xml"):
        return
    related = relations(archive, workbook)
    for sheet in ooxml_xml(archive, workbook).iter(_S + "sheet"):
        part = related.get(sheet.get(R + "id") or "")
        for relation in relations(archive, part.target).values() if part is not None else ():
            if relation.kind == "drawing" and archive.has(relation.target):
                yield sheet.get("name") or "", relation.target


def _anchored(
    archive: Archive, builder: Builder, anchor: XmlNode, related: dict[str, Relation], fields: Fields
) -> Iterator[str]:
    """Adds what an anchor holds; the names of the parts that it shows."""
    about = next(anchor.iter(_XDR + "cNvPr"), None)
    name = (about.get("descr") or "") if about is not None else ""
    for each in anchor.iter(C + "chart", CX + "chart", DGM + "relIds", A + "blip"):
        key = {DGM + "relIds": "dm", A + "blip": "embed"}.get(each.tag, "id")
        relation = related.get(each.get(R + key) or "")
        if relation is None or relation.external or not archive.has(relation.target):
            continue
        yield relation.target
        if each.tag == A + "blip":
            builder.picture(archive.read(relation.target), name, fields)
        else:
            add = add_diagram if each.tag == DGM + "relIds" else add_chart
            add(ooxml_xml(archive, relation.target), builder, fields)


def _cells(anchor: XmlNode) -> str | None:
    """The range of cells below an anchor, such as `E2:L16`; None where it is tied to none."""
    ends = []
    for tag in ("from", "to"):
        corner = anchor.find(_XDR + tag)
        column, row = (
            (corner.findtext(_XDR + part) or "" for part in ("col", "row")) if corner is not None else ("", "")
        )
        if column.isdigit() and row.isdigit():
            ends.append(f"{column_name(int(column))}{int(row) + 1}")
    return ":".join(ends) or None
