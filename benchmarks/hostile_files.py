"""Makes files of other formats than PDF that are hard on a reader: bombs, loops, paths and references that lead out."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

MEBIBYTE = 1 << 20
LAUGHS = "<!DOCTYPE x [<!ENTITY a0 'lol'>{}]>".format(
    "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
)
"""A document type whose entity a9 stands for 10^9 words."""
LEAK = '<!DOCTYPE x [<!ENTITY a9 SYSTEM "file:///etc/passwd">]>'
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_ODF = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "text", "draw"))


def zipped(files: dict[str, bytes | str]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(names: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    """A tar archive with files and links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in names.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return out.getvalue()


def gzip_bomb(mebibytes: int) -> bytes:
    """Zeros, compressed a thousand times over."""
    out = io.BytesIO()
    with gzip.GzipFile("zeros.csv", "wb", 9, out, mtime=0) as file:
        for _ in range(mebibytes):
            file.write(bytes(MEBIBYTE))
    return out.getvalue()


def nested(levels: int, width: int) -> bytes:
    """Zips in zips, `width` at each of `levels`; at the end texts that unpack to 100 MiB each."""
    data, name = zipped({"zeros.txt": bytes(100 * MEBIBYTE)}), "bomb.zip"
    for level in range(levels):
        data = zipped({f"{level}-{number}-{name}": data for number in range(width)})
    return data


def chain(levels: int) -> bytes:
    """A text in a zip in a zip …"""
    data = zipped({"text.txt": "At the very end."})
    for _ in range(levels):
        data = zipped({"next.zip": data})
    return data


def word(body: str, before: str = "", relationships: str = "") -> bytes:
    """A Word file with this body."""
    space = f'xmlns:w="{_WORD}" xmlns:r="{_REL}"'
    rels = f'<Relationships xmlns="{_PACKAGE}">{{}}</Relationships>'
    main = f'<Relationship Id="r" Type="{_REL}/officeDocument" Target="word/document.xml"/>'
    return zipped(
        {
            "_rels/.rels": rels.format(main),
            "word/document.xml": f"{before}<w:document {space}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": rels.format(relationships),
        }
    )


def paragraph(text: str) -> str:
    """A paragraph of a Word file."""
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def outward_word(url: str) -> bytes:
    """A Word file whose template, picture and frame lie on a server."""
    kinds = {"t": "attachedTemplate", "i": "image", "f": "frame", "o": "oleObject"}
    relationships = "".join(
        f'<Relationship Id="{key}" Type="{_REL}/{kind}" Target="{url}{kind}" TargetMode="External"/>'
        for key, kind in kinds.items()
    )
    drawing = '<a:blip xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" r:link="i"/>'
    return word(paragraph("Before.") + f"<w:p><w:r><w:drawing>{drawing}</w:drawing></w:r></w:p>", "", relationships)


def workbook(before: str, text: str) -> bytes:
    """A workbook with one shared string."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = (
        f'<worksheet xmlns="{main}"><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData></worksheet>'
    )
    sheets = '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
    rels = f'<Relationships xmlns="{_PACKAGE}">{{}}</Relationships>'
    return zipped(
        {
            "_rels/.rels": rels.format(f'<Relationship Id="r" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/>'),
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{_REL}">{sheets}</workbook>',
            "xl/_rels/workbook.xml.rels": rels.format(
                f'<Relationship Id="r1" Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/>'
                f'<Relationship Id="r2" Type="{_REL}/sharedStrings" Target="sharedStrings.xml"/>'
            ),
            "xl/worksheets/sheet1.xml": sheet,
            "xl/sharedStrings.xml": f'{before}<sst xmlns="{main}" count="1"><si><t>{text}</t></si></sst>',
        }
    )


def open_document(before: str, text: str) -> bytes:
    """An ODF text of one paragraph."""
    body = f"<office:body><office:text><text:p>{text}</text:p></office:text></office:body>"
    content = f"{before}<office:document-content {_ODF}>{body}</office:document-content>"
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


def book(before: str, text: str) -> bytes:
    """An EPUB of one chapter."""
    item = '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/>'
    opf = f'<package><manifest>{item}</manifest><spine><itemref idref="c"/></spine></package>'
    container = '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>'
    chapter = f"{before}<html><body><p>{text}</p></body></html>"
    return zipped({"META-INF/container.xml": container, "b.opf": opf, "c.xhtml": chapter})


def mailbox(mails: int) -> bytes:
    """A mailbox of short mails, every hundredth with an attachment."""
    parts = []
    for number in range(mails):
        mail = EmailMessage()
        mail["From"], mail["To"] = "ann@example.org", "bob@example.org"
        mail["Subject"], mail["Date"] = f"Report {number}", "Tue, 02 Jan 2024 10:00:00 +0000"
        mail.set_content(f"The pump {number} delivers {number * 7 % 100} litres a minute.")
        if number % 100 == 0:
            mail.add_attachment(f"# Pump {number}".encode(), maintype="text", subtype="markdown", filename="pump.md")
        parts.append(b"From ann@example.org Tue Jan  2 10:00:00 2024\n" + mail.as_bytes() + b"\n")
    return b"".join(parts)


def matryoshka(levels: int) -> bytes:
    """A mail attached to a mail attached to a mail …"""
    head = "From: ann@example.org\nTo: bob@example.org\nSubject: level {}\nContent-Type: message/rfc822\n\n"
    outer = "".join(head.format(level) for level in range(levels))
    return f"{outer}From: ann@example.org\nTo: bob@example.org\nSubject: innermost\n\nThe innermost text.\n".encode()


def picture(width: int, height: int) -> bytes:
    """A white picture with a line of text, as PNG of one bit a pixel."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("1", (width, height), 1)
    ImageDraw.Draw(image).text((width // 10, height // 10), "Large plan", 0, ImageFont.load_default(height / 20))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def sparse(path: Path, size: int) -> None:
    """A file of zeros that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(size)


def generated(url: str) -> dict[str, Callable[[], bytes]]:
    """The files by name; `url` is where a server notes who comes."""
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink">{}<text>After.</text></svg>'
    )
    laughs = "Before. &a9; After."
    return {
        "good-1.md": lambda: b"# Pumps\n\nThe pump P-7 delivers 12.5 litres a minute.\n",
        "zip-bomb.zip": lambda: zipped({"zeros.txt": bytes(1_100 * MEBIBYTE), "good.md": "# Good"}),
        "zip-bomb-inside.zip": lambda: zipped({"good.md": "# Good", "b.zip": zipped({"z": bytes(300 * MEBIBYTE)})}),
        "zips-in-zips-10^4.zip": lambda: nested(4, 10),
        "zips-in-zips-100-deep.zip": lambda: chain(100),
        "gzip-bomb-2-GB.csv.gz": lambda: gzip_bomb(2_048),
        "paths-that-lead-out.zip": lambda: zipped({"../../etc/cron.d/x": "x", "/etc/passwd": "y", "good.md": "# G"}),
        "paths-that-lead-out.tar": lambda: tarred({"../x": b"x", "good.md": b"# G"}, {"link": "/etc/passwd"}),
        "entities.xml": lambda: f"{LAUGHS}<x>{laughs}</x>".encode(),
        "entities.svg": lambda: (
            LAUGHS.replace("DOCTYPE x", "DOCTYPE svg") + drawing.format("<text>&a9;</text>")
        ).encode(),
        "entities.docx": lambda: word(paragraph(laughs), LAUGHS),
        "entities.xlsx": lambda: workbook(LAUGHS, laughs),
        "entities.odt": lambda: open_document(LAUGHS, laughs),
        "entities.epub": lambda: book(LAUGHS, laughs),
        "entities.html": lambda: f"{LAUGHS}<html><body><p>{laughs}</p></body></html>".encode(),
        "passwd-entity.xml": lambda: f"{LEAK}<x>{laughs}</x>".encode(),
        "passwd-entity.odt": lambda: open_document(LEAK, laughs),
        "outward.docx": lambda: outward_word(url),
        "outward.svg": lambda: drawing.format(f'<image x:href="{url}a.png" width="9" height="9"/>').encode(),
        "outward.html": lambda: f'<body><img src="{url}i.png"><iframe src="{url}f"></iframe><p>After.</p>'.encode(),
        "outward.odt": lambda: open_document("", f'<draw:image href="{url}o.png"/>After.'),
        "10000-mails.mbox": lambda: mailbox(10_000),
        "mails-in-mails-200-deep.eml": lambda: matryoshka(200),
        "picture-200-megapixels.png": lambda: picture(20_000, 10_000),
        "picture-1-gigapixel.png": lambda: picture(40_000, 25_000),
        "lists-100000-deep.json": lambda: b"[" * 100_000 + b"]" * 100_000,
        "tags-100000-deep.html": lambda: b"<html><body>" + b"<div>" * 100_000 + b"After." + b"</div>" * 100_000,
        "one-line-of-50-MB.csv": lambda: b"a," * 25_000_000 + b"\n",
        "two-million-lines.jsonl": lambda: b"\n".join(json.dumps({"n": n}).encode() for n in range(2_000_000)),
        "good-2.md": lambda: b"# Valves\n\nThe valve V-3 closes at 40 bar.\n",
    }
