"""Uploads, changes, renames and deletions for an hour while services are killed at random: do the promises hold?

    python benchmarks/soak.py [--minutes 60] [--seed 1] [--documents 300] [--runner library] [--write]

A SeaweedFS bucket is the source and `milvus-lite server` the index, each a process of its own; `docmill reconcile` runs
over and over as its schedule does. Every few seconds one of the three is ended by SIGKILL; the servers come back after
some seconds. Meanwhile a prober searches for documents by a word that only they have. What is counted against a promise
(README, "What it promises") is printed with the sequence's seed; a violation makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from docmill.errors import DocmillError
from docmill.ids import content_version, document_id
from docmill.models import Document, Stage, Status
from docmill.retrieve import SearchMode, search
from docmill.settings import Settings
from docmill.standing import with_outcomes
from docmill.workspace import Workspace
from tests.services import BIN, _s3_command, answers, free_port, s3_environment, wait_for

BUCKET, COLLECTION = "soak", "default"
BAD = ("", "%PDF-1.7 this is no PDF")
EVERY = {"user": (0.2, 1.5), "kill": (5.0, 25.0), "down": (1.0, 6.0), "probe": (0.1, 0.3)}
"""Seconds between two actions of each kind, drawn evenly."""
REPORT = Path(__file__).with_suffix(".md")


@dataclass
class Server:
    """A server that can be killed and started again on the same data and port."""

    name: str
    command: list[str]
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """It answers."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=out, start_new_session=True)
        wait_for(lambda: answers(self.port), f"{self.name} (log: {self.log})", 120)

    def kill(self) -> None:
        """It is gone, without any warning."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Book:
    """What the bucket holds, as the user knows it, and what was seen. All under one lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    texts: dict[str, str] = field(default_factory=dict)
    searchable: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


def word(key: str) -> str:
    """A word that only this document has."""
    return f"mark{content_version(key.encode())[:12]}"


def text(key: str, edition: int) -> str:
    """A document of some 30 to 200 words in one edition."""
    words = " ".join(f"word{edition}x{number}" for number in range(30 + edition % 170))
    return f"# Report {word(key)}\n\n{word(key)} edition {edition}: {words}\n"


class Soak:
    """The actors: user, prober, killer, and the reconciler as a process of its own."""

    def __init__(self, folder: Path, seed: int, documents: int, runner: str) -> None:
        self.folder, self.documents, self.runner = folder, documents, runner
        self.random = {name: random.Random(f"{seed}-{name}") for name in ("user", "kill", "probe")}
        self.book, self.over, self.calm = Book(), threading.Event(), threading.Event()
        (folder / "s3").mkdir()
        command, port = _s3_command(folder / "s3")
        milvus = free_port()
        lite = [str(BIN / "milvus-lite"), "server", "--data-dir", str(folder / "milvus"), "--host", "127.0.0.1"]
        self.servers = [
            Server("S3", command, port, folder / "s3.log"),
            Server("Milvus", [*lite, "--port", str(milvus)], milvus, folder / "milvus.log"),
        ]
        os.environ |= s3_environment(f"http://127.0.0.1:{port}")
        os.environ |= {"DOCMILL_HOME": str(folder / "home"), "DOCMILL_MILVUS_URI": f"http://127.0.0.1:{milvus}"}
        self.client: Any = boto3.client("s3")
        self.working: subprocess.Popen[bytes] | None = None

    def pause(self, actor: str, kind: str) -> bool:
        """Waits as long as the dice say; whether to go on."""
        return not self.over.wait(self.random[actor].uniform(*EVERY[kind]))

    def user(self) -> None:
        """Puts, changes, renames and deletes documents."""
        dice, edition = self.random["user"], 0
        while self.pause("user", "user"):
            edition += 1
            key = f"part{dice.randrange(10)}/doc{dice.randrange(self.documents)}.md"
            action = dice.choices(["put", "bad", "delete", "rename"], [80, 5, 10, 5])[0]
            with self.book.lock:
                old = self.book.texts.get(key)
            if action in ("put", "bad") or old is None:
                self.put(key, dice.choice(BAD) if action == "bad" else text(key, edition))
            elif action == "delete":
                self.delete(key)
            else:
                other = f"part{dice.randrange(10)}/doc{dice.randrange(self.documents)}.md"
                self.put(other, text(other, edition))
                self.delete(key)
            self.book.counts[action] += 1

    def put(self, key: str, content: str) -> None:
        """The object is in the bucket, however often that has to be tried."""
        self.until_done("put_object", Key=key, Body=content.encode())
        with self.book.lock:
            self.book.texts[key] = content

    def delete(self, key: str) -> None:
        """The object is not in the bucket; from before the deletion on nobody expects to find it."""
        with self.book.lock:
            self.book.texts.pop(key, None)
            self.book.searchable.discard(key)
        self.until_done("delete_object", Key=key)

    def until_done(self, verb: str, **arguments: str | bytes) -> None:
        """The call has succeeded; the server may be down for a while."""
        deadline = time.monotonic() + 300
        while True:
            try:
                getattr(self.client, verb)(Bucket=BUCKET, **arguments)
            except (ClientError, BotoCoreError):
                self.book.counts["S3 calls repeated"] += 1
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    def prober(self) -> None:
        """Looks for documents that were searchable before: each must be found, in its old or its new version."""
        dice = self.random["probe"]
        with closing(Workspace(Settings())) as workspace:
            while self.pause("probe", "probe"):
                with self.book.lock:
                    key = dice.choice(sorted(self.book.texts)) if self.book.texts else ""
                    expected = key in self.book.searchable
                if not key:
                    continue
                try:
                    hits = search(workspace, word(key), collection=COLLECTION, top_k=3, mode=SearchMode.SPARSE)
                except DocmillError as error:
                    self.book.counts["searches while Milvus was down"] += 1
                    self.book.errors[type(error).__name__] += 1
                    continue
                found = any(hit.source_key.endswith(f"/{key}") for hit in hits if word(key) in hit.text)
                self.book.counts["searches"] += 1
                with self.book.lock:
                    if found and key in self.book.texts:
                        self.book.searchable.add(key)
                    elif expected and not found and key in self.book.searchable:
                        self.book.violations.append(f"promise 2: {key} was searchable and is not found")

    def killer(self) -> None:
        """Kills one of the three; servers come back."""
        dice = self.random["kill"]
        while self.pause("kill", "kill"):
            victim = dice.choice([None, None, *self.servers])
            if victim is None:
                if (working := self.working) is not None and working.poll() is None:
                    with suppress(ProcessLookupError):
                        os.killpg(working.pid, signal.SIGKILL)
                    self.book.counts["kills of docmill"] += 1
                continue
            victim.kill()
            self.book.counts[f"kills of {victim.name}"] += 1
            time.sleep(dice.uniform(*EVERY["down"]))
            victim.start()

    def reconciler(self) -> None:
        """Reconciles over and over, as the schedule does."""
        while not self.over.is_set():
            self.reconcile()

    def reconcile(self) -> int:
        """The exit code of one run; a traceback in its output is a violation."""
        command = [str(BIN / "docmill"), "reconcile", "--force", "--json", "--runner", self.runner]
        if self.book.counts["runs ended"] == 0:
            command = [str(BIN / "docmill"), "ingest", f"s3://{BUCKET}/", "--force", "--json", "--runner", self.runner]
        self.working = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        _, err = self.working.communicate()
        code = self.working.returncode
        self.book.counts["runs ended" if code >= 0 else "runs killed"] += 1
        if b"Traceback" in err:
            (self.folder / f"traceback-{time.time():.0f}.log").write_bytes(err)
            self.book.violations.append(f"a run ended with a traceback: {err[-300:].decode(errors='replace')}")
        return code

    def run(self, minutes: float) -> None:
        """All of it, then calm, then the verdict."""
        for server in self.servers:
            server.start()
        wait_for(self.has_bucket, "a bucket", 60)
        for number in range(20):
            self.put(f"part0/doc{number}.md", text(f"part0/doc{number}.md", number))
        actors = [threading.Thread(target=each) for each in (self.user, self.prober, self.killer, self.reconciler)]
        for actor in actors:
            actor.start()
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end and all(actor.is_alive() for actor in actors):
            time.sleep(min(30.0, max(0.1, end - time.monotonic())))
            print(dict(self.book.counts), f"{len(self.book.violations)} violations", flush=True)
        if not all(actor.is_alive() for actor in actors):
            self.book.violations.append("an actor of the soak itself ended early")
        self.over.set()
        for actor in actors:
            actor.join()
        for server in self.servers:
            if server.process is None or server.process.poll() is not None:
                server.start()
        for _ in range(3):
            self.reconcile()
        self.judge()
        for server in self.servers:
            server.kill()

    def has_bucket(self) -> bool:
        """Whether the bucket is there; asks for it."""
        try:
            self.client.create_bucket(Bucket=BUCKET)
        except (ClientError, BotoCoreError):
            return False
        return True

    def judge(self) -> None:
        """Compares bucket, ledger and index."""
        with closing(Workspace(Settings())) as workspace:
            held = workspace.index.held(COLLECTION, workspace.space)
            keys = {document_id(COLLECTION, f"s3://{BUCKET}/{key}"): key for key in self.book.texts}
            rows: dict[str, Counter[str]] = {}
            for row in held.values():
                rows.setdefault(row.document_id, Counter())[row.version] += 1
            self.book.violations += [f"promise 1: rows of an unknown document {each}" for each in rows.keys() - keys]
            documents = {each.document_id: each for each in workspace.ledger.documents(COLLECTION)}
            self.book.violations += [f"promise 1: {keys[each]} is not known" for each in keys.keys() - documents.keys()]
            self.book.violations += [f"promise 1: {each} lives on in the ledger" for each in documents.keys() - keys]
            for document, outcomes in with_outcomes(workspace, list(documents.values())):
                if document.document_id in keys:
                    last = outcomes.get((document.document_id, Stage.VECTOR_COLLECTION))
                    expected = last.counts.get("rows", 0) if last and last.status is Status.OK else 0
                    found = rows.get(document.document_id, Counter())
                    self.judge_document(keys[document.document_id], document, found, expected)
                    failed = [
                        each
                        for (of, _), each in outcomes.items()
                        if of == document.document_id and each.status is Status.FAILED
                    ]
                    most = max((each.attempts for each in outcomes.values()), default=0)
                    self.book.counts["most attempts"] = max(self.book.counts["most attempts"], most)
                    good = self.book.texts[keys[document.document_id]] not in BAD
                    if good and failed:
                        self.book.violations.append(
                            f"promise 3: {keys[document.document_id]} failed: {failed[0].message}"
                        )
                    if not good and not any(each.message for each in failed):
                        self.book.violations.append(
                            f"promise 4: {keys[document.document_id]} is bad and nothing says so"
                        )
            self.book.counts["documents at the end"] = len(keys)
            self.book.counts["rows at the end"] = len(held)

    def judge_document(self, key: str, document: Document, found: Counter[str], expected: int) -> None:
        """A good document has exactly the rows of its version."""
        content = self.book.texts[key]
        version = content_version(content.encode())
        if content in BAD:
            return
        if set(found) != {version}:
            self.book.violations.append(f"promise 1: {key} has rows of {sorted(found)}, its version is {version}")
        elif found[version] != expected or document.version != version:
            self.book.violations.append(f"promise 1: {key} has {found[version]} rows of {expected}")


def main() -> int:
    """Soak, print, perhaps write; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description="Do the promises hold while services are killed?")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--runner", choices=["library", "dagster"], default="library")
    parser.add_argument("--write", action="store_true", help="write benchmarks/soak.md")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="docmill-soak-"))
    soak = Soak(folder, chosen.seed, chosen.documents, chosen.runner)
    try:
        soak.run(chosen.minutes)
    finally:
        soak.over.set()
        for server in soak.servers:
            server.kill()
    counts, violations = soak.book.counts, soak.book.violations
    lines = [
        "# Soak: promises under random kills\n",
        f"{chosen.minutes:g} minutes, seed {chosen.seed}, runner {chosen.runner}.\n",
        "| what | count |\n|---|---|",
        *(f"| {name} | {count} |" for name, count in sorted(counts.items())),
        f"| violations of promises 1 to 4 | {len(violations)} |",
        *(f"\n- {each}" for each in violations),
        f"\nCommand: `python benchmarks/soak.py --minutes {chosen.minutes:g} --seed {chosen.seed} "
        f"--runner {chosen.runner} --write`",
    ]
    print("\n".join(lines))
    print(json.dumps(dict(soak.book.errors)))
    if chosen.write:
        REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return bool(violations)


if __name__ == "__main__":
    sys.exit(main())
