"""Numbers in tables are the page's own characters, whichever way the page is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.pdf_numbers import numbers_of_tables, wrong_numbers
from docmill.config import ExtractConfig, Mode
from docmill.extract.pdf import read_pdf
from docmill.extract.pdf.engine import pymupdf

EXAMPLES = Path(__file__).parents[2] / "examples" / "documents"
ODD = [
    ["Code", "Amount", "Change", "Rate"],
    ["A-0012/7", "$1,234.50", "-12.5", "0.05%"],
    ["B-7.10.3", "£.75", "(1,000.00)", "-101.3%"],
    ["00451", "CHF 12'000.-", "+3", "99.999"],
    ["X9-2026-01", "1.234,56", "-0.001", "1e-5"],
]


def odd_table(ruled):
    made = pymupdf.open()
    page = made.new_page()
    for r, row in enumerate(ODD):
        for c, text in enumerate(row):
            page.insert_text((80 + 110 * c, 120 + 20 * r), text, fontname="helv", fontsize=10)
    for r in range(len(ODD) + 1) if ruled else ():
        page.draw_line((75, 106 + 20 * r), (515, 106 + 20 * r))
    for c in range(5) if ruled else ():
        page.draw_line((75 + 110 * c, 106), (75 + 110 * c, 106 + 20 * len(ODD)))
    return made.tobytes()


@pytest.mark.parametrize("mode", [Mode.FAST, Mode.ACCURATE])
@pytest.mark.parametrize("ruled", [True, False])
def test_odd_numbers_stay_as_they_are(mode, ruled):
    extraction = read_pdf(odd_table(ruled), ExtractConfig(mode=mode, crops=False)).extraction
    (table,) = [element.table for element in extraction.elements if element.table]
    assert table.grid() == ODD


@pytest.mark.parametrize("name", ["handbook", "price_list"])
def test_every_number_of_the_examples_stands_in_the_native_text(name):
    data = (EXAMPLES / f"{name}.pdf").read_bytes()
    extraction = read_pdf(data, ExtractConfig(mode=Mode.FAST)).extraction
    assert numbers_of_tables(extraction)
    assert wrong_numbers(data, extraction) == []
