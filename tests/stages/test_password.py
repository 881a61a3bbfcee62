"""Encrypted documents of a source are opened by the settings' password."""

import shutil
from pathlib import Path

import pytest
from pydantic import SecretStr

from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.settings import BatchLimits, Settings
from docmill.workspace import Workspace
from tests.services import ROOT
from tests.support import failures, ingest, searchable


@pytest.mark.parametrize(("password", "found"), [("open-sesame", {"encrypted.pdf"}), ("wrong", set())])
def test_the_password_opens_encrypted_documents(home: Path, tmp_path: Path, password: str, found: set[str]):
    folder = tmp_path / "documents"
    folder.mkdir()
    shutil.copy(ROOT / "tests/data/encrypted.pdf", folder)
    settings = Settings(home=home, batch=BatchLimits(settle_seconds=0), password=SecretStr(password))
    workspace = Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder())
    ingest(workspace, folder)
    assert set(searchable(workspace)) == found
    assert [password in failure.outcome.message for failure in failures(workspace).values()] == [False] * (not found)
    workspace.close()
