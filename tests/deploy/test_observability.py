"""What dashboards and alerts name is what the service shows; the numbers are those of the pipeline."""

import json
import re
from pathlib import Path

import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from docmill.batching import form_batches
from docmill.pipeline import run_batch
from docmill.plan import make_plan
from docmill.service.metrics import Metrics
from docmill.workspace import Workspace
from tests.services import ROOT


def shown(workspace: Workspace) -> dict[str, list]:
    """Every sample that the service shows, by name."""
    metrics = Metrics(workspace)
    metrics.requests.labels("GET", "/", "200").inc()
    metrics.seconds.labels("GET", "/").observe(0.1)
    metrics.jobs.labels("parse", "done").observe(1.0)
    found: dict[str, list] = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        found.setdefault(family.name, [])
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def work(workspace: Workspace, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    (batch,) = form_batches(workspace, "default", make_plan(workspace, "default", f"file://{folder}/").pending)
    run_batch(workspace, batch)


def test_every_metric_of_the_dashboard_and_the_alerts_is_shown(workspace: Workspace, folder: Path):
    work(workspace, folder)
    dashboard = json.loads((ROOT / "deploy/grafana/docmill.json").read_text())
    rules = yaml.safe_load((ROOT / "deploy/grafana/alerts.yaml").read_text())
    named = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    named += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    names = {name for expression in named for name in re.findall(r"docmill_\w+", expression)}
    found = set(shown(workspace))
    assert names <= found, names - found


def test_numbers_are_those_of_the_pipeline(workspace: Workspace, folder: Path):
    work(workspace, folder)
    found = shown(workspace)

    def number(name: str, **labels: str) -> float:
        (sample,) = [each for each in found[name] if each.labels == labels]
        return sample.value

    assert number("docmill_documents") == 3
    assert number("docmill_documents_failed") == 1
    assert number("docmill_batches_waiting") == 0
    assert number("docmill_stage_documents_total", stage="extracted_elements", end="failed") == 1
    assert number("docmill_stage_documents_total", stage="vector_collection", end="ok") == 2
    assert number("docmill_bytes_total") == sum(path.stat().st_size for path in folder.iterdir())
    assert number("docmill_stage_cpu_seconds_total", stage="extracted_elements") > 0
    assert number("docmill_tokens_total") > 0
