"""Text in pictures by rapidocr's models (PP-OCR, in its wheel): in this process, or at Triton.

Only its detector and recogniser are used. Its classifier of upside-down lines turns right lines over and costs 6 % of
the characters: a page's orientation is found here from its lines together. Detection sees the picture with its longer
side cut to DETECTION_SIDE pixels, recognition the full picture up to MAX_SIDE, one line at a time: half the CPU of the
defaults at a lower error rate (detection and the padding of batches were most of the cost).
"""

from __future__ import annotations

import threading
from functools import cache
from statistics import fmean
from typing import NamedTuple

from docmill.errors import ConfigError
from docmill.extract.ctc import Decoded, decode
from docmill.extract.untyped import Foreign, Pixels
from docmill.extract.upright import Corners, lies_sideways, slant_of
from docmill.inference import places
from docmill.inference.opening import open_registered
from docmill.inference.places import Places
from docmill.inference.tensors import TensorModel

DETECTION, RECOGNITION = "PP-OCRv6_det_small", "PP-OCRv6_rec_small"
MAX_SIDE = 2_400
DETECTION_SIDE = 1_280
THREADS = 1
"""One thread an engine: documents are read in parallel by processes."""
_DOUBTFUL = 0.88
"""Mean confidence of a page's longest lines below which it may be upside down; upright text has 0.96 and more."""
_SAMPLE = 5
_BLOCK = 32
_LEAST_SIDE = 32
"""Pixels that the detector needs each way."""
_EMPTY = Decoded("", 0.0, ())

_LATIN = (
    "af az bs ca cs cy da de en es et eu fi fr ga gl ha hr hu id is it ku la lb lt lv mg mi ms mt nb nl nn no oc pl pt "
    "rm ro sk sl sn so sq st sv sw tl tr uz vi xh yo zu"
)
LANGUAGES = frozenset((*_LATIN.split(), "zh", "ja"))
"""ISO 639-1 codes of the languages whose letters the model knows: Latin scripts, Chinese and Japanese."""

_lock = threading.Lock()


class _Models(NamedTuple):
    """rapidocr's engine with its detector and recogniser."""

    engine: Foreign
    detector: Foreign
    recogniser: Foreign


def check_languages(languages: tuple[str, ...]) -> None:
    """Raises ConfigError for languages whose letters the model does not know."""
    unknown = [each for each in languages if each.lower() not in LANGUAGES and each.lower()[:2] not in LANGUAGES]
    if unknown:
        raise ConfigError(
            f"The OCR model cannot read the language {', '.join(unknown)}.",
            hint=f"Set extract.languages to some of {', '.join(sorted(LANGUAGES))}; or install Tesseract with that "
            "language and set extract.ocr_engine to tesseract; or set extract.mode to fast.",
        )


def find(pixels: Pixels) -> tuple[int, float, list[tuple[str, Corners, float, tuple[tuple[float, float], ...]]]]:
    """The quarter turns (counter-clockwise) and the slant that make the picture readable, and its lines.

    Lines are text, corners in pixels of the turned picture, confidence, and the words' ends as shares of the line.
    """
    import numpy

    with _lock:
        models = _models(places.of(DETECTION, RECOGNITION))
        small, scale = _at_most(pixels, MAX_SIDE)
        corners = _detect(models, small)
        if lies_sideways(corners):
            small = numpy.ascontiguousarray(numpy.rot90(small))
            corners, quarter = _detect(models, small), 1
        else:
            quarter = 0
        small, corners, flipped, known = _right_way_up(models, small, corners)
        read = [known.get(index) or _read(models, small, line) for index, line in enumerate(corners)]
    lines = [
        (each.text, tuple((x / scale, y / scale) for x, y in line), each.score, each.words)
        for each, line in zip(read, corners, strict=True)
    ]
    return (quarter + 2 * flipped) % 4, slant_of(corners), lines


def _at_most(pixels: Pixels, side: int) -> tuple[Pixels, float]:
    """The picture no larger than `side`, and by how much it was scaled."""
    import cv2

    longer = max(pixels.shape[:2])
    if longer <= side:
        return pixels, 1.0
    scale = side / longer
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), scale


def _detect(models: _Models, pixels: Pixels) -> list[Corners]:
    """The corners of the picture's lines, from top to bottom."""
    import cv2
    import numpy

    left, top, right, bottom = _inked(pixels)
    scale = min(1.0, DETECTION_SIDE / max(pixels.shape[:2]))
    part = pixels[top:bottom, left:right]
    if scale < 1.0:
        size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
        part = cv2.resize(part, size)
    height, width = part.shape[:2]
    if min(height, width) < _LEAST_SIDE:
        padded = numpy.full((max(height, _LEAST_SIDE), max(width, _LEAST_SIDE), 3), 255, dtype=numpy.uint8)
        padded[:height, :width] = part
        part = padded
    boxes = models.detector(part).boxes
    lines = [] if boxes is None else boxes
    return [tuple((float(x) / scale + left, float(y) / scale + top) for x, y in box) for box in lines]


def _inked(pixels: Pixels) -> tuple[int, int, int, int]:
    """The part of the picture (left, top, right, bottom) outside of which is only paper.

    Detection costs by the pixel, and a third of a page is margin. A block of 32 x 32 pixels is inked if it has twice
    the contrast of the usual block, which is paper with the scanner's noise.
    """
    import cv2
    import numpy

    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    if min(height, width) < 16 * _BLOCK:
        return 0, 0, width, height
    coarse = cv2.resize(grey, (width // _BLOCK * 8, height // _BLOCK * 8), interpolation=cv2.INTER_AREA)
    blocks = coarse.reshape(coarse.shape[0] // 8, 8, coarse.shape[1] // 8, 8)
    contrast = blocks.max(axis=(1, 3)).astype(numpy.int16) - blocks.min(axis=(1, 3))
    inked = contrast > 2 * numpy.median(contrast) + 8
    rows, columns = numpy.flatnonzero(inked.any(axis=1)), numpy.flatnonzero(inked.any(axis=0))
    if not len(rows):
        return 0, 0, width, height
    high, wide = height / inked.shape[0], width / inked.shape[1]
    return (
        max(0, int((columns[0] - 1) * wide)),
        max(0, int((rows[0] - 1) * high)),
        min(width, int((columns[-1] + 2) * wide)),
        min(height, int((rows[-1] + 2) * high)),
    )


def _right_way_up(
    models: _Models, pixels: Pixels, lines: list[Corners]
) -> tuple[Pixels, list[Corners], bool, dict[int, Decoded]]:
    """Picture and lines turned over if the longest lines read better so; whether; and what was read of them."""
    import numpy

    longest = sorted(range(len(lines)), key=lambda index: _length(lines[index]), reverse=True)[:_SAMPLE]
    known = {index: _read(models, pixels, lines[index]) for index in longest}
    if not longest or fmean(each.score for each in known.values()) >= _DOUBTFUL:
        return pixels, lines, False, known
    height, width = pixels.shape[:2]
    over = numpy.ascontiguousarray(numpy.rot90(pixels, 2))
    turned = [tuple((width - x, height - y) for x, y in (*line[2:], *line[:2])) for line in lines]
    other = {index: _read(models, over, turned[index]) for index in longest}
    if fmean(each.score for each in other.values()) <= fmean(each.score for each in known.values()):
        return pixels, lines, False, known
    return over, turned, True, other


def _length(line: Corners) -> float:
    return max(abs(line[1][0] - line[0][0]), abs(line[2][1] - line[1][1]))


def _read(models: _Models, pixels: Pixels, line: Corners) -> Decoded:
    """What stands in a line; one that stands on end is read both ways, and the better one kept."""
    import numpy

    crop = models.engine.crop_text_regions(pixels, numpy.array([line], dtype=numpy.float32))[0]
    if min(crop.shape[:2]) < 2:
        return _EMPTY
    found = _recognise(models, crop)
    on_end = abs(line[3][1] - line[0][1]) >= 1.5 * abs(line[1][0] - line[0][0])
    if on_end and found.score < _DOUBTFUL:
        other = _recognise(models, numpy.ascontiguousarray(crop[::-1, ::-1]))
        return other if other.score > found.score else found
    return found


def _recognise(models: _Models, crop: Pixels) -> Decoded:
    """The text of an upright line, by the recogniser's probabilities of each character at each of its columns."""
    recogniser = models.recogniser
    _, high, wide = recogniser.rec_image_shape[:3]
    ratio = max(crop.shape[1] / crop.shape[0], wide / high)
    given = recogniser.resize_norm_img(crop, ratio)[None]
    chances = recogniser.session(given)[0]
    return decode(chances, recogniser.postprocess_op.character, crop, ratio)


@cache
def _models(served: Places) -> _Models:
    """The models where `served` says, else here; loaded once a process (0.8 CPU-s).

    Raises ConfigError where they are not in the wheel.
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
            "Det.limit_type": "max",
            "Det.limit_side_len": DETECTION_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
    loaders = {DETECTION: engine._load_det_model, RECOGNITION: engine._load_rec_model}
    for name, config in served:
        model = open_registered(name, {name: config})
        if model is not None and name in loaders:
            loaders[name]().session = _Session(model)
    return _Models(engine, engine._load_det_model(), engine._load_rec_model())


class _Session:
    """Stands for ONNX Runtime's session in rapidocr where the model runs at Triton."""

    def __init__(self, model: TensorModel) -> None:
        self._model = model

    def __call__(self, pixels: Pixels) -> Pixels:
        """The model's only output; raises TransientError where the server is out of reach."""
        (name,) = self._model.inputs
        return next(iter(self._model.run({name: pixels}).values()))
