"""Scores predicted JSON records against gold records, leaf by leaf: right, wrong, missing, invented.

Usage:
    score_structured.py PREDICTIONS [--truth structured] [--csv leaves.csv]

PREDICTIONS holds one `<document>.json` for each row of `structured/index.csv`; a missing file counts as an empty
record.
Null, "", [] and {} all mean "absent". See README.md for the rules by which two values are equal.
"""

import argparse
import csv
import json
import math
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy
from dateutil import parser as dates
from rapidfuzz import fuzz
from scipy.optimize import linear_sum_assignment

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Leaf = tuple[str, str, Json, Json]  # (path, verdict, gold value, predicted value)

SIMILAR = 90.0  # rapidfuzz ratio (0..100) from which two normalised strings count as the same
VERDICTS = ("right", "wrong", "missing", "invented")
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|.*[a-zA-Z]{3}.*\b\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")


def is_absent(value: Json) -> bool:
    """True for null, an empty string, list or object, and a container of nothing but those."""
    if isinstance(value, dict):
        return all(is_absent(item) for item in value.values())
    if isinstance(value, list):
        return all(is_absent(item) for item in value)
    return value is None or (isinstance(value, str) and not value.strip())


def number(value: Json) -> float | None:
    """Returns the value of a number or of a string that is nothing but one ("1.234,50", "(7)", "$ 12", "5 %")."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not isinstance(value, str):
        return float(value)
    text = re.sub(r"[\s$€£¥%'\u00a0]|\b(?:USD|EUR|GBP|INR|PLN)\b", "", value)
    negative = text.startswith("(") and text.endswith(")")
    text = text.strip("()")
    if not re.fullmatch(r"[-+]?\d[\d.,]*", text):
        return None
    marks = [mark for mark in ".," if mark in text]
    if len(marks) == 2:
        decimal = max(marks, key=text.rindex)
        text = text.replace("," if decimal == "." else ".", "").replace(decimal, ".")
    elif marks and (text.count(marks[0]) > 1 or (re.search(r"[.,]\d{3}$", text) and marks[0] == ",")):
        text = text.replace(marks[0], "")
    else:
        text = text.replace(",", ".")
    try:
        return -float(text) if negative else float(text)
    except ValueError:
        return None


def day(value: Json) -> date | None:
    """Returns the date that a string writes; None when it writes none, or a day and month that could be swapped."""
    if not isinstance(value, str) or not DATE.fullmatch(value.strip()):
        return None
    text = value.strip()
    try:
        if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", text):
            return date(*map(int, text.split("-")))
        readings = {
            dates.parse(text, dayfirst=first, default=dates.parse("0001-01-01")).date() for first in (True, False)
        }
    except (ValueError, OverflowError):
        return None
    return readings.pop() if len(readings) == 1 else None


def normalised(value: Json) -> str:
    """Returns a string without case, compatibility forms, punctuation and extra spaces."""
    text = unicodedata.normalize("NFKC", str(value)).casefold()
    return re.sub(r"[\W_]+", " ", text).strip()


def equal(gold: Json, predicted: Json) -> bool:
    """True when two scalars are the same value: booleans, numbers and dates by value, strings up to 10 % of letters."""
    if isinstance(gold, bool) or isinstance(predicted, bool):
        return str(gold).casefold() == str(predicted).casefold()
    if (left := number(gold)) is not None and (right := number(predicted)) is not None:
        return math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-9)
    if (start := day(gold)) is not None and (end := day(predicted)) is not None:
        return start == end
    left_text, right_text = normalised(gold), normalised(predicted)
    if re.findall(r"\d", left_text) != re.findall(r"\d", right_text):
        return False
    if not left_text or not right_text:
        return str(gold).strip() == str(predicted).strip()
    return fuzz.ratio(left_text, right_text) >= SIMILAR


def leaves(value: Json, path: str) -> Iterator[tuple[str, Json]]:
    """Yields (path, value) of every scalar that is there."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    elif not is_absent(value):
        yield path, value


def compare(gold: Json, predicted: Json, path: str = "") -> list[Leaf]:
    """Returns the verdict on every leaf of gold and prediction."""
    if isinstance(gold, dict) and isinstance(predicted, dict):
        keys = [*gold, *(key for key in predicted if key not in gold)]
        below = (compare(gold.get(key), predicted.get(key), f"{path}.{key}" if path else key) for key in keys)
        return [leaf for part in below for leaf in part]
    if isinstance(gold, list) and isinstance(predicted, list):
        return compare_lists(gold, predicted, path)
    scalars = not isinstance(gold, dict | list) and not isinstance(predicted, dict | list)
    if scalars and not is_absent(gold) and not is_absent(predicted):
        return [(path, "right" if equal(gold, predicted) else "wrong", gold, predicted)]
    missing: list[Leaf] = [(where, "missing", value, None) for where, value in leaves(gold, path)]
    return missing + [(where, "invented", None, value) for where, value in leaves(predicted, path)]


def agreement(gold: Json, predicted: Json) -> float:
    """Returns the share of right leaves among all leaves of both, 0..1."""
    verdicts = compare(gold, predicted)
    return sum(verdict == "right" for _, verdict, _, _ in verdicts) / len(verdicts) if verdicts else 0.0


def compare_lists(gold: list[Json], predicted: list[Json], path: str) -> list[Leaf]:
    """Returns the verdicts on two lists, whose items are paired for the greatest sum of agreements (Hungarian method).

    Order does not count. Items that agree in nothing are no pair: one is missing, the other invented.
    """
    gold = [item for item in gold if not is_absent(item)]
    predicted = [item for item in predicted if not is_absent(item)]
    pairs: dict[int, int] = {}
    if gold and predicted:
        scores = numpy.array([[agreement(left, right) for right in predicted] for left in gold])
        chosen = zip(*linear_sum_assignment(scores, maximize=True), strict=True)
        pairs = {int(i): int(j) for i, j in chosen if scores[i, j] > 0}
    out: list[Leaf] = []
    for index, item in enumerate(gold):
        out += compare(item, predicted[pairs[index]] if index in pairs else None, f"{path}[{index}]")
    for index, item in enumerate(predicted):
        if index not in pairs.values():
            out += compare(None, item, f"{path}[+{index}]")
    return out


def line(name: str, counts: Counter[str], exact: int, documents: int) -> str:
    """Returns one line of the table."""
    right, wrong, missing, invented = (counts[verdict] for verdict in VERDICTS)
    recall = right / max(1, right + wrong + missing)
    precision = right / max(1, right + wrong + invented)
    f1 = 2 * recall * precision / max(1e-12, recall + precision)
    figures = f"{right:7}{wrong:7}{missing:8}{invented:9}{recall:10.3f}{precision:11.3f}{f1:7.3f}"
    return f"{name:18}{documents:5}{figures}{exact:7}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--truth", type=Path, default=Path(__file__).parent / "structured")
    parser.add_argument("--csv", type=Path, help="write one row a leaf")
    arguments = parser.parse_args()
    if not arguments.predictions.is_dir():
        sys.exit(f"no folder {arguments.predictions}")
    rows: list[tuple[str, ...]] = []
    totals: dict[str, Counter[str]] = {}
    exact: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    with (arguments.truth / "index.csv").open(newline="", encoding="utf-8") as index:
        for entry in csv.DictReader(index):
            gold = json.loads((arguments.truth / entry["gold"]).read_text(encoding="utf-8"))
            file = arguments.predictions / f"{entry['document']}.json"
            predicted = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
            verdicts = compare(gold, predicted)
            for group in (entry["group"], "all"):
                totals.setdefault(group, Counter()).update(verdict for _, verdict, _, _ in verdicts)
                exact[group] += all(verdict == "right" for _, verdict, _, _ in verdicts)
                documents[group] += 1
            rows += [(entry["document"], *map(str, leaf)) for leaf in verdicts]
    print("group             docs  right  wrong missing invented    recall  precision     F1  exact")
    for group in [name for name in totals if name != "all"] + ["all"]:
        print(line(group, totals[group], exact[group], documents[group]))
    if arguments.csv:
        with arguments.csv.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(("document", "path", "verdict", "gold", "predicted"))
            writer.writerows(rows)


if __name__ == "__main__":
    main()
