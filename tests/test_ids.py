"""Ids: the same content gives the same id, and nothing else does."""

import hashlib
import json

from hypothesis import assume, given
from hypothesis import strategies as st

from docmill.ids import chunk_id, content_version, digest, document_id, fingerprint

parts = st.lists(st.text() | st.integers(), max_size=4)


@given(parts, parts)
def test_digests_differ_where_parts_do(left: list[str | int], right: list[str | int]):
    assert (digest(*left) == digest(*right)) == (left == right)


@given(st.text(), st.text(), st.text())
def test_parts_do_not_run_into_each_other(first: str, second: str, third: str):
    assume(second)
    assert digest(first + second, third) != digest(first, second + third)


@given(parts)
def test_digests_are_of_the_parts_as_json(given_parts: list[str | int]):
    try:
        text = json.dumps(given_parts, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        assume(False)
    assert digest(*given_parts) == hashlib.sha256(text).hexdigest()[:32]


def test_ids_are_the_same_in_every_release():
    assert document_id("default", "s3://b/a.md") == "8be300c0130ff541268cb20736d2eafa"
    assert chunk_id("d", "v", "f", 3) == "7deefaf99e8fa47570db197e41c59bb7"
    assert fingerprint("chunks", "1", {"b": 1, "a": 2}, "") == "40bd0ba4541ad585"


def test_version_is_the_sha256_of_the_bytes():
    assert content_version(b"abc") == hashlib.sha256(b"abc").hexdigest()


def test_chunk_ids_depend_on_every_part():
    ids = {chunk_id("d", "v", "f", 0), chunk_id("e", "v", "f", 0), chunk_id("d", "w", "f", 0)}
    ids |= {chunk_id("d", "v", "g", 0), chunk_id("d", "v", "f", 1)}
    assert len(ids) == 5


def test_same_key_in_two_collections_is_two_documents():
    assert document_id("a", "s3://b/a.md") != document_id("b", "s3://b/a.md")


@given(st.dictionaries(st.text(), st.integers()))
def test_order_of_settings_does_not_matter(config: dict[str, int]):
    backwards = dict(reversed(config.items()))
    assert fingerprint("chunks", "1", config, "up") == fingerprint("chunks", "1", backwards, "up")


def test_fingerprint_depends_on_everything_before_it():
    base = fingerprint("chunks", "1", {"a": 1}, "up")
    others = {
        fingerprint("embeddings", "1", {"a": 1}, "up"),
        fingerprint("chunks", "2", {"a": 1}, "up"),
        fingerprint("chunks", "1", {"a": 2}, "up"),
        fingerprint("chunks", "1", {"a": 1}, "down"),
    }
    assert base not in others
    assert len(others) == 4
