"""A second reading changes how far values are believed, never the values."""

import pytest

from docmill.structured.record import FieldResult, Record
from docmill.structured.verified import compared


def record(**values: str | None) -> Record:
    return Record(value=dict(values), fields={k: FieldResult(value=v, confidence=0.6) for k, v in values.items()})


@pytest.mark.parametrize(("second", "confidence"), [("Bergen", 0.8), ("bergen", 0.8), ("Oslo", 0.36), (None, 0.6)])
def test_agreement_raises_and_contradiction_lowers_confidence(second: str | None, confidence: float):
    found = compared(record(city="Bergen"), record(city=second))
    assert found.value == {"city": "Bergen"}
    assert found.fields["city"].confidence == pytest.approx(confidence)
