"""The platform with everything on one PostgreSQL database: Dagster's storage and the ledger."""

import json
import shutil
from pathlib import Path

from tests.conftest import Run
from tests.databases import Postgres
from tests.services import ROOT


def test_documents_become_hits_with_dagster_and_the_ledger_on_postgresql(
    docmill: Run, postgres: Postgres, home: Path, folder: Path
):
    name = postgres.create()
    (home / "dagster").mkdir(parents=True)
    shutil.copy(ROOT / "deploy/postgres/dagster.yaml", home / "dagster/dagster.yaml")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    env = {"DOCMILL_LEDGER_URL": postgres.url(name)}

    ingested = docmill("ingest", folder, "--json", "--runner", "dagster", code=2, **env)
    done = json.loads(ingested.stdout)
    assert (done["new"], [each["error"] for each in done["failed"]]) == (3, ["CorruptDocumentError"])
    hits = json.loads(docmill("search", "How much does the pump deliver?", "--json", **env).stdout)["hits"]
    assert hits[0]["source_key"].endswith("pumps.md")

    assert [row[0] for row in postgres.execute(name, "SELECT status FROM runs")] == ["SUCCESS"]
    made = postgres.execute(name, "SELECT DISTINCT asset_key FROM event_logs WHERE asset_key IS NOT NULL")
    assert ('["vector_collection"]',) in made
    assert postgres.execute(name, "SELECT count(*) FROM documents") == [(3,)]
    assert not list(home.glob("ledger.db*"))
    assert not list((home / "dagster").rglob("*.db"))
    assert not any(secret in ingested.stdout + ingested.stderr for secret in (postgres.password, "p%40ss"))
