"""What a scanner objects to is quarantined, read by nobody; what cannot be scanned is not taken in."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from docmill.batching import form_batches
from docmill.errors import ConfigError, InfectedDocumentError, SystemicError
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.models import Stage, Status
from docmill.pipeline import run_batch
from docmill.plan import make_plan
from docmill.scan import scan
from docmill.settings import ScanSettings, Settings, load_settings
from docmill.workspace import Workspace

COMMAND = "sh -c 'if grep -q EICAR; then echo Eicar-Signature; exit 1; fi'"


class Clamd(socketserver.StreamRequestHandler):
    """Speaks INSTREAM as ClamAV's daemon does."""

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        data = b""
        while size := struct.unpack(">I", self.rfile.read(4))[0]:
            data += self.rfile.read(size)
        if b"too large" in data:
            self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
        else:
            self.wfile.write(b"stream: Eicar-Signature FOUND\0" if b"EICAR" in data else b"stream: OK\0")


@pytest.fixture
def clamd() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Clamd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_clamav_is_asked(clamd: str):
    settings = ScanSettings(clamd=clamd)
    scan(b"words " * 50_000, "a.md", settings)
    with pytest.raises(InfectedDocumentError, match=r"found Eicar-Signature in a\.md"):
        scan(b"x" * 100_000 + b"EICAR", "a.md", settings)
    with pytest.raises(SystemicError, match="size limit"):
        scan(b"too large", "a.md", settings)


def test_scanner_that_cannot_be_asked_lets_nothing_in():
    for settings in (
        ScanSettings(clamd="127.0.0.1:1"),
        ScanSettings(clamd="/nowhere/clamd.sock"),
        ScanSettings(command="/nowhere/scanner"),
        ScanSettings(command="sh -c 'exit 2'"),
        ScanSettings(command="sleep 5", seconds=0.1),
    ):
        with pytest.raises(SystemicError, match="cannot be asked"):
            scan(b"words", "a.md", settings)


def test_infected_document_is_quarantined_until_its_object_changes(home: Path, folder: Path):
    (folder / "bad.md").write_text("EICAR")
    settings = Settings(home=home, scan=ScanSettings(command=COMMAND))
    workspace = Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder())

    def work() -> list:
        for batch in form_batches(workspace, "default", make_plan(workspace, "default", f"file://{folder}/").pending):
            run_batch(workspace, batch)
        return workspace.ledger.failures(statuses=[Status.QUARANTINED])

    (found,) = work()
    assert (found.document.key, found.outcome.stage, found.outcome.error) == (
        "bad.md",
        Stage.RAW_DOCUMENTS,
        "InfectedDocumentError",
    )
    assert "Eicar-Signature" in found.outcome.message
    assert workspace.ledger.unfinished_batches() == []
    (folder / "bad.md").write_text("# Mended\n\nThese are words.\n")
    assert work() == []
    assert len({row.document_id for row in workspace.index.held("default", workspace.space).values()}) == 3
    workspace.close()


def test_address_that_is_none_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_SCAN__CLAMD", "localhost")
    with pytest.raises(ConfigError, match="clamd"):
        load_settings()
