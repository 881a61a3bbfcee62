import pytest

from docmill.config import ExtractConfig
from docmill.extract.delimited import read_csv, read_tsv


def table(text: str, charset: str = "utf-8"):
    return read_csv(text.encode(charset), ExtractConfig()).extraction.elements[0].table


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter):
    rows = [["name", "count"], ["a", "1"], ["b", "2"]]
    assert table("\n".join(delimiter.join(row) for row in rows)).grid() == rows


def test_quoted_cells_may_hold_delimiters_and_lines():
    assert table('a,b\n"x, y","1\n2"\n').grid() == [["a", "b"], ["x, y", "1\n2"]]


def test_a_first_row_with_numbers_is_no_header():
    assert table("1,2\n3,4\n").header_rows == 0
    assert table("a,b\n3,4\n").header_rows == 1


def test_ragged_rows_are_kept_and_said():
    extraction = read_csv(b"a,b\n1,2,3\n4,5\n", ExtractConfig()).extraction
    assert extraction.elements[0].table.columns == 3
    assert "1 of 3 rows" in extraction.warnings[0]


def test_utf_16_is_read():
    assert table("ä,b\n1,2\n", "utf-16").grid()[0] == ["ä", "b"]


def test_tsv_keeps_commas():
    assert read_tsv(b"a,b\tc\n", ExtractConfig()).extraction.elements[0].table.grid() == [["a,b", "c"]]
