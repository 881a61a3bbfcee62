"""Measures what one small document takes through the official clients, and many callers of the service at once.

    .venv/bin/python benchmarks/service_clients.py latency --clients DIR   # one PDF at a time, 30 times
    .venv/bin/python benchmarks/service_clients.py load                    # searches alone, and while documents come in

DIR holds the virtual environments `nv_ingest`, `llamacloud` and `retab`, each with tests/conformance/NAME.lock. "in
work" are the seconds of the service's job, from the service's log: what is left of the wall time is the client, HTTP,
the queue and the client's own waiting.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles

from service import PORT, cpu_of, make_pdfs, own_cpu_of
from serving import serving

_BEFORE = """
import glob, json, logging, sys, time
logging.disable(logging.CRITICAL)
url, paths, seconds = sys.argv[1], sorted(glob.glob(sys.argv[2])), []
"""
_AFTER = """
for path in paths:
    since = time.time()
    assert call(path)
    seconds.append(time.time() - since)
print(json.dumps([seconds, time.process_time()]))
"""
_CALLS = {
    "nv_ingest": """
from nv_ingest_client.client import Ingestor, NvIngestClient
client = NvIngestClient(message_client_kwargs={"base_url": url})
def call(path):
    return Ingestor(client=client).files(path).extract(text_depth="page").ingest()
""",
    "llamacloud": """
from llama_cloud_services import LlamaParse
parser = LlamaParse(base_url=url, api_key=sys.argv[3], verbose=False, show_progress=False)
def call(path):
    return parser.parse(path).pages
""",
    "retab": """
from retab import Retab
client = Retab(api_key=sys.argv[3], base_url=url)
schema = {"type": "object", "properties": {"contract": {"type": "string"}}}
def call(path):
    return client.extractions.create(document=path, json_schema=schema)
""",
}


def latency(given: argparse.Namespace, folder: Path) -> None:
    """One small document at a time through each client, and by Ingestor in this process."""
    make = [sys.executable, "-m", "docmill.cli", "keys", "create", "--name", "benchmark", "--json"]
    env = os.environ | {"DOCMILL_HOME": str(folder / "home")}
    made = subprocess.run(make, env=env, stdout=subprocess.PIPE, text=True, check=True)
    key = json.loads(made.stdout)["key"]
    with serving(folder / "home", PORT, DOCMILL_SERVICE__OPEN_ON_LOOPBACK="true") as (url, _):
        for number, (name, call) in enumerate(_CALLS.items()):
            make_pdfs(folder / name, given.documents + 2, first=10_000 * (number + 1))
            python = str(given.clients / name / "venv/bin/python")
            command = [python, "-c", _BEFORE + call + _AFTER, url, f"{folder / name}/*.pdf", key]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            seconds, used = json.loads(done.stdout)
            worked = in_work(folder / "serve.log")[-given.documents :]
            print(
                f"{name}: {told(seconds[2:])}, in work p50 {median(worked):.3f} s; "
                f"client {used:.1f} CPU s with imports", flush=True,
            )  # fmt: skip
    from docmill import Ingestor
    from docmill.settings import Settings

    settings, seconds = Settings(home=folder / "own"), []
    make_pdfs(folder / "own-pdfs", given.documents + 2)
    for path in sorted((folder / "own-pdfs").glob("*")):
        since = time.time()
        assert Ingestor(str(path), settings=settings).extract(text_depth="page").ingest()
        seconds.append(time.time() - since)
    print(f"Ingestor: {told(seconds[2:])}", flush=True)


def told(seconds: list[float]) -> str:
    parts = quantiles(seconds, n=20)
    return f"p50 {parts[9]:.3f} s, p95 {parts[18]:.3f} s"


def in_work(log: Path) -> list[float]:
    """Seconds of the jobs that the service was done with."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line["seconds"] for line in lines if line["message"] == "job"]


def load(given: argparse.Namespace, folder: Path) -> None:
    """Searches of many callers at once: alone, then while others send documents, every one of which is found."""
    make_pdfs(folder / "a", given.documents)
    make_pdfs(folder / "b", given.documents, first=given.documents)
    pool, senders = ThreadPoolExecutor(given.callers), ThreadPoolExecutor(given.callers)
    with serving(folder / "home", PORT) as (url, pid), pool, senders:
        jobs = [send(url, path) for path in sorted((folder / "a").glob("*"))]
        for job in jobs:
            finished(url, job)
        search(url, 0)
        for name, paths in (("alone", []), ("while documents come in", sorted((folder / "b").glob("*")))):
            before, own = cpu_of(pid), own_cpu_of(pid)
            since = time.time()
            sent = [senders.submit(lambda path=path: finished(url, send(url, path))) for path in paths]
            seconds = list(pool.map(lambda number: search(url, number), range(given.searches)))
            searched = time.time() - since
            ends = [each.result() for each in sent]
            print(
                f"searches {name}: {told(seconds)}, {given.searches / searched:.0f} a second; "
                f"{len(ends)} documents in {time.time() - since:.1f} s, {ends.count('done')} done; "
                f"CPU s: service's process {own_cpu_of(pid) - own:.2f}, in all {cpu_of(pid) - before:.2f}", flush=True,
            )  # fmt: skip
        known = json.load(urllib.request.urlopen(f"{url}/docmill/v1/collections", timeout=60))
        print(f"collections at the end: {known}")


def send(url: str, path: Path) -> str:
    """The job that ingests the file."""
    line = "--docmill-benchmark"
    head = f'{line}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n\r\n'.encode()
    body = head + path.read_bytes() + f"\r\n{line}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={line[2:]}"}
    request = urllib.request.Request(f"{url}/docmill/v1/documents", body, kind)
    return str(json.load(urllib.request.urlopen(request, timeout=600))["job_id"])


def finished(url: str, job: str) -> str:
    """The job's state at its end."""
    state = ""
    while state not in ("done", "failed", "cancelled"):
        state = json.load(urllib.request.urlopen(f"{url}/docmill/v1/jobs/{job}?wait=30", timeout=600))["state"]
    return state


def search(url: str, number: int) -> float:
    """Seconds until the hits are there."""
    body = json.dumps({"question": f"pressure of document {number}", "top_k": 5}).encode()
    request = urllib.request.Request(f"{url}/docmill/v1/search", body, {"Content-Type": "application/json"})
    since = time.time()
    with urllib.request.urlopen(request, timeout=600) as answer:
        assert json.load(answer)["hits"]
    return time.time() - since


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["latency", "load"])
    parser.add_argument("--documents", type=int, default=30)
    parser.add_argument("--searches", type=int, default=400)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--clients", type=Path)
    given = parser.parse_args()
    os.environ.setdefault("DOCMILL_SERVICE__RUNNER", "library")
    with tempfile.TemporaryDirectory() as folder:
        {"latency": latency, "load": load}[given.what](given, Path(folder))


if __name__ == "__main__":
    main()
