"""Bodies of requests as JSON, with refusals that name what is wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from docmill.service.problems import Problem
from docmill.service.uploads import body_of

_Form = TypeVar("_Form", bound=BaseModel)


async def any_json_of(request: Request) -> object:
    """The body as JSON, None where there is none; raises a Problem 400."""
    async with body_of(request) as body:
        try:
            text = await asyncio.to_thread(body.read)
            found: object = json.loads(text) if text.strip() else None
            return found
        except ValueError as error:
            raise Problem(400, "invalid_body", "The body is no JSON.") from error


async def json_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object; raises a Problem 400."""
    found = await any_json_of(request)
    if not isinstance(found, dict):
        raise Problem(400, "invalid_body", "The body is no JSON object.")
    return found


def text_of(body: Mapping[str, object], name: str) -> str:
    """The text of that name; raises a Problem 422 where there is none."""
    found = body.get(name)
    if not isinstance(found, str) or not found:
        raise Problem(422, "invalid_request", f"{name}: a text that is not empty is needed.")
    return found


def form_of(form: type[_Form], body: object) -> _Form:
    """The body as a model; raises a Problem 422 that names what is wrong."""
    try:
        return form.model_validate(body)
    except ValidationError as error:
        shown = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise Problem(422, "invalid_request", f"The request is wrong: {shown}.") from error
