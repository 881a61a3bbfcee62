import pytest

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.registry import read
from docmill.extract.xlsb import read_xlsb
from tests.making import zipped
from tests.services import ROOT

OFFICE = ROOT / "tests/data/office"


def test_values_and_dates():
    table = read((OFFICE / "date.xlsb").read_bytes(), "a.xlsb", ExtractConfig()).extraction.elements[1]
    assert (table.sheet, table.cells) == ("Sheet1", "A1:B3")
    assert table.text.startswith("2021-01-01 | 15\n2021-01-02 | 16")


def test_hidden_sheets_are_read_and_marked():
    metadata = read((OFFICE / "any_sheets.xlsb").read_bytes(), "a.xlsb", ExtractConfig()).extraction.metadata
    assert (metadata["sheets"], metadata["hidden_sheets"]) == (3, 2)


def test_a_damaged_workbook_is_refused():
    with pytest.raises(CorruptDocumentError, match="workbook"):
        read_xlsb(zipped({"xl/workbook.bin": b"\x00\x01"}), ExtractConfig())
