"""What each leaf of a schema asks for: how its value is read and by which labels it may be printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from rapidfuzz import fuzz

from docmill.structured.schema import Node
from docmill.structured.values import plain
from docmill.structured.vocabulary import IN_ROWS, Concept, concepts

OWN, TITLE, STRONG, DESCRIBED, BARE, WEAK, HINTED = 1.0, 1.0, 0.95, 0.85, 0.8, 0.72, 1.2
"""How far a label of each origin is trusted."""

_SUPPLIER = {"supplier", "vendor", "seller", "issuer", "partner", "merchant", "company", "biller", "store", "provider"}
_CUSTOMER = {"customer", "client", "buyer", "recipient", "guest", "purchaser", "billing", "billed", "bill", "consignee"}
_SHIP = {"shipping", "ship", "delivery", "deliver"}
_NUMERIC = ("money", "number", "integer", "percent", "any")
_EXAMPLES = ("e.g.", "e.g", "as", "example", "like", ",", "or", "format", "for")
_GENERIC = {"amount", "number", "no", "count", "num", "value", "date", "name", "code", "id"}
_BARE = {"name", "value", "text", "type", "id", "number"}
"""Names that say little: alone they are a label that is trusted less, and the description tells what is meant."""
_SAME = {"no": "number", "nr": "number", "num": "number", "#": "number", "identifier": "id", "ident": "id"}
_BY_WORD = (
    ("date", {"date", "datum"}),
    ("email", {"email", "mail", "emails"}),
    ("phone", {"phone", "telephone", "tel", "fax", "mobile", "phones"}),
    ("url", {"url", "website", "link", "homepage"}),
    ("iban", {"iban"}),
    ("bic", {"bic", "swift"}),
    ("id", {"number", "id", "code", "ref", "reference", "sku", "serial", "identifier"}),
)


@dataclass(frozen=True)
class Target:
    """A leaf to be filled. `kind` says how its value is read; `phrases` are its labels (plain) with their trust.

    `side` is whose it is: supplier, customer, ship_to, or "" where the schema does not say.
    """

    node: Node
    kind: str
    concept: str
    phrases: Mapping[str, float]
    side: str = ""


def words_of(name: str) -> list[str]:
    """The words of a property's name in lower case: split at `_`, `-`, `.`, spaces and camelCase."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word for word in re.split(r"[\s_\-.]+", spaced.casefold()) if word]


def target(node: Node, hints: Mapping[str, tuple[str, ...]], *, in_rows: bool = False) -> Target:
    """The target of a leaf; `hints` are labels that the caller gave, by property name."""
    words = words_of(node.name)
    parents = words_of(" ".join(node.path.split(".")[:-1]))
    concept = _concept(words, parents, node, in_rows=in_rows)
    phrases: dict[str, float] = {}

    def add(text: str, weight: float) -> None:
        key = plain(text)
        if key and len(key) < 60:
            phrases[key] = max(weight, phrases.get(key, 0))

    if concept is not None:
        for label in concept.labels:
            add(label, STRONG)
        for label in concept.weak:
            add(label, STRONG if in_rows else WEAK)
    if in_rows or len(words) > 1 or words[0] not in _BARE:
        add(" ".join(words), OWN)
    elif not parents:
        add(" ".join(words), BARE)
    rest = [word for word in words if word not in _GENERIC]
    if rest and rest != words:
        add(" ".join(rest), WEAK)
    if parents and not in_rows:
        add(" ".join([*parents[-2:], *words]), OWN)
        if words in (["name"], ["value"], ["text"]):
            add(" ".join(parents[-2:]), STRONG)
    if node.title:
        add(node.title, TITLE)
    for quoted in re.findall(r"['\"“‘]([^'\"”’]{2,40})['\"”’]", node.description):
        before = node.description.casefold().split(quoted.casefold())[0].rstrip("'\"“‘( ")
        if not before.endswith(_EXAMPLES):  # an example of a value is no label
            add(quoted, DESCRIBED)
    if 1 <= len(_lead(node).split()) <= 4:
        add(_lead(node), DESCRIBED)
    for key in (node.name, " ".join(words), node.path, node.title):
        for label in hints.get(plain(key), ()):
            add(label, HINTED)
    return Target(node, _kind(node, concept, words), concept.name if concept else "", phrases, _side(words, parents))


def _lead(node: Node) -> str:
    """What the description says first."""
    return re.split(r"[.,;:(]", node.description)[0]


def _side(words: list[str], parents: list[str]) -> str:
    for name, known in (("supplier", _SUPPLIER), ("ship_to", _SHIP), ("customer", _CUSTOMER)):
        if known & {*words, *parents}:
            return name
    return ""


@cache
def _names() -> dict[str, list[Concept]]:
    found: dict[str, list[Concept]] = {}
    for concept in concepts().values():
        for name in concept.names:
            found.setdefault(_canonical(words_of(name)), []).append(concept)
    return found


def _canonical(words: list[str]) -> str:
    return " ".join(_SAME.get(word, word) for word in words)


def _concept(words: list[str], parents: list[str], node: Node, *, in_rows: bool) -> Concept | None:
    """The concept that a property's name, alone or with its parent's, or its title means."""
    tries = [words] if in_rows else [[*parents[-1:], *words], words]
    tries += [words_of(node.title)] if node.title else []
    tries += [words_of(_lead(node))] if len(words) == 1 and words[0] in _BARE else []
    side = _SUPPLIER | _CUSTOMER | _SHIP
    tries += [[word for word in words if word not in side]] if len(words) > 1 else []
    for each in tries:
        chosen = _best(_names().get(_canonical(each), []), in_rows, each, node.kind)
        if chosen is not None:
            return chosen
    name = _canonical(words)
    close = [each for each in _names() if len(name) > 5 and fuzz.token_sort_ratio(each, name) >= 93]
    return _best([concept for each in close for concept in _names()[each]], in_rows, words, node.kind)


def _best(found: list[Concept], in_rows: bool, words: list[str], kind: str) -> Concept | None:
    """The first of the concepts that suits the place and the type: a text called `vat` is a tax number."""
    if kind == "string":
        found = [each for each in found if each.kind != "money"] or found
    elif kind in ("number", "integer"):
        found = [each for each in found if each.kind in _NUMERIC] or found
    if not found:
        return None
    fitting = [each for each in found if (each.name in IN_ROWS) == in_rows]
    if not fitting and not in_rows and words in (["name"], ["item"], ["title"], ["service"], ["time"], ["result"]):
        return None
    return (fitting or found)[0]


def _kind(node: Node, concept: Concept | None, words: list[str]) -> str:
    known = concept.kind if concept else ""
    if node.enum:
        return "currency" if known == "currency" else "enum"
    if node.kind == "boolean":
        return "boolean"
    if node.kind in ("number", "integer"):
        return known if known in ("money", "percent") else node.kind
    by_format = {"date": "date", "date-time": "date", "email": "email", "uri": "url", "url": "url"}
    if node.format in by_format:
        return by_format[node.format]
    if known and known != "any":
        return known
    if node.kind == "any":
        return "any"
    for kind, names in _BY_WORD:
        if names & set(words):
            return kind
    return "text"


def iso_wanted(node: Node) -> bool:
    """Whether a date is to be written as ISO 8601: by its format, its pattern or its description."""
    asked = f"{node.description} {node.pattern}".upper()
    return node.format in ("date", "date-time") or "YYYY-MM" in asked or "ISO" in asked or r"\D{4}-" in asked
