"""The result of a parse job as one blob: its pages, pictures and workbook in a ZIP; and what is answered from it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from docmill.service.llamacloud.options import ParseOptions, with_page
from docmill.structured.record import Json

_HEAD = "result.json"
_PICTURES = "pictures/"
WORKBOOK = "tables.xlsx"
MERGED = "mdMerged"
"""A page's Markdown for the joined text: a table that goes on over pages stands whole on its first one."""
_DAY = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Parsed:
    """The pages of a document, its pictures by name, its tables as a workbook, and the pages that lack a part."""

    pages: list[Json]
    pictures: Mapping[str, bytes]
    workbook: bytes
    partial: tuple[int, ...] = ()


def pack(parsed: Parsed, made_by: str) -> bytes:
    """The blob; `made_by` is the job that did the work. The same pages give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        head = json.dumps({"pages": parsed.pages, "made_by": made_by}, ensure_ascii=False).encode("utf-8", "replace")
        _add(archive, _HEAD, head, zipfile.ZIP_DEFLATED)
        _add(archive, WORKBOOK, parsed.workbook, zipfile.ZIP_STORED)
        for name, data in parsed.pictures.items():
            _add(archive, _PICTURES + name, data, zipfile.ZIP_STORED)
    return out.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes, method: int) -> None:
    info = zipfile.ZipInfo(name, _DAY)
    info.compress_type = method
    archive.writestr(info, data)


@dataclass(frozen=True)
class Result:
    """A job's result. `made_by` is another job where it was taken from the cache."""

    job_id: str
    options: ParseOptions
    pages: Sequence[Json]
    made_by: str

    def metadata(self) -> Json:
        """What is told of the job."""
        return {
            "job_pages": len(self.pages),
            "job_auto_mode_triggered_pages": 0,
            "job_is_cache_hit": self.made_by != self.job_id,
            "engine": f"docmill {self.options.mode}",
        }

    def joined(self, name: str) -> str:
        """The Markdown (`md`) or `text` of all pages with the page separator between two."""
        out = ""
        for index, page in enumerate(self.pages):
            number = cast(int, page["page"])
            out += (with_page(self.options.page_separator, number) if index else "") + self._shown(page, name)
        return out

    def raw(self, name: str) -> bytes:
        """The same with a blank line between two pages."""
        return "\n\n".join(self._shown(page, name) for page in self.pages).encode("utf-8", "replace")

    def _shown(self, page: Json, name: str) -> str:
        if name == "md":
            return str(page.get(MERGED, page["md"]))
        text = str(page[name])
        number = cast(int, page["page"])
        return with_page(self.options.page_prefix, number) + text + with_page(self.options.page_suffix, number)


def result_of(blob: bytes, job_id: str, options: ParseOptions) -> Result:
    """The pages in a blob."""
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        head = json.loads(archive.read(_HEAD))
    return Result(job_id, options, head["pages"], str(head["made_by"]))


def workbook_of(blob: bytes) -> bytes:
    """The workbook in a blob."""
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        return archive.read(WORKBOOK)


def picture_of(blob: bytes, name: str) -> bytes | None:
    """The picture of a name in a blob, None if there is none."""
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        known = _PICTURES + name in archive.namelist()
        return archive.read(_PICTURES + name) if known else None
