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
import mimetypes
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from functools import cache

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError, EncryptedDocumentError
from docmill.extract.builder import Builder, tidy
from docmill.extract.decoding import declared_charset, decode
from docmill.extract.html import add_html, inline_text, parse_html
from docmill.extract.mailbox import mail_name
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.outlook import msg_attachments
from docmill.extract.parts import Budget, Part
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
    attachments: list[Part]
    images: dict[str, bytes]


def read_eml(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a mail. Raises EncryptedDocumentError, CorruptDocumentError."""
    return _reading(_parsed(data), Builder(MEDIA_TYPES["eml"], config))


def eml_parts(data: bytes, budget: Budget) -> Iterator[Part]:
    """The attachments of a mail, attached mails among them. Raises as `read_eml` does."""
    return _within(_parsed(data).attachments, budget)


def _within(parts: list[Part], budget: Budget) -> Iterator[Part]:
    for part in parts:
        budget.spend(len(part.data))
        yield part


def _parsed(data: bytes) -> _Mail:
    """The parts of a mail."""
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
    return mail


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
    """Sorts the parts into bodies, pictures within them, and attachments, attached mails among them."""
    stack: list[Message] = [message]
    while stack:
        part = stack.pop()
        kind = part.get_content_type()
        if kind == "message/rfc822" and part is not message:
            mail.attachments.append(_attached_mail(part))
        elif part.is_multipart():
            stack.extend(reversed([each for each in part.get_payload() if isinstance(each, Message)]))
        elif _filename(part) or _disposition(part) == "attachment" or part.get_content_maintype() != "text":
            _attach(part, mail)
        elif kind == "text/html":
            mail.html = mail.html or _text(part)
        elif kind in ("text/plain", "text/enriched"):
            mail.plain += ("\n\n" if mail.plain else "") + _text(part)
        else:
            _attach(part, mail)


def _attached_mail(part: Message) -> Part:
    """A mail attached to a mail, written out anew."""
    inner = part.get_payload(0) if part.is_multipart() else None
    subject = _header(inner, "subject") if isinstance(inner, Message) else ""
    name = _filename(part) or f"{mail_name(subject)}.eml"
    try:
        return Part(name, inner.as_bytes() if isinstance(inner, Message) else b"")
    except _BROKEN as error:
        return Part(name, b"", CorruptDocumentError(f"The attached mail {name} is damaged: {error}."))


def _attach(part: Message, mail: _Mail) -> None:
    """Keeps a picture that the body shows as such, and anything else as an attachment."""
    identifier = str(part.get("content-id") or "").strip("<> ")
    name = _filename(part) or _unnamed(part.get_content_type())
    try:
        payload = part.get_payload(decode=True)
    except _BROKEN as error:
        mail.attachments.append(Part(name, b"", CorruptDocumentError(f"The attachment {name} is damaged: {error}.")))
        return
    data = payload if isinstance(payload, bytes) else b""
    if part.get_content_maintype() == "image" and identifier and data:
        mail.images[f"cid:{identifier}"] = data
    else:
        mail.attachments.append(Part(name, data))


def _unnamed(media_type: str) -> str:
    """A name for an attachment that has none, by its media type."""
    return f"attachment{mimetypes.guess_extension(media_type) or ''}"


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
    names = ", ".join(each.name for each in mail.attachments)
    if names:
        builder.metadata["attachments"] = names
    builder.title(mail.subject, 1)
    lines = [f"{name.capitalize()}: {value}" for name, value in mail.headers.items()]
    if names:
        lines.append(f"Attachments: {names}")
    builder.add(ElementType.TEXT, "\n".join(lines), {"metadata": {"mail_headers": True}})
    root = parse_html(mail.html) if mail.html.strip() else None
    if root is not None and _letters("".join(inline_text(root).parts)) > 2 * _letters(mail.plain):
        add_html(root, builder, base_level=1, images=mail.images)
    elif mail.plain.strip():
        add_plain(mail.plain, builder, titles=False)
        for data in mail.images.values():
            builder.picture(data, "")
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
            attachments=msg_attachments(data), images={},
        )  # fmt: skip
        kind = str(message.message_class or "").lower()
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, LookupError, struct.error) as error:
        raise CorruptDocumentError(
            f"The Outlook message cannot be read: {type(error).__name__}: {error}.",
            hint="Export it again from Outlook.",
        ) from error
    mail.headers = {name: " ".join(value.split()) for name, value in mail.headers.items() if value.strip()}
    sealed = any(each.name.lower().endswith((".pgp-encrypted", "smime.p7m")) for each in mail.attachments)
    sealed = sealed or ("smime" in kind and "multipartsigned" not in kind)
    if sealed and not (mail.plain.strip() or mail.html.strip()):
        raise EncryptedDocumentError(
            "The Outlook message is encrypted (S/MIME or PGP).", hint="Decrypt it in Outlook and export it again."
        )
    return _reading(mail, Builder(MEDIA_TYPES["msg"], config))


def msg_parts(data: bytes, budget: Budget) -> Iterator[Part]:
    """The attachments of an Outlook message, attached messages as mails among them. Raises CorruptDocumentError."""
    return _within(msg_attachments(data), budget)


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
