"""Turned pages: points go there and back, and the turn is found from the lines."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.extract.upright import Upright, lies_sideways, slant_of
from docmill.models import BBox

UPRIGHT = ((10.0, 10.0), (210.0, 10.0), (210.0, 30.0), (10.0, 30.0))
ON_END = ((10.0, 10.0), (30.0, 10.0), (30.0, 210.0), (10.0, 210.0))


@given(st.integers(0, 3), st.floats(-0.5, 0.5), st.floats(0, 600), st.floats(0, 800))
def test_a_point_goes_there_and_back(quarter: int, slant: float, x: float, y: float):
    page = Upright(600, 800, quarter, slant)
    assert page.shown(*page.read(x, y)) == pytest.approx((x, y), abs=1e-6)


def test_a_quarter_turn_counter_clockwise_brings_the_right_edge_to_the_top():
    page = Upright(600, 800, 1)
    assert page.size == (800, 600)
    assert page.read(600, 0) == (0, 0)
    assert page.shown_box(BBox(x0=0, y0=0, x1=100, y1=10)) == BBox(x0=590, y0=0, x1=600, y1=100)


def test_boxes_stay_on_the_page():
    box = Upright(600, 800, 0, 0.1).shown_box(BBox(x0=0, y0=0, x1=600, y1=800))
    assert (box.x0, box.y0, box.x1, box.y1) == (0, 0, 600, 800)


def test_sideways_is_what_most_of_the_text_is():
    assert lies_sideways([ON_END, ON_END, UPRIGHT])
    assert not lies_sideways([UPRIGHT, UPRIGHT, ON_END])
    assert not lies_sideways([])


@pytest.mark.parametrize("degrees", [-7.0, 3.0, 20.0])
def test_the_slant_is_that_of_the_long_lines(degrees: float):
    rise = 200 * math.tan(math.radians(degrees))
    line = ((10.0, 10.0), (210.0, 10.0 + rise), (210.0, 30.0 + rise), (10.0, 30.0))
    stray = ((0.0, 0.0), (20.0, 20.0), (10.0, 30.0), (-10.0, 10.0))
    assert math.degrees(slant_of([line, line, stray])) == pytest.approx(degrees)


def test_noise_is_no_slant():
    level = ((10.0, 10.0), (1210.0, 11.0), (1210.0, 31.0), (10.0, 30.0))
    assert slant_of([level]) == 0.0
    assert slant_of([]) == 0.0


def test_a_note_says_what_was_turned():
    assert Upright(1, 1, 1, math.radians(2)).note == "turned by 90 degrees, a slant of 2.0 degrees taken out"
    assert Upright(1, 1).note == ""
