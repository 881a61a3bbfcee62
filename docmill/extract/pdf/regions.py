"""What the layout model sees on a page: regions with a class, and the lines that part the rows and columns of tables.

The model and its weights are in pymupdf's wheel (`pymupdf.layout`, ONNX). It gives structure only: the text of every
region is taken from the page's own characters. It is loaded once a process, by the first page that needs it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from docmill.errors import ModelError, is_about_memory
from docmill.extract.pdf.engine import ENGINE_ERRORS, EngineObject, describe, pymupdf
from docmill.extract.pdf.places import Box

MODEL = "pymupdf-layout"
_MODEL_ERRORS: tuple[type[Exception], ...] = (
    *ENGINE_ERRORS,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)
"""What its code raises on a page of a kind that it did not foresee."""


class Kind(StrEnum):
    """The model's classes of regions, by its own names."""

    TEXT = "text"
    TITLE = "title"
    PICTURE = "picture"
    TABLE = "table"
    LIST_ITEM = "list-item"
    HEADER = "page-header"
    FOOTER = "page-footer"
    SECTION = "section-header"
    FOOTNOTE = "footnote"
    CAPTION = "caption"
    FORMULA = "formula"


@dataclass(frozen=True, slots=True)
class Region:
    """A region in points of the page as displayed; of a table also the y between rows, the x between columns."""

    kind: Kind
    box: Box
    rows: tuple[float, ...] = ()
    columns: tuple[float, ...] = ()


def find_regions(page: EngineObject) -> list[Region]:
    """The regions of an engine's page in the model's reading order.

    Raises ModelError where the model gives up on the page, MemoryError where it needs more than there is.
    """
    predict = _model()
    try:
        page.remove_rotation()
        groups = predict(page, return_raw=True)
    except (*_MODEL_ERRORS, *_runtime_errors()) as error:
        if is_about_memory(error):
            raise MemoryError(str(error)) from error
        raise ModelError(
            f"The layout model gave up on the page: {describe(error)}.", hint="Use mode fast for this document."
        ) from error
    left, top = page.rect.x0, page.rect.y0
    return [_region(group, left, top) for group in groups]


def _runtime_errors() -> tuple[type[Exception], ...]:
    """The error classes of ONNX Runtime, which share no base of their own."""
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    return tuple(each for each in vars(state).values() if isinstance(each, type) and issubclass(each, Exception))


def _region(group: dict[str, EngineObject], left: float, top: float) -> Region:
    x0, y0, x1, y1 = (float(value) for value in group["group_bbox"][:4])
    box = Box(x0 - left, y0 - top, x1 - left, y1 - top)
    grid = group.get("table_grid")
    rows, columns = (_lines(grid.h_lines, box.y0), _lines(grid.v_lines, box.x0)) if grid else ((), ())
    return Region(Kind(group["class_name"]), box, rows, columns)


def _lines(offsets: Sequence[float], start: float) -> tuple[float, ...]:
    return tuple(sorted(start + float(offset) for offset in offsets))


@cache
def _model() -> Callable[..., list[dict[str, EngineObject]]]:
    """The layout model with its table model, loaded once a process.

    Importing the package sets a hook by which every `find_tables()` and `get_layout()` of the process would run the
    model: the hook is taken out again.
    """
    with _one_thread():
        importlib.import_module("pymupdf.layout")
    predict: Callable[..., list[dict[str, EngineObject]]] = pymupdf._get_layout
    pymupdf._get_layout = None
    return predict


@contextmanager
def _one_thread() -> Iterator[None]:
    """ONNX sessions that are made meanwhile work in the thread that calls them.

    By default a session has a thread for every core, and those that wait for work spin: a page costs 0.49 CPU seconds
    instead of 0.26, and the worker processes beside it lose them. The package makes its sessions as it is imported and
    takes no options for them.
    """
    runtime: EngineObject = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions

    def single() -> EngineObject:
        made = options()
        made.intra_op_num_threads = made.inter_op_num_threads = 1
        return made

    runtime.SessionOptions = single
    try:
        yield
    finally:
        runtime.SessionOptions = options
