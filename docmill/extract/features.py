"""What each reader takes from a document besides its text: the table of docs/formats.md.

A test reads a small file of each type and holds that it shows the features named here, and no others of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Feature(StrEnum):
    """Something that a document may hold, or that tells where it stands."""

    TITLES = "titles"
    LISTS = "lists"
    TABLES = "tables"
    SPANS = "merged cells"
    LINKS = "links"
    PICTURES = "pictures"
    OCR = "text of pictures"
    CHARTS = "charts"
    FORMULAS = "math"
    CODE = "code"
    NOTES = "notes"
    COMMENTS = "comments"
    MARGINS = "headers, footers"
    HIDDEN = "hidden parts"
    MEMBERS = "members"
    PAGES = "page or slide"
    BOXES = "boxes"
    CELLS = "sheet and cells"
    SECONDS = "seconds"


_TEXT = {Feature.TITLES, Feature.LISTS, Feature.TABLES, Feature.LINKS}
_MARKUP = {*_TEXT, Feature.SPANS, Feature.CODE, Feature.PICTURES, Feature.CHARTS}
_SLIDES = {*_TEXT, Feature.SPANS, Feature.PICTURES, Feature.PAGES, Feature.BOXES}
_SHEETS = {Feature.TITLES, Feature.TABLES, Feature.SPANS, Feature.CELLS, Feature.HIDDEN}
_SCAN = {Feature.TABLES, Feature.PICTURES, Feature.OCR, Feature.PAGES, Feature.BOXES}
_ARCHIVE = {Feature.TABLES, Feature.MEMBERS}
_SOUND = {Feature.SECONDS}
_VIDEO = {Feature.SECONDS, Feature.PICTURES, Feature.OCR}
_WRITTEN = {*_TEXT, Feature.SPANS, Feature.PICTURES, Feature.OCR, Feature.NOTES, Feature.COMMENTS, Feature.MARGINS}

FEATURES: Mapping[str, frozenset[Feature]] = {
    label: frozenset(features)
    for label, features in {
        "pdf": {*_SLIDES, Feature.OCR, Feature.CHARTS, Feature.NOTES, Feature.MARGINS, Feature.MEMBERS}
        - {Feature.LINKS},
        "docx": {*_WRITTEN, Feature.CHARTS, Feature.FORMULAS, Feature.MEMBERS},
        "odt": _WRITTEN,
        "rtf": {*_WRITTEN} - {Feature.LINKS, Feature.SPANS},
        "doc": {
            Feature.TITLES,
            Feature.LISTS,
            Feature.TABLES,
            Feature.PICTURES,
            Feature.OCR,
            Feature.NOTES,
            Feature.COMMENTS,
            Feature.MARGINS,
        },
        "pptx": {
            *_SLIDES,
            Feature.FORMULAS,
            Feature.OCR,
            Feature.CHARTS,
            Feature.NOTES,
            Feature.COMMENTS,
            Feature.HIDDEN,
            Feature.MEMBERS,
        },
        "odp": {*_SLIDES, Feature.OCR, Feature.CHARTS, Feature.NOTES, Feature.HIDDEN},
        "ppt": {Feature.TITLES, Feature.LISTS, Feature.NOTES, Feature.PAGES, Feature.BOXES},
        "xlsx": {*_SHEETS, Feature.CHARTS, Feature.PICTURES, Feature.OCR, Feature.COMMENTS, Feature.MEMBERS},
        "ods": {*_SHEETS, Feature.CHARTS, Feature.PICTURES, Feature.OCR},
        "xls": _SHEETS,
        "xlsb": {*_SHEETS, Feature.CHARTS, Feature.PICTURES, Feature.OCR} - {Feature.SPANS},
        "html": _MARKUP,
        "md": {*_MARKUP} - {Feature.SPANS, Feature.CHARTS},
        "epub": _MARKUP,
        "eml": {*_MARKUP, Feature.MEMBERS},
        "msg": {Feature.TITLES, Feature.LISTS, Feature.MEMBERS},
        "txt": {Feature.TITLES, Feature.LISTS},
        "rst": {Feature.TITLES, Feature.LISTS},
        "org": {Feature.TITLES, Feature.LISTS},
        "csv": {Feature.TABLES},
        "tsv": {Feature.TABLES},
        "json": {Feature.TABLES, Feature.CODE},
        "jsonl": {Feature.TABLES, Feature.CODE},
        "yaml": {Feature.CODE},
        "code": {Feature.CODE},
        "xml": set(),
        "svg": {Feature.TITLES, Feature.PICTURES, Feature.CHARTS, Feature.PAGES, Feature.BOXES},
        **dict.fromkeys(("png", "jpeg", "tiff", "bmp", "webp", "gif", "heic", "avif"), _SCAN),
        **dict.fromkeys(("zip", "tar", "gz", "bz2", "xz", "zst", "mbox", "tnef"), _ARCHIVE),
        **dict.fromkeys(("mp3", "wav", "m4a", "flac", "ogg"), _SOUND),
        **dict.fromkeys(("mp4", "mov", "mkv", "webm", "avi"), _VIDEO),
    }.items()
}
"""What the reader of each label shows."""
