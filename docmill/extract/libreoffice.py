"""Converts old binary formats and drawings by LibreOffice, where it is installed, apart from its user's own profile.

Each conversion has a profile of its own in a temporary folder, in which macros, links and the network are switched
off, and a time limit. A conversion costs about two seconds.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from docmill.errors import CorruptDocumentError, DocmillError, LimitExceededError, UnsupportedTypeError

SECONDS = 120
_PACKAGE = "libreoffice-impress-nogui"
_FILTERS = {"pptx": "Impress MS PowerPoint 2007 XML", "pdf": "draw_pdf_Export"}
_SETTINGS = (
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Inet/Settings", "ooInetProxyType", "2"),
    ("Inet/Settings", "ooInetHTTPProxyName", "127.0.0.1"),
    ("Inet/Settings", "ooInetHTTPProxyPort", "9"),
    ("Inet/Settings", "ooInetHTTPSProxyName", "127.0.0.1"),
    ("Inet/Settings", "ooInetHTTPSProxyPort", "9"),
)
"""No macros, no active content, links followed only in trusted places, and a proxy where nobody listens."""
_PR_SET_PDEATHSIG = 1
_RESTART = 81
"""The exit code by which LibreOffice asks to be started again, as it does once in a new profile."""


def converted(data: bytes, label: str, to: str) -> bytes:
    """The document of the type `label` as one of the type `to`.

    Raises UnsupportedTypeError where LibreOffice is not installed, LimitExceededError where it takes too long,
    CorruptDocumentError where it cannot read the document.
    """
    found = _converted({"document": (data, label)}, to).get("document")
    if found is None:
        raise CorruptDocumentError(
            f"LibreOffice cannot read the {label} document.", hint=f"Open it in its own program, save it as {to}."
        )
    return found


def converted_pictures(pictures: Mapping[str, tuple[bytes, str]]) -> dict[str, bytes | DocmillError]:
    """Drawings, given by name with their labels (`emf`, `wmf`), as PDFs of one page; or why there is none."""
    try:
        found = _converted(pictures, "pdf")
    except (UnsupportedTypeError, LimitExceededError) as error:
        return dict.fromkeys(pictures, error)
    damaged = CorruptDocumentError("LibreOffice cannot read the drawing.", hint="Save it as PNG.")
    return {name: found.get(name, damaged) for name in pictures}


def _converted(files: Mapping[str, tuple[bytes, str]], to: str) -> dict[str, bytes]:
    """The files by name as what one start of LibreOffice makes of them; those that it cannot read are left out."""
    program = _program(next(iter(files.values()))[1])
    with TemporaryDirectory(prefix="docmill-office-") as name:
        folder = Path(name)
        _make_profile(folder / "profile")
        out = folder / "out"
        sources = [folder / f"{number}.{label}" for number, (_, label) in enumerate(files.values())]
        for source, (data, _) in zip(sources, files.values(), strict=True):
            source.write_bytes(data)
        command = [
            program, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--norestore",
            "--nolockcheck", "--nodefault", "--convert-to", f"{to}:{_FILTERS[to]}", "--outdir", str(out),
            *map(str, sources),
        ]  # fmt: skip
        if _run(command, folder) == _RESTART:
            _run(command, folder)
        made = {key: out / f"{number}.{to}" for number, key in enumerate(files)}
        return {key: path.read_bytes() for key, path in made.items() if path.exists()}


def _program(label: str) -> str:
    """LibreOffice's program itself: its shell script would outlive a worker process that is ended."""
    script = shutil.which("soffice") or shutil.which("libreoffice")
    if script is None:
        raise UnsupportedTypeError(
            f"Reading {label} needs LibreOffice, which is not installed.",
            hint=f"Install it (Debian: apt-get install {_PACKAGE}) or save the document in a newer format.",
        )
    program = Path(script).resolve().parent / "soffice.bin"
    return str(program) if program.exists() else script


def _make_profile(folder: Path) -> None:
    items = "".join(
        f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop>'
        "</item>"
        for path, name, value in _SETTINGS
    )
    space = 'xmlns:oor="http://openoffice.org/2001/registry"'
    (folder / "user").mkdir(parents=True)
    (folder / "user" / "registrymodifications.xcu").write_text(f"<oor:items {space}>{items}</oor:items>")


def _run(command: list[str], folder: Path) -> int:
    """The exit code of the command. Raises LimitExceededError, after it was ended with all its processes."""
    kept = ("PATH", "LANG", "LC_ALL", "FONTCONFIG_PATH", "FONTCONFIG_FILE")
    environment = {name: os.environ[name] for name in kept if name in os.environ} | {"HOME": str(folder)}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=_end_with_parent,
    )  # fmt: skip
    try:
        return process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise LimitExceededError(
            f"LibreOffice did not convert the document within {SECONDS} s.", hint="Save it in a newer format."
        ) from None


def _end_with_parent() -> None:
    """The system ends this process when its parent ends, as a worker process that met its time limit does."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
