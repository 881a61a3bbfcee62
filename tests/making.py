"""Makes small archives and mails for tests."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from email.message import EmailMessage


def zipped(files: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tnef(**attached: bytes) -> bytes:
    """What Outlook calls winmail.dat; the names of attachments are given with `_` in place of the dot."""

    def part(level: int, kind: int, data: bytes) -> bytes:
        return struct.pack("<BII", level, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)

    out = struct.pack("<IH", 0x223E9F78, 1) + part(1, 0x00089006, struct.pack("<I", 0x00010000))
    out += part(1, 0x00069007, struct.pack("<II", 1252, 0))
    for name, data in attached.items():
        stem, _, ending = name.rpartition("_")
        out += part(2, 0x00069002, bytes(14)) + part(2, 0x00018010, f"{stem}.{ending}\0".encode())
        out += part(2, 0x0006800F, data)
    return out


def mail(subject: str = "Offer", body: str = "See the attachment.", **attached: bytes) -> EmailMessage:
    """A mail; the names of attachments are given with `_` in place of the dot."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.org", "bob@example.org", subject
    message.set_content(body)
    for name, data in attached.items():
        stem, _, ending = name.rpartition("_")
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=f"{stem}.{ending}")
    message.set_boundary("=_test") if attached else None
    return message


def mailbox(mails: list[bytes]) -> bytes:
    return b"\n".join(b"From ann@example.org Tue Jan  2 10:00:00 2024\n" + each for each in mails)
