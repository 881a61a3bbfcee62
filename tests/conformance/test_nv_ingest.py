"""The official, unmodified nv-ingest client and command line against a real service."""

import json
from pathlib import Path

import pytest

from tests.recordings import SENTENCES, recording, spoken, word_error


@pytest.mark.timeout(900)
def test_every_step_of_the_official_client_passes(run_script):
    lines = run_script("nv_ingest").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip"))] == []
    assert lines[-1].endswith(" passed, 0 failed")


@pytest.mark.timeout(600)
def test_video_gives_its_speech_and_its_scenes(run_script, tmp_path: Path):
    slides = [("VALVE CLOSED", 5.0), ("GAUGE ZERO", 5.0)]
    clip, silent = tmp_path / "clip.mp4", tmp_path / "silent.mkv"
    clip.write_bytes(recording("mp4", spoken(" ".join(SENTENCES)), slides))
    silent.write_bytes(recording("mkv", slides=slides))
    first, second = map(json.loads, run_script("nv_ingest_video", str(clip), str(silent), client="nv_ingest").splitlines())
    said = [each for each in first if each["type"] == "audio"]
    assert word_error(" ".join(SENTENCES), " ".join(each["words"] for each in said)) < 0.3
    assert all(0 <= start < end for start, end in (each["times"] for each in first))
    for elements, source in ((first, "mp4"), (second, "mkv")):
        scenes = [each for each in elements if each["type"] == "image"]
        assert [each["words"] for each in scenes] == [text for text, _ in slides]
        assert [each["source"] for each in scenes] == [source] * 2
        assert all(each["bytes"] for each in scenes)
        assert scenes[0]["times"][1] <= scenes[1]["times"][0] + 100
