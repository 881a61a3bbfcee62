"""Opens sound and video with PyAV (FFmpeg in a wheel) and decodes them piece by piece, never all at once.

The format is the one that the signature told: FFmpeg is never let guess, for some of its formats (playlists) name other
files and addresses, which it would open.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from docmill.errors import ConfigError, CorruptDocumentError
from docmill.extract.untyped import Foreign

FORMATS = {
    "mp3": "mp3",
    "wav": "wav",
    "m4a": "mov",
    "flac": "flac",
    "ogg": "ogg",
    "mp4": "mov",
    "mov": "mov",
    "mkv": "matroska",
    "webm": "matroska",
    "avi": "avi",
}
"""Our label to FFmpeg's name of the format."""


@dataclass
class Recording:
    """An open recording. `duration` is in seconds, 0 where the file does not tell.

    `damaged` counts lost packets, `reached` is the second up to which frames were decoded.
    """

    container: Foreign
    duration: float
    damaged: int = 0
    reached: float = 0.0

    @property
    def sound(self) -> Foreign | None:
        """The first sound track, None without one."""
        return next(iter(self.container.streams.audio), None)

    @property
    def picture(self) -> Foreign | None:
        """The first moving picture, None without one; a cover picture of a song is none."""
        import av.stream

        attached = av.stream.Disposition.attached_pic
        return next((each for each in self.container.streams.video if not each.disposition & attached), None)

    @property
    def begin(self) -> float:
        """The clock's time at the beginning of the recording, in seconds."""
        return float(self.container.start_time or 0) / 1_000_000

    def frames(self, stream: Foreign) -> Iterator[Foreign]:
        """The stream's decoded frames in order; packets that cannot be decoded are counted and left out."""
        import av

        self.container.seek(self.container.start_time or 0)
        packets = self.container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                for frame in packet.decode():
                    self.reached = max(self.reached, (frame.time or 0.0) - self.begin)
                    yield frame
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self.damaged += 1
                if self.damaged > _DAMAGE:
                    return


_DAMAGE = 10_000
"""Damaged packets after which a stream is given up: some damage is read again and again."""


@contextmanager
def opened(data: bytes, label: str) -> Iterator[Recording]:
    """The recording in the bytes, closed at the end. Raises CorruptDocumentError, ConfigError without PyAV."""
    try:
        import av
    except ImportError as error:
        raise ConfigError(
            "Sound and video need PyAV, which is not installed.", hint="Install docmill[audio], then run again."
        ) from error
    av.logging.set_level(None)
    try:
        container = av.open(io.BytesIO(data), mode="r", format=FORMATS[label], metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise CorruptDocumentError(
            f"The {label} recording cannot be opened: {error.strerror or error}.", hint="Save it again, as mp3 or mp4."
        ) from error
    with container:
        yield Recording(container, max(0.0, float(container.duration or 0) / 1_000_000))
