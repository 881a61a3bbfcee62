"""`docmill page`: the page of a hit, with its boxes marked."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from docmill.extract.overlay import marked
from docmill.extract.page_pictures import PagePicture
from docmill.models import BBox


def test_boxes_are_marked_at_the_scale_of_the_page():
    page = PagePicture(1, Image.new("RGB", (200, 100), "white"), 2.0)
    changed = ImageChops.difference(page.picture, marked(page, [BBox(x0=10, y0=5, x1=40, y1=20)]).picture).getbbox()
    assert changed == pytest.approx((20, 10, 80, 40), abs=3)


def test_page_of_a_hit_is_drawn_with_its_box(filled: Path, ask, tmp_path: Path):
    hit = ask("search", "The user password of this file is empty")["hits"][0]
    told = ask("page", hit["chunk_id"], "-o", tmp_path / "page.png", "--dpi", "72")
    assert told == {"chunk_id": hit["chunk_id"], "page": 1, "file": str(tmp_path / "page.png")}
    box = hit["regions"][0]["bbox"]
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.size == pytest.approx(hit["regions"][0]["page_size"] or picture.size, abs=1)
        orange = [xy for xy in ((x, round(box["y0"])) for x in range(picture.width)) if _is_orange(picture, xy)]
    assert orange
    assert box["x0"] - 3 <= orange[0][0]
    assert orange[-1][0] <= box["x1"] + 3


def _is_orange(picture: Image.Image, place: tuple[int, int]) -> bool:
    red, _, blue = picture.getpixel(place)
    return red - blue > 100


@pytest.mark.parametrize(("question", "more", "said"), [
    ("How much does the pump deliver?", (), "has no box on any page"),
    ("The user password of this file is empty", ("--page", "7"), "It stands on page 1."),
])  # fmt: skip
def test_page_that_is_not_there_is_told(filled: Path, ask, docmill, tmp_path: Path, question: str, more, said: str):
    hit = ask("search", question)["hits"][0]
    assert said in docmill("page", hit["chunk_id"], "-o", tmp_path / "page.png", *more, code=1).stderr


def test_unknown_hit_has_no_page(filled: Path, docmill, tmp_path: Path):
    assert "holds no chunk 'x'" in docmill("page", "x", "-o", tmp_path / "page.png", code=1).stderr
