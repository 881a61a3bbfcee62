"""Finds the scenes of a video and keeps one frame of each: the last one before it changes.

Half a second is a step. A step differs from another where a tenth of the cells of a coarse grid have another colour, so
a new slide is a new scene and a speaker who moves his head is not. A scene begins once the picture has come to rest, so
fades and rolls belong to what is before them; a picture that never rests gives a frame every five seconds.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy
import numpy.typing as npt

from docmill.extract.media.container import Recording
from docmill.extract.untyped import Foreign

_STEP = 0.5
_RESTLESS = 5.0
_SHARE = 0.10
_LEVELS = 24
_GRID = (64, 36)
_MAX_SIDE = 1_920

_Grid = npt.NDArray[numpy.int16]


@dataclass(frozen=True)
class Scene:
    """A scene's first and last second and its frame as JPEG of `width` x `height` pixels."""

    start: float
    end: float
    picture: bytes
    width: int
    height: int


@dataclass
class _Open:
    """The scene under way: where it began, how it looks, and its latest frame."""

    start: float
    grid: _Grid
    frame: Foreign


def scenes(recording: Recording) -> Iterator[Scene]:
    """The scenes in order; none without a moving picture."""
    stream = recording.picture
    if stream is None:
        return
    stream.thread_type = "NONE"
    stream.codec_context.skip_frame = "NONREF"
    scene: _Open | None = None
    before: _Grid | None = None
    changed: float | None = None
    last = 0.0
    for last, frame in _steps(recording, stream):
        grid = _coarse(frame)
        rests = before is None or not _differs(grid, before)
        before = grid
        if scene is None:
            scene = _Open(last, grid, frame)
        elif not _differs(grid, scene.grid):
            scene.grid, scene.frame, changed = grid, frame, None
        else:
            changed = last if changed is None else changed
            if rests or last - changed >= _RESTLESS:
                yield _closed(scene, changed)
                scene, changed = _Open(changed, grid, frame), None
    if scene is not None:
        yield _closed(scene, max(last, recording.duration))


def _steps(recording: Recording, stream: Foreign) -> Iterator[tuple[float, Foreign]]:
    """(second, frame) of a frame every half second."""
    due = 0.0
    for frame in recording.frames(stream):
        second = max(0.0, (frame.time or 0.0) - recording.begin)
        if second >= due:
            due = second + _STEP
            yield round(second, 2), frame


def _coarse(frame: Foreign) -> _Grid:
    small = frame.reformat(width=_GRID[0], height=_GRID[1], format="rgb24", interpolation="AREA")
    grid: _Grid = small.to_ndarray().astype(numpy.int16)
    return grid


def _differs(one: _Grid, other: _Grid) -> bool:
    return bool((numpy.abs(one - other).max(axis=2) > _LEVELS).mean() > _SHARE)


def _closed(scene: _Open, end: float) -> Scene:
    image = scene.frame.to_image()
    if scene.frame.rotation:
        image = image.rotate(scene.frame.rotation, expand=True)
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return Scene(scene.start, round(end, 2), out.getvalue(), image.width, image.height)
