"""Chunks: nothing is lost, nothing is told twice, nothing is longer than the model reads."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.chunk import chunk_extraction
from docmill.chunk.pieces import Tokenizer
from docmill.config import ChunkConfig, Strategy
from docmill.inference.memory import HashEmbedder
from docmill.inference.onnx_embedder import OnnxEmbedder
from docmill.models import BBox, Cell, Chunk, Element, ElementType, Extraction, Table

TOKENIZER = HashEmbedder()
FURNITURE = {ElementType.HEADER, ElementType.FOOTER}

words = st.text(alphabet="abcdeÄß水😀0.,!?-|\n \t", min_size=1, max_size=30) | st.text(min_size=1, max_size=60)
texts = st.lists(words, max_size=60).map(" ".join)
kinds = st.sampled_from(
    [ElementType.TEXT, ElementType.TEXT, ElementType.LIST_ITEM, ElementType.CODE, ElementType.HEADER]
)


@st.composite
def tables(draw) -> tuple[str, Table]:
    """A table's text, a line a row, with its cells."""
    columns = draw(st.integers(1, 4))
    cell = st.text(alphabet="abc 12.5", max_size=draw(st.sampled_from([6, 40, 150])))
    rows = draw(st.lists(st.lists(cell, min_size=columns, max_size=columns), min_size=1, max_size=25))
    cells = [Cell(row=r, column=c, text=text) for r, row in enumerate(rows) for c, text in enumerate(row)]
    head = draw(st.integers(0, 2))
    table = Table(rows=len(rows), columns=columns, cells=tuple(cells), header_rows=min(head, len(rows)))
    return "\n".join(" | ".join(row) for row in rows), table


@st.composite
def extractions(draw) -> Extraction:
    """Elements of every kind below titles of every level."""
    made: list[Element] = []
    title: int | None = None
    for ordinal in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["title", "text", "text", "table"]))
        if kind == "title":
            made.append(Element(ordinal=ordinal, type=ElementType.TITLE, text=draw(texts), level=1))
            title = ordinal
        elif kind == "table":
            text, table = draw(tables())
            made.append(Element(ordinal=ordinal, type=ElementType.TABLE, text=text, table=table, parent=title))
        else:
            made.append(Element(ordinal=ordinal, type=draw(kinds), text=draw(texts), parent=title))
    return Extraction(media_type="text/plain", elements=tuple(made))


configs = st.builds(
    ChunkConfig,
    strategy=st.sampled_from(Strategy),
    max_tokens=st.integers(16, 300),
    overlap_tokens=st.integers(0, 60),
    context=st.booleans(),
    tables_apart=st.booleans(),
    table_tokens=st.integers(16, 400),
    parent_tokens=st.integers(0, 600),
)


def cut(found: Extraction, config: ChunkConfig) -> tuple[Chunk, ...]:
    """The chunks of a document that has a name, by any strategy."""
    return chunk_extraction(
        found, TOKENIZER, config, "a/Annual_Report-2024.pdf", lambda texts: TOKENIZER.embed(texts).vectors
    )


def extraction(*elements: Element) -> Extraction:
    return Extraction(media_type="text/plain", elements=elements)


def element(ordinal: int, text: str, kind: ElementType = ElementType.TEXT, **values) -> Element:
    return Element(ordinal=ordinal, type=kind, text=text, **values)


def grid(ordinal: int, rows: Sequence[Sequence[str]], header_rows: int = 1, **values) -> Element:
    cells = [Cell(row=r, column=c, text=text) for r, row in enumerate(rows) for c, text in enumerate(row)]
    table = Table(rows=len(rows), columns=len(rows[0]), cells=tuple(cells), header_rows=header_rows)
    return element(ordinal, "\n".join(" | ".join(row) for row in rows), ElementType.TABLE, table=table, **values)


def chunked(found: Extraction, max_tokens: int = 64, overlap: int = 0, tokenizer: Tokenizer = TOKENIZER, **values):
    given = {"context": False, "tables_apart": False} | values
    config = ChunkConfig(max_tokens=max_tokens, overlap_tokens=overlap, **given)
    return chunk_extraction(found, tokenizer, config)


def rebuilt(found: Extraction, chunks: Sequence[Chunk]) -> dict[int, str]:
    """Each element's text, put together of the spans that no earlier chunk holds, in their order."""
    by_ordinal = {each.ordinal: each for each in found.elements}
    parts: dict[int, str] = {}
    for chunk in chunks:
        for span in chunk.spans[chunk.overlap :]:
            assert span.start == len(parts.get(span.ordinal, "")), "a span out of its order"
            parts[span.ordinal] = parts.get(span.ordinal, "") + by_ordinal[span.ordinal].text[span.start : span.end]
    return parts


def check(found: Extraction, chunks: Sequence[Chunk]) -> None:
    parts = rebuilt(found, chunks)
    kept = [each for each in found.elements if each.type not in FURNITURE and each.text.strip()]
    assert parts == {each.ordinal: each.text for each in kept}
    assert list(parts) == [each.ordinal for each in kept]


@settings(deadline=None, max_examples=150)
@given(found=extractions(), config=configs)
def test_spans_rebuild_every_element_in_order_and_once(found: Extraction, config: ChunkConfig):
    check(found, cut(found, config))


@settings(deadline=None, max_examples=150)
@given(found=extractions(), config=configs)
def test_no_chunk_is_longer_than_allowed(found: Extraction, config: ChunkConfig):
    for chunk in cut(found, config):
        assert len(TOKENIZER.tokenize(chunk.embedded)) + TOKENIZER.special_tokens == chunk.token_count
        assert chunk.token_count <= config.max_tokens


@settings(deadline=None, max_examples=50)
@given(found=extractions(), config=configs)
def test_overlapping_spans_are_of_the_chunk_before(found: Extraction, config: ChunkConfig):
    told: set[tuple[int, int]] = set()
    for chunk in cut(found, config):
        for position, span in enumerate(chunk.spans):
            letters = {(span.ordinal, place) for place in range(span.start, span.end)}
            assert letters <= told if position < chunk.overlap else not letters & told
            told |= letters


@settings(deadline=None, max_examples=50)
@given(found=extractions(), config=configs)
def test_chunks_have_text_and_ordinals(found: Extraction, config: ChunkConfig):
    chunks = cut(found, config)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.text.strip() for chunk in chunks)


@settings(deadline=None, max_examples=30)
@given(found=extractions(), config=configs)
def test_same_input_gives_the_same_chunks(found: Extraction, config: ChunkConfig):
    again = Extraction.model_validate_json(found.model_dump_json())
    assert cut(found, config) == cut(again, config)


def test_nothing_gives_no_chunks():
    assert chunked(extraction()) == ()
    assert chunked(extraction(element(0, " \n "))) == ()


def test_furniture_stays_out():
    chunks = chunked(
        extraction(
            element(0, "Page 3", ElementType.HEADER), element(1, "The text."), element(2, "x", ElementType.FOOTER)
        )
    )
    assert [chunk.text for chunk in chunks] == ["The text."]


def test_header_leads_every_part_of_a_table():
    rows = [["Part", "Price"], *([f"P-{number}", "12.5"] for number in range(60))]
    chunks = chunked(extraction(grid(0, rows)))
    assert len(chunks) > 3
    assert all(chunk.text.startswith("Part | Price\n") for chunk in chunks)
    assert [chunk.overlap for chunk in chunks] == [0] + [1] * (len(chunks) - 1)


def test_rows_are_whole():
    rows = [["Part", "Price"], *([f"P-{number}", "12.5"] for number in range(60))]
    lines = {line for chunk in chunked(extraction(grid(0, rows))) for line in chunk.text.splitlines()}
    assert lines == {" | ".join(row) for row in rows}


def test_row_that_fits_without_the_header_only_is_cut():
    head, row = " ".join(["head"] * 20), " ".join(["word"] * 55)
    found = extraction(grid(0, [[head], ["a"], [row], ["b"]]))
    chunks = chunked(found)
    assert max(chunk.token_count for chunk in chunks) <= 64
    check(found, chunks)


def test_header_beyond_half_a_chunk_is_not_repeated():
    found = extraction(grid(0, [[" ".join(["head"] * 50)], *([f"row {number}"] for number in range(40))]))
    assert sum("head" in chunk.text for chunk in chunked(found)) == 1


def test_small_table_stays_whole_beside_its_text():
    found = extraction(element(0, "Prices are in euros."), grid(1, [["Part", "Price"], ["P-7", "12.5"]]))
    assert [chunk.text for chunk in chunked(found)] == ["Prices are in euros.\nPart | Price\nP-7 | 12.5"]


def test_section_is_the_path_of_titles():
    found = extraction(
        element(0, "Pumps", ElementType.TITLE, level=1),
        element(1, "Service", ElementType.TITLE, level=2, parent=0),
        element(2, " ".join(["oil"] * 50), parent=1),
        element(3, "Valves", ElementType.TITLE, level=1),
        element(4, "They close.", parent=3),
    )
    assert [chunk.section for chunk in chunked(found)] == [("Pumps",), ("Valves",)]


def test_title_stays_with_its_text():
    found = extraction(
        element(0, " ".join(["first"] * 40)),
        element(1, "Valves", ElementType.TITLE, level=1),
        element(2, "They close.", parent=1),
    )
    assert [chunk.text for chunk in chunked(found)][1] == "Valves\nThey close."


def test_text_is_cut_at_sentence_ends():
    sentences = [f"Sentence number {number} says a little." for number in range(30)]
    for chunk in chunked(extraction(element(0, " ".join(sentences)))):
        assert chunk.text.startswith("Sentence")
        assert chunk.text.endswith(".")


def test_overlap_repeats_the_end_of_the_chunk_before():
    sentences = [f"Sentence number {number} says a little." for number in range(30)]
    first, second, *_ = chunked(extraction(element(0, " ".join(sentences))), overlap=16)
    assert second.overlap == 1
    assert second.text.split(". ")[0] in first.text


def test_pages_and_boxes_are_those_of_the_elements():
    box = BBox(x0=1.234, y0=2, x1=3, y1=4)
    size = (420.0, 595.0)
    found = extraction(
        element(0, "One.", page=1, bbox=box, page_size=size), element(1, "Two.", page=2, bbox=box, page_size=size)
    )
    (chunk,) = chunked(found)
    assert chunk.pages == (1, 2)
    assert [(each.page, each.bbox.x0, each.page_size) for each in chunk.regions] == [(1, 1.23, size), (2, 1.23, size)]


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"sheet": "Stock", "cells": "A1:B2"}, "Stock!A1:B2"),
        ({"sheet": "Stock"}, "Stock"),
        ({"start": 1.0, "end": 2.5}, "0:01-0:02"),
        ({}, ""),
    ],
)
def test_place_is_told_where_there_are_no_pages(values: dict, place: str):
    assert chunked(extraction(element(0, "Words.", **values)))[0].place == place


def test_real_tokenizer_rebuilds_and_keeps_to_its_limit(tmp_path):
    model = OnnxEmbedder(tmp_path)
    prose = "Die Förderpumpe P-7 leistet 12,5 l/min; naïve café 水道メートル 😀. " * 60
    blob = "iVBORw0KGgoAAAANSUhEUgAAAlgAAAGQCAYAAAByNR6YAAAABHNCSVQICAgIfAhkiAAA\n" * 30
    rows = [["Part", "Price"], *([f"P-{number}", "12.5"] for number in range(200))]
    found = extraction(element(0, prose), element(1, blob, ElementType.CODE), element(2, "a" * 5_000), grid(3, rows))
    chunks = chunked(found, max_tokens=128, overlap=24, tokenizer=model)
    check(found, chunks)
    assert max(len(model.tokenize(chunk.text)) + model.special_tokens for chunk in chunks) <= 128


def test_speech_is_a_paragraph_up_to_a_pause():
    said = [("One.", 0.0, 2.0), ("Two.", 2.5, 4.0), ("Three.", 9.0, 11.0)]
    segments = [
        element(number, text, ElementType.AUDIO_SEGMENT, start=start, end=end)
        for number, (text, start, end) in enumerate(said)
    ]
    (chunk,) = chunked(extraction(*segments))
    assert chunk.text == "One. Two.\nThree."
    assert chunk.seconds == (0.0, 11.0)
