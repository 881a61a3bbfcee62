"""A server of Milvus Lite, which several processes share: it is spoken to as Milvus Lite, and may be killed."""

import os
import signal
import subprocess
from pathlib import Path

from docmill.index import MilvusIndex, Row, Space
from docmill.index.analysis import analyzed
from docmill.index.base import Where
from tests.services import BIN, answers, free_port, process, wait_for

SPACE = Space("one", 4)


def row(name: str, text: str, access: tuple[str, ...]) -> Row:
    key, vector = f"s3://b/{name}", (1.0, 0.0, 0.0, 0.0)
    return Row(name, f"document-{name}", "v1", "f1", 0, key, text, vector, terms=analyzed(text), access=access)


def serve(folder: Path, port: int) -> list[str]:
    return [
        str(BIN / "milvus-lite"),
        *("server", "--data-dir", str(folder / "data"), "--host", "127.0.0.1", "--port", str(port)),
    ]


def test_searches_with_filters_work_before_and_after_a_kill(tmp_path: Path):
    port = free_port()
    index = MilvusIndex(f"http://127.0.0.1:{port}")
    with process(serve(tmp_path, port), tmp_path / "one.log", dict(os.environ)) as server:
        wait_for(lambda: answers(port), "Milvus Lite's server")
        index.upsert("docs", SPACE, [row("a", "pump valve", ("red",)), row("b", "pump hose", ("blue",))])
        assert _found(index) == ["a"]
        _kill(server)
    with process(serve(tmp_path, port), tmp_path / "two.log", dict(os.environ)):
        wait_for(lambda: answers(port), "Milvus Lite's server")
        assert _found(index) == ["a"]
        (best,) = index.search_words("docs", SPACE, "hose", 1)
        assert (best.row.chunk_id, best.score > 0) == ("b", True)


def _found(index: MilvusIndex) -> list[str]:
    found = index.search_vector("docs", SPACE, [1.0, 0.0, 0.0, 0.0], 5, Where(access=frozenset({"red"})))
    return [each.row.chunk_id for each in found]


def _kill(server: "subprocess.Popen[bytes]") -> None:
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
