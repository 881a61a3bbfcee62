"""Small documents that tests of records read, drawn when they are needed."""

from __future__ import annotations

import pymupdf

INVOICE_SCHEMA = {
    "type": "object",
    "required": ["invoice_number", "total", "purchase_order"],
    "properties": {
        "invoice_number": {"type": "string"},
        "invoice_date": {"type": "string", "format": "date"},
        "supplier": {"type": "string"},
        "currency": {"enum": ["USD", "EUR", "GBP"]},
        "subtotal": {"type": "number"},
        "tax": {"type": "number"},
        "total": {"type": "number"},
        "purchase_order": {"type": "string"},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "sku": {"type": "string"},
                    "description": {"type": "string"},
                    "qty": {"type": "integer"},
                    "amount": {"type": "number"},
                },
            },
        },
    },
}
LINES = [("A-100", "Brass cleat", 10, 250.0), ("A-205", "Mooring ring", 4, 450.0), ("A-310", "Deck hinge", 30, 450.0)]


def pdf(pages: list[list[tuple[float, float, str]]]) -> bytes:
    """A PDF; each page is a list of (x, y, text)."""
    with pymupdf.open() as made:
        for items in pages:
            page = made.new_page(width=595, height=842)
            for x, y, text in items:
                page.insert_text((x, y), text, fontsize=10)
        data: bytes = made.tobytes()
    return data


def invoice() -> bytes:
    """An invoice on one page, with three lines and a total that adds up."""
    items: list[tuple[float, float, str]] = [(60, 50, "INVOICE")]
    labels = [("Invoice number:", "INV-77"), ("Invoice date:", "14 March 2026"), ("Supplier:", "Blue Harbour Ltd")]
    for number, (label, value) in enumerate([*labels, ("Currency:", "EUR")]):
        items += [(60, 80 + 16 * number, label), (190, 80 + 16 * number, value)]
    columns = (60, 140, 300, 420)
    items += [(x, 200, text) for x, text in zip(columns, ("SKU", "Description", "Qty", "Amount"), strict=True)]
    for number, line in enumerate(LINES):
        cells = (line[0], line[1], str(line[2]), f"{line[3]:,.2f}")
        items += [(x, 218 + 16 * number, text) for x, text in zip(columns, cells, strict=True)]
    for number, (label, value) in enumerate(
        [("Subtotal:", "1,150.00"), ("VAT 20%:", "230.00"), ("Total:", "1,380.00")]
    ):
        items += [(300, 290 + 16 * number, label), (420, 290 + 16 * number, value)]
    return pdf([items])


def stock(count: int, per_page: int = 44) -> bytes:
    """A list over pages, with its header repeated, lines that carry forward, and page numbers."""
    pages = []
    for start in range(0, count, per_page):
        items: list[tuple[float, float, str]] = [(60, 40, "SKU"), (160, 40, "Description"), (360, 40, "Quantity")]
        for row in range(start, min(count, start + per_page)):
            y = 58 + 16 * (row - start)
            items += [(60, y, f"SK-{1000 + row}"), (160, y, f"Part {row % 9}"), (360, y, str(1 + row % 7))]
        items += [(60, 800, f"Carried forward {start}"), (460, 820, f"Page {start // per_page + 1}")]
        pages.append(items)
    return pdf(pages)


STOCK_SCHEMA = {
    "type": "object",
    "properties": {
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "sku": {"type": "string"},
                    "description": {"type": "string"},
                    "quantity": {"type": "integer"},
                },
            },
        }
    },
}
