"""Writes docmill's Markdown of every PDF of a folder, for the scorer of a benchmark, and measures the CPU that it took.

    python benchmarks/pdf.py PDFS PREDICTIONS [--mode fast|auto]

Tables are written as HTML, which carries spans. One process; reading and rendering count, imports and files do not.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from docmill.config import ExtractConfig, Mode
from docmill.errors import DocmillError
from docmill.extract.pdf import read_pdf  # noqa: F401 - imported before the clock starts
from docmill.extract.registry import read
from docmill.extract.render import to_markdown


def main() -> None:
    """Read, write, print a line."""
    parser = argparse.ArgumentParser(description="Markdown of PDFs for a scorer, and the CPU that it took.")
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--mode", type=Mode, default=Mode.FAST, choices=list(Mode))
    chosen = parser.parse_args()
    chosen.predictions.mkdir(parents=True, exist_ok=True)
    config = ExtractConfig(mode=chosen.mode)
    pages, cpu = 0, 0.0
    for path in sorted(chosen.pdfs.glob("*.pdf")):
        data, since = path.read_bytes(), time.process_time()
        try:
            extraction = read(data, path.name, config).extraction
            text, count = to_markdown(extraction, tables="html"), len(extraction.pages)
        except DocmillError as error:
            print(f"{path.name}: {error}")
            text, count = "", 0
        cpu, pages = cpu + time.process_time() - since, pages + count
        (chosen.predictions / f"{path.stem}.md").write_text(text, encoding="utf-8")
    print(f"{pages} pages, {cpu:.2f} CPU s, {1000 * cpu / max(1, pages):.1f} ms a page, mode {chosen.mode}")


if __name__ == "__main__":
    main()
