"""What is attached to PDFs and packed by Outlook becomes documents of its own."""

import pytest

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.registry import read
from docmill.extract.wanted import ALL, Wanted
from tests.extract.samples import attached_pdf
from tests.making import mail, tnef, zipped
from tests.support import documents, ingest, searchable

CONFIG = ExtractConfig()


def paths(data: bytes, name: str, wanted: Wanted = ALL) -> list[str]:
    return [each.path for each in read(data, name, CONFIG, wanted).extraction.members]


def test_attachments_of_a_pdf_are_its_members():
    kept: list[bytes] = []
    members = read(attached_pdf(), "a.pdf", CONFIG, keep=kept.append).extraction.members
    assert [(each.path, each.media_type) for each in members] == [
        ("prices.csv", "text/csv"),
        ("notes.md", "text/markdown"),
    ]
    assert kept == [b"Part,Price\nSeal,12.50\n", b"# Notes"]


def test_attachments_of_a_protected_pdf_need_its_password():
    data = attached_pdf(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="pump", owner_pw="owner")
    assert paths(data, "a.pdf", Wanted(password="pump")) == ["prices.csv", "notes.md"]
    assert paths(zipped({"a.pdf": data}), "a.zip") == ["a.pdf"]


def test_attachments_are_found_at_any_depth():
    assert paths(zipped({"a.pdf": attached_pdf()}), "a.zip") == ["a.pdf", "a.pdf!/prices.csv", "a.pdf!/notes.md"]


def test_attachments_of_an_ingested_pdf_are_searched(workspace, tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "offer.pdf").write_bytes(attached_pdf())
    ingest(workspace, folder)
    ingest(workspace, folder)
    assert {each.source_key.rpartition("documents/")[2] for each in documents(workspace)} == {
        "offer.pdf",
        "offer.pdf!/prices.csv",
        "offer.pdf!/notes.md",
    }
    assert "12.50" in searchable(workspace)["prices.csv"]


def test_what_outlook_packs_is_unpacked():
    packed = tnef(report_csv=b"a,b\n1,2\n", notes_md=b"# Notes")
    assert paths(packed, "winmail.dat") == ["report.csv", "notes.md"]
    assert paths(mail(winmail_dat=packed).as_bytes(), "a.eml") == ["winmail.dat!/report.csv", "winmail.dat!/notes.md"]


@pytest.mark.parametrize("end", [9, 40])
def test_damaged_packing_is_refused(end: int):
    with pytest.raises(CorruptDocumentError, match=r"TNEF|no documents|cannot be"):
        read(tnef(a_txt=b"text")[:end] + b"\x02\xff\xff\xff\xff" * 9, "winmail.dat", CONFIG)
