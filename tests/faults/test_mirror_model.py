"""The index mirrors the bucket: random sequences of uploads, renames, deletions, bad files and kills, against a model.

After every reconcile the collection holds exactly the chunks of the current objects; at every instant in between, a
document that was searchable and is still in the bucket is searchable whole, in its old or its new version.
`DOCMILL_SEQUENCES` says how many sequences are tried (`make nightly`: 1,000).
"""

import os
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import docmill.pipeline
from docmill.ids import content_version, document_id
from docmill.index import MemoryIndex
from docmill.mirror import reconcile_steps
from docmill.models import Stage
from docmill.pipeline import pending_batches, run_batch
from docmill.store import LocalStore
from tests.faults.mortal import Faults, Killed, extract_here, open_mortal

KEYS = st.sampled_from(["a.md", "b.md", "c.md", "sub/d.md", "sub/e.md"])
TEXTS = st.integers(min_value=0, max_value=400).map(
    lambda seed: f"# Title {seed}\n\n" + " ".join(f"word{seed}x{number}" for number in range(1 + seed % 40)) + "\n"
)
BAD = st.sampled_from(["", "%PDF-1.7 this is no PDF"])


class MirrorMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        (self.folder / "in").mkdir()
        self.bucket = LocalStore(self.folder / "in")
        self.index, self.faults = MemoryIndex(), Faults()
        self.texts: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.searchable: set[str] = set()
        self.held: set[str] = set()
        self.workspace = open_mortal(self.folder / "home", self.index, self.faults)

    def teardown(self) -> None:
        if hasattr(self, "workspace"):
            self.workspace.close()
            shutil.rmtree(self.folder)

    @rule(key=KEYS, text=st.one_of(TEXTS, BAD))
    def put(self, key: str, text: str) -> None:
        self.bucket.put(key, text.encode())
        self.texts[key] = text

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.bucket.delete(key)
        self.texts.pop(key, None)
        self.searchable.discard(key)

    @rule(key=KEYS, to=KEYS)
    def rename(self, key: str, to: str) -> None:
        if key in self.texts and to != key:
            self.put(to, self.texts[key])
            self.delete(key)

    @rule(countdown=st.integers(min_value=1, max_value=25), after=st.booleans())
    def reconcile_and_be_killed(self, countdown: int, after: bool) -> None:
        self.faults.arm(countdown, after=after)
        try:
            self.work()
        except Killed:
            self.workspace.close()
        self.faults.disarm()
        self.workspace = open_mortal(self.folder / "home", self.index, self.faults)

    @rule()
    def reconcile(self) -> None:
        self.work()
        assert self.versions() == {
            self.id(key): {content_version(text.encode())} for key, text in self.texts.items() if self.good(text)
        } | {self.id(key): found for key in self.texts if (found := self.kept_of_bad(key))}
        for key, text in self.texts.items():
            if self.good(text):
                self.searchable.add(key)
                self.sizes[content_version(text.encode())] = len(self.rows()[self.id(key)])
        self.held = {key for key in self.texts if self.id(key) in self.versions()}
        self.no_row_twice()

    @invariant()
    def what_was_searchable_still_is(self) -> None:
        rows = self.rows() if hasattr(self, "index") else {}
        for key in getattr(self, "searchable", ()):
            versions = defaultdict(int)
            for version in rows[self.id(key)]:
                versions[version] += 1
            known = [version for version in versions if version in self.sizes]
            assert versions, f"{key} cannot be found"
            assert any(versions[each] == self.sizes[each] for each in known) or len(versions) > len(known)

    def work(self) -> None:
        """What the schedule and the sensors do between them."""
        source = self.bucket.url
        for _ in reconcile_steps(self.workspace, "default", source, force=True):
            pass
        for batch in pending_batches(self.workspace, self.workspace.ledger.documents("default")):
            run_batch(self.workspace, batch)

    def kept_of_bad(self, key: str) -> set[str]:
        """Of a document whose newest bytes cannot be read, the version that was held before stays."""
        return self.versions()[self.id(key)] if key in self.held and not self.good(self.texts[key]) else set()

    def good(self, text: str) -> bool:
        return bool(text) and not text.startswith("%PDF")

    def id(self, key: str) -> str:
        return document_id("default", self.bucket.url + key)

    def rows(self) -> dict[str, list[str]]:
        """The version of every row, by document."""
        found = defaultdict(list)
        for row in self.index.held("default", self.workspace.space).values():
            found[row.document_id].append(row.version)
        return found

    def versions(self) -> dict[str, set[str]]:
        return {document: set(versions) for document, versions in self.rows().items()}

    def no_row_twice(self) -> None:
        ledger = self.workspace.ledger
        documents = ledger.documents("default")
        outcomes = ledger.outcomes(document.document_id for document in documents)
        for document in documents:
            last = outcomes.get((document.document_id, Stage.VECTOR_COLLECTION))
            if last is not None and last.version == document.version:
                assert len(self.rows()[document.document_id]) == last.counts["rows"]


@pytest.fixture(autouse=True)
def _read_here(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(docmill.pipeline.WORK, Stage.EXTRACTED_ELEMENTS, extract_here)


class TestMirror(MirrorMachine.TestCase):
    settings = settings(
        max_examples=int(os.environ.get("DOCMILL_SEQUENCES", "40")),
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
