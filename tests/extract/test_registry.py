import io

import docx
import pytest
from PIL import Image, ImageDraw, ImageFont

from docmill.config import ExtractConfig, Mode
from docmill.errors import (
    CorruptDocumentError,
    EmptyDocumentError,
    EncryptedDocumentError,
    LimitExceededError,
    UnsupportedTypeError,
)
from docmill.extract import registry
from docmill.extract.registry import SUPPORTED, read

CONFIG = ExtractConfig()


def scan_in_docx() -> bytes:
    image = Image.new("L", (500, 100), 255)
    ImageDraw.Draw(image).text((20, 30), "scanned words", 0, ImageFont.load_default(34))
    picture, out = io.BytesIO(), io.BytesIO()
    image.save(picture, "PNG")
    document = docx.Document()
    document.add_picture(picture)
    document.save(out)
    return out.getvalue()


def test_no_bytes_or_only_white_space_is_empty():
    for data in (b"", b" \n\n"):
        with pytest.raises(EmptyDocumentError):
            read(data, "a.txt", CONFIG)


def test_a_document_over_the_limit_is_refused():
    with pytest.raises(LimitExceededError, match="11 bytes"):
        read(b"hello world", "a.txt", ExtractConfig(max_bytes=10))


def test_an_unknown_type_is_refused_with_the_types_that_are_read():
    with pytest.raises(UnsupportedTypeError, match="docx"):
        read(b"\x7fELF\x02\x01\x01" + bytes(60) + b"\x01\x02" * 200, "a.bin", CONFIG)


def test_an_archive_that_cannot_be_opened_is_refused_with_the_way_out():
    with pytest.raises(UnsupportedTypeError, match="pack it as zip"):
        read(b"7z\xbc\xaf\x27\x1c" + bytes(30), "a.7z", CONFIG)


def test_a_lying_name_is_warned_of_and_read_by_content():
    reading = read(b"<html><body><p>x</p></body></html>", "a.docx", CONFIG)
    assert reading.extraction.media_type == "text/html"
    assert "ends in .docx" in reading.extraction.warnings[0]


def test_a_page_without_text_is_empty():
    with pytest.raises(EmptyDocumentError, match="nothing readable"):
        read(b"<html><body> </body></html>", "a.html", CONFIG)


def test_scans_inside_office_files_are_recognised():
    element = read(scan_in_docx(), "a.docx", CONFIG).extraction.elements[0]
    assert (element.text, element.method) == ("scanned words", "ocr:rapidocr")


def test_mode_fast_leaves_pictures_alone():
    element = read(scan_in_docx(), "a.docx", ExtractConfig(mode=Mode.FAST)).extraction.elements[0]
    assert element.text == ""


def test_a_pdf_goes_to_its_reader_with_ocr(monkeypatch):
    calls = []
    fake = type(
        "fake", (), {"read_pdf": staticmethod(lambda data, config, *, ocr=None, wanted=None: calls.append(ocr))}
    )
    monkeypatch.setitem(__import__("sys").modules, "docmill.extract.pdf", fake)
    registry._read_pdf(b"%PDF", CONFIG)
    registry._read_pdf(b"%PDF", ExtractConfig(mode=Mode.FAST))
    assert callable(calls[0])
    assert calls[1] is None


def test_unforeseen_errors_of_libraries_are_corrupt_documents(monkeypatch):
    def broken(data, config):
        raise KeyError("rId7")

    monkeypatch.setattr(registry, "_reader", lambda detected: broken)
    with pytest.raises(CorruptDocumentError, match="rId7"):
        read(b"text", "a.txt", CONFIG)


def test_an_encrypted_office_file_is_refused(monkeypatch):
    found = registry.Detected("application/x-ole-encrypted-package", "encrypted")
    monkeypatch.setattr(registry, "accepted", lambda data, name, config: found)
    with pytest.raises(EncryptedDocumentError, match="password"):
        read(b"text", "a.docx", CONFIG)


def test_the_same_bytes_give_the_same_extraction():
    first, second = (read(scan_in_docx(), "a.docx", CONFIG).extraction for _ in range(2))
    assert [each.text for each in first.elements] == [each.text for each in second.elements]
    data = b"# A\n\n- b\n"
    assert (
        read(data, "a.md", CONFIG).extraction.model_dump_json()
        == read(data, "a.md", CONFIG).extraction.model_dump_json()
    )


def test_every_supported_type_has_a_media_type():
    assert all("/" in media_type for media_type in SUPPORTED.values())
