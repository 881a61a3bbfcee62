"""Who may find a document: access tags by the beginning of its source key, carried by every one of its rows.

A search gives the caller's tags and finds nothing else. A change of the policy alone changes the tags in the index:
nothing is parsed or embedded again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from docmill.index.base import PUBLIC
from docmill.models import Document
from docmill.workspace import Workspace

_GROUP = 1_000


def tags_for(policy: Mapping[str, Sequence[str]], source_key: str) -> tuple[str, ...]:
    """The tags of the longest prefix in the policy that the key begins with; "*" where none does and none is set.

    Once there is a policy, a key that it does not name is nobody's: it fails closed. The prefix "" is for all others.
    """
    if not policy:
        return (PUBLIC,)
    fitting = [prefix for prefix in policy if source_key.startswith(prefix)]
    return tuple(sorted(set(policy[max(fitting, key=len)]))) if fitting else ()


def apply_policy(workspace: Workspace, collection: str) -> list[Document]:
    """Every document of the collection and each of its rows has the tags of the policy; the documents that changed.

    Rows are changed before the ledger, so that an interrupted change is done again.
    """
    policy = workspace.settings.access
    known = workspace.ledger.documents(collection)
    told = [each.model_copy(update={"access": tags_for(policy, each.source_key)}) for each in known]
    changed = [new for old, new in zip(known, told, strict=True) if set(old.access) != set(new.access)]
    if changed:
        _retag(workspace, collection, {each.document_id: each.access for each in changed})
        workspace.ledger.set_access(changed)
    return changed


def _retag(workspace: Workspace, collection: str, tags: Mapping[str, tuple[str, ...]]) -> None:
    """The documents' rows bear the tags, in every generation: a roll-back gives nobody more than the policy does."""
    index, space = workspace.index, workspace.space
    known = [each.space for each in workspace.ledger.generations(collection) if each.digest != space.digest]
    held_digests = set(index.digests(collection))
    for each in (space, *known):
        if each.digest not in held_digests:
            continue
        ids = list(index.held(collection, each, list(tags)))
        for start in range(0, len(ids), _GROUP):
            rows = index.rows(collection, each, ids[start : start + _GROUP], vectors=True)
            index.upsert(collection, each, [replace(row, access=tags[row.document_id]) for row in rows])
