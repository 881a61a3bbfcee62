"""Makes PDFs that are hard on a reader: bombs, loops, thousands of pages, damage. Pure functions of their arguments."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence

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


def deep_tree(levels: int) -> bytes:
    """A document of one page under so many levels of page tree nodes."""
    nodes = [b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (number + 1) for number in range(2, levels)]
    return pdf([b"<</Type/Catalog/Pages 2 0 R>>", *nodes, b"<</Type/Page/MediaBox[0 0 612 792]>>"])


def looping_tree() -> bytes:
    """A page tree whose nodes are each other's children."""
    node = b"<</Type/Pages/Count 1000000/Kids[%d 0 R %d 0 R]/Parent %d 0 R>>"
    return pdf([b"<</Type/Catalog/Pages 2 0 R>>", node % (3, 3, 3), node % (2, 2, 2)])


def deep_outline(levels: int) -> bytes:
    """A document whose outline is nested so deep that MuPDF crashes when it opens the file."""
    head = [b"<</Type/Catalog/Pages 2 0 R/Outlines 4 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"]
    deep = [b"<</Title(a)/First %d 0 R>>" % (number + 5) for number in range(levels)]
    return pdf([*head, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>", *deep, b"<</Title(b)>>"])


def image_page(width: int, height: int, data: bytes, filters: bytes) -> bytes:
    """A page that is a picture of that size."""
    entries = b"/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceRGB%b" % (width, height, filters)
    drawing = stream(b"612 0 0 792 0 0 cm /I Do")
    return document([drawing], b"<</XObject<</I 3 0 R>>>>", [stream(data, entries)])


def picture_bomb(side: int) -> bytes:
    """A page that is a picture of side x side pixels, 0.1 % of its size when packed."""
    packed = deflated(b"\0", side * side * 3 // MEBIBYTE + 1)
    data = packed.split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0]
    return image_page(side, side, data, b"/Filter/FlateDecode")


def generated() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of documents that are hard on a reader, the same in every run."""
    good = stream(words("This page is as good as any."))
    yield "bomb-3-GB-of-spaces.pdf", document([good, deflated(b" ", 3_000), good])
    yield "bomb-1-GB-in-two-layers.pdf", document([good, deflated(b"0 0 m 9 9 l ", 1_000, 2), good])
    yield "bomb-of-text.pdf", document([good, deflated(b"BT /F 9 Tf 9 9 Td (abcdefgh) Tj ET ", 600), good])
    yield "bomb-one-string-of-2-GB.pdf", document([good, deflated(b"(" + b"a" * 1023, 2_000), good])
    yield "forms-that-never-end.pdf", mixed([GOOD, SLOW, GOOD])
    yield "forms-of-endless-text.pdf", mixed([GREEDY, GOOD, GREEDY, GOOD])
    yield "every-page-bad.pdf", mixed([GREEDY] * 30)
    yield "picture-20000-x-20000.pdf", picture_bomb(20_000)
    yield "picture-60000-x-60000-without-data.pdf", image_page(60_000, 60_000, b"x", b"")
    yield "page-of-9e9-points.pdf", document([good]).replace(b"612 792", b"9e9 9e9")
    yield "page-of-no-size.pdf", document([good]).replace(b"612 792", b"0 0")
    yield "page-tree-200000-deep.pdf", deep_tree(200_000)
    yield "page-tree-that-loops.pdf", looping_tree()
    yield "outline-200000-deep.pdf", deep_outline(200_000)
    yield "arrays-200000-deep.pdf", document([stream(b"[" * 200_000)])
    yield "graphics-states-3000000-deep.pdf", document([stream(b"q " * 3_000_000)])
    yield "100000-annotations.pdf", _annotated(100_000)
    yield "500000-rules-on-a-page.pdf", document([stream(b"".join(_rules(500_000)))])
    yield "100000-words-on-a-page.pdf", document([stream(b"".join(_scattered(100_000)))])
    yield "count-of-1000000-pages.pdf", document([good]).replace(b"/Count 1", b"/Count 1000000")
    yield "5000-pages.pdf", long_document(5_000)
    yield "10000-pages.pdf", long_document(10_000)


def _annotated(count: int) -> bytes:
    link = b"<</Type/Annot/Subtype/Link/Rect[%d 9 %d 99]/A<</S/URI/URI(https://example.org/%d)>>>>"
    links = b"".join(link % (number % 600, number % 600 + 3, number) for number in range(count))
    return document([stream(words("Many links."))]).replace(b"/Contents", b"/Annots[%b]/Contents" % links)


def _rules(count: int) -> Iterator[bytes]:
    chance = random.Random(1)
    for _ in range(count):
        x, y, length = chance.randrange(600), chance.randrange(780), chance.randrange(5, 200)
        yield b"%d %d m %d %d l S\n" % ((x, y, x + length, y) if chance.random() < 0.5 else (x, y, x, y + length))


def _scattered(count: int) -> Iterator[bytes]:
    chance = random.Random(2)
    for number in range(count):
        yield b"BT /F 6 Tf %d %d Td (w%d) Tj ET\n" % (chance.randrange(600), chance.randrange(780), number)


def damaged(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The document cut short, with flipped bits, without some objects, with wrong numbers; the same in every run."""
    chance = random.Random(name)
    for percent in (1, 10, 30, 50, 70, 90, 99):
        yield f"{name}-cut-at-{percent}-percent.pdf", data[: len(data) * percent // 100]
    for flips in (1, 10, 100, 1_000, 10_000):
        changed = bytearray(data)
        for _ in range(flips):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        yield f"{name}-with-{flips}-bits-flipped.pdf", bytes(changed)
    objects = list(re.finditer(rb"\d+ \d+ obj\b.*?endobj", data, re.DOTALL))
    for number in range(6):
        changed = bytearray(data)
        for found in chance.sample(objects, min(len(objects), 1 + number * len(objects) // 10)):
            changed[found.start() : found.end()] = b" " * (found.end() - found.start())
        yield f"{name}-without-objects-{number}.pdf", bytes(changed)
    for number in range(6):
        yield f"{name}-wrong-numbers-{number}.pdf", _renumbered(data, chance)


def _renumbered(data: bytes, chance: random.Random) -> bytes:
    """The document with one in fifty numbers of its objects another."""

    def other(found: re.Match[bytes]) -> bytes:
        if chance.random() > 0.02:
            return found[0]
        return chance.choice([b"0", b"-1", b"99999999999", b"3", found[0] + b"7"])

    return re.sub(rb"(?<=[ \[(<])\d+(?=[ \])>])", other, data)
