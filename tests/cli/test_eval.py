"""`docmill eval` and `docmill reindex`: how well questions are answered, and what two outputs have otherwise."""

import json
from pathlib import Path

from tests.services import ROOT

PRICES = ROOT / "examples/documents/price_list.pdf"
LIBRARY = ("--runner", "library")


def kept(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_two_parsings_are_compared_element_by_element(docmill, ask, tmp_path: Path):
    parsed = docmill("parse", PRICES, "--mode", "fast", "--format", "json").stdout
    before = kept(tmp_path / "before.json", parsed)
    after = kept(tmp_path / "after.json", parsed.replace("2,840.00", "2,480.00").replace("Price List", "Prices", 1))
    found = ask("eval", "diff", before, after)
    assert found["counts"] == {"gone": 0, "new": 0, "text": 2, "type": 0, "place": 0}
    assert "Prices 2025" in docmill("eval", "diff", before, after).stdout
    assert "no difference" in docmill("eval", "diff", before, before).stdout


def test_evaluations_are_compared_and_nothing_else(filled: Path, docmill, ask, tmp_path: Path):
    golden = kept(tmp_path / "golden.jsonl", '{"question": "valve V-3", "document": "valves [old].md"}')
    found = ask("eval", "retrieval", "--questions", golden)
    assert found["summary"]["recall@5"] == 1
    before = kept(tmp_path / "before.json", json.dumps(found))
    found["answers"][0]["ndcg@10"] = 0.5
    after = kept(tmp_path / "after.json", json.dumps(found))
    assert ask("eval", "diff", before, after)["changed"] == [{"question": "valve V-3", "before": 1.0, "after": 0.5}]
    assert "no evaluation" in docmill("eval", "diff", before, kept(tmp_path / "other.json", "{}"), code=1).stderr
    assert "no JSON object" in docmill("eval", "diff", before, golden.with_name("nothing"), code=1).stderr


def test_questions_that_nothing_can_answer_are_told(filled: Path, docmill, tmp_path: Path):
    lost = kept(tmp_path / "lost.jsonl", '{"question": "valve V-3", "document": "elsewhere.md"}')
    assert "'elsewhere.md', which questions name" in docmill("eval", "retrieval", "--questions", lost).stderr
    vague = kept(tmp_path / "vague.jsonl", '{"question": "valve V-3"}')
    assert "does not say what answers it" in docmill("eval", "retrieval", "--questions", vague, code=1).stderr
    assert "--questions FILE" in docmill("eval", "retrieval", "--questions", tmp_path / "none.jsonl", code=1).stderr


def test_reindex_tells_what_the_golden_questions_found_and_reconcile_drops_what_is_out_of_grace(
    folder: Path, docmill, ask, tmp_path: Path
):
    golden = kept(tmp_path / "golden.jsonl", '{"question": "valve V-3", "document": "valves.md"}')
    ask("ingest", folder, *LIBRARY)
    changed = {"DOCMILL_PIPELINE__CHUNK__MAX_TOKENS": "64", "DOCMILL_GOLDEN_QUESTIONS": str(golden)}
    done = docmill("reindex", *LIBRARY, **changed)
    assert ("is live" in done.stdout, "recall@5" in done.stdout, "live before" in done.stdout) == (True, True, True)
    left = docmill("reconcile", "--json", *LIBRARY, **changed).stdout
    assert json.loads(left)["dropped_generations"] == []
    gone = docmill("reconcile", "--json", *LIBRARY, **changed, DOCMILL_GRACE_HOURS="0").stdout
    assert len(json.loads(gone)["dropped_generations"]) == 1
