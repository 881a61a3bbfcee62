"""Pictures in documents: which are kept, which are charts."""

import io

import pytest
from docx import Document
from PIL import Image, ImageDraw, ImageFont

from docmill.config import ExtractConfig, Mode, PictureConfig
from docmill.extract.registry import read
from docmill.models import ElementType


def png(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(out, "PNG")
    return out.getvalue()


def docx(*pictures: bytes) -> bytes:
    document, out = Document(), io.BytesIO()
    document.add_paragraph("Words that stand before the pictures of this document.")
    for picture in pictures:
        document.add_picture(io.BytesIO(picture))
    document.save(out)
    return out.getvalue()


@pytest.mark.parametrize(("size", "kept"), [((100, 80), 1), ((12, 80), 0), ((2_000, 20), 0)])
def test_ornaments_are_left_out_and_told(size: tuple[int, int], kept: int):
    reading = read(docx(png(*size)), "a.docx", ExtractConfig())
    assert len(reading.crops) == kept
    assert any("smaller or narrower" in each for each in reading.extraction.warnings) != bool(kept)


def test_settings_say_what_an_ornament_is():
    config = ExtractConfig(pictures=PictureConfig(min_side=10))
    assert len(read(docx(png(12, 80)), "a.docx", config).crops) == 1


def test_repeated_picture_is_one_crop():
    reading = read(docx(png(90, 90), png(90, 90)), "a.docx", ExtractConfig())
    pictures = [each for each in reading.extraction.elements if each.type is ElementType.IMAGE]
    assert (len(pictures), len(reading.crops)) == (2, 1)
    assert pictures[1].metadata["repeat_of"] == pictures[0].ordinal


def test_picture_of_a_chart_is_told_by_its_axis():
    image = Image.new("RGB", (640, 420), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(22)
    for step in range(5):
        draw.text((30, 340 - 70 * step), f"{step * 25}", fill="black", font=font)
    for place, height in enumerate((120, 250, 180)):
        draw.rectangle((130 + 160 * place, 352 - height, 210 + 160 * place, 352), fill="steelblue")
        draw.text((140 + 160 * place, 366), f"Plant {place + 1}", fill="black", font=font)
    out = io.BytesIO()
    image.save(out, "PNG")
    elements = read(docx(out.getvalue()), "a.docx", ExtractConfig(mode=Mode.ACCURATE)).extraction.elements
    assert [each.type for each in elements] == [ElementType.TEXT, ElementType.CHART]
    assert "Plant 2" in elements[1].text
