"""An extraction written as Markdown, plain text or HTML."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Literal

from docmill.models import Element, ElementType, Extraction

_FURNITURE = {ElementType.HEADER, ElementType.FOOTER}


def to_markdown(extraction: Extraction, tables: Literal["html", "markdown"] = "html") -> str:
    """The elements in reading order as Markdown; `html` tables keep spans, `markdown` tables are pipe tables."""
    parts = [part for element in extraction.elements if (part := _markdown(element, tables))]
    return "\n\n".join(parts) + "\n" if parts else ""


def _markdown(element: Element, tables: Literal["html", "markdown"]) -> str:
    """One element as Markdown, "" if it has no text."""
    if element.table is not None:
        return element.table.html() if tables == "html" else element.table.markdown()
    text = element.text.strip()
    if not text:
        return ""
    if element.type is ElementType.TITLE:
        return "#" * (element.level or 1) + " " + " ".join(text.split())
    if element.type is ElementType.CODE:
        return f"```\n{text}\n```"
    return text


def to_text(extraction: Extraction) -> str:
    """The elements' texts in reading order, apart by blank lines."""
    parts = [text for element in extraction.elements if (text := element.text.strip())]
    return "\n\n".join(parts) + "\n" if parts else ""


def to_html(extraction: Extraction) -> str:
    """The elements as the body of an HTML page: sections, lists as paragraphs, tables with spans, code as `pre`."""
    return "\n".join(_html(extraction)) + "\n"


def _html(extraction: Extraction) -> Iterator[str]:
    """One HTML block for each element that has text."""
    for element in extraction.elements:
        if element.table is not None:
            yield element.table.html()
            continue
        text = element.text.strip()
        if not text:
            continue
        tag = _tag(element)
        marker = f' class="{element.type.value}"' if element.type not in (ElementType.TEXT, ElementType.TITLE) else ""
        yield f"<{tag}{marker}>{escape(text, quote=False)}</{tag}>"


def _tag(element: Element) -> str:
    """The HTML tag of an element that is no table."""
    if element.type is ElementType.TITLE:
        return f"h{element.level or 1}"
    if element.type is ElementType.CODE:
        return "pre"
    if element.type is ElementType.HEADER:
        return "header"
    return "footer" if element.type is ElementType.FOOTER else "p"
