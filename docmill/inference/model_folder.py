"""Built models on disk: built once, complete or absent, and proven at every load.

A model is built in a folder of its own and renamed into place, so processes that build the same model at once do not
disturb each other: the first one's folder stays, and its bytes are those of the others.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from docmill.inference.weights import sha256_file

MANIFEST = "manifest.json"


class Manifest(BaseModel):
    """What a built model is, where it comes from, and the sha256 of each of its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: int
    fingerprint: str
    precision: str
    licence: str
    dimensions: int
    max_tokens: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sources: dict[str, str]
    files: dict[str, str] = {}


def ensure_model(home: Path, manifest: Manifest, build: Callable[[], Mapping[str, bytes]]) -> Path:
    """The folder of the model under `home`; `build` gives its files by name and is called only if they are not there.

    A folder whose files are missing or not those of its manifest is built anew.
    """
    folder = home / "models" / f"{manifest.name}-{manifest.fingerprint}"
    if not is_intact(folder):
        _install(folder, manifest, build())
    return folder


def is_intact(folder: Path) -> bool:
    """Whether the folder holds a manifest and every file has the hash that it states."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        return all(sha256_file(folder / name) == expected for name, expected in manifest.files.items())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return False


def _install(folder: Path, manifest: Manifest, files: Mapping[str, bytes]) -> None:
    """Write the model beside its place, then move it there at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        built = work / "built"
        built.mkdir()
        for name, data in files.items():
            (built / name).write_bytes(data)
        hashes = {name: sha256_file(built / name) for name in sorted(files)}
        complete = manifest.model_copy(update={"files": hashes})
        (built / MANIFEST).write_text(complete.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _move(built, folder, work / "replaced")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _move(built: Path, folder: Path, aside: Path) -> None:
    """Put `built` in place unless another process was first; a broken folder in its place goes `aside`."""
    while not is_intact(folder):
        try:
            os.rename(built, folder)
            return
        except OSError:
            if not folder.exists():
                raise
        if is_intact(folder):
            return
        os.rename(folder, aside)
