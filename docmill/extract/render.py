"""An extraction written as Markdown, plain text or HTML, as a whole or page by page."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import Literal

from docmill.models import Element, ElementType, Extraction, Link

TableStyle = Literal["html", "markdown"]
NO_PICTURES: Mapping[str, str] = MappingProxyType({})

_BULLET = re.compile(r"[•◦▪▫‣⁃●○■□◆◇➢➤✓\-–—*·]\s+")
_NUMBERED = re.compile(r"(?:\(?(?:\d{1,3}|[a-zA-Z]|[ivxlcIVXLC]{1,5})[.)]|\d{1,3}(?:\.\d{1,3})+\.?)\s")
_SAFE_LINK = re.compile(r"(?:https?|mailto|ftp):[^\s<>()]+")


@dataclass(frozen=True)
class PageText:
    """What one page (from 1) says; `page` is None for what stands on no page."""

    page: int | None
    text: str


def to_markdown(
    extraction: Extraction,
    tables: TableStyle = "html",
    *,
    without: Collection[ElementType] = (),
    pictures: Mapping[str, str] = NO_PICTURES,
) -> str:
    """The elements in reading order as Markdown; `html` tables keep spans, `markdown` tables are pipe tables.

    Elements of the types in `without` are left out. `pictures` says where the picture with a sha256 lies: figures that
    it knows are shown.
    """
    return _markdown_of(_left(extraction.elements, without), tables, pictures)


def markdown_pages(
    extraction: Extraction,
    tables: TableStyle = "html",
    *,
    without: Collection[ElementType] = (),
    pictures: Mapping[str, str] = NO_PICTURES,
) -> tuple[PageText, ...]:
    """Each page's Markdown, in order; pages that hold nothing have an empty text."""
    return _by_page(extraction, without, lambda elements: _markdown_of(elements, tables, pictures))


def to_text(extraction: Extraction, *, without: Collection[ElementType] = ()) -> str:
    """The elements' texts in reading order, apart by blank lines."""
    return _text_of(_left(extraction.elements, without))


def text_pages(extraction: Extraction, *, without: Collection[ElementType] = ()) -> tuple[PageText, ...]:
    """Each page's text, in order; pages that hold nothing have an empty text."""
    return _by_page(extraction, without, _text_of)


def to_html(
    extraction: Extraction, *, without: Collection[ElementType] = (), pictures: Mapping[str, str] = NO_PICTURES
) -> str:
    """The elements as the body of an HTML page: titles, nested lists, tables with spans, code as `pre`, figures.

    A figure is shown where `pictures` says where the picture with its sha256 lies.
    """
    return "\n".join(_html(_left(extraction.elements, without), pictures)) + "\n"


def html_page(
    extraction: Extraction,
    title: str,
    *,
    without: Collection[ElementType] = (),
    pictures: Mapping[str, str] = NO_PICTURES,
) -> str:
    """A whole HTML page around `to_html`, named by the document's own title if it has one, else by `title`."""
    name = escape(str(extraction.metadata.get("title") or title), quote=False)
    style = (
        "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "table{border-collapse:collapse}td,th{border:1px solid #999;padding:.2em .5em;vertical-align:top}"
        "header,footer,.footnote,.caption{color:#555}pre{background:#f4f4f4;padding:.5em}img{max-width:100%}"
    )
    head = f'<meta charset="utf-8">\n<title>{name}</title>\n<style>{style}</style>'
    body = to_html(extraction, without=without, pictures=pictures)
    return f"<!DOCTYPE html>\n<html>\n<head>\n{head}\n</head>\n<body>\n{body}</body>\n</html>\n"


def _left(elements: Sequence[Element], without: Collection[ElementType]) -> list[Element]:
    return [each for each in elements if each.type not in without]


def _by_page(
    extraction: Extraction, without: Collection[ElementType], write: Callable[[Sequence[Element]], str]
) -> tuple[PageText, ...]:
    """The elements of each page, written; what stands on no page comes where its neighbours stand, or first."""
    groups: dict[int | None, list[Element]] = {}
    numbers: list[int | None] = [page.number for page in extraction.pages]
    for each in _left(extraction.elements, without):
        groups.setdefault(each.page, []).append(each)
    pages = [*([None] if None in groups else []), *numbers, *(key for key in groups if key and key not in numbers)]
    return tuple(PageText(page, write(groups.get(page, []))) for page in pages)


def _text_of(elements: Sequence[Element]) -> str:
    parts = [text for element in elements if (text := element.text.strip())]
    return "\n\n".join(parts) + "\n" if parts else ""


def _markdown_of(elements: Sequence[Element], tables: TableStyle, pictures: Mapping[str, str]) -> str:
    """The elements as Markdown: blocks apart by blank lines, items of a list by line ends."""
    out, was_item = "", False
    counts: dict[int, int] = {}
    for element in elements:
        is_item = element.type is ElementType.LIST_ITEM
        part = _item(element, counts) if is_item else _markdown(element, tables, pictures)
        if not part:
            continue
        if not is_item:
            counts.clear()
        out += ("" if not out else "\n" if is_item and was_item else "\n\n") + part
        was_item = is_item
    return out + "\n" if out else ""


def _item(element: Element, counts: dict[int, int]) -> str:
    """An item of a list with its marker, indented by its level; `counts` numbers those of ordered lists."""
    text = element.text.strip()
    if not text:
        return ""
    level = max(element.level or 1, 1)
    for deeper in [each for each in counts if each > level]:
        del counts[deeper]
    counts[level] = counts.get(level, 0) + 1
    if not _NUMBERED.match(text):
        ordered = element.metadata.get("list") == "ol"
        marker = f"{counts[level]}. " if ordered else "- "
        text = marker + (text if ordered else _BULLET.sub("", text, count=1) if _BULLET.match(text) else text)
    indent = "    " * (level - 1)
    return indent + _linked(text, element.links).replace("\n", f"\n{indent}  ")


def _markdown(element: Element, tables: TableStyle, pictures: Mapping[str, str]) -> str:
    """One element as Markdown, "" if it has nothing to show."""
    if element.table is not None:
        return element.table.html() if tables == "html" else element.table.markdown()
    text = element.text.strip()
    source = pictures.get(element.crop.sha256) if element.crop else None
    if source is not None:
        name = " ".join(_alternative(element).split()).replace("]", "\\]")
        return f"![{name}]({source})" + (f"\n\n{text}" if text else "")
    if not text:
        return ""
    if element.type is ElementType.TITLE:
        return "#" * (element.level or 1) + " " + " ".join(_linked(text, element.links).split())
    if element.type is ElementType.CODE:
        fence = "```"
        while fence in text:
            fence += "`"
        return f"{fence}\n{text}\n{fence}"
    return _linked(text, element.links)


def _alternative(element: Element) -> str:
    """What a picture is called: the document's own description or its type."""
    return str(element.metadata.get("alt_text") or element.type.value)


def _linked(text: str, links: Sequence[Link]) -> str:
    """The text with its links written as Markdown where their words stand in it."""
    for link in links:
        shown = link.text.strip()
        if shown and shown in text and _SAFE_LINK.fullmatch(link.uri) and f"[{shown}]" not in text:
            text = text.replace(shown, f"[{shown}]({link.uri})" if shown != link.uri else f"<{link.uri}>", 1)
    return text


def _html(elements: Sequence[Element], pictures: Mapping[str, str]) -> Iterator[str]:
    """HTML blocks for the elements that have something to show."""
    open_lists: list[str] = []
    for element in elements:
        if element.type is ElementType.LIST_ITEM and element.text.strip():
            yield from _html_item(element, open_lists)
            continue
        block = _html_block(element, pictures)
        if block:
            yield from _closed(open_lists, 0)
            yield block
    yield from _closed(open_lists, 0)


def _html_item(element: Element, open_lists: list[str]) -> Iterator[str]:
    """An item, with the lists opened and closed that its level asks for; items stay open for lists inside them."""
    text = element.text.strip()
    numbered = element.metadata.get("list") == "ol"
    tag = "ol" if numbered else "ul"
    level = min(max(element.level or 1, 1), len(open_lists) + 1)
    yield from _closed(open_lists, level)
    if len(open_lists) == level and open_lists[-1] != tag:
        yield from _closed(open_lists, level - 1)
    if len(open_lists) < level:
        open_lists.append(tag)
        yield f"<{tag}>"
    else:
        yield "</li>"
    shown = text if numbered else _BULLET.sub("", text, count=1) if _BULLET.match(text) else text
    yield f"<li>{escape(shown, quote=False)}"


def _closed(open_lists: list[str], level: int) -> Iterator[str]:
    """The ends of the lists deeper than `level`."""
    while len(open_lists) > level:
        yield f"</li>\n</{open_lists.pop()}>"


def _html_block(element: Element, pictures: Mapping[str, str]) -> str:
    """One element that is no item of a list as HTML, "" if it has nothing to show."""
    if element.table is not None:
        return element.table.html()
    text = escape(element.text.strip(), quote=False)
    source = pictures.get(element.crop.sha256) if element.crop else None
    if source is not None:
        caption = f"<figcaption>{text}</figcaption>" if text else ""
        return f'<figure><img src="{escape(source)}" alt="{escape(_alternative(element))}">{caption}</figure>'
    if not text:
        return ""
    tag = _tag(element)
    marker = f' class="{element.type.value}"' if element.type not in (ElementType.TEXT, ElementType.TITLE) else ""
    return f"<{tag}{marker}>{text}</{tag}>"


def _tag(element: Element) -> str:
    """The HTML tag of an element that is neither table nor item nor shown picture."""
    if element.type is ElementType.TITLE:
        return f"h{element.level or 1}"
    if element.type is ElementType.CODE:
        return "pre"
    if element.type is ElementType.HEADER:
        return "header"
    return "footer" if element.type is ElementType.FOOTER else "p"
