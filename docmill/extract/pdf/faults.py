"""What speaks against a table as it was found: the measure by which tables are chosen and pages are routed."""

from __future__ import annotations

from docmill.extract.pdf.aligned import is_number, text_rows
from docmill.extract.pdf.tables import FoundTable


def faults(table: FoundTable) -> float:
    """What speaks against a table, a cell: several in one, one over several columns, none; 9 for one column or row."""
    rows, columns = {cell.row for cell in table.cells}, {cell.column for cell in table.cells}
    if len(columns) < 2 or len(rows) < 2:
        return 9.0
    count = 0.0
    for cell in table.cells:
        lines = text_rows(cell.runs)
        several = any(len(line.runs) > 1 for line in lines)
        numbers = sum(is_number(line.runs[0].text) for line in lines)
        count += 2.0 * several + 2.0 * (numbers > 1) + (cell.column_span > 1) + 0.6 * (not cell.runs)
    return count / len(table.cells)
