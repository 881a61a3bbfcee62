"""`docmill parse`: what stands in one document."""

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from docmill.cli.app import app
from docmill.extract.outputs import Form
from tests.cli.conftest import DATA
from tests.services import ROOT, s3_environment
from tests.test_scan import COMMAND


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


PAGE = (ROOT / "docs/parse.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", re.findall(r"^(?:[A-Z_]+=\S+ )?docmill parse.*$", PAGE, re.MULTILINE))
def test_commands_of_the_page_run(docmill, tmp_path: Path, line: str):
    words = shlex.split(line, comments=True)
    env = dict(word.split("=") for word in words if word.startswith("DOCMILL_"))
    arguments = [str(tmp_path / "out") if word == "out" else word for word in words[words.index("docmill") + 1 :]]
    if "examples/documents" in arguments:
        arguments += ["--mode", "fast", "--dpi", "40"]  # as fast as can be: what is read is not what is tested
    broken = "examples/documents" in line and "price_list" not in line
    done = docmill(*arguments, code=1 if broken else 0, **env)
    assert done.stdout.strip() or any((tmp_path / "out").iterdir())
    assert ("broken.pdf" in done.stderr) == broken


def test_the_page_names_every_form_and_option():
    assert [form for form in Form if f"| `{form}` |" not in PAGE] == []
    options = [name for part in get_command(app).commands["parse"].params for name in part.opts if name[:2] == "--"]
    assert [name for name in options if f"{name}" not in PAGE and name not in ("--format", "--output")] == []


def test_python_of_the_page_runs(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], {})
    assert "price_list/overlay/page-0002.png" in capsys.readouterr().out


def test_objects_of_a_bucket_are_read_by_their_address(docmill, bucket: str, s3, s3_endpoint: str, tmp_path: Path):
    for key in ("a/pumps.md", "a/b/valves.md"):
        s3.put_object(Bucket=bucket, Key=key, Body=f"# {key}\n\nText.".encode())
    env = {**s3_environment(s3_endpoint), "DOCMILL_S3_ENDPOINT_URL": s3_endpoint}
    assert docmill("parse", f"s3://{bucket}/a/pumps.md", **env).stdout.startswith("# a/pumps.md")
    done = docmill("parse", f"s3://{bucket}/a", "-o", tmp_path / "out", "--json", **env)
    sources = {each["source"] for each in json.loads(done.stdout)["documents"]}
    assert sources == {f"s3://{bucket}/a/pumps.md", f"s3://{bucket}/a/b/valves.md"}
    assert (tmp_path / "out" / "b" / "valves.md").read_text().startswith("# a/b/valves.md")
    assert "nothing lies below it" in docmill("parse", f"s3://{bucket}/none", code=1, **env).stderr


def test_files_are_scanned_before_they_are_read(docmill, folder: Path, tmp_path: Path):
    (folder / "bad.md").write_text("# EICAR\n")
    alone = docmill("parse", folder / "bad.md", code=1, DOCMILL_SCAN__COMMAND=COMMAND)
    assert (alone.stdout, "The scanner found Eicar-Signature in bad.md" in alone.stderr) == ("", True)
    several = docmill("parse", folder, "-o", tmp_path / "out", code=1, DOCMILL_SCAN__COMMAND=COMMAND)
    assert "Eicar-Signature" in several.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["pumps.md", "valves.md"]
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"title": {"type": "string"}}}')
    extracted = docmill("extract", folder / "bad.md", "--schema", schema, code=1, DOCMILL_SCAN__COMMAND=COMMAND)
    assert "Eicar-Signature" in extracted.stderr
