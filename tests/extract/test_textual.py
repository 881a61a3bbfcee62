import pytest

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.textual import read_json, read_jsonl, read_md, read_xml
from docmill.models import ElementType

CONFIG = ExtractConfig()


def test_markdown_has_titles_items_tables_and_code():
    text = b"# T\n\n- a\n  - b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```py\nz\n```\n"
    found = read_md(text, CONFIG).extraction.elements
    assert [each.type.value for each in found] == ["title", "list_item", "list_item", "table", "code"]
    assert found[3].table.header_rows == 1


def test_front_matter_is_metadata():
    extraction = read_md(b"---\nauthor: Ann\n---\n\ntext\n", CONFIG).extraction
    assert extraction.metadata["author"] == "Ann"
    assert [each.text for each in extraction.elements] == ["text"]


def test_flat_json_records_are_a_table():
    found = read_json(b'[{"a": 1, "b": "x"}, {"a": 2.5, "c": null}]', CONFIG).extraction.elements[0]
    assert found.text == "a | b | c\n1 | x |\n2.5 | |"


def test_nested_json_is_code():
    found = read_json(b'{"a": [1, 2]}', CONFIG).extraction.elements[0]
    assert found.type is ElementType.CODE


def test_a_bad_line_of_json_is_named():
    with pytest.raises(CorruptDocumentError, match="Line 2"):
        read_jsonl(b'{"a": 1}\n{"a":\n', CONFIG)


def test_xml_is_read_as_paths_and_values():
    found = read_xml(b'<r><p id="7"><n>x</n></p></r>', CONFIG).extraction.elements[0]
    assert found.text == "p@id: 7\np.n: x"


def test_xml_entities_are_harmless():
    bomb = b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]><r><p>&a;&b;x</p></r>'
    extraction = read_xml(bomb, CONFIG).extraction
    assert "root:" not in extraction.elements[0].text
    assert "entities" in extraction.warnings[0]
