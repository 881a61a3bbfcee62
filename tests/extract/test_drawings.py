"""Vector drawings inside of documents become pictures with their text, charts among them with their data."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from docmill.config import ExtractConfig, Mode
from docmill.extract.registry import read
from docmill.extract.vectors import vector_of
from docmill.models import Element, ElementType
from tests.extract.samples import CHART, OFFICE
from tests.extract.test_picture_text import docx
from tests.making import zipped

DATA = [["", "value"], ["Q1", "20"], ["Q2", "30"], ["Q3", "15"], ["Q4", "38"]]


def with_drawing(drawing: bytes) -> bytes:
    """A Word file whose picture is the drawing."""
    out = io.BytesIO()
    Image.new("RGB", (100, 80), "red").save(out, "PNG")
    with zipfile.ZipFile(io.BytesIO(docx(out.getvalue()))) as package:
        files = {info.filename: package.read(info) for info in package.infolist()}
    return zipped({name: drawing if name.startswith("word/media/") else data for name, data in files.items()})


def shown(data: bytes, name: str = "a.docx", mode: Mode = Mode.AUTO) -> Element:
    """The second element of the document, whose picture is one that others can show."""
    reading = read(data, name, ExtractConfig(mode=mode))
    found = reading.extraction.elements[1]
    assert {each.crop.media_type for each in reading.extraction.elements if each.crop} <= {"image/png"}
    assert set(reading.crops) == ({found.crop.sha256} if found.crop else set())
    return found


@pytest.mark.parametrize("drawing", [CHART.encode(), gzip.compress(CHART.encode(), mtime=0)], ids=["svg", "svgz"])
def test_chart_drawn_as_svg_in_an_office_file_has_its_data(drawing: bytes):
    found = shown(with_drawing(drawing))
    assert (found.type, found.table.grid()) == (ElementType.CHART, DATA)


def test_chart_drawn_in_a_web_page_has_its_data():
    found = shown(f"<p>Sales</p>{CHART}".encode(), "a.html")
    assert (found.type, found.table.grid()) == (ElementType.CHART, DATA)


def test_chart_as_an_svg_file_has_its_data():
    (found,) = read(CHART.encode(), "a.svg", ExtractConfig()).extraction.elements
    assert (found.type, found.table.grid(), found.bbox.x1) == (ElementType.CHART, DATA, 400)


@pytest.mark.parametrize("label", ["emf", "wmf"])
def test_metafile_in_an_office_file_is_drawn_and_read(libreoffice, label: str):
    found = shown(with_drawing((OFFICE / f"chart.{label}").read_bytes()))
    assert (found.type, found.crop.width > 200) == (ElementType.CHART, True)
    assert "Pumps sold" in found.text
    assert "Q3" in found.text


def test_without_libreoffice_the_metafile_stays_and_says_why(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    reading = read(with_drawing((OFFICE / "chart.emf").read_bytes()), "a.docx", ExtractConfig())
    picture = reading.extraction.elements[1]
    assert (picture.type, picture.crop) == (ElementType.IMAGE, None)
    assert "needs LibreOffice, which is not installed" in picture.metadata["note"]
    assert any("libreoffice-impress-nogui" in each for each in reading.extraction.warnings)


def test_damaged_drawing_and_mode_fast_say_so():
    damaged = b'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="80"></svg>'
    assert "shows nothing" in shown(with_drawing(damaged)).metadata["note"]
    assert "Mode fast" in shown(with_drawing(CHART.encode()), mode=Mode.FAST).metadata["note"]


def test_sides_of_drawings_tell_icons():
    found = vector_of(b'<svg width="1cm" height="9mm" viewBox="0 0 4 4">')
    assert (found.width, found.height) == (38, 34)
    assert vector_of((OFFICE / "chart.emf").read_bytes()).width > 300
    assert vector_of((OFFICE / "chart.wmf").read_bytes()).media_type == "image/wmf"
    assert vector_of(b"\x89PNG\r\n\x1a\n") is None
