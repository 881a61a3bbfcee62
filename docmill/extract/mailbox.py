"""Takes a mailbox (mbox) apart into its mails."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from email.header import decode_header, make_header

from docmill.extract.parts import Budget, Part

BEGIN = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\n]*\d\d:\d\d[^\n]*\n")
"""The line before each mail, after an empty one; its date tells it from a sentence."""
_QUOTED = re.compile(rb"^>(>*From )", re.M)
_SUBJECT = re.compile(rb"^Subject:[ \t]*([^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*)", re.M | re.I)
_UNFIT = re.compile(r"[^\w.,()@+=& -]+")


def mbox_parts(data: bytes, budget: Budget) -> Iterator[Part]:
    """The mails of a mailbox in order, each named by its subject and its hash.

    So the name of a mail does not change when another one is removed from the mailbox.
    """
    begins = [(match.start(), match.end()) for match in BEGIN.finditer(data)]
    ends = [start for start, _ in begins[1:]] + [len(data)]
    for (_, start), end in zip(begins, ends, strict=True):
        mail = _QUOTED.sub(rb"\1", data[start:end]).rstrip(b"\r\n") + b"\n"
        if not mail.strip():
            continue
        budget.spend(len(mail))
        yield Part(f"{mail_name(_subject(mail))} {hashlib.sha256(mail).hexdigest()[:8]}.eml", mail)


def _subject(mail: bytes) -> str:
    """The subject of a mail, "" where it has none."""
    head = re.split(rb"\r?\n\r?\n", mail[:20_000], maxsplit=1)[0]
    found = _SUBJECT.search(head)
    if found is None:
        return ""
    raw = " ".join(found.group(1).decode("utf-8", "replace").split())
    try:
        return str(make_header(decode_header(raw)))
    except (ValueError, LookupError):
        return raw


def mail_name(subject: str) -> str:
    """A name for the file of a mail, without an ending."""
    return " ".join(_UNFIT.sub(" ", subject).split())[:60].strip(" .") or "mail"
