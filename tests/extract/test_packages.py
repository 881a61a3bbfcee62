"""OpenDocument, EPUB and RTF: formats without a writer among the dependencies, written by hand."""

import io
import zipfile

import pytest

from docmill.config import ExtractConfig
from docmill.errors import EncryptedDocumentError
from docmill.extract.epub import read_epub
from docmill.extract.odf import read_ods, read_odt
from docmill.extract.rtf import read_rtf
from docmill.models import ElementType

CONFIG = ExtractConfig()
SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "table")
)


def package(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def odf(kind: str, body: str) -> bytes:
    content = f"<office:document-content {SPACES}><office:body><office:{kind}>{body}</office:{kind}></office:body>"
    return package({"content.xml": f"{content}</office:document-content>"})


def book(chapter: str, **more: str) -> bytes:
    manifest = '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/>'
    opf = f'<package><manifest>{manifest}</manifest><spine><itemref idref="c"/></spine></package>'
    container = '<container><rootfiles><rootfile full-path="o/b.opf"/></rootfiles></container>'
    return package({"META-INF/container.xml": container, "o/b.opf": opf, "o/c.xhtml": chapter, **more})


def test_odt_titles_lists_and_notes():
    body = (
        '<text:h text:outline-level="2">T</text:h><text:list><text:list-item><text:p>i</text:p></text:list-item>'
        "</text:list><text:p>a<text:s/>b<text:note><text:note-body><text:p>n</text:p></text:note-body></text:note></text:p>"
    )
    found = read_odt(odf("text", body), CONFIG).extraction.elements
    assert [(each.type.value, each.text, each.level) for each in found] == [
        ("title", "T", 2),
        ("list_item", "i", 1),
        ("text", "a b", None),
        ("footnote", "n", None),
    ]


def test_ods_repeated_cells_keep_places():
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    row = (
        '<table:table-row><table:table-cell table:number-columns-repeated="2"/>'
        f"{cell.format('x')}{cell.format('y')}</table:table-row>"
    )
    body = f'<table:table table:name="S">{row}{row}</table:table>'
    found = read_ods(odf("spreadsheet", body), CONFIG).extraction.elements[1]
    assert (found.sheet, found.cells, found.text) == ("S", "C1:D2", "x | y\nx | y")


def test_an_encrypted_odt_is_refused():
    data = package({"content.xml": "", "META-INF/manifest.xml": "<m><encryption-data/></m>"})
    with pytest.raises(EncryptedDocumentError, match="password"):
        read_odt(data, CONFIG)


def test_epub_chapters_are_read_in_order_of_the_spine():
    found = read_epub(book("<html><body><h1>One</h1><p>text</p></body></html>"), CONFIG).extraction.elements
    assert [(each.type, each.text) for each in found] == [(ElementType.TITLE, "One"), (ElementType.TEXT, "text")]


def test_a_protected_book_is_refused():
    method = '<e><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></e>'
    with pytest.raises(EncryptedDocumentError, match="DRM"):
        read_epub(book("x", **{"META-INF/encryption.xml": method}), CONFIG)


def test_rtf_text_unicode_and_charsets():
    data = rb"{\rtf1\ansi\ansicpg1252\uc1{\fonttbl{\f0 Arial;}}caf\'e9 \u8364? {\b x}\par second\par}"
    found = read_rtf(data, CONFIG).extraction.elements
    assert [each.text for each in found] == ["café € x", "second"]


def test_rtf_tables():
    data = rb"{\rtf1\trowd\pard\intbl a\cell b\cell\row\trowd\pard\intbl c\cell d\cell\row\pard after\par}"
    table, after = read_rtf(data, CONFIG).extraction.elements
    assert (table.text, after.text) == ("a | b\nc | d", "after")


def test_rtf_titles_by_outline_level_of_their_style():
    data = rb"{\rtf1{\stylesheet{\s1\outlinelevel0 heading 1;}}\pard\s1 Head\par\pard body\par}"
    found = read_rtf(data, CONFIG).extraction.elements
    assert [(each.type.value, each.level) for each in found] == [("title", 1), ("text", None)]


def test_rtf_notes_within_notes_lose_nothing_of_the_body():
    data = rb"{\rtf1\pard before {\*\footnote {\*\annotation said}noted} after {\deleted gone}\par}"
    found = read_rtf(data, CONFIG).extraction.elements
    assert [each.text for each in found] == ["before after", "said", "noted"]


def test_rtf_titles_by_the_name_of_their_style():
    data = rb"{\rtf1{\stylesheet{\s3\b heading 2;}}\pard\s3 Head\par}"
    assert [(each.type.value, each.level) for each in read_rtf(data, CONFIG).extraction.elements] == [("title", 2)]
