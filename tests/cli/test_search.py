"""`docmill search`: hits with what proves them."""

from pathlib import Path


def test_best_hit_comes_first_with_its_place(filled: Path, ask):
    hits = ask("search", "How much does the pump deliver?")["hits"]
    assert hits[0]["source_key"] == f"file://{filled}/documents/pumps.md"
    assert hits[0]["section"] == ["Pumps"]
    assert hits[0]["dense_rank"] == 1


def test_hits_are_for_people_too(filled: Path, docmill):
    out = docmill("search", "valve V-3", "-k", "1", "--mode", "sparse").stdout
    assert "1. " in out
    assert "valves [old].md" in out
    assert "closes at [/b] 40 bar" in out
    assert "2. " not in out


def test_password_less_pdf_is_found(filled: Path, ask):
    hits = ask("search", "The user password of this file is empty")["hits"]
    assert hits[0]["source_key"].endswith("empty_password.pdf")
    assert hits[0]["pages"] == [1]
    assert hits[0]["regions"][0]["page"] == 1


def test_unknown_collection_has_no_hits(filled: Path, docmill):
    done = docmill("search", "pump", "--collection", "nothing")
    assert "No hits: the collection 'nothing' is empty or does not exist." in done.stderr


def test_filters_that_let_nothing_through_are_told_from_an_empty_collection(filled: Path, docmill):
    told = docmill("search", "valve", "--filter", "yaer >= 2020").stderr
    assert "passes these access tags and filters" in told
    assert "empty" not in told


def test_text_around_a_hit_is_given(filled: Path, ask, docmill):
    (hit, *_) = ask("search", "valve V-3", "--context", "section")["hits"]
    assert hit["chunk_id"] in [each["chunk_id"] for each in hit["context"]]
    out = docmill("search", "valve V-3", "-k", "1", "--context", "neighbours").stdout
    assert "closes at [/b] 40 bar" in out


def test_empty_question_is_told(filled: Path, docmill):
    assert "The question is empty." in docmill("search", " ", code=1).stderr


def test_unknown_option_is_named_with_the_page_that_lists_them(docmill):
    told = docmill("search", "x", "--options", '{"alfa": 1}', code=1).stderr
    assert "alfa" in told
    assert "docs/retrieval.md" in told
