"""`docmill explain`: the proof of a hit."""

from pathlib import Path


def test_hit_is_proven(filled: Path, ask, docmill):
    (hit, *_) = ask("search", "valve V-3")["hits"]
    proof = ask("explain", hit["chunk_id"])
    assert proof["proven"]
    assert [each["stage"] for each in proof["stages"]][-1] == "vector_collection"
    out = docmill("explain", hit["chunk_id"]).stdout
    assert out.count("✓") == 3
    assert "closes at [/b] 40 bar" in out


def test_unknown_hit_is_told(filled: Path, docmill):
    assert "holds no chunk '[/b]'" in docmill("explain", "[/b]", code=1).stderr


def test_copies_are_told(home: Path, folder: Path, ask, docmill):
    for name in ("ada", "ben", "cem"):
        (folder / f"{name}.md").write_text("# Letter\n\nThis letter is for its addressee alone and for nobody else.\n")
    docmill("ingest", str(folder), "--runner", "library")
    (hit, *_) = ask("search", "letter for its addressee")["hits"]
    assert len(ask("explain", hit["chunk_id"])["also_in"]) == 2
    assert "Nearly the same stands in" in docmill("explain", hit["chunk_id"]).stdout
    assert "and 1 more documents." in docmill("search", "letter for its addressee").stdout
