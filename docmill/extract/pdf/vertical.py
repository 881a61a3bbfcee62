"""Text set downwards letter by letter: put together to words, so that it is not taken for a column of a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from docmill.extract.pdf.ink import Ink, Run
from docmill.extract.pdf.lines import around

_LEAST = 4  # letters
_PITCH = (0.7, 1.6)  # of the type size, from letter to letter
_UNEVEN = 0.2  # of the type size, by which distances may differ
_BESIDE = 0.2  # of the type size: the middles of letters over each other
_LEVEL = 0.12  # of the type size: a letter on the base line of other text
_MOST_LEVEL = 0.5  # of the letters: with more of them on other lines they are cells of a table


def join_vertical(ink: Ink) -> None:
    """Moves runs of single letters that stand evenly under each other to `turned`, a run for each stack from the right.

    Letters that stand on the lines of longer text beside them are cells, and stay.
    """
    single = [run for run in ink.runs if len(run.text) == 1]
    if len(single) < _LEAST:
        return
    others = sorted(run.y1 for run in ink.runs if len(run.text) > 1)
    stacks = [stack for stack in _stacks(single) if not _on_lines(stack, others)]
    taken = {id(run) for stack in stacks for run in stack}
    ink.runs = [run for run in ink.runs if id(run) not in taken]
    for stack in sorted(stacks, key=lambda each: -each[0].x0):
        first = stack[0]
        ink.turned.append(Run(*around(stack), "".join(run.text for run in stack), first.size, first.bold))


def _stacks(runs: Sequence[Run]) -> list[list[Run]]:
    """Four letters or more of one size, evenly under each other."""
    open_stacks: list[list[Run]] = []
    for run in sorted(runs, key=lambda each: (each.y1, each.x0)):
        for stack in open_stacks:
            if _goes_on(stack, run):
                stack.append(run)
                break
        else:
            open_stacks.append([run])
    return [stack for stack in open_stacks if len(stack) >= _LEAST and any(run.text.isalpha() for run in stack)]


def _goes_on(stack: Sequence[Run], run: Run) -> bool:
    """True if the letter stands right under the last one, as far from it as the others are from each other."""
    last = stack[-1]
    step = run.y1 - last.y1
    beside = abs((run.x0 + run.x1) - (last.x0 + last.x1)) / 2 > _BESIDE * run.size
    if beside or abs(run.size - last.size) > 0.5 or not _PITCH[0] * run.size <= step <= _PITCH[1] * run.size:
        return False
    return all(abs(step - (b.y1 - a.y1)) <= _UNEVEN * run.size for a, b in pairwise(stack[:2]))


def _on_lines(stack: Sequence[Run], others: Sequence[float]) -> bool:
    """True if most of the letters stand on base lines of longer text."""
    level = sum(any(abs(run.y1 - y) <= _LEVEL * run.size for y in others) for run in stack)
    return level > _MOST_LEVEL * len(stack)
