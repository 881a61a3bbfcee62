from email.message import EmailMessage

import pytest

from docmill.config import ExtractConfig
from docmill.errors import EncryptedDocumentError
from docmill.extract.mail import read_eml


def mail(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in {"From": "Ann <a@e.org>", "To": "b@e.org", "Subject": "Grüße", **headers}.items():
        message[name] = value
    return message


def read(message: EmailMessage):
    return read_eml(message.as_bytes(), ExtractConfig()).extraction


def test_headers_are_metadata_and_elements():
    message = mail()
    message.set_content("Hello\n\nBye\n")
    extraction = read(message)
    assert extraction.metadata["subject"] == "Grüße"
    assert [each.text for each in extraction.elements] == ["Grüße", "From: Ann <a@e.org>\nTo: b@e.org", "Hello", "Bye"]


def test_a_poor_plain_body_gives_way_to_html():
    message = mail()
    message.set_content("See the web version.")
    message.add_alternative("<h1>News</h1><p>" + "A long story about harbours. " * 5 + "</p>", subtype="html")
    assert [each.text[:6] for each in read(message).elements[2:]] == ["News", "A long"]


def test_attachments_are_named():
    message = mail()
    message.set_content("text")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="bill.pdf")
    extraction = read(message)
    assert extraction.metadata["attachments"] == "bill.pdf"
    assert extraction.elements[1].text.endswith("Attachments: bill.pdf")


def test_an_encrypted_mail_is_refused():
    raw = b"From: a@e.org\nSubject: x\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIAG\n"
    with pytest.raises(EncryptedDocumentError, match="encrypted"):
        read_eml(raw, ExtractConfig())


def test_wrong_charsets_do_not_lose_text():
    raw = b"From: a@e.org\nSubject: x\nContent-Type: text/plain; charset=nonsense\n\ncaf\xe9\n"
    assert read_eml(raw, ExtractConfig()).extraction.elements[-1].text == "café"
