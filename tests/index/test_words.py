"""Words in Milvus Lite's folder: BM25 by the counts of the whole collection, whatever came when and went again."""

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docmill.errors import SystemicError
from docmill.index import MilvusIndex, Row, Space
from docmill.index.base import Where
from docmill.index.conditions import parse_condition
from docmill.models import ChunkKind

SPACE = Space("one", 2)
WORDS = ["pump", "valve", "hose", "bar", "größe", "压力", "p7"]
TERMS = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
NAMES = st.sampled_from([f"c{number}" for number in range(8)])
STEP = st.one_of(
    st.tuples(st.just("put"), st.dictionaries(NAMES, st.tuples(TERMS, st.sampled_from(ChunkKind)), min_size=1)),
    st.tuples(st.just("delete"), st.lists(NAMES, min_size=1)),
)


def row(name: str, terms: str, kind: ChunkKind = ChunkKind.PASSAGE, **values) -> Row:
    return Row(name, f"d-{name}", "v1", "f1", 0, f"s3://b/{name}", terms, (1.0, 0.0), terms=terms, kind=kind, **values)


def bm25(rows: dict[str, str], asked: Sequence[str]) -> dict[str, float]:
    """The textbook's formula over all of the rows, k1 1.2 and b 0.75."""
    bags = {name: terms.split() for name, terms in rows.items()}
    mean = sum(map(len, bags.values())) / max(1, len(bags))
    scores = {}
    for name, bag in bags.items():
        parts = []
        for term in set(asked) & set(bag):
            having = sum(term in other for other in bags.values())
            often = bag.count(term)
            frequency = math.log(1 + (len(bags) - having + 0.5) / (having + 0.5))
            parts.append(frequency * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * len(bag) / mean)))
        if parts:
            scores[name] = sum(parts)
    return scores


def scores(index: MilvusIndex, terms: str, kind: ChunkKind = ChunkKind.PASSAGE) -> dict[str, float]:
    found = index.search_words("docs", SPACE, terms, 50, Where(kind=kind))
    return {each.row.chunk_id: each.score for each in found}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> MilvusIndex:
    """One for all: opening Milvus Lite takes a quarter of a second."""
    return MilvusIndex(str(tmp_path_factory.mktemp("words") / "index.db"))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEP, min_size=1, max_size=8), TERMS)
def test_scores_are_the_whole_collections_after_any_changes(index: MilvusIndex, steps, asked: str):
    held: dict[ChunkKind, dict[str, str]] = {kind: {} for kind in ChunkKind}

    def forget(names) -> None:
        for rows in held.values():
            for name in names:
                rows.pop(name, None)

    with index.session():
        index.upsert("docs", SPACE, [row("c0", "pump")])
        index.delete("docs", SPACE, list(index.held("docs", SPACE)))
    for what, given_ in steps:
        if what == "put":
            index.upsert("docs", SPACE, [row(name, *each) for name, each in given_.items()])
            forget(given_)
            for name, (terms, kind) in given_.items():
                held[kind][name] = terms
        else:
            index.delete("docs", SPACE, given_)
            forget(given_)
    with index.session():
        for kind, rows in held.items():
            assert scores(index, asked, kind) == pytest.approx(bm25(rows, asked.split()), rel=1e-9)


def test_words_are_made_anew_where_the_file_was_lost_or_never_there(tmp_path: Path):
    index = MilvusIndex(str(tmp_path / "index.db"))
    index.upsert("docs", SPACE, [row("c1", "pump pump valve"), row("c2", "valve")])
    before = scores(index, "pump valve")
    (tmp_path / "index.db/words.sqlite").unlink()
    assert scores(index, "pump valve") == before
    index.delete("docs", SPACE, ["c1"])
    assert set(scores(index, "pump valve")) == {"c2"}


def test_file_that_is_none_is_told(tmp_path: Path):
    index = MilvusIndex(str(tmp_path / "index.db"))
    index.upsert("docs", SPACE, [row("c1", "pump")])
    (tmp_path / "index.db/words.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(SystemicError, match=r"words\.sqlite cannot be used") as caught:
        scores(index, "pump")
    assert "Remove this file" in caught.value.hint


def test_few_that_pass_are_found_behind_many_that_do_not(tmp_path: Path):
    """With a narrow filter what passes may be far behind in the ranking of all rows."""
    index = MilvusIndex(str(tmp_path / "index.db"))
    hidden = [row(f"h{number}", "pump pump pump", access=("board",)) for number in range(40)]
    seen = [row(f"s{number}", "pump valve hose bar", access=("*",)) for number in range(3)]
    index.upsert("docs", SPACE, [*hidden, *seen])
    with index.session():
        found = index.search_words("docs", SPACE, "pump", 5)
        assert {each.row.chunk_id[0] for each in found} == {"h"}
        visible = index.search_words("docs", SPACE, "pump", 5, Where())
        assert [each.row.chunk_id for each in visible] == ["s0", "s1", "s2"]
        assert visible[0].score < found[-1].score
        only = Where(frozenset({"*", "board"}), parse_condition("source_key contains b/s1"))
        assert [each.row.chunk_id for each in index.search_words("docs", SPACE, "pump", 5, only)] == ["s1"]


def test_generations_have_words_of_their_own_and_lose_them_when_dropped(tmp_path: Path):
    index, other = MilvusIndex(str(tmp_path / "index.db")), Space("two", 2)
    with index.session():
        index.upsert("docs", SPACE, [row("c1", "pump")])
        index.upsert("docs", other, [replace(row("c1", "valve")), row("c2", "valve pump")])
        assert set(scores(index, "valve")) == set()
        index.swap("docs", other.digest)
        index.drop("docs", SPACE.digest)
        assert {each.row.chunk_id for each in index.search_words("docs", other, "valve", 5)} == {"c1", "c2"}
    with sqlite3.connect(tmp_path / "index.db/words.sqlite") as held:
        assert held.execute("SELECT count(*) FROM held").fetchone() == (2,)
        tables = held.execute("SELECT count(*) FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%'").fetchone()
        assert tables == (len(ChunkKind),)
