"""Long documents are cut between pages or sections, never in the middle of a line, and all of them is shown."""

from docmill.structured.parts import Cut, Parts, parts_of
from docmill.structured.words import Layout, Word, layout


def document(*pages: list[str], tall: str = "") -> Layout:
    words = []
    for page, lines in enumerate(pages, 1):
        for number, line in enumerate(lines):
            height = 18 if line == tall else 10
            words.append(Word(line, page, 50, 40.0 * number, 50 + 5.0 * len(line), 40.0 * number + height))
    return layout(words, {})


def test_a_document_that_fits_is_one_part_however_it_is_cut():
    found = document(["one", "two"], ["three"])
    shown = ["[page 1]\none\ntwo\n\n[page 2]\nthree"]
    assert parts_of(found, 100, Parts()) == shown
    assert parts_of(found, 100, Parts(Cut.SECTION, 2)) == shown


def test_pages_stay_whole_and_are_packed():
    found = document(["a" * 20], ["b" * 20], ["c" * 20])
    assert [part.count("[page") for part in parts_of(found, 45, Parts())] == [2, 1]


def test_a_page_that_is_too_long_is_cut_at_its_lines():
    found = document(["a" * 20, "b" * 20, "c" * 20])
    assert [part.splitlines()[1:] for part in parts_of(found, 45, Parts())] == [["a" * 20, "b" * 20], ["c" * 20]]


def test_sections_begin_with_a_taller_line():
    found = document(["x" * 20, "Heading", "y" * 20], ["z" * 20], tall="Heading")
    first, second = parts_of(found, 60, Parts(Cut.SECTION))
    assert "x" in first
    assert second.splitlines() == ["[page 1]", "Heading", "y" * 20, "", "[page 2]", "z" * 20]


def test_pages_around_a_part_are_marked_as_context():
    found = document(["a" * 30], ["b" * 30], ["c" * 30])
    middle = parts_of(found, 40, Parts(context=1))[1]
    assert [line for line in middle.splitlines() if line.startswith("[")] == [
        "[context, page 1]",
        "[page 2]",
        "[context, page 3]",
    ]
