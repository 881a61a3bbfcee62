"""Reads the same office files with docmill and its peers, and scores each against the files' known content.

Usage: python benchmarks/office_peers.py read TOOL FOLDER OUT.json     # in an environment that has the tool
       python benchmarks/office_peers.py score FOLDER OUT.json ...

TOOL is docmill, markitdown, unstructured or docling. FOLDER holds `files/` and `truth.json`. Only letters and digits
are compared, so that no tool's markup counts against it.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Table = list[list[str]]
Read = Callable[[Path], tuple[str, list[Table]]]


def docmill() -> Read:
    from docmill.config import ExtractConfig
    from docmill.extract.registry import read

    def run(path: Path) -> tuple[str, list[Table]]:
        elements = read(path.read_bytes(), path.name, ExtractConfig()).extraction.elements
        return "\n".join(each.text for each in elements), [each.table.grid() for each in elements if each.table]

    return run


def markitdown() -> Read:
    from markitdown import MarkItDown

    converter = MarkItDown()

    def run(path: Path) -> tuple[str, list[Table]]:
        text = converter.convert(str(path)).text_content
        return text, list(pipe_tables(text))

    return run


def pipe_tables(text: str) -> Iterator[Table]:
    """The pipe tables of a Markdown text."""
    rows: Table = []
    for line in [*text.splitlines(), ""]:
        if line.strip().startswith("|"):
            cells = [each.strip() for each in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            if not all(re.fullmatch(r":?-+:?", each) for each in cells):
                rows.append(cells)
        elif rows:
            yield rows[1:] if not any(rows[0]) else rows  # an empty header that Markdown asks for
            rows = []


def blank_english() -> object:
    """spaCy's English tokenizer with a rule-based sentence splitter."""
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    return pipeline


def unstructured() -> Read:
    import unstructured.nlp.tokenize as tokenize
    from lxml import html
    from unstructured.partition.auto import partition

    tokenize._load_spacy_model = blank_english  # its own would download a model from GitHub

    def run(path: Path) -> tuple[str, list[Table]]:
        elements = partition(str(path))
        found = [each.metadata.text_as_html for each in elements if each.metadata.text_as_html]
        return "\n".join(str(each) for each in elements), [html_grid(html.fromstring(each)) for each in found]

    return run


def html_grid(table: Any) -> Table:  # noqa: ANN401 - an lxml element
    """The rows of an HTML table; a merged cell stands at its first place."""
    taken: set[tuple[int, int]] = set()
    grid: dict[tuple[int, int], str] = {}
    for number, row in enumerate(table.iter("tr")):
        column = 0
        for cell in row.iter("td", "th"):
            while (number, column) in taken:
                column += 1
            grid[number, column] = " ".join(cell.itertext())
            height, width = int(cell.get("rowspan") or 1), int(cell.get("colspan") or 1)
            taken |= {(number + y, column + x) for y in range(height) for x in range(width)}
    rows, columns = (max((place[axis] for place in taken), default=-1) + 1 for axis in (0, 1))
    return [[grid.get((y, x), "") for x in range(columns)] for y in range(rows)]


def docling() -> Read:
    from docling.document_converter import DocumentConverter

    converter = DocumentConverter()

    def run(path: Path) -> tuple[str, list[Table]]:
        document = converter.convert(path).document
        return document.export_to_markdown(), [docling_grid(each.data) for each in document.tables]

    return run


def docling_grid(data: Any) -> Table:  # noqa: ANN401 - docling is not installed here
    grid = [[""] * data.num_cols for _ in range(data.num_rows)]
    for cell in data.table_cells:
        grid[cell.start_row_offset_idx][cell.start_col_offset_idx] = cell.text
    return grid


TOOLS = {"docmill": docmill, "markitdown": markitdown, "unstructured": unstructured, "docling": docling}


def read(tool: str, folder: Path, out: Path) -> None:
    """Write what the tool reads of each file that has a truth."""
    names = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    started = time.process_time()
    run = TOOLS[tool]()
    ready = time.process_time()
    found: dict[str, Any] = {}
    for name in names:
        try:
            found[name] = run(folder / "files" / name)
        except Exception as error:  # noqa: BLE001 - a peer may fail in any way; that is what is measured
            found[name] = f"{type(error).__name__}: {error}"[:200]
    seconds = {"import": ready - started, "read": time.process_time() - ready}
    out.write_text(json.dumps({"tool": tool, "seconds": seconds, "files": found}), encoding="utf-8")


def bare(text: object) -> str:
    """Letters and digits only."""
    return "".join(each for each in str(text) if each.isalnum()).lower()


def in_order(strings: list[str], text: str) -> int:
    """How many of the strings occur, each behind the one before."""
    found = at = 0
    for each in map(bare, strings):
        place = text.find(each, at)
        if place >= 0:
            found, at = found + 1, place + len(each)
    return found


def cells_right(expected: dict[str, Any], tables: list[Table]) -> int:
    """The most cells that one table has at their places."""
    best = 0
    for table in tables:
        right = sum(
            cell["row"] < len(table)
            and cell["column"] < len(table[cell["row"]])
            and bare(table[cell["row"]][cell["column"]]) == bare(cell["text"])
            for cell in expected["cells"]
        )
        best = max(best, right)
    return best


def values_found(cells: list[dict[str, Any]], text: str) -> int:
    """How many of a sheet's values occur in the text; numbers by value."""
    numbers = {float(each) for each in re.findall(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", text)}
    plain = bare(text)
    found = 0
    for cell in cells:
        value = cell["value"]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        date = str(value).removesuffix("T00:00:00")
        found += value in numbers if is_number else bare(date) in plain
    return found


def score(folder: Path, path: Path) -> str:
    """A row of the table."""
    result = json.loads(path.read_text(encoding="utf-8"))
    truths = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    right, total, failed = [0, 0, 0, 0], [0, 0, 0, 0], []
    for name, truth in truths.items():
        found = result["files"][name]
        if isinstance(found, str):
            failed.append(f"{name} ({found.partition(':')[0]})")
        text, tables = ("", []) if isinstance(found, str) else found
        for kind, good, all_of in checks(truth, text, tables):
            right[kind], total[kind] = right[kind] + good, total[kind] + all_of
    shares = " | ".join(f"{good}/{all_of}" for good, all_of in zip(right, total, strict=True))
    seconds = result["seconds"]
    row = f"| {result['tool']} | {shares} | {len(failed)} | {seconds['import']:.1f} | {seconds['read']:.1f} |"
    return row + (f"\n<!-- not read: {', '.join(failed)} -->" if failed else "")


def checks(truth: dict[str, Any], text: str, tables: list[Table]) -> Iterator[tuple[int, int, int]]:
    """(kind, right, of how many): 0 strings in order, 1 cells of tables, 2 values of sheets, 3 strings of slides."""
    plain = bare(text)
    strings = truth.get("strings_in_order", [])
    yield 0, in_order(strings, plain), len(strings)
    for table in truth.get("tables", []):
        yield 1, cells_right(table, tables), len(table["cells"])
    for sheet in truth.get("sheets", []):
        yield 2, values_found(sheet["cells"], text), len(sheet["cells"])
    for slide in truth.get("slides", []):
        wanted = [*slide["strings"], *([slide["notes"]] if "notes" in slide else [])]
        yield 3, sum(bare(each) in plain for each in wanted), len(wanted)
        for table in slide.get("tables", []):
            yield 1, cells_right(table, tables), len(table["cells"])


def main() -> None:
    command, *rest = sys.argv[1:] or [""]
    if command == "read":
        read(rest[0], Path(rest[1]), Path(rest[2]))
    elif command == "score":
        names = "strings in order", "cells at their places", "sheet values", "slide strings", "not read"
        print("| tool | " + " | ".join((*names, "import CPU-s", "read CPU-s")) + " |")
        print("|---" * 8 + "|")
        for path in rest[1:]:
            print(score(Path(rest[0]), Path(path)))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
