"""Bombs and references that lead out, in formats other than PDF; `benchmarks/hostile_ingest.py` ingests larger ones."""

import socket
import struct
import zlib

import pytest

from benchmarks.hostile_files import LAUGHS, LEAK, book, mailbox, open_document, outward_word, paragraph, word, workbook
from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError, LimitExceededError
from docmill.extract.registry import read
from docmill.extract.unpacking import unpack

CONFIG = ExtractConfig()
TEXT = "Before. &a9; After."
DOCUMENTS = {
    "docx": lambda before: word(paragraph(TEXT), before),
    "xlsx": lambda before: workbook(before, TEXT),
    "odt": lambda before: open_document(before, TEXT),
    "epub": lambda before: book(before, TEXT),
    "xml": lambda before: f"{before}<x><y>{TEXT}</y></x>".encode(),
    "html": lambda before: f"{before}<html><body><p>{TEXT}</p></body></html>".encode(),
}


@pytest.mark.parametrize("before", [LAUGHS, LEAK], ids=["bomb", "file"])
@pytest.mark.parametrize("label", DOCUMENTS)
def test_entities_are_refused_or_not_expanded(label: str, before: str):
    try:
        extraction = read(DOCUMENTS[label](before), f"a.{label}", CONFIG).extraction
    except CorruptDocumentError:
        return
    text = " ".join(each.text for each in extraction.elements)
    assert "Before." in text
    assert "lollol" not in text
    assert "root:" not in text


def test_nothing_outside_of_a_document_is_fetched():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        read(outward_word(url), "a.docx", CONFIG)
        read(f'<p>a</p><img src="{url}i.png">'.encode(), "a.html", CONFIG)
        read(open_document("", f'a<draw:image href="{url}o.png"/>'), "a.odt", CONFIG)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_picture_that_unpacks_to_too_much_is_refused():
    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 40_000, 25_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(bytes(9))) + part(b"IEND", b"")
    with pytest.raises(LimitExceededError, match="40000 x 25000 pixels"):
        read(data, "a.png", CONFIG)


def test_a_mailbox_gives_its_mails_one_at_a_time():
    found = unpack(mailbox(300), "mbox", CONFIG)
    assert next(found).member.path.startswith("Report 0 ")
    assert sum(1 for _ in found) == 300 - 1 + 3
