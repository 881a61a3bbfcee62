from docmill.config import ExtractConfig, OfficeConfig
from docmill.extract.registry import read
from tests.services import ROOT

FEATURES = ROOT / "tests/data/features"
SHOWN = ExtractConfig(office=OfficeConfig(hidden=False))


def text(name: str, config: ExtractConfig) -> str:
    elements = read((FEATURES / name).read_bytes(), name, config).extraction.elements
    return "\n".join(each.text for each in elements)


def test_hidden_rows_columns_and_sheets_are_read_unless_left_out():
    whole, shown = text("all.xlsx", ExtractConfig()), text("all.xlsx", SHOWN)
    assert "Part | Price | Cost" in whole
    assert "Secret" in whole
    assert "Cost" not in shown
    assert "Valve | 40 |" not in shown
    assert "Secret" not in shown


def test_hidden_slides_are_read_unless_left_out():
    extraction = read((FEATURES / "all.pptx").read_bytes(), "all.pptx", SHOWN).extraction
    assert "Not shown" in text("all.pptx", ExtractConfig())
    assert "hidden" in extraction.pages[2].reason
    assert all(each.page != 3 for each in extraction.elements)


def test_deleted_text_counts_only_where_the_settings_say_so():
    assert "Turn it right" in text("all.docx", ExtractConfig())
    assert "Turn it leftright" in text("all.docx", ExtractConfig(office=OfficeConfig(deleted=True)))
