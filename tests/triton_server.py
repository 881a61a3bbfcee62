"""A real Triton server for tests: NVIDIA's binary as PyPI has it (nvidia-pytriton 0.7.0: Triton 2.51, Python back end).

`backend: "onnxruntime"` is served by `deploy/triton/backends/onnxruntime`, which runs in the Python back end. So both
kinds of repository that docmill exports are served as they are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services import ROOT, free_port, process, wait_for
from tests.venvs import locked_python

LOCK = ROOT / "tests/triton.lock"


@dataclass(frozen=True)
class Triton:
    """A running server: its addresses, and the process, which a test may kill."""

    grpc: str
    http: str
    process: subprocess.Popen[bytes]


def triton_packages(folder: Path) -> Path:
    """The folder of the installed packages, in a virtual environment of their own: they share nothing with docmill's.

    It is made once and kept in `folder`.
    """
    python = locked_python(folder, LOCK, "--no-deps")
    return next(python.parent.parent.glob("lib/python*/site-packages"))


def back_ends(packages: Path, folder: Path) -> Path:
    """A back-end directory: Python's with the stub of this Python, and the stand-in for ONNX Runtime's."""
    bundled = packages / "pytriton/tritonserver"
    stub = f"{sys.version_info.major}.{sys.version_info.minor}/triton_python_backend_stub"
    shutil.copytree(bundled / "backends/python", folder / "python")
    shutil.copy(bundled / "python_backend_stubs" / stub, folder / "python")
    shutil.copytree(ROOT / "deploy/triton/backends/onnxruntime", folder / "onnxruntime")
    return folder


@contextmanager
def triton_server(
    packages: Path, repository: Path, folder: Path, ports: tuple[int, int] = (0, 0), options: Sequence[str] = ()
) -> Iterator[Triton]:
    """A server of the model repository, all of whose models are ready; `ports` are those of HTTP and gRPC."""
    http, grpc = (port or free_port() for port in ports)
    backends = folder / "backends"
    if not backends.exists():
        back_ends(packages, backends)
    libraries = [sysconfig.get_config_var("LIBDIR"), packages / "nvidia_pytriton.libs"]
    env = dict(os.environ) | {
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
        "DOCMILL_TRITON_PACKAGES": str(packages),
    }
    command = [str(packages / "pytriton/tritonserver/bin/tritonserver"), f"--model-repository={repository}"]
    command += [f"--backend-directory={backends}", "--http-address=127.0.0.1", "--grpc-address=127.0.0.1"]
    command += [
        f"--http-port={http}",
        f"--grpc-port={grpc}",
        "--allow-metrics=false",
        "--exit-timeout-secs=2",
        *options,
    ]
    log = folder / f"triton-{grpc}.log"
    with process(command, log, env, folder, grace=5) as started:
        wait_for(lambda: started.poll() is not None or _ready(http), f"Triton (log: {log})")
        assert started.poll() is None, log.read_text()[-3000:]
        yield Triton(f"grpc://127.0.0.1:{grpc}", f"http://127.0.0.1:{http}", started)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=1) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
