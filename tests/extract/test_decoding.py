import pytest

from docmill.extract.decoding import decode, looks_textual


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"])
def test_text_survives_its_charset(charset):
    assert decode("Füße über Maß\n".encode(charset))[0] == "Füße über Maß\n"


def test_a_declared_charset_is_believed_where_it_fits():
    assert decode("Привет".encode("koi8-r"), "koi8-r")[0] == "Привет"


def test_a_wrong_declaration_does_no_harm():
    assert decode("naïve".encode(), "no-such-charset") == ("naïve", "utf-8")


def test_long_text_in_another_script_is_guessed():
    text = "Быстрая лиса прыгает через ленивую собаку и бежит дальше по полю. " * 12
    assert decode(text.encode("cp1251"))[0] == text


def test_binary_data_is_not_text():
    assert not looks_textual(bytes(range(256)))
    assert looks_textual("žluťoučký".encode("utf-16"))
