"""A document together with everything inside of it as one reading, for whoever looks at a single file."""

from __future__ import annotations

from pathlib import PurePosixPath

from docmill.config import ExtractConfig
from docmill.errors import PermanentError
from docmill.extract.reading import Reading
from docmill.extract.registry import read
from docmill.extract.wanted import ALL, Wanted
from docmill.ids import content_version
from docmill.models import Element, ElementType, Extraction, Member


def read_whole(data: bytes, name: str, config: ExtractConfig, wanted: Wanted = ALL) -> Reading:
    """The elements of the document, then those of each member under a title that is its path.

    The elements of a member have its path as `member` in their metadata; their pages are the member's. What cannot be
    read is named in `lacking`. `wanted` pages are those of the document itself, for which it raises what `read` raises.
    """
    kept: dict[str, bytes] = {}

    def keep(member: bytes) -> None:
        kept[content_version(member)] = member

    outer = read(data, name, config, wanted, keep)
    elements, warnings = list(outer.extraction.elements), list(outer.extraction.warnings)
    lacking = list(outer.extraction.lacking)
    crops = dict(outer.crops)
    inside = Wanted(password=wanted.password)
    for member in outer.extraction.members:
        if member.error:
            continue
        try:
            inner = read(kept[member.sha256], PurePosixPath(member.path).name, config, inside)
        except PermanentError as error:
            lacking.append(f"{member.path} was not read: {error}")
            continue
        elements += _placed(inner.extraction, member, len(elements))
        warnings += [f"{member.path}: {warning}" for warning in inner.extraction.warnings]
        lacking += [f"{member.path}: {sentence}" for sentence in inner.extraction.lacking]
        crops |= inner.crops
    update = {"elements": tuple(elements), "warnings": tuple(warnings), "lacking": tuple(lacking)}
    return Reading(outer.extraction.model_copy(update=update), crops)


def _placed(extraction: Extraction, member: Member, start: int) -> list[Element]:
    """The member's title and elements, counted from `start`."""
    mark = {"member": member.path}
    title = Element(ordinal=start, type=ElementType.TITLE, text=member.path, level=1, metadata=dict(mark))
    shift = start + 1
    moved = [
        each.model_copy(
            update={
                "ordinal": each.ordinal + shift,
                "parent": start if each.parent is None else each.parent + shift,
                "describes": None if each.describes is None else each.describes + shift,
                "level": min((each.level or 1) + 1, 6) if each.type is ElementType.TITLE else each.level,
                "metadata": {**each.metadata, **mark},
            }
        )
        for each in extraction.elements
    ]
    return [title, *moved]
