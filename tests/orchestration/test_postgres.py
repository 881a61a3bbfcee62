"""The platform in production's settings on one PostgreSQL behind PgBouncer: Dagster's storage and the ledger."""

import json
import shutil
from pathlib import Path

import helm_python
import yaml

from tests.conftest import Run, need
from tests.databases import Postgres, pgbouncer_server
from tests.services import ROOT


def pooler(server: Postgres) -> str:
    """The configuration of PgBouncer that the Helm chart writes."""
    values = {
        "image": {"repository": "i"},
        "secretName": "s",
        "pgbouncer": {"enabled": True, "image": "i", "secretName": "s", "host": "127.0.0.1", "port": server.port},
    }
    with helm_python.Chart.load(ROOT / "deploy/helm/docmill") as chart:
        text = chart.render(values, name="d", namespace="d")["docmill/templates/pgbouncer.yaml"]
    return next(yaml.safe_load_all(text))["data"]["pgbouncer.ini"]


def test_documents_become_hits_with_dagster_and_the_ledger_on_postgresql(
    docmill: Run, postgres: Postgres, home: Path, folder: Path
):
    program = need("pgbouncer", "pgbouncer")
    with pgbouncer_server(program, postgres, pooler(postgres)) as pooled:
        check(docmill, pooled, postgres, home, folder)


def check(docmill: Run, pooled: Postgres, postgres: Postgres, home: Path, folder: Path):
    name = postgres.create()
    (home / "dagster").mkdir(parents=True)
    shutil.copy(ROOT / "deploy/dagster.yaml", home / "dagster/dagster.yaml")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    env = {"DOCMILL_LEDGER_URL": pooled.url(name)}

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
