import pytest

from docmill.config import ExtractConfig
from docmill.errors import ConfigError
from docmill.extract import plain
from docmill.extract.plain import classifier, paragraphs, read_org, read_rst, read_txt


def elements(text: str, reader=read_txt):
    return [(each.type.value, each.text) for each in reader(text.encode(), ExtractConfig()).extraction.elements]


def test_titles_paragraphs_and_items():
    text = "INTRODUCTION\n\nThis is a paragraph that\ngoes over lines.\n\n- one\n- two\n  more\n"
    assert elements(text) == [
        ("title", "INTRODUCTION"),
        ("text", "This is a paragraph that\ngoes over lines."),
        ("list_item", "- one"),
        ("list_item", "- two\nmore"),
    ]


def test_underlined_titles_of_rst():
    assert elements("Name\n====\n\nbody text here.\n", read_rst) == [("title", "Name"), ("text", "body text here.")]


def test_starred_titles_of_org():
    assert elements("* Top\n\nbody text here.\n\n** Sub\n", read_org)[::2] == [("title", "Top"), ("title", "Sub")]


def test_no_letter_is_lost():
    text = "a b\n\n c; d!\n1) e\n\n----\n\nf\tg\n"
    assert " ".join(" ".join(lines) for lines in paragraphs(text)).split() == text.split()


def test_an_unstructured_without_the_loader_is_refused(monkeypatch):
    import unstructured.nlp.tokenize as tokenize

    monkeypatch.delattr(tokenize, "_load_spacy_model")
    with pytest.raises(ConfigError, match="_load_spacy_model"):
        classifier.__wrapped__()


def test_the_classifier_needs_no_download(monkeypatch):
    import socket

    monkeypatch.setattr(socket, "socket", None)
    assert plain.classifier()("A Short Title") == "Title"
