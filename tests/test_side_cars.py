"""Side-cars: who may find a document and what is said of it, in a file beside it."""

import json
from pathlib import Path

import pytest

from docmill.access import apply_policy
from docmill.attributes import SIDE_CAR
from docmill.batching import form_batches
from docmill.errors import SourceError
from docmill.index.conditions import parse_condition
from docmill.mirror import reconcile_step, retag
from docmill.models import Stage
from docmill.pipeline import pending_batches, run_batch
from docmill.plan import make_plan, parts
from docmill.retrieve import SearchOptions, search
from docmill.stages.base import Result
from docmill.workspace import Workspace
from tests.support import documents, failures, ingest
from tests.test_access import seen, with_policy


def say(folder: Path, name: str, **said: object) -> Path:
    path = folder / (name + SIDE_CAR)
    path.write_text(json.dumps(said))
    return path


def source(folder: Path) -> str:
    return f"file://{folder}/"


def retagged(workspace: Workspace, folder: Path) -> list[str]:
    found = parts(workspace, "default", source(folder))
    return [each.key for part in found for each in retag(workspace, "default", part)]


def unworkable(*_: object) -> list[Result]:
    raise AssertionError("nothing is to be parsed or embedded")


def test_side_car_is_no_document_and_gives_tags_and_metadata(workspace: Workspace, folder: Path):
    say(folder, "valves.md", access=["board"], metadata={"year": 2024})
    ingest(workspace, folder)
    assert [each.key for each in documents(workspace)] == ["pumps.md", "valves.md"]
    assert (seen(workspace), seen(workspace, "board")) == ({"pumps.md"}, {"pumps.md", "valves.md"})
    options = SearchOptions(access=frozenset({"board"}), condition=parse_condition("year >= 2024"))
    hits = search(workspace, "pump or valve", collection="default", options=options)
    assert {hit.source_key.rpartition("/")[2] for hit in hits} == {"valves.md"}
    assert documents(workspace)[1].access == ("board",)


def test_changed_side_car_alone_changes_rows_and_works_on_nothing(workspace: Workspace, folder: Path, monkeypatch):
    ingest(workspace, folder)
    monkeypatch.setattr("docmill.pipeline.WORK", dict.fromkeys(Stage, unworkable))
    path = say(folder, "valves.md", access=["board"], metadata={"year": 2024})
    assert (retagged(workspace, folder), seen(workspace)) == (["valves.md"], {"pumps.md"})
    assert (retagged(workspace, folder), pending_batches(workspace, documents(workspace))) == ([], [])
    path.unlink()
    assert (retagged(workspace, folder), seen(workspace)) == (["valves.md"], {"pumps.md", "valves.md"})
    rows = workspace.index.rows("default", workspace.space, list(workspace.index.held("default", workspace.space)))
    assert {key for row in rows for key in row.metadata} <= {"language"}


def test_side_car_stands_in_the_place_of_the_policy(workspace: Workspace, folder: Path):
    secret = with_policy(workspace, {source(folder) + "pumps": ["*"]})
    say(folder, "valves.md", access=["board"])
    say(folder, "pumps.md", metadata={"year": 2024})
    ingest(secret, folder)
    assert (seen(secret), seen(secret, "board")) == ({"pumps.md"}, {"pumps.md", "valves.md"})
    secret.close()


@pytest.mark.parametrize("text", ["{", '{"acess": ["board"]}', '{"access": "board"}', '{"metadata": {"a": {"b": 1}}}'])
def test_wrong_side_car_makes_a_document_nobodys_and_fails_it(workspace: Workspace, folder: Path, text: str):
    ingest(workspace, folder)
    path = folder / ("valves.md" + SIDE_CAR)
    path.write_text(text)
    assert (retagged(workspace, folder), seen(workspace, "board")) == (["valves.md"], {"pumps.md"})
    ingest(workspace, folder)
    assert "valves.md.meta.json is wrong" in failures(workspace)["valves.md"].outcome.message
    path.write_text('{"access": ["board"]}')
    retagged(workspace, folder)
    ingest(workspace, folder)
    assert (failures(workspace), seen(workspace, "board")) == ({}, {"pumps.md", "valves.md"})


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_reconciling_in_steps_applies_side_cars_and_policy(workspace: Workspace, folder: Path, limit: int):
    (folder / "valves.md.a.md").write_text("Between a valve and its side-car.")
    ingest(workspace, folder)
    path = say(folder, "valves.md", access=["board"])

    def reconciled() -> int:
        steps = [reconcile_step(workspace, "default", source(folder), limit=limit)]
        while not steps[-1].finished:
            steps.append(reconcile_step(workspace, "default", source(folder), limit=limit))
        return sum(each.retagged for each in steps)

    assert (reconciled(), reconciled()) == (1, 0)
    assert "valves.md" not in seen(workspace)
    path.unlink()
    assert (reconciled(), "valves.md" in seen(workspace)) == (1, True)


def test_members_have_the_tags_of_their_container(workspace: Workspace, folder: Path):
    mail = (
        "From: a@b.c\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n--B\n\nThe valve.\n"
    )
    part = (
        '--B\nContent-Type: text/plain\nContent-Disposition: attachment; filename="in.txt"\n\nThe pump inside.\n--B--\n'
    )
    (folder / "mail.eml").write_text(mail + part)
    path = say(folder, "mail.eml", access=["board"])
    ingest(workspace, folder)
    assert (seen(workspace), "in.txt" in seen(workspace, "board")) == ({"pumps.md", "valves.md"}, True)
    path.unlink()
    assert len(apply_policy(workspace, "default")) == 2
    assert "in.txt" in seen(workspace)


def test_side_car_in_a_bucket(workspace: Workspace, bucket: str, s3):
    for key, body in (("a.md", "# Pump\n\nThe pump."), ("b.md", "# Valve\n\nThe valve.")):
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    s3.put_object(Bucket=bucket, Key="b.md" + SIDE_CAR, Body='{"access": ["board"]}')
    plan = make_plan(workspace, "default", f"s3://{bucket}/")
    assert [each.key for each in plan.pending] == ["a.md", "b.md"]
    for batch in form_batches(workspace, "default", plan.pending, runner="cli"):
        run_batch(workspace, batch)
    assert seen(workspace) == {"a.md"}


def test_what_is_listed_by_another_step_keeps_its_tags(workspace: Workspace, bucket: str, s3):
    here = f"s3://{bucket}/"
    for key in ("a/x.md", "a/y.md", "a/z.md", "a-b.md"):  # SeaweedFS lists a/ before a-b.md
        s3.put_object(Bucket=bucket, Key=key, Body=f"# {key}\n\nThe valve.")
    s3.put_object(Bucket=bucket, Key="a-b.md" + SIDE_CAR, Body='{"access": ["board"]}')
    for batch in form_batches(workspace, "default", make_plan(workspace, "default", here).pending, runner="cli"):
        run_batch(workspace, batch)
    finished, changed = False, 0
    while not finished:
        step = reconcile_step(workspace, "default", here, limit=2)
        finished, changed = step.finished, changed + step.retagged
        assert {each.key: each.access for each in documents(workspace)}["a-b.md"] == ("board",)
    assert changed == 0


def test_side_car_cannot_be_ingested_by_name(workspace: Workspace, folder: Path):
    path = say(folder, "valves.md")
    with pytest.raises(SourceError, match="is a side-car"):
        make_plan(workspace, "default", f"file://{path}")
