"""Access tags: who may find what; a change of the policy changes rows, and parses and embeds nothing."""

from pathlib import Path

import pytest

from docmill.access import apply_policy, tags_for
from docmill.retrieve import SearchOptions, search
from docmill.workspace import Workspace
from tests.support import ingest


@pytest.mark.parametrize(
    ("policy", "key", "tags"),
    [
        ({}, "s3://b/a", ("*",)),
        ({"s3://b/hr/": ["hr"]}, "s3://b/hr/a", ("hr",)),
        ({"s3://b/hr/": ["hr"]}, "s3://b/a", ()),
        ({"": ["*"], "s3://b/hr/": ["hr"], "s3://b/hr/board/": ["board"]}, "s3://b/hr/board/a", ("board",)),
        ({"": ["*"], "s3://b/hr/": ["hr"]}, "s3://b/a", ("*",)),
    ],
)
def test_longest_prefix_decides_and_what_no_prefix_names_is_nobodys(policy, key: str, tags: tuple[str, ...]):
    assert tags_for(policy, key) == tags


def seen(workspace: Workspace, *tags: str) -> set[str]:
    options = SearchOptions(access=frozenset(tags))
    hits = search(workspace, "the pump or the valve", collection="default", options=options)
    return {hit.source_key.rpartition("/")[2] for hit in hits}


def with_policy(workspace: Workspace, policy: dict[str, list[str]]) -> Workspace:
    settings = workspace.settings.model_copy(update={"access": policy})
    return Workspace(settings, index=workspace.index, embedder=workspace.embedder)


def test_change_of_policy_alone_changes_what_is_found(workspace: Workspace, folder: Path, monkeypatch):
    ingest(workspace, folder)
    assert seen(workspace) == {"pumps.md", "valves.md"}
    secret = with_policy(workspace, {"": ["*"], f"file://{folder}/valves": ["board"]})
    monkeypatch.setattr(secret.artifacts.__class__, "put_vectors", None)
    changed = apply_policy(secret, "default")
    assert [each.key for each in changed] == ["valves.md"]
    assert seen(secret) == {"pumps.md"}
    assert seen(secret, "board") == {"pumps.md", "valves.md"}
    assert apply_policy(secret, "default") == []
    secret.close()


def test_new_documents_are_written_with_their_tags(workspace: Workspace, folder: Path):
    secret = with_policy(workspace, {f"file://{folder}/pumps": ["*"]})
    ingest(secret, folder)
    assert seen(secret, "board", "hr") == {"pumps.md"}
    secret.close()
