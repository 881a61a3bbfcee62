"""Where documents come from: the sources that the settings name, and those that were ingested once."""

from __future__ import annotations

from docmill.store import canonical_url
from docmill.workspace import Workspace


def watched(workspace: Workspace) -> list[tuple[str, str]]:
    """(collection, address) of every watched source, each once."""
    named = [(collection, canonical_url(url)) for collection, url in workspace.settings.watch.items()]
    return list(dict.fromkeys([*named, *workspace.ledger.sources()]))
