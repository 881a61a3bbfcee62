"""Recognises text in pictures with rapidocr, with the models in its wheel: in this process, or at Triton.

Its classifier of upside-down lines is off: it turns right lines over and costs 6 % of the characters. Detection sees
the picture with its longer side cut to 1,280 pixels, recognition the full picture up to MAX_SIDE, one line at a time:
half the CPU of the defaults at a lower error rate (detection and the padding of batches were most of the cost).
"""

from __future__ import annotations

import threading
import unicodedata
from dataclasses import dataclass
from functools import cache

from docmill.errors import ConfigError, CorruptDocumentError
from docmill.extract.reading_order import in_reading_order
from docmill.extract.untyped import Pixels
from docmill.inference import places
from docmill.inference.opening import open_registered
from docmill.inference.places import Places
from docmill.inference.tensors import TensorModel
from docmill.models import BBox, Line

ENGINE = "ocr:rapidocr"
DETECTION, RECOGNITION = "PP-OCRv6_det_small", "PP-OCRv6_rec_small"
MAX_SIDE = 2_400
DETECTION_SIDE = 1_280
MIN_SCORE = 0.5
THREADS = 1
"""One thread an engine: documents are read in parallel by processes."""

_LATIN = (
    "af az bs ca cs cy da de en es et eu fi fr ga gl ha hr hu id is it ku la lb lt lv mg mi ms mt nb nl nn no oc pl pt "
    "rm ro sk sl sn so sq st sv sw tl tr uz vi xh yo zu"
)
LANGUAGES = frozenset((*_LATIN.split(), "zh", "ja"))
"""ISO 639-1 codes of the languages whose letters the model knows: Latin scripts, Chinese and Japanese."""

_lock = threading.Lock()


@dataclass(frozen=True)
class _Found:
    """A recognised line: its corners, clockwise from the top left, in pixels."""

    text: str
    corners: tuple[tuple[float, float], ...]
    score: float


def ocr_lines(picture: bytes, languages: tuple[str, ...] = ("en",)) -> tuple[Line, ...]:
    """The lines of text in an encoded picture, in reading order, boxes in its pixels.

    Raises ConfigError for a language that the model cannot read, CorruptDocumentError where the picture cannot be
    decoded.
    """
    check_languages(languages)
    return _lines(_pixels(picture))


def check_languages(languages: tuple[str, ...]) -> None:
    """Raises ConfigError for languages whose letters the model does not know."""
    unknown = [each for each in languages if each.lower() not in LANGUAGES and each.lower()[:2] not in LANGUAGES]
    if unknown:
        raise ConfigError(
            f"The OCR model cannot read the language {', '.join(unknown)}.",
            hint=f"Set extract.languages to some of {', '.join(sorted(LANGUAGES))}, or extract.mode to fast.",
        )


def _pixels(picture: bytes) -> Pixels:
    """The decoded picture as an array of height x width x 3 (BGR, as OpenCV has it)."""
    import cv2
    import numpy

    pixels = cv2.imdecode(numpy.frombuffer(picture, dtype=numpy.uint8), cv2.IMREAD_COLOR) if picture else None
    if pixels is None:
        raise CorruptDocumentError("The picture cannot be decoded for OCR.", hint="Save it again as PNG.")
    return pixels


def _lines(pixels: Pixels) -> tuple[Line, ...]:
    """The lines of a decoded picture."""
    engine = _engine(places.of(DETECTION, RECOGNITION))
    with _lock:
        result = engine(pixels)
    if result.txts is None or result.boxes is None or result.scores is None:
        return ()
    found = [
        _Found(text, tuple((float(x), float(y)) for x, y in corners), float(score))
        for text, corners, score in zip(map(_normal, result.txts), result.boxes, result.scores, strict=True)
        if text
    ]
    ordered = in_reading_order([each.corners for each in found], [each.text for each in found])
    return tuple(_line(found[index]) for index in ordered)


def _line(found: _Found) -> Line:
    xs, ys = [x for x, _ in found.corners], [y for _, y in found.corners]
    box = BBox(x0=round(min(xs), 1), y0=round(min(ys), 1), x1=round(max(xs), 1), y1=round(max(ys), 1))
    return Line(text=found.text, bbox=box, confidence=round(found.score, 4))


def _normal(text: str) -> str:
    """NFKC, which undoes full-width letters and ligatures, with the characters kept whose meaning it would change.

    Superscripts, subscripts, fractions and circled numbers stay as they are.
    """
    out = []
    for each in text:
        kind = unicodedata.decomposition(each).split(" ", 1)[0]
        out.append(
            each if kind in ("<super>", "<sub>", "<fraction>", "<circle>") else unicodedata.normalize("NFKC", each)
        )
    return " ".join(unicodedata.normalize("NFC", "".join(out)).split())


@cache
def _engine(served: Places) -> Pixels:
    """The engine with its models where `served` says, else here; loaded once a process (0.8 CPU-s).

    Raises ConfigError where its models are not in the wheel.
    """
    from pathlib import Path

    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    for part in ("det", "rec"):
        if not list(models.glob(f"*_{part}_small.onnx")):
            raise ConfigError(
                f"The installed rapidocr has no {part} model in {models} and would download it.",
                hint="Install the version that docmill's requirements.lock names.",
            )
    engine = rapidocr.RapidOCR(
        params={
            "Global.use_cls": False,
            "Global.log_level": "error",
            "Global.text_score": MIN_SCORE,
            "Global.max_side_len": MAX_SIDE,
            "Det.limit_type": "max",
            "Det.limit_side_len": DETECTION_SIDE,
            "Rec.rec_batch_num": 1,
            "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
    loaders = {DETECTION: engine._load_det_model, RECOGNITION: engine._load_rec_model}
    for name, config in served:
        model = open_registered(name, {name: config})
        if model is not None and name in loaders:
            loaders[name]().session = _Session(model)
    return engine


class _Session:
    """Stands for ONNX Runtime's session in rapidocr where the model runs at Triton."""

    def __init__(self, model: TensorModel) -> None:
        self._model = model

    def __call__(self, pixels: Pixels) -> Pixels:
        """The model's only output; raises TransientError where the server is out of reach."""
        (name,) = self._model.inputs
        return next(iter(self._model.run({name: pixels}).values()))
