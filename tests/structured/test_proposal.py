"""Schemas proposed from example documents."""

from docmill.config import ExtractConfig
from docmill.structured.documents import ReadTask, read_document
from docmill.structured.proposal import propose
from tests.services import ROOT


def test_codes_are_texts_and_prices_are_numbers():
    data = (ROOT / "examples/documents/price_list.pdf").read_bytes()
    made = propose([read_document(ReadTask(data, "price_list.pdf", ExtractConfig())).layout])
    columns = made["properties"]["rows"]["items"]["properties"]
    assert (columns["article"]["type"], columns["price_eur"]["type"]) == ("string", "number")
