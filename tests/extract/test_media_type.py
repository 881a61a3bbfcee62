import io
import tarfile
import zipfile

import pytest

from docmill.extract.media_type import detect


def zipped(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, data in parts.items():
            package.writestr(name.replace("__", "/"), data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "label"),
    [
        (b"junk\n%PDF-1.4\n", "a", "pdf"),
        (b"\x89PNG\r\n\x1a\n", "a.png", "png"),
        (b"{\\rtf1 x}", "a.rtf", "rtf"),
        (b"<!DOCTYPE html><p>x", "a", "html"),
        (b"a,b\n1,2\n", "a.csv", "csv"),
        (b"# Title\n\ntext\n", "a.md", "md"),
        (b"From: a@b\nTo: c@d\nSubject: x\n\nbody\n", "a", "eml"),
        (b'{"a": 1}', "a", "json"),
        (b"<?xml version='1.0'?><a/>", "a", "xml"),
        (b"just words", "notes.txt", "txt"),
    ],
)
def test_types_are_told_by_content_then_name(data, name, label):
    assert detect(data, name).label == label


def test_office_packages_are_told_by_their_parts():
    assert detect(zipped(word__document=b""), "a.zip").label == "docx"
    assert detect(zipped(xl__workbook=b""), "a.zip").label == "xlsx"
    assert detect(zipped(mimetype=b"application/epub+zip"), "a.zip").label == "epub"
    assert detect(zipped(readme=b"x"), "a.zip").label == "zip"


def test_a_name_that_lies_is_said():
    found = detect(b"\x89PNG\r\n\x1a\n", "report.pdf")
    assert found.label == "png"
    assert found.disagreement == "The name ends in .pdf, but the content is that of a PNG picture."


def test_text_formats_do_not_disagree_with_one_another():
    assert detect(b"<html><body>x</body></html>", "page.txt").disagreement == ""


def test_unknown_bytes_get_the_label_of_the_model():
    found = detect(b"\x7fELF\x02\x01\x01" + bytes(60) + b"\x01\x02" * 200, "a")
    assert found.label not in ("txt", "")
    assert "/" in found.media_type


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_pdf_that_lies_unpacked_at_the_beginning_of_an_archive_is_not_the_archive(name: str):
    out = io.BytesIO()
    if name == "a.zip":
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("first.pdf", b"%PDF-1.7 small")
    else:
        with tarfile.open(fileobj=out, mode="w") as tar:
            about = tarfile.TarInfo("first.pdf")
            about.size = 14
            tar.addfile(about, io.BytesIO(b"%PDF-1.7 small"))
    assert detect(out.getvalue(), name).label == name[2:]
