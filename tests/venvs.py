"""Virtual environments for programs that share no dependency with docmill's own: servers and official clients."""

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
