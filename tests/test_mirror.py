"""The mirror: what is new, changed or gone, and batches that no two of them hold the same object."""

import json
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.batching import form_batches, settled
from docmill.errors import SourceError, UsageError
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.mirror import check_deletions, reconcile_step, scan
from docmill.models import Document
from docmill.plan import make_plan, parts, vanished
from docmill.settings import BatchLimits, Settings
from docmill.sources import resolve_source
from docmill.store import MemoryStore
from docmill.workspace import Workspace

URL = "memory://source/"


@pytest.fixture
def source() -> MemoryStore:
    return MemoryStore("source")


@pytest.fixture
def mirrored(source: MemoryStore, home: Path):
    settings = Settings(home=home, batch=BatchLimits(documents=3, settle_seconds=60))
    opened = Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder(), open_source=lambda _: source)
    yield opened
    opened.close()


def names(documents) -> list[str]:
    return [each.key for each in documents]


def take_in(workspace: Workspace) -> list[str]:
    return form_batches(workspace, "default", make_plan(workspace, "default", URL).pending)


def listed(count: int, size: int = 1, modified: float = 0.0) -> list[Document]:
    return [
        Document(
            document_id=str(number),
            collection="c",
            source=URL,
            source_key=f"{URL}{number}",
            etag="e",
            size=size,
            modified=modified,
        )
        for number in range(count)
    ]


def test_plan_tells_new_changed_unchanged_and_gone(mirrored: Workspace, source: MemoryStore):
    for key in ("a", "b", "c"):
        source.put(key, b"old")
    take_in(mirrored)
    source.put("b", b"new")
    source.delete("c")
    source.put("d", b"new")
    plan = make_plan(mirrored, "default", URL)
    assert [names(found) for found in (plan.new, plan.changed, plan.gone)] == [["d"], ["b"], ["c"]]
    assert (plan.unchanged, plan.unchanged_bytes) == (1, 3)


def test_parts_of_a_source_together_are_the_whole(mirrored: Workspace, source: MemoryStore):
    for key in ("a", "b", "c", "e", "z/1"):
        source.put(key, b"old")
    take_in(mirrored)
    source.put("b", b"new")
    source.put("a.meta.json", b"{}")
    for key in ("c", "z/1"):
        source.delete(key)
    for key in ("0", "d", "zz"):
        source.put(key, b"new")
    for limit in (1, 2, 3, 100):
        found = list(parts(mirrored, "default", URL, limit=limit))
        assert sum(part.listed for part in found) == 7
        assert names([each for part in found for each in part.new]) == ["0", "d", "zz"]
        assert names([each for part in found for each in part.changed]) == ["b"]
        assert names([each for part in found for each in part.unchanged]) == ["a", "e"]
        assert names([each for part in found for each in part.missing]) == ["c", "z/1"]
        with_a = [part for part in found if "a" in names(part.unchanged)]
        assert [f"{URL}a" in part.with_side_car for part in with_a] == [True]


def test_one_object_is_a_part_that_says_nothing_of_others(mirrored: Workspace, source: MemoryStore):
    for key in ("a", "b"):
        source.put(key, b"old")
    take_in(mirrored)
    source.put("b", b"new")
    source.delete("a")
    (part,) = parts(mirrored, "default", f"{URL}b")
    assert (names(part.changed), part.new, part.unchanged, part.missing) == (["b"], (), (), ())


def test_plan_writes_nothing(mirrored: Workspace, source: MemoryStore):
    source.put("a", b"a")
    assert make_plan(mirrored, "default", URL) == make_plan(mirrored, "default", URL)
    assert mirrored.ledger.documents("default") == []


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["put", "delete"])), max_size=12))
def test_ledger_mirrors_the_source_after_any_changes(changes: list[tuple[str, str]]):
    source = MemoryStore("source")
    settings = Settings(ledger_url="sqlite://", store_url="file:///tmp/unused")
    workspace = Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder(), open_source=lambda _: source)
    workspace.store = MemoryStore()  # type: ignore[misc]
    for number, (key, change) in enumerate(changes):
        if change == "put":
            source.put(key, str(number).encode())
        else:
            source.delete(key)
        plan = make_plan(workspace, "default", URL)
        form_batches(workspace, "default", plan.pending)
        workspace.ledger.bury([each.document_id for each in plan.gone])
        known = {each.key: each.etag for each in workspace.ledger.documents("default")}
        assert known == {info.key: info.etag for info in source.list()}
    workspace.close()


def test_batches_are_full_and_have_a_manifest(mirrored: Workspace, source: MemoryStore):
    for number in range(7):
        source.put(f"{number}", b"x")
    batches = take_in(mirrored)
    assert [names(mirrored.ledger.batch_documents(each)) for each in batches] == [list("012"), list("345"), ["6"]]
    lines = mirrored.store.get(f"batches/{batches[2]}/manifest.jsonl").decode().splitlines()
    assert [json.loads(line)["source_key"] for line in lines] == [f"{URL}6"]
    assert batches == sorted(batches)


def test_two_that_list_the_same_object_at_once_make_one_batch_of_it(mirrored: Workspace, source: MemoryStore):
    for number in range(3):
        source.put(f"{number}", b"x")
    seen_by_both = make_plan(mirrored, "default", URL).pending
    made = [form_batches(mirrored, "default", seen_by_both) for _ in range(2)]
    assert [len(each) for each in made] == [1, 0]
    assert [info.key for info in mirrored.store.list("batches/")] == [f"batches/{made[0][0]}/manifest.jsonl"]


def test_second_batch_holds_what_the_first_left(mirrored: Workspace, source: MemoryStore):
    for key in "ab":
        source.put(key, b"x")
    first = make_plan(mirrored, "default", URL).pending
    source.put("c", b"x")
    second = make_plan(mirrored, "default", URL).pending
    form_batches(mirrored, "default", first)
    (batch,) = form_batches(mirrored, "default", second)
    assert names(mirrored.ledger.batch_documents(batch)) == ["c"]
    assert mirrored.ledger.batch(batch).documents == 1


def test_threads_that_batch_at_once_hold_each_object_once(mirrored: Workspace, source: MemoryStore):
    for number in range(12):
        source.put(f"{number:02}", b"x")
    pending = make_plan(mirrored, "default", URL).pending
    assert mirrored.store  # opened before the threads
    assert mirrored.ledger
    barrier, made = threading.Barrier(4), []

    def tick() -> None:
        barrier.wait()
        made.extend(form_batches(mirrored, "default", pending))

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(each.documents for each in mirrored.ledger.batches()) == 12
    assert sorted(made) == [each.batch for each in mirrored.ledger.batches()]


def test_overwritten_object_gets_a_new_batch(mirrored: Workspace, source: MemoryStore):
    source.put("a", b"old")
    (first,) = take_in(mirrored)
    source.put("a", b"new")
    (second,) = take_in(mirrored)
    assert mirrored.ledger.batch_documents(first) == []
    assert names(mirrored.ledger.batch_documents(second)) == ["a"]


def test_scan_goes_round_the_source_in_parts(mirrored: Workspace, source: MemoryStore):
    for key in "abcde":
        source.put(key, b"x")
    found, cursor = [], ""
    for _ in range(3):
        part = scan(mirrored, "default", URL, after=cursor, limit=2)
        found.append(names(part.pending))
        cursor = part.cursor
    assert found == [["a", "b"], ["c", "d"], ["e"]]
    assert cursor == ""


def test_scan_finds_overwritten_objects(mirrored: Workspace, source: MemoryStore):
    source.put("a", b"old")
    take_in(mirrored)
    assert scan(mirrored, "default", URL).pending == ()
    source.put("a", b"new")
    assert names(scan(mirrored, "default", URL).pending) == ["a"]


LIMITS = BatchLimits(documents=3, bytes=100, settle_seconds=60)


def test_batch_waits_until_its_newest_object_has_rested():
    documents = [*listed(1, modified=900.0), rested(listed(2)[1], 990.0)]
    assert settled(documents, LIMITS, now=1_000.0) == []
    assert settled(documents, LIMITS, now=1_051.0) == documents


def rested(document: Document, modified: float) -> Document:
    return document.model_copy(update={"modified": modified})


def test_full_batch_does_not_wait():
    documents = listed(4, modified=1_000.0)
    assert settled(documents, LIMITS, now=1_000.0) == documents[:3]
    assert settled(listed(1, size=100, modified=1_000.0), LIMITS, now=1_000.0) == listed(1, 100, 1_000.0)


@given(st.lists(st.integers(0, 150), max_size=30))
def test_batches_keep_to_their_limits_and_lose_nothing(sizes: list[int]):
    documents = [each.model_copy(update={"size": size}) for each, size in zip(listed(len(sizes)), sizes, strict=True)]
    assert settled(documents, LIMITS, now=1e9) == documents


@pytest.mark.parametrize(("gone", "known"), [(1, 1), (9, 9), (8, 10), (3, 10)])
def test_many_deletions_are_refused(gone: int, known: int):
    with pytest.raises(UsageError, match=r"nothing is deleted|none is deleted"):
        check_deletions(gone, known, URL, 0.2)
    check_deletions(gone, known, URL, 0.2, force=True)


@pytest.mark.parametrize(("gone", "known"), [(0, 0), (0, 1), (1, 2), (2, 10)])
def test_few_deletions_are_allowed(gone: int, known: int):
    check_deletions(gone, known, URL, 0.2)


def test_neighbour_of_another_case_is_not_gone(workspace: Workspace, tmp_path: Path):
    for name in ("Docs", "docs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text(name)
        form_batches(workspace, "default", make_plan(workspace, "default", f"file://{tmp_path}/{name}/").pending)
    assert make_plan(workspace, "default", f"file://{tmp_path}/Docs/").gone == ()


def test_single_file_is_a_source(workspace: Workspace, folder: Path):
    source = resolve_source(workspace, str(folder / "pumps.md"))
    found = make_plan(workspace, "default", source)
    assert (names(found.new), found.source) == (["pumps.md"], f"file://{folder}/pumps.md")


def test_folder_is_a_source_with_a_slash(workspace: Workspace, folder: Path):
    assert resolve_source(workspace, str(folder)) == f"file://{folder}/"


def test_missing_path_is_told(workspace: Workspace):
    with pytest.raises(SourceError, match="does not exist"):
        resolve_source(workspace, "/no/such/path")


def test_object_or_prefix_of_a_bucket_is_a_source(workspace: Workspace, s3, s3_endpoint: str, bucket: str):
    s3.put_object(Bucket=bucket, Key="in/a.md", Body=b"a")
    assert resolve_source(workspace, f"s3://{bucket}/in/a.md") == f"s3://{bucket}/in/a.md"
    assert resolve_source(workspace, f"s3://{bucket}/in") == f"s3://{bucket}/in/"
    assert names(make_plan(workspace, "default", f"s3://{bucket}/in/a.md").new) == ["a.md"]


def test_store_that_lists_folder_by_folder_is_mirrored_in_steps(s3, s3_endpoint: str, bucket: str, home: Path):
    source = f"s3://{bucket}/"
    keys = ["a/x", "a/y/z", "a/y-1", "a-b", "a.txt", "a0", "b"]  # as SeaweedFS lists them: a/ before a-b
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    opened = Workspace(Settings(home=home), index=MemoryIndex(), embedder=HashEmbedder())
    with closing(opened) as workspace:

        def reconcile() -> tuple[int, int]:
            steps = [reconcile_step(workspace, "default", source, limit=2)]
            while not steps[-1].finished:
                steps.append(reconcile_step(workspace, "default", source, limit=2))
            assert sum(step.listed for step in steps) == len(keys)
            return sum(len(step.batches) for step in steps), sum(step.deleted for step in steps)

        assert reconcile()[0] == 4
        assert reconcile() == (0, 0)
        found = make_plan(workspace, "default", source)
        assert (found.unchanged, found.pending, found.gone) == (len(keys), (), ())
        steps = list(parts(workspace, "default", source, limit=2))
        assert sum(len(part.unchanged) for part in steps) == len(keys)
        assert [part.pending for part in steps] == [()] * len(steps)
        assert [each for part in steps for each in vanished(workspace, part.missing)] == []
        for key in ("a/y-1", "a-b"):
            s3.delete_object(Bucket=bucket, Key=key)
            keys.remove(key)
            assert reconcile() == (0, 1)
        assert sorted(names(workspace.ledger.documents("default"))) == sorted(keys)
