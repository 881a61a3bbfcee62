"""Makes PDFs that are hard on a reader: bombs, loops, thousands of pages, damage. Pure functions of their arguments."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

MEBIBYTE = 1 << 20
_FONT = b"<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"


def pdf(objects: Sequence[bytes]) -> bytes:
    """A file of these objects, numbered from 1; the first is the catalogue."""
    parts, offsets, at = [b"%PDF-1.7\n"], [], 9
    for number, content in enumerate(objects, 1):
        offsets.append(at)
        parts.append(b"%d 0 obj\n%b\nendobj\n" % (number, content))
        at += len(parts[-1])
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    parts += [b"%010d 00000 n \n" % offset for offset in offsets]
    parts.append(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, at))
    return b"".join(parts)


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """A stream object."""
    return b"<</Length %d%b>>stream\n%b\nendstream" % (len(data), entries, data)


def words(text: str) -> bytes:
    """The content of a page with a line of text."""
    return b"BT /F 12 Tf 72 700 Td (%b) Tj ET" % text.encode("ascii")


def document(contents: Iterable[bytes], resources: bytes = _FONT, extra: Sequence[bytes] = ()) -> bytes:
    """A PDF with a page for each content stream (a whole object); `extra` objects are numbered from 3."""
    streams = list(contents)
    first = 3 + len(extra)
    kids = b" ".join(b"%d 0 R" % (first + 2 * index) for index in range(len(streams)))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, len(streams)), *extra]
    for index, content in enumerate(streams):
        entries = b"/MediaBox[0 0 612 792]/Resources%b/Contents %d 0 R" % (resources, first + 2 * index + 1)
        objects += [b"<</Type/Page/Parent 2 0 R%b>>" % entries, content]
    return pdf(objects)


def deflated(unit: bytes, mebibytes: int, layers: int = 1) -> bytes:
    """A stream object that unpacks to so many MiB of `unit` over and over."""
    packer = zlib.compressobj(9)
    block = unit * (MEBIBYTE // len(unit))
    data = b"".join(packer.compress(block) for _ in range(mebibytes)) + packer.flush()
    for _ in range(layers - 1):
        data = zlib.compress(data, 9)
    return stream(data, b"/Filter[%b]" % (b"/FlateDecode" * layers))


def laughs(leaf: bytes, first: int, depth: int = 12) -> list[bytes]:
    """Form objects, numbered from `first`, each of which draws the next ten times over; the last draws `leaf`."""
    forms = []
    for number in range(first, first + depth):
        entries = b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</Font<</F<</Type/Font/Subtype/Type1"
        entries += b"/BaseFont/Helvetica>>>>/XObject<</X %d 0 R>>>>" % (number + 1)
        forms.append(stream(b"/X Do " * 10, entries))
    return [*forms, stream(leaf, b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources" + _FONT)]


GOOD, SLOW, GREEDY = "good", "slow", "greedy"


def mixed(kinds: Sequence[str]) -> bytes:
    """A document with a page of each kind: good, slow (10^12 empty drawings) or greedy (10^12 words)."""
    slow = laughs(b"q Q", 3)
    greedy = laughs(words("word"), 3 + len(slow))
    resources = b"<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>/XObject<</S 3 0 R/G %d 0 R>>>>"
    contents = {GOOD: b"", SLOW: b"/S Do", GREEDY: b"/G Do"}
    pages = [
        stream(words(f"This is page {number} of a document.") + b" " + contents[kind])
        for number, kind in enumerate(kinds, 1)
    ]
    return document(pages, resources % (3 + len(slow)), [*slow, *greedy])


def long_document(pages: int) -> bytes:
    """A document of pages with a running header, a title, paragraphs and a page number."""
    return document(stream(_page(number, pages)) for number in range(1, pages + 1))


def _page(number: int, pages: int) -> bytes:
    lines = [(40, 760, 9, f"Manual of the pump P-{pages}"), (72, 700, 18, f"Chapter {number}")]
    lines += [
        (72, 660 - 14 * row, 11, f"Sentence {row} of page {number} says that valve {row * number} closes at 40 bar.")
        for row in range(40)
    ]
    lines.append((300, 30, 9, str(number)))
    return b"\n".join(
        b"BT /F %d Tf %d %d Td (%b) Tj ET" % (size, x, y, text.encode("ascii")) for x, y, size, text in lines
    )
