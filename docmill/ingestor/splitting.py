"""Cuts texts into chunks of tokens without losing one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from docmill.errors import UsageError
from docmill.inference.embedder import Tokens
from docmill.ingestor.options import SplitOptions
from docmill.ingestor.shape import Json


def split(elements: Sequence[Json], options: SplitOptions, tokenize: Callable[[str], Tokens]) -> list[Json]:
    """The elements, texts and transcripts of the chosen source types in chunks; raises UsageError."""
    if options.chunk_size < 1 or not 0 <= options.chunk_overlap < options.chunk_size:
        raise UsageError(
            f"chunk_overlap ({options.chunk_overlap}) must be less than chunk_size ({options.chunk_size}) and not less "
            "than 0."
        )
    chosen = {name.lower() for name in options.split_source_types}
    made: list[Json] = []
    for element in elements:
        source_type = element["metadata"]["source_metadata"]["source_type"].lower()
        if element["document_type"] not in ("text", "audio") or source_type not in chosen:
            made.append(element)
            continue
        text = _get(element)
        chunks = list(pieces(text, tokenize(text).offsets, options.chunk_size, options.chunk_overlap))
        made += [_with(element, chunk) for chunk in chunks] if chunks else [element]
    return made


def pieces(text: str, offsets: Sequence[tuple[int, int]], size: int, overlap: int) -> Iterator[str]:
    """Pieces of at most `size` tokens of which each shares `overlap` with the one before; blank ones are left out.

    A piece goes from the start of its first token to the start of the token behind its last, so nothing is lost.
    """
    for start in range(0, len(offsets), size - overlap):
        stop = start + size
        end = offsets[stop][0] if stop < len(offsets) else len(text)
        piece = text[0 if start == 0 else offsets[start][0] : end]
        if piece.strip():
            yield piece
        if stop >= len(offsets):
            return


def _get(element: Json) -> str:
    metadata = element["metadata"]
    is_text = element["document_type"] == "text"
    return str(metadata["content"] if is_text else metadata["audio_metadata"]["audio_transcript"])


def _with(element: Json, text: str) -> Json:
    """A copy of the element with other text; what lies below is shared, for nobody changes it."""
    metadata = element["metadata"]
    if element["document_type"] == "text":
        return {**element, "metadata": {**metadata, "content": text}}
    audio = {**metadata["audio_metadata"], "audio_transcript": text}
    return {**element, "metadata": {**metadata, "audio_metadata": audio}}
