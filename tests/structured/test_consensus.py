"""Votes are aligned and counted; the same votes give the same result."""

import pytest

from docmill.structured.consensus import agree


@pytest.mark.parametrize(
    ("votes", "value", "likelihood"),
    [
        (["INV-1", "INV-1", "INV-7"], "INV-1", 0.667),
        ([10, 10, 10.05], 10, 1.0),
        ([2, 2, 3], 2, 0.5),
        ([None, None, "a"], None, None),
        ([None, None], None, 0.0),
    ],
)
def test_scalars(votes: list, value: object, likelihood: float | None):
    agreed = agree(votes)
    assert agreed.value == value
    if likelihood is not None:
        assert agreed.likelihoods[""] == pytest.approx(likelihood, abs=0.001)


def test_a_row_that_one_vote_lacks_is_kept_and_less_likely():
    rows = [{"a": "x1", "b": 1}, {"a": "y2", "b": 2}]
    agreed = agree([{"r": rows}, {"r": rows}, {"r": rows[1:]}])
    assert agreed.value == {"r": rows}
    assert agreed.likelihoods["r.0.a"] == pytest.approx(0.667, abs=0.001)
    assert agreed.likelihoods["r.1.b"] == 1.0


def test_a_row_of_a_minority_goes():
    agreed = agree([{"r": [{"a": "x"}]}, {"r": [{"a": "x"}]}, {"r": [{"a": "x"}, {"a": "other"}]}])
    assert agreed.value == {"r": [{"a": "x"}]}
