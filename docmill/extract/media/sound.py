"""Cuts a sound track into blocks that a speech model reads one by one: a recording of hours takes the memory of one."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass

import numpy
import numpy.typing as npt

from docmill.errors import LimitExceededError
from docmill.extract.media.container import Recording

RATE = 16_000
"""Samples a second: what speech models read."""
_BLOCK = 600 * RATE
_SEARCH = 30 * RATE
"""The end of a block in which the quietest moment is looked for, so that no word is cut."""
_MOMENT = RATE // 4

Samples = npt.NDArray[numpy.int16]


@dataclass(frozen=True)
class Block:
    """Mono sound of `RATE` samples a second that begins `start` seconds after the recording's beginning."""

    start: float
    samples: Samples

    def wav(self) -> bytes:
        """The block as a WAV file."""
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(self.samples.tobytes())
        return out.getvalue()


def blocks(recording: Recording, max_seconds: float) -> Iterator[Block]:
    """The sound track in blocks of at most ten minutes; none without a sound track.

    Raises LimitExceededError beyond `max_seconds` of sound, whatever length the file claims.
    """
    if recording.sound is None:
        return
    start, done = 0.0, 0
    held: list[Samples] = []
    length = 0
    for position, samples in _resampled(recording):
        start = position if not done and not length else start
        held.append(samples)
        length += len(samples)
        if done + length > max_seconds * RATE:
            raise too_long(f"more than {max_seconds:g}", max_seconds)
        while length > _BLOCK:
            whole = numpy.concatenate(held)
            cut = _quietest(whole[:_BLOCK])
            yield Block(start + done / RATE, whole[:cut])
            done += cut
            held, length = [whole[cut:]], len(whole) - cut
    if length:
        yield Block(start + done / RATE, numpy.concatenate(held))


def too_long(seconds: str, allowed: float) -> LimitExceededError:
    """The error about a recording that lasts too long."""
    return LimitExceededError(
        f"The recording lasts {seconds} s; {allowed:g} s are allowed.",
        hint="Raise pipeline.extract.speech.max_seconds or split the recording.",
    )


def _resampled(recording: Recording) -> Iterator[tuple[float, Samples]]:
    """(seconds from the beginning, mono samples) of each decoded frame."""
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    position = 0.0
    for frame in recording.frames(recording.sound):
        position = max(0.0, (frame.time or 0.0) - recording.begin)
        for each in resampler.resample(frame):
            yield position, each.to_ndarray().reshape(-1)
    for each in resampler.resample(None):
        yield position, each.to_ndarray().reshape(-1)


def _quietest(samples: Samples) -> int:
    """Where the quietest quarter of a second of the last half minute has its middle."""
    tail = samples[-_SEARCH:].astype(numpy.float32)
    count = len(tail) // _MOMENT
    loudness = (tail[: count * _MOMENT].reshape(count, _MOMENT) ** 2).mean(axis=1)
    return len(samples) - len(tail) + int(loudness.argmin()) * _MOMENT + _MOMENT // 2
