from docmill.config import ExtractConfig, Mode
from docmill.extract.registry import read
from docmill.models import ElementType

CONFIG = ExtractConfig()
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" width="300" height="200">'


def svg(body: str, before: str = "") -> bytes:
    return f'<?xml version="1.0"?>{before}{HEAD}<rect width="90" height="80" fill="blue"/>{body}</svg>'.encode()


def extraction(data: bytes, config: ExtractConfig = CONFIG):
    return read(data, "a.svg", config).extraction


def test_title_description_texts_and_picture():
    body = '<title>Curve</title><desc>flow</desc><text y="9">Flow <tspan y="20">in l/min</tspan></text>'
    found = extraction(svg(body))
    assert [(each.type.value, each.text) for each in found.elements] == [
        ("title", "Curve"),
        ("image", "flow"),
        ("text", "Flow in l/min"),
    ]
    assert found.elements[1].page_size == (300.0, 200.0)


def test_references_out_of_the_drawing_are_left_out():
    body = '<image x:href="http://example.org/x.png"/><style>@import "http://e.org/a.css"</style><script>1</script>'
    assert "3 scripts and references" in extraction(svg(body + "<text>a</text>")).warnings[0]


def test_links_and_references_inside_of_it_are_kept():
    assert extraction(svg('<a href="http://e.org"><use href="#b"/><text>a</text></a>')).warnings == ()


def test_entities_are_not_expanded():
    bomb = '<!DOCTYPE svg [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    texts = [each.text for each in extraction(svg("<text>x &b;</text>", bomb)).elements if each.text]
    assert texts == ["x"]


def test_mode_fast_draws_nothing():
    found = extraction(svg("<text>a</text>"), ExtractConfig(mode=Mode.FAST))
    assert [each.type for each in found.elements] == [ElementType.TEXT]
