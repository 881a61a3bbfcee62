"""Each cell of docs/formats.md: a small real document of each type shows the features that its reader declares."""

from collections.abc import Callable

import pytest

from docmill.config import ExtractConfig, Mode
from docmill.extract.features import FEATURES, Feature
from docmill.extract.registry import SUPPORTED, read
from docmill.models import Element, ElementType, Extraction
from tests.extract.samples import samples

RECORDINGS = {"mp3", "wav", "m4a", "flac", "ogg", "mp4", "mov", "mkv", "webm", "avi"}
"""Held by tests/extract/media, which have a model for speech."""
ELSEWHERE = RECORDINGS | {"ppt"}
"""`ppt` is held by test_ppt.py, which needs LibreOffice."""
CONFIG = ExtractConfig(mode=Mode.ACCURATE)
KINDS = {
    Feature.TITLES: {ElementType.TITLE},
    Feature.LISTS: {ElementType.LIST_ITEM},
    Feature.TABLES: {ElementType.TABLE},
    Feature.CHARTS: {ElementType.CHART},
    Feature.FORMULAS: {ElementType.FORMULA},
    Feature.CODE: {ElementType.CODE},
    Feature.MARGINS: {ElementType.HEADER, ElementType.FOOTER},
}
TESTS: dict[Feature, Callable[[Element], object]] = {
    Feature.SPANS: lambda each: each.table and any(c.row_span + c.column_span > 2 for c in each.table.cells),
    Feature.LINKS: lambda each: each.links,
    Feature.PICTURES: lambda each: each.type is ElementType.IMAGE and each.crop,
    Feature.OCR: lambda each: each.method.startswith("ocr") and each.text,
    Feature.NOTES: lambda each: each.type is ElementType.FOOTNOTE or each.metadata.get("notes"),
    Feature.COMMENTS: lambda each: each.metadata.get("comment") or each.metadata.get("note") == "comment",
    Feature.HIDDEN: lambda each: each.metadata.get("hidden"),
    Feature.PAGES: lambda each: each.page,
    Feature.BOXES: lambda each: each.bbox,
    Feature.CELLS: lambda each: each.cells,
    Feature.SECONDS: lambda each: each.end,
}


def shown(extraction: Extraction) -> set[Feature]:
    """The features that an extraction shows."""
    elements = extraction.elements
    found = {feature for feature, kinds in KINDS.items() if any(each.type in kinds for each in elements)}
    found |= {feature for feature, test in TESTS.items() if any(test(each) for each in elements)}
    return found | ({Feature.MEMBERS} if extraction.members else set())


def test_every_type_that_is_read_declares_its_features():
    assert set(FEATURES) == set(SUPPORTED)


@pytest.mark.parametrize("label", sorted(set(FEATURES) - ELSEWHERE))
def test_a_document_shows_what_its_reader_declares(label: str):
    config = ExtractConfig() if label == "pdf" else CONFIG
    extractions = [read(data, name, config).extraction for data, name in samples(label)]
    assert set().union(*(shown(each) for each in extractions)) == FEATURES[label]
