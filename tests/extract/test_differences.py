"""Two parsings of a document, element by element."""

from docmill.extract.differences import Change, differences
from docmill.models import BBox, Element, ElementType

BOX = BBox(x0=10, y0=10, x1=90, y1=20)


def elements(*texts: str, **changed: object) -> list[Element]:
    made = [Element(ordinal=at, type=ElementType.TEXT, text=text, page=1, bbox=BOX) for at, text in enumerate(texts)]
    return [each.model_copy(update=changed) for each in made]


def changes(before: list[Element], after: list[Element]) -> list[tuple[Change, str, str]]:
    found = differences(before, after)
    return [
        (each.change, each.before.text if each.before else "", each.after.text if each.after else "") for each in found
    ]


def test_same_parsings_have_no_difference_whatever_their_white_space():
    assert changes(elements("a b", "c"), elements("a  b", "c")) == []


def test_changed_gone_and_new_elements_are_told_in_reading_order():
    before = elements("Prices", "The brake kit costs 81 euro", "An old note", "End")
    after = elements("Prices", "The brake kit costs 87 euro", "End", "1234")
    assert changes(before, after) == [
        (Change.TEXT, "The brake kit costs 81 euro", "The brake kit costs 87 euro"),
        (Change.GONE, "An old note", ""),
        (Change.NEW, "", "1234"),
    ]


def test_other_type_and_other_place_are_told():
    assert changes(elements("a"), elements("a", type=ElementType.TITLE)) == [(Change.TYPE, "a", "a")]
    assert changes(elements("a"), elements("a", bbox=BBox(x0=10, y0=40, x1=90, y1=50))) == [(Change.PLACE, "a", "a")]


def test_element_on_another_page_is_gone_and_new():
    assert [each[0] for each in changes(elements("a"), elements("a", page=2))] == [Change.GONE, Change.NEW]
