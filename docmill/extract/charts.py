"""Reads the data that office charts carry with them, and the texts of their diagrams (SmartArt).

Charts come in two kinds: those of ISO 29500 (bars, lines, pies …), and those that Office added in 2016 (waterfall,
treemap, funnel, histogram …: "chartex", [MS-ODRAWXML] 2.24.3). A chart without data is an element all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from docmill.extract.builder import Builder, Fields, table_of, table_text, tidy
from docmill.extract.ooxml import A
from docmill.extract.untyped import XmlNode
from docmill.models import Cell, ElementType, Table

C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
CX = "{http://schemas.microsoft.com/office/drawing/2014/chartex}"
DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
MAX_POINTS = 100_000
_CATEGORIES = ("cat", "entityId", "colorStr")


def add_chart(root: XmlNode, builder: Builder, fields: Fields) -> int | None:
    """Adds a chart with its data as a table (first column categories, then one column a series)."""
    is_new = str(root.tag).startswith(CX)
    title = root.find(f"{CX}chart/{CX}title" if is_new else f"{C}chart/{C}title")
    name = _words(title) if title is not None else ""
    table = _new_data(root, name) if is_new else _data(root, name)
    text = "\n".join(part for part in (name, table_text(table)) if part)
    given: Fields = {**fields, "table": table} if table.cells else {**fields}
    kinds = [each.get("layoutId") or "" for each in root.iter(CX + "series")] if is_new else _kinds(root)
    given["metadata"] = {**given.get("metadata", {}), "chart": kinds[0] if kinds else "chart"}
    return builder.add(ElementType.CHART, text, given)


def add_diagram(root: XmlNode, builder: Builder, fields: Fields) -> None:
    """Adds the texts of a SmartArt diagram as list items."""
    for point in root.iter(DGM + "pt"):
        text = "\n".join("".join(_runs(each)) for each in point.iter(A + "p"))
        builder.add(ElementType.LIST_ITEM, text, {**fields, "level": 1})


def _runs(paragraph: XmlNode) -> Iterator[str]:
    return ("\n" if each.tag == A + "br" else each.text or "" for each in paragraph.iter(A + "t", A + "br"))


def _kinds(root: XmlNode) -> list[str]:
    return [each.tag.rsplit("}", 1)[-1] for each in root.iter() if str(each.tag).endswith("Chart")]


def _words(element: XmlNode) -> str:
    """The text of a title: its runs, else its cached value."""
    runs = [each.text or "" for each in element.iter(A + "t")]
    return tidy("".join(runs or [each.text or "" for each in element.iter(CX + "v")]))


def _data(root: XmlNode, title: str) -> Table:
    """The chart's series as columns of a table, categories first."""
    cells: dict[tuple[int, int], str] = {}
    for column, series in enumerate(root.iter(C + "ser"), start=1):
        named = series.find(f"{C}tx")
        cells[0, column] = tidy("".join(each.text or "" for each in named.iter(C + "v"))) if named is not None else ""
        for tag, at in (("cat", 0), ("xVal", 0), ("val", column), ("yVal", column)):
            parent = series.find(C + tag)
            for index, value in _points(parent.iter(C + "pt") if parent is not None else ()):
                cells.setdefault((index + 1, at), value)
    return _table(cells, title)


def _new_data(root: XmlNode, title: str) -> Table:
    """The series of a chart of the newer kind; levels of categories as in a treemap stand as `Pumps / Seals`."""
    cells: dict[tuple[int, int], str] = {}
    data = {each.get("id"): each for each in root.iter(CX + "data")}
    for column, series in enumerate(root.iter(CX + "series"), start=1):
        named, points = series.find(CX + "tx"), series.find(CX + "dataId")
        cells[0, column] = _words(named) if named is not None else ""
        own = data.get(points.get("val")) if points is not None else None
        for dimension in own if own is not None else ():
            kind = dimension.get("type")
            if kind in _CATEGORIES:
                for index, value in _levels(dimension):
                    cells.setdefault((index + 1, 0), value)
            elif str(dimension.tag).endswith("}numDim"):
                for level in dimension.findall(CX + "lvl")[:1]:
                    for index, value in _points(level.iter(CX + "pt")):
                        cells.setdefault((index + 1, column), value)
    return _table(cells, title)


def _levels(dimension: XmlNode) -> list[tuple[int, str]]:
    """The names of a dimension, those of outer levels before those of inner ones, which the file has first."""
    inner, *outer = [dict(_points(level.iter(CX + "pt"))) for level in dimension.findall(CX + "lvl")] or [{}]
    return [(index, " / ".join([*(level[index] for level in reversed(outer) if index in level), name]))
            for index, name in inner.items()]  # fmt: skip


def _table(cells: dict[tuple[int, int], str], title: str) -> Table:
    found = [Cell(row=row, column=column, text=text) for (row, column), text in cells.items() if text]
    if not any(cell.row for cell in found):
        return table_of([])
    return table_of(found, header_rows=1, title=title)


def _points(points: Iterable[XmlNode]) -> list[tuple[int, str]]:
    """Index and text of the cached points; numbers without needless decimals."""
    found = []
    for point in points:
        digits = point.get("idx") or ""
        value = point.findtext(C + "v") if str(point.tag).startswith(C) else point.text
        if digits.isdigit() and int(digits) < MAX_POINTS and value:
            found.append((int(digits), value.strip().removesuffix(".0")))
    return found
