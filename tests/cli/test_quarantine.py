"""`docmill quarantine`: a failed document is set aside until its object changes."""

from pathlib import Path

LIBRARY = ("--runner", "library")


def numbers(ask) -> tuple[int, int, int]:
    (found,) = ask("status")["collections"]
    return found["searchable"], found["failed"], found["quarantined"]


def test_quarantined_document_is_counted_apart_and_not_tried(ask, folder: Path):
    (folder / "note.md").write_bytes(b"")
    ask("ingest", folder, *LIBRARY, code=2)
    assert numbers(ask) == (2, 1, 0)
    (failed,) = ask("failed", code=2)["failed"]
    assert ask("quarantine", "note.md") == {"quarantined": [f"file://{folder}/note.md"]}
    assert numbers(ask) == (2, 0, 1)
    found = ask("failed")
    assert (found["failed"], [each["document_id"] for each in found["quarantined"]]) == ([], [failed["document_id"]])
    assert found["quarantined"][0]["message"] == failed["message"]
    assert ask("retry", *LIBRARY)["retried"] == 0
    assert ask("ingest", folder, *LIBRARY)["failed"] == []


def test_infected_document_is_told_by_ingest_and_listed_with_the_scanners_word(docmill, folder: Path):
    scanner = {"DOCMILL_SCAN__COMMAND": "sh -c 'if grep -q EICAR; then echo Eicar-Signature; exit 1; fi'"}
    (folder / "note.md").write_text("EICAR")
    assert "1 quarantined: `docmill failed`" in docmill("ingest", folder, *LIBRARY, **scanner).stderr
    told = docmill("failed").stdout
    assert "No document stands failed." in told
    assert "Eicar-Signature" in told


def test_changed_object_leaves_quarantine(ask, folder: Path):
    (folder / "note.md").write_bytes(b"")
    ask("ingest", folder, *LIBRARY, code=2)
    ask("quarantine", "note.md")
    (folder / "note.md").write_text("Pier 4 is open again.")
    ask("ingest", folder, *LIBRARY)
    assert numbers(ask) == (3, 0, 0)


def test_released_document_counts_as_failed_again(ask, folder: Path):
    (folder / "note.md").write_bytes(b"")
    ask("ingest", folder, *LIBRARY, code=2)
    ask("quarantine", "note.md")
    assert ask("quarantine", "note.md", "--release") == {"released": [f"file://{folder}/note.md"]}
    assert numbers(ask) == (2, 1, 0)


def test_document_that_did_not_fail_is_told(filled: Path, docmill):
    assert "No failed document is named pumps.md." in docmill("quarantine", "pumps.md", code=1).stderr
