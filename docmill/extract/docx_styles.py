"""What a Word paragraph is: heading levels and kinds from styles, list levels and labels from the numbering part."""

from __future__ import annotations

import re
from dataclasses import dataclass

from docmill.extract.archive import Archive
from docmill.extract.ooxml import Relation, W, ooxml_xml
from docmill.extract.untyped import XmlNode
from docmill.models import ElementType

_HEADING = re.compile(
    r"(?:heading|überschrift|titre|título|titolo|kop|rubrik|överskrift|nagłówek|заголовок)\s*([1-9])$"
)
_KINDS = (
    (re.compile(r"^(caption|beschriftung|légende)"), ElementType.CAPTION),
    (re.compile(r"^(list|liste)\b"), ElementType.LIST_ITEM),
    (re.compile(r"code|source|preformatted|macro"), ElementType.CODE),
    (re.compile(r"^footnote"), ElementType.FOOTNOTE),
)


@dataclass(frozen=True)
class Item:
    """A paragraph's place in a list: the list's id, its level from 0 and the label that Word would print."""

    list_id: str
    level: int
    label: str


class Styles:
    """The paragraph styles: names, inheritance, outline levels, numbering."""

    def __init__(self, archive: Archive, related: dict[str, Relation]) -> None:
        self._styles: dict[str, XmlNode] = {}
        self._default = ""
        for relation in related.values():
            if relation.kind == "styles" and archive.has(relation.target):
                for style in ooxml_xml(archive, relation.target).iter(W + "style"):
                    key = style.get(W + "styleId") or ""
                    self._styles[key] = style
                    if style.get(W + "type") == "paragraph" and style.get(W + "default") in ("1", "true"):
                        self._default = key

    def of(self, properties: XmlNode) -> str:
        """The id of a paragraph's style."""
        named = properties.find(W + "pStyle") if properties is not None else None
        return (named.get(W + "val") or "") if named is not None else self._default

    def _chain(self, style: str) -> list[XmlNode]:
        """The style and those it is based on, nearest first."""
        chain: list[XmlNode] = []
        seen: set[str] = set()
        while style in self._styles and style not in seen:
            seen.add(style)
            chain.append(self._styles[style])
            based = self._styles[style].find(W + "basedOn")
            style = (based.get(W + "val") or "") if based is not None else ""
        return chain

    def names(self, style: str) -> list[str]:
        """The names of the style and those it is based on, in lower case; the id where a style is not defined."""
        found = [each.find(W + "name") for each in self._chain(style)]
        return [(each.get(W + "val") or "").lower() for each in found if each is not None] or [style.lower()]

    def heading_level(self, properties: XmlNode, style: str) -> int:
        """1 to 6 for a title, 0 for anything else: outline level, then the style's name."""
        own = properties.find(W + "outlineLvl") if properties is not None else None
        outlines = [own, *(each.find(f"{W}pPr/{W}outlineLvl") for each in self._chain(style))]
        for outline in outlines:
            value = outline.get(W + "val") if outline is not None else None
            if value and value.isdigit():
                return min(int(value) + 1, 6) if int(value) < 9 else 0
        for name in self.names(style):
            match = _HEADING.match(name.replace("heading", "heading ").replace("  ", " "))
            if match:
                return min(int(match.group(1)), 6)
            if name in ("title", "titel", "titre"):
                return 1
            if name in ("subtitle", "untertitel", "sous-titre"):
                return 2
        return 0

    def kind(self, style: str) -> ElementType:
        """The element type that a style stands for."""
        for name in self.names(style):
            for pattern, kind in _KINDS:
                if pattern.search(name) and name != "list paragraph":
                    return kind
        return ElementType.TEXT

    def list_level(self, style: str) -> int:
        """The nesting of a list style: the number that its name ends in, else 1."""
        match = re.search(r"(\d)$", self.names(style)[0])
        return int(match.group(1)) if match else 1

    def numbering(self, style: str) -> XmlNode:
        """The numbering properties that a style brings, None without."""
        for each in self._chain(style):
            found = each.find(f"{W}pPr/{W}numPr")
            if found is not None:
                return found
        return None


class Numbering:
    """List definitions, and the counters that give each item its label."""

    def __init__(self, archive: Archive, related: dict[str, Relation]) -> None:
        self._levels: dict[str, dict[int, XmlNode]] = {}
        self._abstract: dict[str, str] = {}
        self._counters: dict[str, dict[int, int]] = {}
        for relation in related.values():
            if relation.kind == "numbering" and archive.has(relation.target):
                self._load(ooxml_xml(archive, relation.target))

    def _load(self, root: XmlNode) -> None:
        for abstract in root.iter(W + "abstractNum"):
            levels = {int(each.get(W + "ilvl") or 0): each for each in abstract.iter(W + "lvl")}
            self._levels[abstract.get(W + "abstractNumId") or ""] = levels
        for each in root.iter(W + "num"):
            link = each.find(W + "abstractNumId")
            self._abstract[each.get(W + "numId") or ""] = (link.get(W + "val") or "") if link is not None else ""

    def item(self, properties: XmlNode, of_style: XmlNode) -> Item | None:
        """The paragraph's place in a list, None outside of lists; counts it."""
        own = properties.find(W + "numPr") if properties is not None else None
        list_id = _value(own, "numId") or _value(of_style, "numId")
        if not list_id or list_id == "0" or list_id not in self._abstract:
            return None
        digits = _value(own, "ilvl") or _value(of_style, "ilvl") or "0"
        level = min(int(digits), 8) if digits.isdigit() else 0
        return Item(list_id, level, self._count(list_id, level))

    def label(self, item: Item) -> str:
        """The item's printed number, "" for a bullet."""
        return item.label

    def _count(self, list_id: str, level: int) -> str:
        abstract = self._abstract[list_id]
        levels = self._levels.get(abstract, {})
        counters = self._counters.setdefault(abstract, {})
        start = _value(levels.get(level), "start")
        first = int(start) if start.isdigit() else 1
        counters[level] = counters[level] + 1 if level in counters else first
        for deeper in [each for each in counters if each > level]:
            del counters[deeper]
        kind = _value(levels.get(level), "numFmt")
        if kind in ("bullet", "none", ""):
            return ""
        pattern = _value(levels.get(level), "lvlText")
        return re.sub(r"%([1-9])", lambda match: self._printed(levels, counters, int(match.group(1)) - 1), pattern)

    def _printed(self, levels: dict[int, XmlNode], counters: dict[int, int], level: int) -> str:
        return _in_format(counters.get(level, 1), _value(levels.get(level), "numFmt"))


def _value(parent: XmlNode, name: str) -> str:
    """The value of a child element, "" without one."""
    child = parent.find(W + name) if parent is not None else None
    return (child.get(W + "val") or "") if child is not None else ""


def _in_format(number: int, kind: str) -> str:
    """A counter as Word prints it."""
    if kind in ("lowerLetter", "upperLetter"):
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter if kind == "lowerLetter" else letter.upper()
    if kind in ("lowerRoman", "upperRoman"):
        roman = _roman(number)
        return roman if kind == "lowerRoman" else roman.upper()
    return f"{number:02d}" if kind == "decimalZero" else str(number)


def _roman(number: int) -> str:
    """A number from 1 in small Roman numerals."""
    parts = []
    for value, sign in ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
                        (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")):  # fmt: skip
        parts.append(sign * (number // value))
        number %= value
    return "".join(parts)
