"""The platform in production's settings on one PostgreSQL behind PgBouncer: Dagster's storage and the ledger.

It has the rights of the role that `deploy/policies/postgresql.sql` makes, and no more.
"""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import helm_python
import pytest
import sqlalchemy as sa
import yaml

from tests.conftest import Run, need
from tests.databases import Postgres, pgbouncer_server, postgres_programs
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


def client(program: str, role: Postgres, database: str, *options: str | Path) -> subprocess.CompletedProcess[str]:
    """A program of PostgreSQL's own, run as a role."""
    programs = postgres_programs()
    assert programs is not None
    place = ["--host", "127.0.0.1", "--port", str(role.port), "--username", role.user, "--dbname", database]
    env = os.environ | {"PGPASSWORD": role.password}
    return subprocess.run([programs / program, *place, *options], capture_output=True, text=True, env=env, check=False)


def roles(server: Postgres, database: str) -> tuple[Postgres, Postgres]:
    """The owner and the reader that the policy makes in a database."""
    for _ in range(2):  # it may be run again
        made = client("psql", server, database, "--file", ROOT / "deploy/policies/postgresql.sql")
        assert (made.returncode, made.stderr) == (0, "")
    for name in ("docmill_owner", "docmill_reader"):
        server.execute(database, f"ALTER ROLE {name} PASSWORD '{server.password}'")
    return replace(server, user="docmill_owner"), replace(server, user="docmill_reader")


def test_documents_become_hits_with_dagster_and_the_ledger_on_postgresql(
    docmill: Run, postgres: Postgres, home: Path, folder: Path
):
    program, name = need("pgbouncer", "pgbouncer"), postgres.create()
    owner, reader = roles(postgres, name)
    with pgbouncer_server(program, owner, pooler(postgres)) as pooled:
        check(docmill, pooled, name, home, folder)
    assert client("pg_dump", reader, name).stdout.count("COPY public.documents (") == 1
    docmill("backup", home / "ledger.backup", DOCMILL_LEDGER_URL=reader.url(name))
    stranger = replace(postgres, user="stranger")
    postgres.execute(name, f"CREATE ROLE stranger LOGIN PASSWORD '{postgres.password}'")
    for role, statement in (
        (owner, "CREATE DATABASE mine"),
        (owner, "CREATE ROLE mine"),
        (owner, "CREATE SCHEMA mine"),
        (owner, "COPY documents TO '/tmp/documents'"),
        (reader, "DELETE FROM documents"),
        (reader, "UPDATE runs SET status = 'FAILURE'"),
        (reader, "CREATE TABLE mine (id int)"),
        (reader, "CREATE TEMP TABLE mine (id int)"),
        (stranger, "SELECT 1"),
    ):
        with pytest.raises(sa.exc.DBAPIError, match=r"InsufficientPrivilege|permission denied for database"):
            role.execute(name, statement)


def check(docmill: Run, pooled: Postgres, name: str, home: Path, folder: Path):
    (home / "dagster").mkdir(parents=True)
    shutil.copy(ROOT / "deploy/dagster.yaml", home / "dagster/dagster.yaml")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    env = {"DOCMILL_LEDGER_URL": pooled.url(name)}

    ingested = docmill("ingest", folder, "--json", "--runner", "dagster", code=2, **env)
    done = json.loads(ingested.stdout)
    assert (done["new"], [each["error"] for each in done["failed"]]) == (3, ["CorruptDocumentError"])
    hits = json.loads(docmill("search", "How much does the pump deliver?", "--json", **env).stdout)["hits"]
    assert hits[0]["source_key"].endswith("pumps.md")

    assert [row[0] for row in pooled.execute(name, "SELECT status FROM runs")] == ["SUCCESS"]
    made = pooled.execute(name, "SELECT DISTINCT asset_key FROM event_logs WHERE asset_key IS NOT NULL")
    assert ('["vector_collection"]',) in made
    assert pooled.execute(name, "SELECT count(*) FROM documents") == [(3,)]
    assert not list(home.glob("ledger.db*"))
    assert not list((home / "dagster").rglob("*.db"))
    assert not any(secret in ingested.stdout + ingested.stderr for secret in (pooled.password, "p%40ss"))
