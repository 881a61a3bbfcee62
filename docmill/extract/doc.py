"""Reads Word 97-2003 documents (doc) by their piece table: titles, lists, tables, notes, headers, footers, pictures.

Written on [MS-DOC] because no Python package reads the format and unstructured needs LibreOffice for it. Pictures that
stand in the text are read; those that float beside it are named in the warnings. Revisions are not read.
"""

from __future__ import annotations

import bisect
import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError, EncryptedDocumentError
from docmill.extract.builder import Builder, table_of, tidy
from docmill.extract.doc_pictures import Pictures, property_changes
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.reading import Reading
from docmill.models import Cell, ElementType

_FLAGS, _COUNTS, _HEADERS, _PARAGRAPHS, _PIECES = 0x0A, 0x4C, 0xF2, 0x102, 0x1A2
"""Offsets in the file information block: flags, character counts, and places of three tables in the table stream."""
WORD_97 = 0xC1
"""The format's version number from which it has a table stream; Word 6 and 95 have lower ones."""
_MARKS = str.maketrans({"\x0b": "\n", "\x0c": "\n", "\x0e": "\n", "\x1e": "-", "\x1f": "", "\xa0": " ", "\x02": "",
                        "\x05": "", "\x01": "", "\x08": "", "\x03": "", "\x04": ""})  # fmt: skip
_IN_TABLE, _ROW_END, _OUTLINE, _LIST_LEVEL, _LIST = 0x2416, 0x2417, 0x2640, 0x260A, 0x460B


@dataclass(frozen=True)
class _Properties:
    """What is known of a paragraph: style 1 to 9 are the headings in every document."""

    style: int = 0
    in_table: bool = False
    row_end: bool = False
    outline: int = 9
    list_level: int = 0
    listed: bool = False

    @property
    def title_level(self) -> int:
        """1 to 6 for a title, 0 for anything else."""
        level = self.outline + 1 if self.outline < 9 else self.style if 1 <= self.style <= 9 else 0
        return min(level, 6)


@dataclass(frozen=True)
class _Piece:
    """A run of characters: where it starts in the text and in the file, and whether a character has two bytes."""

    start: int
    offset: int
    wide: bool
    text: str


def read_doc(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a Word document. Raises CorruptDocumentError, EncryptedDocumentError."""
    import olefile

    builder = Builder(MEDIA_TYPES["doc"], config)
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            main = ole.openstream("WordDocument").read()
            flags = struct.unpack_from("<H", main, _FLAGS)[0]
            _refuse_encrypted(flags)
            old = struct.unpack_from("<H", main, 2)[0] < WORD_97
            table = b"" if old else ole.openstream("1Table" if flags & 0x0200 else "0Table").read()
            stored = ole.openstream("Data").read() if ole.exists("Data") else b""
            pictures = Pictures(main, table, b"" if old else stored)
            meta = ole.get_metadata()
            for key, value in (("title", meta.title), ("author", meta.author), ("subject", meta.subject)):
                text = value.decode("cp1252", "replace") if isinstance(value, bytes) else value
                if text and tidy(str(text)):
                    builder.metadata[key] = tidy(str(text))
        if old:
            _read_old(main, flags, builder)
        else:
            _Document(main, table, builder, pictures).read()
    except (OSError, struct.error, IndexError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise CorruptDocumentError(
            f"The Word 97-2003 document cannot be read: {type(error).__name__}: {error}.",
            hint="Open it in Word or LibreOffice and save it as docx.",
        ) from error
    return builder.reading()


def _read_old(main: bytes, flags: int, builder: Builder) -> None:
    """Adds the text of a Word 6 or 95 document, which is one run of bytes unless it was saved fast."""
    start, end = struct.unpack_from("<2I", main, 0x18)
    if flags & 0x0004 or not start < end <= len(main):
        raise ValueError("a Word 6 or 95 document that was saved fast")
    builder.warn("The document is of Word 6 or 95: only its text was read, without titles and tables.")
    for paragraph in re.split("[\r\x07]", main[start:end].decode("cp1252", "replace")):
        builder.add(ElementType.TEXT, _plain(paragraph))


def _refuse_encrypted(flags: int) -> None:
    """Raises EncryptedDocumentError for a document with a password."""
    if flags & 0x0100:
        raise EncryptedDocumentError(
            "The Word document is protected by a password.", hint="Save a copy without a password."
        )


class _Document:
    """The two streams of a document, and its pictures."""

    def __init__(self, main: bytes, table: bytes, builder: Builder, pictures: Pictures) -> None:
        self.main = main
        self.table = table
        self.builder = builder
        self.pictures = pictures
        self.pieces = list(self._pieces())
        self.starts = [piece.start for piece in self.pieces]
        self.text = "".join(piece.text for piece in self.pieces)
        self.ends, self.known = self._known_paragraphs()
        self.row: list[str] = []
        self.cell: list[str] = []
        self.rows: list[list[str]] = []

    def read(self) -> None:
        """Adds headers, body, notes and footers."""
        body, notes, headers, _, remarks, endnotes, boxes = struct.unpack_from("<7I", self.main, _COUNTS)
        stories = self._page_parts(body + notes)
        for kind, text in stories:
            if kind is ElementType.HEADER:
                self.builder.add(kind, text)
        at = 0
        for text, properties in self._paragraphs(0, body):
            self._add(text, properties)
            self._add_pictures(at, text)
            at += len(text)
        self._end_table()
        self.builder.end_sections()
        at = body
        for length, note in ((notes, "footnote"), (headers, ""), (remarks, "comment"), (endnotes, "endnote")):
            kind_of_note = ElementType.TEXT if note == "comment" else ElementType.FOOTNOTE
            for text, _properties in self._paragraphs(at, at + length) if note else ():
                self.builder.add(kind_of_note, _plain(text), {"metadata": {"note": note}})
            at += length
        for kind, text in stories:
            if kind is ElementType.FOOTER:
                self.builder.add(kind, text)
        for text, _properties in self._paragraphs(at, at + boxes):
            self.builder.add(ElementType.TEXT, _plain(text), {"metadata": {"text_box": True}})
        if "\x08" in self.text:
            self.builder.warn("Pictures that float beside the text were not read: save it as docx to have them.")

    def _pieces(self) -> Iterator[_Piece]:
        """The pieces of text in order."""
        offset, length = struct.unpack_from("<2I", self.main, _PIECES)
        end = min(offset + length, len(self.table))
        while offset < end and self.table[offset] == 1:
            offset += 3 + struct.unpack_from("<H", self.table, offset + 1)[0]
        if offset >= end or self.table[offset] != 2:
            raise ValueError("no piece table")
        size = struct.unpack_from("<I", self.table, offset + 1)[0]
        count = (size - 4) // 12
        places = struct.unpack_from(f"<{count + 1}I", self.table, offset + 5)
        for number in range(count):
            descriptor = offset + 5 + 4 * (count + 1) + 8 * number
            place = struct.unpack_from("<I", self.table, descriptor + 2)[0]
            length = places[number + 1] - places[number]
            wide = not place & 0x4000_0000
            start = place & 0x3FFF_FFFF if wide else (place & 0x3FFF_FFFF) // 2
            if length < 0 or start + length * (1 + wide) > len(self.main):
                raise ValueError("a piece lies outside of the file")
            raw = self.main[start : start + length * (1 + wide)]
            text = raw.decode("utf-16-le" if wide else "cp1252", "replace")
            yield _Piece(places[number], start, wide, text.ljust(length)[:length] if wide else text)

    def _known_paragraphs(self) -> tuple[list[int], list[_Properties]]:
        """Ends of paragraphs as offsets in the file, in order, and their properties."""
        offset, length = struct.unpack_from("<2I", self.main, _PARAGRAPHS)
        count = max((length - 4) // 8, 0)
        pages = struct.unpack_from(f"<{count}I", self.table, offset + 4 * (count + 1))
        found: dict[int, _Properties] = {}
        for page in pages:
            block = self.main[(page & 0x3F_FFFF) * 512 :][:512]
            if len(block) < 512:
                continue
            runs = block[511]
            for run in range(min(runs, 29)):
                end = struct.unpack_from("<I", block, 4 * (run + 1))[0]
                found[end] = _properties(block, block[4 * (runs + 1) + 13 * run] * 2)
        ordered = sorted(found)
        return ordered, [found[end] for end in ordered]

    def _paragraphs(self, start: int, end: int) -> Iterator[tuple[str, _Properties]]:
        """Text and properties of the paragraphs between two places of the text; cells count as paragraphs."""
        at = start
        end = min(end, len(self.text))
        while at < end:
            marks = [place for place in (self.text.find("\r", at, end), self.text.find("\x07", at, end)) if place >= 0]
            stop = min(marks) if marks else end - 1
            yield self.text[at : stop + 1], self._properties_at(stop)
            at = stop + 1

    def _add_pictures(self, start: int, text: str) -> None:
        """Adds the pictures that stand in a paragraph, which begins at a place of the text."""
        for place, character in enumerate(text, start):
            if character == "\x01":
                for data in self.pictures.at(self._offset(place)):
                    self.builder.picture(data, "")

    def _offset(self, place: int) -> int:
        """Where the character at a place of the text lies in the file."""
        piece = self.pieces[max(bisect.bisect_right(self.starts, place) - 1, 0)]
        return piece.offset + (place - piece.start) * (1 + piece.wide)

    def _properties_at(self, place: int) -> _Properties:
        """The properties of the paragraph that ends at a place of the text."""
        index = bisect.bisect_right(self.ends, self._offset(place))
        return self.known[index] if index < len(self.known) else _Properties()

    def _page_parts(self, start: int) -> list[tuple[ElementType, str]]:
        """Headers and footers, each text once; six stories a section, after six that part notes from text."""
        offset, length = struct.unpack_from("<2I", self.main, _HEADERS)
        count = max(length // 4, 0)
        places = struct.unpack_from(f"<{count}I", self.table, offset)
        found: dict[tuple[ElementType, str], None] = {}
        for number in range(6, count - 2):
            kind = ElementType.HEADER if (number - 6) % 6 in (0, 1, 4) else ElementType.FOOTER
            text = tidy(_plain(self.text[start + places[number] : start + places[number + 1]]))
            if text:
                found[kind, text] = None
        return list(found)

    def _add(self, text: str, properties: _Properties) -> None:
        """Adds a paragraph, or gathers it into the table it stands in."""
        if properties.in_table or properties.row_end:
            self.cell.append(_plain(text))
            if properties.row_end:
                self.rows.append(self.row)
                self.row, self.cell = [], []
            elif text.endswith("\x07"):
                self.row.append("\n".join(self.cell))
                self.cell = []
            return
        self._end_table()
        text = _plain(text)
        if properties.title_level:
            self.builder.title(text, properties.title_level)
        elif properties.listed:
            self.builder.add(ElementType.LIST_ITEM, text, {"level": min(properties.list_level, 8) + 1})
        else:
            self.builder.add(ElementType.TEXT, text)

    def _end_table(self) -> None:
        """Adds the rows gathered so far as a table."""
        if self.row or self.cell:
            self.rows.append([*self.row, *self.cell])
        filled = ((row, column, text) for row, line in enumerate(self.rows) for column, text in enumerate(line))
        cells = [Cell(row=row, column=column, text=text) for row, column, text in filled if text.strip()]
        self.row, self.cell, self.rows = [], [], []
        if cells:
            self.builder.table(table_of(cells))


def _properties(block: bytes, offset: int) -> _Properties:
    """The properties at an offset of a page of 512 bytes; none at offset 0."""
    if not offset or offset >= 510:
        return _Properties()
    size, start = 2 * block[offset] - 1, offset + 1
    if not block[offset]:
        size, start = 2 * block[offset + 1], offset + 2
    grpprl = block[start : start + size]
    if len(grpprl) < 2:
        return _Properties()
    values = dict(property_changes(grpprl[2:]))
    return _Properties(
        style=struct.unpack_from("<H", grpprl)[0],
        in_table=bool(values.get(_IN_TABLE, 0)),
        row_end=bool(values.get(_ROW_END, 0)),
        outline=values.get(_OUTLINE, 9),
        list_level=values.get(_LIST_LEVEL, 0),
        listed=values.get(_LIST, 0) not in (0, 0xF801),
    )


def _plain(text: str) -> str:
    """Text with marks replaced; of fields only the result is kept."""
    out: list[str] = []
    depth: list[bool] = []
    for each in text:
        if each == "\x13":
            depth.append(True)
        elif each == "\x14" and depth:
            depth[-1] = False
        elif each == "\x15":
            depth = depth[:-1]
        elif not any(depth):
            out.append(each)
    return "".join(out).translate(_MARKS).rstrip("\r\x07")
