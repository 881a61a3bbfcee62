"""Searches: what is fused, filtered, seen, left out and paged."""

from dataclasses import replace
from pathlib import Path

import pytest

from docmill.errors import UsageError
from docmill.index import Row
from docmill.index.base import Candidate
from docmill.index.conditions import parse_condition
from docmill.inference.model_config import ModelConfig
from docmill.retrieve import Fusion, SearchMode, SearchOptions, search, search_documents
from docmill.retrieve.context import cited_context, neighbours, passage, verified
from docmill.retrieve.duplicates import distinct
from docmill.retrieve.fusion import Scored, fuse, with_documents, with_pages
from docmill.retrieve.golden import GoldenQuestion, golden_questions, measure
from docmill.workspace import Workspace
from tests.cross_encoder import write_cross_encoder
from tests.support import ingest


def row(name: str, document: str = "d", page: int = 1, text: str = "words") -> Row:
    return Row(name, document, "v", "f", 0, f"s3://b/{document}", text, (), pages=(page,))


def found(*pairs: tuple[str, float]) -> list[Candidate]:
    return [Candidate(row(name), score) for name, score in pairs]


def names(scored: list[Scored]) -> list[str]:
    return [each.row.chunk_id for each in scored]


def test_alpha_weighs_meaning_against_words():
    dense, sparse = found(("a", 0.9), ("b", 0.5)), found(("b", 9.0), ("a", 3.0))
    assert names(fuse(dense, sparse, SearchOptions(alpha=1))) == ["a", "b"]
    assert names(fuse(dense, sparse, SearchOptions(alpha=0))) == ["b", "a"]


def test_ranks_fuse_without_scores_and_ties_are_in_stable_order():
    dense, sparse = found(("b", 0.9), ("a", 0.1)), found(("a", 9.0), ("b", 8.0))
    assert names(fuse(dense, sparse, SearchOptions(fusion=Fusion.RANKS))) == ["a", "b"]


def test_hits_of_a_page_and_the_document_support_each_other():
    scored = [Scored(row("a", page=1), 0.5), Scored(row("b", page=2), 0.45), Scored(row("c", page=2), 0.4)]
    assert names(with_pages(scored, 0.4))[0] == "b"
    other = Scored(row("d", document="e"), 0.3)
    assert names(with_documents([*scored, other], [Candidate(row("x", document="e"), 5.0)], 0.3))[0] == "d"


def test_nearly_the_same_text_is_given_once_and_its_sources_told():
    text = " ".join(f"word{number}" for number in range(60))
    twins = [Scored(row("a", text=text), 1.0), Scored(replace(row("b", "e"), text=text + "."), 0.9)]
    ((kept, also),) = distinct(twins, 5)
    assert (kept.row.chunk_id, also) == ("a", ("s3://b/e",))


def test_filters_and_paging_and_similarity(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    only = SearchOptions(condition=parse_condition("source_key contains pumps"))
    assert {
        hit.source_key.rpartition("/")[2] for hit in search(workspace, "valve", collection="default", options=only)
    } == {"pumps.md"}
    both = search(workspace, "the", collection="default", top_k=2, mode=SearchMode.DENSE)
    second = search(
        workspace, "the", collection="default", top_k=1, mode=SearchMode.DENSE, options=SearchOptions(offset=1)
    )
    assert second == both[1:]
    assert (
        search(workspace, "x", collection="default", mode=SearchMode.DENSE, options=SearchOptions(min_similarity=1))
        == []
    )


def test_feedback_finds_what_is_like_the_first_hits(workspace: Workspace, folder: Path):
    """A note that shares words with the best hit, and none with the question, comes before those that share one."""
    (folder / "like.md").write_text("Inspect bar gauge monthly; replace seals.\n")
    (folder / "seed.md").write_text("Zirconium nozzle: inspect bar gauge monthly; replace seals.\n")
    for number in range(8):
        (folder / f"far{number}.md").write_text(f"Nozzle budget {number}: minutes of the board and its guests.\n")
    ingest(workspace, folder)

    def found(**options: float) -> dict[str, float | None]:
        how = SearchOptions(distinct=False, page_weight=0, **options)
        hits = search(workspace, "zirconium nozzle", collection="default", top_k=20, mode=SearchMode.DENSE, options=how)
        return {hit.source_key.rpartition("/")[2]: hit.similarity for hit in hits}

    plain, fed = found(feedback=0), found(feedback=1)
    assert next(iter(plain)) == "seed.md"
    assert list(plain)[1] != "like.md"
    assert list(fed)[:2] == ["seed.md", "like.md"]
    assert fed == plain  # each with its similarity to the question, whatever it was put in order by
    assert list(found(feedback=1, min_similarity=plain["seed.md"] - 0.01)) == ["seed.md"]


def test_what_a_question_says_of_its_answer_is_not_looked_for(workspace: Workspace, folder: Path):
    (folder / "places.md").write_text("Round to two decimal places: rounding of decimal places.\n")
    ingest(workspace, folder)

    def found(focus: bool) -> list[str]:
        how, asked = SearchOptions(focus=focus), "Which valve? Round your answer to two decimal places."
        hits = search(workspace, asked, collection="default", mode=SearchMode.SPARSE, options=how)
        return [hit.source_key.rpartition("/")[2] for hit in hits]

    assert found(focus=False)[0] == "places.md"
    assert "places.md" not in found(focus=True)
    assert found(focus=True)


def test_reranked_hits_come_first_and_tell_their_score(workspace: Workspace, folder: Path, tmp_path: Path):
    """The cross-encoder of the test gives the longer text more."""
    write_cross_encoder(tmp_path)
    changed = {"rerank_model": "cross", "models": {"cross": ModelConfig(folder=tmp_path, max_tokens=64)}}
    opened = Workspace(
        workspace.settings.model_copy(update=changed), index=workspace.index, embedder=workspace.embedder
    )
    (folder / "long.md").write_text(
        "# Notes\n\nThis is a long note that says a lot of valves and nothing of bars at all.\n"
    )
    ingest(opened, folder)
    hits = search(opened, "valve bar", collection="default", options=SearchOptions(rerank_top_n=2))
    scores = [hit.rerank_score for hit in hits]
    assert scores[0] > scores[1]
    assert scores[2:] == [None] * len(hits[2:])
    opened.close()


def test_whole_documents_are_found_by_content_and_by_metadata(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    assert search_documents(workspace, "valve bar", collection="default")[0].source_key.endswith("valves.md")
    every = search_documents(workspace, "", collection="default")
    assert [hit.source_key.rpartition("/")[2] for hit in every] == ["pumps.md", "valves.md"]


def test_neighbours_and_passages_are_of_the_hit_alone(workspace: Workspace, folder: Path):
    (folder / "long.md").write_text("# Long\n\n" + " ".join(f"Sentence {n} speaks of gaskets." for n in range(200)))
    ingest(workspace, folder)
    hit = search(workspace, "gaskets", collection="default", top_k=1)[0]
    around = neighbours(workspace, hit, frozenset())
    assert {abs(each.ordinal - hit.ordinal) for each in around} <= {0, 1}
    assert {each.document_id for each in around} == {hit.document_id}
    assert hit.chunk_id in {each.chunk_id for each in passage(workspace, hit, frozenset())}


def test_citations_that_do_not_hold_are_dropped(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    hits = search(workspace, "valve V-3 bar", collection="default", top_k=1)
    assert cited_context(hits).startswith("[1] file://")
    answer = verified("The valve closes at 40 bar [1]. It weighs 9 kg [1]. So says the pope [7].", hits)
    assert answer.text == "The valve closes at 40 bar [1]. It weighs 9 kg . So says the pope ."
    assert (answer.cited, len(answer.dropped)) == ((1,), 2)


def test_measures_of_a_question():
    question = GoldenQuestion(question="?", document="d", page=2)
    hits = [_hit(1), _hit(2)]
    answer = measure(question, hits)
    assert (answer.recall[1], answer.recall[5], answer.ranks, answer.reciprocal_rank) == (0.0, 1.0, (2,), 0.5)
    assert answer.ndcg == pytest.approx(0.6309, abs=1e-4)


def _hit(page: int):
    from docmill.models import Hit

    return Hit(
        chunk_id="c",
        score=1,
        text="t",
        collection="x",
        document_id="d",
        version="v",
        source_key="s3://b/d",
        pages=(page,),
    )


def test_wrong_question_is_named(tmp_path: Path):
    path = tmp_path / "golden.yaml"
    path.write_text("- question: a\n  document: a.md\n- page: 3\n")
    with pytest.raises(UsageError, match=r"Question 2 .* question: Field required"):
        golden_questions(path, "default")
