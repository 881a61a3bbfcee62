"""Text layers that lie, and pages that are part scan: what OCR is asked to do, and what it may not."""

import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from docmill.config import ExtractConfig, Mode
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.pdf.garbage import is_better, odd_share, says_the_same, suspicion
from docmill.extract.registry import read

ENGLISH = "The harbour office opened at seven and closed at six, except on the last Friday of a month. " * 4
GERMAN = "Die Fähre fährt im Spätsommer stündlich, außer bei Nebel; Rückfahrkarten sind am Schalter erhältlich. " * 4
POLISH = (
    "Zażółć gęślą jaźń, powiedział wszystkim przechodniom źdźbło trawy szczęśliwie chrząszcz brzmi w trzcinie. " * 4
)
CODES = " ".join(f"QW-{n}X7K PRT{n}RX/B4 KLM{n}" for n in range(200, 228))


def shifted(text: str) -> str:
    """As a font without a map to Unicode gives it: every letter is another one."""
    return "".join(chr((ord(each) - 97 + 3) % 26 + 97) if each.isascii() and each.islower() else each for each in text)


def misread(text: str) -> str:
    """As a poor OCR program gives it."""
    return text.replace("h", "li~").replace("m", "rn^n").replace("o", "0")


@pytest.mark.parametrize(
    "text", [ENGLISH, GERMAN, POLISH, "short", "", "Привет, как дела? " * 30, "1.5 2.25 3.75 " * 80]
)
def test_what_people_write_is_not_suspect(text: str):
    assert suspicion(text, behind_scan=False) == ""


def test_letters_of_no_language_are_suspect():
    assert "vowels" in suspicion(shifted(ENGLISH), behind_scan=False)
    assert "without meaning" in suspicion("\ue000\ue001\ufffd" * 20 + " and a few words", behind_scan=False)


def test_a_text_behind_a_scan_may_be_less_odd():
    text = ENGLISH.replace("closed", "cl0sed").replace("office", "0ffi~ce")
    assert suspicion(text, behind_scan=False) == ""
    assert "poor" in suspicion(text, behind_scan=True)


def test_ocr_that_reads_the_same_words_proves_the_text():
    assert says_the_same(CODES, CODES.lower().replace("x7k", "x7h", 20))
    assert not says_the_same(shifted(ENGLISH), ENGLISH)


def test_ocr_must_be_sure_and_less_odd():
    assert is_better(ENGLISH, misread(ENGLISH), [0.95])
    assert not is_better(ENGLISH, misread(ENGLISH), [0.6])
    assert not is_better(misread(ENGLISH), ENGLISH, [0.95])
    assert odd_share(ENGLISH) == 0


LINES = (
    "The fee for the second inspection is",
    "185.00 euro. It is waived if the work",
    "is reported as finished before March.",
)


def scan_of(*lines: str) -> bytes:
    image = Image.new("L", (1200, 80 * len(lines) + 40), 255)
    for row, text in enumerate(lines):
        ImageDraw.Draw(image).text((30, 30 + 80 * row), text, 0, ImageFont.load_default(52))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_a_scanned_region_is_read_into_its_page():
    made = pymupdf.open()
    page = made.new_page()
    page.insert_textbox((72, 60, 520, 200), ENGLISH, fontsize=11)
    page.insert_image((72, 300, 372, 370), stream=scan_of(*LINES), keep_proportion=False)
    extraction = read(made.tobytes(), "a.pdf", ExtractConfig()).extraction
    native, scanned = [each for each in extraction.elements if each.text]
    assert (native.method, scanned.method) == ("native", "ocr:rapidocr")
    assert "185.00 euro" in scanned.text
    assert scanned.lines[0].confidence > 0.9
    assert 70 < scanned.bbox.x0 < 100
    assert 298 < scanned.bbox.y0 < 320
    assert extraction.pages[0].reason == "1 scanned region of the page read by OCR"


def test_a_photo_is_not_read():
    out = io.BytesIO()
    Image.effect_noise((400, 300), 90).save(out, "PNG")
    made = pymupdf.open()
    page = made.new_page()
    page.insert_textbox((72, 60, 520, 200), ENGLISH, fontsize=11)
    page.insert_image((72, 300, 472, 600), stream=out.getvalue())
    assert read(made.tobytes(), "a.pdf", ExtractConfig()).extraction.pages[0].reason == ""


def with_layer(layer: str) -> bytes:
    """A scanned page with an invisible text layer."""
    made = pymupdf.open()
    page = made.new_page(width=595, height=280)
    page.insert_image((10, 10, 585, 270), stream=scan_of(*LINES * 2), keep_proportion=False)
    page.insert_textbox((20, 20, 575, 260), layer, fontsize=10, render_mode=3)
    return made.tobytes()


def test_a_garbage_layer_gives_way_to_ocr_with_the_reason():
    extraction = read(with_layer(shifted(ENGLISH)), "a.pdf", ExtractConfig()).extraction
    page = extraction.pages[0]
    assert page.method == "ocr:rapidocr"
    assert "vowels" in page.reason
    assert "185.00 euro" in " ".join(each.text for each in extraction.elements)


def test_an_odd_layer_that_ocr_confirms_stays():
    made = pymupdf.open()
    page = made.new_page()
    page.insert_textbox((50, 50, 550, 800), CODES, fontsize=12)
    page = read(made.tobytes(), "a.pdf", ExtractConfig()).extraction.pages[0]
    assert page.method == "native"


def test_a_picture_of_a_chart_is_left_to_mode_accurate():
    image = Image.new("L", (1200, 900), 255)
    draw = ImageDraw.Draw(image)
    for bar in range(5):
        draw.rectangle((200 + 180 * bar, 200 + 90 * bar, 320 + 180 * bar, 780), 120)
        draw.text((200 + 180 * bar, 800), f"Quarter {bar}", 0, ImageFont.load_default(34))
        draw.text((40, 200 + 110 * bar), f"{900 - 150 * bar}", 0, ImageFont.load_default(34))
    draw.text((300, 40), "Income of the second year, in euro", 0, ImageFont.load_default(40))
    out = io.BytesIO()
    image.save(out, "PNG")
    made = pymupdf.open()
    page = made.new_page()
    page.insert_textbox((72, 60, 520, 200), ENGLISH, fontsize=11)
    page.insert_image((72, 300, 372, 525), stream=out.getvalue())
    notes = [
        read(made.tobytes(), "a.pdf", ExtractConfig(mode=mode)).extraction.pages[0].reason
        for mode in (Mode.FAST, Mode.AUTO, Mode.ACCURATE)
    ]
    assert ["OCR" in note for note in notes] == [False, False, True]
