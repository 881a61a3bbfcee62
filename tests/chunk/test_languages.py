from docmill.chunk.languages import with_languages
from docmill.models import Chunk, Element, ElementType, Extraction, Span


def chunk(*ordinals: int) -> Chunk:
    return Chunk(ordinal=0, text="x", token_count=1, spans=tuple(Span(ordinal=n, start=0, end=1) for n in ordinals))


def element(ordinal: int, language: str | None) -> Element:
    return Element(ordinal=ordinal, type=ElementType.TEXT, text="x", language=language)


def test_chunk_has_the_language_of_most_of_its_elements_else_of_its_document():
    elements = (element(0, "de"), element(1, "de"), element(2, "en"), element(3, None))
    extraction = Extraction(media_type="x", elements=elements, metadata={"language": "fr"})
    found = with_languages([chunk(0, 1, 2), chunk(2), chunk(3)], extraction)
    assert [each.language for each in found] == ["de", "en", "fr"]


def test_unknown_language_is_none():
    assert with_languages([chunk(0)], Extraction(media_type="x", elements=(element(0, None),)))[0].language == ""
