"""The list of extractions: which the query asks for, and the page of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from fastapi import Request

from docmill.service.retab.request import RetabProblem
from docmill.service.retab.views import extraction_view
from docmill.structured.extractions import Extractions, StoredExtraction, Wanted
from docmill.structured.record import Json


def wanted_of(request: Request) -> tuple[Wanted, tuple[dict[str, str], re.Pattern[str] | None]]:
    """What a list shows; metadata and the regular expression are looked at row by row."""
    query = request.query_params
    try:
        limit = int(query.get("limit", "10"))
    except ValueError:
        limit = 0
    if not 1 <= limit <= 100:
        raise RetabProblem("invalid_request", "limit must be 1 to 100.")
    if query.get("order", "desc") not in ("asc", "desc"):
        raise RetabProblem("invalid_request", "order must be asc or desc.")
    wanted = Wanted(
        limit=limit,
        ascending=query.get("order", "desc") == "asc",
        after=query.get("after", ""),
        before=query.get("before", ""),
        equal={name: query[name] for name in ("filename", "status") if query.get(name)},
        contains=query.get("filename_contains", ""),
        types=tuple(query.getlist("document_type")),
        since=_moment(query.get("from_date", ""), "from_date", end=False),
        until=_moment(query.get("to_date", ""), "to_date", end=True),
    )
    return wanted, (_metadata(query.get("metadata", "")), _pattern(query.get("filename_regex", "")))


def _metadata(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RetabProblem("invalid_request", "metadata must be a JSON object.")
    return {str(name): str(value) for name, value in found.items()}


def _pattern(text: str) -> re.Pattern[str] | None:
    """The regular expression; only those that cannot run away: no group is repeated that repeats something itself."""
    if not text:
        return None
    if len(text) > 200 or re.search(r"[*+}]\s*\)\s*[*+{]", text):
        raise RetabProblem("invalid_request", "filename_regex is too long, or repeats a repetition.")
    try:
        return re.compile(text)
    except re.error as error:
        raise RetabProblem("invalid_request", f"filename_regex is no regular expression: {error}.") from None


def _moment(text: str, name: str, *, end: bool) -> float:
    if not text:
        return 0.0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RetabProblem("invalid_request", f"{name} must be a date or a time of ISO 8601.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.timestamp() + (86_400 if end and len(text) == 10 else 0)


def page_of(
    extractions: Extractions, tenant: str, wanted: Wanted, matches: tuple[dict[str, str], re.Pattern[str] | None]
) -> Json:
    """The page of the rows that match, read in larger pieces until it is full."""
    metadata, pattern = matches
    kept: list[StoredExtraction] = []
    cursor = wanted
    while True:
        rows, more = extractions.listed(tenant, replace(cursor, limit=100))
        walked = rows[::-1] if wanted.before else rows
        for row in walked:
            has = cast(dict[str, str], row.head["metadata"])
            if all(has.get(name) == value for name, value in metadata.items()) and (
                pattern is None or pattern.search(row.filename)
            ):
                kept.append(row)
        if len(kept) > wanted.limit or not more:
            break
        last = walked[-1].extraction_id
        cursor = replace(cursor, before=last) if wanted.before else replace(cursor, after=last)
    follows = len(kept) > wanted.limit
    page = kept[: wanted.limit]
    page = page[::-1] if wanted.before else page
    views: list[Json] = [extraction_view(row, extractions.record(row)) for row in page]
    ends = {
        "before": page[0].extraction_id if page and (wanted.after or (wanted.before and follows)) else None,
        "after": page[-1].extraction_id if page and (follows if not wanted.before else True) else None,
    }
    return cast(Json, {"data": views, "list_metadata": ends})
