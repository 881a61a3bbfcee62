"""Speech to text: Whisper in this process from a folder, or any server that has `/v1/audio/transcriptions`.

Nothing is downloaded: a model is a folder that the user names. Whisper is told to skip what holds no voice (Silero's
detector, in faster-whisper's wheel), for it invents sentences in silence, and not to go on from its own earlier text,
which makes it repeat itself.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from docmill.config import SpeechConfig
from docmill.errors import ConfigError, UnsupportedTypeError
from docmill.extract.media.sound import RATE, Block
from docmill.extract.untyped import Foreign

_FILES = ("model.bin", "config.json", "tokenizer.json")
_HOW = (
    "Fetch a model once, such as `hf download Systran/faster-whisper-base --local-dir models/whisper-base`, and set "
    "pipeline.extract.speech.model to that folder; or set pipeline.extract.speech.url to an OpenAI-compatible server."
)
_SAMPLE = 1_048_576


@dataclass(frozen=True)
class Said:
    """What was said from `start` to `end` (seconds of the recording); `confidence` is 0 to 1 where the model tells."""

    start: float
    end: float
    text: str
    language: str | None = None
    confidence: float | None = None


def method_of(config: SpeechConfig) -> str:
    """How the text is obtained, as `Element.method` has it. Raises UnsupportedTypeError where no model is set."""
    if not config.model:
        raise UnsupportedTypeError("Speech cannot be read: no speech model is set.", hint=_HOW)
    return f"speech:{config.model}" if config.url else f"speech:{Path(config.model).name}@{identity(config)[:8]}"


@cache
def identity(config: SpeechConfig) -> str:
    """What names the model by its content, for fingerprints; "" without one.

    Of a folder: its files' sizes, its settings and the beginning and end of its weights, so that gigabytes need not be
    read; a folder that is not there has the identity of its path.
    """
    folder = Path(config.model)
    if not config.model or config.url or not all((folder / name).is_file() for name in _FILES):
        return config.model
    known = hashlib.sha256()
    for name in _FILES:
        path = folder / name
        known.update(f"{name} {path.stat().st_size} ".encode())
        with path.open("rb") as file:
            known.update(file.read(_SAMPLE))
            file.seek(max(0, path.stat().st_size - _SAMPLE))
            known.update(file.read(_SAMPLE))
    return known.hexdigest()[:16]


def said(block: Block, config: SpeechConfig) -> Iterator[Said]:
    """What is said in the block, in order, its seconds counted from the recording's beginning.

    Raises ConfigError for a model that cannot be loaded, TransientError where the server is down or busy.
    """
    heard = _at_server(block, config) if config.url else _in_process(block, config)
    for each in heard:
        text = " ".join(each.text.split())
        if text:
            end = min(max(each.start, each.end), len(block.samples) / RATE)
            start, end = round(block.start + each.start, 2), round(block.start + end, 2)
            yield Said(start, end, text, each.language, each.confidence)


def _in_process(block: Block, config: SpeechConfig) -> Iterator[Said]:
    import numpy

    samples = block.samples.astype(numpy.float32) / 32_768
    segments, info = _model(config.model).transcribe(
        samples, language=config.language or None, vad_filter=True, condition_on_previous_text=False
    )
    for each in segments:
        sure = round(min(1.0, math.exp(each.avg_logprob)), 4)
        yield Said(each.start, each.end, each.text, info.language, sure)


def _at_server(block: Block, config: SpeechConfig) -> Iterator[Said]:
    from docmill.inference.endpoint import OpenAIEndpoint

    endpoint = OpenAIEndpoint(config.url, config.model, config.api_key, timeout=config.timeout)
    transcript = endpoint.transcribe(block.wav(), "block.wav", config.language or None)
    for each in transcript.segments:
        yield Said(each.start, each.end, each.text, config.language or None)
    if not transcript.segments and transcript.text.strip():
        yield Said(0.0, len(block.samples) / RATE, transcript.text, config.language or None)


@cache
def _model(folder: str) -> Foreign:
    """The model in the folder, loaded once a process. Raises ConfigError."""
    missing = [name for name in _FILES if not (Path(folder) / name).is_file()]
    if missing:
        raise ConfigError(f"The speech model {folder!r} is no folder with {', '.join(missing)}.", hint=_HOW)
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise ConfigError(
            "Speech needs faster-whisper, which is not installed.", hint="Install docmill[audio], then run again."
        ) from error
    try:
        return WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"The speech model in {folder} cannot be loaded: {error}.", hint=_HOW) from error
