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


def test_outputs_of_several_documents_go_into_a_folder(ask, folder: Path, tmp_path: Path):
    out = tmp_path / "out"
    found = ask("parse", folder, "-o", out, "-f", "markdown,json")["documents"]
    assert [each["ok"] for each in found] == [True, True]
    assert sorted(path.name for path in out.iterdir()) == ["pumps.json", "pumps.md", "valves.json", "valves.md"]


def test_one_bad_document_does_not_stop_the_others(docmill, folder: Path, tmp_path: Path):
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 no more")
    (folder / "pumps.txt").write_text("Pumps again.")
    done = docmill("parse", folder, "-o", tmp_path / "out", code=1)
    assert "bad.pdf" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["pumps.md.md", "pumps.txt.md", "valves.md"]


def test_a_pattern_and_page_pictures(docmill, tmp_path: Path):
    documents = Path(__file__).parents[2] / "examples/documents"
    docmill("parse", f"{documents}/two_col*.pdf", "-o", tmp_path, "-f", "overlay,pages", "--pages", "2", "--dpi", "40")
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png"))
    assert names == ["two_columns/overlay/page-0002.png", "two_columns/pages/page-0002.png"]


def test_the_password_comes_from_a_file_or_the_environment(docmill, tmp_path: Path):
    (tmp_path / "right").write_text("open-sesame\n")
    assert docmill("parse", DATA / "encrypted.pdf", "--password-file", tmp_path / "right").stdout.strip()
    error = docmill("parse", DATA / "encrypted.pdf", code=1, DOCMILL_PASSWORD="hush-hush").stderr
    assert "encrypted.pdf: The password does not open" in error
    assert "hush-hush" not in error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-f", "docx"], "no format"),
        (["-f", "overlay"], "cannot be printed"),
        (["--pages", "0"], "names no pages"),
        (["--pages", "1"], "no pages to choose"),
        (["--without", "logo"], "no type of element"),
        (["--tables", "latex"], "no way to write tables"),
    ],
)
def test_a_wrong_wish_is_told(docmill, folder: Path, options: list[str], words: str):
    assert words in " ".join(docmill("parse", folder / "pumps.md", *options, code=1).stderr.split())
