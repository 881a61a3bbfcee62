"""Schemas proposed from example documents."""

from docmill.config import ExtractConfig
from docmill.structured.documents import ReadTask, read_document
from docmill.structured.proposal import propose
from tests.services import ROOT
from tests.structured.documents import pdf


def test_codes_are_texts_and_prices_are_numbers():
    data = (ROOT / "examples/documents/price_list.pdf").read_bytes()
    made = propose([read_document(ReadTask(data, "price_list.pdf", ExtractConfig())).layout])
    columns = made["properties"]["rows"]["items"]["properties"]
    assert (columns["article"]["type"], columns["price_eur"]["type"]) == ("string", "number")


def test_running_text_links_and_page_numbers_are_no_labels_and_numbers_that_name_are_texts():
    lines = [
        "Invoice number: 4711",
        "Total: 12.50",
        "Page: 1 of 2",
        "Home: //www.example.com",
        "Delivery: we will bring it to you as soon as the weather on the quay allows us to do so again",
    ]
    data = pdf([[(60.0, 60.0 + 20 * number, text) for number, text in enumerate(lines)]])
    made = propose([read_document(ReadTask(data, "a.pdf", ExtractConfig())).layout])["properties"]
    assert {name: each["type"] for name, each in made.items()} == {"invoice_number": "string", "total": "number"}
