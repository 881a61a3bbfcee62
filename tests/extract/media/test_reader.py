"""Sound and video of every form, made by the forms' own encoders: what is said when, and what is to be seen."""

import pytest

from docmill.config import ExtractConfig, Mode, SpeechConfig
from docmill.errors import (
    ConfigError,
    CorruptDocumentError,
    EmptyDocumentError,
    LimitExceededError,
    UnsupportedTypeError,
)
from docmill.extract.media_type import detect
from docmill.extract.registry import read
from docmill.models import ElementType
from tests.media_server import KEY, media_server
from tests.recordings import (
    SENTENCES,
    SOUND,
    VIDEO,
    model_folder,
    recording,
    silence,
    spoken,
    word_error,
)

SLIDES = [("Pump manual", 4), ("Close the valve", 3)]


@pytest.fixture(scope="module")
def speech() -> bytes:
    return spoken(" ".join(SENTENCES))


def config(**speech) -> ExtractConfig:
    return ExtractConfig(speech=SpeechConfig(**{"model": model_folder()} | speech))


@pytest.mark.parametrize("form", list(SOUND))
def test_sound_becomes_segments_with_their_seconds(form, speech):
    extraction = read(recording(form, speech), f"talk.{form}", config()).extraction
    segments = extraction.elements
    assert {each.type for each in segments} == {ElementType.AUDIO_SEGMENT}
    assert word_error(" ".join(SENTENCES), " ".join(each.text for each in segments)) <= 0.1
    assert segments[0].start < 1 < segments[0].end <= segments[1].start + 0.5
    assert segments[-1].end <= extraction.metadata["seconds"] + 0.1
    assert segments[0].method.startswith("speech:")
    assert extraction.media_type.startswith("audio/")


@pytest.mark.parametrize("form", list(VIDEO))
def test_each_form_is_known_by_its_bytes(form):
    found = detect(recording(form, b"", [("A", 1)]), "document.txt")
    assert found.label == form
    assert "recording" in found.disagreement


@pytest.mark.parametrize("form", list(VIDEO))
def test_video_gives_a_frame_a_scene_with_its_text(form):
    reading = read(recording(form, b"", SLIDES), f"film.{form}", config())
    scenes = reading.extraction.elements
    assert [each.text for each in scenes] == ["Pump manual", "Close the valve"]
    assert [(each.start, each.end) for each in scenes] == [
        (0, pytest.approx(4, abs=0.6)),
        (pytest.approx(4, abs=0.6), 7),
    ]
    assert all(each.crop.sha256 in reading.crops for each in scenes)


def test_speech_and_scenes_are_in_the_order_of_their_seconds(speech):
    elements = read(
        recording("mp4", speech, [("Pump manual", 6), ("Valves", 6)]), "film.mp4", config()
    ).extraction.elements
    assert [each.start for each in elements] == sorted(each.start for each in elements)
    assert [each.type for each in elements][:2] == [ElementType.IMAGE, ElementType.AUDIO_SEGMENT]


def test_same_bytes_give_the_same_elements():
    data = recording("mp3", spoken(SENTENCES[1]))
    assert read(data, "a.mp3", config()).extraction == read(data, "a.mp3", config()).extraction


def test_sound_without_a_model_is_refused_with_the_way_out(speech):
    with pytest.raises(UnsupportedTypeError, match=r"no speech model is set.*speech\.model"):
        read(recording("mp3", speech), "a.mp3", ExtractConfig())


def test_video_without_a_model_keeps_its_scenes_and_is_partial(speech):
    extraction = read(recording("mp4", speech, SLIDES), "a.mp4", ExtractConfig()).extraction
    assert [each.text for each in extraction.elements] == ["Pump manual", "Close the valve"]
    assert "no speech model is set" in extraction.lacking[0]


def test_folder_without_a_model_is_a_wrong_setting(speech, tmp_path):
    with pytest.raises(ConfigError, match=r"is no folder with model\.bin"):
        read(recording("mp3", speech), "a.mp3", config(model=str(tmp_path)))


def test_silence_is_no_success():
    with pytest.raises(EmptyDocumentError, match="No speech was found"):
        read(silence(3), "a.wav", config())


def test_recording_that_lasts_too_long_is_refused(speech):
    with pytest.raises(LimitExceededError, match=r"lasts 12 s; 5 s are allowed.*max_seconds"):
        read(recording("mp3", speech), "a.mp3", config(max_seconds=5))


def test_length_that_the_file_does_not_tell_is_counted(speech):
    """As a live stream is written: the header of a WAV says 0 bytes or 4 GB."""
    data = bytearray(recording("wav", speech))
    at = data.index(b"data")
    data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    with pytest.raises(LimitExceededError, match="5 s are allowed"):
        read(bytes(data), "a.wav", config(max_seconds=5))


def test_scenes_beyond_the_limit_are_told():
    extraction = read(recording("mp4", b"", SLIDES), "a.mp4", config(max_scenes=1)).extraction
    assert len(extraction.elements) == 1
    assert "more than 1 scenes" in extraction.lacking[0]


def test_mode_fast_reads_speech_only():
    fast = config().model_copy(update={"mode": Mode.FAST})
    elements = read(recording("mp4", spoken(SENTENCES[1]), SLIDES), "a.mp4", fast).extraction.elements
    assert {each.type for each in elements} == {ElementType.AUDIO_SEGMENT}


def test_video_that_is_cut_off_is_told(speech):
    data = recording("mkv", b"", SLIDES)
    extraction = read(data[: len(data) // 2], "a.mkv", config()).extraction
    assert "of the 7 s that it claims" in extraction.lacking[0]


def test_bytes_that_only_begin_like_a_recording_are_corrupt():
    with pytest.raises(CorruptDocumentError):
        read(b"fLaC" + bytes(range(256)) * 40, "a.flac", config())


def test_server_transcribes_with_the_key(speech):
    with media_server() as server:
        remote = config(model="whisper-1", url=server.url, api_key=KEY)
        elements = read(recording("mp3", speech), "a.mp3", remote).extraction.elements
        assert server.models == ["whisper-1"]
    assert word_error(" ".join(SENTENCES), " ".join(each.text for each in elements)) <= 0.1
    assert elements[0].method == "speech:whisper-1"
    assert elements[-1].end > 8
