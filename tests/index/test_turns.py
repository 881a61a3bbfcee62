"""Processes take turns at a folder, and nobody is passed over."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from docmill.index.turns import Turns


def test_one_at_a_time(tmp_path: Path):
    turns = Turns(str(tmp_path / "index.db"))
    with turns.mine(1), pytest.raises(TimeoutError), Turns(str(tmp_path / "index.db")).mine(0.05):
        pass


def test_the_one_that_waits_comes_before_the_one_that_comes_back(tmp_path: Path):
    order: list[str] = []

    def search() -> None:
        with Turns(str(tmp_path / "index.db")).mine(10):
            order.append("search")

    writer = Turns(str(tmp_path / "index.db"))
    with writer.mine(1):
        assert not writer.wanted()
        waiting = threading.Thread(target=search)
        waiting.start()
        while not writer.wanted():
            time.sleep(0.001)
    with writer.mine(10):
        order.append("write")
    waiting.join()
    assert order == ["search", "write"]


def test_turn_of_a_process_that_was_killed_ends(tmp_path: Path):
    code = "import sys, time; from docmill.index.turns import Turns\n"
    code += "with Turns(sys.argv[1]).mine(1): print('mine', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path / "index.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"mine\n"
        holder.kill()
    with Turns(str(tmp_path / "index.db")).mine(5):
        pass
