"""A package with an extractor is really installed, and docmill reads with it what it could not read, or otherwise."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from docmill.config import ExtractConfig
from docmill.errors import ConfigError, ReaderError
from docmill.extract import extractors
from docmill.extract.registry import read
from docmill.inference.memory import HashEmbedder
from docmill.settings import Settings
from docmill.workspace import Workspace
from tests.services import BIN, ROOT

CALENDAR = """BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Pump maintenance\r\nDTSTART:20261124T090000
LOCATION:Hall 3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder that the example package is installed in."""
    folder = tmp_path_factory.mktemp("site")
    command = [BIN / "uv", "pip", "install", "-q", "--target", folder, "--no-deps", ROOT / "examples/extractor"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(autouse=True)
def _fresh():
    extractors.installed.cache_clear()
    yield
    extractors.installed.cache_clear()


def entry(monkeypatch, tmp_path: Path, *classes: str) -> None:
    """Packages whose extractors are written in the test, found as installed ones are."""
    for number, code in enumerate(classes):
        monkeypatch.delitem(sys.modules, f"plugged{number}", raising=False)
        (tmp_path / f"plugged{number}.py").write_text(code)
        info = tmp_path / f"plugged{number}-1.{number}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plugged{number}\nVersion: 1.{number}\n")
        (info / "entry_points.txt").write_text(f"[docmill.extractors]\nplug{number} = plugged{number}:Plug\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()


def test_installed_package_reads_its_type(site, tmp_path, docmill):
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents/maintenance.ics").write_text(CALENDAR)
    path = f"{site}{os.pathsep}{ROOT}"
    docmill("ingest", tmp_path / "documents", "--runner", "library", PYTHONPATH=path)
    assert "Where: Hall 3" in docmill("search", "pump maintenance", PYTHONPATH=path).stdout
    assert "calendar (docmill-calendar 1.0.0) reads text/calendar." in docmill("doctor", PYTHONPATH=path).stdout


OVERRIDE = """
from docmill.extract.extractors import Builder
from docmill.models import ElementType
class Plug:
    media_types = ("text/csv",)
    def claims(self, data, name):
        return ""
    def read(self, data, name, config):
        builder = Builder("text/csv", config)
        builder.add(ElementType.TEXT, f"{len(data.splitlines())} lines of {name}")
        return builder.reading()
"""


def test_extractor_overrides_ours_and_is_named(monkeypatch, tmp_path):
    entry(monkeypatch, tmp_path, OVERRIDE)
    extraction = read(b"a,b\n1,2\n", "document.csv", ExtractConfig()).extraction
    assert [each.text for each in extraction.elements] == ["2 lines of document.csv"]
    assert extraction.metadata["extractor"] == "plug0 (plugged0 1.0)"


def test_elements_are_stale_once_it_is_installed(monkeypatch, tmp_path, home):
    before = Workspace(Settings(home=home), embedder=HashEmbedder()).fingerprints
    entry(monkeypatch, tmp_path, OVERRIDE)
    extractors.installed.cache_clear()
    after = Workspace(Settings(home=home), embedder=HashEmbedder()).fingerprints
    assert before["raw_documents"] == after["raw_documents"]
    assert before["extracted_elements"] != after["extracted_elements"]


def test_two_of_one_type_are_named(monkeypatch, tmp_path):
    entry(monkeypatch, tmp_path, OVERRIDE, OVERRIDE)
    with pytest.raises(ConfigError, match=r"Two extractors read text/csv: plug0.*plug1"):
        extractors.installed()


@pytest.mark.parametrize("code", ["import nowhere", "class Plug:\n    media_types = ()\n", "Plug = None"])
def test_one_that_cannot_work_is_named(monkeypatch, tmp_path, code):
    entry(monkeypatch, tmp_path, code)
    with pytest.raises(ConfigError, match="The extractor 'plug0' of plugged0"):
        extractors.installed()


def test_one_that_fails_to_look_costs_the_document(monkeypatch, tmp_path):
    entry(monkeypatch, tmp_path, OVERRIDE.replace('return ""', 'raise ValueError("odd")'))
    with pytest.raises(ReaderError, match=r"plug0 \(plugged0 1\.0\) failed to look at it"):
        read(b"words", "document.txt", ExtractConfig())
