"""A few small real documents of every type, which together show what its reader can take from one."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Iterator
from pathlib import Path

import zstandard
from PIL import Image

from docmill.extract.pdf.engine import pymupdf
from docmill.extract.xlsb_parts import records
from tests.extract.test_pdf_tables import with_merged_head
from tests.making import mail, mailbox, tarred, tnef, zipped
from tests.services import ROOT

FEATURES, OFFICE, EXAMPLES = ROOT / "tests/data/features", ROOT / "tests/data/office", ROOT / "examples/documents"
PICTURES = {"png": "PNG", "jpeg": "JPEG", "tiff": "TIFF", "bmp": "BMP", "webp": "WEBP", "gif": "GIF", "avif": "AVIF"}
HTML = """<html><body><h1>Pumps</h1><ul><li>Close <a href="https://example.org">the valve</a></li></ul>
<table><tr><th colspan="2">Prices</th></tr><tr><td>Seal</td><td>12.50</td></tr></table><pre>x = 1</pre>
<img src="data:image/png;base64,{}" alt="seal">CHART</body></html>"""
MARKDOWN = """# Pumps\n\n- Close [the valve](https://example.org)\n\n| Part | Price |\n|---|---|\n| Seal | 12.50 |\n
```\nx = 1\n```\n\n![seal](data:image/png;base64,{})\n"""
PLAIN = "Pumps\n=====\n\nThe pump delivers 12.5 litres a minute.\n\n- Close the valve\n- Open the drain\n"
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><title>Curve</title>
<rect width="40" height="30"/><text y="40">Flow</text></svg>"""
BARS = "".join(
    f'<rect x="{70 + 80 * place}" y="{250 - 5 * value}" width="40" height="{5 * value}" fill="steelblue"/>'
    f'<text x="{80 + 80 * place}" y="270" font-size="12">Q{place + 1}</text>'
    for place, value in enumerate((20, 30, 15, 38))
)
TICKS = "".join(f'<text x="24" y="{254 - 50 * step}" font-size="12">{10 * step}</text>' for step in range(5))
CHART = f'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300">{TICKS}{BARS}</svg>'
CHOICE = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
FORMULA = f"""<m:oMathPara xmlns:m="{MATH}"><m:oMath><m:f><m:num><m:r><m:t>Q</m:t></m:r></m:num><m:den><m:r><m:t>t</m:t>
</m:r></m:den></m:f></m:oMath></m:oMathPara>"""
_CHART = '<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" r:id="c"/>'


HTML = HTML.replace("CHART", CHART)


def dot() -> str:
    """A small picture in base64."""
    out = io.BytesIO()
    Image.new("RGB", (60, 60), "red").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def samples(label: str) -> Iterator[tuple[bytes, str]]:
    """Bytes and names of the documents of a type."""
    for path in sorted([*FEATURES.glob(f"all.{label}"), *OFFICE.glob(f"*.{label}")]):
        yield path.read_bytes(), path.name
    if label in _MADE:
        yield _MADE[label](), f"a.{label}"
    if label in _MORE:
        yield _MORE[label], f"b.{label}"
    if label in (*PICTURES, "heic"):
        yield _picture(label), f"a.{label}"
    if label == "pdf":
        yield from (((EXAMPLES / name).read_bytes(), name) for name in ("handbook.pdf", "scanned_letter.pdf"))
        yield (ROOT / "tests/data/charts.pdf").read_bytes(), "charts.pdf"
        yield with_merged_head().tobytes(), "merged.pdf"
        yield attached_pdf(), "attached.pdf"


def _picture(label: str) -> bytes:
    from pillow_heif import register_heif_opener

    register_heif_opener()
    out = io.BytesIO()
    with Image.open(EXAMPLES / "nameplate.png") as image:
        image.convert("RGB").save(out, PICTURES.get(label, "HEIF"))
    return out.getvalue()


def with_parts(data: bytes, main: str, parts: dict[str, bytes], relations: str) -> bytes:
    """An office package with more parts, which the relationships name as those of its main part."""
    rels = f"{Path(main).parent}/_rels/{Path(main).name}.rels"
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        files = {info.filename: package.read(info) for info in package.infolist()}
    files[rels] = files[rels].replace(b"</Relationships>", f"{relations}</Relationships>".encode())
    return zipped({**files, **parts})


def relation(key: str, kind: str, target: str) -> str:
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    return f'<Relationship Id="{key}" Type="{base}{kind}" Target="{target}"/>'


def embedding(label: str, main: str) -> bytes:
    """The office file with a workbook embedded."""
    parts = {f"{Path(main).parts[0]}/embeddings/prices.xlsx": (FEATURES / "all.xlsx").read_bytes()}
    depth = "../" * (len(Path(main).parts) - 2)
    found = relation("emb", "package", f"{depth}embeddings/prices.xlsx")
    return with_parts((FEATURES / f"all.{label}").read_bytes(), main, parts, found)


def changed(data: bytes, part: str, old: str, new: str) -> bytes:
    """The package with a text put in the place of another one in a part."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        files = {info.filename: package.read(info) for info in package.infolist()}
    assert old.encode() in files[part]
    return zipped({**files, part: files[part].replace(old.encode(), new.encode(), 1)})


def chosen(graphic: str, element: str) -> str:
    """An element that Office shows only where it knows the newer kind, with another one for elders."""
    return (
        f'<mc:AlternateContent {CHOICE}><mc:Choice Requires="cx1">{element.format(graphic)}</mc:Choice>'
        f"<mc:Fallback>{element.format('')}</mc:Fallback></mc:AlternateContent>"
    )


def attached_pdf(**encryption: str | int) -> bytes:
    """A PDF with a table attached to it, and notes pinned to its page."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 72), "The prices are attached.")
    document.embfile_add("prices", b"Part,Price\nSeal,12.50\n", filename="prices.csv")
    page.add_file_annot((300, 72), b"# Notes", "notes.md")
    return bytes(document.tobytes(**encryption))


def with_formula() -> bytes:
    """The presentation with a formula on its first slide."""
    shape = (
        '<p:sp><p:nvSpPr><p:cNvPr id="78" name="Formula"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/>'
        "<p:txBody><a:bodyPr/><a:p>{}</a:p></p:txBody></p:sp>"
    )
    text = f'<a14:m xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main">{FORMULA}</a14:m>'
    deck = (FEATURES / "all.pptx").read_bytes()
    return changed(deck, "ppt/slides/slide1.xml", "</p:spTree>", f"{chosen(text, shape)}</p:spTree>")


def hidden_xlsb() -> bytes:
    """A workbook of which all sheets are hidden."""
    return changed_xlsb({156: (0, 1)})


def changed_xlsb(changes: dict[int, tuple[int, int]]) -> bytes:
    """A workbook with bits set in every record of some kinds, at a place in their data."""
    with zipfile.ZipFile(OFFICE / "date.xlsb") as package:
        files = {info.filename: bytearray(package.read(info)) for info in package.infolist()}
    for name, part in files.items():
        for kind, at, _ in records(part) if name.endswith(".bin") else ():
            if kind in changes:
                part[at + changes[kind][0]] |= changes[kind][1]
    return zipped({name: bytes(part) for name, part in files.items()})


def _word() -> bytes:
    """A Word file with an embedded workbook and the chart of the presentation."""
    with zipfile.ZipFile(FEATURES / "all.pptx") as deck:
        chart = next(deck.read(name) for name in deck.namelist() if name.startswith("ppt/charts/chart"))
    data = embedding("docx", "word/document.xml")
    data = with_parts(data, "word/document.xml", {"word/chart.xml": chart}, relation("c", "chart", "chart.xml"))
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        files = {info.filename: package.read(info) for info in package.infolist()}
    drawn = f"<w:p><w:r><w:drawing>{_CHART}</w:drawing></w:r></w:p><w:sectPr".encode()
    files["word/document.xml"] = files["word/document.xml"].replace(b"<w:sectPr", drawn, 1)
    return zipped(files)


def _book() -> bytes:
    item = '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/>'
    opf = f'<package><manifest>{item}</manifest><spine><itemref idref="c"/></spine></package>'
    container = '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>'
    return zipped({"META-INF/container.xml": container, "b.opf": opf, "c.xhtml": HTML.format(dot())})


def _mail() -> bytes:
    message = mail(notes_md=b"# Notes")
    message.get_body().add_alternative(HTML.format(dot()), subtype="html")
    return message.as_bytes()


_MORE = {
    "json": b'{"pump": {"parts": ["Seal"]}}',
    "jsonl": b'{"parts": ["Seal"]}\n{"parts": []}\n',
    "svg": CHART.encode(),
    "pptx": with_formula(),
    "xlsb": hidden_xlsb(),
}
_FILES = {"a.txt": b"text"}
_MADE = {
    "docx": _word,
    "pptx": lambda: embedding("pptx", "ppt/slides/slide1.xml"),
    "xlsx": lambda: embedding("xlsx", "xl/worksheets/sheet1.xml"),
    "html": lambda: HTML.format(dot()).encode(),
    "md": lambda: MARKDOWN.format(dot()).encode(),
    "epub": _book,
    "eml": _mail,
    "txt": lambda: PLAIN.encode(),
    "rst": lambda: PLAIN.encode(),
    "org": lambda: b"* Pumps\n\nText.\n\n- Close the valve\n",
    "csv": lambda: b"Part,Price\nSeal,12.50\n",
    "tsv": lambda: b"Part\tPrice\nSeal\t12.50\n",
    "json": lambda: b'[{"part": "Seal", "price": 12.5}]',
    "jsonl": lambda: b'{"part": "Seal"}\n{"part": "Valve"}\n',
    "yaml": lambda: b"part: Seal\n",
    "code": lambda: b"echo pumps\n",
    "xml": lambda: b"<?xml version='1.0'?><parts><part>Seal</part></parts>",
    "svg": lambda: SVG.encode(),
    "zip": lambda: zipped(_FILES),
    "tar": lambda: tarred(_FILES),
    "gz": lambda: gzip.compress(b"text", mtime=0),
    "bz2": lambda: bz2.compress(b"text"),
    "xz": lambda: lzma.compress(b"text"),
    "zst": lambda: zstandard.compress(b"text"),
    "tnef": lambda: tnef(a_txt=b"text"),
    "mbox": lambda: mailbox([mail().as_bytes()] * 2),
}
