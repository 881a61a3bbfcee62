"""The routes of LlamaCloud's newer SDK (`llama-cloud` 2.x): files, parse, extract, what is saved, lists."""

from __future__ import annotations

from fastapi import APIRouter


def v2_router() -> APIRouter:
    """All of its routes."""
    from docmill.service.llamacloud.v2 import configurations, extracting, files, lists, parsing, webhook_configs

    served = APIRouter()
    for part in (files, configurations, webhook_configs, parsing, extracting, lists):
        served.include_router(part.router)
    return served
