"""The words of Milvus Lite's rows, in SQLite within its folder: BM25 by the counts of the whole collection.

Milvus Lite itself counts in each of its segments apart, and reads all terms anew whenever its folder is opened
(decision 38). SQLite's full-text index (FTS5) holds them ready; documents' cards and passages are counted apart, as
they are searched. Scores are those of Lucene and Milvus (k1 1.2, b 0.75, no term below zero).
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from docmill.index.base import Candidate, Row, Where, passes
from docmill.models import ChunkKind

WORDS_FILE = "words.sqlite"
"""Its name in Milvus Lite's folder."""
_SMALLEST = 1e-6
"""What FTS5 takes for the inverse document frequency of terms that more than half of the rows have."""
_TABLES = """
CREATE TABLE IF NOT EXISTS collections (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS held (
    id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, chunk_id TEXT NOT NULL, kind TEXT NOT NULL,
    UNIQUE (collection, chunk_id)
);
"""
_LISTED = "(SELECT value FROM json_each(?))"


@dataclass(frozen=True)
class Ranked:
    """Rows by their BM25 score, the best first; `ids` are SQLite's."""

    ids: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]

    def some(self, start: int, end: int) -> Ranked:
        """Those from one place to another."""
        return Ranked(self.ids[start:end], self.scores[start:end])


def words_in(terms: str) -> list[str]:
    """The distinct words of a question's terms, in their order."""
    return list(dict.fromkeys(re.findall(r"\w+", terms.lower())))


def inverse_frequency(rows: int, having: int) -> float:
    """What a term counts that so many of the rows have (Robertson and Spärck Jones, kept above zero as in Lucene)."""
    return math.log(1 + (rows - having + 0.5) / (having + 0.5))


def _table(number: int, kind: str) -> str:
    return f"words_{number}_{kind}"


class Words:
    """Terms of the rows of physical collections; the caller sees to it that one process uses the file at a time."""

    def __init__(self, path: Path) -> None:
        self._open = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._open.executescript(_TABLES)

    def close(self) -> None:
        """The file is closed."""
        self._open.close()

    def knows(self, collection: str) -> bool:
        """Whether the collection was filled."""
        return self._number(collection) is not None

    def fill(self, collection: str, rows: Iterable[tuple[str, str, str]]) -> None:
        """Exactly these rows are held: chunk id, kind and terms of each."""
        with self._changing():
            self._drop(collection)
            number = self._open.execute("INSERT INTO collections (name) VALUES (?)", [collection]).lastrowid
            assert number is not None
            for kind in ChunkKind:  # terms have spaces between them; `ascii` takes every other letter as it is
                self._open.execute(f"CREATE VIRTUAL TABLE {_table(number, kind)} USING fts5(terms, tokenize='ascii')")
            self._insert(number, rows)

    def put(self, collection: str, rows: Sequence[Row]) -> None:
        """The rows are held, of a collection that was filled; a row of the same chunk id is replaced."""
        number = self._number(collection)
        assert number is not None
        with self._changing():
            self._delete(number, [row.chunk_id for row in rows])
            self._insert(number, ((row.chunk_id, row.kind.value, row.terms) for row in rows))

    def delete(self, collection: str, chunk_ids: Sequence[str]) -> None:
        """The rows are gone."""
        number = self._number(collection)
        if number is not None:
            with self._changing():
                self._delete(number, chunk_ids)

    def drop(self, collection: str) -> None:
        """The collection is not known any more."""
        with self._changing():
            self._drop(collection)

    def ranked(self, collection: str, kind: ChunkKind | None, terms: str) -> Ranked:
        """All rows of the kind that have one of the terms; of every kind for None."""
        number, words = self._number(collection), words_in(terms)
        kinds = [] if number is None else [kind] if kind else list(ChunkKind)
        parts = [part for each in kinds for part in self._scored(_table(number or 0, each), words)]
        every = np.concatenate([np.empty((0, 2)), *parts])
        ids, places = np.unique(every[:, 0].astype(np.int64), return_inverse=True)
        scores = np.bincount(places, weights=every[:, 1]).astype(np.float64)
        order = np.argsort(-scores, kind="stable")
        return Ranked(ids[order], scores[order])

    def names(self, ids: npt.NDArray[np.int64]) -> dict[int, str]:
        """Id → chunk id."""
        asked = f"SELECT id, chunk_id FROM held WHERE id IN {_LISTED}"
        return dict(self._open.execute(asked, [json.dumps(ids.tolist())]).fetchall())

    def ids(self, collection: str, chunk_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """The ids of those of the rows that are held, in no order."""
        asked = f"SELECT id FROM held WHERE collection = ? AND chunk_id IN {_LISTED}"
        found = self._open.execute(asked, [self._number(collection), json.dumps(list(chunk_ids))]).fetchall()
        return np.array([each[0] for each in found], np.int64)

    def _number(self, collection: str) -> int | None:
        found = self._open.execute("SELECT id FROM collections WHERE name = ?", [collection]).fetchone()
        return int(found[0]) if found else None

    def _scored(self, table: str, words: Sequence[str]) -> Iterator[npt.NDArray[np.float64]]:
        """For each word the (id, score) of the rows that have it."""
        rows = int(self._open.execute(f"SELECT count(*) FROM {table}_docsize").fetchone()[0])
        for word in words:
            asked = f"SELECT rowid, -bm25({table}) FROM {table} WHERE {table} MATCH ?"
            matching = self._open.execute(asked, [f'"{word}"']).fetchall()
            if matching:
                scored = np.array(matching)
                scored[:, 1] *= inverse_frequency(rows, len(matching)) / _of_fts5(rows, len(matching))
                yield scored

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """All of the changes are made, or none."""
        with self._open:
            self._open.execute("BEGIN IMMEDIATE")
            yield

    def _insert(self, number: int, rows: Iterable[tuple[str, str, str]]) -> None:
        for chunk_id, kind, terms in rows:
            values = [number, chunk_id, kind]
            added = self._open.execute("INSERT INTO held (collection, chunk_id, kind) VALUES (?, ?, ?)", values)
            into = f"INSERT INTO {_table(number, kind)} (rowid, terms) VALUES (?, ?)"
            self._open.execute(into, [added.lastrowid, terms])

    def _delete(self, number: int, chunk_ids: Sequence[str]) -> None:
        chosen = f"collection = ? AND chunk_id IN {_LISTED}"
        which = [number, json.dumps(list(chunk_ids))]
        for kind in ChunkKind:
            ids = f"SELECT id FROM held WHERE {chosen} AND kind = ?"
            self._open.execute(f"DELETE FROM {_table(number, kind)} WHERE rowid IN ({ids})", [*which, kind.value])
        self._open.execute(f"DELETE FROM held WHERE {chosen}", which)

    def _drop(self, collection: str) -> None:
        number = self._number(collection)
        if number is not None:
            for kind in ChunkKind:
                self._open.execute(f"DROP TABLE {_table(number, kind)}")
            self._open.execute("DELETE FROM held WHERE collection = ?", [number])
            self._open.execute("DELETE FROM collections WHERE id = ?", [number])


def _of_fts5(rows: int, having: int) -> float:
    """The inverse document frequency by which FTS5's bm25() has multiplied."""
    frequency = math.log((rows - having + 0.5) / (having + 0.5))
    return frequency if frequency > 0 else _SMALLEST


def best_by_words(
    words: Words,
    collection: str,
    asked: tuple[str, int, Where],
    *,
    rows: Callable[[Sequence[str]], list[Row]],
    passing: Callable[[], Sequence[str]],
) -> list[Candidate]:
    """The best rows for (terms, limit, where). `rows` gives those of chunk ids, `passing` the ids of all that pass.

    Nearly always most rows pass: so the first ones are looked at, then as many again, and only if too few of them do,
    all are asked for.
    """
    terms, limit, where = asked
    ranked = words.ranked(collection, where.kind, terms)
    found = _candidates(words, ranked.some(0, limit), rows, where)
    if len(found) < limit < len(ranked.ids):
        found += _candidates(words, ranked.some(limit, 2 * limit), rows, where)
    if len(found) < limit and 2 * limit < len(ranked.ids):
        allowed = np.isin(ranked.ids, words.ids(collection, passing()))
        found = _candidates(words, Ranked(ranked.ids[allowed], ranked.scores[allowed]).some(0, limit), rows, where)
    return found[:limit]


def _candidates(
    words: Words, ranked: Ranked, rows: Callable[[Sequence[str]], list[Row]], where: Where
) -> list[Candidate]:
    """Those of the rows that pass, best first; of equals by chunk id."""
    names = words.names(ranked.ids)
    scores = {names[number]: score for number, score in zip(ranked.ids.tolist(), ranked.scores.tolist(), strict=True)}
    found = [Candidate(row, scores[row.chunk_id]) for row in rows(list(scores)) if passes(row, where)]
    return sorted(found, key=lambda each: (-each.score, each.row.chunk_id))
