"""Index kinds, partition keys and consistency levels: each is taken, on Milvus Lite and on a server."""

import secrets
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from docmill.config import Consistency, IndexConfig, IndexKind
from docmill.errors import ConfigError
from docmill.index import MilvusIndex, Row, Space
from docmill.index.base import Where
from docmill.index.conditions import parse_condition
from docmill.index.schema import kind_for, search_parameters
from tests.databases import MILVUS_ROOT
from tests.services import wait_for

SPACE = Space("kinds", 16)
VECTORS = np.random.default_rng(0).standard_normal((40, 16))
ROWS = [
    Row(f"c{at}", f"d{at}", "v", "f", 0, "s3://b/k", "text", (vector / np.linalg.norm(vector)).tolist(), terms="text")
    for at, vector in enumerate(VECTORS)
]
OWN = [IndexKind.FLAT, IndexKind.HNSW, IndexKind.IVF_FLAT, IndexKind.IVF_SQ8]
CONFIGS = [
    *(IndexConfig(kind=kind) for kind in OWN),
    *(IndexConfig(consistency=each) for each in Consistency),
    IndexConfig(partition_key="tenant"),
]


def name_of(config: IndexConfig) -> str:
    return f"{config.kind}-{config.consistency}-{config.partition_key}"


def answers(index: MilvusIndex, *, at_once: bool = True) -> None:
    """The index gives back what was written, the nearest first, of a tenant nothing else; `at_once` or soon."""
    collection = f"k_{secrets.token_hex(4)}"
    tenants = [replace(row, metadata={"tenant": "a" if at % 2 else "b"}) for at, row in enumerate(ROWS)]
    index.upsert(collection, SPACE, tenants)
    if not at_once:
        wait_for(lambda: len(index.search_vector(collection, SPACE, ROWS[0].vector, 40)) == len(ROWS), "all rows", 60)
    with index.session():
        for row in ROWS[:3]:
            assert index.search_vector(collection, SPACE, row.vector, 1)[0].row.chunk_id == row.chunk_id
        mine = Where(condition=parse_condition("tenant == a"))
        found = index.search_vector(collection, SPACE, ROWS[0].vector, 40, mine)
    assert {each.row.metadata["tenant"] for each in found} == {"a"}


def test_a_search_looks_deeper_the_more_it_is_to_find():
    assert search_parameters(IndexKind.IVF_FLAT, 10, lite=True) == {"nprobe": 32}
    assert search_parameters(IndexKind.IVF_FLAT, 300, lite=True) == {"nprobe": 200}
    assert search_parameters(IndexKind.IVF_FLAT, 10_000, lite=True) == {"nprobe": 1024}  # all of its lists
    assert search_parameters(IndexKind.AUTO, 300, lite=False) == {"ef": 600, "nprobe": 200}


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_milvus_lite_takes_it(tmp_path: Path, config: IndexConfig):
    answers(MilvusIndex(str(tmp_path / "index.db"), config=config))


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_server_takes_it(milvus: str, config: IndexConfig):
    answers(MilvusIndex(milvus, MILVUS_ROOT, config), at_once=config.consistency is Consistency.STRONG)


@pytest.mark.parametrize("kind", [IndexKind.DISKANN, IndexKind.GPU_CAGRA])
def test_kind_that_milvus_lite_lacks_is_told(tmp_path: Path, kind: IndexKind):
    index = MilvusIndex(str(tmp_path / "index.db"), config=IndexConfig(kind=kind))
    with pytest.raises(ConfigError, match=kind.value):
        index.upsert("docs", SPACE, ROWS)


@pytest.mark.parametrize(("rows", "lite", "kind"), [
    (1_000, False, IndexKind.FLAT),
    (1_000_000, True, IndexKind.FLAT),
    (1_000_000, False, IndexKind.HNSW),
    (10_000_000, False, IndexKind.IVF_SQ8),
])  # fmt: skip
def test_kind_fits_the_number_of_rows(rows: int, lite: bool, kind: IndexKind):
    assert kind_for(IndexConfig(), rows, lite=lite) is kind
