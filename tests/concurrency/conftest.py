"""Deployments that several processes use at once, and what must hold afterwards."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from docmill.models import Stage, Status
from docmill.settings import Settings
from docmill.status import collection_status
from docmill.workspace import Workspace
from tests.databases import MILVUS_ROOT


@dataclass(frozen=True)
class Deployment:
    """The settings of one collection, as a user's environment."""

    env: dict[str, str]
    settings: Settings
    collection: str
    runner: str

    def faults(self, *folders: Path) -> list[str]:
        """What differs between the folders, the ledger and the collection."""
        workspace = Workspace(self.settings)
        files = {f"file://{path}" for folder in folders for path in folder.iterdir()}
        documents = workspace.ledger.documents(self.collection)
        outcomes = workspace.ledger.outcomes(each.document_id for each in documents)
        rows = Counter(row.document_id for row in workspace.index.held(self.collection, workspace.space).values())
        faults = [] if {each.source_key for each in documents} == files else ["the ledger is not the folders"]
        for each in documents:
            found = [outcomes.get((each.document_id, stage)) for stage in Stage]
            if any(one is None or one.status is not Status.OK or one.version != each.version for one in found):
                faults.append(f"an outcome of {each.source_key} is lost")
            last = found[-1]
            if last is not None and rows[each.document_id] != last.counts["rows"]:
                faults.append(f"rows of {each.source_key} are {rows[each.document_id]}, not {last.counts['rows']}")
        status = collection_status(workspace, self.collection)
        faults += [] if (status.orphans, status.searchable) == (0, len(files)) else [str(status)]
        workspace.close()
        return faults


@pytest.fixture(params=["sqlite and milvus lite", "postgresql and milvus lite", "postgresql and milvus"])
def deployment(request: pytest.FixtureRequest, environment: dict[str, str], home: Path) -> Deployment:
    """SQLite or PostgreSQL, Milvus Lite or a server. On SQLite the runs go through Dagster: that is the default."""
    ledger, index = request.param.split(" and ")
    collection = f"c_{secrets.token_hex(4)}"
    env = environment | {"DOCMILL_BATCH__DOCUMENTS": "3", "DOCMILL_WORKERS__PROCESSES": "1"}
    env["DOCMILL_COLLECTION"] = collection
    if ledger == "postgresql":
        server = request.getfixturevalue("postgres")
        env["DOCMILL_LEDGER_URL"] = server.url(server.create())
    if index == "milvus":
        env |= {"DOCMILL_MILVUS_URI": request.getfixturevalue("milvus"), "DOCMILL_MILVUS_TOKEN": MILVUS_ROOT}
    settings = Settings(
        home=home,
        collection=collection,
        ledger_url=SecretStr(env.get("DOCMILL_LEDGER_URL", "")),
        milvus_uri=env.get("DOCMILL_MILVUS_URI", ""),
        milvus_token=SecretStr(env.get("DOCMILL_MILVUS_TOKEN", "")),
    )
    return Deployment(env, settings, collection, "dagster" if ledger == "sqlite" else "library")
