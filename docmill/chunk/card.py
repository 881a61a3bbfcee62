"""A document's card: what the document is, as a chunk of its own, so that questions find the right document first.

Of two years' reports nearly every passage is alike; the card tells them apart by name, title, first page and contents.
"""

from __future__ import annotations

from docmill.chunk.context import document_label
from docmill.chunk.pieces import Tokenizer
from docmill.models import Chunk, ChunkKind, ElementType, Extraction

_TOLD = ("title", "subject", "author", "keywords")
_BEGINNING = 600
"""Characters of the document's beginning that its card holds."""
_CONTENTS = 1_500
"""Characters of titles that its card holds, the highest first."""
_FURNITURE = {ElementType.HEADER, ElementType.FOOTER}


def document_card(extraction: Extraction, name: str, ordinal: int, tokenizer: Tokenizer, max_tokens: int) -> Chunk:
    """The card as the document's chunk `ordinal`; it holds no spans, for it quotes nothing."""
    label = document_label(extraction, name)
    told = [str(extraction.metadata[key]) for key in _TOLD if extraction.metadata.get(key)]
    words = " ".join(" ".join(each.text.split()) for each in extraction.elements if each.type not in _FURNITURE)
    titles = sorted(
        (each for each in extraction.elements if each.type is ElementType.TITLE),
        key=lambda each: (each.level or 6, each.ordinal),
    )
    contents = "; ".join(dict.fromkeys(" ".join(each.text.split()) for each in titles))
    text = "\n".join(dict.fromkeys(part for part in (label, *told, words[:_BEGINNING], contents[:_CONTENTS]) if part))
    offsets = tokenizer.tokenize(text).offsets
    room = max_tokens - tokenizer.special_tokens
    shown = text[: offsets[room - 1][1]] if len(offsets) > room else text
    return Chunk(
        ordinal=ordinal,
        text=shown,
        token_count=min(len(offsets), room) + tokenizer.special_tokens,
        spans=(),
        parent=ordinal,
        kind=ChunkKind.DOCUMENT,
    )
