"""Measures what LlamaCloud's own client sees of the service: how soon a result is there, and that nothing is lost.

    .venv/bin/python benchmarks/llamacloud.py latency --client V/bin/python     # jobs of 1.5 s, one after the other
    .venv/bin/python benchmarks/llamacloud.py parallel --client V/bin/python    # 50 different documents at once
    .venv/bin/python benchmarks/llamacloud.py restart --client V/bin/python     # the same, killed in the middle

`--client` is the Python of a virtual environment with tests/conformance/llamacloud.lock. For `latency` the service's
handler waits for 1.5 s instead of reading: what is measured is the way from the end of a job to the caller.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from serving import serving

PORT = 7697
FAST = {"DOCMILL_PIPELINE__EXTRACT__MODE": "fast"}
SECONDS = 1.5
CLIENT = """
import asyncio, json, logging, sys, time, warnings
warnings.simplefilter("ignore"); logging.disable(logging.WARNING)
from llama_cloud_services import LlamaParse
base, what, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
paths = sys.argv[4:]
quiet = dict(verbose=False, show_progress=False)
def parser(): return LlamaParse(base_url=base, parse_mode="parse_page_without_llm", **quiet)
if what == "latency":
    for path in paths:
        p, since = parser(), time.perf_counter()
        r = p.parse(path)
        print(json.dumps({"seconds": time.perf_counter() - since, "error": r.error}), flush=True)
else:
    async def one(path):
        since = time.perf_counter()
        r = await parser().aparse(path)
        word = path.rpartition("/")[2].partition(".")[0]
        right = r.error is None and len(r.pages) == 1 and word in r.pages[0].md
        return {"seconds": time.perf_counter() - since, "right": right, "error": r.error}
    async def main():
        since = time.perf_counter()
        found = await asyncio.gather(*(one(path) for path in paths))
        print(json.dumps({"all": time.perf_counter() - since, "each": found}), flush=True)
    asyncio.run(main())
"""
WAITING = f"""
import time
from pathlib import Path
import uvicorn
from docmill.service import create_app
from docmill.service.llamacloud import work, routes
from docmill.service.llamacloud.bundle import Parsed, pack
from docmill.service.llamacloud.options import ParseOptions
from docmill.settings import Settings
from docmill.workspace import Workspace
from docmill.extract.spreadsheet import tables_xlsx
def waits(context):
    time.sleep({SECONDS})
    lists = {{name: [] for name in ("items", "images", "charts", "layout", "links")}}
    page = dict(page=1, md="x", text="x", status="OK", structuredData=None, **lists)
    return pack(Parsed([page], {{}}, tables_xlsx([])), context.job.job_id)
routes.do_parse = waits
uvicorn.run(create_app(Workspace(Settings())), port={PORT}, log_level="warning")
"""


def make(folder: Path, count: int) -> list[str]:
    """Paths of PDFs of one page, each with a word of its own."""
    import pymupdf

    paths = []
    for number in range(count):
        with pymupdf.open() as document:
            document.new_page().insert_text((60, 80), f"The document word{number:03d} speaks of pumps.")
            paths.append(str(folder / f"word{number:03d}.pdf"))
            document.save(paths[-1])
    return paths


def client(python: str, key: str, url: str, what: str, paths: list[str]) -> subprocess.Popen[str]:
    command = [python, "-c", CLIENT, url, what, str(len(paths)), *paths]
    env = os.environ | {"LLAMA_CLOUD_API_KEY": key}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)


def make_key(home: Path) -> str:
    """A key of the service."""
    command = [sys.executable, "-m", "docmill.cli", "keys", "create", "--name", "benchmark", "--json"]
    env = os.environ | {"DOCMILL_HOME": str(home)}
    return str(json.loads(subprocess.run(command, env=env, capture_output=True, check=True).stdout)["key"])


def latency(python: str, folder: Path, count: int) -> None:
    paths, key = make(folder, count), make_key(folder / "home")
    with serving(folder / "home", PORT, ("-c", WAITING), **FAST) as (url, _):
        lines = client(python, key, url, "latency", paths).communicate()[0].splitlines()
    found = sorted(json.loads(line)["seconds"] for line in lines)
    print(f"{count} jobs of {SECONDS} s: median {found[len(found) // 2]:.3f} s, slowest {found[-1]:.3f} s")


def parallel(python: str, folder: Path, count: int, *, kill: bool) -> None:
    paths, key = make(folder, count), make_key(folder / "home")
    with serving(folder / "home", PORT, **FAST) as (url, pid):
        running = client(python, key, url, "parallel", paths)
        if kill:
            done = 0
            while done < count // 5:
                time.sleep(0.2)
                done = _done(url, key)
            os.kill(pid, signal.SIGKILL)
            print(f"killed with {done} of {count} done")
        if not kill:
            _tell(running, count)
            return
    with serving(folder / "home", PORT, **FAST):
        _tell(running, count)


def _done(url: str, key: str) -> int:
    request = urllib.request.Request(f"{url}/docmill/v1/jobs?state=done&limit=1000")
    request.add_header("Authorization", f"Bearer {key}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return len(json.load(answer))


def _tell(running: subprocess.Popen[str], count: int) -> None:
    told = json.loads(running.communicate()[0].splitlines()[-1])
    right = sum(each["right"] for each in told["each"])
    slowest = max(each["seconds"] for each in told["each"])
    print(f"{right} of {count} results right; all in {told['all']:.1f} s, the slowest {slowest:.1f} s")
    for each in told["each"]:
        if not each["right"]:
            print("  ", each["error"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("latency", "parallel", "restart"))
    parser.add_argument("--client", required=True)
    parser.add_argument("--count", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if given.what == "latency":
            latency(given.client, place, given.count or 10)
        else:
            parallel(given.client, place, given.count or 50, kill=given.what == "restart")


if __name__ == "__main__":
    main()
