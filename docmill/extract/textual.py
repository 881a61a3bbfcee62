"""Reads texts with a syntax: Markdown (through HTML), source code, JSON, JSON lines, YAML and XML."""

from __future__ import annotations

import json
import re

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.archive import parse_xml
from docmill.extract.builder import Builder, table_of
from docmill.extract.decoding import declared_charset, decode
from docmill.extract.html import add_html, parse_html
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.reading import Reading
from docmill.extract.untyped import Foreign, XmlNode
from docmill.models import Cell, ElementType, Table

MAX_COLUMNS = 200
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*\n", re.S)


def read_md(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a Markdown text, by CommonMark with tables, through the HTML reader."""
    from markdown_it import MarkdownIt

    builder = Builder(MEDIA_TYPES["md"], config)
    text, builder.metadata["charset"] = decode(data)
    text = text.replace("\r\n", "\n")
    front = _FRONT_MATTER.match(text)
    if front:
        text = text[front.end() :]
        for line in front.group(1).split("\n"):
            key, colon, value = line.partition(":")
            if colon and value.strip() and re.fullmatch(r"[\w-]+", key):
                builder.metadata[key] = value.strip().strip("\"'")
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    if html.strip():
        add_html(parse_html(f"<html><body>{html}</body></html>"), builder)
    return builder.reading()


def read_code(data: bytes, config: ExtractConfig) -> Reading:
    """Source code as one code element."""
    builder = Builder(MEDIA_TYPES["code"], config)
    text, builder.metadata["charset"] = decode(data)
    builder.add(ElementType.CODE, text)
    return builder.reading()


def read_yaml(data: bytes, config: ExtractConfig) -> Reading:
    """YAML as one code element: it is written to be read as it stands."""
    builder = Builder(MEDIA_TYPES["yaml"], config)
    text, builder.metadata["charset"] = decode(data)
    builder.add(ElementType.CODE, text, {"metadata": {"code_language": "yaml"}})
    return builder.reading()


def read_json(data: bytes, config: ExtractConfig) -> Reading:
    """JSON: a list of flat objects as a table, anything else as indented code. Raises CorruptDocumentError."""
    builder = Builder(MEDIA_TYPES["json"], config)
    text, _ = decode(data)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.count("\n") and not text.strip().endswith("]"):
            return read_jsonl(data, config)
        raise CorruptDocumentError(
            f"The JSON cannot be read: {error}.", hint="Check it with a JSON validator."
        ) from error
    _add_value(value, builder)
    return builder.reading()


def read_jsonl(data: bytes, config: ExtractConfig) -> Reading:
    """JSON lines: flat objects as a table, anything else as code. Raises CorruptDocumentError with the line."""
    builder = Builder(MEDIA_TYPES["jsonl"], config)
    values = []
    for number, line in enumerate(decode(data)[0].splitlines(), start=1):
        try:
            values += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError) as error:
            raise CorruptDocumentError(
                f"Line {number} is no JSON: {error}.", hint="Check the file with a JSON validator."
            ) from error
    _add_value(values, builder)
    return builder.reading()


def _add_value(value: Foreign, builder: Builder) -> None:
    """Adds a JSON value."""
    table = _flat_table(value)
    if table is not None:
        builder.table(table)
        return
    text = json.dumps(value, ensure_ascii=False, indent=1)
    builder.add(ElementType.CODE, text, {"metadata": {"code_language": "json"}})


def _flat_table(value: Foreign) -> Table | None:
    """The table of a list of objects without lists or objects in them, None for any other value."""
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) and each for each in value):
        return None
    names = list(dict.fromkeys(str(key) for each in value for key in each))
    nested = any(isinstance(inner, dict | list) for each in value for inner in each.values())
    if nested or len(names) > MAX_COLUMNS:
        return None
    cells = [Cell(row=0, column=column, text=name) for column, name in enumerate(names)]
    places = {name: column for column, name in enumerate(names)}
    for row, each in enumerate(value, start=1):
        cells.extend(Cell(row=row, column=places[str(key)], text=_scalar(inner)) for key, inner in each.items())
    return table_of(cells, header_rows=1)


def _scalar(value: Foreign) -> str:
    """A JSON scalar as text; null is empty."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def read_xml(data: bytes, config: ExtractConfig) -> Reading:
    """XML: each child of the root as a text of `path: value` lines. Entities are not expanded, nothing is fetched."""
    builder = Builder(MEDIA_TYPES["xml"], config)
    text, _ = decode(data, declared_charset(data))
    root = parse_xml(re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1).encode("utf-8", "replace"))
    internal = root.getroottree().docinfo.internalDTD
    if internal is not None and any(True for _ in internal.iterentities()):
        builder.warn("The entities that the document declares were not expanded: this is how XML attacks work.")
    builder.metadata["root"] = _name(root)
    if not any(isinstance(child.tag, str) for child in root):
        builder.add(ElementType.TEXT, "\n".join(_lines(root, "")))
    elif _attributes(root, ""):
        builder.add(ElementType.TEXT, "\n".join(_attributes(root, "")))
    for child in root:
        if isinstance(child.tag, str):
            builder.add(ElementType.TEXT, "\n".join(_lines(child, "")))
    return builder.reading()


def _name(element: XmlNode) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rsplit("}", 1)[-1]


def _attributes(element: XmlNode, path: str) -> list[str]:
    return [f"{path}@{key.rsplit('}', 1)[-1]}: {value}" for key, value in element.attrib.items() if value.strip()]


def _lines(top: XmlNode, path: str) -> list[str]:
    """A line for each text and attribute at or below the element, with the names that lead to it; no recursion."""
    found: list[str] = []
    stack: list[tuple[XmlNode, str]] = [(top, path)]
    while stack:
        element, above = stack.pop()
        here = f"{above}{_name(element)}"
        found.extend(_attributes(element, here))
        children = [child for child in element if isinstance(child.tag, str)]
        texts = [element.text or "", *(child.tail or "" for child in element)]
        own = " ".join(" ".join(text.split()) for text in texts if text.strip())
        if own:
            found.append(f"{here}: {own}")
        stack.extend((child, f"{here}.") for child in reversed(children))
    return found
