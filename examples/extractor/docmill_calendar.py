"""Reads iCalendar files (RFC 5545): each event becomes a title and a paragraph."""

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.extractors import Builder, Reading
from docmill.models import ElementType

SHOWN = {"DTSTART": "Begins", "DTEND": "Ends", "LOCATION": "Where", "DESCRIPTION": "What"}


class Calendar:
    """Reads text/calendar."""

    media_types = ("text/calendar",)

    def claims(self, data: bytes, name: str) -> str:
        """text/calendar if the bytes begin as a calendar."""
        return "text/calendar" if data.lstrip(b"\xef\xbb\xbf\r\n").startswith(b"BEGIN:VCALENDAR") else ""

    def read(self, data: bytes, name: str, config: ExtractConfig) -> Reading:
        """The calendar's events in the order of the file."""
        builder = Builder("text/calendar", config)
        lines = data.decode("utf-8", "replace").replace("\r\n ", "").replace("\n ", "").splitlines()
        event: dict[str, str] = {}
        for line in lines:
            key, _, value = line.partition(":")
            key = key.partition(";")[0].upper()
            if (key, value) == ("BEGIN", "VEVENT"):
                event = {}
            elif (key, value) == ("END", "VEVENT"):
                builder.title(event.get("SUMMARY", "Event"), 1)
                facts = [f"{label}: {event[name]}" for name, label in SHOWN.items() if event.get(name)]
                builder.add(ElementType.TEXT, "\n".join(facts))
            else:
                event[key] = value.replace("\\n", "\n").replace("\\,", ",")
        if not builder.elements:
            raise CorruptDocumentError("The calendar has no events.", hint="Export it again.")
        return builder.reading()
