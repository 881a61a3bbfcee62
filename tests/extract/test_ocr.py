import io
import math
import socket

import numpy
import pytest
import rapidocr
from PIL import Image, ImageDraw, ImageFont

from docmill.config import OcrEngine
from docmill.errors import ConfigError, CorruptDocumentError
from docmill.extract import ocr_rapid, ocr_tesseract
from docmill.extract.ocr import normal, ocr_lines, ocr_page


def page(*texts: str) -> bytes:
    image = Image.new("L", (700, 60 * len(texts) + 40), 255)
    for row, text in enumerate(texts):
        ImageDraw.Draw(image).text((30, 30 + 60 * row), text, 0, ImageFont.load_default(30))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_lines_are_read_with_boxes_and_confidence_without_network(monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    first, second = ocr_lines(page("Invoice 2024-00817", "Total 18,650.00"))
    assert (first.text, second.text) == ("Invoice 2024-00817", "Total 18,650.00")
    assert 20 < first.bbox.x0 < 45
    assert first.confidence > 0.9


def test_an_empty_page_has_no_lines():
    assert ocr_lines(page("")) == ()


def test_a_language_that_the_model_cannot_read_is_refused():
    with pytest.raises(ConfigError, match="language ru"):
        ocr_lines(b"", ("en", "ru"))


def test_a_broken_picture_is_corrupt():
    with pytest.raises(CorruptDocumentError, match="decoded"):
        ocr_lines(b"no picture")


def test_text_isnormalised_but_superscripts_stay():
    assert normal("ＡＢ１ m² ½ ﬁn") == "AB1 m² ½ fin"


def letter() -> Image.Image:
    texts = (
        "The harbour office opened at seven",
        "and closed at six, except on Fridays,",
        "when the books were balanced.",
    )
    return Image.open(io.BytesIO(page(*texts)))


@pytest.mark.parametrize(("degrees", "quarter"), [(90, 3), (180, 2), (270, 1)])
def test_a_turned_page_is_read_and_its_boxes_lie_where_it_shows_them(degrees: int, quarter: int):
    turned = letter().rotate(degrees, expand=True)
    out = io.BytesIO()
    turned.save(out, "PNG")
    found = ocr_page(out.getvalue())
    assert found.upright.quarter == quarter
    assert found.lines[0].text == "The harbour office opened at seven"
    box = ocr_lines(out.getvalue())[0].bbox
    dark = numpy.asarray(turned)[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] < 128
    assert dark.mean() > 0.05


def test_a_slanted_page_is_levelled():
    out = io.BytesIO()
    letter().rotate(-6, expand=True, fillcolor=255).save(out, "PNG")
    found = ocr_page(out.getvalue())
    assert 5.5 < math.degrees(found.upright.slant) < 6.5
    assert [line.text.split()[0] for line in found.lines] == ["The", "and", "when"]
    first, second = (line.bbox for line in found.lines[:2])
    assert first.y1 <= second.y0 + 3


def test_the_models_are_not_downloaded(monkeypatch):
    monkeypatch.setattr(rapidocr, "__file__", "/nowhere/rapidocr/__init__.py")
    ocr_rapid._models.cache_clear()
    with pytest.raises(ConfigError, match="no det model"):
        ocr_lines(page("text"))
    ocr_rapid._models.cache_clear()


def test_tesseract_reads_the_same_lines(tesseract):
    found = ocr_page(page("Invoice 2024-00817", "Total 18,650.00"), engine=OcrEngine.TESSERACT)
    assert [line.text for line in found.lines] == ["Invoice 2024-00817", "Total 18,650.00"]
    assert found.lines[0].confidence > 0.8
    assert len(found.words[0]) == 2


def test_tesseract_names_the_package_of_a_missing_language(tesseract):
    with pytest.raises(ConfigError, match="no data for the language lo") as caught:
        ocr_lines(page("text"), ("lo",), OcrEngine.TESSERACT)
    assert "tesseract-ocr-" in caught.value.hint


def test_a_missing_tesseract_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    ocr_tesseract.installed.cache_clear()
    with pytest.raises(ConfigError, match="not installed"):
        ocr_lines(page("text"), engine=OcrEngine.TESSERACT)
