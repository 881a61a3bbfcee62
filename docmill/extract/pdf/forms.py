"""Form fields (AcroForm): their values as elements, with the label that stands beside them on the page.

A value is taken from the field, not from the picture of it that the page shows: a check mark is drawn as the digit 3 or
4 of a symbol font, a list shows all of its choices, and some programs leave the pictures out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docmill.extract.pdf.engine import ENGINE_ERRORS, EngineObject, pymupdf
from docmill.extract.pdf.figures import inside
from docmill.extract.pdf.ink import Ink, Run
from docmill.extract.pdf.lines import around, clean
from docmill.extract.pdf.places import Box, Word

_MOST = 2_000  # fields of a page
_FAR = 220.0  # points between a field and the label left of it
_NEAR = 1.6  # of the type size, between a field and the label over it or, of a box to tick, right of it
_PASSWORD = 1 << 13  # flag of a text field, ISO 32000-1 table 228
_HIDDEN = 2 | 32  # flags of an annotation: hidden, not shown on the screen
_TICKED, _UNTICKED = "☒", "☐"


@dataclass(frozen=True)
class Field:
    """A field of a page: its box as displayed, its name in the form, its kind, and what was filled in."""

    box: Box
    name: str
    kind: str
    value: str
    hint: str = ""
    ticked: bool | None = None

    @property
    def shown(self) -> str:
        """What a reader sees in the field."""
        return self.value if self.ticked is None else (_TICKED if self.ticked else _UNTICKED)


def has_form(document: EngineObject) -> bool:
    """True if the engine's document has a form that it can read."""
    try:
        return bool(document.is_form_pdf)
    except ENGINE_ERRORS:
        return False  # the engine's message is among the warnings


def form_fields(page: EngineObject) -> list[Field]:
    """The fields of an engine's page that can be filled in, at most 2,000; passwords without their value."""
    kinds = {
        pymupdf.PDF_WIDGET_TYPE_TEXT: "text",
        pymupdf.PDF_WIDGET_TYPE_CHECKBOX: "checkbox",
        pymupdf.PDF_WIDGET_TYPE_RADIOBUTTON: "radio",
        pymupdf.PDF_WIDGET_TYPE_COMBOBOX: "choice",
        pymupdf.PDF_WIDGET_TYPE_LISTBOX: "choice",
        pymupdf.PDF_WIDGET_TYPE_SIGNATURE: "signature",
    }
    found: list[Field] = []
    for widget in page.widgets():
        kind = kinds.get(widget.field_type)
        rect = widget.rect * page.rotation_matrix
        if kind is None or rect.is_empty or widget._annot.flags & _HIDDEN:
            continue
        value = _value(widget, kind)
        ticked = value not in ("", "Off") if kind in ("checkbox", "radio") else None
        if kind == "radio":
            ticked = ticked and value == str(widget.on_state())
        box = Box(rect.x0, rect.y0, rect.x1, rect.y1)
        found.append(Field(box, str(widget.field_name or ""), kind, value, str(widget.field_label or ""), ticked))
        if len(found) == _MOST:
            break
    return found


def _value(widget: EngineObject, kind: str) -> str:
    """What was filled in as text, "" where nothing was."""
    if kind == "signature":
        return "signed" if widget.is_signed else ""
    if kind == "text" and (widget.field_flags or 0) & _PASSWORD:
        return ""
    value = widget.field_value
    parts = value if isinstance(value, list | tuple) else [value]
    return clean(" ".join(str(part) for part in parts if part not in (None, False)))


@dataclass(frozen=True)
class Filled:
    """A field with the run that stands for what is in it, None where it is empty."""

    field: Field
    box: Box
    run: Run | None


def fill(ink: Ink, fields: Sequence[Field]) -> list[Filled]:
    """The fields in the readable page; `ink` shows their values instead of their pictures."""
    filled = []
    for field in fields:
        box = ink.turn.upright(*field.box) if ink.turn else field.box
        ink.runs = [part for run in ink.runs for part in _outside(run, box)]
        run = _run(field.shown, box) if field.shown else None
        if run is not None:
            ink.runs.append(run)
        filled.append(Filled(field, box, run))
    return filled


def _outside(run: Run, box: Box) -> Iterator[Run]:
    """The run without the words in the box, in as many parts as are left."""
    if run.x1 <= box.x0 or run.x0 >= box.x1 or not box.y0 - 1 <= (run.y0 + run.y1) / 2 <= box.y1 + 1:
        yield run
        return
    groups: list[list[Word]] = [[]]
    for word in run.words:
        if box.x0 - 1 <= (word.x0 + word.x1) / 2 <= box.x1 + 1:
            groups.append([])
        else:
            groups[-1].append(word)
    if len(groups) == 1:
        yield run
        return
    for words in filter(None, groups):
        text = " ".join(word.text for word in words)
        yield Run(*around([Box(*word[:4]) for word in words]), text, run.size, run.bold, run.italic, words=words)


def _run(text: str, box: Box) -> Run:
    """A run as wide as the text may be in the box, on its first line."""
    size = min(10.0, 0.8 * (box.y1 - box.y0))
    texts = text.split()
    step = min(0.5 * size, (box.x1 - box.x0) / max(len(text), 1))
    words, at = [], box.x0 + 1
    top = (box.y0 + box.y1 - size) / 2 if box.y1 - box.y0 < 2.5 * size else box.y0 + 1
    for part in texts:
        words.append(Word(at, top, at + step * len(part), top + size, part))
        at += step * (len(part) + 1)
    return Run(*around([Box(*word[:4]) for word in words]), " ".join(texts), size, words=words)


def label_of(filled: Filled, others: Sequence[Filled], runs: Sequence[Run]) -> Run | None:
    """The run that names the field: left of it on its line, for boxes to tick first right of it, else over it."""
    box, own = filled.box, [each.box for each in others if each is not filled]
    texts = [run for run in runs if not any(inside(run, each.box) for each in others)]
    beside = [run for run in texts if run.y0 < (box.y0 + box.y1) / 2 < run.y1]
    left = [run for run in beside if box.x0 - _FAR < run.x1 <= box.x0 + 2 and not _between(run.x1, box.x0, box, own)]
    right = [run for run in beside if -2 <= run.x0 - box.x1 < _NEAR * run.size]
    over = [
        run for run in texts if -2 <= box.y0 - run.y1 < _NEAR * run.size / 2 and run.x0 < box.x1 and run.x1 > box.x0 - 2
    ]
    if filled.field.ticked is not None and right:
        return min(right, key=lambda run: run.x0)
    if left:
        return max(left, key=lambda run: run.x1)
    return max(over, key=lambda run: run.y1, default=None)


def _between(x0: float, x1: float, box: Box, others: Sequence[Box]) -> bool:
    """True if another field stands between the two x on the field's line."""
    middle = (box.y0 + box.y1) / 2
    return any(x0 - 1 <= (each.x0 + each.x1) / 2 <= x1 + 1 and each.y0 < middle < each.y1 for each in others)


def field_text(field: Field, label: str) -> str:
    """The field as a reader would say it: `Name: Ada`, `☒ Member`."""
    name = (label or field.hint or field.name).strip().rstrip(":")
    if field.ticked is not None:
        return f"{field.shown} {name}".strip()
    return f"{name}: {field.value}".strip() if name else field.value
