import io

import pytest
from PIL import Image, ImageDraw, ImageFont
from pillow_heif import register_heif_opener

from docmill.config import ExtractConfig, Mode
from docmill.errors import CorruptDocumentError, LimitExceededError
from docmill.extract import image as module
from docmill.extract.image import read_image
from docmill.extract.registry import read
from docmill.models import ElementType, PageStatus


def page(text: str, size: int = 30) -> Image.Image:
    image = Image.new("L", (700, 200), 255)
    ImageDraw.Draw(image).multiline_text((30, 30), text, 0, ImageFont.load_default(size), spacing=8)
    return image


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def test_lines_become_a_paragraph_with_box_and_method():
    extraction = read_image(saved(page("first line of text\nsecond line of text")), ExtractConfig()).extraction
    found = extraction.elements[0]
    assert (found.type, found.method, found.page) == (ElementType.TEXT, "ocr:rapidocr", 1)
    assert found.text == "first line of text second line of text"
    assert len(found.lines) == 2
    assert extraction.pages[0].width == 700


def test_frames_of_a_tiff_are_pages():
    data = saved(page("one page"), "TIFF", save_all=True, append_images=[page("other page")])
    extraction = read_image(data, ExtractConfig())
    assert [each.page for each in extraction.extraction.elements] == [1, 2]


def test_mode_fast_reads_no_pictures_and_says_so():
    extraction = read_image(saved(page("text")), ExtractConfig(mode=Mode.FAST)).extraction
    assert extraction.elements == ()
    assert extraction.pages[0].status is PageStatus.EMPTY
    assert "mode fast" in extraction.pages[0].reason


def test_a_picture_is_kept_as_crop():
    noise = Image.effect_noise((200, 200), 120)
    reading = read_image(saved(noise), ExtractConfig())
    assert reading.extraction.elements[0].type is ElementType.IMAGE
    assert len(reading.crops) == 1


def test_too_many_pixels_are_refused_before_they_are_unpacked(monkeypatch):
    monkeypatch.setattr(module, "MAX_PIXELS", 1000)
    with pytest.raises(LimitExceededError, match="700 x 200 pixels"):
        read_image(saved(page("x")), ExtractConfig())


def test_a_cut_picture_is_corrupt():
    with pytest.raises(CorruptDocumentError):
        read_image(saved(page("text"))[:300], ExtractConfig())


@pytest.mark.parametrize(("ending", "kind"), [("heic", "HEIF"), ("avif", "AVIF"), ("webp", "WEBP"), ("bmp", "BMP")])
def test_pictures_of_many_formats(ending: str, kind: str):
    register_heif_opener()
    extraction = read(saved(page("Serial number"), kind), f"a.{ending}", ExtractConfig()).extraction
    assert [each.text for each in extraction.elements if each.text] == ["Serial number"]
