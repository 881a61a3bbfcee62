"""Pictures: a winch in section, a nameplate to read by OCR, a worn sheet of paper as a scanner sees it."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Ink = tuple[int, int, int]

STEEL: Ink = (176, 186, 196)
DARK: Ink = (52, 60, 70)
BLUE: Ink = (52, 104, 152)
ROPE: Ink = (196, 152, 84)


@cache
def pil_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """One of the fonts that come with pymupdf (`helv`, `hebo`, …), so that every machine draws the same."""
    return ImageFont.truetype(io.BytesIO(pymupdf.Font(name).buffer), size)


def _drum(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((330, 250, 870, 550), fill=STEEL, outline=DARK, width=5)
    for x in range(350, 840, 28):
        draw.line((x, 236, x + 26, 564), fill=ROPE, width=20)
    for x0, x1 in ((290, 334), (866, 910)):
        draw.rounded_rectangle((x0, 170, x1, 630), 12, fill=STEEL, outline=DARK, width=5)
    draw.rectangle((200, 378, 290, 422), fill=DARK)
    draw.rectangle((910, 378, 1010, 422), fill=DARK)


def _housings(draw: ImageDraw.ImageDraw) -> None:
    draw.rounded_rectangle((90, 250, 230, 650), 18, fill=BLUE, outline=DARK, width=5)
    draw.ellipse((120, 360, 200, 440), fill=STEEL, outline=DARK, width=5)
    draw.rounded_rectangle((1000, 220, 1180, 650), 18, fill=BLUE, outline=DARK, width=5)
    for row in range(5):
        draw.line((1025, 290 + row * 45, 1155, 290 + row * 45), fill=DARK, width=5)
    draw.rectangle((60, 650, 1220, 700), fill=DARK)
    for x in (130, 330, 640, 950, 1150):
        draw.ellipse((x - 14, 661, x + 14, 689), fill=STEEL)


@cache
def winch() -> bytes:
    """PNG of a winch seen from the side with five numbered parts."""
    image = Image.new("RGB", (1280, 760), "white")
    draw = ImageDraw.Draw(image)
    _drum(draw)
    _housings(draw)
    marks = ((160, 250, 160, 130), (310, 170, 310, 90), (600, 236, 600, 90), (1090, 220, 1090, 110))
    for number, (x0, y0, x1, y1) in enumerate((*marks, (640, 700, 740, 730)), 1):
        draw.line((x0, y0, x1, y1), fill=DARK, width=3)
        draw.ellipse((x1 - 28, y1 - 28, x1 + 28, y1 + 28), "white", DARK, 3)
        draw.text((x1, y1), str(number), DARK, pil_font("hebo", 34), anchor="mm")
    return png(image.resize((960, 570), Image.Resampling.LANCZOS))


def png(image: Image.Image, dpi: int = 150) -> bytes:
    """The image as PNG with a palette, which keeps line drawings small."""
    out = io.BytesIO()
    image.quantize(48, dither=Image.Dither.NONE).save(out, "PNG", optimize=True, dpi=(dpi, dpi))
    return out.getvalue()


def nameplate(path: Path) -> None:
    """Write the picture of a riveted nameplate."""
    image = Image.new("RGB", (1100, 700), (206, 210, 214))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((24, 24, 1076, 676), 36, fill=(232, 234, 236), outline=DARK, width=6)
    for x in (70, 1030):
        for y in (70, 630):
            draw.ellipse((x - 18, y - 18, x + 18, y + 18), fill=(150, 156, 162), outline=DARK, width=3)
    draw.rectangle((110, 60, 990, 150), fill=(24, 58, 94))
    draw.text((550, 105), "QUILLMERE WINCH WORKS", "white", pil_font("hebo", 52), anchor="mm")
    rows = (
        ("Type", "QW-400 E"),
        ("Serial number", "QW400-2411-0093"),
        ("Rated line pull", "4 000 kg"),
        ("Rope", "14 mm, 120 m"),
        ("Motor", "7.5 kW, 400 V, 50 Hz"),
        ("Protection", "IP 66"),
        ("Year of manufacture", "2024"),
    )
    for index, (label, value) in enumerate(rows):
        y = 200 + index * 58
        draw.text((120, y), label, DARK, pil_font("helv", 36), anchor="lm")
        draw.text((530, y), value, (20, 24, 30), pil_font("hebo", 38), anchor="lm")
        draw.line((110, y + 29, 990, y + 29), fill=(170, 176, 182), width=2)
    draw.text((550, 632), "Made in Port Ansel", DARK, pil_font("heit", 30), anchor="mm")
    path.write_bytes(png(image.filter(ImageFilter.GaussianBlur(0.6)), 200))


def scan(page: pymupdf.Page, dpi: int = 200) -> bytes:
    """JPEG of the page as a tired office scanner gives it: turned by 0.7 degrees, soft, noisy, with a fold."""
    pixmap = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY)
    image = Image.frombytes("L", (pixmap.width, pixmap.height), pixmap.samples)
    image = image.rotate(0.7, Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(0.7))
    pixels = np.asarray(image, dtype=np.float32) * 0.86 + 22
    height, width = pixels.shape
    random = np.random.default_rng(20250303)
    pixels -= np.linspace(0, 10, width, dtype=np.float32)[None, :]
    fold = np.abs(np.arange(height, dtype=np.float32) - height * 0.38)
    pixels -= (14 * np.exp(-((fold / 5) ** 2)))[:, None]
    pixels += random.normal(0, 3.0, pixels.shape).astype(np.float32)
    specks = random.random(pixels.shape) > 0.99996
    pixels[specks] = 70
    out = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=24, dpi=(dpi, dpi), optimize=True)
    return out.getvalue()
