"""Reads e-mail: eml with the standard library, Outlook's msg with python-oxmsg.

Used directly rather than through unstructured's partitioners, which drop the headers from the text, read only one of
the bodies and say nothing of what they skip. Plain bodies are cut into paragraphs like any plain text, but without its
titles: names and greetings look like titles.
"""

from __future__ import annotations

import codecs
import email
import email.errors
import email.header
import email.policy
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from functools import cache

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError, EncryptedDocumentError
from docmill.extract.builder import Builder, tidy
from docmill.extract.decoding import declared_charset, decode
from docmill.extract.html import add_html, inline_text, parse_html
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.plain import add_plain
from docmill.extract.reading import Reading
from docmill.extract.untyped import Foreign
from docmill.models import ElementType

_CODE_PAGES = {"windows_950": "cp950", "windows_936": "cp936", "windows_949": "cp949", "windows_932": "cp932",
               "windows_874": "cp874", "windows_1361": "johab"}  # fmt: skip
_HEADERS = ("from", "to", "cc", "date")
_BROKEN = (ValueError, TypeError, AttributeError, IndexError, LookupError, email.errors.MessageError, RecursionError)
_ENCRYPTED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted")


@dataclass
class _Mail:
    """What eml and msg have in common."""

    subject: str
    headers: dict[str, str]
    plain: str
    html: str
    attachments: list[str]
    images: dict[str, bytes]


def read_eml(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a mail. Raises EncryptedDocumentError, CorruptDocumentError."""
    text, charset = decode(data[:4096])
    if charset.startswith("utf-16") or charset.startswith("utf-32"):
        data = decode(data)[0].encode("utf-8")
    elif charset == "utf-8-sig":
        data = data[3:]
    message = email.message_from_bytes(data, policy=email.policy.default)
    if not message.keys() and not text.strip():
        raise CorruptDocumentError(
            "The mail has no headers and no text.", hint="Export it again from the mail program."
        )
    if message.get_content_type() in _ENCRYPTED and "signed" not in str(message.get("content-type", "")).lower():
        raise EncryptedDocumentError(
            "The mail is encrypted (S/MIME or PGP).", hint="Decrypt it in the mail program and export it again."
        )
    mail = _Mail(_header(message, "subject"), {}, "", "", [], {})
    mail.headers = {name: value for name in _HEADERS if (value := _header(message, name))}
    _parts(message, mail)
    return _reading(mail, Builder(MEDIA_TYPES["eml"], config))


def _header(message: Message, name: str) -> str:
    """A header decoded, as well as it can be."""
    try:
        return " ".join(str(message.get(name) or "").split())
    except _BROKEN:
        raw = next((value for key, value in message.raw_items() if key.lower() == name), "")
        try:
            return " ".join(str(email.header.make_header(email.header.decode_header(str(raw)))).split())
        except _BROKEN:
            return " ".join(str(raw).split())


def _parts(message: Message, mail: _Mail) -> None:
    """Sorts the parts into bodies, pictures within them, and attachments; attached mails are named, not opened."""
    stack: list[Message] = [message]
    while stack:
        part = stack.pop()
        kind = part.get_content_type()
        if kind == "message/rfc822" and part is not message:
            inner = part.get_payload(0) if part.is_multipart() else None
            subject = _header(inner, "subject") if isinstance(inner, Message) else ""
            mail.attachments.append(_filename(part) or f"message: {subject}")
        elif part.is_multipart():
            stack.extend(reversed([each for each in part.get_payload() if isinstance(each, Message)]))
        elif _filename(part) or _disposition(part) == "attachment" or part.get_content_maintype() != "text":
            _attach(part, mail)
        elif kind == "text/html":
            mail.html = mail.html or _text(part)
        elif kind in ("text/plain", "text/enriched"):
            mail.plain += ("\n\n" if mail.plain else "") + _text(part)
        else:
            mail.attachments.append(kind)


def _attach(part: Message, mail: _Mail) -> None:
    """Keeps a picture that the body shows, and names anything else."""
    identifier = str(part.get("content-id") or "").strip("<> ")
    if part.get_content_maintype() == "image" and identifier:
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            mail.images[f"cid:{identifier}"] = payload
            return
    mail.attachments.append(_filename(part) or part.get_content_type())


def _filename(part: Message) -> str:
    try:
        return tidy(part.get_filename() or "")
    except _BROKEN:
        return ""


def _disposition(part: Message) -> str:
    try:
        return part.get_content_disposition() or ""
    except _BROKEN:
        return ""


def _text(part: Message) -> str:
    """The text of a part, by the charset that it declares where that one fits."""
    try:
        payload = part.get_payload(decode=True)
        charset = str(part.get_content_charset() or "")
    except _BROKEN:
        payload, charset = None, ""
    if not isinstance(payload, bytes):
        whole = part.get_payload()
        return whole if isinstance(whole, str) else ""
    return decode(payload, charset or declared_charset(payload))[0]


def _reading(mail: _Mail, builder: Builder) -> Reading:
    """The subject as title, the headers as one text, the better body, the attachments' names."""
    builder.metadata["subject"] = mail.subject
    builder.metadata.update(mail.headers)
    if mail.attachments:
        builder.metadata["attachments"] = ", ".join(mail.attachments)
    builder.title(mail.subject, 1)
    lines = [f"{name.capitalize()}: {value}" for name, value in mail.headers.items()]
    if mail.attachments:
        lines.append(f"Attachments: {', '.join(mail.attachments)}")
    builder.add(ElementType.TEXT, "\n".join(lines), {"metadata": {"mail_headers": True}})
    root = parse_html(mail.html) if mail.html.strip() else None
    if root is not None and _letters("".join(inline_text(root).parts)) > 2 * _letters(mail.plain):
        add_html(root, builder, base_level=1, images=mail.images)
    elif mail.plain.strip():
        add_plain(mail.plain, builder, titles=False)
        for data in mail.images.values():
            builder.picture(data, "")
    for name in mail.attachments:
        builder.warn(f"The attachment {name} was not read: ingest it as a document of its own.")
    return builder.reading()


def _letters(text: str) -> int:
    return sum(each.isalnum() for each in text)


def read_msg(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of an Outlook message. Raises EncryptedDocumentError, CorruptDocumentError."""
    from oxmsg import Message as OutlookMessage

    _know_windows_charsets()
    try:
        message = OutlookMessage.load(data)
        headers = {str(key).lower(): str(value) for key, value in (message.message_headers or {}).items()}
        recipients = ", ".join(_address(each.name, each.email_address) for each in message.recipients)
        sent = message.sent_date
        mail = _Mail(
            subject=_field(data, "0037", lambda: message.subject),
            headers={"from": message.sender or headers.get("from", ""), "to": headers.get("to", "") or recipients,
                     "cc": headers.get("cc", ""),
                     "date": headers.get("date", "") or (sent.isoformat() if sent else "")},
            plain=_field(data, "1000", lambda: message.body), html=_field(data, "1013", lambda: message.html_body),
            attachments=[each.file_name or "attachment" for each in message.attachments], images={},
        )  # fmt: skip
        kind = str(message.message_class or "").lower()
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, LookupError, struct.error) as error:
        raise CorruptDocumentError(
            f"The Outlook message cannot be read: {type(error).__name__}: {error}.",
            hint="Export it again from Outlook.",
        ) from error
    mail.headers = {name: " ".join(value.split()) for name, value in mail.headers.items() if value.strip()}
    sealed = any(each.lower().endswith((".pgp-encrypted", "smime.p7m")) for each in mail.attachments)
    sealed = sealed or ("smime" in kind and "multipartsigned" not in kind)
    if sealed and not (mail.plain.strip() or mail.html.strip()):
        raise EncryptedDocumentError(
            "The Outlook message is encrypted (S/MIME or PGP).", hint="Decrypt it in Outlook and export it again."
        )
    return _reading(mail, Builder(MEDIA_TYPES["msg"], config))


def _field(data: bytes, code: str, get: Callable[[], str | None]) -> str:
    """A text of an Outlook message; from its bytes, by the likeliest charset, where the declared one is wrong."""
    try:
        return get() or ""
    except UnicodeError:
        import olefile

        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            for kind in ("001E", "0102"):
                name = f"__substg1.0_{code}{kind}"
                if ole.exists(name):
                    raw = ole.openstream(name).read()
                    return decode(raw, declared_charset(raw))[0]
        return ""


@cache
def _know_windows_charsets() -> None:
    """Registers the names that Outlook uses for East Asian code pages, which Python knows by other names."""
    codecs.register(lambda name: codecs.lookup(_CODE_PAGES[name]) if name in _CODE_PAGES else None)


def _address(name: Foreign, address: Foreign) -> str:
    """A name with its address."""
    name, address = str(name or "").strip(), str(address or "").strip()
    return f"{name} <{address}>" if name and address and name != address else name or address
