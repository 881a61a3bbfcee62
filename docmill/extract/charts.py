"""Reads the data that office charts carry with them: title, categories, series and values."""

from __future__ import annotations

from docmill.extract.builder import Builder, Fields, table_of, table_text, tidy
from docmill.extract.ooxml import A
from docmill.extract.untyped import XmlNode
from docmill.models import Cell, ElementType, Table

C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
MAX_POINTS = 100_000


def add_chart(root: XmlNode, builder: Builder, fields: Fields) -> int | None:
    """Adds a chart with its data as a table (first column categories, then one column a series)."""
    title = root.find(f"{C}chart/{C}title")
    name = tidy("".join(each.text or "" for each in title.iter(A + "t"))) if title is not None else ""
    table = _data(root, name)
    text = "\n".join(part for part in (name, table_text(table)) if part)
    given: Fields = {**fields, "table": table} if table.cells else {**fields}
    kinds = [each.tag.rsplit("}", 1)[-1] for each in root.iter() if str(each.tag).endswith("Chart")]
    given["metadata"] = {**given.get("metadata", {}), "chart": kinds[0] if kinds else "chart"}
    return builder.add(ElementType.CHART, text, given)


def _data(root: XmlNode, title: str) -> Table:
    """The chart's series as columns of a table, categories first."""
    cells: dict[tuple[int, int], str] = {}
    for column, series in enumerate(root.iter(C + "ser"), start=1):
        named = series.find(f"{C}tx")
        cells[0, column] = tidy("".join(each.text or "" for each in named.iter(C + "v"))) if named is not None else ""
        for tag, at in (("cat", 0), ("xVal", 0), ("val", column), ("yVal", column)):
            for index, value in _points(series.find(C + tag)):
                cells.setdefault((index + 1, at), value)
    found = [Cell(row=row, column=column, text=text) for (row, column), text in cells.items() if text]
    return table_of(found, header_rows=1 if found else 0, title=title)


def _points(parent: XmlNode) -> list[tuple[int, str]]:
    """Index and text of the cached points; numbers without needless decimals."""
    if parent is None:
        return []
    found = []
    for point in parent.iter(C + "pt"):
        digits, value = point.get("idx") or "", point.findtext(C + "v") or ""
        if digits.isdigit() and int(digits) < MAX_POINTS:
            found.append((int(digits), value.removesuffix(".0")))
    return found
