"""How the pages of documents were read, and why, as counts that add up over documents, batches and collections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from docmill.models import Page, PageStatus

ROUTE = "route"
"""What the names of these counts begin with."""
_FAST = "fast"


@dataclass(frozen=True)
class Route:
    """Pages that were read one way: `path` is fast, layout or ocr, `reason` why so, `share` that of all pages."""

    path: str
    reason: str
    pages: int
    share: float


def route_counts(pages: Iterable[Page]) -> dict[str, int]:
    """Counts named `route|<path>|<reason>`; pages on the fast path need no reason, failed ones have no path."""
    counts: Counter[str] = Counter()
    for page in pages:
        if page.status is PageStatus.FAILED:
            continue
        path = page.method.split(":")[0]
        path = _FAST if path == "native" else path
        reason = "" if path == _FAST else page.reason.split(";")[0].split(" (")[0]
        counts[f"{ROUTE}|{path}|{reason}"] += 1
    return dict(counts)


def without_routes(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of other things."""
    return {name: value for name, value in counts.items() if not name.startswith(f"{ROUTE}|")}


def routes_of(counts: Mapping[str, int]) -> tuple[Route, ...]:
    """The routes among the counts, the most used first."""
    found = []
    for name, pages in counts.items():
        if name.startswith(f"{ROUTE}|"):
            _, path, reason = name.split("|", 2)
            found.append((path, reason, pages))
    total = sum(pages for _, _, pages in found)
    ordered = sorted(found, key=lambda each: (-each[2], each[0], each[1]))
    return tuple(Route(path, reason, pages, round(pages / total, 4)) for path, reason, pages in ordered)


def shares(routes: Iterable[Route]) -> str:
    """The routes as a person reads them: `120 fast, 13 layout, 2 ocr`; "" without any."""
    pages: Counter[str] = Counter()
    for route in routes:
        pages[route.path] += route.pages
    return ", ".join(f"{count} {path}" for path, count in pages.most_common())
