"""The tokenizers that callers name, as far as they lie on this machine: nothing is downloaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from docmill.inference.embedder import Tokens
from docmill.inference.text_encoder import TextEncoder
from docmill.inference.weights import find_weights
from docmill.workspace import Workspace

_NAME = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)?")
_BERT_UNCASED = re.compile(
    r"(google-bert/)?bert-(base|large)-uncased|intfloat/e5-(small|base|large)(-v2|-unsupervised)?"
    r"|BAAI/bge-(small|base|large)-en(-v1\.5)?|thenlper/gte-(small|base|large)"
    r"|(sentence-transformers/)?all-MiniLM-L(6|12)-v[12]",
    re.I,
)
"""Models whose tokenizer is BERT's uncased WordPiece vocabulary, which docmill's packaged model has, too."""

Tokenize = Callable[[str], Tokens]


def named_tokenizer(workspace: Workspace, name: str) -> Tokenize | None:
    """The tokenizer of that name: of a model of the settings, of a file, or packaged; None where it is not here.

    Files are `models/tokenizers/<name>/tokenizer.json` in docmill's home. Without a name it is the embedding model's.
    """
    if not name:
        return workspace.embedder.tokenize
    file = _file(workspace, name)
    return None if file is None else TextEncoder(file, 0).tokenize


def folder_of(workspace: Workspace) -> Path:
    """Where tokenizers of an operator's own lie."""
    return workspace.settings.folder / "models" / "tokenizers"


def _file(workspace: Workspace, name: str) -> Path | None:
    known = workspace.settings.models.get(name)
    if known is not None and (known.tokenizer or known.folder):
        return known.tokenizer or (known.folder or Path()) / "tokenizer.json"
    own = folder_of(workspace) / name / "tokenizer.json"
    if _NAME.fullmatch(name) and own.is_file():
        return own
    return find_weights().tokenizer if _BERT_UNCASED.fullmatch(name) else None
