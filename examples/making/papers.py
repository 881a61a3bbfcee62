"""The other PDFs: price_list.pdf (a table of three pages), scanned_letter.pdf (a picture of text) and broken.pdf."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pymupdf

from making.paper import COMPANY, GREY, HEIGHT, MADE, NAVY, PALE, WIDTH, Align, Paper, table_row
from making.pictures import scan

FOR_ALL_SIZES = {"33", "71", "72"}
SIZES = {"QW-120": Decimal("1.00"), "QW-250": Decimal("1.45"), "QW-400": Decimal("2.10"), "QW-750": Decimal("3.40")}
ARTICLES = (
    ("10", "Winch, complete, 400 V", "2840.00", "96.0"),
    ("12", "Winch, complete, with level wind", "3365.50", "108.5"),
    ("20", "Drum with flanges", "512.40", "31.2"),
    ("21", "Drum bearing, seaward", "48.75", "1.4"),
    ("22", "Drum bearing, landward", "52.10", "1.5"),
    ("30", "Gearbox, worm, 1:40", "735.00", "22.8"),
    ("31", "Gearbox, planetary, 1:40", "1180.00", "19.6"),
    ("33", "Gear oil VG 220, synthetic, 5 l", "41.90", "4.7"),
    ("40", "Motor, IP 66", "468.20", "24.5"),
    ("42", "Motor cover with drain holes", "37.60", "2.1"),
    ("50", "Brake band", "64.30", "1.1"),
    ("51", "Brake kit: band, spring, bolts", "112.85", "2.6"),
    ("55", "Brake magnet, 24 V", "139.00", "3.3"),
    ("60", "Wire rope, galvanised, 120 m", "186.50", "38.0"),
    ("61", "Fibre rope, 120 m", "344.00", "9.4"),
    ("62", "Rope clamp, pair", "9.95", "0.4"),
    ("70", "Control stand with three lamps", "295.00", "14.0"),
    ("71", "Emergency stop button", "23.40", "0.3"),
    ("72", "Fuse set F1 to F6", "7.20", "0.1"),
    ("80", "Lead block, swivelling", "128.75", "7.9"),
    ("81", "Level wind, to be fitted later", "615.00", "17.3"),
    ("90", "Foundation frame, hot-dip galvanised", "276.00", "44.0"),
    ("91", "Foundation bolts, set of eight", "33.80", "5.2"),
    ("95", "Tarpaulin cover", "58.00", "2.8"),
)
HEADER = ("Article", "Description", "For type", "Weight (kg)", "Price (EUR)")
STOPS: tuple[tuple[float, Align], ...] = (
    (6, "left"),
    (72, "left"),
    (265, "left"),
    (370, "right"),
    (445, "right"),
)
LETTER = (
    "Dear Ms Adeyemi,",
    "On 11 February 2025 our inspector examined the four winches on the north quay that your company maintains under "
    "contract NQ-118. Three of them are in good order. On winch number 3, a QW-250 of 2019, he counted nine broken "
    "wires within 30 cm of the hauling rope and found the emergency stop slow.",
    "We therefore withdraw the permit of winch number 3. It may be used again when the rope has been replaced, the "
    "emergency stop falls within half a second, and both have been shown to our inspector. Please have this done by "
    "28 March 2025.",
    "The fee for the second inspection is 185.00 euro. It is waived if the work is reported as finished before 14 "
    "March 2025.",
    "The other three winches keep their permits until 31 January 2027.",
)


def price_rows() -> list[tuple[str, str, str, str, str]]:
    """The rows of the price list: each article for each type; weights and prices grow with the size."""
    rows = []
    for code, name, price, weight in ARTICLES:
        for size, growth in SIZES.items():
            factor = Decimal(1) if code in FOR_ALL_SIZES else growth
            euro = (Decimal(price) * factor).quantize(Decimal("0.01"))
            kilograms = (Decimal(weight) * factor).quantize(Decimal("0.1"))
            rows.append((f"{size[3:]}-{code}", name, size, f"{kilograms}", f"€ {euro:,.2f}"))
    return rows


def _price_page(paper: Paper, page: int) -> None:
    if page == 1:
        paper.put(72, 74, "Price List 2025", "sans-bold", 22, color=NAVY)
        paper.put(72, 92, "Quillmere Winch Works. Valid from 1 March 2025 to 28 February 2026.", "sans", 9.5)
        terms = "Prices in euro without value added tax, ex works Port Ansel. Minimum order € 50.00."
        paper.put(72, 105, terms, "sans", 9.5)
        paper.y = 122
    else:
        paper.put(72, 50, "Quillmere Winch Works, Price List 2025", "sans", 8, color=GREY)
    paper.put(WIDTH - 72, HEIGHT - 40, f"Page {page} of 3", "sans", 8, color=GREY, align="right")
    paper.put(72, HEIGHT - 40, "Orders: Harbour Road 14, Port Ansel", "sans", 8, color=GREY)
    paper.fill(72, paper.y, WIDTH - 72, paper.y + 20, NAVY)
    for cell, (offset, align) in zip(HEADER, STOPS, strict=True):
        paper.put(72 + offset, paper.y + 13.5, cell, "sans-bold", 9, color=(1, 1, 1), align=align)
    paper.y += 20


def price_list(path: Path) -> None:
    """Write the price list: one table over three pages, its header repeated on each."""
    paper = Paper(top=66, bottom=778, running=_price_page)
    for index, row in enumerate(price_rows()):
        paper.room(19.6)
        if index % 2:
            paper.fill(72, paper.y, WIDTH - 72, paper.y + 19.6, PALE)
        paper.y += 13.2
        table_row(paper, row, STOPS)
        paper.y += 6.4
        paper.rule(72, WIDTH - 72, paper.y, width=0.3)
    paper.save(path, "Price List 2025")


def _signature(paper: Paper, x: float, y: float) -> None:
    shape = paper.page.new_shape()
    points = [(0, 0), (14, -26), (22, 6), (34, -14), (40, 2), (52, -12), (60, 4), (76, -18), (84, 2), (128, -8)]
    here = [pymupdf.Point(x + dx, y + dy) for dx, dy in points]
    for a, b in pairwise(here):
        shape.draw_bezier(a, a + pymupdf.Point(6, 12), b - pymupdf.Point(8, 10), b)
    shape.finish(color=(0.1, 0.15, 0.4), width=1.4, closePath=False)
    shape.commit()


def _letter() -> Paper:
    paper = Paper(left=80, width=WIDTH - 155, bottom=800)
    paper.put(80, 82, "PORT ANSEL HARBOUR AUTHORITY", "serif-bold", 17)
    paper.put(80, 98, "Inspection of Lifting and Hauling Gear, Customs House, Port Ansel", "serif", 10.5)
    paper.rule(80, WIDTH - 75, 106, width=1.2, color=(0, 0, 0))
    for index, line in enumerate(("Quillmere Winch Works", "Ms Folake Adeyemi", "Harbour Road 14", "Port Ansel")):
        paper.put(80, 150 + index * 15, line, "serif", 11.5)
    paper.put(WIDTH - 75, 150, "24 February 2025", "serif", 11.5, align="right")
    paper.put(WIDTH - 75, 165, "Our reference: HA/2025/0317", "serif", 11.5, align="right")
    paper.put(80, 252, "Winch number 3 on the north quay: permit withdrawn", "serif-bold", 12.5)
    paper.y = 272
    for text in LETTER:
        paper.paragraph(text, size=12, after=10)
    paper.paragraph("Yours sincerely,", size=12)
    _signature(paper, 90, paper.y + 42)
    paper.y += 62
    paper.paragraph("Rasmus Eikeland", size=12, after=0)
    paper.paragraph("Senior inspector", size=12)
    return paper


def scanned_letter(path: Path) -> None:
    """Write the letter as a PDF that holds nothing but the picture of its page."""
    jpeg = scan(_letter().page)
    document = pymupdf.open()
    document.new_page(width=WIDTH, height=HEIGHT).insert_image((0, 0, WIDTH, HEIGHT), stream=jpeg)
    document.set_metadata({"author": COMPANY, "creationDate": MADE, "modDate": MADE})
    document.save(path, garbage=4, no_new_id=True)


def broken(path: Path, whole: Path) -> None:
    """Write a PDF that cannot be repaired: the head and the end of `whole`, every mark of an object overwritten."""
    data = whole.read_bytes()
    data = data[:8000] + data[-2000:]
    noise = random.Random(20250303)
    for word in (b"endobj", b"obj", b"/Pages", b"/Page", b"/Catalog", b"/Root"):
        while word in data:
            data = data.replace(word, bytes(noise.choices(range(128, 256), k=len(word))), 1)
    path.write_bytes(data)
