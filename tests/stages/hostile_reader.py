"""A reader that fails on pages whose text says so: for what no PDF is known to do to the real one.

Worker processes import it by name, so it is a module of its own.
"""

from __future__ import annotations

import ctypes
import time

from docmill.extract.pdf import PdfFile
from docmill.extract.worker import Answer, Task, Unfinished, read_document

_read_page = PdfFile.read_page


def _reads(pdf, number, head):
    pdf._watch(number)
    text = pdf._document.load_page(number).get_text()
    if "crash here" in text:
        ctypes.string_at(0)
    if "hang here" in text:
        time.sleep(3600)
    if "grow here" in text:
        hoard = []
        while True:
            hoard.append(bytearray(1 << 26))
    if "stumble here" in text:
        raise OSError("stumbled")
    return _read_page(pdf, number, head)


def read_hostile(task: Task) -> Answer | Unfinished:
    """As `read_document`, but some words in a page crash, hang, bloat or break it."""
    PdfFile.read_page = _reads
    try:
        return read_document(task)
    finally:
        PdfFile.read_page = _read_page
