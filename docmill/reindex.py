"""Builds a collection anew under the settings of now, beside the live one, from stored elements."""

from __future__ import annotations

from collections.abc import Callable

from docmill.generations import Verdict, activate, begin
from docmill.standing import unfinished
from docmill.workspace import Workspace


def reindex(workspace: Workspace, collection: str, run: Callable[[str], None], *, force: bool = False) -> Verdict:
    """The settings' generation of the collection is filled and, if nothing speaks against it, live.

    `run` takes a batch through the stages: only those whose settings changed are done again: nothing is parsed twice.
    With `force` the generation is live whatever the checks find, unless documents are not through.
    """
    begin(workspace, collection)
    ledger = workspace.ledger
    live = workspace.index.live(collection)
    known = ledger.generation(collection, live) if live else None
    documents = ledger.count(collection)
    rows = sum(1 for _ in workspace.index.each_held(collection, known.space)) if known else documents
    if documents:
        workspace.index.prepare(collection, workspace.space, rows)
    for batch in unfinished(workspace, collection):
        run(batch)
    return activate(workspace, collection, force=force)
