"""Whether search options do well on collections of other kinds: four public ones, by docmill's own search, exactly.

    git clone https://github.com/deepset-ai/COVID-QA              # Apache-2.0: articles, the passage that answers
    git clone https://github.com/google-deepmind/xquad            # CC BY-SA 4.0: the same of encyclopedia articles
    git clone https://github.com/pubmedqa/pubmedqa                # MIT: abstracts, the one that answers
    git clone https://github.com/glaucapicea/ir-model-evaluation  # CISI; no licence is stated: commit nothing of it
    python -m benchmarks.retrieval_sets covidqa|xquad|pubmedqa|cisi CLONE HOME [--questions 200]

Documents are parsed, chunked and embedded by docmill's pipeline; rows lie in memory and all are compared in numpy, so
that differences are those of the options. Prints success@5 (any of what is relevant among the first five) and nDCG@10
a run, and by how much they differ from the first run's: mean, and 95 % of the paired bootstrap.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval import Remembering, ingested, ndcg
from docmill.index import Row, Space
from docmill.index.base import Candidate, Where
from docmill.index.memory import MemoryIndex
from docmill.index.words import inverse_frequency, words_in
from docmill.models import ChunkKind
from docmill.retrieve import Fusion, SearchMode, SearchOptions, search
from docmill.workspace import Workspace

RUNS: dict[str, SearchOptions] = {
    "former defaults": SearchOptions(alpha=0.6, page_weight=0.4, document_weight=0.3, focus=False, feedback=0),
    "default": SearchOptions(),
    "default, feedback 0": SearchOptions(feedback=0),
    "ranks (RRF)": SearchOptions(fusion=Fusion.RANKS, distinct=False),
}
DRAWS = 5_000
_AROUND = 15
"""Letters around an answer that its passage must hold, too: answers alone may be a word."""
_LONGEST = 120
_RECORD = re.compile(r"^\.I\s+(\d+)\s*\n(.*?)(?=^\.I\s|\Z)", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\.[A-Z]\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Question:
    """A question with what is relevant: documents, or the passages of one that hold one of `answers`."""

    text: str
    documents: frozenset[str]
    answers: tuple[str, ...] = ()


Collection = tuple[dict[str, str], list[Question]]
"""Texts by their names, and questions."""


def squad(path: Path) -> Collection:
    """A file in SQuAD's form: one document an article, whose paragraphs follow each other."""
    texts, questions = {}, []
    for article in json.loads(path.read_text())["data"]:
        text, asked = "", []
        for paragraph in article["paragraphs"]:
            asked += [(each, len(text)) for each in paragraph["qas"] if each["answers"]]
            text += paragraph["context"] + "\n\n"
        name = hashlib.sha256(text.encode()).hexdigest()[:8]
        texts[name] = text
        for each, offset in asked:
            answers = [_surrounded(text, offset + own["answer_start"], len(own["text"])) for own in each["answers"]]
            questions.append(Question(each["question"], frozenset({name}), tuple(answers)))
    return texts, questions


def _surrounded(text: str, start: int, length: int) -> str:
    """The answer with the whole words around it."""
    part = text[max(0, start - _AROUND) : start + length + _AROUND]
    return _plain(part.partition(" ")[2].rpartition(" ")[0])[:_LONGEST]


def _plain(text: str) -> str:
    return " ".join(text.split())


def pubmedqa(clone: Path) -> Collection:
    """An abstract a question, without its conclusion."""
    every = json.loads((clone / "data/ori_pqal.json").read_text())
    texts = {name: "\n\n".join(each["CONTEXTS"]) for name, each in every.items()}
    return texts, [Question(each["QUESTION"], frozenset({name})) for name, each in every.items()]


def cisi(clone: Path) -> Collection:
    """Abstracts of information science, with long questions."""
    texts, asked = (dict(_records(clone / f"collections/CISI_simplified.{end}")) for end in ("ALL", "QRY"))
    relevant = defaultdict(set)
    for line in (clone / "collections/CISI_simplified.REL").read_text().splitlines():
        question, document, *_ = line.split()
        relevant[question].add(document)
    return texts, [Question(_plain(asked[name]), frozenset(own)) for name, own in relevant.items() if name in asked]


def _records(path: Path) -> Iterator[tuple[str, str]]:
    for found in _RECORD.finditer(path.read_text(errors="replace")):
        yield found[1], _FIELD.sub("", found[2]).strip()


SETS: Mapping[str, Callable[[Path], Collection]] = {
    "covidqa": lambda clone: squad(clone / "data/question-answering/200423_covidQA.json"),
    "xquad": lambda clone: squad(clone / "xquad.en.json"),
    "pubmedqa": pubmedqa,
    "cisi": cisi,
}


class ExactIndex(MemoryIndex):
    """Rows in memory, compared by numpy."""

    def session(self) -> nullcontext[None]:
        """Nothing to connect to; what was written is put into arrays when the first search asks."""
        return nullcontext()

    def arrange(self) -> None:
        """What was written can be searched."""
        self.kinds: dict[ChunkKind, list[Row]] = defaultdict(list)
        for every in self._rows.values():
            for row in every.values():
                self.kinds[row.kind].append(row)
        self._vectors = {kind: np.array([row.vector for row in rows]) for kind, rows in self.kinds.items()}
        self._lists = {kind: _inverted(rows) for kind, rows in self.kinds.items()}

    def search_vector(
        self, collection: str, space: Space, vector: Sequence[float], limit: int, where: Where, *, vectors: bool = False
    ) -> list[Candidate]:
        """The nearest rows."""
        assert where.kind is not None
        return self._best(where.kind, self._vectors[where.kind] @ np.array(vector), limit)

    def search_words(self, collection: str, space: Space, terms: str, limit: int, where: Where) -> list[Candidate]:
        """The best rows by BM25 (k1 1.2, b 0.75)."""
        assert where.kind is not None
        scores = np.zeros(len(self.kinds[where.kind]))
        for word in words_in(terms):
            places, counted = self._lists[where.kind].get(word, (np.empty(0, int), np.empty(0)))
            scores[places] += counted
        return [each for each in self._best(where.kind, scores, limit) if each.score > 0]

    def _best(self, kind: ChunkKind, scores: NDArray[Any], limit: int) -> list[Candidate]:
        order = np.argsort(-scores, kind="stable")[:limit]
        return [Candidate(self.kinds[kind][at], float(scores[at])) for at in order]


def _inverted(rows: Sequence[Row]) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Word → the places of the rows that have it, and what it counts in each."""
    found: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for at, row in enumerate(rows):
        for word in row.terms.split():
            found[word][at] += 1
    lengths = np.array([len(row.terms.split()) for row in rows])
    norm = 1.2 * (0.25 + 0.75 * lengths / lengths.mean())
    lists = {}
    for word, counts in found.items():
        places, often = np.array(list(counts)), np.array(list(counts.values()), float)
        weight = inverse_frequency(len(rows), len(places))
        lists[word] = places, weight * often * 2.2 / (often + norm[places])
    return lists


def scores(workspace: Workspace, index: ExactIndex, asked: Sequence[Question], how: SearchOptions) -> NDArray[Any]:
    """Success@5 and nDCG@10 of each question, whose passages are there."""
    found = []
    passages = defaultdict(list)
    for row in index.kinds[ChunkKind.PASSAGE]:
        passages[Path(row.source_key).stem].append(row)
    for each in asked:
        hits = search(workspace, each.text, collection="set", top_k=30, mode=SearchMode.HYBRID, options=how)
        if each.answers:
            near = [row for name in each.documents for row in passages[name]]
            gold = {row.chunk_id for row in near if any(own in _plain(row.text) for own in each.answers)}
            ranked = [hit.chunk_id for hit in hits]
        else:
            gold, ranked = set(each.documents), list(dict.fromkeys(Path(hit.source_key).stem for hit in hits))
        if gold:
            found.append([float(bool(gold & set(ranked[:5]))), ndcg(ranked[:10], gold)])
    return np.array(found)


def interval(differences: NDArray[Any]) -> str:
    """The mean, and 95 % of the means of samples drawn anew."""
    chosen = np.random.default_rng(0).integers(0, len(differences), (DRAWS, len(differences)))
    low, high = np.quantile(differences[chosen].mean(axis=1), [0.025, 0.975])
    return f"{differences.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def main() -> None:
    """Print a line a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=list(SETS))
    parser.add_argument("clone", type=Path)
    parser.add_argument("home", type=Path)
    parser.add_argument("--questions", type=int, default=200)
    given = parser.parse_args()
    texts, questions = SETS[given.set](given.clone)
    source = given.home / given.set
    source.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (source / f"{name}.txt").write_text(text)
    index = ExactIndex()
    workspace = ingested(given.home, source, "set", index)
    index.arrange()
    asked = random.Random(0).sample(questions, min(given.questions, len(questions)))
    rows = sum(map(len, index.kinds.values()))
    print(f"{given.set}: {len(texts)} documents, {rows} rows, {len(asked)} questions", flush=True)
    remembering: Any = Remembering(index)
    opened = Workspace(workspace.settings, index=remembering, embedder=workspace.embedder)
    first = None
    for name, how in RUNS.items():
        own = scores(opened, index, asked, how)
        success, gain = own.mean(axis=0)
        first = own if first is None else first
        told = " | ".join(interval(own[:, at] - first[:, at]) for at in (0, 1))
        print(f"| {given.set} | {name} | {success:.3f} / {gain:.3f} | {told} |", flush=True)


if __name__ == "__main__":
    main()
