"""The overlay: boxes where the elements are, in the colour of their type, and a legend."""

from PIL import Image

from docmill.extract.overlay import draw_overlay, page_overlay
from docmill.extract.page_pictures import PagePicture
from docmill.extract.pdf.engine import pymupdf
from docmill.models import BBox, Element, ElementType, Extraction, Page

GREEN, WHITE = (20, 130, 50), (255, 255, 255)


def element(kind: ElementType, ordinal: int = 0) -> Element:
    return Element(ordinal=ordinal, type=kind, text="x", page=1, bbox=BBox(x0=100, y0=50, x1=300, y1=150))


def page() -> PagePicture:
    return PagePicture(1, Image.new("RGB", (800, 400), "white"), 2.0)


def test_a_box_is_drawn_in_its_colour_where_the_element_is():
    drawn = draw_overlay(page(), [element(ElementType.TABLE)])
    assert drawn.getpixel((400, 99)) == GREEN
    assert drawn.getpixel((700, 200)) == WHITE
    assert drawn.getpixel((400, 200)) not in (GREEN, WHITE)


def test_the_legend_stands_below_the_page_and_grows_with_the_types():
    few = draw_overlay(page(), [element(ElementType.TABLE)])
    many = draw_overlay(page(), [element(kind) for kind in ElementType])
    assert 400 < few.height < many.height
    assert any(few.getpixel((x, few.height - 15)) == GREEN for x in range(30))


def test_the_picture_can_be_made_narrower():
    assert draw_overlay(page(), [element(ElementType.TEXT)], 200).width == 200


def test_the_overlay_of_a_pdf_page_is_a_png():
    made = pymupdf.open()
    made.new_page(width=400, height=300)
    known = (Page(number=1, width=400, height=300),)
    extraction = Extraction(media_type="application/pdf", elements=(element(ElementType.TEXT),), pages=known)
    png = page_overlay(made.tobytes(), extraction, page=1, width=480)
    assert png.startswith(b"\x89PNG")
