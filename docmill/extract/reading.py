"""What a reader returns: the extraction and the pictures that its crops name."""

from __future__ import annotations

from dataclasses import dataclass, field

from docmill.models import Extraction


@dataclass(frozen=True)
class Reading:
    """An extraction with its pictures: `crops[sha256]` is the encoded picture that `Element.crop` names."""

    extraction: Extraction
    crops: dict[str, bytes] = field(default_factory=dict)
