"""Runs put together to lines and lines to paragraphs of text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from docmill.extract.pdf.ink import Run
from docmill.extract.pdf.places import Box

_WORD_GAP = 0.12  # of the type size: runs closer than this are one word
_HYPHENS = "-\u2010\u00ad"
_LIGATURES = str.maketrans(
    {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"}
)


def around(boxes: Iterable[Box | Run]) -> Box:
    """The smallest box around at least one box."""
    found = list(boxes)
    return Box(
        min(box.x0 for box in found),
        min(box.y0 for box in found),
        max(box.x1 for box in found),
        max(box.y1 for box in found),
    )


def rows_of(runs: Iterable[Run]) -> list[list[Run]]:
    """Runs grouped by baseline, from top to bottom; within a row from left to right."""
    rows: list[list[Run]] = []
    bases: list[float] = []
    for run in sorted(runs, key=lambda run: (run.y1, run.x0)):
        limit = 0.4 * run.size
        for index in range(len(rows) - 1, max(len(rows) - 4, -1), -1):
            if abs(run.y1 - bases[index]) <= limit and not _overlaps(rows[index], run):
                rows[index].append(run)
                break
        else:
            rows.append([run])
            bases.append(run.y1)
    for row in rows:
        row.sort(key=lambda run: run.x0)
    return rows


def _overlaps(row: Sequence[Run], run: Run) -> bool:
    """True if the run stands over words of the row: then it is a line of its own."""
    x0, x1, most = run.x0, run.x1, 0.3 * run.size
    return any(min(other.x1, x1) - max(other.x0, x0) > most for other in row)


def join_row(row: Sequence[Run]) -> Run:
    """One run made of a row's runs, in the order in which they are read."""
    if len(row) == 1:
        return row[0]
    rtl = sum(len(run.text) for run in row if run.rtl) * 2 > sum(len(run.text) for run in row)
    ordered = sorted(row, key=lambda run: -run.x1 if rtl else run.x0)
    text = ordered[0].text
    for before, run in pairwise(ordered):
        gap = before.x0 - run.x1 if rtl else run.x0 - before.x1
        text += run.text if gap < _WORD_GAP * min(run.size, before.size) else " " + run.text
    main = max(row, key=lambda run: len(run.text))
    total = sum(len(run.text) for run in row)
    bold = sum(len(run.text) for run in row if run.bold) > 0.8 * total
    known = [run.confidence for run in row if run.confidence is not None]
    words = [word for run in ordered for word in run.words]
    return Run(*around(row), text, main.size, bold, main.italic, main.mono, rtl, words, min(known) if known else None)


def join_lines(texts: Sequence[str]) -> str:
    """The text of a paragraph: lines joined by a space, or without one where a word was broken by a hyphen.

    The hyphen goes when it stands after two or more letters and the next line begins with a small letter. Numbers and
    ranges such as `12-` stay as they are.
    """
    out = ""
    for text in texts:
        if not out:
            out = text
        elif re.search(rf"[^\W\d_]{{2}}[{_HYPHENS}]$", out) and text[:1].islower():
            out = out[:-1] + text if _breaks_word(out, text) else out + text
        elif out.endswith(("-", "\u2010", "/")) and not out.endswith((" -", " /")) and text[:1].isalnum():
            out += text
        else:
            out += " " + text
    return clean(out)


def _breaks_word(before: str, after: str) -> bool:
    """False for compounds that keep their hyphen: the word has one already, or is a prefix such as `self-`."""
    word = before.rsplit(None, 1)[-1][:-1]
    return not (any(hyphen in word for hyphen in "-\u2010") or word.lower() in {"self", "non", "well", "so", "e"})


def clean(text: str) -> str:
    """Ligatures written as letters, soft hyphens and control characters gone."""
    if text.isascii():
        return text if text.isprintable() else "".join(char for char in text if char >= " " and char != "\x7f")
    text = text.translate(_LIGATURES).replace("\u00ad", "")
    return "".join(char for char in text if char >= " " and not "\x7f" <= char <= "\x9f")


def leading(lines: Sequence[Run]) -> float:
    """The usual distance of baselines, in points; 1.2 times the type size when there is one line only."""
    gaps = [b.y1 - a.y1 for a, b in pairwise(lines)]
    sizes = median(line.size for line in lines)
    close = [gap for gap in gaps if 0.5 * sizes < gap < 2.2 * sizes]
    return median(close) if close else 1.2 * sizes
