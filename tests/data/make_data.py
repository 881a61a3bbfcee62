"""Writes the tiny bad inputs of this folder; all content is ours.

    python tests/data/make_data.py [FOLDER]

encrypted.pdf needs the password `open-sesame`; empty_password.pdf is encrypted and opens without one.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import docx
import pymupdf
from PIL import Image, ImageDraw

DATES = {"creationDate": "D:20250303090000Z", "modDate": "D:20250303090000Z"}


def page(text: str) -> pymupdf.Document:
    """A PDF of one A5 page that says `text`."""
    document = pymupdf.open()
    sheet = document.new_page(width=420, height=595)
    if text:
        sheet.insert_text((50, 80), text, fontsize=14)
    document.set_metadata(DATES)
    return document


def encrypt(path: Path, text: str, user: str) -> None:
    """Write an encrypted PDF, unless it is there: the format asks for random bytes, so each writing differs."""
    if path.exists():
        return
    page(text).save(path, encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="the-owner", user_pw=user, no_new_id=True)


def png() -> bytes:
    """A small picture with a word."""
    image = Image.new("L", (240, 80), 255)
    ImageDraw.Draw(image).text((20, 24), "I am a PNG", 0, font_size=28)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def truncated_docx() -> bytes:
    """The first half of a Word file: a zip without its directory."""
    document = docx.Document()
    document.add_paragraph("The second half of this file is missing.")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()[:9000]


def main(folder: Path) -> None:
    """Write every file into `folder`."""
    encrypt(folder / "encrypted.pdf", "Nobody reads this without the password.", "open-sesame")
    encrypt(folder / "empty_password.pdf", "The user password of this file is empty.", "")
    (folder / "zero_bytes.pdf").write_bytes(b"")
    (folder / "png_named.pdf").write_bytes(png())
    if not (folder / "truncated.docx").exists():  # python-docx stamps the time of writing into the zip
        (folder / "truncated.docx").write_bytes(truncated_docx())
    page("").save(folder / "empty_page.pdf", no_new_id=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
