"""Reports, papers and résumés: periods as columns, sections below headings, entries by their dates, nothing else."""

import pymupdf

from docmill.structured.embedded import EmbeddedEngine, Task
from docmill.structured.engine import read
from docmill.structured.entries import dated
from docmill.structured.pdf_words import pdf_text
from docmill.structured.reading import text_of
from docmill.structured.record import Record
from docmill.structured.schema import load
from docmill.structured.words import Word

TEXT = {"type": "string"}


def extracted(pages: list[list[tuple[float, float, str, float]]], properties: dict) -> Record:
    """The record of a PDF whose pages hold (x, y, text, font size)."""
    with pymupdf.open() as made:
        for items in pages:
            page = made.new_page(width=595, height=842)
            for x, y, text, size in items:
                page.insert_text((x, y), text, fontsize=size)
        layout = pdf_text(made.tobytes()).layout()
    schema = {"type": "object", "properties": properties}
    return read(EmbeddedEngine(), layout, Task(schema, load(schema)))


def rows(start: float, *lines: tuple[str, ...]) -> list[tuple[float, float, str, float]]:
    """Lines of a statement: a label on the left, numbers at the right."""
    return [
        (x, start + 14 * number, text, 9.0)
        for number, line in enumerate(lines)
        for x, text in zip((40, 330, 420), line, strict=False)
        if text
    ]


def metric(description: str) -> dict:
    entry = {"value": {"type": "number"}, "period": {"type": "string", "description": description}}
    entry |= {"scale": {"type": "integer"}, "currency": TEXT, "note": TEXT}
    return {"type": "array", "items": {"type": "object", "properties": entry}}


STATEMENT = [
    (200.0, 60.0, "CONSOLIDATED STATEMENTS OF INCOME", 9.0),
    (230.0, 74.0, "(in thousands)", 9.0),
    *rows(90, ("", "Three Months Ended"), ("", "March 31, 2026", "March 31, 2025")),
    *rows(120, ("Net sales", "1,204", "1,100"), ("Interest expense", "(31)", "(28)"), ("Net income", "$ 95", "$ 80")),
    (40.0, 200.0, "For the fiscal year ended September 30, 2025, see the annual report.", 9.0),
]


def test_an_amount_of_each_column_with_its_period_and_scale():
    found = extracted([STATEMENT], {"revenue": metric("As in 'FY2025 Q3'."), "goodwill": metric("")})
    assert [tuple(item.values()) for item in found.value["revenue"]] == [
        (1204.0, "FY2026 Q2", 1000, "USD", None),
        (1100.0, "FY2025 Q2", 1000, "USD", None),
    ]
    assert found.value["goodwill"] == []
    assert found.fields["revenue.0.period"].citation.text == "Three Months Ended March 31, 2026"


def test_a_period_is_as_printed_where_no_fiscal_years_are_asked_for_and_a_named_outflow_has_no_sign():
    found = extracted([STATEMENT], {"interest_expense": metric("")})
    first = found.value["interest_expense"][0]
    assert (first["value"], first["period"]) == (31.0, "Three Months Ended March 31, 2026")


PAPER = [
    (120.0, 70.0, "On the Drying of Painted Ship Planks", 17.0),
    (150.0, 100.0, "A. Moreau1, Jane Fisher2 and Tom K. Baker", 11.0),
    (190.0, 118.0, "Institute of Naval Crafts, Harbour Town", 10.0),
    (60.0, 150.0, "Abstract", 12.5),
    (60.0, 168.0, "We measure how painted planks of ships dry in wind and sun, and show that thin", 10.0),
    (60.0, 180.0, "coats dry faster in every weather that we met during the long summer of this re-", 10.0),
    (60.0, 192.0, "search on the open quay.", 10.0),
    (60.0, 222.0, "Keywords: paint, planks, drying", 10.0),
    (60.0, 252.0, "References", 12.5),
    (60.0, 270.0, "[1] Hull, A. and Keel, B. (1998). Wood in salt water. Naval Letters, 4:1-9.", 10.0),
    (60.0, 284.0, '[2] Mast, C. (2004). "Sails and their seams." Rigging Quarterly, 7.', 10.0),
]


def test_title_authors_abstract_and_works_of_a_paper():
    work = {"title": TEXT, "year": {"type": "integer"}, "authors": TEXT, "venue": TEXT}
    found = extracted(
        [PAPER],
        {
            "title": TEXT,
            "authors": {"type": "array", "items": {"type": "object", "properties": {"name": TEXT, "email": TEXT}}},
            "abstract": TEXT,
            "keywords": {"type": "array", "items": TEXT},
            "references": {"type": "array", "items": {"type": "object", "properties": work}},
            "venue": TEXT,
        },
    ).value
    assert found["title"] == "On the Drying of Painted Ship Planks"
    assert [each["name"] for each in found["authors"]] == ["A. Moreau", "Jane Fisher", "Tom K. Baker"]
    assert found["abstract"].startswith("We measure how")
    assert found["abstract"].endswith("this research on the open quay.")
    assert found["keywords"] == ["paint", "planks", "drying"]
    assert [tuple(each.values()) for each in found["references"]] == [
        ("Wood in salt water", 1998, "Hull, A. and Keel, B", "Naval Letters"),
        ("Sails and their seams", 2004, "Mast, C", "Rigging Quarterly"),
    ]
    assert found["venue"] is None


def test_positions_by_their_dates():
    job = {"employer": TEXT, "jobTitle": TEXT, "startDate": TEXT, "endDate": TEXT, "isCurrent": {"type": "boolean"}}
    lines = ["EXPERIENCE", "Rigger", "Blue Harbour Ltd | 2019 - Present", "Deck Hand", "North Pier | Oslo | 2012-2018"]
    page = [(60.0, 70.0, "Anna Holm", 18.0), *((60.0, 110.0 + 24 * n, text, 11.0) for n, text in enumerate(lines))]
    page += [(60.0, 260.0, "LANGUAGES", 11.0), (60.0, 284.0, "Norwegian (Native) | English (Fluent)", 11.0)]
    asked = {
        "fullName": TEXT,
        "workExperience": {"type": "array", "items": {"type": "object", "properties": job}},
        "languages": {"type": "array", "items": TEXT},
    }
    found = extracted([page], asked).value
    assert found["fullName"] == "Anna Holm"
    assert [tuple(each.values()) for each in found["workExperience"]] == [
        ("Blue Harbour Ltd", "Rigger", "2019", None, True),
        ("North Pier", "Deck Hand", "2012", "2018", False),
    ]
    assert found["languages"] == ["Norwegian (Native)", "English (Fluent)"]


def test_a_lone_name_is_labelled_by_itself_and_a_block_of_labelled_lines_is_an_item():
    lines = ["Name: Maria Lindqvist", "Company: Nordlys Energi AS", "Title: Platform engineer", "Start date: 2021-04"]
    job = {"company": TEXT, "title": TEXT, "start_date": TEXT, "end_date": TEXT}
    asked = {"name": TEXT, "jobs": {"type": "array", "items": {"type": "object", "properties": job}}}
    found = extracted([[(60.0, 80.0 + 20 * n, text, 11.0) for n, text in enumerate(lines)]], asked).value
    assert found["name"] == "Maria Lindqvist"
    assert [tuple(each.values()) for each in found["jobs"]] == [
        ("Nordlys Energi AS", "Platform engineer", "2021-04", None)
    ]


def test_running_text_is_no_label_and_a_range_of_pages_no_telephone():
    lines = [
        "The Borrower shall pay the Administrative Agent such fees as the parties agree on in writing from time"
    ] * 50
    lines[10] = "SECTION 2.07 Use of Proceeds 25"
    lines[20] = "see Naval Letters (1999-2000) and Rigging Quarterly 1289-1315 for what the parties agree on"
    pages = [[(40.0, 60.0 + 14 * n, text, 9.0) for n, text in enumerate(lines)] for _ in range(2)]
    asked = dict.fromkeys(("borrower", "use_of_proceeds", "administrative_agent", "phone"), TEXT)
    asked |= {"lenders": {"type": "array", "items": TEXT}, "phones": {"type": "array", "items": TEXT}}
    assert not any(extracted(pages, asked).value.values())


def test_the_party_that_acts_in_a_role():
    lines = [
        "CREDIT AGREEMENT dated as of May 4, 2026 among HARBOUR TRADING COMPANY, as Borrower, the lenders and",
        "NORTHERN BANK, NATIONAL ASSOCIATION, as Administrative Agent for the lenders that are parties to it.",
    ]
    page = [(40.0, 60.0 + 14 * n, text, 9.0) for n, text in enumerate(lines)]
    found = extracted([page], {"borrower": TEXT, "administrative_agent": TEXT}).value
    assert found == {
        "borrower": "HARBOUR TRADING COMPANY",
        "administrative_agent": "NORTHERN BANK, NATIONAL ASSOCIATION",
    }


def test_amounts_of_a_balance_sheet_are_those_of_a_day():
    flows = [
        (200.0, 60.0, "CONSOLIDATED STATEMENTS OF CASH FLOWS", 9.0),
        (230.0, 74.0, "(in thousands)", 9.0),
        *rows(90, ("", "Six Months Ended"), ("", "March 31, 2026", "March 31, 2025")),
        *rows(120, ("Net income", "95", "80"), ("Accounts receivable", "40", "15"), ("Inventories", "7", "9")),
    ]
    sheet = [
        (200.0, 60.0, "CONSOLIDATED BALANCE SHEETS", 9.0),
        *rows(104, ("", "March 31, 2026", "September 30, 2025")),
        *rows(120, ("Accounts receivable, net", "535", "502"), ("Inventories", "700", "690")),
    ]
    wanted = {"balance_sheet": {"type": "object", "properties": {"accounts_receivable": metric("")}}}
    assert extracted([flows], wanted).value["balance_sheet"]["accounts_receivable"] == []
    found = extracted([flows, sheet], wanted).value["balance_sheet"]["accounts_receivable"]
    assert [item["value"] for item in found] == [535.0, 502.0]


def test_marks_of_entries_and_headings_of_what_follows_are_no_values():
    said = ["\uf0b7 Harbour Office, Rana (2015 - 2016)", "\uf0b7 Two cranes and a quay", "Visiting posts:"]
    lines = [
        tuple(Word(text, 1, 60 + 30 * n, 14 * line, 80 + 30 * n, 10 + 14 * line) for n, text in enumerate(each))
        for line, each in enumerate(text.split() for text in said)
    ]
    (entry,) = dated(lines)
    assert text_of(entry.head) == "Harbour Office, Rana (2015 - 2016)"
    assert text_of(entry.rest) == "Two cranes and a quay"


def test_a_company_that_something_is_attributable_to_is_named_alone():
    page = [(60.0, 90.0, "Equity attributable to Fjord Motors, Inc.", 10.0)]
    assert extracted([page], {"company": TEXT}).value["company"] == "Fjord Motors, Inc."
