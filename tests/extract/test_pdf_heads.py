"""Heads of several lines: which cells reach over columns and lines."""

from docmill.extract.pdf.heads import span_head
from docmill.extract.pdf.ink import Rule, Run
from docmill.extract.pdf.places import Box, Word
from docmill.extract.pdf.tables import FoundCell, FoundTable


def table(rows):
    cells = []
    for r, row in enumerate(rows):
        for c, text in enumerate(row):
            box = Box(100 * c, 20 * r, 100 * c + 90, 20 * r + 15)
            word = Word(100 * c + 5, 20 * r, 100 * c + 60, 20 * r + 12, text)
            runs = [Run(*word[:4], text, 10.0, words=[word])] if text else []
            cells.append(FoundCell(r, c, 1, 1, box, runs))
    return FoundTable(Box(0, 0, 400, 80), cells)


def spans(found):
    return {cell.text(): (cell.row, cell.column, cell.row_span, cell.column_span) for cell in found.cells if cell.runs}


def test_a_rule_under_a_text_shows_its_columns_and_others_reach_over_the_lines():
    found = table([["", "Grade", "", "All"], ["Year", "Seven", "Eight", ""], ["2011", "1", "2", "3"]])
    span_head(found, [Rule(16, 100, 290)])
    assert spans(found)["Grade"] == (0, 1, 1, 2)
    assert spans(found)["Year"] == (0, 0, 2, 1)
    assert spans(found)["All"] == (0, 3, 2, 1)
    assert spans(found)["Seven"] == (1, 1, 1, 1)


def test_a_label_of_the_body_is_no_head():
    found = table([["Year", "Total", "Public"], ["Actual", "", ""], ["2011", "1", "2"]])
    span_head(found, [])
    assert all(cell.row_span == cell.column_span == 1 for cell in found.cells)


def centred(text, middle):
    """Moves a text so that its middle is at `middle`."""
    run = text.runs[0]
    half = (run.x1 - run.x0) / 2
    run.x0, run.x1 = middle - half, middle + half


def test_a_text_in_the_middle_of_columns_reaches_over_them():
    found = table([["", "", "Effect", ""], ["Share", "Low", "Middle", "High"], ["Mink", "1", "2", "3"]])
    centred(next(cell for cell in found.cells if cell.text() == "Effect"), 232)
    span_head(found, [])
    assert spans(found)["Effect"] == (0, 1, 1, 3)
    assert spans(found)["Share"] == (0, 0, 2, 1)


def test_over_a_line_of_numbers_too():
    found = table([["", "", "Effect", ""], ["Share", "1.0", "1.5", "2.0"], ["Mink", "1", "2", "3"]])
    centred(next(cell for cell in found.cells if cell.text() == "Effect"), 232)
    span_head(found, [])
    assert spans(found)["Effect"] == (0, 1, 1, 3)
    assert spans(found)["Share"] == (1, 0, 1, 1)


def test_a_text_over_one_column_stays_there():
    found = table([["", "", "Effect", ""], ["Share", "Low", "Middle", "High"], ["Mink", "1", "2", "3"]])
    centred(next(cell for cell in found.cells if cell.text() == "Effect"), 210)
    span_head(found, [])
    assert spans(found)["Effect"][3] == 1
