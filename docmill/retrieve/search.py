"""Finds chunks by meaning, by words, or by both, among those that the caller may see.

A search looks at one generation of the collection from its beginning to its end: the one that is live when it begins.
It embeds the question with that generation's model, whatever the settings say by now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from docmill import tracing
from docmill.errors import ConfigError, UsageError, WordsNotIndexedError
from docmill.index.analysis import analyzed
from docmill.index.base import PUBLIC, Candidate, Row, Space, Where
from docmill.models import ChunkKind, Document, Hit
from docmill.retrieve.duplicates import distinct, plain
from docmill.retrieve.feedback import fed_back
from docmill.retrieve.focus import focused
from docmill.retrieve.fusion import Scored, fuse, with_documents, with_pages
from docmill.retrieve.options import DEFAULTS, SearchMode, SearchOptions
from docmill.retrieve.thesaurus import said_for, thesaurus
from docmill.workspace import Workspace

_CARDS = 50


def search(
    workspace: Workspace,
    question: str,
    *,
    collection: str,
    top_k: int = 5,
    mode: SearchMode = SearchMode.HYBRID,
    options: SearchOptions = DEFAULTS,
) -> list[Hit]:
    """The best `top_k` chunks for the question, best first; none if the collection is empty or unknown.

    Where words are not indexed a hybrid search goes by meaning alone, and each hit's `note` says so; a search by words
    raises WordsNotIndexedError.
    """
    with tracing.search(collection, top_k) as found:
        space = live_space(workspace, collection)
        hits = search_in(workspace, space, question, collection=collection, top_k=top_k, how=(mode, options))
        if tracing.enabled():
            known = {each.document_id: each.batch for each in _documents_of(workspace, hits)}
            found += [(hit, known.get(hit.document_id, "")) for hit in hits]
    return hits


def _documents_of(workspace: Workspace, hits: Sequence[Hit]) -> list[Document]:
    return workspace.ledger.documents_by_id(list(dict.fromkeys(hit.document_id for hit in hits)))


def search_in(
    workspace: Workspace,
    space: Space | None,
    question: str,
    *,
    collection: str,
    top_k: int,
    how: tuple[SearchMode, SearchOptions],
) -> list[Hit]:
    """What `search` gives, of the rows of one space, live or not; nothing for no space."""
    mode, options = how
    if not question.strip():
        raise UsageError("The question is empty.", hint="Ask for something.")
    if top_k < 1:
        raise UsageError("top_k must be 1 or more.")
    if space is None:
        return []
    found = _candidates(workspace, collection, space, _Asked(question, mode, options))
    scored = _ranked(found, options)
    if options.rerank_top_n:
        scored = _reranked(workspace, question, scored, options.rerank_top_n)
    wanted = options.offset + top_k
    chosen = distinct(scored, wanted) if options.distinct else plain(scored, wanted)
    return [_hit(collection, each, also, found.note) for each, also in chosen[options.offset :]]


def search_documents(
    workspace: Workspace, question: str, *, collection: str, top_k: int = 10, options: SearchOptions = DEFAULTS
) -> list[Hit]:
    """The best `top_k` documents for the question, each as its best hit; with "" all that pass, by key."""
    space = live_space(workspace, collection)
    if space is None:
        return []
    where = _where(options, None)
    if not question.strip():
        rows = workspace.index.find(collection, space, where, _PAGE)
        firsts = {row.document_id: row for row in sorted(rows, key=lambda row: (row.source_key, row.ordinal))}
        chosen = list({row.document_id: row for row in reversed(list(firsts.values()))}.values())
        ordered = sorted(chosen, key=lambda row: row.source_key)
        return [_hit(collection, Scored(row, 0.0), (), "") for row in ordered[options.offset : options.offset + top_k]]
    found = _candidates(workspace, collection, space, _Asked(question, SearchMode.HYBRID, options))
    best: dict[str, Scored] = {}
    for each in _ranked(found, options):
        best.setdefault(each.row.document_id, each)
    page = list(best.values())[options.offset : options.offset + top_k]
    return [_hit(collection, each, (), found.note) for each in page]


_PAGE = 16_384


def live_space(workspace: Workspace, collection: str) -> Space | None:
    """The space that searches of the collection see now, None where it has no rows; raises ConfigError if unknown."""
    digest = workspace.index.live(collection)
    if digest is None or digest == workspace.space.digest:
        return workspace.space if digest else None
    generation = workspace.ledger.generation(collection, digest)
    if generation is None:
        raise ConfigError(
            f"The collection {collection!r} was built with another embedding model or other settings than now.",
            hint="Run `docmill ingest` again so that it is built anew, or go back to the former settings.",
        )
    return generation.space


def visible_row(workspace: Workspace, collection: str, chunk_id: str, access: frozenset[str]) -> tuple[Space, Row]:
    """The row of a hit and its space; raises UsageError if there is none of that id that the caller's tags show."""
    space = live_space(workspace, collection)
    rows = workspace.index.rows(collection, space, [chunk_id]) if space else []
    if space is None or not rows or not {PUBLIC, *access} & set(rows[0].access):
        raise UsageError(
            f"The collection {collection!r} holds no chunk {chunk_id!r} that you may see.",
            hint="Take the id from `docmill search`, and give the same --access.",
        )
    return space, rows[0]


@dataclass(frozen=True)
class _Asked:
    question: str
    mode: SearchMode
    options: SearchOptions


@dataclass(frozen=True)
class _Found:
    dense: Sequence[Candidate]
    sparse: Sequence[Candidate]
    cards: Sequence[Candidate]
    note: str
    cosines: Mapping[str, float]
    """Chunk id → cosine with the question itself: scores in `dense` are those after feedback."""


def _where(options: SearchOptions, kind: ChunkKind | None) -> Where:
    """What the caller may find: what is public and what bears one of their tags; nothing else, whatever is asked."""
    return Where(frozenset({PUBLIC, *options.access}), options.condition, kind)


def _candidates(workspace: Workspace, collection: str, space: Space, asked: _Asked) -> _Found:
    options, index, note = asked.options, workspace.index, ""
    passages, documents = _where(options, ChunkKind.PASSAGE), _where(options, ChunkKind.DOCUMENT)
    language = workspace.config.index.language
    question = focused(asked.question, language) if options.focus else asked.question
    said = said_for(question, thesaurus(workspace.settings.thesaurus), language) if options.expand else ()
    vector = [] if asked.mode is SearchMode.SPARSE else _vector(workspace, space, question, said)
    own = analyzed(question, language)
    terms = " ".join(dict.fromkeys(f"{own} {analyzed(' '.join(said), language)}".split()))
    dense: list[Candidate] = []
    sparse: list[Candidate] = []
    cards: list[Candidate] = []
    with index.session():
        if asked.mode is not SearchMode.SPARSE:
            fed = options.feedback > 0
            dense = index.search_vector(collection, space, vector, options.dense_top_k, passages, vectors=fed)
        if asked.mode is not SearchMode.DENSE and terms:
            try:
                sparse = index.search_words(collection, space, terms, options.sparse_top_k, passages)
                if asked.mode is SearchMode.HYBRID and options.document_weight:
                    cards = index.search_words(collection, space, own, _CARDS, documents)
            except WordsNotIndexedError as error:
                if asked.mode is SearchMode.SPARSE:
                    raise
                note = f"Found by meaning only. {error.message}"
    if options.min_similarity is not None:
        dense = [each for each in dense if each.score >= options.min_similarity]
        similar = {each.row.chunk_id for each in dense}
        sparse = [each for each in sparse if each.row.chunk_id in similar] if vector else sparse
    cosines = {each.row.chunk_id: each.score for each in dense}
    return _Found(fed_back(vector, dense, options.feedback), sparse, cards, note, cosines)


def _vector(workspace: Workspace, space: Space, question: str, said: Sequence[str]) -> list[float]:
    """The question's vector; where documents have words of their own for it, the middle between it and theirs."""
    vectors = workspace.embedder_for(space).embed([question, *([". ".join(said)] if said else [])], query=True).vectors
    middle = vectors.sum(axis=0)
    found: list[float] = (middle / np.linalg.norm(middle)).tolist()
    return found


def _ranked(found: _Found, options: SearchOptions) -> list[Scored]:
    """Best first, each with its cosine to the question where that is known."""
    ranked = _in_order_of(found, options)
    return [replace(each, similarity=found.cosines.get(each.row.chunk_id)) for each in ranked]


def _in_order_of(found: _Found, options: SearchOptions) -> list[Scored]:
    single = not (found.dense and found.sparse)
    if single:
        both = [*found.dense, *found.sparse]
        ranks = range(1, len(both) + 1)
        return [
            Scored(each.row, each.score, rank) if found.dense else Scored(each.row, each.score, None, rank)
            for rank, each in zip(ranks, both, strict=True)
        ]
    scored = fuse(found.dense, found.sparse, options)
    if options.fusion is not options.fusion.SCORES:
        return scored
    return with_documents(with_pages(scored, options.page_weight), found.cards, options.document_weight)


def _reranked(workspace: Workspace, question: str, scored: Sequence[Scored], count: int) -> list[Scored]:
    """The first `count` in the order of the cross-encoder, the others behind them as they were."""
    head, rest = list(scored[:count]), list(scored[count:])
    scores = workspace.reranker.rerank(question, [each.row.text for each in head])
    judged = [replace(each, rerank_score=score) for each, score in zip(head, scores, strict=True)]
    return [*sorted(judged, key=lambda each: (-(each.rerank_score or 0.0), each.row.chunk_id)), *rest]


def _hit(collection: str, scored: Scored, also_in: tuple[str, ...], note: str) -> Hit:
    row = scored.row
    return Hit(
        chunk_id=row.chunk_id,
        score=round(scored.score, 6),
        text=row.text,
        collection=collection,
        document_id=row.document_id,
        version=row.version,
        source_key=row.source_key,
        section=row.section,
        pages=row.pages,
        regions=row.regions,
        types=row.types,
        place=row.place,
        seconds=row.seconds,
        elements=row.elements,
        fingerprint=row.fingerprint,
        dense_rank=scored.dense_rank,
        sparse_rank=scored.sparse_rank,
        rerank_score=None if scored.rerank_score is None else round(scored.rerank_score, 6),
        ordinal=row.ordinal,
        parent=row.parent,
        similarity=None if scored.similarity is None else round(scored.similarity, 6),
        also_in=also_in,
        metadata=row.metadata,
        note=note,
    )
