import pytest

from docmill.config import ExtractConfig
from docmill.extract.language import language_of
from docmill.extract.registry import read


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The pump delivers twelve litres a minute and must be oiled every year.", "en"),
        ("Die Pumpe fördert zwölf Liter je Minute und muss jedes Jahr geölt werden.", "de"),
        ("La pompe débite douze litres par minute et doit être huilée chaque année.", "fr"),
        ("ポンプは毎分十二リットルを供給し、毎年注油する必要があります。", "ja"),
        ("12.5 | 40 | P-7", ""),
    ],
)
def test_language_by_its_text(text: str, code: str):
    assert language_of(text) == code


def test_document_has_its_language():
    text = "# Pumpe\n\nDie Pumpe fördert zwölf Liter je Minute und muss jedes Jahr geölt werden.\n"
    assert read(text.encode(), "a.md", ExtractConfig()).extraction.metadata["language"] == "de"


def test_table_of_numbers_has_none():
    assert "language" not in read(b"a,b\n1,2\n3,4\n", "a.csv", ExtractConfig()).extraction.metadata
