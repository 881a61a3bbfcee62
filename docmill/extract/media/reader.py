"""Reads sound and video: what is said, second by second, and of video a picture a scene with the text on it."""

from __future__ import annotations

from collections.abc import Iterator

from docmill.config import ExtractConfig, Mode
from docmill.errors import CorruptDocumentError, UnsupportedTypeError
from docmill.extract.builder import Builder, Fields
from docmill.extract.media.container import Recording, opened
from docmill.extract.media.scenes import Scene, scenes
from docmill.extract.media.sound import blocks, too_long
from docmill.extract.media.speech import Said, method_of, said
from docmill.extract.media_type import MEDIA_TYPES, detect
from docmill.extract.reading import Reading
from docmill.models import ElementType

_COMPLETE = 0.97
"""Of the claimed seconds: less than that, and a second, and the end is missing; frames themselves last a while."""
_TAGS = ("title", "artist", "album", "date", "comment", "language")


def read_media(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a recording in the order of their seconds: titles (chapters), speech, scenes.

    Raises UnsupportedTypeError where nothing can be read without a speech model, LimitExceededError for too long a
    recording, CorruptDocumentError, ConfigError, and TransientError where the speech server fails.
    """
    label = detect(data, "").label
    builder = Builder(MEDIA_TYPES[label], config)
    with opened(data, label) as recording:
        limit = config.speech.max_seconds
        if recording.duration > limit:
            raise too_long(f"{recording.duration:.0f}", limit)
        if recording.sound is None and recording.picture is None:
            raise CorruptDocumentError("The recording has neither sound nor picture.", hint="Save it again.")
        _describe(recording, builder)
        heard = list(_heard(recording, builder))
        seen = list(_seen(recording, builder))
        _add(recording, heard, seen, builder)
        _judge(recording, builder)
    return builder.reading()


def _describe(recording: Recording, builder: Builder) -> None:
    """The metadata that the file itself carries."""
    builder.metadata["seconds"] = round(recording.duration, 2)
    tags = {name.lower(): text for name, text in recording.container.metadata.items()}
    builder.metadata |= {name: tags[name] for name in _TAGS if tags.get(name)}


def _heard(recording: Recording, builder: Builder) -> Iterator[Said]:
    """What is said. A video whose speech cannot be read keeps its scenes: what is lacking is told."""
    if recording.sound is None:
        builder.warn("The video has no sound track.")
        return
    try:
        method_of(builder.config.speech)
    except UnsupportedTypeError as error:
        if recording.picture is None or builder.config.mode is Mode.FAST:
            raise
        builder.lack(f"{error.message} {error.hint}")
        return
    nothing = True
    for block in blocks(recording, builder.config.speech.max_seconds):
        for each in said(block, builder.config.speech):
            nothing = False
            yield each
    if nothing:
        builder.warn("No speech was found in the sound.")


def _seen(recording: Recording, builder: Builder) -> Iterator[Scene]:
    """The scenes, none in mode fast."""
    if recording.picture is not None and builder.config.mode is Mode.FAST:
        builder.warn("Mode fast reads no pictures of videos: use mode auto.")
        return
    for number, scene in enumerate(scenes(recording)):
        if number >= builder.config.speech.max_scenes:
            builder.lack(f"The video has more than {number} scenes (pipeline.extract.speech.max_scenes)")
            return
        yield scene


def _judge(recording: Recording, builder: Builder) -> None:
    """Tells of what could not be decoded."""
    if recording.damaged:
        builder.lack(f"{recording.damaged} packets of the recording are damaged and were left out")
    if 0 < recording.reached < recording.duration * _COMPLETE - 1:
        builder.lack(
            f"The recording ends at {recording.reached:.0f} s of the {recording.duration:.0f} s that it claims"
        )


def _add(recording: Recording, heard: list[Said], seen: list[Scene], builder: Builder) -> None:
    """All elements in the order of their beginnings; at the same second titles come first, then pictures."""
    timed: list[tuple[float, int, str | Scene | Said]] = [(start, 0, title) for start, title in _chapters(recording)]
    timed += [(scene.start, 1, scene) for scene in seen]
    timed += [(each.start, 2, each) for each in heard]
    for start, _, each in sorted(timed, key=lambda one: one[:2]):
        if isinstance(each, str):
            builder.title(each, 1, {"start": start})
        elif isinstance(each, Scene):
            _add_scene(each, builder)
        else:
            _add_said(each, builder)


def _add_said(each: Said, builder: Builder) -> None:
    fields: Fields = {"start": each.start, "end": each.end, "method": method_of(builder.config.speech)}
    fields |= {"confidence": each.confidence, "language": each.language}
    builder.add(ElementType.AUDIO_SEGMENT, each.text, fields)


def _add_scene(scene: Scene, builder: Builder) -> None:
    """Adds the scene's frame with the text on it."""
    from docmill.extract.ocr import ocr_lines

    lines = ocr_lines(scene.picture, builder.config.languages, builder.config.ocr_engine)
    fields: Fields = {"start": scene.start, "end": scene.end, "page_size": (float(scene.width), float(scene.height))}
    if lines:
        score = sum(line.confidence or 0.0 for line in lines) / len(lines)
        fields |= {"method": f"ocr:{builder.config.ocr_engine}", "confidence": round(score, 4), "lines": lines}
    crop = builder.crop(scene.picture)
    if crop is not None and builder.config.crops:
        fields["crop"] = crop
    builder.add(ElementType.IMAGE, "\n".join(line.text for line in lines), fields)


def _chapters(recording: Recording) -> Iterator[tuple[float, str]]:
    """(second, title) of the recording's own chapters."""
    for each in recording.container.chapters():
        title = each["metadata"].get("title", "")
        if title.strip():
            yield round(max(0.0, float(each["start"] * each["time_base"]) - recording.begin), 2), title
