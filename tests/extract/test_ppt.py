import io
import subprocess

import pptx
import pytest

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError, UnsupportedTypeError
from docmill.extract.libreoffice import converted
from docmill.extract.media_type import OLE2
from docmill.extract.registry import read
from tests.conftest import need

PACKAGE = "libreoffice-impress-nogui"


@pytest.fixture
def presentation(tmp_path) -> bytes:
    """A ppt file as LibreOffice writes it."""
    program = need("soffice", PACKAGE)
    deck, out = pptx.Presentation(), io.BytesIO()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Pumps", "Close the valve\nOpen the drain"
    slide.notes_slide.notes_text_frame.text = "Show the seal."
    deck.save(out)
    (tmp_path / "a.pptx").write_bytes(out.getvalue())
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [program, profile, "--headless", "--convert-to", "ppt", "--outdir", tmp_path, tmp_path / "a.pptx"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return (tmp_path / "a.ppt").read_bytes()


def test_a_presentation_is_read_by_way_of_libreoffice(presentation):
    extraction = read(presentation, "a.ppt", ExtractConfig()).extraction
    texts = [(each.type.value, each.text, each.page) for each in extraction.elements]
    assert texts == [
        ("title", "Pumps", 1),
        ("list_item", "Close the valve", 1),
        ("list_item", "Open the drain", 1),
        ("text", "Show the seal.", 1),
    ]
    assert extraction.media_type == "application/vnd.ms-powerpoint"


def test_without_libreoffice_the_way_out_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnsupportedTypeError, match=PACKAGE):
        converted(OLE2, "ppt", "pptx")


def test_a_damaged_presentation_is_refused():
    need("soffice", PACKAGE)
    with pytest.raises(CorruptDocumentError, match="LibreOffice cannot read"):
        converted(OLE2 + bytes(2_000), "ppt", "pptx")
