from docmill.extract.repeats import with_repeats
from docmill.models import BBox, Crop, Element, ElementType, Extraction, Page

CROP = Crop(sha256="ab", media_type="image/png", width=100, height=50)


def line(ordinal: int, text: str, page: int, y: float = 500.0) -> Element:
    return Element(
        ordinal=ordinal, type=ElementType.TEXT, text=text, page=page, bbox=BBox(x0=10, y0=y, x1=200, y1=y + 10)
    )


def flagged(*elements: Element, pages: int = 4) -> dict[int, int]:
    numbered = tuple(Page(number=number + 1, width=600, height=800) for number in range(pages))
    found = with_repeats(Extraction(media_type="x", elements=elements, pages=numbered)).elements
    return {each.ordinal: each.metadata["repeat_of"] for each in found if "repeat_of" in each.metadata}


def test_same_picture_names_its_first():
    pictures = [Element(ordinal=number, type=ElementType.IMAGE, text="", crop=CROP) for number in range(3)]
    assert flagged(*pictures) == {1: 0, 2: 0}


def test_line_on_most_slides_is_a_repeat_whatever_its_number():
    assert flagged(*(line(number, f"ACME confidential {number}", number + 1) for number in range(4))) == {
        1: 0,
        2: 0,
        3: 0,
    }


def test_line_at_other_heights_is_text():
    assert flagged(*(line(number, "See above.", number + 1, y=100.0 * number) for number in range(4))) == {}


def test_line_on_few_pages_is_text():
    assert flagged(*(line(number, "Notes", number + 1) for number in range(4)), pages=20) == {}


def test_scenes_of_a_video_are_no_repeats():
    scenes = [Element(ordinal=n, type=ElementType.IMAGE, text="", crop=CROP, start=float(n)) for n in range(2)]
    assert flagged(*scenes) == {}
