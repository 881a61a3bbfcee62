"""Two ingests and searches at once: no lock error reaches a user, and nothing is lost."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.concurrency.conftest import Deployment
from tests.services import BIN, ROOT


def start(deployment: Deployment, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BIN / "docmill", *arguments, "--json"],
        env=deployment.env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> dict:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert "locked" not in (out + err).lower()
    return json.loads(out)


def fill(folder: Path, name: str) -> Path:
    folder.mkdir()
    for number in range(7):
        text = f"# {name} {number}\n\nThe {name} of hall {number} was oiled on day {number + 3}.\n"
        (folder / f"{name}{number}.md").write_text(text)
    return folder


def test_two_ingests_and_searches_at_once(deployment: Deployment, tmp_path: Path):
    folders = [fill(tmp_path / name, name) for name in ("lathe", "crane")]
    ingests = [start(deployment, "ingest", folder, "--runner", deployment.runner) for folder in folders]
    searched = 0  # one after the other, so that the ingests have a core to go on with
    while any(each.poll() is None for each in ingests):
        hits = ended(start(deployment, "search", "When was the crane of hall 3 oiled?"))["hits"]
        assert len({hit["chunk_id"] for hit in hits}) == len(hits)
        searched += 1
    assert searched >= 2
    for done in map(ended, ingests):
        assert (done["new"], done["failed"]) == (7, [])
    assert deployment.faults(*folders) == []
    best = ended(start(deployment, "search", "When was the crane of hall 3 oiled?"))["hits"][0]
    assert best["source_key"].endswith("crane3.md")


@pytest.mark.parametrize("deployment", ["postgresql and milvus lite"], indirect=True)
def test_two_ingests_of_one_folder_at_once(deployment: Deployment, tmp_path: Path):
    folder = fill(tmp_path / "lathe", "lathe")
    ingests = [start(deployment, "ingest", folder, "--runner", "library") for _ in range(2)]
    for done in map(ended, ingests):
        assert done["failed"] == []
    assert deployment.faults(folder) == []
