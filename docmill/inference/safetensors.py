"""Reads float32 tensors from a safetensors file, which needs nothing but numpy.

Format: https://github.com/huggingface/safetensors (8 bytes little-endian length, a JSON header, the tensors' bytes).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Tensors: TypeAlias = Mapping[str, NDArray[np.float32]]


def read_tensors(path: Path) -> Tensors:
    """Every float32 tensor of the file by name, mapped, not copied; other types are left out."""
    data = np.memmap(path, dtype=np.uint8, mode="r")
    length = int.from_bytes(data[:8].tobytes(), "little")
    start = 8 + length
    header = json.loads(data[8:start].tobytes())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            tensors[name] = data[start + begin : start + end].view("<f4").reshape(entry["shape"])
    return tensors
