"""Filter expressions for Milvus: a template with named parameters, never a formatted string.

A Milvus server fills the parameters in itself. Milvus Lite cannot (3.2), so there the values are written as literals by
`rendered`, the one place where that happens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Value = str | int | float | bool | Sequence[str] | Sequence[int]

_NAME = re.compile(r"\{([a-z_]+)\}")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})
"""Milvus Lite knows these escapes; JSON's `\\u` it refuses."""


def _literal(value: Value) -> str:
    """The value as a Milvus literal; quotes and line ends are escaped, so no text can end its quotes."""
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return "[" + ", ".join(_literal(each) for each in value) + "]"


@dataclass(frozen=True)
class Filter:
    """A boolean expression; `{name}` in `template` stands for `params[name]`. The empty template lets all pass."""

    template: str = ""
    params: Mapping[str, Value] = field(default_factory=dict)

    def rendered(self) -> str:
        """The expression with its values as literals, for engines without parameters."""
        return _NAME.sub(lambda match: _literal(self.params[match.group(1)]), self.template)


def documents_are(ids: Sequence[str]) -> Filter:
    """Rows of these documents."""
    return Filter("document_id in {ids}", {"ids": list(ids)})
