"""Pictures in Word 97-2003 documents; what else is read of them: tests/extract/test_features.py."""

import io
import struct
import zlib

import pytest
from PIL import Image

from docmill.config import ExtractConfig
from docmill.extract.doc import read_doc
from docmill.extract.doc_pictures import _blips
from docmill.models import ElementType
from tests.services import ROOT

DOC = (ROOT / "tests/data/features/all.doc").read_bytes()


def test_picture_stands_where_it_is_in_the_text_with_its_bytes():
    reading = read_doc(DOC, ExtractConfig())
    kinds = [each.type for each in reading.extraction.elements]
    (place,) = [index for index, kind in enumerate(kinds) if kind is ElementType.IMAGE]
    assert kinds[place - 1] is ElementType.TEXT
    assert reading.extraction.elements[place + 1].metadata == {"note": "footnote"}
    ((_, data),) = reading.crops.items()
    assert Image.open(io.BytesIO(data)).size == (320, 70)
    assert reading.extraction.warnings == ()


def test_damaged_picture_costs_itself_alone():
    start = DOC.index(b"\x89PNG")
    reading = read_doc(DOC[: start + 16] + b"\xff" * 200 + DOC[start + 216 :], ExtractConfig())
    assert not reading.crops
    assert "cannot be decoded" in reading.extraction.warnings[0]
    assert any("12.5 litres" in each.text for each in reading.extraction.elements)


@pytest.mark.parametrize(("instance", "hashes"), [(0x46A, 16), (0x46B, 32)])
def test_bitmaps_have_one_hash_or_two_before_them(instance: int, hashes: int):
    record = struct.pack("<HHI", instance << 4, 0xF01D, hashes + 1 + 4) + b"h" * (hashes + 1) + b"JPEG"
    stored = struct.pack("<HHI", 2, 0xF007, 36 + len(record)) + b"\0" * 36 + record
    within = struct.pack("<HHI", 0xF, 0xF004, len(stored)) + stored
    assert list(_blips(within, 0, len(within))) == [b"JPEG"]


def test_compressed_metafile_is_unpacked_and_a_damaged_one_is_empty():
    for body, expected in ((zlib.compress(b"EMF" * 50), b"EMF" * 50), (b"junk", b"")):
        record = struct.pack("<HHI", 0x3D4 << 4, 0xF01A, 16 + 34 + len(body)) + b"h" * 16 + b"\0" * 34 + body
        assert list(_blips(record, 0, len(record))) == [expected]
