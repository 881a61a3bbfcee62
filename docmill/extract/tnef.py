"""Takes attachments out of what Outlook packs them into for other mail programs (winmail.dat: TNEF, [MS-OXTNEF])."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from docmill.errors import CorruptDocumentError
from docmill.extract.parts import Budget, Part
from docmill.extract.untyped import Foreign

_BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, struct.error, NameError, OSError)


def tnef_parts(data: bytes, budget: Budget) -> Iterator[Part]:
    """The mail's body where it is text or HTML, then its attachments. Raises CorruptDocumentError."""
    from tnefparse.tnef import TNEF

    try:
        message = TNEF(data, do_checksum=False)
    except _BROKEN as error:
        raise CorruptDocumentError(
            f"The packed mail (TNEF) cannot be read: {type(error).__name__}: {error}.",
            hint="Send the mail again as HTML or plain text.",
        ) from error
    bodies = {"message.html": message.htmlbody, "message.txt": message.body}
    name = next((each for each, body in bodies.items() if body), "")
    if name:
        body = _bytes(bodies[name])
        budget.spend(len(body))
        yield Part(name, body)
    for number, attachment in enumerate(message.attachments, start=1):
        content = _bytes(attachment.data)
        budget.spend(len(content))
        yield Part(_name(attachment) or f"attachment {number}", content)


def _bytes(content: Foreign) -> bytes:
    """Content as bytes, in UTF-8 where it was decoded."""
    return content.encode("utf-8") if isinstance(content, str) else bytes(content or b"")


def _name(attachment: Foreign) -> str:
    """The attachment's long name, else its short one, "" where neither can be read."""
    try:
        return str(attachment.long_filename() or attachment.name).strip("\0 ")
    except _BROKEN:
        return ""
