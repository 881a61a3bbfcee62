"""`make run`: ingest the example documents, then ask three questions, as a user would with the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
DOCMILL = Path(sys.executable).parent / "docmill"
DOCUMENTS_FAILED = 2
QUESTIONS = 3


def docmill(*arguments: str) -> int:
    """Run the command as a user does; its exit code."""
    return subprocess.run([DOCMILL, *arguments], check=False).returncode


def main() -> int:
    """Ingest, ask, say what to do next; 0 if all went as it should."""
    print("Ingesting examples/documents (broken.pdf is broken on purpose) …\n", flush=True)
    code = docmill("ingest", str(HERE / "documents"))
    if code != DOCUMENTS_FAILED:
        print(f"Expected exit code {DOCUMENTS_FAILED} (one document failed), got {code}.", file=sys.stderr)
        return 1
    for each in json.loads((HERE / "questions.json").read_text(encoding="utf-8"))[:QUESTIONS]:
        print(f"\n❯ docmill search {each['question']!r} --top-k 2\n", flush=True)
        if docmill("search", each["question"], "--top-k", "2") != 0:
            return 1
    print("\nNext: `make dev` opens the Dagster UI at http://127.0.0.1:3000 (asset graph, batches, failed documents).")
    print(
        "Your own documents: .venv/bin/docmill ingest FOLDER (or s3://bucket/prefix); prove a hit: docmill explain ID."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
