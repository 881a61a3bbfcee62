"""Golden questions: what a collection must answer, and measures of how well it does.

A file of JSON lines or YAML; each question names what answers it: a document by the end of its source key, a page, a
passage, or several of such.

    {"question": "What does a brake kit cost?", "document": "price_list.pdf", "page": 1}
    {"question": "Who inspects the pump?", "relevant": [{"document": "handbook.pdf", "passage": "once a month"}]}
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from docmill.errors import UsageError
from docmill.index.base import Space
from docmill.models import Hit, Model
from docmill.retrieve.options import DEFAULTS, SearchMode, SearchOptions
from docmill.retrieve.search import search_in
from docmill.workspace import Workspace

DEPTHS = (1, 5, 10)
_SHOWN = 10
_WHERE = "Give --questions FILE, or the setting golden_questions; a relative path begins where docmill runs."
_TARGET = 'Give "document", and "page" or "passage" of it, or several of such in "relevant".'


class Target(Model):
    """What answers a question: a document by the end of its source key, and a page or passage of it."""

    document: str = ""
    page: int | None = None
    passage: str = ""

    def is_met(self, hit: Hit) -> bool:
        """Whether the hit is, or holds, the target."""
        if not hit.source_key.endswith(self.document):
            return False
        if self.page is not None and self.page not in hit.pages:
            return False
        return _plain(self.passage) in _plain(hit.text)


class GoldenQuestion(Model):
    """A question with what answers it; `access` are the tags of who asks, `collection` "" means any."""

    question: str
    document: str = ""
    page: int | None = None
    passage: str = ""
    relevant: tuple[Target, ...] = ()
    access: tuple[str, ...] = ()
    collection: str = ""

    @property
    def targets(self) -> tuple[Target, ...]:
        """All that answers it."""
        own = Target(document=self.document, page=self.page, passage=self.passage)
        return self.relevant or (own,)


@dataclass(frozen=True)
class Answer:
    """How a question was answered. `ranks` are those of the targets that were found (from 1), `seconds` wall time."""

    question: str
    recall: Mapping[int, float]
    ndcg: float
    reciprocal_rank: float
    ranks: tuple[int | None, ...]
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """The answers to all questions."""

    answers: tuple[Answer, ...]

    def summary(self) -> dict[str, float]:
        """The means: recall at 1, 5 and 10, nDCG@10, MRR, and the median and 95 % seconds of a search."""
        count = len(self.answers) or 1
        means = {f"recall@{k}": sum(each.recall[k] for each in self.answers) / count for k in DEPTHS}
        times = sorted(each.seconds for each in self.answers) or [0.0]
        return {
            **means,
            "ndcg@10": sum(each.ndcg for each in self.answers) / count,
            "mrr": sum(each.reciprocal_rank for each in self.answers) / count,
            "seconds_p50": times[len(times) // 2],
            "seconds_p95": times[min(len(times) - 1, math.ceil(len(times) * 0.95) - 1)],
        }


@dataclass(frozen=True)
class Comparison:
    """Two evaluations of the same questions; `before` is None where there is nothing to compare with."""

    before: Evaluation | None
    after: Evaluation

    def summary(self) -> dict[str, object]:
        """The means of both."""
        before = {"before": self.before.summary()} if self.before else {}
        return {**before, "after": self.after.summary()}

    def losses(self, threshold: float) -> list[str]:
        """The measures that fell by more than the threshold, in sentences."""
        if self.before is None:
            return []
        before, after = self.before.summary(), self.after.summary()
        watched = [f"recall@{k}" for k in DEPTHS[1:]] + ["ndcg@10"]
        return [
            f"{name} of the golden questions falls from {before[name]:.3f} to {after[name]:.3f}"
            for name in watched
            if before[name] - after[name] > threshold
        ]


def golden_questions(path: Path | None, collection: str) -> list[GoldenQuestion]:
    """The collection's questions of a `.jsonl`, `.json` or YAML file; raises UsageError that names the wrong one."""
    if path is None:
        return []
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The golden questions cannot be read: {error.strerror}: {path}.", hint=_WHERE) from None
    found = [_question(path, number, value) for number, value in enumerate(_values(path, text), start=1)]
    return [each for each in found if each.collection in ("", collection)]


def _values(path: Path, text: str) -> list[object]:
    import yaml

    try:
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        loaded = yaml.safe_load(text)
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} is neither JSON nor YAML: {error}.") from None
    if isinstance(loaded, dict):
        loaded = loaded.get("questions")
    if not isinstance(loaded, list):
        raise UsageError(f"{path} holds no list of questions.", hint="Give a list, or a key `questions` with one.")
    return loaded


def _question(path: Path, number: int, value: object) -> GoldenQuestion:
    try:
        question = GoldenQuestion.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        message = f"Question {number} of {path} is wrong: {place}: {first['msg']}."
        raise UsageError(message, hint="docs/retrieval.md shows the form of golden questions.") from None
    if Target() in question.targets:
        raise UsageError(f"Question {number} of {path} does not say what answers it.", hint=_TARGET)
    return question


def unknown_documents(questions: Sequence[GoldenQuestion], source_keys: Sequence[str]) -> list[str]:
    """The documents that questions name and none of the source keys ends with: nothing can find them."""
    named = {target.document for each in questions for target in each.targets}
    return sorted(name for name in named if not any(key.endswith(name) for key in source_keys))


def measure(question: GoldenQuestion, hits: Sequence[Hit], seconds: float = 0.0) -> Answer:
    """How well the hits answer the question.

    recall@k is the share of the targets among the first k hits; nDCG@10 counts each target at the first hit that meets
    it (Järvelin and Kekäläinen, 2002).
    """
    targets = question.targets
    ranks = tuple(_rank(target, hits) for target in targets)
    found = sorted({rank for rank in ranks if rank is not None})
    gain = sum(1 / math.log2(rank + 1) for rank in found if rank <= _SHOWN)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(targets), _SHOWN) + 1))
    return Answer(
        question=question.question,
        recall={k: sum(rank is not None and rank <= k for rank in ranks) / len(targets) for k in DEPTHS},
        ndcg=min(1.0, gain / ideal),
        reciprocal_rank=1 / found[0] if found else 0.0,
        ranks=ranks,
        seconds=seconds,
    )


def _rank(target: Target, hits: Sequence[Hit]) -> int | None:
    return next((rank for rank, hit in enumerate(hits, start=1) if target.is_met(hit)), None)


def evaluate(questions: Sequence[GoldenQuestion], find: Callable[[GoldenQuestion], Sequence[Hit]]) -> Evaluation:
    """The answers that `find` gives."""
    answers = []
    for question in questions:
        since = time.monotonic()
        hits = find(question)
        answers.append(measure(question, hits, time.monotonic() - since))
    return Evaluation(tuple(answers))


def evaluate_space(
    workspace: Workspace,
    collection: str,
    questions: Sequence[GoldenQuestion],
    space: Space,
    mode: SearchMode = SearchMode.HYBRID,
    options: SearchOptions = DEFAULTS,
) -> Evaluation:
    """How the rows of one space answer the questions, live or not."""

    def find(question: GoldenQuestion) -> Sequence[Hit]:
        asked = options.model_copy(update={"access": frozenset(question.access)})
        return search_in(workspace, space, question.question, collection=collection, top_k=_SHOWN, how=(mode, asked))

    return evaluate(questions, find)


def compare_spaces(
    workspace: Workspace, collection: str, questions: Sequence[GoldenQuestion], before: Space | None, after: Space
) -> Comparison:
    """How two spaces answer the same questions."""
    earlier = evaluate_space(workspace, collection, questions, before) if before else None
    return Comparison(earlier, evaluate_space(workspace, collection, questions, after))


def _plain(text: str) -> str:
    """The text in lower case without its white space: line breaks are no difference."""
    return "".join(text.lower().split())
