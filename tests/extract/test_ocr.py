import io
import socket

import pytest
from PIL import Image, ImageDraw, ImageFont

from docmill.errors import ConfigError, CorruptDocumentError
from docmill.extract.ocr import _normal, ocr_lines


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


def test_text_is_normalised_but_superscripts_stay():
    assert _normal("ＡＢ１ m² ½ ﬁn") == "AB1 m² ½ fin"
