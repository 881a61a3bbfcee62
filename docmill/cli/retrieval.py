"""`docmill reindex`, `rollback`, `answer` and `eval`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from docmill.access import apply_policy
from docmill.cli.output import StageBars, console, notes, open_workspace, print_json, short, table
from docmill.errors import UsageError
from docmill.extract.differences import Change, Difference, differences
from docmill.generations import Verdict, roll_back
from docmill.index.conditions import And, Condition, parse_condition
from docmill.models import Element, Extraction, Stage
from docmill.pipeline import Scope
from docmill.reindex import reindex
from docmill.retrieve import SearchMode, SearchOptions, live_space, search
from docmill.retrieve.context import cited_context, prompt, verified
from docmill.retrieve.golden import Evaluation, evaluate_space, golden_questions
from docmill.runners import find_runner


def condition(filters: Sequence[str]) -> Condition | None:
    """The filters of a command line joined by and; None without any."""
    found = [parse_condition(text) for text in filters]
    return None if not found else found[0] if len(found) == 1 else And(all=found)


def reindex_and_print(collection: str, *, force: bool, runner: str, as_json: bool) -> bool:
    """Build the collection anew and print the verdict; whether the settings' generation is live."""
    with open_workspace() as workspace:
        name = collection or workspace.settings.collection
        if not workspace.ledger.documents(name):
            raise UsageError(f"There is no document in {name!r}.", hint="See `docmill status`.")
        chosen, bars = find_runner(runner), StageBars(workspace)
        with bars.shown(), workspace.index.kept_open():
            verdict = reindex(
                workspace, name, lambda batch: chosen.run(workspace, batch, list(Stage), Scope()), force=force
            )
        live = workspace.index.live(name) == verdict.generation.digest
    if as_json:
        print_json({"collection": name, "generation": verdict.generation.digest, "live": live, **verdict.report})
    else:
        _print_verdict(name, verdict, live)
    return live


def _print_verdict(name: str, verdict: Verdict, live: bool) -> None:
    told = "is live" if live else "is not live"
    console.print(f"Generation {verdict.generation.digest} of {name} {told}.", markup=False)
    for reason in verdict.reasons:
        console.print(f"  {reason}", markup=False)
    asked = verdict.report.get("questions")
    if isinstance(asked, dict):
        rows = [
            [name, f"{value:.3f}", f"{asked['before'][name]:.3f}" if "before" in asked else "-"]
            for name, value in asked["after"].items()
        ]
        table("Golden questions", ["measure", "#new", "#live before"], rows)


def access_and_print(collection: str, *, as_json: bool) -> None:
    """Apply the access policy and print which documents changed."""
    with open_workspace() as workspace:
        name = collection or workspace.settings.collection
        changed = apply_policy(workspace, name)
    if as_json:
        print_json({"collection": name, "changed": {each.source_key: list(each.access) for each in changed}})
        return
    console.print(f"{len(changed)} documents of {name} changed their access tags.", markup=False)
    for each in changed:
        console.print(f"  {short(each.source_key)}: {', '.join(each.access) or 'nobody'}", markup=False)


def rollback_and_print(collection: str, *, as_json: bool) -> None:
    """Go back to the generation that was live before, and say so."""
    with open_workspace() as workspace:
        name = collection or workspace.settings.collection
        earlier, left = roll_back(workspace, name)
        same = earlier.digest == workspace.space.digest
    if as_json:
        print_json({"collection": name, "live": earlier.digest, "left": left.digest})
        return
    console.print(f"{name} is searched by generation {earlier.digest} again; {left.digest} is kept.", markup=False)
    if not same:
        console.print("The settings still are those of the one that was left: bring back the former ones, too.")


def answer_and_print(question: str, collection: str, top_k: int, access: Sequence[str], *, as_json: bool) -> None:
    """Print the hits as a cited context; with an answer model its answer, without citations that do not hold."""
    with open_workspace() as workspace:
        name, model = collection or workspace.settings.collection, workspace.settings.answer_model
        options = SearchOptions(access=frozenset(access))
        hits = search(workspace, question, collection=name, top_k=top_k, options=options)
        answer = None
        if model and hits:
            from docmill.inference.opening import open_endpoint

            endpoint = open_endpoint(model, workspace.settings.models)
            answer = verified(endpoint.chat(prompt(question, hits), max_tokens=1_000), hits)
    if as_json:
        cited = {"answer": answer.text, "cited": list(answer.cited), "dropped": list(answer.dropped)} if answer else {}
        print_json({"question": question, **cited, "hits": [each.model_dump(mode="json") for each in hits]})
        return
    if answer:
        console.print(answer.text, markup=False)
        for text in answer.dropped:
            console.print(f"(dropped, not found in the passage: {text})", markup=False)
        console.print()
    if hits:
        console.print(cited_context(hits), markup=False)
    else:
        notes.print(f"No hits: the collection {name!r} is empty or does not exist. See `docmill status`.")


def eval_and_print(questions: Path | None, collection: str, mode: SearchMode, *, as_json: bool) -> None:
    """Print how well the live collection answers the golden questions, one by one and on average."""
    with open_workspace() as workspace:
        name = collection or workspace.settings.collection
        asked = golden_questions(questions or workspace.settings.golden_questions, name)
        space = live_space(workspace, name)
        if not asked or space is None:
            raise UsageError(
                "There is nothing to evaluate.", hint="Give --questions FILE, or set golden_questions; ingest first."
            )
        found = evaluate_space(workspace, name, asked, space, mode)
    if as_json:
        print_json({"collection": name, "mode": mode.value, "summary": found.summary(), "answers": _records(found)})
        return
    rows = [
        [each.question[:80], f"{each.recall[5]:.2f}", f"{each.ndcg:.2f}", _ranks(each.ranks)] for each in found.answers
    ]
    table("", ["question", "#recall@5", "#ndcg@10", "ranks"], rows)
    table("", ["measure", "#value"], [[key, f"{value:.3f}"] for key, value in found.summary().items()])


def _ranks(ranks: Sequence[int | None]) -> str:
    return ", ".join(str(rank) if rank else "-" for rank in ranks)


def _records(found: Evaluation) -> list[dict[str, object]]:
    return [
        {
            "question": each.question,
            **{f"recall@{k}": value for k, value in each.recall.items()},
            "ndcg@10": each.ndcg,
            "reciprocal_rank": each.reciprocal_rank,
            "ranks": list(each.ranks),
            "seconds": each.seconds,
        }
        for each in found.answers
    ]


def eval_diff_and_print(before: Path, after: Path, *, as_json: bool) -> None:
    """Print what differs: questions of two evaluations, the worst loss first, or elements of two parsings."""
    pair = (_json_of(before), _json_of(after))
    if all("elements" in each for each in pair):
        _print_elements(_parsing(before, pair[0]), _parsing(after, pair[1]), as_json=as_json)
    else:
        _print_questions(_scores(before, pair[0]), _scores(after, pair[1]), as_json=as_json)


def _print_questions(before: Mapping[str, float], after: Mapping[str, float], *, as_json: bool) -> None:
    shared = [question for question in before if question in after]
    changes = [
        {"question": question, "before": before[question], "after": after[question]}
        for question in sorted(shared, key=lambda each: after[each] - before[each])
        if before[question] != after[question]
    ]
    if as_json:
        print_json({"questions": len(shared), "changed": changes})
        return
    rows = [[each["question"], f"{each['before']:.3f}", f"{each['after']:.3f}"] for each in changes]
    table(f"{len(changes)} of {len(shared)} questions changed", ["question", "#ndcg@10 before", "#after"], rows)


def _print_elements(before: Extraction, after: Extraction, *, as_json: bool) -> None:
    found = differences(before.elements, after.elements)
    counts = {change.value: sum(each.change is change for each in found) for change in Change}
    if as_json:
        changes = [
            {
                "change": each.change.value,
                "alike": round(each.alike, 3),
                "before": each.before.model_dump(mode="json", exclude_defaults=True) if each.before else None,
                "after": each.after.model_dump(mode="json", exclude_defaults=True) if each.after else None,
            }
            for each in found
        ]
        elements = {"before": len(before.elements), "after": len(after.elements)}
        print_json({"elements": elements, "counts": counts, "changed": changes})
        return
    rows = [[each.change.value, _page(each), _told(each.before), _told(each.after)] for each in found]
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no difference"
    console.print(f"{len(before.elements)} elements before, {len(after.elements)} after: {told}.", markup=False)
    if rows:
        table("", ["change", "#page", "before", "after"], rows)


def _page(difference: Difference) -> str:
    element = difference.after or difference.before
    return str(element.page or "") if element else ""


def _told(element: Element | None) -> str:
    return "" if element is None else f"{element.type.value}: {' '.join(element.text.split())[:120]}"


def _json_of(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise UsageError(f"{path} is no JSON object that can be read.", hint=_WAY)
    return found


def _parsing(path: Path, found: Mapping[str, object]) -> Extraction:
    try:
        return Extraction.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path} is no parsing: {place}: {first['msg']}.", hint=_WAY) from None


def _scores(path: Path, found: Mapping[str, object]) -> dict[str, float]:
    try:
        answers = _Answers.model_validate(found).answers
    except ValidationError:
        raise UsageError(f"{path} is no evaluation, or one is and the other a parsing.", hint=_WAY) from None
    return {each.question: each.ndcg for each in answers}


_WAY = "Write two by `docmill eval retrieval --json > FILE`, or two by `docmill parse FILE --format json > FILE`."


class _Answer(BaseModel):
    question: str
    ndcg: float = Field(alias="ndcg@10")


class _Answers(BaseModel):
    answers: list[_Answer]
