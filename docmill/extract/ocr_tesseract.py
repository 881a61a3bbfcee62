"""Text in pictures by the Tesseract program, where it is installed: cheaper, with models for a hundred languages."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections import defaultdict
from functools import cache
from statistics import fmean

from docmill.errors import ConfigError, CorruptDocumentError
from docmill.extract.untyped import Pixels
from docmill.extract.upright import Corners, slant_of

_SECONDS = 120
_UNEVEN_LIGHT = ("-c", "thresholding_method=2")
"""Sauvola's local threshold: with the global default, half of a page in uneven light is lost."""
_CODES = {
    "af": "afr", "ar": "ara", "az": "aze", "be": "bel", "bg": "bul", "bn": "ben", "bs": "bos", "ca": "cat", "cs": "ces",
    "cy": "cym", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "et": "est", "eu": "eus", "fa": "fas",
    "fi": "fin", "fr": "fra", "ga": "gle", "gl": "glg", "gu": "guj", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun",
    "hy": "hye", "id": "ind", "is": "isl", "it": "ita", "ja": "jpn", "ka": "kat", "kk": "kaz", "km": "khm", "kn": "kan",
    "ko": "kor", "la": "lat", "lt": "lit", "lv": "lav", "mk": "mkd", "ml": "mal", "mr": "mar", "ms": "msa", "mt": "mlt",
    "nb": "nor", "nl": "nld", "nn": "nor", "no": "nor", "pa": "pan", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus",
    "sk": "slk", "sl": "slv", "sq": "sqi", "sr": "srp", "sv": "swe", "sw": "swa", "ta": "tam", "te": "tel", "th": "tha",
    "tl": "tgl", "tr": "tur", "uk": "ukr", "ur": "urd", "uz": "uzb", "vi": "vie", "yi": "yid", "zh": "chi_sim",
}  # fmt: skip
"""ISO 639-1 to Tesseract's names."""


def check_languages(languages: tuple[str, ...]) -> None:
    """Raises ConfigError where Tesseract or its data for one of the languages is not installed."""
    missing = [each for each in languages if _code(each) not in installed()]
    if missing:
        packages = " ".join(f"tesseract-ocr-{_code(each).replace('_', '-')}" for each in missing)
        raise ConfigError(
            f"Tesseract has no data for the language {', '.join(missing)}; it has {', '.join(sorted(installed()))}.",
            hint=f"Install it (Debian: apt-get install {packages}) or change extract.languages.",
        )


def _code(language: str) -> str:
    """Tesseract's name of a language; names of its own, such as `deu_latf`, stand for themselves."""
    return _CODES.get(language.lower(), language)


@cache
def installed() -> frozenset[str]:
    """The languages that Tesseract has data for, by its names. Raises ConfigError where it is not installed."""
    listed = subprocess.run([_program(), "--list-langs"], capture_output=True, text=True, timeout=_SECONDS, check=False)
    return frozenset(listed.stdout.split("\n", 1)[-1].split())


def _program() -> str:
    found = shutil.which("tesseract")
    if found is None:
        raise ConfigError(
            "extract.ocr_engine is tesseract, which is not installed.",
            hint="Install it (Debian: apt-get install tesseract-ocr) or set extract.ocr_engine to rapidocr.",
        )
    return found


def find(
    pixels: Pixels, languages: tuple[str, ...]
) -> tuple[int, float, list[tuple[str, Corners, float, tuple[tuple[float, float], ...]]]]:
    """The quarter turns (counter-clockwise) and the slant that make the picture readable, and its lines.

    Lines are text, corners in pixels of the turned picture, confidence, and the words' ends as shares of the line.
    Raises CorruptDocumentError where Tesseract fails on the picture.
    """
    import numpy

    words = "+".join(dict.fromkeys(_code(each) for each in languages))
    best: tuple[float, int, list[tuple[str, Corners, float, tuple[tuple[float, float], ...]]]] = (-1.0, 0, [])
    for quarter in (0, 2, 1, 3):
        turned = numpy.ascontiguousarray(numpy.rot90(pixels, quarter))
        lines = _lines(_table(turned, words))
        sure = sum(score * len(text) for text, _, score, _ in lines)
        mean = fmean(score for _, _, score, _ in lines) if lines else 0.0
        if sure > best[0]:
            best = (sure, quarter, lines)
        if mean >= 0.75:
            break
    _, quarter, lines = best
    return quarter, slant_of([corners for _, corners, _, _ in lines]), lines


def _table(pixels: Pixels, languages: str) -> str:
    """Tesseract's table of words for a picture. Raises CorruptDocumentError."""
    import cv2

    done = subprocess.run(
        [_program(), "stdin", "stdout", "-l", languages, "--psm", "3", "--dpi", "200", *_UNEVEN_LIGHT, "tsv"],
        input=cv2.imencode(".png", pixels)[1].tobytes(),
        capture_output=True,
        timeout=_SECONDS,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        check=False,
    )
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise CorruptDocumentError(f"Tesseract failed on the picture: {message[-1]}.", hint="Try rapidocr.")
    return done.stdout.decode("utf-8", errors="replace")


def _lines(table: str) -> list[tuple[str, Corners, float, tuple[tuple[float, float], ...]]]:
    """The words of Tesseract's table as lines."""
    groups: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == "5" and (row["text"] or "").strip():
            groups[row["block_num"], row["par_num"], row["line_num"]].append(row)
    return [_line(words) for words in groups.values()]


def _line(
    words: list[dict[str, str]],
) -> tuple[str, Corners, float, tuple[tuple[float, float], ...]]:
    """A line of words; its slope is that from the first word's middle to the last one's."""
    boxes = [(int(w["left"]), int(w["top"]), int(w["left"]) + int(w["width"]), int(w["top"]) + int(w["height"]))
             for w in words]  # fmt: skip
    left, right = min(box[0] for box in boxes), max(box[2] for box in boxes)
    tall = max(box[3] - box[1] for box in boxes)
    rise = (boxes[-1][1] + boxes[-1][3] - boxes[0][1] - boxes[0][3]) / 2 if len(boxes) > 2 else 0.0
    top = min(boxes[0][1], boxes[0][3] - tall) if len(boxes) > 2 else min(box[1] for box in boxes)
    corners = ((left, top), (right, top + rise), (right, top + rise + tall), (left, top + tall))
    wide = max(right - left, 1)
    ends = tuple(((x0 - left) / wide, (x1 - left) / wide) for x0, _, x1, _ in boxes)
    score = fmean(max(float(word["conf"]), 0.0) for word in words) / 100
    return " ".join(word["text"].strip() for word in words), corners, score, ends
