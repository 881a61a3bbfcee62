import base64
import io

from PIL import Image

from docmill.config import ExtractConfig
from docmill.extract.html import read_html
from docmill.models import ElementType


def elements(html: str):
    return read_html(html.encode(), ExtractConfig()).extraction.elements


def test_headings_paragraphs_and_nested_lists():
    found = elements("<h1>T</h1><p>a <b>b</b></p><ul><li>x<ol><li>y</ol></ul>")
    assert [(each.type.value, each.text, each.level) for each in found] == [
        ("title", "T", 1),
        ("text", "a b", None),
        ("list_item", "x", 1),
        ("list_item", "y", 2),
    ]


def test_tables_keep_spans_and_headers():
    table = elements(
        "<table><thead><tr><th rowspan=2>a<th colspan=2>b<tr><th>c<th>d</thead><tr><td>1<td>2<td>3</table>"
    )[0].table
    assert (table.rows, table.columns, table.header_rows) == (3, 3, 2)
    assert [(cell.row, cell.column, cell.text) for cell in table.cells if cell.row == 1] == [(1, 1, "c"), (1, 2, "d")]


def test_scripts_styles_and_hidden_parts_are_left_out():
    found = elements("<script>1</script><style>x</style><p hidden>no</p><p style='display: none'>no</p><p>yes")
    assert [each.text for each in found] == ["yes"]


def test_layout_tables_are_opened():
    found = elements("<table><tr><td><h2>Head</h2><p>one</p><p>two</p></td></tr></table>")
    assert [each.type for each in found] == [ElementType.TITLE, ElementType.TEXT, ElementType.TEXT]


def test_links_are_kept_and_anchors_are_not():
    found = elements("<p><a href='https://e.org/'>out</a> <a href='#x'>in</a></p>")[0]
    assert [(each.uri, each.text) for each in found.links] == [("https://e.org/", "out")]


def test_preformatted_text_keeps_its_lines():
    found = elements("<pre><code class='language-python'>if x:\n    y()\n</code></pre>")[0]
    assert (found.type, found.text, found.metadata["code_language"]) == (
        ElementType.CODE,
        "if x:\n    y()",
        "python",
    )


def test_pictures_in_the_page_become_crops():
    out = io.BytesIO()
    Image.new("RGB", (8, 4)).save(out, "PNG")
    source = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
    found = elements(f"<img alt='a dot' src='{source}'>")[0]
    assert (found.type, found.text, found.crop.width) == (ElementType.IMAGE, "a dot", 8)


def test_two_line_breaks_part_paragraphs():
    assert [each.text for each in elements("<p>a<br>b<br><br>c</p>")] == ["a\nb", "c"]


def test_broken_markup_is_read_as_browsers_do():
    assert [each.text for each in elements("<p>a<p>b</div></i><div>c")] == ["a", "b", "c"]
