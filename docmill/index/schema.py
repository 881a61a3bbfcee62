"""What a row is in Milvus: the fields and indexes of a physical collection, and rows as entities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docmill.config import IndexConfig, IndexKind
from docmill.errors import ConfigError
from docmill.index.base import Row, Space
from docmill.index.filters import readers_of
from docmill.models import ChunkKind, Region

_PLAIN = ["chunk_id", "document_id", "version", "fingerprint", "ordinal", "source_key", "text", "terms", "parent"]
_LISTS = ["pages", "types", "access"]
OUTPUT = [*_PLAIN, *_LISTS, "kind", "metadata", "provenance"]
TENANT = "tenant"
READERS = "readers"
"""The access tags once more, as a text."""
_FEW = 50_000
_MANY = 5_000_000
_PARTITIONS = 64
_NOT_IN_LITE = {IndexKind.DISKANN, IndexKind.GPU_CAGRA}
"""Milvus Lite 3.2 takes these names without a word, and builds nothing."""
_SHORT = {
    "document_id": 64,
    "version": 64,
    "fingerprint": 64,
    "source_key": 4096,
    "kind": 16,
    READERS: 16_384,
    TENANT: 256,
}


def entity_of(row: Row, partition_key: str) -> dict[str, Any]:
    """The row as Milvus takes it; its tenant is what its metadata has under the partition key."""
    regions = [[each.page, *_box(each), *(each.page_size or ())] for each in row.regions]
    extra: dict[str, Any] = {"section": row.section, "regions": regions, "place": row.place, "elements": row.elements}
    extra |= {"seconds": row.seconds} if row.seconds else {}
    values: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
    values |= {name: list(getattr(row, name)) for name in _LISTS}
    tenant = {TENANT: str(row.metadata.get(partition_key, ""))} if partition_key else {}
    return (
        values
        | tenant
        | {
            "kind": row.kind.value,
            READERS: readers_of(row.access),
            "metadata": dict(row.metadata),
            "provenance": extra,
            "dense": row.vector,
        }
    )


def _box(region: Region) -> tuple[float, float, float, float]:
    return region.bbox.x0, region.bbox.y0, region.bbox.x1, region.bbox.y1


def row_of(entity: Mapping[str, Any]) -> Row:
    """The row of an entity, with its vector where the entity has it."""
    extra = entity["provenance"]
    regions = tuple(
        Region.model_validate(
            {
                "page": page,
                "bbox": {"x0": x0, "y0": y0, "x1": x1, "y1": y1},
                "page_size": tuple(size) or None,
            }
        )
        for page, x0, y0, x1, y1, *size in extra["regions"]
    )
    values = {name: entity[name] for name in _PLAIN} | {name: tuple(entity[name]) for name in _LISTS}
    return Row(
        **values,
        vector=tuple(entity.get("dense") or ()),
        section=tuple(extra["section"]),
        regions=regions,
        place=extra["place"],
        elements=tuple(extra["elements"]),
        seconds=(seconds[0], seconds[1]) if (seconds := extra.get("seconds")) else None,
        kind=ChunkKind(entity["kind"]),
        metadata=dict(entity["metadata"]),
    )


def schema(client: Any, space: Space, config: IndexConfig, *, words: bool, bm25: bool) -> Any:
    """The fields of a physical collection.

    With `words` texts can be filtered by words; with `bm25` Milvus makes a sparse vector of the terms.
    """
    from pymilvus import DataType, Function, FunctionType

    made = client.create_schema(auto_id=False, enable_dynamic_field=False)
    made.add_field("chunk_id", DataType.VARCHAR, max_length=64, is_primary=True)
    for name, length in _SHORT.items():
        if name != TENANT:
            made.add_field(name, DataType.VARCHAR, max_length=length)
        elif config.partition_key:
            made.add_field(name, DataType.VARCHAR, max_length=length, is_partition_key=True)
    made.add_field("ordinal", DataType.INT64)
    made.add_field("parent", DataType.INT64)
    matched = {"enable_analyzer": True, "enable_match": True} if words else {}
    made.add_field("text", DataType.VARCHAR, max_length=65_535, **matched)
    made.add_field("terms", DataType.VARCHAR, max_length=65_535, **({"enable_analyzer": True} if bm25 else {}))
    made.add_field("pages", DataType.ARRAY, element_type=DataType.INT64, max_capacity=4_096)
    made.add_field("types", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=32, max_length=32)
    made.add_field("access", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=256, max_length=256)
    made.add_field("metadata", DataType.JSON)
    made.add_field("provenance", DataType.JSON)
    made.add_field("dense", DataType.FLOAT_VECTOR, dim=space.dimensions)
    if bm25:
        made.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
        fields = {"input_field_names": ["terms"], "output_field_names": ["sparse"]}
        made.add_function(Function(name="words", function_type=FunctionType.BM25, **fields))
    return made


def creation(config: IndexConfig) -> dict[str, Any]:
    """How a physical collection is made, beside its fields."""
    partitions = {"num_partitions": _PARTITIONS} if config.partition_key else {}
    return {"consistency_level": config.consistency.value.capitalize(), **partitions}


def indexes(client: Any, space: Space, kind: IndexKind, *, bm25: bool, lite: bool) -> Any:
    """The indexes over the vectors and, where Milvus makes BM25, over the terms.

    Milvus Lite measures every vector's length anew in each exact search by cosine. Rows have unit length, of which the
    inner product is the same number, for a third less CPU time at 100,000 rows.
    """
    made = client.prepare_index_params()
    metric = "IP" if lite and kind is IndexKind.FLAT and space.metric == "COSINE" else space.metric
    made.add_index("dense", index_type=kind.value.upper(), metric_type=metric, params=_PARAMETERS.get(kind, {}))
    if bm25:
        made.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params=_BM25)
    return made


_BM25: Mapping[str, float] = {"bm25_k1": 1.2, "bm25_b": 0.75}
"""Milvus's own; Milvus Lite would take 1.5."""
_LISTS_OF: Mapping[IndexKind, int] = {IndexKind.IVF_FLAT: 1024, IndexKind.IVF_SQ8: 4096}
"""Into how many lists an index divides its vectors."""
_LEAST_PROBED = 32
_ROWS_PROBED = 3 / 2
"""Rows that are wanted of each list that is looked into (`benchmarks/index.md`)."""
_PARAMETERS: Mapping[IndexKind, Mapping[str, int]] = {
    IndexKind.HNSW: {"M": 16, "efConstruction": 200},
    IndexKind.IVF_FLAT: {"nlist": _LISTS_OF[IndexKind.IVF_FLAT]},
    IndexKind.IVF_SQ8: {"nlist": _LISTS_OF[IndexKind.IVF_SQ8]},
    IndexKind.GPU_CAGRA: {"intermediate_graph_degree": 64, "graph_degree": 32},
}
_DEPTHS: Mapping[IndexKind, str] = {
    IndexKind.HNSW: "ef",
    IndexKind.DISKANN: "search_list",
    IndexKind.GPU_CAGRA: "itopk_size",
}


def search_parameters(kind: IndexKind, limit: int, *, lite: bool) -> dict[str, int]:
    """How deep a search looks to find `limit` rows: approximate indexes must look at more than they give."""
    if kind in _LISTS_OF:
        return {"nprobe": _probed(kind, limit)}
    if kind is IndexKind.AUTO and not lite:
        return {"ef": max(2 * limit, 128), "nprobe": _probed(IndexKind.IVF_SQ8, limit)}
    return {_DEPTHS[kind]: max(2 * limit, 128)} if kind in _DEPTHS else {}


def _probed(kind: IndexKind, limit: int) -> int:
    """Lists that are looked into; Milvus says nothing of how many rows they hold, so as if they held few."""
    return min(_LISTS_OF[kind], max(_LEAST_PROBED, round(limit / _ROWS_PROBED)))


def kind_for(config: IndexConfig, expected_rows: int, *, lite: bool) -> IndexKind:
    """The index over the vectors: the configured one, else by the number of rows. Raises ConfigError for one it lacks.

    Milvus Lite compares with every vector (FLAT): building a graph whenever the folder is closed keeps searches waiting
    five times longer, and finds less. On a server exact search is cheap below 50,000 rows; a graph beyond 5 million
    wants more memory than a quantised IVF index.
    """
    if lite and config.kind in _NOT_IN_LITE:
        raise ConfigError(
            f"Milvus Lite has no index of the kind {config.kind.value}: it would compare with every vector instead.",
            hint="Set pipeline.index.kind to auto, flat, hnsw, ivf_flat or ivf_sq8, or use a Milvus server.",
        )
    if config.kind is not IndexKind.AUTO:
        return config.kind
    if lite or expected_rows < _FEW:
        return IndexKind.FLAT
    return IndexKind.HNSW if expected_rows < _MANY else IndexKind.IVF_SQ8
