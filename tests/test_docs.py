"""The documentation says what the code does: pages are current, commands run, links and numbers hold."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from orchestration.definitions import defs
from tests.services import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def _generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["cli", "configuration", "formats"])
def test_generated_page_is_current(page: str):
    written = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    assert written == getattr(_generator(), f"{page}_page")(), "run docs/generate.py"


def test_readme_is_short():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        "docs/operations.md",
        "docs/deploy.md",
        "docs/threat-model.md",
        "docs/architecture.md",
        "docs/media.md",
        "docs/parse.md",
        "docs/extractors.md",
        "docs/retrieval.md",
        "docs/http.md",
        "docs/migrate-from-llamacloud.md",
        "docs/migrate-from-nv-ingest.md",
        "docs/migrate-from-retab.md",
    ],
)
def test_links_lead_somewhere(page: str):
    base = (ROOT / page).parent
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        assert (base / target).exists(), target


def test_operations_name_every_job_sensor_and_schedule():
    repository = defs.get_repository_def()
    names = [job.name for job in repository.get_all_jobs() if not job.name.startswith("__")]
    names += [sensor.name for sensor in repository.sensor_defs]
    names += [schedule.name for schedule in repository.schedule_defs]
    assert [name for name in names if f"`{name}`" not in OPERATIONS] == []


def test_operations_name_every_check():
    checks = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    assert [name for name in checks if f"`{name}`" not in OPERATIONS] == []


def test_readme_commands_run(docmill):
    block = re.search(r"## Use it\n\n```sh\n(.*?)```", README, re.DOTALL)
    lines = [line.split("#")[0].split() and shlex.split(line, comments=True) for line in block[1].splitlines()]
    codes = {"ingest": 2, "failed": 2}
    for command in lines:
        assert Path(command[0]).name == "docmill"
        done = docmill(*command[1:], code=codes.get(command[1], 0))
        assert done.stdout.strip()
