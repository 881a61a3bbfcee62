import io
import zipfile

import pytest

from docmill.errors import CorruptDocumentError, LimitExceededError
from docmill.extract.archive import Archive, parse_xml


def package(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_parts_are_found_whatever_their_case():
    assert Archive(package({"Word/Document.xml": b"<a/>"})).read("/word/document.xml") == b"<a/>"


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    with pytest.raises(LimitExceededError, match="unpacks to"):
        Archive(package({"a.xml": bytes(60_000_000)}))


def test_a_missing_part_is_named():
    with pytest.raises(CorruptDocumentError, match=r"lacks its part b\.xml"):
        Archive(package({"a.xml": b""})).read("b.xml")


def test_entities_are_neither_expanded_nor_fetched():
    bomb = b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY f SYSTEM "file:///etc/passwd">]><a>&x;&f;</a>'
    root = parse_xml(bomb)
    assert "".join(each for each in root.itertext() if isinstance(each, str)) in ("", "&x;&f;")
    assert (root.text or "") == ""


def test_a_document_type_in_an_office_part_is_refused():
    with pytest.raises(CorruptDocumentError, match="document type"):
        Archive(package({"a.xml": b"<!DOCTYPE a><a/>"})).refuse_doctypes()


def test_what_is_no_zip_is_corrupt():
    with pytest.raises(CorruptDocumentError, match="zip package"):
        Archive(b"PK\x03\x04 nothing more")
