"""Takes the documents out of archives, mailboxes, mails and office files, at any depth, within one budget.

An archive inside of an archive is no document of its own: only what is in it. A mail is a document, and so is each of
its attachments.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

from docmill.config import ExtractConfig
from docmill.errors import DocmillError, EmptyDocumentError, LimitExceededError, PermanentError
from docmill.extract.builder import Builder, clean, table_of
from docmill.extract.media_type import MEDIA_TYPES, detect
from docmill.extract.parts import Budget, BudgetSpentError, Part
from docmill.extract.reading import Reading
from docmill.ids import content_version
from docmill.models import INSIDE, Cell, ElementType, Member

Opener = Callable[[bytes, Budget], Iterator[Part]]

_OPENERS: dict[str, tuple[str, str]] = {
    "zip": ("archives", "zip_parts"),
    "tar": ("archives", "tar_parts"),
    **dict.fromkeys(("gz", "bz2", "xz", "zst"), ("archives", "compressed_parts")),
    "mbox": ("mailbox", "mbox_parts"),
    "eml": ("mail", "eml_parts"),
    "msg": ("mail", "msg_parts"),
    **dict.fromkeys(("docx", "pptx", "xlsx"), ("embedded", "ooxml_parts")),
    "pdf": ("pdf.attachments", "pdf_parts"),
    "tnef": ("tnef", "tnef_parts"),
}
ARCHIVES = frozenset({"zip", "tar", "gz", "bz2", "xz", "zst", "mbox", "tnef"})
"""Labels of what holds nothing but members."""
LISTED = 200
"""Members that the listing of an archive names; it is searched, and a mailbox may hold thousands."""
_LONGEST = 400


@dataclass(frozen=True)
class Unpacked:
    """A member with its bytes; none where it could not be taken out."""

    member: Member
    data: bytes = b""


def unpack(data: bytes, label: str, config: ExtractConfig, password: str = "") -> Iterator[Unpacked]:
    """The members of a document of the type `label`, at all depths, in their order; those that cannot be read say why.

    `password` opens a PDF, and what is attached to it.
    Raises LimitExceededError where they are too many or too large together, and what its own opener raises.
    """
    if label in _OPENERS:
        opener = partial(_pdf_parts, password=password) if label == "pdf" else _opener(label)
        yield from _Walk(config).inside(data, opener, "", 1)


class _Walk:
    """One walk through a document and what is in it."""

    def __init__(self, config: ExtractConfig) -> None:
        self._config = config
        self._budget = Budget(config)
        self._paths: set[str] = set()

    def inside(self, data: bytes, opener: Opener, prefix: str, depth: int) -> Iterator[Unpacked]:
        """The members of a document whose own path and `!/` are the prefix."""
        for part in opener(data, self._budget):
            self._budget.count()
            path = self._path(prefix + _name(part.name))
            if part.error is not None:
                yield _failed(path, part.error)
                continue
            yield from self._part(part, path, depth)

    def _part(self, part: Part, path: str, depth: int) -> Iterator[Unpacked]:
        """The part as a member, and the members in it."""
        try:
            found = detect(part.data, PurePosixPath(part.name).name)
        except PermanentError as error:
            yield _failed(path, error)
            return
        archive = found.label in ARCHIVES
        if not archive:
            digest = content_version(part.data)
            member = Member(path=path, size=len(part.data), sha256=digest, media_type=found.media_type)
            yield Unpacked(member, part.data)
        if found.label not in _OPENERS:
            return
        try:
            if depth < self._config.max_depth:
                yield from self.inside(part.data, _opener(found.label), path + INSIDE, depth + 1)
            elif archive or any(True for _ in _opener(found.label)(part.data, Budget(self._config))):
                raise LimitExceededError(
                    f"More than {self._config.max_depth} documents lie within each other (limit extract.max_depth).",
                    hint="Raise extract.max_depth.",
                )
        except BudgetSpentError:
            raise
        except PermanentError as error:
            if archive or isinstance(error, LimitExceededError):  # any other reader says so itself
                yield _failed(path if archive else f"{path}{INSIDE}", error)

    def _path(self, path: str) -> str:
        """The path, with a number where another member has it."""
        found, number = path, 1
        while found in self._paths:
            number += 1
            stem, dot, ending = path.rpartition(".")
            found = f"{stem} ({number}){dot}{ending}" if dot and "/" not in ending else f"{path} ({number})"
        self._paths.add(found)
        return found


def _pdf_parts(data: bytes, budget: Budget, password: str) -> Iterator[Part]:
    """The files attached to a PDF that the password opens."""
    from docmill.extract.pdf.attachments import pdf_parts

    return pdf_parts(data, budget, password)


def _opener(label: str) -> Opener:
    module, function = _OPENERS[label]
    opener: Opener = getattr(importlib.import_module(f"docmill.extract.{module}"), function)
    return opener


def _name(name: str) -> str:
    """The name of a part fit for a path: one line, of bounded length, its ending kept."""
    name = " ".join(clean(name).split()).strip("/") or "unnamed"
    if len(name) <= _LONGEST:
        return name
    suffix = PurePosixPath(name).suffix[:20]
    return name[: _LONGEST - len(suffix)] + suffix


def _failed(path: str, error: DocmillError) -> Unpacked:
    return Unpacked(Member(path=path, error=str(error)))


def listing(label: str, members: tuple[Member, ...], config: ExtractConfig) -> Reading:
    """What an archive itself says: the names of its members, as a table.

    Raises EmptyDocumentError where it has none.
    """
    if not members:
        raise EmptyDocumentError(f"The {label} archive holds no documents.", hint="Check that it is the right file.")
    builder = Builder(MEDIA_TYPES[label], config)
    builder.metadata["members"] = len(members)
    what = "mailbox" if label == "mbox" else "archive"
    more = f", of which these are the first {LISTED}" if len(members) > LISTED else ""
    number = f"{len(members)} document{'s' * (len(members) != 1)}"
    builder.add(ElementType.TEXT, f"This {what} holds {number}{more}.")
    cells = [Cell(row=0, column=column, text=text) for column, text in enumerate(("Document", "Bytes"))]
    for row, member in enumerate(members[:LISTED], start=1):
        cells.append(Cell(row=row, column=0, text=member.path))
        cells.append(Cell(row=row, column=1, text="" if member.error else str(member.size)))
    builder.table(table_of(cells, header_rows=1))
    return builder.reading()
