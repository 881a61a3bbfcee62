"""Routes: how pages were read, counted."""

from docmill.models import Page, PageStatus
from docmill.routes import Route, route_counts, routes_of, shares, without_routes


def page(number, method="native", reason="", status=PageStatus.OK):
    return Page(number=number, width=1, height=1, method=method, reason=reason, status=status)


PAGES = [
    page(1),
    page(2, reason="1 scanned region of the page read by OCR"),
    page(3, "layout:pymupdf-layout", "a table without a grid"),
    page(4, "ocr:rapidocr", "no text layer; turned by 90 degrees"),
    page(5, status=PageStatus.FAILED, reason="broken"),
]


def test_pages_are_counted_by_path_and_reason():
    assert routes_of({"pages": 5, **route_counts(PAGES)}) == (
        Route("fast", "", 2, 0.5),
        Route("layout", "a table without a grid", 1, 0.25),
        Route("ocr", "no text layer", 1, 0.25),
    )


def test_a_person_reads_the_paths():
    assert shares(routes_of(route_counts(PAGES))) == "2 fast, 1 layout, 1 ocr"
    assert shares(()) == ""


def test_other_counts_are_apart():
    assert without_routes({"pages": 5, **route_counts(PAGES)}) == {"pages": 5}
