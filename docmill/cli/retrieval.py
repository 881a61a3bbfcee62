"""`docmill reindex`, `rollback`, `answer` and `eval`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from docmill.access import apply_policy
from docmill.cli.output import StageBars, console, open_workspace, print_json, short, table
from docmill.errors import UsageError
from docmill.generations import Verdict, roll_back
from docmill.index.conditions import And, Condition, parse_condition
from docmill.models import Stage
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
        chosen, bars = find_runner(runner), StageBars()
        with bars.shown():
            verdict = reindex(
                workspace, name, lambda batch: chosen.run(workspace, batch, list(Stage), Scope()), force=force
            )
        live = workspace.index.live(name) == verdict.generation.digest
    if as_json:
        print_json({"collection": name, "generation": verdict.generation.digest, "live": live, **verdict.report()})
    else:
        _print_verdict(name, verdict, live)
    return live


def _print_verdict(name: str, verdict: Verdict, live: bool) -> None:
    told = "is live" if live else "is not live"
    console.print(f"Generation {verdict.generation.digest} of {name} {told}.", markup=False)
    for reason in verdict.reasons:
        console.print(f"  {reason}", markup=False)
    if verdict.comparison:
        before = verdict.comparison.before
        summaries = [verdict.comparison.after.summary(), *([before.summary()] if before else [])]
        rows = [[key, *(f"{each[key]:.3f}" for each in summaries)] for key in summaries[0]]
        table("Golden questions", ["measure", "#new", *(["#live before"] if before else [])], rows)


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
    console.print(cited_context(hits), markup=False)


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
    """Print the questions that two evaluations (`eval retrieval --json`) answer differently, the worst loss first."""
    pair = [_read(path) for path in (before, after)]
    shared = [question for question in pair[0] if question in pair[1]]
    changes = [
        {"question": question, "before": pair[0][question], "after": pair[1][question]}
        for question in sorted(shared, key=lambda each: pair[1][each] - pair[0][each])
        if pair[0][question] != pair[1][question]
    ]
    if as_json:
        print_json({"questions": len(shared), "changed": changes})
        return
    rows = [[each["question"], f"{each['before']:.3f}", f"{each['after']:.3f}"] for each in changes]
    table(f"{len(changes)} of {len(shared)} questions changed", ["question", "#ndcg@10 before", "#after"], rows)


def _read(path: Path) -> dict[str, float]:
    try:
        answers = json.loads(path.read_text(encoding="utf-8"))["answers"]
        return {str(each["question"]): float(each["ndcg@10"]) for each in answers}
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{path} is no evaluation.", hint="Write one by `docmill eval retrieval --json > FILE`."
        ) from None
