"""A real Milvus server that is too old for BM25: everything works but words, and searches say so.

docmill is there a user with the rights that `deploy/policies/milvus.py` gives, and no more.
"""

import os
import secrets
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from pymilvus import MilvusClient

from docmill.batching import form_batches
from docmill.errors import SystemicError, WordsNotIndexedError
from docmill.index import Held, MilvusIndex, Row, Space
from docmill.index.base import Where
from docmill.index.conditions import parse_condition
from docmill.inference.memory import HashEmbedder
from docmill.pipeline import run_batch
from docmill.plan import make_plan
from docmill.retrieve import SearchMode, search
from docmill.settings import BatchLimits, Settings
from docmill.sources import resolve_source
from docmill.workspace import Workspace
from tests.databases import MILVUS_ROOT
from tests.services import ROOT, wait_for

WRITER, READER = "docmill:Writing-1", "reader:Reading-1"
SPACE, OTHER = Space("one", 4), Space("two", 4)


def row(name: str, document: str = "d1", vector: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)) -> Row:
    return Row(name, document, "v1", "f1", 0, "s3://b/k", "text", vector, pages=(1,), types=("text",))


@pytest.fixture(scope="module")
def server(milvus: str) -> str:
    """The URL of the server, which has the users of the policy."""
    accounts = {"MILVUS_ROOT": MILVUS_ROOT, "MILVUS_WRITER": WRITER, "MILVUS_READER": READER}
    for _ in range(2):  # it may be run again
        command = [sys.executable, "-W", "ignore", ROOT / "deploy/policies/milvus.py", milvus]
        subprocess.run(command, env=os.environ | accounts, check=True)
    wait_for(lambda: _may_begin(milvus), "what was granted")
    return milvus


def _may_begin(server: str) -> bool:
    """Whether the server's proxy knows what was granted, the last of it included."""
    try:
        MilvusIndex(server, WRITER).delete("none", SPACE, [])
        MilvusIndex(server, READER).live("none")
    except SystemicError:
        return False
    return True


@pytest.fixture
def index(server: str) -> MilvusIndex:
    return MilvusIndex(server, WRITER)


@pytest.fixture
def collection() -> str:
    return f"c_{secrets.token_hex(4)}"


def test_rows_are_held_found_and_deleted_and_lost_indexes_are_made_again(
    server: str, index: MilvusIndex, collection: str
):
    index.upsert(collection, SPACE, [row("a"), row("b", "d2", (0.0, 1.0, 0.0, 0.0))])
    index.upsert(collection, SPACE, [row("a")])
    assert index.held(collection, SPACE, ["d1"]) == {"a": Held("d1", "v1", "f1")}
    found = index.search_vector(collection, SPACE, [0.0, 1.0, 0.0, 0.0], 1)
    assert [each.row.chunk_id for each in found] == ["b"]
    assert [each.chunk_id for each in index.rows(collection, SPACE, ["a", "x"])] == ["a"]
    index.delete(collection, SPACE, ["a"])
    assert list(index.held(collection, SPACE)) == ["b"]
    _drop_indexes(MilvusIndex(server, MILVUS_ROOT), collection)
    index.upsert(collection, SPACE, [row("c")])
    assert len(index.search_vector(collection, SPACE, [1.0, 0.0, 0.0, 0.0], 5)) == 2


def _drop_indexes(index: MilvusIndex, collection: str) -> None:
    """The collection is as a process leaves it that was killed between making it and its indexes."""
    with index.session() as client:
        (name,) = [each for each in client.list_collections() if each.startswith(collection)]
        client.release_collection(name)
        client.drop_index(name, "dense")


def test_new_space_takes_over_when_it_is_swapped_in(index: MilvusIndex, collection: str):
    index.upsert(collection, SPACE, [row("a")])
    index.upsert(collection, OTHER, [row("b")])
    assert index.live(collection) == SPACE.digest
    assert index.swap(collection, OTHER.digest) == SPACE.digest
    index.drop(collection, SPACE.digest)
    assert index.digests(collection) == [index.live(collection)] == [OTHER.digest]
    assert [each.row.chunk_id for each in index.search_vector(collection, OTHER, [1.0, 0.0, 0.0, 0.0], 5)] == ["b"]


def test_filters_and_access_work_on_an_old_server(index: MilvusIndex, collection: str):
    rows = [replace(row("a"), access=("hr",), metadata={"year": 2020}), replace(row("b"), metadata={"year": 2021})]
    index.upsert(collection, SPACE, rows)
    newer = Where(frozenset({"*", "hr"}), parse_condition("year >= 2020"))
    assert len(index.search_vector(collection, SPACE, [1.0, 0.0, 0.0, 0.0], 5, newer)) == 2
    seen = index.search_vector(collection, SPACE, [1.0, 0.0, 0.0, 0.0], 5, Where())
    assert [each.row.chunk_id for each in seen] == ["b"]


def test_reader_searches_and_may_do_nothing_else(server: str, index: MilvusIndex, collection: str):
    index.upsert(collection, SPACE, [row("a"), row("b", "d2", (0.0, 1.0, 0.0, 0.0))])
    reader = MilvusIndex(server, READER)
    assert [each.row.chunk_id for each in reader.search_vector(collection, SPACE, [1.0, 0.0, 0.0, 0.0], 1)] == ["a"]
    assert (reader.live(collection), len(reader.held(collection, SPACE))) == (SPACE.digest, 2)
    for forbidden in (
        lambda: reader.upsert(collection, SPACE, [row("c")]),
        lambda: reader.upsert(collection, OTHER, [row("c")]),
        lambda: reader.delete(collection, SPACE, ["a"]),
        lambda: reader.drop(collection, OTHER.digest),
    ):
        with pytest.raises(SystemicError, match="permission deny to reader") as caught:
            forbidden()
        assert "deploy/policies/milvus.py" in caught.value.hint
    assert set(index.held(collection, SPACE)) == {"a", "b"}


def test_writer_may_make_no_users_and_a_wrong_password_nothing(server: str, index: MilvusIndex):
    for forbidden in (
        lambda client: client.create_user("mine", "Password-1"),
        lambda client: client.grant_role("docmill", "admin"),
        lambda client: client.create_database("mine"),
    ):
        with index.session() as client, pytest.raises(Exception, match="permission deny to docmill"):
            forbidden(client)
    for token in ("", "docmill:Wrong-1"):
        with pytest.raises(SystemicError, match="failed"):
            MilvusIndex(server, token).live("none")
    assert set(MilvusClient(server, token=MILVUS_ROOT).list_users()) == {"root", "docmill", "reader"}


def test_search_goes_by_meaning_and_says_so(server: str, collection: str, home: Path, folder: Path):
    settings = Settings(
        home=home, milvus_uri=server, milvus_token=SecretStr(WRITER), batch=BatchLimits(settle_seconds=0)
    )
    workspace = Workspace(settings, embedder=HashEmbedder())
    plan = make_plan(workspace, collection, resolve_source(workspace, str(folder)))
    for batch in form_batches(workspace, collection, plan.pending):
        run_batch(workspace, batch)
    hits = search(workspace, "pump", collection=collection)
    assert {hit.source_key.rpartition("/")[2] for hit in hits} == {"pumps.md", "valves.md"}
    assert all("by meaning only. Words are not indexed" in hit.note for hit in hits)
    assert all(hit.note == "" for hit in search(workspace, "pump", collection=collection, mode=SearchMode.DENSE))
    with pytest.raises(WordsNotIndexedError, match=r"Milvus before 2\.5") as caught:
        search(workspace, "pump", collection=collection, mode=SearchMode.SPARSE)
    assert "--mode dense" in caught.value.hint
    workspace.close()
