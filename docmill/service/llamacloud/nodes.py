"""What is found in an index as the protocol's nodes: text nodes, pictures of pages, figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from pydantic import JsonValue

from docmill.index.analysis import analyzed
from docmill.models import Document, Stage
from docmill.service.llamacloud.document_metadata import metadata_of, ref_of
from docmill.service.llamacloud.entries import Entries, Entry
from docmill.service.llamacloud.indexes import Index
from docmill.service.llamacloud.items import Body
from docmill.service.llamacloud.page_images import PageImages, figure_view, figures_of, has_pages
from docmill.service.llamacloud.retrieval import (
    Answer,
    Found,
    Question,
    answer,
    text_of_document,
)
from docmill.service.problems import Problem
from docmill.workspace import Workspace


@dataclass(frozen=True)
class Source:
    """The document that a node comes from, and its entry where a client put it."""

    document: Document
    entry: Entry | None

    @property
    def ref(self) -> str:
        """The id that the protocol knows it by."""
        return ref_of(self.document, self.entry)


def sources_of(workspace: Workspace, document_ids: Sequence[str]) -> dict[str, Source]:
    """The documents that nodes come from, by docmill's ids."""
    ids = list(dict.fromkeys(document_ids))
    entries = Entries(workspace.ledger.database).of_documents(ids)
    return {
        each.document_id: Source(each, entries.get(each.document_id)) for each in workspace.ledger.documents_by_id(ids)
    }


def text_node(workspace: Workspace, index: Index, found: Found, source: Source, query: str = "") -> Body:
    """A chunk, or a whole file, as a text node; of a chunk on several pages the label is the page that answers best."""
    hit, entry = found.hit, source.entry
    metadata = {**metadata_of(source.document, entry), "pipeline_id": index.pipeline_id}
    if hit.pages:
        first, last = hit.pages[0], hit.pages[-1]
        label = first if first == last else _best_page(workspace, found, source, query)
        metadata |= {"page_label": label, "start_page_index": first - 1, "end_page_index": last - 1}
    related: Body = {"node_id": source.ref, "node_type": "4", "metadata": {}, "class_name": "RelatedNodeInfo"}
    body = entry.body if entry else {}
    return {
        "class_name": "TextNode",
        "id_": hit.chunk_id,
        "text": text_of_document(workspace, found.document, entry) if found.document else hit.text,
        "mimetype": "text/plain",
        "extra_info": metadata,
        "excluded_embed_metadata_keys": body.get("excluded_embed_metadata_keys") or [],
        "excluded_llm_metadata_keys": body.get("excluded_llm_metadata_keys") or [],
        "relationships": {"1": related},
        "start_char_idx": None,
        "end_char_idx": None,
        "text_template": "{metadata_str}\n\n{content}",
        "metadata_template": "{key}: {value}",
        "metadata_seperator": "\n",
    }


def _best_page(workspace: Workspace, found: Found, source: Source, query: str) -> int:
    """The page of the chunk that has the most words of the question, the first of several."""
    hit, language = found.hit, workspace.config.index.language
    outcomes = workspace.ledger.outcomes([source.document.document_id])
    outcome = outcomes.get((source.document.document_id, Stage.EXTRACTED_ELEMENTS))
    wanted = set(analyzed(query, language).split())
    if not wanted or outcome is None or outcome.error:
        return hit.pages[0]
    extraction = workspace.artifacts.extraction(source.document, outcome.fingerprint)
    own = set(hit.elements)
    words = {
        page: set(
            analyzed(" ".join(each.text for each in extraction.on_page(page) if each.ordinal in own), language).split()
        )
        for page in hit.pages
    }
    return max(hit.pages, key=lambda page: (len(wanted & words[page]), -page))


def _pages_of(found: Sequence[Found]) -> dict[tuple[str, int], float]:
    """The pages of what was found with the best score on each: (docmill's document id, page from 1)."""
    best: dict[tuple[str, int], float] = {}
    for each in found:
        for page in each.hit.pages:
            place = (each.hit.document_id, page)
            best[place] = max(best.get(place, each.score), each.score)
    return best


async def retrieve(request: Request, tenant: str, index: Index, question: Question) -> Body:
    """The whole answer to a question: nodes, and pictures where they were asked for."""
    workspace: Workspace = request.app.state.workspace
    since = time.perf_counter()
    found, sources = await asyncio.to_thread(_found, workspace, index, question)
    nodes = await asyncio.to_thread(_nodes, workspace, index, question.query, (found, sources))
    seconds = time.perf_counter() - since
    pages = {place: score for place, score in _pages_of(found.found).items() if place[0] in sources}
    shots = await _screenshots(request, tenant, pages, sources) if question.wants_screenshots else []
    figures = await asyncio.to_thread(_figures, workspace, pages, sources) if question.wants_figures else []
    return {
        "pipeline_id": index.pipeline_id,
        "retrieval_nodes": nodes,
        "image_nodes": shots,
        "page_figure_nodes": figures,
        "retrieval_latency": {"retrieval": round(seconds, 4)},
        "metadata": {"note": found.note} if found.note else {},
        "inferred_search_filters": None,
        "class_name": "RetrieveResults",
    }


def _found(workspace: Workspace, index: Index, question: Question) -> tuple[Answer, dict[str, Source]]:
    found = answer(workspace, index.collection, question)
    return found, sources_of(workspace, [each.hit.document_id for each in found.found])


def _nodes(
    workspace: Workspace, index: Index, query: str, answered: tuple[Answer, dict[str, Source]]
) -> list[JsonValue]:
    """The text nodes; what was deleted while it was looked for is left out."""
    found, sources = answered
    return [
        {
            "class_name": "TextNodeWithScore",
            "score": each.score,
            "node": text_node(workspace, index, each, sources[each.hit.document_id], query),
        }
        for each in found.found
        if each.hit.document_id in sources
    ]


async def _screenshots(
    request: Request, tenant: str, pages: dict[tuple[str, int], float], sources: dict[str, Source]
) -> list[JsonValue]:
    """The pages that can be drawn, each drawn by now."""
    images = PageImages(request, tenant)

    async def one(document_id: str, page: int, score: float) -> JsonValue:
        source = sources[document_id]
        if not has_pages(source.document):
            return None
        try:
            drawn = await images.screenshot(f"document/{document_id}", page - 1)
        except Problem:
            return None
        node: Body = {"file_id": source.ref, "page_index": page - 1, "image_size": len(drawn.data), "metadata": {}}
        return {"class_name": "NodeWithScore", "score": score, "node": node}

    made = await asyncio.gather(*(one(*place, score) for place, score in pages.items()))
    return [each for each in made if each is not None]


def _figures(workspace: Workspace, pages: dict[tuple[str, int], float], sources: dict[str, Source]) -> list[JsonValue]:
    found: list[JsonValue] = []
    for document_id in dict.fromkeys(place[0] for place in pages):
        source = sources[document_id]
        for (page, name), element in figures_of(workspace, source.document).items():
            score = pages.get((document_id, page))
            if score is not None:
                node = figure_view(workspace, source.ref, page, name, element)
                found.append({"class_name": "PageFigureNodeWithScore", "score": score, "node": node})
    return found
