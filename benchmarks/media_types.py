"""Tells the types of a folder's files by docmill, magika and libmagic, and counts who is right and at what cost.

Usage: python benchmarks/media_types.py FOLDER …       (libmagic: pip install pylibmagic python-magic)

A file's ending is taken for the truth, so damaged and misnamed ones count against everybody alike.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from docmill.errors import CorruptDocumentError
from docmill.extract.media_type import MEDIA_TYPES, detect

SAME = {"htm": "html", "jpg": "jpeg", "tif": "tiff", "docm": "docx", "dotx": "docx", "pptm": "pptx", "xlsm": "xlsx",
        "markdown": "md", "ndjson": "jsonl"}  # fmt: skip
MAGIKA = {"markdown": "md", "outlook": "msg", "email": "eml", "xlsb": "xlsb", "ooxml": "docx"}
MIME = {mime: label for label, mime in MEDIA_TYPES.items()} | {
    "text/rtf": "rtf", "text/xml": "xml", "application/csv": "csv", "image/x-ms-bmp": "bmp", "image/svg": "svg",
}  # fmt: skip
Tell = Callable[[bytes, str], str]


def by_docmill(data: bytes, name: str) -> str:
    try:
        return detect(data, name).label
    except CorruptDocumentError:
        return "refused"


def by_docmill_without_name(data: bytes, name: str) -> str:
    return by_docmill(data, "")


def magika() -> Tell:
    from magika import Magika

    model = Magika()

    def tell(data: bytes, name: str) -> str:
        label = str(model.identify_bytes(data).output.label)
        return MAGIKA.get(label, label)

    return tell


def libmagic() -> Tell:
    import pylibmagic  # noqa: F401  # puts its library where python-magic looks

    import magic  # isort: skip

    reader = magic.Magic(mime=True)
    return lambda data, name: MIME.get(reader.from_buffer(data), "?")


def run(name: str, tell: Tell, files: Sequence[tuple[str, str, bytes]]) -> str:
    """A row of the table."""
    tell(files[0][2], files[0][1])
    since = time.process_time()
    answers = [tell(data, path) for _, path, data in files]
    spent = (time.process_time() - since) / len(files) * 1000
    wrong = Counter(f"{truth} as {said}" for (truth, _, _), said in zip(files, answers, strict=True) if truth != said)
    worst = ", ".join(f"{what} ({count})" for what, count in wrong.most_common(6))
    return f"| {name} | {len(files) - sum(wrong.values())}/{len(files)} | {spent:.2f} | {worst} |"


def main() -> None:
    paths = [path for folder in sys.argv[1:] for path in sorted(Path(folder).rglob("*")) if path.is_file()]
    named = [(SAME.get(ending := path.suffix.lower().lstrip("."), ending), path) for path in paths]
    files = [(truth, path.name, path.read_bytes()) for truth, path in named if truth in MEDIA_TYPES]
    print("| by | as its ending says | CPU-ms a file | not |\n|---|---|---|---|")
    for name, make in (("docmill", lambda: by_docmill), ("docmill, without the name", lambda: by_docmill_without_name),
                       ("magika", magika), ("libmagic", libmagic)):  # fmt: skip
        print(run(name, make(), [each for each in files if each[2]]), flush=True)


if __name__ == "__main__":
    main()
