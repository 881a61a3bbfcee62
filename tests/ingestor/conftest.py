"""Small documents made for the tests, and an ingestor with a home of its own."""

from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest

from docmill import Ingestor
from docmill.settings import Settings

PAGES = ["The aardvark inventory closed at 4,117 units.", "The borealis contract ends in March."]


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with two good documents and a broken one."""
    folder = tmp_path / "papers"
    folder.mkdir()
    with pymupdf.open() as document:
        for text in PAGES:
            document.new_page().insert_text((60, 80), text)
        document.save(folder / "alpha.pdf")
    (folder / "notes.md").write_text("# Notes\n\nThe *marmot* ledger, line 42.\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 this is not a document")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, workers={"processes": 1})


@pytest.fixture
def ingestor(settings: Settings) -> Callable[..., Ingestor]:
    return lambda *arguments: Ingestor(*arguments, settings=settings)
