"""Indexes: rows in, candidates out; the twin in memory answers as Milvus Lite does."""

import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.errors import ConfigError, SystemicError, UsageError
from docmill.index import Held, MemoryIndex, MilvusIndex, Row, Space, VectorIndex
from docmill.index.analysis import analyzed
from docmill.index.base import EVERYTHING, Where
from docmill.index.conditions import condition_of, holds, parse_condition
from docmill.index.filters import Filter, documents_are, filter_of
from docmill.inference.memory import HashEmbedder
from docmill.models import BBox, Region
from tests.services import free_port

MODEL = HashEmbedder(dimensions=16)
SPACE = Space(MODEL.fingerprint, 16)
OTHER = Space("another-model", 16)
ORDERS = ["==", "!=", "<", ">", "<=", ">=", "contains"]
SOME = {"field": "chunk_id", "op": "in", "value": ["c1", "c7"]}
SHORT = [
    *("k is_empty", 'k in [1, "a"]', "k nin [1, 0]", 'k any ["a", 1]', 'k all ["a", "b"]', "k in []", "k nin []"),
    *("pages contains 2", "pages any [1, 9]", "pages all [1, 2]", "pages is_empty", "types contains table"),
    *('text text_match "PUMP zebra"', "text contains alve", "ordinal > 3", "ordinal in [1, 2]", "ordinal nin [1]"),
    *('text == "pump valve"', "text != other", "ordinal is_empty", "chunk_id < c4", "source_key contains b/d"),
]
HOSTILE = ['"] or 1 == 1 or chunk_id in ["', "a' or 'a' == 'a", "\\", '\\"', "{ids}", "%", "数\n\t\u2028"]


@pytest.fixture(params=["memory", "milvus"])
def index(request: pytest.FixtureRequest, tmp_path) -> Iterator[VectorIndex]:
    if request.param == "memory":
        yield MemoryIndex()
        return
    opened = MilvusIndex(str(tmp_path / "index.db"))
    with opened.session():  # opening Milvus Lite takes a quarter of a second
        yield opened


def row(name: str, text: str = "words", document: str = "d1", version: str = "v1", ordinal: int = 0, **values) -> Row:
    vector = MODEL.embed([text]).vectors[0].tolist()
    given = {"terms": analyzed(text)} | values
    return Row(name, document, version, "f1", ordinal, f"s3://b/{document}", text, vector, **given)


def bare(*rows: Row) -> list[Row]:
    """The rows as searches give them back: without their vectors."""
    return sorted((replace(each, vector=()) for each in rows), key=lambda each: each.chunk_id)


def found(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda each: each.chunk_id)


def test_row_comes_back_with_all_that_proves_it(index: VectorIndex):
    box = BBox(x0=1.5, y0=2, x1=3, y1=4.25)
    regions = (Region(page=2, bbox=box, page_size=(420.0, 595.0)), Region(page=3, bbox=box))
    full = row("c1", section=("A", 'B "x"'), pages=(2, 3), regions=regions, types=("text", "table"))
    full = replace(full, place="Stock!A1:B2", elements=(4, 5), ordinal=7)
    index.upsert("docs", SPACE, [full])
    assert index.rows("docs", SPACE, ["c1", "nothing"]) == bare(full)


def test_upsert_replaces_a_row_of_the_same_id(index: VectorIndex):
    index.upsert("docs", SPACE, [row("c1", "old words"), row("c2", "others")])
    index.upsert("docs", SPACE, [row("c1", "new words")])
    assert [each.text for each in found(index.rows("docs", SPACE, ["c1", "c2"]))] == ["new words", "others"]
    assert len(index.held("docs", SPACE)) == 2


def test_held_tells_versions_of_all_or_of_some(index: VectorIndex):
    index.upsert("docs", SPACE, [row("c1"), row("c2", version="v2"), row("c3", document="d2")])
    assert index.held("docs", SPACE, ["d1"]) == {"c1": Held("d1", "v1", "f1"), "c2": Held("d1", "v2", "f1")}
    assert set(index.held("docs", SPACE)) == {"c1", "c2", "c3"}
    assert index.held("docs", SPACE, []) == {}


def test_deleted_rows_are_neither_held_nor_found(index: VectorIndex):
    index.upsert("docs", SPACE, [row("c1", "pump"), row("c2", "valve")])
    index.delete("docs", SPACE, ["c1", "nothing"])
    assert set(index.held("docs", SPACE)) == {"c2"}
    assert [each.row.chunk_id for each in index.search_words("docs", SPACE, analyzed("pump valve"), 5)] == ["c2"]
    assert index.rows("docs", SPACE, ["c1"]) == []


def test_nothing_is_found_in_a_collection_that_is_not_there(index: VectorIndex):
    assert index.held("docs", SPACE) == {}
    assert index.rows("docs", SPACE, ["c1"]) == []
    index.delete("docs", SPACE, ["c1"])
    assert index.search_words("docs", SPACE, "words", 5) == []
    assert index.search_vector("docs", SPACE, [1.0] + [0.0] * 15, 5) == []
    assert index.live("docs") is None
    assert index.find("docs", SPACE, EVERYTHING, 5) == []


def test_nearest_vector_comes_first(index: VectorIndex):
    texts = ["the pump delivers water", "the valve closes", "an invoice of May"]
    index.upsert("docs", SPACE, [row(f"c{number}", text) for number, text in enumerate(texts)])
    vector = MODEL.embed(["the valve closes"]).vectors[0].tolist()
    hits = index.search_vector("docs", SPACE, vector, 2)
    assert hits[0].row.text == "the valve closes"
    assert len(hits) == 2
    assert hits[0].score == pytest.approx(1.0, abs=1e-3)
    assert tuple(hits[0].row.vector) == ()


def test_words_are_found_and_rows_without_them_left_out(index: VectorIndex):
    texts = ["the pump delivers water", "the valve closes, the valve opens", "an invoice of May"]
    index.upsert("docs", SPACE, [row(f"c{number}", text) for number, text in enumerate(texts)])
    assert [hit.row.chunk_id for hit in index.search_words("docs", SPACE, analyzed("Valve"), 5)] == ["c1"]
    assert index.search_words("docs", SPACE, "zebra", 5) == []


def test_collections_are_apart(index: VectorIndex):
    index.upsert("docs", SPACE, [row("c1", "pump")])
    index.upsert("docs2", SPACE, [row("c1", "valve")])
    index.delete("docs2", SPACE, ["c1"])
    assert [hit.row.text for hit in index.search_words("docs", SPACE, analyzed("pump valve"), 5)] == ["pump"]


def test_spaces_are_apart_and_one_is_live(index: VectorIndex):
    index.upsert("docs", SPACE, [row("c1", "pump")])
    index.upsert("docs", OTHER, [row("c2", "pump")])
    assert index.live("docs") == SPACE.digest
    assert index.digests("docs") == sorted([SPACE.digest, OTHER.digest])
    assert [hit.row.chunk_id for hit in index.search_words("docs", SPACE, "pump", 5)] == ["c1"]
    assert [hit.row.chunk_id for hit in index.search_vector("docs", OTHER, [1.0] + [0.0] * 15, 5)] == ["c2"]


def test_swap_goes_there_and_back_and_drop_spares_the_live_space(index: VectorIndex):
    index.upsert("docs", SPACE, [row("c1", "pump")])
    index.upsert("docs", OTHER, [row("c2", "pump")])
    assert index.swap("docs", OTHER.digest) == SPACE.digest
    assert index.live("docs") == OTHER.digest
    assert index.swap("docs", SPACE.digest) == OTHER.digest
    with pytest.raises(UsageError, match="is live"):
        index.drop("docs", SPACE.digest)
    index.drop("docs", OTHER.digest)
    assert index.digests("docs") == [SPACE.digest]
    with pytest.raises(UsageError, match="no generation"):
        index.swap("docs", OTHER.digest)


def test_searches_find_what_the_caller_may_see_and_nothing_else(index: VectorIndex):
    rows = [
        row("c1", access=("*",)),
        row("c2", access=("hr",)),
        row("c3", access=("hr", "board")),
        row("c4", access=()),
    ]
    index.upsert("docs", SPACE, rows)
    vector = MODEL.embed(["words"]).vectors[0].tolist()

    def seen(*tags: str) -> set[str]:
        where = Where(frozenset(tags))
        words = {each.row.chunk_id for each in index.search_words("docs", SPACE, "word", 9, where)}
        assert words == {each.row.chunk_id for each in index.search_vector("docs", SPACE, vector, 9, where)}
        assert words == {each.chunk_id for each in index.find("docs", SPACE, where, 9)}
        return words

    assert [seen("*"), seen("*", "board"), seen()] == [{"c1"}, {"c1", "c3"}, set()]
    assert seen("hr") == {"c2", "c3"}


def test_rows_come_back_with_their_vectors_where_asked_for(index: VectorIndex):
    index.upsert("docs", SPACE, [row("c1", "pump"), row("c2", "valve")])
    (found,) = index.rows("docs", SPACE, ["c2"], vectors=True)
    assert list(found.vector) == pytest.approx(MODEL.embed(["valve"]).vectors[0].tolist(), abs=1e-6)


@pytest.mark.parametrize("index", ["milvus"], indirect=True)
def test_milvus_filters_as_conditions_say(index: VectorIndex):
    values = [1, 2.5, "a", "ab%", True, ["a", "b"], [1, 2], 0, 'a_b\\"', None]
    rows = [
        row(
            f"c{n}",
            "pump valve" if n % 2 else "other, Words",
            ordinal=n,
            pages=(n, n + 1) if n % 3 else (),
            types=("text",) if n % 2 else ("table", "text"),
            metadata={} if value is None else {"k": value},
        )
        for n, value in enumerate(values)
    ]
    index.upsert("docs", SPACE, rows)
    conditions = [parse_condition(text) for text in SHORT]
    for value in (1, 2.5, "a", "ab%", "%", "\\", '"', 0, "b"):
        conditions += [condition_of({"field": "k", "op": op, "value": value}) for op in ORDERS]
    conditions += [condition_of({"not": each.model_dump(by_alias=True, exclude_none=True)}) for each in conditions]
    conditions += [condition_of({"or": [{"and": [conditions[1].model_dump(), conditions[2].model_dump()]}, SOME]})]
    for condition in conditions:
        wanted = {each.chunk_id for each in rows if holds(condition, {**each.metadata, **vars(each)})}
        found = index.find("docs", SPACE, Where(None, condition, None), 99)
        assert {each.chunk_id for each in found} == wanted, filter_of(condition).rendered()


def test_hostile_ids_are_literals(index: VectorIndex):
    rows = [row(f"c{number}", document=text) for number, text in enumerate(HOSTILE)]
    index.upsert("docs", SPACE, [*rows, row("other", document="d1")])
    for number, text in enumerate(HOSTILE):
        assert set(index.held("docs", SPACE, [text])) == {f"c{number}"}
    assert index.held("docs", SPACE, ['nothing"] or document_id != ["']) == {}


def test_hostile_words_are_only_words(index: VectorIndex):
    index.upsert("docs", SPACE, [row("c1", "pump")])
    for text in HOSTILE:
        assert all(hit.row.chunk_id == "c1" for hit in index.search_words("docs", SPACE, text, 5))


@pytest.mark.parametrize("name", ["a b", "1st", "x;drop", "", "ä", "a" * 300])
def test_names_that_milvus_refuses_are_told(tmp_path, name: str):
    with pytest.raises(ConfigError, match="not a name for a collection"):
        MilvusIndex(str(tmp_path / "index.db")).upsert(name, SPACE, [row("c1")])


def test_many_rows_are_held(index: VectorIndex):
    index.upsert("docs", SPACE, [row(f"c{number}", document=f"d{number % 7}") for number in range(2_500)])
    assert len(index.held("docs", SPACE)) == 2_500
    index.delete("docs", SPACE, [f"c{number}" for number in range(2_499)])
    assert set(index.held("docs", SPACE)) == {"c2499"}


def test_unreachable_server_is_systemic_and_tells_no_secret():
    index = MilvusIndex(f"http://root:a-secret@127.0.0.1:{free_port()}", token="root:a-secret")
    with pytest.raises(SystemicError, match="Milvus at http") as caught:
        index.held("docs", SPACE)
    assert "a-secret" not in str(caught.value)


@given(st.lists(st.text()))
def test_values_are_rendered_as_literals(ids: list[str]):
    rendered = documents_are(ids).rendered()
    head, _, literal = rendered.partition(" in ")
    assert head == "document_id"
    assert json.loads(literal, strict=False) == ids


def test_a_parameter_is_filled_in_once():
    assert Filter("a == {a} and b == {b}", {"a": "{b}", "b": True}).rendered() == 'a == "{b}" and b == true'


def _write(uri: str, name: str, start, done) -> None:
    """In a process of its own: write some rows and look at them, again and again."""
    start.wait()
    index = MilvusIndex(uri)
    for number in range(2):
        index.upsert("docs", SPACE, [row(f"{name}-{number}", document=name)])
        assert f"{name}-{number}" in index.held("docs", SPACE, [name])
    done.put(name)


def test_two_processes_use_one_folder_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    uri, start, done = str(tmp_path / "index.db"), context.Barrier(2), context.Queue()
    writers = [context.Process(target=_write, args=(uri, name, start, done)) for name in ("left", "right")]
    for each in writers:
        each.start()
    assert {done.get(timeout=60) for _ in writers} == {"left", "right"}
    for each in writers:
        each.join()
    assert len(MilvusIndex(uri).held("docs", SPACE)) == 4
