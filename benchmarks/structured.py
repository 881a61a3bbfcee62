"""Quality and time of structured extraction: by the engine without a model, or by that of the settings' model `ENGINE`.

    python benchmarks/structured.py records FOLDER OUT [GROUP …]
        FOLDER/index.csv names pdf, schema and gold record of each document; the scorer's table is printed
    python benchmarks/structured.py tables
        made-up lists of 27 to 3,000 rows: cells right, rows complete
    python benchmarks/structured.py stream BASE_URL API_KEY
        seconds from a request of Retab's protocol for a one-page document to its first line and its first values
    python benchmarks/structured.py agreements FOLDER
        Kleister-NDA: FOLDER/in.tsv (unpacked) and FOLDER/expected.tsv

The documents are third-party data and are not part of this repository; where they come from stands in structured.md.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from docmill.config import ExtractConfig
from docmill.settings import load_settings
from docmill.structured.choice import engine_for
from docmill.structured.documents import ReadTask, read_document
from docmill.structured.embedded import Task
from docmill.structured.engine import read
from docmill.structured.pdf_words import pdf_text
from docmill.structured.record import Record
from docmill.structured.schema import load
from docmill.structured.words import Layout, Word, layout

NDA = {
    "type": "object",
    "properties": {
        "effective_date": {"type": "string", "format": "date"},
        "jurisdiction": {"type": "string"},
        "party": {"type": "array", "items": {"type": "string"}},
        "term": {"type": "string"},
    },
}


def extracted(shown: Layout, schema: dict) -> Record:
    return read(engine_for(os.environ.get("ENGINE", ""), load_settings()), shown, Task(schema, load(schema)))


def records(folder: Path, out: Path, groups: tuple[str, ...]) -> None:
    """Predictions for every document of the index, seconds a group, citations checked, then the scorer's table."""
    out.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Counter[str]] = {}
    with (folder / "index.csv").open(newline="", encoding="utf-8") as index:
        entries = [entry for entry in csv.DictReader(index) if not groups or entry["group"] in groups]
    for entry in entries:
        schema = json.loads((folder / entry["schema"]).read_text(encoding="utf-8"))
        since = time.process_time()
        task = ReadTask((folder / entry["pdf"]).read_bytes(), entry["pdf"], ExtractConfig())
        shown = read_document(task).layout
        record = extracted(shown, schema)
        group = figures.setdefault(entry["group"], Counter())
        group["seconds"] += time.process_time() - since
        group["pages"] += int(entry["pages"])
        for leaf in record.fields.values():
            group["values"] += leaf.value is not None
            group["cited"] += (
                leaf.value is not None and leaf.citation is not None and _stands(leaf.citation.text, shown)
            )
        (out / f"{entry['document']}.json").write_text(json.dumps(record.value, ensure_ascii=False), encoding="utf-8")
    for name, group in figures.items():
        cited = f"cited {group['cited']} of {group['values']}"
        print(f"{name:18}{group['seconds']:8.2f} CPU s, {group['pages']:4} pages, {cited}")
    scorer = Path(__file__).with_name("score_structured.py")
    subprocess.run([sys.executable, scorer, out, "--truth", folder], check=True)
    _more(folder, out, entries)


def _more(folder: Path, out: Path, entries: list[dict[str, str]]) -> None:
    """The header fields of the invoices alone; the results of swimming in the shape that their gold records have."""
    from score_structured import compare

    header: Counter[str] = Counter()
    swimming: Counter[str] = Counter()
    for entry in entries:
        gold = json.loads((folder / entry["gold"]).read_text(encoding="utf-8"))
        value = json.loads((out / f"{entry['document']}.json").read_text(encoding="utf-8"))
        if entry["group"] == "invoice":
            header.update(verdict for path, verdict, _, _ in compare(gold, value) if "[" not in path)
        if entry["group"] == "swimming":
            event = {key: each for key, each in value.items() if key != "championship"}
            shaped = {"championship": value.get("championship"), "events": [event]}
            swimming.update(verdict for _, verdict, _, _ in compare(gold, shaped))
    for name, counts in (("invoices, header", header), ("swimming, gold's shape", swimming)):
        print(f"{name:24}{dict(counts)}")


def _stands(text: str, shown: Layout) -> bool:
    said = Counter(word.text for row in shown.rows for word in row.words)
    return all(said[word] for word in text.split())


def tables() -> None:
    """Lists over pages with repeated headers, wrapped and equal rows, lines that carry forward."""
    import pymupdf

    names = ("sku", "description", "quantity", "unit_price")
    item = {"type": "object", "properties": {name: {"type": "string"} for name in names[:2]}}
    item["properties"] |= {"quantity": {"type": "integer"}, "unit_price": {"type": "number"}}
    schema = {"type": "object", "properties": {"rows": {"type": "array", "items": item}}}
    for count in (27, 130, 620, 2200, 3000):
        rows = [
            (f"SK-{1000 + i}", f"Part {i % 5} of set", 1 + i % 97, round(0.5 + i % 900 / 20, 2)) for i in range(count)
        ]
        rows[5] = rows[4]
        with pymupdf.open() as made:
            for start in range(0, count, 40):
                page = made.new_page()
                for x, text in zip((60, 160, 360, 460), ("SKU", "Description", "Quantity", "Unit price"), strict=True):
                    page.insert_text((x, 60), text, fontsize=10)
                for place, row in enumerate(rows[start : start + 40]):
                    for x, cell in zip((60, 160, 360, 460), (*row[:3], f"{row[3]:.2f}"), strict=True):
                        page.insert_text((x, 78 + 17 * place), str(cell), fontsize=10)
                page.insert_text((60, 800), f"Carried forward {start}", fontsize=9)
                page.insert_text((460, 820), f"Page {start // 40 + 1}", fontsize=9)
            data = made.tobytes()
        since = time.process_time()
        record = extracted(pdf_text(data).layout(), schema)
        spent = time.process_time() - since
        got = [tuple(row.values()) for row in record.value["rows"]]
        right = sum(a == b for have, want in zip(got, rows, strict=False) for a, b in zip(have, want, strict=True))
        report = record.validation.arrays["rows"]
        print(
            f"{count:5} rows: {len(got)} items, {right / (4 * count):.4f} of cells, "
            f"complete {report.complete}, {spent:.2f} CPU s"
        )


def stream(base: str, key: str) -> None:
    """Ten different one-page invoices: milliseconds to the first line, to the first line with values, to the end."""
    import base64

    import httpx
    import pymupdf

    schema = {"type": "object", "properties": {name: {"type": "string"} for name in ("invoice_number", "supplier")}}
    schema["properties"] |= {"total": {"type": "number"}, "lines": {"type": "array", "items": {"type": "object",
        "properties": {"description": {"type": "string"}, "amount": {"type": "number"}}}}}  # fmt: skip
    found: list[tuple[float, float, float]] = []
    for number in range(12):
        with pymupdf.open() as made:
            page = made.new_page()
            for place, text in enumerate(
                (f"Invoice number: INV-{number}-{time.time_ns()}", "Supplier: Blue Harbour Ltd")
            ):
                page.insert_text((60, 60 + 20 * place), text)
            for place, cells in enumerate((("Description", "Amount"), ("Cleat", "10.00"), ("Hinge", "12.50"))):
                for x, text in zip((60, 300), cells, strict=True):
                    page.insert_text((x, 140 + 18 * place), text)
            page.insert_text((60, 260), "Total: 22.50")
            url = "data:application/pdf;base64," + base64.b64encode(made.tobytes()).decode()
        body = {
            "document": {"filename": "a.pdf", "url": url},
            "json_schema": schema,
            "model": "retab-small",
            "stream": True,
        }
        first = values = 0.0
        since = time.perf_counter()
        headers = {"Api-Key": key, "Accept": "application/x-ndjson"}
        with httpx.stream("POST", f"{base}/v1/extractions/stream", json=body, headers=headers, timeout=60) as answer:
            answer.raise_for_status()
            for line in filter(None, answer.iter_lines()):
                first = first or time.perf_counter() - since
                if any((json.loads(line).get("output") or {}).values()):
                    values = values or time.perf_counter() - since
        found.append((first, values, time.perf_counter() - since))
    for name, column in zip(("first line", "first values", "end"), zip(*found[2:], strict=True), strict=True):
        shown = sorted(1000 * each for each in column)
        print(f"{name:13} median {shown[len(shown) // 2]:6.0f} ms, worst {shown[-1]:6.0f} ms")


def agreements(folder: Path) -> None:
    """F1 of each field and of all, on upper-cased values without punctuation, else as the benchmark does."""
    right, wrong, missed = Counter(), Counter(), Counter()
    lines = (folder / "in.tsv").read_text(encoding="utf-8").splitlines()
    truths = (folder / "expected.tsv").read_text(encoding="utf-8").splitlines()
    since = time.process_time()
    for line, truth in zip(lines, truths, strict=True):
        value = extracted(_laid_out(line.split("\t")[-1]), NDA).value
        got = {
            (key, _form(str(each)))
            for key in value
            for each in (value[key] if key == "party" else [value[key]])
            if each
        }
        want = {(key, _form(each)) for key, _, each in (part.partition("=") for part in truth.split(" ")) if each}
        right.update(key for key, _ in got & want)
        wrong.update(key for key, _ in got - want)
        missed.update(key for key, _ in want - got)
    spent = time.process_time() - since
    for key in [*NDA["properties"], None]:
        counts = [sum(each.values()) if key is None else each[key] for each in (right, wrong, missed)]
        print(f"{key or 'all (micro)':16} F1 {2 * counts[0] / max(1, counts[0] + sum(counts)):.3f}  {counts}")
    print(f"{spent:.1f} CPU s for {len(lines)} documents")


def _form(text: str) -> str:
    return re.sub(r"[\s_]+", " ", re.sub(r"[.,:]", "", text)).strip().upper()


def _laid_out(text: str) -> Layout:
    """The benchmark's own text layer, a line a row."""
    words = []
    for number, line in enumerate(text.replace("\\t", " ").split("\\n")):
        for match in re.finditer(r"\S+", line):
            x0, x1 = 5.0 * match.start(), 5.0 * match.end()
            words.append(Word(match[0], 1, x0, 14.0 * number, x1, 14.0 * number + 10))
    return layout(words, {}, placed=False)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:] or ["help"]
    match command:
        case "records":
            records(Path(arguments[0]), Path(arguments[1]), tuple(arguments[2:]))
        case "tables":
            tables()
        case "stream":
            stream(*arguments)
        case "agreements":
            agreements(Path(arguments[0]))
        case _:
            print(__doc__)
