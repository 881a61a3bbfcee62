"""Reads scans with one engine: character error rate and CPU seconds a page, of pages as they are and of turned ones.

    python benchmarks/ocr.py SCANS docmill|docmill-tesseract|rapidocr|tesseract [--turned] [--every N]

SCANS holds `<page>-<quality>.png` and `truth/<page>.txt`, as `score_ocr.py make` of the project's benchmark pack writes
them. With `--turned` each page is turned by one of ANGLES first. Models are loaded before the clock starts. `rapidocr`
is the package with its defaults, `tesseract` the program as it is; both get what any of their users would give them.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

from PIL import Image
from rapidfuzz.distance import Levenshtein

sys.path.insert(0, str(Path(__file__).parent))
from stopwatch import cpu_seconds

ANGLES = (90, 180, 270, 4, -8, 15)
LANGUAGES = ("en", "de")
DOCMILL = {"docmill": "rapidocr", "docmill-tesseract": "tesseract"}


def engine(name: str) -> Callable[[bytes], str]:
    """The engine as a function from PNG to text."""
    if name in DOCMILL:
        from docmill.config import OcrEngine
        from docmill.extract.ocr import ocr_page

        chosen = OcrEngine(DOCMILL[name])
        return lambda png: "\n".join(line.text for line in ocr_page(png, LANGUAGES, chosen).lines)
    if name == "rapidocr":
        from rapidocr import RapidOCR

        reader = RapidOCR(params={"Global.log_level": "error", "EngineConfig.onnxruntime.intra_op_num_threads": 1})
        return lambda png: "\n".join(reader(png).txts or ())
    command = ["tesseract", "stdin", "stdout", "-l", "eng+deu", "--dpi", "200"]
    env = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    return lambda png: subprocess.run(command, input=png, capture_output=True, env=env, check=True).stdout.decode()


def turned(path: Path, angle: float) -> bytes:
    """The picture turned counter-clockwise by degrees, on white."""
    image = Image.open(path).convert("L")
    out = io.BytesIO()
    image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255).save(out, "PNG", dpi=(200, 200))
    return out.getvalue()


def comparable(text: str) -> str:
    """NFKC with plain quotes and dashes and single spaces."""
    plain = unicodedata.normalize("NFKC", text).translate(str.maketrans("“”‘’–—", "\"\"''--"))
    return " ".join(plain.split())


def main() -> None:
    """Read, compare, print."""
    parser = argparse.ArgumentParser(description="Character error rate and CPU of an OCR engine.")
    parser.add_argument("scans", type=Path)
    parser.add_argument("engine", choices=[*DOCMILL, "rapidocr", "tesseract"])
    parser.add_argument("--turned", action="store_true")
    parser.add_argument("--every", type=int, default=1, help="take every Nth page only")
    chosen = parser.parse_args()
    read = engine(chosen.engine)
    pages = sorted(chosen.scans.glob("*.png"))[:: chosen.every]
    read(pages[0].read_bytes())
    rates: dict[str, list[float]] = defaultdict(list)
    cpu = 0.0
    for number, path in enumerate(pages):
        name, _, quality = path.stem.rpartition("-")
        angle = ANGLES[number % len(ANGLES)]
        png = turned(path, angle) if chosen.turned else path.read_bytes()
        begin = cpu_seconds()
        text = read(png)
        cpu += cpu_seconds() - begin
        truth = comparable((chosen.scans / "truth" / f"{name}.txt").read_text(encoding="utf-8"))
        group = ("on its side or head" if angle % 90 == 0 else "askew") if chosen.turned else quality
        rates[group].append(Levenshtein.distance(truth, comparable(text)) / len(truth))
    shown = "  ".join(f"{group} {fmean(found):.2%}" for group, found in sorted(rates.items()))
    print(f"{chosen.engine:18} {cpu / len(pages):.2f} CPU-s a page  {shown}")


if __name__ == "__main__":
    main()
