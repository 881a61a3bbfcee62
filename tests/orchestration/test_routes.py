"""How PDF pages were read stands in the metadata of `extracted_elements`, in the snapshot and in the status."""

import os
import shutil
from pathlib import Path

import dagster as dg
import pytest

from docmill.batching import form_batches
from docmill.plan import make_plan
from docmill.routes import shares
from docmill.settings import load_settings
from docmill.status import collection_status
from docmill.workspace import Workspace
from orchestration.definitions import defs
from tests.services import ROOT

pytestmark = pytest.mark.filterwarnings("ignore:InitResourceContext.dagster_run:DeprecationWarning")  # Dagster's own


def test_the_ways_of_pages_are_counted(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in os.environ if name.startswith("DOCMILL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOCMILL_HOME", str(home))
    (tmp_path / "pdfs").mkdir()
    shutil.copy(ROOT / "examples" / "documents" / "price_list.pdf", tmp_path / "pdfs")
    workspace = Workspace(load_settings())
    (batch,) = form_batches(workspace, "default", make_plan(workspace, "default", f"file://{tmp_path}/pdfs/").pending)
    read = [defs.resolve_assets_def(dg.AssetKey(name)) for name in ("raw_documents", "extracted_elements")]
    counted = [defs.resolve_assets_def(dg.AssetKey("collection_snapshot"))]
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("document_batches", [batch])
        done = dg.materialize(read, instance=instance, partition_key=batch)
        (event,) = done.asset_materializations_for_node("extracted_elements")
        seen = dg.materialize(counted, instance=instance)
        (snapshot,) = seen.asset_materializations_for_node("collection_snapshot")
    records = [record.data for record in event.metadata["page_routes"].records]
    assert records
    assert sum(record["pages"] for record in records) == event.metadata["pages"].value
    assert not any("|" in name for name in event.metadata)
    told = shares(collection_status(workspace, "default").routes)
    assert snapshot.metadata["collections"].records[0].data["pdf_pages"] == told != ""
    workspace.close()
