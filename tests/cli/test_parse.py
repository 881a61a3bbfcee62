"""`docmill parse`: what stands in one document."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import DATA


def test_document_is_printed(docmill, folder: Path):
    assert docmill("parse", folder / "pumps.md").stdout.startswith("# Pumps")


def test_document_is_written_as_json(docmill, folder: Path, tmp_path: Path):
    docmill("parse", folder / "pumps.md", "-f", "json", "-o", tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["elements"][0]["text"] == "Pumps"


def test_name_that_belies_the_content_is_noted(docmill):
    done = docmill("parse", DATA / "png_named.pdf")
    assert "I am a PNG" in done.stdout
    assert "the content is that of a PNG picture" in done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("encrypted.pdf", "password"),
        ("zero_bytes.pdf", "no bytes"),
        ("truncated.docx", "not a zip file"),
        ("no.md", "not a"),
    ],
)
def test_bad_document_is_told(docmill, name: str, words: str):
    error = docmill("parse", DATA / name, code=1).stderr
    assert words in error
    assert "Traceback" not in error
