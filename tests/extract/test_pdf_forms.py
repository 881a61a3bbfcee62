"""Forms: what was filled in, with its label, whether the page shows it or not."""

from __future__ import annotations

import pytest

from docmill.config import ExtractConfig, Mode
from docmill.extract.pdf import read_pdf
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.render import to_markdown
from docmill.models import ElementType

TEXT, TICK, RADIO = pymupdf.PDF_WIDGET_TYPE_TEXT, pymupdf.PDF_WIDGET_TYPE_CHECKBOX, pymupdf.PDF_WIDGET_TYPE_RADIOBUTTON
CHOICE, LIST = pymupdf.PDF_WIDGET_TYPE_COMBOBOX, pymupdf.PDF_WIDGET_TYPE_LISTBOX


def widget(page, kind, name, value, rect, **more):
    made = pymupdf.Widget()
    made.field_type, made.field_name, made.field_value, made.rect = kind, name, value, pymupdf.Rect(*rect)
    for key, each in more.items():
        setattr(made, key, each)
    page.add_widget(made)


def form():
    made = pymupdf.open()
    page = made.new_page()
    for number, label in enumerate(("Name:", "Street", "", "", "Country", "Languages")):
        page.insert_text((72, 112 + 26 * number), label, fontsize=10)
    widget(page, TEXT, "name", "Ada Lovelace", (200, 100, 380, 116))
    widget(page, TEXT, "street", "", (200, 126, 380, 142))
    page.insert_text((220, 164), "Member of the society", fontsize=10)
    widget(page, TICK, "member", True, (200, 152, 214, 166))
    page.insert_text((220, 190), "Newsletter", fontsize=10)
    widget(page, TICK, "news", False, (200, 178, 214, 192))
    widget(page, CHOICE, "country", "Norway", (200, 204, 380, 220), choice_values=["Norway", "Sweden"])
    widget(page, LIST, "language", "English", (200, 230, 380, 246), choice_values=["English", "German"])
    widget(page, TEXT, "pin", "4711", (200, 256, 380, 272), field_flags=1 << 13, field_label="Your secret")
    return made


def elements(made, mode=Mode.FAST):
    return read_pdf(made.tobytes(), ExtractConfig(mode=mode)).extraction.elements


def test_values_stand_with_their_labels():
    found = elements(form())
    assert {each.type for each in found} == {ElementType.FORM_FIELD}
    assert [each.text for each in found] == [
        "Name: Ada Lovelace",
        "Street:",
        "☒ Member of the society",
        "☐ Newsletter",
        "Country: Norway",
        "Languages: English",
        "Your secret:",
    ]


def test_the_field_and_its_value_are_metadata():
    found = {str(each.metadata["field"]): each for each in elements(form())}
    assert found["name"].metadata == {"field": "name", "kind": "text", "value": "Ada Lovelace"}
    assert found["member"].metadata["value"] is True
    assert found["news"].metadata["value"] is False
    assert (found["name"].bbox.x0, found["name"].bbox.x1) == pytest.approx((72, 380), abs=1.5)


def test_a_turned_page_has_the_same_fields():
    made = form()
    texts = [each.text for each in elements(made)]
    made[0].set_rotation(180)
    assert sorted(each.text for each in elements(made)) == sorted(texts)


def test_fields_in_a_grid_stay_its_cells():
    made = pymupdf.open()
    page = made.new_page()
    for y in (100, 130, 160):
        page.draw_line((72, y), (400, y))
    for x in (72, 200, 400):
        page.draw_line((x, 100), (x, 160))
    page.insert_text((80, 118), "Name", fontsize=10)
    page.insert_text((80, 148), "Insured", fontsize=10)
    widget(page, TEXT, "name", "Ada Lovelace", (210, 106, 390, 124))
    widget(page, TICK, "insured", True, (210, 136, 224, 150))
    (table,) = elements(made)
    assert table.table.grid() == [["Name", "Ada Lovelace"], ["Insured", "☒"]]


def test_markdown_holds_what_was_filled_in():
    text = to_markdown(read_pdf(form().tobytes(), ExtractConfig(mode=Mode.FAST)).extraction)
    assert "Name: Ada Lovelace" in text
    assert "4711" not in text
