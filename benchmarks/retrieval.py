"""Finds the page that answers a question: FinanceBench's reports, through docmill's own pipeline and search.

    git clone https://github.com/patronus-ai/financebench FINANCEBENCH     # its licence is not stated: commit nothing
    python benchmarks/retrieval.py finance FINANCEBENCH HOME [--split development|judging|all]
    python benchmarks/retrieval.py cranfield CRANFIELD HOME

HOME keeps what was parsed and embedded, so that a second run only searches. Page recall@k is the share of a question's
evidence pages among the first k distinct (document, page) hits. The development half are the questions whose id has an
even first byte of its sha256.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import re
import statistics
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from docmill.batching import form_batches
from docmill.index import Space, VectorIndex
from docmill.index.base import Candidate, Where
from docmill.index.conditions import condition_of
from docmill.models import Hit
from docmill.pipeline import run_batch
from docmill.plan import make_plan
from docmill.retrieve import Fusion, SearchMode, SearchOptions, search
from docmill.settings import BatchLimits, Settings, WorkerLimits
from docmill.sources import resolve_source
from docmill.standing import unfinished
from docmill.workspace import Workspace

DEPTHS = (1, 5, 10)
POOL = 60
"""Hits that are read to find ten distinct pages."""
RUNS: dict[str, tuple[SearchMode, SearchOptions]] = {
    "hybrid (the default)": (SearchMode.HYBRID, SearchOptions()),
    "hybrid, scores alone": (SearchMode.HYBRID, SearchOptions(page_weight=0, document_weight=0, distinct=False)),
    "hybrid, ranks (RRF)": (SearchMode.HYBRID, SearchOptions(fusion=Fusion.RANKS, distinct=False)),
    "hybrid, without feedback": (SearchMode.HYBRID, SearchOptions(feedback=0)),
    "dense": (SearchMode.DENSE, SearchOptions(distinct=False)),
    "dense, without feedback": (SearchMode.DENSE, SearchOptions(distinct=False, feedback=0)),
    "sparse (BM25)": (SearchMode.SPARSE, SearchOptions(distinct=False)),
    "hybrid, without thesaurus": (SearchMode.HYBRID, SearchOptions(expand=False)),
    "dense, without thesaurus": (SearchMode.DENSE, SearchOptions(distinct=False, expand=False)),
    "sparse, without thesaurus": (SearchMode.SPARSE, SearchOptions(distinct=False, expand=False)),
}
Page = tuple[str, int]


def ingested(home: Path, source: Path, collection: str, index: VectorIndex | None = None) -> Workspace:
    """A workspace whose collection holds the source, in that index or Milvus Lite."""
    limits = {"batch": BatchLimits(settle_seconds=0), "workers": WorkerLimits(processes=2)}
    settings = Settings(home=home, pipeline={"extract": {"mode": "fast", "crops": False}}, **limits)
    workspace = Workspace(settings, index=index)
    plan = make_plan(workspace, collection, resolve_source(workspace, str(source)))
    form_batches(workspace, collection, plan.pending)
    for batch in unfinished(workspace, collection):
        run_batch(workspace, batch)
    return workspace


def questions(folder: Path, split: str) -> Iterator[dict]:
    """The questions of the split whose documents are there."""
    for line in (folder / "data/financebench_open_source.jsonl").read_text().splitlines():
        question = json.loads(line)
        even = hashlib.sha256(question["financebench_id"].encode()).digest()[0] % 2 == 0
        there = (folder / "pdfs" / f"{question['doc_name']}.pdf").exists()
        if there and split in ("all", "development" if even else "judging"):
            yield question


def pages(hits: Sequence[Hit]) -> list[Page]:
    """The distinct (document, page) of the hits, in their order; a chunk of two pages gives both."""
    return list(dict.fromkeys((Path(hit.source_key).stem, page) for hit in hits for page in hit.pages))


class Remembering:
    """An index that asks another one once for the same: the runs differ in what they do with the same candidates."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self._found: dict[tuple[object, ...], list[Candidate]] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    def search_vector(
        self, collection: str, space: Space, vector: Sequence[float], limit: int, where: Where, *, vectors: bool
    ) -> list:
        """What the other one gives."""
        key = ("dense", tuple(vector), limit, repr(where), vectors)
        if key not in self._found:
            found = self._index.search_vector(collection, space, vector, limit, where, vectors=vectors)
            self._found[key] = found
        return self._found[key]

    def search_words(self, collection: str, space: Space, terms: str, limit: int, where: Where) -> list:
        """What the other one gives."""
        key = ("sparse", terms, limit, repr(where))
        if key not in self._found:
            self._found[key] = self._index.search_words(collection, space, terms, limit, where)
        return self._found[key]


def finance(folder: Path, home: Path, split: str) -> None:
    """Print a row a run: page recall@1/5/10 and nDCG@10 over the whole store, and with the right document known."""
    workspace = ingested(home, folder / "pdfs", "finance")
    asked = list(questions(folder, split))
    print(f"{len(asked)} questions, {split}; {len(workspace.ledger.documents('finance'))} documents", flush=True)
    with workspace.index.session():
        print(f"CPU s a question (20 asked, one process): {_cost(workspace, 'finance', asked):.2f}", flush=True)
        index: Any = Remembering(workspace.index)
        remembering = Workspace(workspace.settings, index=index, embedder=workspace.embedder)
        for name, (mode, options) in RUNS.items():
            for known in (False, True):
                found = [_page_scores(remembering, question, mode, options, known=known) for question in asked]
                *recalls, ndcg = (statistics.mean(column) for column in zip(*found, strict=True))
                means = " / ".join(f"{mean:.3f}" for mean in recalls)
                print(f"{name:32} {'known' if known else 'store'}  {means}  nDCG@10 {ndcg:.3f}", flush=True)


def _page_scores(
    workspace: Workspace, question: dict, mode: SearchMode, options: SearchOptions, *, known: bool
) -> list[float]:
    """Recall at each depth, and nDCG@10, of the pages that are found; of the right document alone where it is known."""
    where = {"field": "source_key", "op": "contains", "value": f"/{question['doc_name']}.pdf"}
    chosen = options.model_copy(update={"condition": condition_of(where)}) if known else options
    hits = search(workspace, question["question"], collection="finance", top_k=POOL, mode=mode, options=chosen)
    gold = {
        (each.get("doc_name") or question["doc_name"], each["evidence_page_num"] + 1) for each in question["evidence"]
    }
    ranked = pages(hits)
    return [*(len(gold & set(ranked[:k])) / len(gold) for k in DEPTHS), ndcg(ranked[:10], gold)]


def _cost(workspace: Workspace, collection: str, asked: Sequence[dict]) -> float:
    """CPU seconds of a question by the default search, the index being open."""
    search(workspace, "What is opened at the first search?", collection=collection)
    since = time.process_time()
    for question in asked[:20]:
        search(workspace, question["question"], collection=collection)
    return (time.process_time() - since) / len(asked[:20])


def cranfield(folder: Path, home: Path) -> None:
    """Print nDCG@10 of each run over Cranfield's 225 queries; every abstract is a document."""
    source = home / "cranfield"
    source.mkdir(parents=True, exist_ok=True)
    for number, text in _fields(folder / "cran.all.1400.xml", "docno", "text"):
        title = text.partition(".")[0].strip()
        (source / f"{number}.txt").write_text(text.strip() or title)
    queries = [text for _, text in _fields(folder / "cran.qry.xml", "num", "title")]
    relevant: dict[int, set[str]] = {}
    for line in (folder / "cranqrel.trec.txt").read_text().splitlines():
        query, _, document, judged = line.split()
        if int(judged) > 0:
            relevant.setdefault(int(query), set()).add(document)
    workspace = ingested(home, source, "cranfield")
    with workspace.index.session():
        index: Any = Remembering(workspace.index)
        remembering = Workspace(workspace.settings, index=index, embedder=workspace.embedder)
        for name, (mode, options) in RUNS.items():
            scores = []
            for number, query in enumerate(queries, start=1):
                hits = search(remembering, query, collection="cranfield", top_k=30, mode=mode, options=options)
                ranked = list(dict.fromkeys(Path(hit.source_key).stem for hit in hits))[:10]
                scores.append(ndcg(ranked, relevant.get(number, set())))
            print(f"{name:32} nDCG@10 {statistics.mean(scores):.3f}", flush=True)


def _fields(path: Path, number: str, content: str) -> Iterator[tuple[str, str]]:
    """(number, content) of each record; the files are no well-formed XML."""
    pattern = rf"<{number}>\s*(\d+)\s*</{number}>.*?<{content}>(.*?)</{content}>"
    for match in re.finditer(pattern, path.read_text(errors="replace"), re.DOTALL):
        yield match[1], " ".join(match[2].split())


def ndcg(ranked: Sequence[object], relevant: Collection[object]) -> float:
    """Normalised discounted cumulative gain of what is ranked; everything relevant is equally so."""
    gain: Callable[[int], float] = lambda rank: 1 / math.log2(rank + 1)  # noqa: E731
    ideal = sum(gain(rank) for rank in range(1, min(10, len(relevant)) + 1))
    return sum(gain(rank) for rank, name in enumerate(ranked, start=1) if name in relevant) / ideal if ideal else 0.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["finance", "cranfield"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("home", type=Path)
    parser.add_argument("--split", default="development", choices=["development", "judging", "all"])
    given = parser.parse_args()
    if given.what == "finance":
        finance(given.folder, given.home, given.split)
    else:
        cranfield(given.folder, given.home)
