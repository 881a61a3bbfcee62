"""Writes features/: one document of each kind with everything in it, and LibreOffice's conversions to older formats.

    python tests/data/make_features.py

All content is ours. LibreOffice writes different bytes each time, so the files are kept.
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import docx
import openpyxl
import pptx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image as SheetImage
from PIL import Image, ImageDraw, ImageFont
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

FOLDER = Path(__file__).parent / "features"
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"


def picture() -> io.BytesIO:
    """A picture with two words."""
    image, out = Image.new("L", (320, 70), 255), io.BytesIO()
    ImageDraw.Draw(image).text((20, 18), "Serial 4711", 0, ImageFont.load_default(30))
    image.save(out, "PNG", optimize=True)
    out.seek(0)
    return out


def word() -> bytes:
    """Titles, a list, a merged table, a link, a picture, math, a footnote, a comment, header and footer, revisions."""
    document, out = docx.Document(), io.BytesIO()
    document.sections[0].header.paragraphs[0].text = "Manual of the pump"
    document.sections[0].footer.paragraphs[0].text = "Edition 3"
    document.add_heading("Pumps", 1)
    first = document.add_paragraph("The pump delivers 12.5 litres a minute.")
    document.add_comment(first.runs, text="Is that so?", author="Ann", initials="A")
    _footnote(document, first)
    document.add_paragraph("Close the valve", "List Bullet")
    document.add_paragraph("Open the drain", "List Bullet")
    table = document.add_table(2, 2)
    table.style = "Table Grid"
    table.cell(0, 0).merge(table.cell(0, 1)).text = "Prices"
    table.cell(1, 0).text, table.cell(1, 1).text = "Seal", "12.50"
    target = document.part.relate_to("https://example.org/pump", RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    link = document.add_paragraph("See ")
    link._p.append(parse_xml(f'<w:hyperlink {_W} {_R} r:id="{target}"><w:r><w:t>the site</w:t></w:r></w:hyperlink>'))
    changed = document.add_paragraph("Turn it ")
    mark = 'w:id="7" w:author="Ann" w:date="2024-01-02T10:00:00Z"'
    changed._p.append(parse_xml(f"<w:del {_W} {mark}><w:r><w:delText>left</w:delText></w:r></w:del>"))
    changed._p.append(parse_xml(f"<w:ins {_W} {mark}><w:r><w:t>right</w:t></w:r></w:ins>"))
    run = "<m:r><m:t>{}</m:t></m:r>"
    power = f"<m:sSup><m:e>{run.format('r')}</m:e><m:sup>{run.format(2)}</m:sup></m:sSup>"
    math = f"<m:oMathPara {_M}><m:oMath>{power}</m:oMath></m:oMathPara>"
    document.add_paragraph()._p.append(parse_xml(math))
    document.add_picture(picture())
    document.save(out)
    return out.getvalue()


def _footnote(document: docx.Document, paragraph: docx.text.paragraph.Paragraph) -> None:
    notes = (
        f'<w:footnotes {_W}><w:footnote w:type="separator" w:id="-1"><w:p/></w:footnote>'
        '<w:footnote w:id="2"><w:p><w:r><w:footnoteRef/></w:r><w:r><w:t>At 20 degrees.</w:t></w:r></w:p></w:footnote>'
        "</w:footnotes>"
    )
    part = Part(PackURI("/word/footnotes.xml"), _TYPE, notes.encode(), document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    paragraph._p.append(parse_xml(f'<w:r {_W}><w:footnoteReference w:id="2"/></w:r>'))


def workbook() -> bytes:
    """Merged cells, a formula, a comment, a chart, a picture, a hidden row, column and sheet."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    sheet.title = "Prices"
    for row in (
        ("Part", "Price", "Cost"),
        ("Seal", 12.5, 7),
        ("Valve", 40, 21),
        ("Pump", 99, 50),
        ("Sum", "=SUM(B2:B4)", 78),
    ):
        sheet.append(row)
    sheet.insert_rows(1)
    sheet["A1"] = "Prices of parts"
    sheet["B6"] = "=SUM(B3:B5)"
    sheet.merge_cells("A1:C1")
    sheet["B3"].comment = Comment("Without tax", "Ann")
    sheet.row_dimensions[4].hidden = True
    sheet.column_dimensions["C"].hidden = True
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=2, min_row=2, max_row=5), titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=3, max_row=5))
    sheet.add_chart(chart, "E2")
    sheet.add_image(SheetImage(picture()), "E20")
    hidden = book.create_sheet("Secret")
    hidden["A1"], hidden["B1"] = "Margin", 0.3
    hidden.sheet_state = "hidden"
    book.save(out)
    return out.getvalue()


def slides() -> bytes:
    """A list, a merged table, a chart, a picture, notes, a link and a hidden slide."""
    deck, out = pptx.Presentation(), io.BytesIO()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Pumps", "Close the valve\nOpen the drain"
    slide.notes_slide.notes_text_frame.text = "Show the seal."
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Prices"
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    table.cell(0, 0).merge(table.cell(0, 1))
    for row, column, text in ((0, 0, "Prices"), (1, 0, "Seal"), (1, 1, "12.50")):
        table.cell(row, column).text = text
    data = CategoryChartData()
    data.categories = ["Seal", "Valve"]
    data.add_series("Price", (12.5, 40))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(4), Inches(4), Inches(3), data)
    slide.shapes.add_picture(picture(), Inches(6), Inches(4))
    run = slide.shapes.add_textbox(Inches(6), Inches(2), Inches(3), Inches(1)).text_frame.paragraphs[0].add_run()
    run.text, run.hyperlink.address = "the site", "https://example.org/pump"
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Not shown"
    slide._element.set("show", "0")
    deck.save(out)
    return out.getvalue()


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    made = {
        "all.docx": (word(), "odt rtf doc"),
        "all.xlsx": (workbook(), "ods xls xlsx"),
        "all.pptx": (slides(), "odp"),
    }
    with TemporaryDirectory() as name:
        for file, (data, endings) in made.items():
            (FOLDER / file).write_bytes(data)
            for ending in endings.split():
                command = ["soffice", f"-env:UserInstallation=file://{name}/profile", "--headless", "--convert-to",
                           ending, "--outdir", name, str(FOLDER / file)]  # fmt: skip
                subprocess.run(command, check=True, capture_output=True)
                target = file if file.endswith(ending) else f"{file.partition('.')[0]}.{ending}"
                (FOLDER / target).write_bytes(Path(name, f"all.{ending}").read_bytes())


if __name__ == "__main__":
    main()
