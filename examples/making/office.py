"""maintenance.docx, training.pptx and inventory.xlsx."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import docx
import openpyxl
import pptx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Cm
from docx.text.paragraph import Paragraph
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet
from pptx.dml.color import RGBColor
from pptx.slide import Slide
from pptx.util import Cm as SlideCm
from pptx.util import Pt

from making.paper import COMPANY
from making.pictures import winch

MADE = datetime(2025, 3, 3, 9, 0)
ZIP_DATE = (2025, 3, 3, 9, 0, 0)

Edit = Callable[[str, bytes], bytes]


def pack(path: Path, data: bytes, edit: Edit | None = None) -> None:
    """Write the zip of an office file anew with fixed dates; `edit` may change a member by its name."""
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb">\d{4}-\d\d-\d\dT[\d:.]+Z?<", b">2025-03-03T09:00:00Z<", content)
            info = zipfile.ZipInfo(name, ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, edit(name, content) if edit else content)


# --- maintenance.docx ------------------------------------------------------------------------------------------------

TORQUES = (
    ("Brake band bolts", "18", "46", "71", "112"),
    ("Drum bearing bolts", "42", "86", "145", "240"),
    ("Foundation bolts", "80", "135", "210", "380"),
    ("Motor flange", "25", "49", "79", "120"),
)
BRAKE = (
    ("Take the load off the rope and lock the winch.", ()),
    ("Remove the motor cover.", ("Four screws, 6 mm key.", "Keep the seal; replace it if it is cracked.")),
    ("Measure the band.", ("New: 8.0 mm.", "Replace it below 4.5 mm, or when it is oily.")),
    ("Fit the new band and tighten its bolts crosswise (Table 1).", ()),
    ("Set the air gap of the magnet to 0.35 mm.", ("Use the brass gauge; a steel gauge sticks.",)),
)
FOOTNOTE = "A calendar year without 250 hours of work still counts as one interval."


def _footnote(document: docx.document.Document, paragraph: Paragraph) -> None:
    """Attach the one footnote; python-docx knows none, so its part is written by hand."""
    ends = "".join(
        f'<w:footnote w:type="{kind}" w:id="{number}"><w:p><w:r><w:{kind}/></w:r></w:p></w:footnote>'
        for kind, number in (("separator", -1), ("continuationSeparator", 0))
    )
    text = f'<w:t xml:space="preserve"> {FOOTNOTE}</w:t>'
    note = f'<w:footnote w:id="1"><w:p><w:r><w:footnoteRef/></w:r><w:r>{text}</w:r></w:p></w:footnote>'
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    blob = f"{head}<w:footnotes {nsdecls('w')}>{ends}{note}</w:footnotes>".encode()
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    part = Part(PackURI("/word/footnotes.xml"), kind, blob, document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    mark = f'<w:r {nsdecls("w")}><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteReference w:id="1"/></w:r>'
    paragraph._p.append(parse_xml(mark))


def _torques(document: docx.document.Document) -> None:
    document.add_paragraph("Table 1: Tightening torques in newton metres", style="Caption")
    table = document.add_table(rows=2 + len(TORQUES), cols=5, style="Table Grid")
    table.cell(0, 0).merge(table.cell(1, 0)).text = "Joint"
    table.cell(0, 1).merge(table.cell(0, 4)).text = "Torque by type (Nm)"
    for column, name in enumerate(("QW-120", "QW-250", "QW-400", "QW-750"), 1):
        table.cell(1, column).text = name
    for index, row in enumerate(TORQUES, 2):
        for column, text in enumerate(row):
            table.cell(index, column).text = text
    for cell in (*table.rows[0].cells, *table.rows[1].cells):
        for run in cell.paragraphs[0].runs:
            run.bold = True
    document.add_paragraph()


def _brake(document: docx.document.Document) -> None:
    document.add_heading("Brake", 1)
    document.add_paragraph("The brake falls by spring and is lifted by a 24 V magnet. Replace the band in this order:")
    for step, details in BRAKE:
        document.add_paragraph(step, style="List Number")
        for detail in details:
            document.add_paragraph(detail, style="List Bullet 2")
    _torques(document)


def maintenance(path: Path) -> None:
    """Write the maintenance guide: headings, nested lists, a table with merged cells, a picture and a footnote."""
    document = docx.Document()
    properties = document.core_properties
    properties.title, properties.author, properties.comments = "Maintenance Guide QW Series", COMPANY, ""
    properties.created = properties.modified = MADE
    document.sections[0].header.paragraphs[0].text = "Quillmere Winch Works, workshop copy"
    document.sections[0].footer.paragraphs[0].text = "Document QM-11, edition 6"
    document.add_heading("Maintenance Guide for QW Series Winches", 0)
    document.add_paragraph(
        "This guide is for trained mechanics. Operators find their daily care in the handbook QH-07."
    )
    document.add_heading("Intervals", 1)
    interval = document.add_paragraph("The winch is serviced every 250 hours of work, but at least once a year.")
    _footnote(document, interval)
    for group, works in (
        (
            "Every 250 hours",
            ("Check the oil level of the gearbox", "Measure the brake band", "Test the emergency stop"),
        ),
        ("Every 1,000 hours", ("Change the gear oil: 4.5 litres of VG 220", "Replace the drum seals")),
    ):
        document.add_paragraph(group, style="List Bullet")
        for work in works:
            document.add_paragraph(work, style="List Bullet 2")
    document.add_heading("Overview", 2)
    document.add_picture(io.BytesIO(winch()), width=Cm(12))
    document.add_paragraph("Figure 1: Winch from the operator's side", style="Caption")
    _brake(document)
    document.add_heading("Gearbox", 1)
    document.add_heading("Changing the oil", 2)
    document.add_paragraph(
        "Run the winch for ten minutes so that the oil is warm. Drain it through the lower plug, let it drip for half "
        "an hour, clean the magnet of the plug and fill through the upper plug to the middle of the sight glass. "
        "Silver dust on the magnet is wear; chips are damage."
    )
    out = io.BytesIO()
    document.save(out)
    pack(path, out.getvalue())


# --- training.pptx ---------------------------------------------------------------------------------------------------

LIMITS = (
    ("Check", "Limit", "If exceeded"),
    ("Broken wires in 30 cm", "6", "Change the rope"),
    ("Rope diameter lost", "7 %", "Change the rope"),
    ("Oil temperature", "95 °C", "Pause for 30 minutes"),
    ("Wind at the quay", "17 m/s", "Stop all hauling"),
)


def _bullets(deck: pptx.presentation.Presentation, title: str, lines: tuple[tuple[int, str], ...], notes: str) -> Slide:
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = title
    frame = slide.placeholders[1].text_frame
    for index, (level, line) in enumerate(lines):
        paragraph = frame.paragraphs[0] if index == 0 else frame.add_paragraph()
        paragraph.text, paragraph.level = line, level
    slide.notes_slide.notes_text_frame.text = notes
    return slide


def _title_only(deck: pptx.presentation.Presentation, title: str, notes: str) -> Slide:
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = title
    slide.notes_slide.notes_text_frame.text = notes
    return slide


def _limits(slide: Slide) -> None:
    frame = slide.shapes.add_table(len(LIMITS), 3, SlideCm(2), SlideCm(4.6), SlideCm(21.4), SlideCm(9))
    for row, texts in enumerate(LIMITS):
        for column, text in enumerate(texts):
            frame.table.cell(row, column).text = text
            frame.table.cell(row, column).text_frame.paragraphs[0].runs[0].font.size = Pt(20)


def training(path: Path) -> None:
    """Write the training deck: five slides with a table, a picture, nested bullets and speaker's notes."""
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text = "Operator Course, Day 1"
    first.placeholders[1].text = "Quillmere Winch Works, Port Ansel\nSpring 2025"
    first.notes_slide.notes_text_frame.text = "Hand out the gloves before you begin. The room is booked until 16:30."
    duties = ((0, "Before work"), (1, "Walk the rope"), (1, "Test the stop"), (0, "During work"), (1, "Watch the rope"))
    _bullets(deck, "What an operator owes the others", duties, "Ask who has seen a rope part. Let them tell it.")
    picture = _title_only(deck, "The winch and its five parts", "Point at the brake: the motor cover hides it.")
    picture.shapes.add_picture(io.BytesIO(winch()), SlideCm(2.2), SlideCm(4.6), width=SlideCm(21))
    _limits(_title_only(deck, "Four limits to know by heart", "The exam asks for all four. 80 per cent pass."))
    signals = ((0, "One arm up: haul"), (0, "Both arms crossed: stop at once"), (0, "One hand circling: pay out"))
    last = _bullets(deck, "Hand signals", signals, "Practise in pairs on the yard. No engine running.")
    last.shapes.title.text_frame.paragraphs[0].runs[0].font.color.rgb = RGBColor(0x17, 0x3B, 0x5E)
    properties = deck.core_properties
    properties.title, properties.author = "Operator Course, Day 1", COMPANY
    properties.created = properties.modified = MADE
    properties.last_modified_by = COMPANY
    out = io.BytesIO()
    deck.save(out)
    pack(path, out.getvalue())


# --- inventory.xlsx --------------------------------------------------------------------------------------------------

STOCK = (
    ("250-51", "Brake kit QW-250", "A-03", 14, 163.63),
    ("250-60", "Wire rope QW-250, 120 m", "C-11", 6, 270.42),
    ("400-21", "Drum bearing QW-400, seaward", "A-07", 22, 102.38),
    ("400-33", "Gear oil VG 220, 5 l", "D-01", 40, 41.90),
    ("400-71", "Emergency stop button", "A-01", 35, 23.40),
    ("400-81", "Level wind QW-400", "B-09", 3, 1291.50),
    ("750-40", "Motor QW-750", "E-02", 2, 1591.88),
    ("750-50", "Brake band QW-750", "A-04", 5, 218.62),
    ("120-95", "Tarpaulin cover QW-120", "D-06", 18, 58.00),
)
ORDERS = (
    ("PO-2025-031", "Fjordwire AS", "250-60", 12, datetime(2025, 3, 17)),
    ("PO-2025-034", "Baltic Motors OU", "750-40", 4, datetime(2025, 4, 2)),
    ("PO-2025-035", "Halden Brakes", "750-50", 20, datetime(2025, 3, 24)),
)


class Cached:
    """Formulas with the values that a spreadsheet program would have stored, which openpyxl cannot write."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], float] = {}

    def put(self, sheet: Worksheet, cell: str, formula: str, value: float) -> None:
        """Write a formula and remember its value."""
        sheet[cell] = formula
        self.values[(sheet.title, cell)] = value

    def fill(self, titles: list[str]) -> Edit:
        """An edit for `pack` that puts the values beside their formulas."""

        def edit(name: str, content: bytes) -> bytes:
            found = re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", name)
            if not found:
                return content
            text = content.decode()
            for (title, cell), value in self.values.items():
                if title == titles[int(found[1]) - 1]:
                    pattern = rf'(<c r="{cell}"[^>]*><f>[^<]*</f>)<v ?/?>(?:</v>)?'
                    text, count = re.subn(pattern, rf"\g<1><v>{value:.10g}</v>", text)
                    if count != 1:
                        raise ValueError(f"no formula in {title}!{cell}")
            return text.encode()

        return edit


def _head(sheet: Worksheet, titles: tuple[str, ...], widths: tuple[int, ...]) -> None:
    for column, (title, width) in enumerate(zip(titles, widths, strict=True), 1):
        cell = sheet.cell(1, column, title)
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="173B5E")
        cell.alignment = Alignment(horizontal="center")
        sheet.column_dimensions[cell.column_letter].width = width
    sheet.freeze_panes = "A2"


def _stock(sheet: Worksheet, cached: Cached) -> float:
    _head(sheet, ("Article", "Description", "Shelf", "Pieces", "Price (EUR)", "Value (EUR)"), (12, 34, 8, 9, 13, 14))
    total = 0.0
    for row, (article, name, shelf, pieces, price) in enumerate(STOCK, 2):
        for column, value in enumerate((article, name, shelf, pieces, price), 1):
            sheet.cell(row, column, value)
        cached.put(sheet, f"F{row}", f"=D{row}*E{row}", round(pieces * price, 2))
        sheet[f"E{row}"].number_format = sheet[f"F{row}"].number_format = "0.00"
        total += pieces * price
    last = len(STOCK) + 2
    sheet.cell(last, 1, "Total").font = Font(bold=True)
    cached.put(sheet, f"D{last}", f"=SUM(D2:D{last - 1})", sum(row[3] for row in STOCK))
    cached.put(sheet, f"F{last}", f"=SUM(F2:F{last - 1})", round(total, 2))
    sheet[f"F{last}"].number_format = "0.00"
    return round(total, 2)


def inventory(path: Path) -> None:
    """Write the workbook: three sheets, formulas with their cached values, a merged title, dates."""
    book, cached = openpyxl.Workbook(), Cached()
    stock = book.active
    stock.title = "Stock"
    total = _stock(stock, cached)
    orders = book.create_sheet("Orders")
    _head(orders, ("Order", "Supplier", "Article", "Pieces", "Expected"), (14, 20, 10, 9, 13))
    for row, values in enumerate(ORDERS, 2):
        for column, value in enumerate(values, 1):
            orders.cell(row, column, value)
        orders.cell(row, 5).number_format = "yyyy-mm-dd"
    summary = book.create_sheet("Summary")
    summary["A1"] = "Store Port Ansel, count of 28 February 2025"
    summary.merge_cells("A1:B1")
    summary["A1"].font = Font(bold=True, size=13)
    summary.column_dimensions["A"].width, summary.column_dimensions["B"].width = 34, 14
    last = len(STOCK) + 2
    summary["A3"], summary["A4"], summary["A5"] = "Value of the stock (EUR)", "Pieces on order", "Articles in the store"
    cached.put(summary, "B3", f"=Stock!F{last}", total)
    cached.put(summary, "B4", f"=SUM(Orders!D2:D{len(ORDERS) + 1})", sum(row[3] for row in ORDERS))
    cached.put(summary, "B5", f"=COUNTA(Stock!A2:A{last - 1})", len(STOCK))
    summary["B3"].number_format = "0.00"
    book.properties.creator, book.properties.title = COMPANY, "Inventory"
    book.properties.created = book.properties.modified = MADE
    out = io.BytesIO()
    book.save(out)
    pack(path, out.getvalue(), cached.fill(book.sheetnames))
