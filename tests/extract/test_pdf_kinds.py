"""Text that readers get wrong: nested lists, right to left, downwards, ligatures, listings, links."""

from __future__ import annotations

import io

from docmill.config import ExtractConfig, Mode
from docmill.extract.pdf import read_pdf
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.render import to_markdown
from docmill.models import ElementType

PROSE = (
    "The quick brown fox jumps over the lazy dog while the committee reads the report and everybody agrees that it "
    "is a long text which fills several lines of the column in which it stands so that it looks like prose. "
)


def page_of(html: str) -> bytes:
    """A PDF page of the HTML, with lists, listings and bidirectional text set by the engine."""
    out = io.BytesIO()
    writer, story = pymupdf.DocumentWriter(out), pymupdf.Story(html)
    paper = pymupdf.paper_rect("a4")
    device = writer.begin_page(paper)
    story.place(pymupdf.Rect(72, 72, paper.x1 - 72, paper.y1 - 72))
    story.draw(device)
    writer.end_page()
    writer.close()
    return out.getvalue()


def read(data: bytes):
    return read_pdf(data, ExtractConfig(mode=Mode.FAST, crops=False)).extraction


def of_type(data: bytes, kind: ElementType):
    return [each for each in read(data).elements if each.type is kind]


def test_nested_lists_have_levels_and_long_items_stay_whole():
    long = "Pears are good and this item is so long that it runs over into another line of the page for sure"
    items = of_type(
        page_of(
            f"<p>{PROSE}</p><ul><li>Fruit<ul><li>Apples<ul><li>Boskoop</li></ul></li><li>{long}</li></ul></li>"
            "<li>Vegetables</li></ul><ol><li>First</li><li>Second<ol><li>inner</li><li>other</li></ol></li>"
            "<li>Third</li></ol>"
        ),
        ElementType.LIST_ITEM,
    )
    assert [each.level for each in items] == [1, 2, 3, 2, 1, 1, 1, 2, 2, 1]
    assert items[3].text.endswith(long)
    assert items[-1].text == "3. Third"


def test_nested_lists_are_nested_in_markdown():
    text = to_markdown(read(page_of(f"<p>{PROSE}</p><ul><li>Fruit<ul><li>Apples</li></ul></li><li>Roots</li></ul>")))
    assert "- Fruit\n    - Apples\n- Roots" in text


def test_numbered_titles_over_text_stay_titles():
    data = page_of(f"<h2>1. Method</h2><p>{PROSE}</p><h2>2. Results</h2><p>{PROSE}</p>")
    assert [each.text for each in of_type(data, ElementType.TITLE)] == ["1. Method", "2. Results"]


def test_hebrew_with_numbers_latin_words_and_brackets():
    text = (
        "זהו טקסט בעברית ארוך מספיק לכמה שורות בעמוד כדי שנראה כיצד המערכת קוראת את המילים מימין לשמאל עם המספר "
        "12.50 ומילה English word בתוך המשפט (ראו סעיף 3)."
    )
    assert [each.text for each in read(page_of(f'<p dir="rtl">{text}</p>')).elements] == [text]


def test_arabic_is_read_from_the_right():
    text = "مرحبا بكم في مدرستنا مع رقم 12.50 ومع كتب جديدة"
    assert [each.text for each in read(page_of(f'<p dir="rtl">{text}</p>')).elements] == [text]


def test_items_from_the_right_have_their_bullet_first():
    made = pymupdf.open()
    html = '<p dir="rtl">• פריט ראשון ברשימה</p><p dir="rtl">• פריט שני (חדש) ברשימה</p>'
    made.new_page().insert_htmlbox(pymupdf.Rect(72, 72, 500, 300), html)
    items = of_type(made.tobytes(), ElementType.LIST_ITEM)
    assert [(each.text, each.level) for each in items] == [("• פריט ראשון ברשימה", 1), ("• פריט שני (חדש) ברשימה", 1)]


def downwards(page, x, y, text, size=14, font="japan"):
    for number, letter in enumerate(text):
        page.insert_text((x, y + 1.15 * size * number), letter, fontname=font, fontsize=size)


def test_letters_under_each_other_are_words_and_columns_go_from_the_right():
    made = pymupdf.open()
    page = made.new_page()
    downwards(page, 400, 100, "縦書き日本語")
    downwards(page, 376, 100, "上から下へ読む")
    assert [each.text for each in read(made.tobytes()).elements] == ["縦書き日本語", "上から下へ読む"]


def test_vertical_text_beside_prose_is_no_table():
    made = pymupdf.open()
    page = made.new_page()
    page.insert_textbox((72, 72, 500, 300), PROSE * 4, fontsize=11)
    downwards(page, 540, 76, "STACKED", font="helv")
    found = read(made.tobytes()).elements
    assert [each.type for each in found] == [ElementType.TEXT, ElementType.TEXT]
    assert [found[0].text[:9], found[1].text] == ["The quick", "STACKED"]


def test_letters_in_the_lines_of_a_table_are_its_cells():
    made = pymupdf.open()
    page = made.new_page()
    rows = [("Ada", "A", "1.5"), ("Ben", "B", "2.5"), ("Cleo", "C", "3.5"), ("Dora", "A", "4.5"), ("Emil", "B", "5.5")]
    for number, row in enumerate(rows):
        for x, text in zip((72, 200, 300), row, strict=True):
            page.insert_text((x, 100 + 15 * number), text, fontsize=11)
    (table,) = of_type(made.tobytes(), ElementType.TABLE)
    assert table.table.grid() == [list(row) for row in rows]


def test_ligatures_are_letters():
    data = page_of(f"<p>The e\ufb03cient o\ufb03ce \ufb01nds \ufb02ows of stu\ufb00. {PROSE}</p>")
    assert read(data).elements[0].text.startswith("The efficient office finds flows of stuff.")


def test_listings_keep_their_indents():
    code = "def f(x):\n    if x &gt; 1:\n        return x\n    return f(x - 1)"
    (listing,) = of_type(page_of(f"<p>{PROSE}</p><pre>{code}</pre><p>{PROSE}</p>"), ElementType.CODE)
    assert listing.text == code.replace("&gt;", ">")


def test_commands_are_code_and_typewritten_letters_are_not():
    (listing,) = of_type(page_of(f"<p>{PROSE}</p><pre>$ docmill parse a.pdf\n$ docmill status</pre>"), ElementType.CODE)
    assert listing.text == "$ docmill parse a.pdf\n$ docmill status"
    made = pymupdf.open()
    made.new_page().insert_textbox((72, 72, 500, 300), PROSE * 2, fontname="cour")
    assert of_type(made.tobytes(), ElementType.CODE) == []


def test_a_link_stands_on_its_words_in_markdown():
    made = pymupdf.open()
    page = made.new_page()
    page.insert_text((72, 100), "See our site for more.", fontsize=11)
    spot = page.search_for("our site")[0]
    page.insert_link({"kind": pymupdf.LINK_URI, "from": spot, "uri": "https://example.org/a"})
    extraction = read(made.tobytes())
    (link,) = extraction.elements[0].links
    assert (link.text, link.uri) == ("our site", "https://example.org/a")
    assert to_markdown(extraction).strip() == "See [our site](https://example.org/a) for more."


def test_relations_without_words_are_formulas():
    data = page_of(f"<p>{PROSE}</p><p>E = m c<sup>2</sup> + ∑ x<sub>i</sub></p><p>{PROSE}</p><p>The sum is x = 5.</p>")
    assert [each.text for each in of_type(data, ElementType.FORMULA)] == ["E = m c2 + ∑ xi"]


def test_prose_of_a_typewriter_is_no_code():
    made = pymupdf.open()
    text = "The mean (and its error) is given;\nthe others [see below] are not,\nsave for p greater than 0.25."
    made.new_page().insert_textbox((72, 72, 500, 300), text + "\n" + PROSE, fontname="cour")
    assert of_type(made.tobytes(), ElementType.CODE) == []
