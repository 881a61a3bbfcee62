"""Changes what a collection is searched by without a moment in which it is not: a new generation beside the live one.

New settings fill a generation of their own, from stored elements. When it holds every document that can be held, its
rows are counted and its golden questions asked; then the alias is swapped. The old generation stays for a time of
grace, in which `roll_back` brings it back with one call.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docmill.errors import UsageError
from docmill.index.base import Space
from docmill.index.generation import Generation, State
from docmill.models import Stage
from docmill.retrieve.golden import compare_spaces, golden_questions
from docmill.standing import unfinished
from docmill.workspace import Workspace


@dataclass(frozen=True)
class Verdict:
    """Whether a generation may take over, and why not.

    `report` is kept in the ledger: rows, what was expected, the reasons, and what golden questions there are found.
    """

    generation: Generation
    pending: Sequence[str]
    reasons: tuple[str, ...]
    report: Mapping[str, object]

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def begin(workspace: Workspace, collection: str) -> Generation:
    """The generation of the settings, known to the ledger; the first one of a collection is live at once."""
    space, ledger = workspace.space, workspace.ledger
    known = ledger.generation(collection, space.digest)
    if known is not None:
        return known
    live = workspace.index.live(collection)
    state = State.LIVE if live in (None, space.digest) else State.BUILDING
    now = time.time()
    made = Generation(collection=collection, space=space, state=state, created_at=now, changed_at=now)
    ledger.put_generation(made)
    return made


def verify(workspace: Workspace, collection: str) -> Verdict:
    """What speaks against the generation of the settings: rows that lack or are too many, or worse answers."""
    generation = begin(workspace, collection)
    ledger = workspace.ledger
    if pending := unfinished(workspace, collection):
        reason = f"{len(pending)} batches are not through all stages: run `docmill ingest` or `docmill reindex`"
        return Verdict(generation, pending, (reason,), {"reasons": [reason]})
    last = Stage.VECTOR_COLLECTION
    expected = ledger.sums(collection, last, "rows", workspace.fingerprints[last]).get("rows", 0)
    rows = sum(1 for _ in workspace.index.each_held(collection, workspace.space))
    reasons = []
    if rows != expected:
        reasons.append(f"it holds {rows} rows, and the ledger expects {expected}")
    report: dict[str, object] = {"rows": rows, "expected_rows": expected}
    if not reasons and (questions := golden_questions(workspace.settings.golden_questions, collection)):
        live = _live_space(workspace, collection)
        comparison = compare_spaces(workspace, collection, questions, live, workspace.space)
        reasons += comparison.losses(workspace.settings.golden_threshold)
        report["questions"] = comparison.summary()
    return Verdict(generation, (), tuple(reasons), {**report, "reasons": reasons})


def _live_space(workspace: Workspace, collection: str) -> Space | None:
    digest = workspace.index.live(collection)
    known = workspace.ledger.generation(collection, digest) if digest else None
    return known.space if known else None


def activate(workspace: Workspace, collection: str, *, force: bool = False) -> Verdict:
    """The generation of the settings is live if nothing speaks against it; with `force` whatever does.

    Of one that is live already the verdict is that by which it took over.
    One that was rejected before takes over only by force.
    """
    generation = begin(workspace, collection)
    live = workspace.index.live(collection)
    if live in (None, generation.digest):
        return Verdict(generation, (), (), generation.report)
    verdict = verify(workspace, collection)
    if generation.state is State.REJECTED and not force:
        again = "it was rejected or rolled back before: take it by `docmill reindex --force`, or change the settings"
        return Verdict(generation, (), (again,), {**verdict.report, "reasons": [again]})
    if verdict.passed or (force and not verdict.pending):
        _swap(workspace, collection, generation, verdict)
        drop_expired(workspace, collection)
    elif not verdict.pending:
        _put(workspace, generation, State.REJECTED, verdict.report)
    return verdict


def unsearched(workspace: Workspace, collection: str) -> str:
    """Why what is ingested under the settings of now is not found, in a sentence; "" if nothing speaks against it.

    After a roll-back, or when its checks failed, the settings' generation is filled on but searches see another one.
    """
    live, own = workspace.index.live(collection), workspace.space.digest
    known = None if live in (None, own) else workspace.ledger.generation(collection, own)
    if known is None or known.state is not State.REJECTED:
        return ""
    return (
        f"Searches see generation {live}, and the settings are those of {own}, which was rejected or rolled back: "
        "what is ingested now is not found."
    )


def unbuilt(workspace: Workspace, collection: str) -> str:
    """That searches see a generation of other settings, and that of the settings is not built, in a sentence; or ""."""
    live, own = workspace.index.live(collection), workspace.space.digest
    known = None if live in (None, own) else workspace.ledger.generation(collection, own)
    if live in (None, own) or (known is not None and known.state is State.REJECTED):
        return ""
    return (
        f"Searches see generation {live}, made by other settings; counted here is {own}, that of the settings of now."
    )


WAY_ON = "Build it by `docmill reindex`, or bring back the former settings."
WAY_BACK = "Bring back the former settings, or take this generation by `docmill reindex --force`."


def _swap(workspace: Workspace, collection: str, generation: Generation, verdict: Verdict) -> None:
    before = workspace.index.swap(collection, generation.digest)
    known = workspace.ledger.generation(collection, before) if before else None
    if known is not None:
        _put(workspace, known, State.RETIRED, known.report)
    _put(workspace, generation, State.LIVE, verdict.report)


def _put(workspace: Workspace, generation: Generation, state: State, report: Mapping[str, object]) -> None:
    changed = {"state": state, "changed_at": time.time(), "report": report}
    workspace.ledger.put_generation(generation.model_copy(update=changed))


def roll_back(workspace: Workspace, collection: str) -> tuple[Generation, Generation]:
    """Searches see the generation that was live before; it and the one that was left, which counts as rejected.

    Documents that were deleted since are not in it; those that changed are brought up to date by the next ingest under
    its settings. Raises UsageError if there is nothing to go back to.
    """
    known = workspace.ledger.generations(collection)
    held = set(workspace.index.digests(collection))
    live = next((each for each in known if each.digest == workspace.index.live(collection)), None)
    retired = [each for each in known if each.state is State.RETIRED and each.digest in held]
    if live is None or not retired:
        raise UsageError(
            f"The collection {collection!r} has no generation to go back to.",
            hint="One is kept for grace_hours after a swap; one that a roll-back left: `docmill reindex --force`.",
        )
    earlier = max(retired, key=lambda each: each.changed_at)
    workspace.index.swap(collection, earlier.digest)
    _put(workspace, live, State.REJECTED, {"reasons": ["it was rolled back"]})
    _put(workspace, earlier, State.LIVE, earlier.report)
    return earlier, live


def drop_expired(workspace: Workspace, collection: str, now: float | None = None) -> list[str]:
    """Generations that retired or were rejected longer ago than the time of grace are gone; their digests."""
    limit = (time.time() if now is None else now) - workspace.settings.grace_hours * 3600
    live, current = workspace.index.live(collection), workspace.space.digest
    gone = [
        each.digest
        for each in workspace.ledger.generations(collection)
        if each.state in (State.RETIRED, State.REJECTED) and each.changed_at <= limit and each.digest != live
        if each.state is State.RETIRED or each.digest != current
    ]
    for digest in gone:
        if digest in workspace.index.digests(collection):
            workspace.index.drop(collection, digest)
        workspace.ledger.forget_generation(collection, digest)
    return gone


def delete_everywhere(workspace: Workspace, collection: str, ids: Sequence[str]) -> int:
    """The documents are in no generation any more, so that none brings them back; how many rows the settings' had."""
    space = workspace.space
    known = [each.space for each in workspace.ledger.generations(collection) if each.digest != space.digest]
    counts = []
    for each in (space, *known):
        rows = list(workspace.index.held(collection, each, ids))
        workspace.index.delete(collection, each, rows)
        counts.append(len(rows))
    return counts[0]
