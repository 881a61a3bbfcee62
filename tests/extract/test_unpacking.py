import gzip
import lzma

import pytest
import zstandard

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError, EmptyDocumentError, LimitExceededError
from docmill.extract.registry import read
from docmill.extract.unpacking import unpack
from tests.making import mail, mailbox, tarred, zipped

CONFIG = ExtractConfig()


def members(data: bytes, label: str, config: ExtractConfig = CONFIG) -> dict[str, str]:
    """Path to text, or to the error."""
    found = list(unpack(data, label, config))
    return {each.member.path: each.member.error or each.data.decode("utf-8", "replace") for each in found}


def test_files_of_a_zip_in_their_order_without_litter():
    data = zipped({"b.txt": "b", "a/a.txt": "a", "__MACOSX/._b.txt": "x", "a/.DS_Store": "x"})
    assert members(data, "zip") == {"b.txt": "b", "a/a.txt": "a"}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_files_of_a_tar(mode: str):
    label = mode.partition(":")[2] or "tar"
    assert members(tarred({"./a.txt": b"a", "b/c.txt": b"c"}, mode), label) == {"a.txt": "a", "b/c.txt": "c"}


def test_a_compressed_file_is_one_member():
    assert members(lzma.compress(b"text"), "xz") == {"content": "text"}
    assert members(zstandard.compress(b"text"), "zst") == {"content": "text"}
    assert members(gzip.compress(b"text"), "gz") == {"content": "text"}


def test_archives_in_archives_are_opened_and_attachments_are_members():
    message = mail(notes_md=b"# Notes").as_bytes()
    data = zipped({"inner.zip": zipped({"m.eml": message, "t.tar": tarred({"x.txt": b"x"})})})
    paths = ["inner.zip!/m.eml", "inner.zip!/m.eml!/notes.md", "inner.zip!/t.tar!/x.txt"]
    assert list(members(data, "zip")) == paths


def test_paths_that_lead_out_are_refused():
    for data, label in ((zipped({"../a": "x", "C:\\b": "y", "c": "z"}), "zip"), (tarred({"/etc/p": b"x"}), "tar")):
        found = members(data, label)
        assert all("leads out" in text for path, text in found.items() if path != "c")
        assert found.get("c", "z") == "z"


def test_a_damaged_member_costs_itself_only():
    data = bytearray(zipped({"a.txt": "a" * 50, "b.txt": "b"}))
    at = data.index(b"a.txt") + 7
    data[at : at + 2] = b"\xff\xff"
    assert members(bytes(data), "zip")["b.txt"] == "b"
    assert "cannot be unpacked" in members(bytes(data), "zip")["a.txt"]


def test_what_follows_a_damaged_place_of_a_tar_is_named():
    data = tarred({"a.txt": b"a", "b.txt": b"b" * 20_000})
    assert "damaged after a.txt" in members(data[:4_000], "tar")["the rest of the archive"]


def test_an_encrypted_member_is_named():
    data = bytearray(zipped({"a.txt": "a", "b.txt": "b"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "password" in members(bytes(data), "zip")["a.txt"]
    assert members(bytes(data), "zip")["b.txt"] == "b"


def test_the_same_name_twice_gets_a_number():
    message = mail()
    for _ in range(2):
        message.add_attachment(b"x", maintype="text", subtype="plain", filename="a.txt")
    assert list(members(message.as_bytes(), "eml")) == ["a.txt", "a (2).txt"]


def test_too_many_members_are_refused():
    with pytest.raises(LimitExceededError, match="max_members"):
        members(zipped({"a": "x", "b.zip": zipped({"c": "y", "d": "z"})}), "zip", ExtractConfig(max_members=3))


def test_too_many_bytes_are_refused():
    with pytest.raises(LimitExceededError, match="max_unpacked_bytes"):
        members(tarred({"a": bytes(700), "b": bytes(700)}), "tar", ExtractConfig(max_unpacked_bytes=1_000))


def test_an_inner_archive_that_is_too_large_is_named_and_its_siblings_kept():
    data = zipped({"a.txt": "a", "bomb.zip": zipped({"zeros": bytes(60_000_000)}), "b.txt": "b"})
    found = members(data, "zip")
    assert "not safely" in found.pop("bomb.zip")
    assert found == {"a.txt": "a", "b.txt": "b"}


def test_a_compressed_bomb_is_refused():
    with pytest.raises(LimitExceededError, match="not safely"):
        members(lzma.compress(bytes(60_000_000)), "xz")


def test_archives_too_deep_in_each_other_are_named_and_their_siblings_kept():
    data = zipped({"x.txt": "x", "deep.zip": zipped({"deeper.zip": zipped({"deepest.txt": "no"})})})
    found = members(data, "zip", ExtractConfig(max_depth=2))
    assert found["x.txt"] == "x"
    assert "max_depth" in found["deep.zip!/deeper.zip"]


def test_mails_of_a_mailbox_are_named_by_subject_and_content():
    first, second = mail("One", "a\n\nFrom here on, no mail.").as_bytes(), mail("Zwölf").as_bytes()
    both, rest = members(mailbox([first, second]), "mbox"), members(mailbox([second]) + b"\n", "mbox")
    assert [path.rpartition(" ")[0] for path in both] == ["One", "Zwölf"]
    assert set(rest) < set(both)


def test_an_archive_lists_its_members():
    extraction = read(zipped({"a.txt": "abc"}), "x.zip", CONFIG).extraction
    assert [each.text for each in extraction.elements] == [
        "This archive holds 1 document.",
        "Document | Bytes\na.txt | 3",
    ]
    assert extraction.members[0].path == "a.txt"


def test_an_archive_without_anything_is_refused():
    with pytest.raises(EmptyDocumentError, match="no documents"):
        read(zipped({}), "x.zip", CONFIG)
    with pytest.raises(CorruptDocumentError, match="None of the 1 members"):
        read(zipped({"../a": "x"}), "x.zip", CONFIG)
