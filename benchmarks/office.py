"""Checks the readers against office files with known content: strings in order, tables, sheets, slides, mails, notes.

Usage: python benchmarks/office.py FOLDER [--verbose]

FOLDER holds `files/` and `truth.json`. Prints passed/all checks of each file with an entry, one line for each other
file (what was read, or the error that refused it), and the totals. Strings are compared without white space.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from docmill.config import ExtractConfig
from docmill.errors import DocmillError
from docmill.extract.registry import read
from docmill.extract.sheets import column_name
from docmill.models import Element, ElementType, Extraction, Table


def squeezed(text: object) -> str:
    """Text without white space."""
    return "".join(str(text).split())


def in_order(strings: list[str], text: str) -> list[str]:
    """The strings that do not occur after the one before."""
    missing, at = [], 0
    for each in strings:
        found = text.find(squeezed(each), at)
        if found < 0:
            missing.append(f"string in order: {each}")
        else:
            at = found + len(squeezed(each))
    return missing


def same(value: object, text: str) -> bool:
    """Whether a cell's text stands for the value."""
    if isinstance(value, bool):
        return text.upper() == str(value).upper()
    if isinstance(value, int | float):
        try:
            return float(text) == value
        except ValueError:
            return False
    return squeezed(text) == squeezed(value) or squeezed(value) == squeezed(text) + "T00:00:00"


def table_faults(expected: dict[str, Any], table: Table) -> list[str]:
    """What differs in a table."""
    faults = [] if (table.rows, table.columns) == (expected["rows"], expected["columns"]) else [
        f"table is {table.rows} x {table.columns}, not {expected['rows']} x {expected['columns']}"]  # fmt: skip
    grid = table.grid()
    for cell in expected["cells"]:
        inside = cell["row"] < table.rows and cell["column"] < table.columns
        text = grid[cell["row"]][cell["column"]] if inside else ""
        if squeezed(text) != squeezed(cell["text"]):
            faults.append(f"cell {cell['row']}, {cell['column']}: {text!r}, not {cell['text']!r}")
    return faults


def sheet_cells(elements: tuple[Element, ...], sheet: str) -> dict[str, str]:
    """The texts of a sheet's cells by name."""
    found: dict[str, str] = {}
    for each in elements:
        if each.sheet != sheet or not each.cells or each.metadata.get("comment"):
            continue
        start = each.cells.split(":")[0]
        letters, digits = start.rstrip("0123456789"), int(start.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        left = 0
        for letter in letters:
            left = left * 26 + ord(letter) - 64
        if each.table is None:
            found[start] = each.text
            continue
        for cell in each.table.cells:
            found[f"{column_name(left - 1 + cell.column)}{digits + cell.row}"] = cell.text
    return found


def checks(truth: dict[str, Any], extraction: Extraction) -> tuple[int, list[str]]:
    """The number of checks and the faults found."""
    elements = extraction.elements
    outside = (ElementType.HEADER, ElementType.FOOTER)
    body = squeezed("".join(each.text for each in elements if each.type not in outside))
    tables = [each.table for each in elements if each.table is not None and each.type is ElementType.TABLE]
    count, faults = 0, []
    if truth.get("strings_in_order"):
        count += len(truth["strings_in_order"])
        faults += in_order(truth["strings_in_order"], body)
    for expected in truth.get("tables", []):
        count += 1 + len(expected["cells"])
        if expected["table"] < len(tables):
            faults += table_faults(expected, tables[expected["table"]])
        else:
            faults += ["table missing"] * (1 + len(expected["cells"]))
    for sheet in truth.get("sheets", []):
        cells = sheet_cells(elements, sheet["sheet"])
        count += 1 + len(sheet["cells"])
        if len(cells) < 0.99 * sheet["filled_cells"]:  # the truth counts cells of white space
            faults.append(f"sheet {sheet['sheet']}: {len(cells)} cells, not {sheet['filled_cells']}")
        faults += [f"{sheet['sheet']}!{each['cell']}: {cells.get(each['cell'])!r}, not {each['value']!r}"
                   for each in sheet["cells"] if not same(each["value"], cells.get(each["cell"], ""))]  # fmt: skip
    for kind, types in (("headers_and_footers", outside), ("footnotes", (ElementType.FOOTNOTE,))):
        text = squeezed("".join(each.text for each in elements if each.type in types))
        count += len(truth.get(kind, []))
        faults += [f"{kind}: {each}" for each in truth.get(kind, []) if squeezed(each) not in text]
    more, more_faults = slide_checks(truth.get("slides", []), elements)
    mail, mail_faults = mail_checks(truth.get("email", {}), extraction)
    totals, total_faults = count_checks(truth.get("counts", {}), extraction, len(tables))
    return count + more + mail + totals, faults + more_faults + mail_faults + total_faults


def slide_checks(slides: list[dict[str, Any]], elements: tuple[Element, ...]) -> tuple[int, list[str]]:
    """Checks of slides: strings, tables, charts, notes."""
    count, faults = 0, []
    for slide in slides:
        here = [each for each in elements if each.page == slide["slide"]]
        text = squeezed("".join(each.text for each in here))
        strings = [*slide["strings"], *([slide["notes"]] if "notes" in slide else [])]
        count += len(strings)
        faults += [f"slide {slide['slide']}: {each}" for each in strings if squeezed(each) not in text]
        tables = [each.table for each in here if each.type is ElementType.TABLE and each.table]
        for expected, table in zip(slide.get("tables", []), tables, strict=False):
            count += 1 + len(expected["cells"])
            faults += table_faults(expected, table)
        if "chart" in slide:
            count += 1
            chart = [each.table for each in here if each.type is ElementType.CHART and each.table]
            expected = [["", *(each["name"] for each in slide["chart"]["series"])]]
            for row, name in enumerate(slide["chart"]["categories"]):
                expected.append([name, *(f"{each['values'][row]:g}" for each in slide["chart"]["series"])])
            faults += [] if chart and chart[0].grid() == expected else [f"chart of slide {slide['slide']}"]
    return count, faults


def mail_checks(mail: dict[str, Any], extraction: Extraction) -> tuple[int, list[str]]:
    """Checks of a mail's headers and attachments."""
    faults = [f"{key}: {extraction.metadata.get(key)!r}, not {mail[key]!r}" for key in ("subject", "from", "to")
              if key in mail and squeezed(extraction.metadata.get(key)) != squeezed(mail[key])]  # fmt: skip
    names = str(extraction.metadata.get("attachments", ""))
    faults += [f"attachment {each}" for each in mail.get("attachments", []) if each not in names]
    return (3 + len(mail.get("attachments", []))) * bool(mail), faults


def count_checks(counts: dict[str, int], extraction: Extraction, tables: int) -> tuple[int, list[str]]:
    """Checks of how many titles, tables, slides and sheets there are."""
    titles = sum(each.type is ElementType.TITLE for each in extraction.elements)
    actual = {
        "headings": titles,
        "tables": tables,
        "slides": len(extraction.pages),
        "sheets": extraction.metadata.get("sheets"),
        "hidden_sheets": extraction.metadata.get("hidden_sheets", 0),
    }
    wanted = {key: value for key, value in counts.items() if key in actual}
    return len(wanted), [f"{key}: {actual[key]}, not {value}" for key, value in wanted.items() if actual[key] != value]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--verbose", action="store_true", help="name every fault")
    arguments = parser.parse_args()
    truth = json.loads((arguments.folder / "truth.json").read_text(encoding="utf-8"))
    total = right = clean = 0
    for file in sorted((arguments.folder / "files").iterdir()):
        started = time.process_time()
        try:
            extraction = read(file.read_bytes(), file.name, ExtractConfig()).extraction
        except DocmillError as error:
            print(f"{file.name}: {type(error).__name__}: {error}")
            continue
        seconds = time.process_time() - started
        kinds = {kind: sum(each.type is kind for each in extraction.elements) for kind in ElementType}
        summary = ", ".join(f"{number} {kind}" for kind, number in kinds.items() if number)
        if file.name not in truth:
            print(f"{file.name}: read in {seconds:.2f} CPU-s: {summary}; {len(extraction.warnings)} warnings")
            continue
        count, faults = checks(truth[file.name], extraction)
        total, right, clean = total + count, right + max(count - len(faults), 0), clean + (not faults)
        print(f"{file.name}: {count - len(faults)}/{count} in {seconds:.2f} CPU-s: {summary}")
        for fault in faults if arguments.verbose else []:
            print(f"    {fault}")
    print(f"{right}/{total} checks passed; {clean} of {len(truth)} files without a fault")
    sys.exit(0 if right == total else 1)


if __name__ == "__main__":
    main()
