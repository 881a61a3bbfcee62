from docmill.extract.reading_order import in_reading_order

PROSE = "words that fill the line well"


def line(x: float, y: float, width: float, height: float = 10) -> tuple[tuple[float, float], ...]:
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def test_columns_of_prose_are_read_one_after_the_other():
    left = [line(0, 15 * row, 200) for row in range(5)]
    right = [line(230, 15 * row, 200) for row in range(5)]
    assert in_reading_order(right + left, [PROSE] * 10) == [5, 6, 7, 8, 9, 0, 1, 2, 3, 4]


def test_a_title_over_both_columns_comes_first_and_parts_them():
    lines = [line(0, 0, 430)]
    lines += [line(x, 20 + 15 * row, 200) for row in range(5) for x in (0, 230)]
    assert in_reading_order(lines, [PROSE] * 11) == [0, 1, 3, 5, 7, 9, 2, 4, 6, 8, 10]


def test_tables_are_read_row_by_row():
    cells = [line(100 * column, 25 * row, 40) for row in range(4) for column in range(3)]
    assert in_reading_order(cells[::-1], ["cell"] * 12) == list(range(11, -1, -1))


def test_a_slanted_page_keeps_its_rows():
    slope = 0.02
    row = [((x, 100 + x * slope), (x + 80, 100 + (x + 80) * slope), (x + 80, 110 + (x + 80) * slope),
            (x, 110 + x * slope)) for x in (0, 300, 600)]  # fmt: skip
    assert in_reading_order(row[::-1], ["a", "b", "c"]) == [2, 1, 0]


def test_nothing_is_in_order():
    assert in_reading_order([], []) == []
