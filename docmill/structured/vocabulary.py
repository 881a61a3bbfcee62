"""What fields are called in business documents: names that schemas use, and labels that documents print, in several
languages. A concept is known by its field names; its labels are those of documents in English, German, French, Dutch,
Spanish, Italian, Portuguese and Polish. The words are in `vocabulary.psv`: a new word is a new entry there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Concept:
    """What a field means. `kind` is how its value is read; `weak` are labels that often mean something else, too."""

    name: str
    kind: str
    names: tuple[str, ...]
    labels: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()


@cache
def concepts() -> dict[str, Concept]:
    """All concepts by name."""
    found = {}
    table = files("docmill.structured").joinpath("vocabulary.psv").read_text(encoding="utf-8")
    for line in table.strip().splitlines()[1:]:
        name, kind, names, *labels = line.split("|")
        strong, weak = [*labels, "", ""][:2]
        found[name] = Concept(name, kind, _parts(names), _parts(strong), _parts(weak))
    return found


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


CUSTOMER_LABELS = ("customer", "ship_to")
"""Concepts whose labels stand above the address of the one who gets the document."""

IN_ROWS = frozenset(
    (
        "quantity",
        "unit_price",
        "line_amount",
        "line_tax",
        "line_discount",
        "description",
        "code",
        "barcode",
        "uom",
        "line_number",
        "rank",
        "athlete",
        "year_birth",
        "team",
        "time",
    )
)
"""Concepts of a table's columns; a column called `amount` is none of the whole document's amounts."""

TOTALS = [
    "total",
    "subtotal",
    "sub-total",
    "grand-total",
    "summe",
    "gesamt",
    "gesamtbetrag",
    "zwischensumme",
    "netto",
    "brutto",
    "totaal",
    "subtotaal",
    "exclusief",
    "totale",
    "subtotale",
    "imponibile",
    "sous-total",
    "razem",
    "suma",
    "carried",
    "brought",
    "forward",
    "übertrag",
    "report",
    "saldo",
    "balance",
]
"""First words of rows that sum up or carry over, and are no items."""
