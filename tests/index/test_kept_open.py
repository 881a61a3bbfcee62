"""Milvus Lite stays open while a run writes, gives way to whoever waits, and leaves no memory behind."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from docmill.index import MilvusIndex
from docmill.index.turns import Turns
from docmill.service import create_app
from docmill.settings import Settings
from docmill.workspace import Workspace
from tests.index.test_index import SPACE, row

HALF_FREED = """
import os
from docmill.index.allocators import tame
def mebibytes():
    fields = open("/proc/self/statm").read().split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE") / 2**20
tame()
before = mebibytes()
held = [b"x" * 100_000 for _ in range(2_000)]
at_most = mebibytes()
held = held[::2]
print(at_most - before, mebibytes() - before)
"""


@pytest.fixture
def index(tmp_path: Path) -> MilvusIndex:
    return MilvusIndex(str(tmp_path / "index.db"))


def test_it_is_open_between_uses_and_closed_at_the_end(index: MilvusIndex):
    with index.kept_open():
        index.upsert("docs", SPACE, [row("c1")])
        with index.session() as first:
            pass
        with index.session() as second:
            assert second is first
    with pytest.raises(TimeoutError), Turns(index.uri).mine(30), Turns(index.uri).mine(0.05):
        pass  # the folder was free for the first of the two
    with index.session() as third:
        assert third is not first
    assert set(index.held("docs", SPACE)) == {"c1"}


def test_whoever_waits_gets_it_between_two_uses(index: MilvusIndex):
    with index.kept_open():
        index.upsert("docs", SPACE, [row("c1")])
        assert set(MilvusIndex(index.uri).held("docs", SPACE)) == {"c1"}
        index.upsert("docs", SPACE, [row("c2")])
        assert set(MilvusIndex(index.uri).held("docs", SPACE)) == {"c1", "c2"}


def test_the_service_keeps_it_open_between_searches(tmp_path: Path):
    workspace = Workspace(Settings(home=tmp_path))
    with TestClient(create_app(workspace)):
        with workspace.index.session() as first:
            pass
        with workspace.index.session() as second:
            assert second is first
        with Turns(workspace.index.uri).mine(30):
            pass  # it gives way
    workspace.close()


def test_whoever_keeps_it_open_last_closes_it(index: MilvusIndex):
    with index.kept_open():
        with index.kept_open():
            index.upsert("docs", SPACE, [row("c1")])
        with index.session() as client:
            pass
        with index.session() as again:
            assert again is client
    with Turns(index.uri).mine(30):
        pass


def test_uses_of_several_threads_share_it(index: MilvusIndex):
    with index.kept_open():
        writing = [
            threading.Thread(target=index.upsert, args=("docs", SPACE, [row(f"c{number}")])) for number in range(4)
        ]
        for each in writing:
            each.start()
        for each in writing:
            each.join()
        assert len(index.held("docs", SPACE)) == 4


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs glibc")
def test_freed_buffers_are_the_systems_again():
    """By itself glibc keeps buffers of 100 kB in its arena, where those that are in use lie between the free ones."""
    run = subprocess.run([sys.executable, "-c", HALF_FREED], capture_output=True, text=True, check=True)
    at_most, after = map(float, run.stdout.split())
    assert at_most > 180
    assert after < 0.6 * at_most
