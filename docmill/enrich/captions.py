"""Describes pictures in words by a server that sees, each picture once for the same model and question.

A caption is kept under a hash of the picture, the model and the whole question. The text around a picture is part of
the question, so what one document says never gets into the caption of another one that holds the same picture, and
with `context = 0` a picture is described once wherever it stands.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from docmill.artifacts import Artifacts
from docmill.config import CaptionConfig
from docmill.errors import ConfigError, DocmillError, IncompleteDocumentError, PermanentError, TransientError
from docmill.inference.endpoint import OpenAIEndpoint
from docmill.models import PICTURES, Cell, Element, ElementType, Extraction, Table

_CHARTS = frozenset({ElementType.CHART, ElementType.INFOGRAPHIC})
_RULE = re.compile(r"\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?")


@dataclass(frozen=True)
class Captioned:
    """An extraction with captions; `lacking` is what kept some of its `pictures` from being described."""

    extraction: Extraction
    pictures: int
    captions: int
    lacking: PermanentError | TransientError | None = None
    note: str = ""


@dataclass(frozen=True)
class _Question:
    element: Element
    prompt: str
    name: str


class Captioner:
    """Describes the pictures of documents by the server that the settings name, and keeps what it said."""

    def __init__(self, config: CaptionConfig, artifacts: Artifacts) -> None:
        if not config.model:
            raise ConfigError("Captions need a model's name.", hint="Set pipeline.enrich.caption.model.")
        self._config = config
        self._artifacts = artifacts

    def describe(self, extraction: Extraction) -> Captioned:
        """The extraction with a caption for each picture; raises nothing for a server that fails: see `lacking`."""
        wanted = [each for each in extraction.elements if _needs_caption(each)]
        questions = self._questions(extraction.elements, wanted[: self._config.max_pictures])
        answers = self._answers(list(questions.values()))
        failures = [answer for answer in answers.values() if isinstance(answer, DocmillError)]
        texts = {
            ordinal: text
            for ordinal, question in questions.items()
            if isinstance(text := answers.get(question.name), str) and text.strip()
        }
        elements = tuple(self._with_caption(each, texts.get(each.ordinal)) for each in extraction.elements)
        lost = len(wanted) - len(texts)
        return Captioned(
            extraction.model_copy(update={"elements": elements}),
            pictures=len(wanted),
            captions=len(texts),
            lacking=_lacking(failures, lost, len(wanted)) if lost else None,
        )

    def _questions(self, elements: Sequence[Element], wanted: Sequence[Element]) -> dict[int, _Question]:
        """The question about each picture by its element; that of a repeated picture is the one about its first."""
        by_picture: dict[str, _Question] = {}
        found: dict[int, _Question] = {}
        for each in wanted:
            assert each.crop is not None
            if each.crop.sha256 not in by_picture:
                prompt = self._prompt(elements, each)
                name = hashlib.sha256(json.dumps([each.crop.sha256, self._config.model, prompt]).encode()).hexdigest()
                by_picture[each.crop.sha256] = _Question(each, prompt, name)
            found[each.ordinal] = by_picture[each.crop.sha256]
        return found

    def _prompt(self, elements: Sequence[Element], picture: Element) -> str:
        """What is asked, with the titles above, the text in the picture and around it."""
        asked = self._config.chart_prompt if picture.type in _CHARTS else self._config.prompt
        around = _around(elements, picture.ordinal, self._config.context) if self._config.context else ""
        return f"{asked}\n\nThe text around it, which may or may not be about it:\n{around}" if around else asked

    def _answers(self, questions: Sequence[_Question]) -> dict[str, str | DocmillError]:
        """The caption of each question, or why there is none; a wrong setting is asked about once."""
        once = {question.name: question for question in questions}
        found: dict[str, str | DocmillError] = {}
        with ThreadPoolExecutor(self._config.parallel) as pool:
            pending = list(once.values())
            while pending:
                part, pending = pending[: self._config.parallel], pending[self._config.parallel :]
                found |= zip([each.name for each in part], pool.map(self._answer, part), strict=True)
                wrong = next((each for each in found.values() if isinstance(each, ConfigError | TransientError)), None)
                if wrong is not None:
                    return found | {each.name: wrong for each in pending}
        return found

    def _answer(self, question: _Question) -> str | DocmillError:
        """The caption, from the store or the server."""
        known = self._artifacts.caption(question.name)
        if known is not None:
            return known
        crop = question.element.crop
        assert crop is not None
        try:
            picture = base64.b64encode(self._artifacts.crop(crop)).decode()
            content = [
                {"type": "text", "text": question.prompt},
                {"type": "image_url", "image_url": {"url": f"data:{crop.media_type};base64,{picture}"}},
            ]
            text = self._endpoint.chat([{"role": "user", "content": content}], max_tokens=self._config.max_tokens)
        except DocmillError as error:
            return error
        if not text.strip():
            return IncompleteDocumentError(f"{self._config.model} said nothing about a picture.")
        self._artifacts.put_caption(question.name, text.strip())
        return text.strip()

    @cached_property
    def _endpoint(self) -> OpenAIEndpoint:
        key = self._config.api_key if self._config.api_key.get_secret_value() else None
        return OpenAIEndpoint(self._config.url, self._config.model, key, timeout=self._config.timeout)

    def _with_caption(self, element: Element, caption: str | None) -> Element:
        """The element with its caption behind the text that it had, and a chart with the table that the caption has.

        A picture that has such a table is a chart that nothing else told.
        """
        if caption is None:
            return element
        known = {**element.metadata, "captioned_by": self._config.model}
        table = element.table or markdown_table(caption)
        kind = ElementType.CHART if table is not None and element.type is ElementType.IMAGE else element.type
        if table is not None:
            known.pop("note", None)
        method = element.method if element.text else f"caption:{self._config.model}"
        text = f"{element.text}\n{caption}" if element.text else caption
        return element.model_copy(
            update={"type": kind, "text": text, "method": method, "metadata": known, "table": table}
        )


def _needs_caption(element: Element) -> bool:
    """Whether it is a picture that is kept, no repeat of another, and no chart whose data is known."""
    known = element.type in _CHARTS and element.table is not None
    return element.type in PICTURES and element.crop is not None and not known and "repeat_of" not in element.metadata


def _around(elements: Sequence[Element], ordinal: int, length: int) -> str:
    """The titles above the picture, its own text and that before and behind it, about `length` characters."""
    picture = elements[ordinal]
    parent = elements[picture.parent] if picture.parent is not None else None
    before = " ".join(each.text for each in elements[max(0, ordinal - 4) : ordinal] if each.type not in PICTURES)
    behind = " ".join(each.text for each in elements[ordinal + 1 : ordinal + 4] if each.type not in PICTURES)
    parts = [parent.text[:200] if parent else "", before[-length // 2 :], picture.text[:length], behind[: length // 2]]
    return "\n".join(part for part in parts if part.strip())


def _lacking(failures: Sequence[DocmillError], lost: int, wanted: int) -> PermanentError | TransientError:
    """Why pictures have no caption: a cause that can pass wins, for then it is worth another try."""
    what = f"{lost} of {wanted} pictures were not described"
    passing = next((each for each in failures if isinstance(each, TransientError)), None)
    if passing is not None:
        return TransientError(f"{what}: {passing.message}", hint="It is tried again; captions that are there are kept.")
    if failures:
        return IncompleteDocumentError(f"{what}: {failures[0].message}", hint=failures[0].hint)
    return IncompleteDocumentError(
        f"{what}: more than are allowed.", hint="Raise pipeline.enrich.caption.max_pictures."
    )


def markdown_table(text: str) -> Table | None:
    """The first pipe table with a header row in the text, None without one."""
    lines = [line.strip() for line in text.splitlines()]
    for index, line in enumerate(lines[1:], start=1):
        if "|" not in lines[index - 1] or "-" not in line or not _RULE.fullmatch(line):
            continue
        rows = [_cells(lines[index - 1])]
        for following in lines[index + 1 :]:
            if "|" not in following:
                break
            rows.append(_cells(following))
        width = len(rows[0])
        cells = [
            Cell(row=row, column=column, text=value, header=row == 0)
            for row, values in enumerate(rows)
            for column, value in enumerate(values[:width])
        ]
        return Table(rows=len(rows), columns=width, cells=tuple(cells), header_rows=1)
    return None


def _cells(line: str) -> list[str]:
    return [part.strip() for part in line.strip().strip("|").split("|")]
