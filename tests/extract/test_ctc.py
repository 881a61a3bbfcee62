"""Spaces that the recogniser swallowed come back; numbers stay whole."""

import numpy
import pytest

from docmill.extract.ctc import decode

CHARACTERS = ["", *"abcdefgh0123456789.,", " "]
COLUMN = 10  # pixels


def line(text: str, spaces: dict[int, float], gap: int) -> tuple:
    """Likelihoods and picture of a line with `gap` columns without ink and a space's likelihood before characters."""
    rows, ink = [], []
    for index, each in enumerate(text):
        if index in spaces:
            for _ in range(gap):
                rows.append({"": 0.9, " ": spaces[index]})
                ink.append(False)
        rows.append({each: 0.95})
        rows.append({"": 0.9})
        ink += [each != " ", False]
    chances = numpy.zeros((len(rows), len(CHARACTERS)), dtype=numpy.float32)
    for column, row in enumerate(rows):
        for each, chance in row.items():
            chances[column, CHARACTERS.index(each) if each else 0] = chance
    crop = numpy.full((48, len(rows) * COLUMN, 3), 255, dtype=numpy.uint8)
    for column, dark in enumerate(ink):
        if dark:
            crop[10:38, column * COLUMN : (column + 1) * COLUMN] = 0
    return chances, CHARACTERS, crop, crop.shape[1] / crop.shape[0]


@pytest.mark.parametrize(
    ("text", "chance", "gap", "read"),
    [
        ("abcd", 0.4, 2, "ab cd"),
        ("abcd", 0.01, 3, "ab cd"),
        ("abcd", 0.01, 0, "abcd"),
        ("abcd", 0.0, 3, "abcd"),
        ("1234", 0.4, 3, "1234"),
        ("1.23", 0.4, 3, "1.23"),
        ("a.bc", 0.4, 3, "a. bc"),
        ("ab23", 0.4, 3, "ab 23"),
    ],
)
def test_a_swallowed_space(text: str, chance: float, gap: int, read: str):
    assert decode(*line(text, {2: chance}, gap)).text == read


def test_words_have_their_places():
    found = decode(*line("ab cd", {}, 0))
    assert numpy.array(found.words) == pytest.approx(numpy.array([[0.0, 0.3], [0.6, 0.9]]))
    assert found.score == pytest.approx(0.95)


def test_a_line_without_characters_is_empty():
    assert decode(*line(" ", {}, 0)).text == ""
