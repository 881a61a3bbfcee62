"""Takes attachments out of Outlook messages (msg); a message attached to a message is written as a mail.

Property numbers and storage names are those of [MS-OXMSG]. Done on the compound file itself: python-oxmsg gives no
access to attached messages.
"""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from docmill.errors import CorruptDocumentError
from docmill.extract.decoding import declared_charset, decode
from docmill.extract.mailbox import mail_name
from docmill.extract.parts import Part
from docmill.extract.untyped import Foreign

_ATTACHMENT = "__attach_version1.0_#"
_DATA, _MESSAGE = "__substg1.0_37010102", "__substg1.0_3701000D"
_LONG_NAME, _SHORT_NAME = "3707", "3704"
_SUBJECT, _BODY, _HTML, _SENDER, _ADDRESS, _TO, _CC = "0037", "1000", "1013", "0C1A", "0C1F", "0E04", "0E03"
_SENT = 0x00390040
_MAX_DEPTH = 10
_BROKEN = (OSError, ValueError, IndexError, TypeError, struct.error, UnicodeError)


def msg_attachments(data: bytes) -> list[Part]:
    """The attachments of an Outlook message. Raises CorruptDocumentError where it is no compound file."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            return _attachments(ole, (), 1)
    except _BROKEN as error:
        raise CorruptDocumentError(
            f"The Outlook message cannot be read: {error}.", hint="Export it again from Outlook."
        ) from error


def _attachments(ole: Foreign, folder: tuple[str, ...], depth: int) -> list[Part]:
    """The attachments of the message that lies in a storage."""
    names = sorted({entry[len(folder)] for entry in ole.listdir(streams=True, storages=True)
                    if tuple(entry[: len(folder)]) == folder and len(entry) > len(folder)})  # fmt: skip
    found = []
    for storage in (name for name in names if name.startswith(_ATTACHMENT)):
        here = (*folder, storage)
        name = _text(ole, here, _LONG_NAME) or _text(ole, here, _SHORT_NAME)
        if ole.exists([*here, _DATA]):
            found.append(Part(name or "attachment", ole.openstream([*here, _DATA]).read()))
        elif ole.exists([*here, _MESSAGE]) and depth < _MAX_DEPTH:
            found.append(_message(ole, (*here, _MESSAGE), name, depth))
        else:
            error = CorruptDocumentError(
                f"The attachment {name or storage} is a link, not a file.", hint="Attach the file itself."
            )
            found.append(Part(name or "attachment", b"", error))
    return found


def _message(ole: Foreign, folder: tuple[str, ...], name: str, depth: int) -> Part:
    """An attached message as a mail: headers, bodies and attachments."""
    mail = EmailMessage()
    subject = _text(ole, folder, _SUBJECT)
    sender, address = _text(ole, folder, _SENDER), _text(ole, folder, _ADDRESS)
    fields = {"Subject": subject, "From": f"{sender} <{address}>" if "@" in address else sender,
              "To": _text(ole, folder, _TO), "Cc": _text(ole, folder, _CC), "Date": _sent(ole, folder)}  # fmt: skip
    for header, value in fields.items():
        if value.strip():
            mail[header] = " ".join(value.split())
    mail.set_content(_text(ole, folder, _BODY))
    html = _text(ole, folder, _HTML)
    if html:
        mail.add_alternative(html, subtype="html")
    for part in _attachments(ole, folder, depth + 1):
        mail.add_attachment(part.data, maintype="application", subtype="octet-stream", filename=part.name)
    _fix_boundaries(mail)
    return Part(f"{mail_name(subject or name)}.eml", mail.as_bytes())


def _fix_boundaries(mail: EmailMessage) -> None:
    """The same message gives the same bytes: the standard library would draw boundaries at random."""
    for number, part in enumerate(mail.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_docmill_{number}")


def _text(ole: Foreign, folder: tuple[str, ...], code: str) -> str:
    """A text property of a storage, "" where it has none."""
    for kind in ("001F", "001E", "0102"):
        stream = [*folder, f"__substg1.0_{code}{kind}"]
        if ole.exists(stream):
            raw = ole.openstream(stream).read()
            text = raw.decode("utf-16-le", "replace") if kind == "001F" else decode(raw, declared_charset(raw))[0]
            return text.rstrip("\0")
    return ""


def _sent(ole: Foreign, folder: tuple[str, ...]) -> str:
    """When the message was sent, as mails say it; "" where it does not tell."""
    stream = [*folder, "__properties_version1.0"]
    raw = ole.openstream(stream).read() if ole.exists(stream) else b""
    for at in range(24, len(raw) - 15, 16):
        tag, ticks = struct.unpack_from("<I4xQ", raw, at)
        if tag == _SENT:
            return format_datetime(datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10))
    return ""
