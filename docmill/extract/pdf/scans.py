"""Pages without a usable text layer: when OCR is needed, and its lines turned into runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from docmill.config import ExtractConfig, Mode
from docmill.extract.ocr import Recognised
from docmill.extract.pdf.engine import EngineObject, pymupdf
from docmill.extract.pdf.figures import area, inside
from docmill.extract.pdf.garbage import is_better, says_the_same, suspicion
from docmill.extract.pdf.ink import Ink, Run
from docmill.extract.pdf.places import Box, Word
from docmill.extract.upright import Upright
from docmill.models import BBox, Line

PageOcr = Callable[[bytes], Recognised]

_FEW = 24  # characters: a page with fewer has next to no text layer
_COVERED = 0.3  # of the page
_GARBAGE = 0.3  # of the characters
_WHOLE = 0.8  # of the page: a picture this large is the page's scan
_REGION, _SMALL = 0.04, 0.01  # of the page: pictures from this size on are read, in mode auto and accurate
_LEAST_SIDE = 28.0  # points
_SURE = 0.8  # mean confidence from which a region's text is taken
_LIGHT, _EVEN = 0.6, 28.0  # share and evenness of paper in a scanned region
_LETTERS = 60
_IN_LINES, _FILLED = 0.55, 0.38
"""Share of the letters that stand in lines, and of the region's height that these lines take up with their white space:
print and tables have 0.6 to 1 and 0.4 to 1, charts and diagrams with their few labels less."""
_LINE = 12  # letters
_PITCH = 2.5  # of the letters' height, from line to line


@dataclass(frozen=True)
class Scan:
    """What OCR had to do with a page: the `method` of the whole page, the `reason` for it, and a `note` of regions.

    `engine` is the method of what OCR read, "" where it read nothing.
    """

    method: str = "native"
    reason: str = ""
    note: str = ""
    engine: str = ""


def read_scan(display_list: EngineObject, ink: Ink, ocr: PageOcr | None, config: ExtractConfig) -> Scan:
    """What the page's text layer lacks, or gets wrong, read by OCR into `ink`; without `ocr` only the reason is told.

    A text layer that looks like garbage is replaced if OCR reads something else, and surely; else it stays. Of a page
    with a good text layer, pictures that look like scanned text are read into the rest of the page.
    """
    reason, doubt = why_ocr(ink), ""
    if not reason:
        doubt = suspicion(_text(ink), behind_scan=_is_behind_scan(ink))
    if ocr is None:
        return Scan(reason=reason or doubt)
    engine = f"ocr:{engine_name(ocr)}"
    if config.force_ocr:
        found = _look(display_list, ocr, config.ocr_dpi)
        if found.lines:
            return Scan(engine, _said("OCR was asked for", _replace(ink, found, config.ocr_dpi)), engine=engine)
    if reason:
        return Scan(engine, _said(reason, recognise(display_list, ink, ocr, config.ocr_dpi)), engine=engine)
    if doubt:
        before = _text(ink)
        found = _look(display_list, ocr, config.ocr_dpi)
        read = " ".join(line.text for line in found.lines)
        sure = [line.confidence or 0.0 for line in found.lines]
        if is_better(read, before, sure) and (_is_behind_scan(ink) or not says_the_same(before, read)):
            return Scan(engine, _said(doubt, _replace(ink, found, config.ocr_dpi)), engine=engine)
        return Scan(note=f"{doubt}, but OCR reads nothing better")
    regions = read_regions(display_list, ink, ocr, config)
    if not regions:
        return Scan()
    return Scan(note=f"{regions} scanned region{'s' * (regions > 1)} of the page read by OCR", engine=engine)


def _said(reason: str, turned: str) -> str:
    return f"{reason}; {turned}" if turned else reason


def _text(ink: Ink) -> str:
    return "\n".join(run.text for run in (*ink.runs, *ink.turned))


def _is_behind_scan(ink: Ink) -> bool:
    """Whether one picture covers the page: its text was laid over it by an OCR program."""
    return any(area(box) >= _WHOLE * ink.width * ink.height for box in ink.images)


def is_garbage(ink: Ink) -> bool:
    """True if many of the text layer's characters stand for glyphs without a known meaning."""
    return ink.unknown > _GARBAGE * max(ink.characters, 1)


def why_ocr(ink: Ink) -> str:
    """Why the page's text layer cannot be used, "" if it can or if there is nothing to recognise."""
    if is_garbage(ink):
        return "the text layer is garbage (glyphs without meaning)"
    if ink.characters < _FEW:
        page = ink.width * ink.height
        covered = sum(area(box) for box in [*ink.images, *ink.drawings])
        if covered >= _COVERED * page:
            return "no text layer" if ink.characters == 0 else "next to no text layer"
    return ""


def engine_name(ocr: PageOcr) -> str:
    """What `method` names: the callable's attribute `engine` if it has one, else its own name."""
    return str(getattr(ocr, "engine", None) or getattr(ocr, "__name__", type(ocr).__name__))


@dataclass(frozen=True)
class Tilt:
    """The turn of a scanned page, of any angle; `displayed` and `upright` are those of `ink.Turn`."""

    page: Upright

    def displayed(self, box: Box) -> Box:
        """The smallest box of the page as displayed around a box of the readable page."""
        shown = self.page.shown_box(BBox(x0=box.x0, y0=box.y0, x1=box.x1, y1=box.y1))
        return Box(shown.x0, shown.y0, shown.x1, shown.y1)

    def upright(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """The smallest box of the readable page around a box of the page as displayed."""
        points = [self.page.read(x, y) for x in (x0, x1) for y in (y0, y1)]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return Box(min(xs), min(ys), max(xs), max(ys))


def recognise(display_list: EngineObject, ink: Ink, ocr: PageOcr, dpi: int) -> str:
    """Replaces the page's runs by what OCR reads on its picture, rendered at `dpi`; other marks are turned with it.

    Returns how the page was turned, "" where it stands upright.
    """
    return _replace(ink, _look(display_list, ocr, dpi), dpi)


def _look(display_list: EngineObject, ocr: PageOcr, dpi: int, clip: Box | None = None) -> Recognised:
    """What OCR reads on the page, or on a part of it as displayed."""
    scale = dpi / 72
    area_of = pymupdf.Rect(*clip) if clip else None
    picture = display_list.get_pixmap(matrix=pymupdf.Matrix(scale, scale), alpha=0, clip=area_of)
    return ocr(picture.tobytes("png"))


def _replace(ink: Ink, found: Recognised, dpi: int) -> str:
    """The page's runs are what OCR found, rendered at `dpi`; how the page was turned."""
    upright = found.upright.scaled(72 / dpi)
    if ink.turn is not None or upright.is_turned:
        _turn_marks(ink, upright)
    ink.turned = []
    ink.runs = runs_of_lines(found.lines, 72 / dpi, found.words)
    ink.characters, ink.unknown = sum(len(run.text) for run in ink.runs), 0
    return upright.note


def read_regions(display_list: EngineObject, ink: Ink, ocr: PageOcr, config: ExtractConfig) -> int:
    """Adds what OCR reads in pictures of scanned text on a page that has a text layer; how many there were.

    In mode accurate every picture that may hold text is read: labels of charts, too.
    """
    read = 0
    accurate = config.mode is Mode.ACCURATE
    for box in ink.images:
        if not _may_hold_text(ink, box, least=_SMALL if accurate else _REGION):
            continue
        shown = ink.turn.displayed(box) if ink.turn else box
        if not accurate and not looks_like_text(display_list, shown):
            continue
        found = _look(display_list, ocr, config.ocr_dpi, shown)
        sure = [line.confidence or 0.0 for line in found.lines]
        letters = sum(len(line.text) for line in found.lines)
        if not sure or sum(sure) / len(sure) < _SURE or (not accurate and letters < _FEW):
            continue
        ink.runs += _placed(ink, found, shown, 72 / config.ocr_dpi)
        read += 1
    return read


def _may_hold_text(ink: Ink, box: Box, *, least: float) -> bool:
    """Whether a picture is large enough (a share of the page) to be read and has no text of the page's over it."""
    page = ink.width * ink.height
    if area(box) < least * page or min(box.x1 - box.x0, box.y1 - box.y0) < _LEAST_SIDE:
        return False
    return sum(len(run.text) for run in ink.runs if inside(run, box)) < _FEW


def looks_like_text(display_list: EngineObject, shown: Box) -> bool:
    """Whether a part of the page is light with many small dark marks of like height in lines that fill it, as print is.

    A chart has such marks, too, but few lines of them; mode accurate reads it.
    """
    import cv2
    import numpy

    picture = display_list.get_pixmap(matrix=pymupdf.Matrix(1.5, 1.5), alpha=0, clip=pymupdf.Rect(*shown))
    samples = numpy.frombuffer(picture.samples, dtype=numpy.uint8).reshape(picture.height, picture.width, picture.n)
    grey = samples.mean(axis=2).astype(numpy.uint8)
    threshold, dark = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    light = grey > threshold
    if not _LIGHT <= light.mean() <= 0.995 or grey[light].std() > _EVEN:
        return False
    _, _, stats, _ = cv2.connectedComponentsWithStats(dark)
    tops, heights = stats[1:, cv2.CC_STAT_TOP], stats[1:, cv2.CC_STAT_HEIGHT]
    small = (heights >= 4) & (heights <= 30) & (stats[1:, cv2.CC_STAT_WIDTH] <= 60)
    if small.sum() < _LETTERS:
        return False
    usual = float(numpy.median(heights[small]))
    letters = small & (heights > usual / 2) & (heights < usual * 2)
    if letters.sum() <= 0.7 * small.sum():
        return False
    lines = [count for count in _by_line((tops + heights)[letters].tolist(), usual) if count >= _LINE]
    filled = len(lines) * _PITCH * usual >= _FILLED * picture.height
    return filled and sum(lines) >= _IN_LINES * int(letters.sum())


def _by_line(feet: Sequence[float], height: float) -> list[int]:
    """How many of the letters stand on each line, by the y of their feet."""
    starts: list[float] = []
    counts: list[int] = []
    for foot in sorted(feet):
        if starts and foot - starts[-1] <= 0.6 * height:
            counts[-1] += 1
        else:
            starts.append(foot)
            counts.append(1)
    return counts


def _placed(ink: Ink, found: Recognised, shown: Box, scale: float) -> list[Run]:
    """The runs of a region of the page, in the readable page."""
    lines = [found.upright.shown_box(line.bbox) for line in found.lines]
    texts = [line.model_copy(update={"bbox": box}) for line, box in zip(found.lines, lines, strict=True)]
    words = () if found.upright.is_turned else found.words
    runs = runs_of_lines(texts, scale, words)
    for run in runs:
        moved = Box(run.x0 + shown.x0, run.y0 + shown.y0, run.x1 + shown.x0, run.y1 + shown.y0)
        run.words = [
            Word(w.x0 + shown.x0, w.y0 + shown.y0, w.x1 + shown.x0, w.y1 + shown.y0, w.text) for w in run.words
        ]
        if ink.turn is not None:
            moved = ink.turn.upright(*moved)
            run.words = [Word(*ink.turn.upright(*word[:4]), word.text) for word in run.words]
        run.x0, run.y0, run.x1, run.y1 = moved
    return runs


def _turn_marks(ink: Ink, upright: Upright) -> None:
    """The page's pictures stand as on the page that OCR read; drawn rules are left out, for they do not stand so."""
    shown = [ink.turn.displayed(box) if ink.turn else box for box in ink.images]
    tilt = Tilt(upright)
    ink.width, ink.height = upright.size
    ink.images = [tilt.upright(*box) for box in shown]
    ink.h_rules, ink.v_rules, ink.fills, ink.drawings = [], [], [], []
    ink.turn = tilt if upright.is_turned else None


def runs_of_lines(
    lines: Sequence[Line], scale: float, words: Sequence[Sequence[tuple[float, float]]] = ()
) -> list[Run]:
    """Runs in page points from lines in pixels.

    `words` are the ends of each line's words in pixels; where they are not known, words share a line's width by their
    length.
    """
    runs = []
    for index, line in enumerate(lines):
        texts = line.text.split()
        if not texts:
            continue
        x0, y0, x1, y1 = (value * scale for value in (line.bbox.x0, line.bbox.y0, line.bbox.x1, line.bbox.y1))
        known = [(start * scale, end * scale) for start, end in words[index]] if index < len(words) else []
        ends = known if len(known) == len(texts) else _shared(texts, x0, x1)
        found = [Word(start, y0, end, y1, text) for text, (start, end) in zip(texts, ends, strict=True)]
        runs.append(Run(x0, y0, x1, y1, " ".join(texts), (y1 - y0) * 0.85, words=found, confidence=line.confidence))
    return runs


def _shared(texts: Sequence[str], x0: float, x1: float) -> list[tuple[float, float]]:
    """The ends of words that share a line's width by their length."""
    step = (x1 - x0) / max(sum(map(len, texts)) + len(texts) - 1, 1)
    ends, at = [], x0
    for text in texts:
        ends.append((at, at + len(text) * step))
        at += (len(text) + 1) * step
    return ends
