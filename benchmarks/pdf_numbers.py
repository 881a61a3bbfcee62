"""Holds every number in the tables of a folder's PDFs against the PDFs' own characters.

    python benchmarks/pdf_numbers.py PDFS [--mode fast|auto|accurate]

A number is a piece of text with a digit: decimals, currency signs, identifiers, signs. It is right if it stands in the
page's native text, white space aside. Numbers of pages that OCR read, and values measured
in charts, are not counted. Prints the wrong ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from docmill.config import ExtractConfig, Mode
from docmill.errors import DocmillError
from docmill.extract.pdf import read_pdf
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.pdf.lines import clean
from docmill.models import ElementType, Extraction


def numbers_of_tables(extraction: Extraction) -> list[tuple[int, str]]:
    """Page and text of every number in the cells of the tables."""
    return [
        (cell.page or element.page or 0, number)
        for element in extraction.elements
        if element.table is not None and element.type is ElementType.TABLE and not element.method.startswith("ocr")
        for cell in element.table.cells
        for number in cell.text.split()
        if any(char.isdigit() for char in number)
    ]


def wrong_numbers(data: bytes, extraction: Extraction) -> list[tuple[int, str]]:
    """Those of the numbers that do not stand in the native text of their page."""
    with pymupdf.open(stream=data, filetype="pdf") as document:
        native = ["".join(clean(page.get_text()).split()) for page in document]
    return [(page, number) for page, number in numbers_of_tables(extraction) if number not in native[page - 1]]


def main() -> None:
    """Read all, compare, print."""
    parser = argparse.ArgumentParser(description="Numbers in tables against the native text.")
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("--mode", type=Mode, default=Mode.AUTO, choices=list(Mode))
    chosen = parser.parse_args()
    total = wrong = 0
    for path in sorted(chosen.pdfs.glob("*.pdf")):
        data = path.read_bytes()
        try:
            extraction = read_pdf(data, ExtractConfig(mode=chosen.mode, crops=False)).extraction
        except DocmillError as error:
            print(f"{path.name}: {error}")
            continue
        total += len(numbers_of_tables(extraction))
        bad = wrong_numbers(data, extraction)
        wrong += len(bad)
        for page, number in bad:
            print(f"{path.name} page {page}: {number}")
    print(f"{total} numbers in tables, {wrong} not in the native text, mode {chosen.mode}")


if __name__ == "__main__":
    main()
