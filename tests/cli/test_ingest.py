"""`docmill ingest`: what is there becomes searchable; what is wrong is told in a sentence."""

import json
import os
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from docmill.plan import parts
from tests.services import BIN, ROOT, SECRET_KEY, free_port, s3_environment

LIBRARY = ("--runner", "library")


def clear(text: str) -> str:
    """The message, which is no traceback."""
    assert "Traceback" not in text
    assert text.strip()
    return text


def test_bad_documents_fail_alone_and_are_named(filled: Path):
    out = clear((filled / "stdout").read_text())
    assert (filled / "code").read_text() == "2"
    assert "2 failed; the others are searchable:" in out
    for name in ("encrypted.pdf", "truncated.docx"):
        assert f"✗ {filled}/documents/{name}  extracted_elements, permanent" in out
    assert "empty_password.pdf" not in out


def test_name_that_belies_the_content_is_noted(filled: Path):
    noted = (filled / "stderr").read_text()
    assert "png_named.pdf: The name ends in .pdf, but the content is that of a PNG picture." in noted


def test_second_ingest_does_nothing_and_tells_who_stands_failed(filled: Path, ask):
    answer = ask("ingest", filled / "documents", *LIBRARY, code=2)
    assert (answer["new"], answer["changed"], answer["unchanged"]) == (0, 0, 6)
    assert len(answer["failed"]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/no/[/b]/such"], "/no/[/b]/such does not exist."),
        (["s3://"], "names no bucket"),
        (["gs://bucket/a"], "is not an address of a store"),
        (["--nonsense"], "No such option"),
        ([], "Missing argument"),
    ],
)
def test_wrong_command_line_is_told(docmill, arguments: list[str], words: str):
    assert words in clear(docmill("ingest", *arguments, code=1).stderr)


def test_mode_is_that_of_the_run_and_the_settings_make_it_good(docmill, ask, tmp_path: Path):
    (tmp_path / "documents").mkdir()
    shutil.copy(ROOT / "examples" / "documents" / "scanned_letter.pdf", tmp_path / "documents")
    looked = docmill("ingest", tmp_path / "documents", "--mode", "fast", *LIBRARY, code=2)
    assert "OCR is off in fast mode" in looked.stdout
    assert "This was read in mode fast. The settings say auto" in looked.stderr
    assert "DOCMILL_PIPELINE__EXTRACT__MODE" not in os.environ
    again = ask("ingest", tmp_path / "documents", *LIBRARY)
    assert (again["unchanged"], again["failed"]) == (1, [])
    assert docmill("ingest", tmp_path / "documents", "--mode", "auto", *LIBRARY).stderr == ""


def test_empty_folder_is_told(docmill, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    assert "holds no documents" in clear(docmill("ingest", tmp_path / "empty", *LIBRARY, code=1).stderr)


def test_empty_file_alone_fails(docmill, tmp_path: Path):
    (tmp_path / "empty.pdf").write_bytes(b"")
    done = docmill("ingest", tmp_path / "empty.pdf", *LIBRARY, code=2)
    assert "empty.pdf has 0 bytes." in clear(done.stdout)


def test_error_is_json_where_that_was_asked_for(docmill):
    done = docmill("ingest", "/no/such", "--json", code=1)
    assert json.loads(done.stdout) == {
        "error": "SourceError",
        "message": "/no/such does not exist.",
        "hint": "Check the path.",
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DOCMILL_COLECTION", "x", "Did you mean DOCMILL_COLLECTION?"),
        ("DOCMILL_BATCH__SIZE", "7", "batch.SIZE"),
        ("DOCMILL_LEDGER_URL", "nonsense", "not a SQLAlchemy URL"),
        ("DOCMILL_HOME", "/proc/nowhere", "folder of the ledger cannot be made"),
        ("DOCMILL_PIPELINE__EMBED__MODEL", "other", "There is no embedding model 'other'"),
    ],
)
def test_wrong_setting_is_told(docmill, folder: Path, name: str, value: str, words: str):
    error = clear(docmill("ingest", folder, *LIBRARY, code=1, **{name: value}).stderr)
    assert words.lower() in error.lower()


def test_full_disk_is_told_and_the_same_command_resumes(docmill, ask, folder: Path, environment, tmp_path: Path):
    """A file may not grow beyond 32 KB at first: the ledger does."""
    command = f"ulimit -f 32; exec {BIN}/docmill ingest {folder} --runner library"
    done = subprocess.run(["bash", "-c", command], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    clear(done.stderr)
    answer = ask("ingest", folder, *LIBRARY)
    assert answer["stages"][-1]["ok"] == 2


def test_source_is_gone_through_in_parts_that_are_told(docmill, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("docmill.cli.ingest.parts", partial(parts, limit=1))
    done = docmill("ingest", folder, *LIBRARY)
    assert "2 new" in done.stdout
    assert "2 objects compared" in done.stderr
    (folder / "pumps.md").rename(folder / "renamed.md")
    assert "1 new, 1 unchanged, 1 gone" in docmill("ingest", folder, *LIBRARY).stdout


def test_bucket_is_ingested(installed, s3, s3_endpoint: str, bucket: str):
    s3.put_object(Bucket=bucket, Key="in/a.md", Body=b"The ferry leaves at 07:40.")
    s3.put_object(Bucket=bucket, Key="other/b.md", Body=b"Not this one.")
    done = installed("ingest", f"s3://{bucket}/in", *LIBRARY, "--json", **s3_environment(s3_endpoint))
    answer = json.loads(done.stdout)
    assert (answer["source"], answer["new"], answer["failed"]) == (f"s3://{bucket}/in/", 1, [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "a-wrong-secret"}, "access refused"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:{port}"}, "cannot be reached"),
        ({}, "The bucket of s3://no-such-bucket/in/ does not exist."),
    ],
)
def test_s3_trouble_is_told_without_secrets(docmill, s3_endpoint: str, change: dict[str, str], words: str):
    env = s3_environment(s3_endpoint) | {key: value.format(port=free_port()) for key, value in change.items()}
    error = clear(docmill("ingest", "s3://no-such-bucket/in", *LIBRARY, code=1, **env).stderr)
    assert words in " ".join(error.split())
    assert SECRET_KEY not in error
    assert "a-wrong-secret" not in error


def test_interrupted_ingest_resumes(ask, environment, tmp_path: Path):
    documents = tmp_path / "documents"
    documents.mkdir()
    for number in range(300):
        (documents / f"{number:03}.md").write_text(f"# Part {number}\n\nThe part number {number} is made of steel.")
    command = [BIN / "docmill", "ingest", documents, *LIBRARY]
    started = subprocess.Popen(
        command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    for line in started.stderr:
        if "extracted_elements" in line:
            break
    time.sleep(1.0)
    os.killpg(started.pid, signal.SIGINT)  # as a terminal does: to the command and all its workers
    rest = started.communicate(timeout=120)[1]
    assert started.returncode == 130
    assert "the same command resumes" in clear(rest)
    answer = ask("ingest", documents, *LIBRARY)
    stages = {each["stage"]: each for each in answer["stages"]}
    assert stages["raw_documents"]["worked_on"] < 300
    assert ask("status")["collections"][0]["searchable"] == 300
    assert answer["failed"] == []


def test_many_deletions_are_refused_until_forced(docmill, ask, folder: Path):
    ask("ingest", folder, *LIBRARY)
    for path in folder.iterdir():
        path.unlink()
    assert "nothing is deleted" in clear(docmill("ingest", folder, *LIBRARY, code=1).stderr)
    assert ask("ingest", folder, *LIBRARY, "--force")["gone"] == 2
    assert ask("search", "pump")["hits"] == []


def test_unknown_runner_is_refused_before_anything_is_done(docmill, folder: Path, home: Path):
    for command in (["ingest", folder], ["reconcile"], ["retry"]):
        assert "There is no runner 'spark' here" in docmill(*command, "--runner", "spark", code=1).stderr
    assert not (home / "ledger.db").exists()
