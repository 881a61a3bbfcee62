"""Pictures drawn here, told apart by the text in them: charts, infographics, and what is neither."""

import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from docmill.config import ExtractConfig, Mode
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.picture_kinds import UNREAD
from docmill.extract.registry import read
from docmill.models import ElementType
from tests.extract.test_picture_text import docx


def font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def poster() -> Image.Image:
    """Four facts, each with a coloured circle."""
    image = Image.new("RGB", (600, 720), (245, 240, 225))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 600, 80), fill=(20, 70, 120))
    draw.text((40, 24), "Water use in the plant", fill="white", font=font(34))
    facts = [("62 %", "cools the compressors"), ("4 days", "between two changes"), ("1,250 l", "are lost by drains"),
             ("3 valves", "close half of them")]  # fmt: skip
    for number, (figure, words) in enumerate(facts):
        x, y = 30 + number % 2 * 300, 120 + number // 2 * 300
        draw.ellipse((x + 40, y, x + 200, y + 160), fill=["brown", "green", "navy", "purple"][number])
        draw.text((x + 70, y + 60), figure, fill="white", font=font(32))
        draw.text((x, y + 190), words, fill="black", font=font(24))
    return image


def lying_bars() -> Image.Image:
    image = Image.new("RGB", (640, 400), "white")
    draw = ImageDraw.Draw(image)
    for number, (name, value) in enumerate([("Pumps", 80), ("Valves", 55), ("Seals", 30)]):
        draw.text((20, 55 + 90 * number), name, fill="black", font=font(24))
        draw.rectangle((130, 45 + 90 * number, 130 + value * 4, 95 + 90 * number), fill="seagreen")
    for tick in range(0, 101, 20):
        draw.text((125 + tick * 4, 330), str(tick), fill="black", font=font(22))
    return image


def pie() -> Image.Image:
    image = Image.new("RGB", (600, 440), "white")
    draw = ImageDraw.Draw(image)
    start = 0.0
    for name, share, colour, place in [("Steel", 50, "navy", (470, 100)), ("Copper", 30, "orange", (30, 340)),
                                       ("Zinc", 20, "green", (30, 70))]:  # fmt: skip
        draw.pieslice((150, 60, 450, 360), start, start + share * 3.6, fill=colour)
        start += share * 3.6
        draw.text(place, name, fill="black", font=font(26))
        draw.text((place[0], place[1] + 32), f"{share} %", fill="black", font=font(26))
    return image


def shaded_table() -> Image.Image:
    image = Image.new("RGB", (720, 360), "white")
    draw = ImageDraw.Draw(image)
    rows = [("Part", "2022", "2023", "2024"), ("Pump", "12.50", "13.10", "14"), ("Valve", "8", "8.20", "9"),
            ("Seal", "1", "1.10", "1.30"), ("Gear box", "120", "122", "131")]  # fmt: skip
    for number, row in enumerate(rows):
        draw.rectangle((10, 10 + 68 * number, 710, 76 + 68 * number), fill=(200, 220, 250) if number % 2 else "white")
        for column, text in enumerate(row):
            draw.text((30 + 175 * column, 28 + 68 * number), text, fill="black", font=font(26))
    return image


def sign() -> Image.Image:
    image = Image.effect_noise((500, 400), 80).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.rectangle((150, 160, 400, 230), fill="white")
    draw.text((165, 172), "EXIT 24", fill="black", font=font(46))
    return image


@pytest.mark.parametrize(
    ("draw", "kind"),
    [
        (poster, ElementType.INFOGRAPHIC),
        (lying_bars, ElementType.CHART),
        (pie, ElementType.CHART),
        (shaded_table, ElementType.IMAGE),
        (sign, ElementType.IMAGE),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_kind_of_a_picture_in_a_document(draw, kind):
    out = io.BytesIO()
    draw().save(out, "PNG")
    extraction = read(docx(out.getvalue()), "a.docx", ExtractConfig(mode=Mode.ACCURATE)).extraction
    picture = extraction.elements[1]
    assert (picture.type, picture.crop is not None, bool(picture.text)) == (kind, True, True)
    assert picture.metadata.get("note") == (None if kind is ElementType.IMAGE else UNREAD)
    assert any("without readable data" in each for each in extraction.warnings) == (kind is not ElementType.IMAGE)


def test_poster_drawn_into_a_pdf_is_an_infographic():
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((60, 60), "What the plant needs in a day of work", fontsize=14)
    words = ["Water for compressors", "Oil for all bearings", "Power from the roof", "Steam for cleaning"]
    for number, text in enumerate(words):
        x, y = 130 + number % 2 * 160, 190 + number // 2 * 160
        page.draw_circle((x, y), 78, fill=(0.8, 0.9, 1))
        page.insert_text((x - 50, y), text)
    elements = read(document.tobytes(), "a.pdf", ExtractConfig()).extraction.elements
    (found,) = (each for each in elements if each.type is ElementType.INFOGRAPHIC)
    assert "Oil for all bearings" in found.text
    assert (found.crop is not None, found.metadata["note"]) == (True, UNREAD)
    assert "What the plant needs in a day of work" in [each.text for each in elements]
