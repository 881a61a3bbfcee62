"""The document that came with a request: as a file, or as an address to fetch it from."""

from __future__ import annotations

import asyncio

from fastapi import Request, UploadFile

from docmill.fetch import fetch, rules_of


async def sent_document(request: Request, file: UploadFile | None, url: str) -> tuple[str, bytes] | None:
    """Name and bytes, None where neither was sent; raises what fetching raises."""
    if file is not None:
        return await sent_file(file)
    if not url:
        return None
    found = await asyncio.to_thread(fetch, url, rules_of(request.app.state.workspace.settings))
    return found.name, found.data


async def sent_file(file: UploadFile) -> tuple[str, bytes]:
    """The upload's name and bytes; Starlette has put large ones on disk."""
    return file.filename or "document", await file.read()
