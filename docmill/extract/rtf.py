"""Reads RTF: paragraphs with titles by outline level, tables, pictures, hidden text left out.

Written here because unstructured needs pandoc for RTF, which comes in no Python package.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.builder import Builder, table_of
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.reading import Reading
from docmill.models import Cell, ElementType, Scalar

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_SKIPPED_WORDS = (
    "fonttbl colortbl stylesheet info listtable listoverridetable rsidtbl generator themedata colorschememapping "
    "latentstyles datastore xmlnstbl filetbl revtbl pgptbl mmathPr fldinst objdata datafield bkmkstart bkmkend "
    "nonshppict listtext pntext header headerl headerr headerf footer footerl footerr footerf template panose "
    "falt atnid atnauthor wgrffmtfilter docvar userprops "
)
_SKIPPED = frozenset(_SKIPPED_WORDS.split())
_PAGE_PARTS = {"header": ElementType.HEADER, "footer": ElementType.FOOTER}
_TEXTS = {"par": "\n", "line": "\v", "tab": "\t", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’",
          "ldblquote": "“", "rdblquote": "”", "bullet": "•", "emspace": " ", "enspace": " ", "qmspace": " ",
          "softline": "\v", "page": "\n", "sect": "\n"}  # fmt: skip
_CHARSETS = {0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "cp936", 136: "cp950", 161: "cp1253",
             162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
             238: "cp1250"}  # fmt: skip
_HEADING = re.compile(r"\bheading ([1-9])\s*;", re.I)
MAX_DEPTH = 5_000


@dataclass(frozen=True)
class _State:
    """What a group inherits and loses at its end."""

    skip: bool = False
    hidden: bool = False
    picture: bool = False
    font: int = -1
    unicode_skip: int = 1
    target: str = "body"


@dataclass
class _Paragraph:
    """The paragraph being read: text, outline level (0 for none), whether it stands in a table, its list level."""

    parts: list[str] = field(default_factory=list)
    level: int = 0
    in_table: bool = False
    listed: bool = False
    item: int = 0


def read_rtf(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of an RTF document. Raises CorruptDocumentError where groups do not match up at all."""
    parser = _Parser(Builder(MEDIA_TYPES["rtf"], config))
    parser.parse(data)
    return parser.builder.reading()


class _Parser:
    """Reads the tokens one by one."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.state = _State()
        self.stack: list[_State] = []
        self.codepage = "cp1252"
        self.fonts: dict[int, str] = {}
        self.font_here = -1
        self.levels: dict[int, int] = {}
        self.style_here = -1
        self.paragraph = _Paragraph()
        self.outer: list[_Paragraph] = []
        self.notes: list[tuple[str, str]] = []
        self.row: list[str] = []
        self.rows: list[list[str]] = []
        self.raw = bytearray()
        self.raw_charset = ""
        self.to_skip = 0
        self.hexes = bytearray()
        self.first = True

    def parse(self, data: bytes) -> None:
        """Reads everything and adds what is left at the end."""
        position = 0
        while position < len(data):
            match = _TOKEN.match(data, position)
            if match is None:
                position += 1
                continue
            position = match.end()
            word, number, code, sign, brace, text = match.groups()
            if word:
                position += self.word(word.decode("ascii"), int(number) if number else None, data, position)
            elif code:
                self.byte(int(code, 16))
            elif sign:
                self.sign(sign)
            elif brace:
                self.brace(brace)
            elif text:
                self.text(text)
        self.end_paragraph()
        self.end_table()
        for kind, note in self.notes:
            comment = kind == "annotation"
            metadata: dict[str, Scalar] = {"note": "comment"} if comment else {}
            self.builder.add(ElementType.TEXT if comment else ElementType.FOOTNOTE, note, {"metadata": metadata})

    def brace(self, brace: bytes) -> None:
        """Opens or closes a group."""
        self.flush()
        if brace == b"{":
            if len(self.stack) > MAX_DEPTH:
                raise CorruptDocumentError("The RTF nests groups too deep.", hint="Open and save it again.")
            self.stack.append(self.state)
            self.first = True
            return
        if self.stack:
            ended, self.state = self.state, self.stack.pop()
            if ended.picture and not self.state.picture:
                self.end_picture()
            if ended.target != self.state.target:
                self.end_part(ended.target)
        self.first = False

    def word(self, word: str, number: int | None, data: bytes, position: int) -> int:
        """Obeys a control word; returns how many bytes of binary data to pass over."""
        first, self.first = self.first, False
        if word != "u":
            self.flush()
        if first and self.destination(word):
            return 0
        if word == "bin":
            length = min(max(number or 0, 0), len(data) - position)
            if self.state.picture:
                self.hexes.extend(data[position : position + length].hex().encode("ascii"))
            return length
        if word == "u" and number is not None:
            self.unicode(number)
        elif word in ("b", "i") or (self.state.skip and word not in ("f", "fcharset", "s", "outlinelevel")):
            return 0
        elif word in _TEXTS:
            self.put(_TEXTS[word])
        else:
            self.setting(word, number)
        return 0

    def destination(self, word: str) -> bool:
        """Enters a destination that is skipped or kept apart; whether the word was one."""
        if word in ("fonttbl", "stylesheet"):
            self.state = replace(self.state, skip=True, target=word)
        elif word in _SKIPPED and word[:6] not in _PAGE_PARTS:
            self.state = replace(self.state, skip=True)
        elif word[:6] in _PAGE_PARTS and word in _SKIPPED:
            self.part(word[:6])
        elif word in ("footnote", "annotation"):
            self.part(word)
        elif word == "shppict":
            self.state = replace(self.state, skip=self.stack[-1].skip if self.stack else False)
        elif word == "pict":
            self.state = replace(self.state, picture=not self.state.skip)
        else:
            return False
        return True

    def part(self, target: str) -> None:
        """Enters a text apart from the body; it counts though it is marked as one that old readers may pass over."""
        if self.state.target != target:
            self.outer.append(self.paragraph)
            self.paragraph = _Paragraph()
        self.state = replace(self.state, target=target, skip=self.stack[-1].skip if self.stack else False)

    def setting(self, word: str, number: int | None) -> None:
        """Character sets, fonts, outline levels, lists, tables."""
        if word == "ansicpg" and number:
            self.codepage = _known(f"cp{number}") or self.codepage
        elif word == "mac":
            self.codepage = "mac_roman"
        elif word == "f" and number is not None:
            self.font_here = number
            self.state = replace(self.state, font=number)
        elif word == "fcharset" and self.state.target == "fonttbl":
            self.fonts[self.font_here] = _CHARSETS.get(number or 0, "")
        elif word == "s" and number is not None:
            self.style_here = number
            self.paragraph.level = self.levels.get(number, 0)
        elif word == "outlinelevel" and number is not None:
            if self.state.target == "stylesheet":
                self.levels[self.style_here] = number + 1 if number < 9 else 0
            else:
                self.paragraph.level = number + 1 if number < 9 else 0
        elif word == "uc" and number is not None:
            self.state = replace(self.state, unicode_skip=number)
        elif word in ("v", "deleted"):
            self.state = replace(self.state, hidden=number != 0)
        elif word in ("pard", "intbl", "ls", "ilvl", "plain"):
            self.paragraph_setting(word, number)
        elif word in ("cell", "nestcell"):
            self.end_cell()
        elif word in ("row", "nestrow"):
            self.end_row()

    def paragraph_setting(self, word: str, number: int | None) -> None:
        """Settings that hold for the paragraph."""
        if word == "pard":
            self.paragraph.level = self.paragraph.item = 0
            self.paragraph.listed = False
            self.paragraph.in_table = False
        elif word == "intbl":
            self.paragraph.in_table = True
        elif word == "ls":
            self.paragraph.listed = bool(number)
        elif word == "ilvl":
            self.paragraph.item = number or 0
        elif word == "plain":
            self.state = replace(self.state, hidden=False)

    def sign(self, sign: bytes) -> None:
        """Obeys a control symbol."""
        self.flush()
        if sign == b"*" and self.first:
            self.state = replace(self.state, skip=True)
            return
        self.first = False
        self.put(
            {b"~": " ", b"-": "", b"_": "-", b"\n": "\n", b"\r": "\n", b"\\": "\\", b"{": "{", b"}": "}"}.get(sign, "")
        )

    def unicode(self, number: int) -> None:
        """Takes a Unicode character and passes over its replacement."""
        self.flush()
        self.put(chr(number % 65_536))
        self.to_skip = self.state.unicode_skip

    def byte(self, value: int) -> None:
        """Takes one byte of text in the font's character set."""
        self.first = False
        if self.to_skip:
            self.to_skip -= 1
        elif not self.state.picture:
            self.raw.append(value)

    def text(self, text: bytes) -> None:
        """Takes plain bytes."""
        self.first = False
        if self.state.picture:
            if not self.state.skip:
                self.hexes.extend(text)
            return
        passed = min(self.to_skip, len(text))
        self.to_skip -= passed
        self.raw.extend(text[passed:])

    def flush(self) -> None:
        """Decodes the bytes gathered so far."""
        if self.raw:
            charset = self.fonts.get(self.state.font, "") or self.codepage
            raw, self.raw = bytes(self.raw), bytearray()
            self.put(raw.decode(charset, "replace"))

    def put(self, text: str) -> None:
        """Adds text to the paragraph; a line end finishes it."""
        if self.state.target == "stylesheet" and (named := _HEADING.search(text)):
            self.levels.setdefault(self.style_here, int(named.group(1)))
        if self.state.skip or self.state.hidden or self.state.picture:
            return
        if text != "\n":
            self.paragraph.parts.append(text)
        elif self.paragraph.in_table or self.state.target != "body":
            self.paragraph.parts.append("\v")
        else:
            self.end_paragraph()

    def end_paragraph(self) -> None:
        """Adds the paragraph."""
        self.flush()
        text = _joined(self.paragraph.parts)
        self.paragraph.parts = []
        if not text.strip():
            return
        self.end_table()
        if self.paragraph.level:
            self.builder.title(text, self.paragraph.level)
        elif self.paragraph.listed:
            self.builder.add(ElementType.LIST_ITEM, text, {"level": min(self.paragraph.item, 8) + 1})
        else:
            self.builder.add(ElementType.TEXT, text)

    def end_part(self, target: str) -> None:
        """Adds a header or footer, or keeps a note for the end."""
        if target not in ("header", "footer", "footnote", "annotation"):
            return
        text = _joined(self.paragraph.parts)
        self.paragraph = self.outer.pop()
        if target in ("footnote", "annotation"):
            self.notes.append((target, text))
        else:
            self.builder.add(_PAGE_PARTS[target], text)

    def end_cell(self) -> None:
        self.flush()
        self.row.append(_joined(self.paragraph.parts))
        self.paragraph.parts = []

    def end_row(self) -> None:
        if self.row:
            self.rows.append(self.row)
        self.row = []

    def end_table(self) -> None:
        """Adds the rows gathered so far as a table."""
        self.end_row()
        filled = ((number, column, text) for number, row in enumerate(self.rows) for column, text in enumerate(row))
        cells = [Cell(row=row, column=column, text=text) for row, column, text in filled if text.strip()]
        self.rows = []
        if cells:
            self.builder.table(table_of(cells))

    def end_picture(self) -> None:
        """Adds the picture whose digits were gathered."""
        digits = re.sub(rb"[^0-9a-fA-F]", b"", bytes(self.hexes))
        self.hexes = bytearray()
        if len(digits) > 16:
            self.builder.picture(bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii")), "")


def _joined(parts: list[str]) -> str:
    """Text with line breaks, pairs of surrogates made one character."""
    text = "".join(parts).replace("\v", "\n")
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _known(name: str) -> str:
    """The charset's name, "" where Python does not know it."""
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""
