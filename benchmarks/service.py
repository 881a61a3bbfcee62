"""Measures the service: what HTTP costs beside the same work in this process, and that nothing is lost.

    .venv/bin/python benchmarks/service.py text                        # 100 text pages, fast mode, against pdfium
    .venv/bin/python benchmarks/service.py throughput --documents 200  # the official client against Ingestor
    .venv/bin/python benchmarks/service.py memory --documents 10000    # Ingestor in this process, results on disk
    .venv/bin/python benchmarks/service.py queue --documents 5000      # queued, killed in the middle, all fetched
    .venv/bin/python benchmarks/service.py jobs                        # the steps of a durable job, each alone

`--client` is the Python of a virtual environment with tests/conformance/nv_ingest.lock; for `text` install langdetect,
backoff, aiohttp, opencv-python-headless and scikit-learn there, too: nv-ingest-api imports and does not declare them.
CPU seconds are those of the process and its children; they depend little on what else the machine does.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from serving import serving

PORT = 7699
STUB = Path(__file__).with_name("stub.py")
WORDS = ("the pump valve brake gasket delivers litres minute pressure closes flange rotor seal inventory", "contract")
WORDS = " ".join(WORDS).split(" ")


def make_pdfs(folder: Path, documents: int, pages: int = 1, lines: int = 12, first: int = 0) -> None:
    import pymupdf

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + documents):
        with pymupdf.open() as document:
            for page in range(pages):
                text = "\n".join(
                    " ".join(WORDS[(number + page + line * 3 + k) % len(WORDS)] for k in range(12))
                    for line in range(lines)
                )
                document.new_page().insert_text((60, 80), f"Document {number}, page {page + 1}.\n{text}", fontsize=10)
            document.save(folder / f"d{number:05d}.pdf", deflate=True)


def cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in both)


def tree(pid: int) -> list[int]:
    """The process and its descendants, whichever of its threads began them."""
    found, level = [pid], [pid]
    while level:
        children = [path for each in level for path in Path(f"/proc/{each}/task").glob("*/children")]
        level = [int(child) for path in children for child in path.read_text().split()]
        found += level
    return found


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, its living descendants and those that it has waited for."""
    ticks = 0
    for each in tree(pid):
        stat = Path(f"/proc/{each}/stat")
        if stat.exists():
            fields = stat.read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def own_cpu_of(pid: int) -> float:
    """CPU seconds of a process alone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> float:
    """MiB that the process has in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def post(url: str, path: Path) -> str:
    payload = {
        "source_name": [path.name], "source_id": [path.name], "document_type": ["pdf"],
        "content": [base64.b64encode(path.read_bytes()).decode()],
    }  # fmt: skip
    task = {"type": "extract", "task_properties": {"method": "pdfium", "params": {"text_depth": "page"}}}
    body = json.dumps({"payload": json.dumps({"job_payload": payload, "job_id": "None", "tasks": [task]})}).encode()
    request = urllib.request.Request(f"{url}/v2/submit_job", body, {"Content-Type": "application/json"})
    for pause in (0.5, 1, 2, 4, 8, 16, 32):
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except OSError:
            time.sleep(pause)
    raise SystemExit("the service does not come back")


def fetch(url: str, job: str) -> dict:
    while True:
        try:
            with urllib.request.urlopen(f"{url}/v2/fetch_job/{job}", timeout=120) as answer:
                if answer.status == 200:
                    return json.load(answer)
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.5)


def text(_: argparse.Namespace, folder: Path) -> None:
    """100 pages of text: Ingestor in fast mode, cold and warm, against nv-ingest-api's pdfium."""
    from docmill import Ingestor
    from docmill.settings import Settings

    make_pdfs(folder / "pages", 3, pages=100, lines=40)
    settings = Settings(home=folder / "home", pipeline={"extract": {"mode": "fast"}}, workers={"processes": 1})
    for number, name in enumerate(("first call", "second call", "third call")):
        path = str(folder / f"pages/d{number:05d}.pdf")
        since = cpu_of(os.getpid())
        made = Ingestor(path, settings=settings).extract(
            text_depth="page", extract_tables=False, extract_charts=False, extract_images=False
        )
        (elements,) = made.ingest()
        print(f"docmill, {name}: {cpu_of(os.getpid()) - since:.2f} CPU s for {len(elements)} pages", flush=True)


PDFIUM = """
import io, logging, resource, sys
logging.disable(logging.CRITICAL)
from nv_ingest_api.internal.extract.pdf.engines.pdfium import pdfium_extractor
def cpu():
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime
for path in sys.argv[1:]:
    since = cpu()
    about = {"source_name": path, "source_id": path, "source_type": "PDF"}
    row = {"source_name": path, "source_id": path, "document_type": "pdf", "metadata": {"source_metadata": about}}
    config = {"row_data": row, "text_depth": "page", "extract_method": "pdfium", "pdfium_config": {}}
    data = io.BytesIO(open(path, "rb").read())
    made = pdfium_extractor(data, True, False, False, False, False, False, config)
    print(f"nv-ingest-api's pdfium_extractor: {cpu() - since:.2f} CPU s for {len(made)} pages")
"""

CLIENT = """
import logging, sys, time
logging.disable(logging.CRITICAL)
from nv_ingest_client.client import Ingestor, NvIngestClient
client = NvIngestClient(message_client_kwargs={"base_url": sys.argv[1]})
since, used = time.time(), time.process_time()
results, failures = Ingestor(client=client).files(sys.argv[2]).extract(text_depth="page").ingest(return_failures=True)
print(len(results), len(failures), time.time() - since, time.process_time() - used)
"""


def throughput(given: argparse.Namespace, folder: Path) -> None:
    """The same small PDFs through the official client, to a stub that answers it at once, and through Ingestor."""
    make_pdfs(folder / "a", given.documents, given.pages)
    make_pdfs(folder / "warm", 4, given.pages)
    with serving(folder / "home-http", PORT) as (url, pid):
        run_client(given.client, url, folder / "warm")
        (folder / "result").write_text(json.dumps(fetch(url, post(url, folder / "warm/d00000.pdf"))))
        served = spent_by(pid, "service", lambda: run_client(given.client, url, folder / "a"))
    with serving(folder / "stub", PORT, [str(STUB), str(PORT), str(folder / "result")]) as (url, pid):
        stub = spent_by(pid, "stub", lambda: run_client(given.client, url, folder / "a"))
    from docmill import Ingestor
    from docmill.settings import Settings

    settings = Settings(home=folder / "home-own")
    Ingestor(str(folder / "warm"), settings=settings).extract(text_depth="page").ingest()

    def ingest() -> list[float]:
        since = time.time()
        results = Ingestor(str(folder / "a"), settings=settings).extract(text_depth="page").ingest()
        return [len(results), 0, time.time() - since, 0]

    alone = spent_by(os.getpid(), "Ingestor", ingest)
    print(
        f"CPU s by the client: {served / alone:.2f} times Ingestor's; at least {1 + stub / alone:.2f} times", flush=True
    )


def spent_by(pid: int, name: str, work: Callable[[], list[float]]) -> float:
    """CPU seconds in all of what `work` did with the process; its parts are printed."""
    before, alone = cpu_of(pid), own_cpu_of(pid)
    results, failures, seconds, client = work()
    parent = own_cpu_of(pid) - alone
    workers = cpu_of(pid) - before - parent
    print(
        f"{name}: {results:.0f} results, {failures:.0f} failures, {seconds:.1f} s; CPU s: "
        f"its process {parent:.2f}, its workers {workers:.2f}, client {client:.2f}", flush=True,
    )  # fmt: skip
    return parent + workers + client


def run_client(python: str, url: str, folder: Path) -> list[float]:
    done = subprocess.run(
        [python, "-c", CLIENT, url, f"{folder}/*.pdf"], capture_output=True, text=True, check=True, timeout=3600
    )
    return [float(each) for each in done.stdout.split()]


def queue(given: argparse.Namespace, folder: Path) -> None:
    """All documents queued at once, the service killed in the middle, every result fetched and looked at."""
    make_pdfs(folder / "a", given.documents)
    paths = sorted((folder / "a").glob("*.pdf"))
    memory: list[float] = []
    stopped = threading.Event()

    def watch(pid: int) -> None:
        while not stopped.wait(5) and Path(f"/proc/{pid}").exists():
            memory.append(memory_of(pid))

    since = time.time()
    with serving(folder / "home", PORT) as (url, pid):
        with ThreadPoolExecutor(given.concurrent) as pool:
            jobs = list(pool.map(lambda path: post(url, path), paths))
        print(f"{len(jobs)} jobs accepted in {time.time() - since:.0f} s by {given.concurrent} callers", flush=True)
        states = count(url)
        os.kill(pid, signal.SIGKILL)
        print(f"killed with SIGKILL at {dict(states)}", flush=True)
    with serving(folder / "home", PORT) as (url, pid):
        watcher = threading.Thread(target=watch, args=(pid,))
        watcher.start()
        with ThreadPoolExecutor(given.concurrent) as pool:
            results = list(pool.map(lambda job: fetch(url, job), jobs))
        stopped.set()
        watcher.join()
    right = 0
    for path, result in zip(paths, results, strict=True):
        name = result["data"][0]["metadata"]["source_metadata"]["source_name"] if result["data"] else ""
        words = f"Document {int(path.stem[1:])}, page 1."
        right += name == path.name and words in result["data"][0]["metadata"]["content"]
    print(f"{right} of {len(paths)} results are right; {time.time() - since:.0f} s in all")
    third = max(len(memory) // 3, 1)
    first, last = max(memory[:third]), max(memory[-third:])
    print(f"memory of the service: {first:.0f} MiB in the first third, {last:.0f} in the last")


def memory(given: argparse.Namespace, folder: Path) -> None:
    """Ingestor over many small PDFs with results on disk: what this process has in memory after each tenth."""
    from docmill import Ingestor
    from docmill.settings import Settings

    make_pdfs(folder / "a", given.documents)
    settings = Settings(home=folder / "home", pipeline={"extract": {"mode": "fast"}})
    made = Ingestor(str(folder / "a"), settings=settings).extract(text_depth="page")
    made.save_to_disk(str(folder / "results"))
    since, before = time.time(), cpu_of(os.getpid())
    future = made.ingest_async(return_failures=True)
    tenth = given.documents // 10
    for number in range(1, 11):
        while made.completed_jobs() + made.failed_jobs() < number * tenth and not future.done():
            time.sleep(0.2)
        print(f"{number * tenth} documents: {memory_of(os.getpid()):.0f} MiB, {time.time() - since:.0f} s", flush=True)
    results, failures = future.result()
    used = cpu_of(os.getpid()) - before
    print(
        f"{len(results)} results, {len(failures)} failures, {time.time() - since:.0f} s, {used:.0f} CPU s", flush=True
    )


def jobs(given: argparse.Namespace, folder: Path) -> None:
    """What the durable job costs: each of its steps alone, in this thread, on SQLite and a folder."""
    from docmill.jobs import Jobs, this_process
    from docmill.ledger import Ledger
    from docmill.store import LocalStore

    done = Jobs(Ledger(f"sqlite:///{folder}/ledger.db").database, LocalStore(folder / "store"))
    me, kinds = this_process(), frozenset({"parse"})
    told, content, result = {"document_type": "pdf", "source_name": "a.pdf"}, b"x" * 2_000, b"r" * 5_000
    numbers = range(given.documents)

    def each(name: str, step: Callable[[Any], Any], given: Iterable[Any]) -> list[Any]:
        since = time.thread_time()
        made = [step(one) for one in given]
        print(f"{name}: {1e3 * (time.thread_time() - since) / len(made):.2f} CPU ms", flush=True)
        return made

    each("submit", lambda n: done.add("parse", told, files={"a.pdf": content}, work=f"w{n}"), numbers)
    each("look in vain", lambda _: done.claim(me, {frozenset({"other"}): 4}, 60), numbers)
    taken = each("take", lambda _: done.claim(me, {kinds: 1}, 60)[0], numbers)
    each("look for a twin", done.share, taken)
    each("find", lambda job: done.find(job.job_id), taken)
    each("end", lambda job: done.finish(job, me, result), taken)
    each("result", done.result, taken)


def count(url: str) -> Counter[str]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=60) as answer:
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("docmill_jobs{")]
    return Counter({line.split('state="')[1].split('"')[0]: int(float(line.rsplit(" ", 1)[1])) for line in lines})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["text", "throughput", "queue", "memory", "jobs"])
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--pages", type=int, default=1, help="pages of a document (throughput)")
    parser.add_argument("--concurrent", type=int, default=200)
    parser.add_argument("--client", default="python")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whats = {"text": text, "throughput": throughput, "queue": queue, "memory": memory, "jobs": jobs}
        whats[given.what](given, Path(folder))
        if given.what == "text":
            subprocess.run(
                [given.client, "-c", PDFIUM, *map(str, sorted((Path(folder) / "pages").glob("*")))], check=True
            )


if __name__ == "__main__":
    main()
