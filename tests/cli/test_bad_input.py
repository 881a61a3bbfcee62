"""What cannot be done is told by its name with the way out, whatever the command: never a traceback."""

from pathlib import Path

import pytest

from tests.cli.conftest import DATA

SCHEMA = '{"type": "object", "properties": {"title": {"type": "string"}}}'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with what is no JSON, a PDF that is none, a schema, and a backup that is none."""
    for name, text in (("a.json", "{"), ("b.pdf", "%PDF-1.7\nnothing"), ("s.json", SCHEMA), ("x.backup", "x")):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("ingest {0}/none", "none does not exist"),
        ("plan s3://Bad_Bucket", "Bad_Bucket"),
        ("parse {1}/encrypted.pdf --password-file {0}/none", "none: It cannot be read"),
        ("parse {0}/b.pdf --pages x", "'x' names no pages"),
        ("parse {0}/b.pdf -f pdf", "'pdf' is no format"),
        ("parse {0}/b.pdf --mode best", "best"),
        ("extract {0}/b.pdf --schema {0}/s.json", "b.pdf: The PDF"),
        ("extract {0}/b.pdf --schema {0}/a.json", "a.json is not JSON"),
        ("schemas generate {0}/b.pdf", "b.pdf: The PDF"),
        ("schemas generate {0}/a.json", "a.json is not JSON"),
        ("schemas add x {0}/a.json", "a.json is not JSON"),
        ("restore {0}/x.backup", "x.backup is no backup"),
        ("reindex -c nothing", "no document in 'nothing'"),
        ("rebuild -c nothing", "no document in 'nothing'"),
        ("eval diff {0}/a.json {0}/a.json", "a.json is no JSON"),
        ("usage --by moon", "'moon'"),
        ("serve --port 99999", "65535"),
        ("dev --port 99999", "65535"),
    ],
)
def test_error_names_what_is_wrong(docmill, place: Path, command: str, named: str):
    error = docmill(*command.format(place, DATA).split(), code=1, AWS_ENDPOINT_URL_S3="http://127.0.0.1:1").stderr
    assert named in " ".join(error.split())
    assert "Traceback" not in error
    assert "Please report" not in error


def test_empty_collection_has_no_answer_and_says_so(docmill):
    assert "'nothing' is empty or does not exist" in docmill("answer", "x", "-c", "nothing").stderr
