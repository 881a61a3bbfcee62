"""What the worker processes that read one document leave for each other: a folder on this machine, gone afterwards.

A worker may die at any page. So each page is written down once it is read, and before a page is touched its number is
noted: whoever looks at the folder afterwards knows what is kept and which page was at fault. The files are pickles:
only processes of one run write and read them, in a folder that no other user may enter.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from docmill.errors import SystemicError

NOWHERE = -1
"""Noted while no page is being read."""
PREVIEW = -2
"""Noted while the picture of the first page is drawn, when all else is done."""

_LENGTH = struct.Struct("<Q")
_PAGE = struct.Struct("<q")


class Spool:
    """The folder of one document, a context manager for who writes. `part` names the task whose notes these are."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._files: dict[str, BinaryIO] = {}

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        with self._explained(), ExitStack() as files:  # closing writes again what could not be written
            for file in self._files.values():
                files.enter_context(file)

    def note(self, part: str, page: int) -> None:
        """The task is at this page (from 0), or NOWHERE, or at the PREVIEW."""
        self._write(f"{part}.at", "wb", _PAGE.pack(page))

    def noted(self, part: str) -> int:
        """Where the task was when it was last heard of."""
        path = self._folder / f"{part}.at"
        data = path.read_bytes() if path.exists() else b""
        return int(_PAGE.unpack(data)[0]) if data else NOWHERE

    def put(self, name: str, value: object) -> None:
        """The value is kept under its name, whole or not at all."""
        if not self._folder.is_dir():
            return
        path = self._folder / f"{name}.new"
        with self._explained():
            path.write_bytes(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
        path.rename(self._folder / name)

    def get(self, name: str) -> Any:  # noqa: ANN401 - whoever put it knows
        """What was put under the name, None if nothing was."""
        path = self._folder / name
        return pickle.loads(path.read_bytes()) if path.exists() else None

    def append(self, part: str, record: object) -> None:
        """The record is kept, even if this process dies the moment after."""
        data = pickle.dumps(record, pickle.HIGHEST_PROTOCOL)
        self._write(f"{part}.pages", "ab", _LENGTH.pack(len(data)) + data)

    def records(self) -> list[Any]:
        """All records of all tasks, without those that were cut off by a process's end."""
        found = []
        for path in sorted(self._folder.glob("*.pages")):
            data, at = path.read_bytes(), 0
            while at + _LENGTH.size <= len(data):
                end = at + _LENGTH.size + _LENGTH.unpack_from(data, at)[0]
                if end > len(data):
                    break
                found.append(pickle.loads(data[at + _LENGTH.size : end]))
                at = end
        return found

    def _write(self, name: str, mode: str, data: bytes) -> None:
        """The data is at the beginning of the file, or in mode `ab` at its end; the file stays open for the next."""
        if not self._folder.is_dir():
            return  # the document was given up on while this task waited for its turn
        with self._explained():
            if name not in self._files:
                self._files[name] = cast(BinaryIO, (self._folder / name).open(mode))
            self._files[name].seek(0)
            self._files[name].write(data)
            self._files[name].flush()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SystemicError(f"{self._folder} cannot be written: {error}.", hint="Free disk space.") from error
