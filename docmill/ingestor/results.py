"""Results on disk: one file of JSON lines a document, read when they are looked at."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast, overload

from docmill.ingestor.shape import Json


class LazyLoadedList(Sequence[Json]):
    """The elements of one document in a file of JSON lines (`.gz`: compressed), in memory only when asked for.

    `filepath` is the file. An index reads the file up to there; iterating reads it once.
    """

    def __init__(self, filepath: str, length: int | None = None) -> None:
        self.filepath = filepath
        self._length = length

    def _open(self) -> BinaryIO:
        is_packed = self.filepath.endswith(".gz")
        return cast("BinaryIO", gzip.open(self.filepath, "rb") if is_packed else open(self.filepath, "rb"))

    def __iter__(self) -> Iterator[Json]:
        with self._open() as file:
            for line in file:
                yield json.loads(line)

    def __len__(self) -> int:
        if self._length is None:
            with self._open() as file:
                self._length = sum(1 for _ in file)
        return self._length

    @overload
    def __getitem__(self, index: int) -> Json: ...
    @overload
    def __getitem__(self, index: slice) -> list[Json]: ...
    def __getitem__(self, index: int | slice) -> Json | list[Json]:
        if isinstance(index, slice):
            return list(self)[index]
        wanted = index + len(self) if index < 0 else index
        if 0 <= wanted < len(self):
            with self._open() as file:
                for number, line in enumerate(file):
                    if number == wanted:
                        found: Json = json.loads(line)
                        return found
        raise IndexError(index)

    def __repr__(self) -> str:
        return f"LazyLoadedList({self.filepath!r}, {len(self)} elements)"

    def get_all_items(self) -> list[Json]:
        """All elements."""
        return list(self)


Elements = list[Json] | LazyLoadedList
"""The elements of one document, in memory or on disk."""


class ResultFolder:
    """A folder with a file a document; documents of one name get numbered files, earlier runs' files are replaced."""

    def __init__(self, folder: Path, compression: str | None) -> None:
        self._folder = folder
        self._is_packed = compression == "gzip"
        self._taken: set[str] = set()

    def save(self, name: str, lines: Iterator[bytes]) -> LazyLoadedList:
        """The elements lie in a file named after the document."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / self._free(Path(name.partition("?")[0]).name or "document")
        count = 0
        with gzip.open(path, "wb", compresslevel=1) if self._is_packed else path.open("wb") as file:
            for line in lines:
                file.write(line + b"\n")
                count += 1
        return LazyLoadedList(str(path), count)

    def _free(self, base: str) -> str:
        ending = ".results.jsonl" + (".gz" if self._is_packed else "")
        found, number = base + ending, 2
        while found in self._taken:
            found, number = f"{base}-{number}{ending}", number + 1
        self._taken.add(found)
        return found
