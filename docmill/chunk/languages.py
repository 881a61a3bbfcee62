"""Says of each chunk which language it is in, so that searches can be limited to one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from docmill.models import Chunk, Extraction


def with_languages(chunks: Sequence[Chunk], extraction: Extraction) -> tuple[Chunk, ...]:
    """The chunks with the language of most of their elements that have one, else that of the document."""
    document = str(extraction.metadata.get("language") or "")
    by_ordinal = {each.ordinal: each.language for each in extraction.elements if each.language}
    found = []
    for chunk in chunks:
        own = Counter(by_ordinal[span.ordinal] for span in chunk.spans if span.ordinal in by_ordinal)
        language = own.most_common(1)[0][0] if own else document
        found.append(chunk.model_copy(update={"language": language}) if language else chunk)
    return tuple(found)
