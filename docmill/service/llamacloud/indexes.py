"""Indexes (the protocol's pipelines): each is a collection of docmill's, whoever fills it.

An index has the name of its collection; a name that none may have stands for one with a like name and a hash. Every
collection that has documents or watched sources can be connected to by name, also where no client has created it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from docmill.ids import digest
from docmill.keys import Key
from docmill.service.llamacloud.items import Body, Item, items_of
from docmill.service.llamacloud.wire import moment, project_id
from docmill.service.problems import Problem, not_found
from docmill.workspace import Workspace

_KIND = "pipeline"
_IDS = uuid.UUID("a7cb4d86-6d11-4ff7-8a3c-4c0e6f1f5d21")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
"""What Milvus allows."""
_KEPT = ("transform_config", "preset_retrieval_parameters", "llama_parse_parameters")
"""What is kept of a client's settings; embedding models and keys are not: the collection's own model embeds."""
_TRANSFORM: Body = {"mode": "auto", "chunk_size": 1024, "chunk_overlap": 200}


@dataclass(frozen=True)
class Index:
    """An index and the collection that it is. Times are s since the epoch, 0 where no client has created it."""

    pipeline_id: str
    collection: str
    name: str
    config: Body
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def preset(self) -> Body:
        """Parameters of retrieval where a question gives none."""
        found = self.config.get("preset_retrieval_parameters")
        return dict(found) if isinstance(found, dict) else {}

    def view(self, key: Key, model: str) -> Body:
        """The index as the protocol shows it; `model` is the name of what embeds."""
        component: Body = {"model_name": model, "class_name": "HuggingFaceInferenceAPIEmbedding"}
        return {
            "id": self.pipeline_id,
            "name": self.name,
            "project_id": project_id(key),
            "pipeline_type": "MANAGED",
            "status": "CREATED",
            "embedding_config": {"type": "HUGGINGFACE_API_EMBEDDING", "component": component},
            "data_sink": sink_view(key),
            "transform_config": self.config.get("transform_config") or _TRANSFORM,
            "preset_retrieval_parameters": self.preset,
            "llama_parse_parameters": self.config.get("llama_parse_parameters") or {},
            "created_at": moment(self.created_at),
            "updated_at": moment(self.updated_at),
        }


class Indexes:
    """The indexes that a key may use."""

    def __init__(self, workspace: Workspace, key: Key) -> None:
        self._workspace = workspace
        self._key = key
        self._items = items_of(workspace, _KIND)

    def put(self, name: str, config: Mapping[str, JsonValue]) -> Index:
        """The index of that name, created where there is none; its settings are changed where some are given."""
        collection = collection_of(name)
        if not self._key.allows(collection):
            raise Problem(403, "forbidden", f"This key may not use the collection {collection!r}.")
        known = self.named(name)
        given = {each: config[each] for each in _KEPT if config.get(each)}
        body = {**(known.config if known else {}), **given, "collection": collection}
        return _index(self._items.put("", name, body, pipeline_id(collection)))

    def get(self, identifier: str) -> Index:
        """The index of that id; raises a Problem 404."""
        item = self._items.find(identifier)
        found = _index(item) if item else next((each for each in self._bare() if each.pipeline_id == identifier), None)
        if found is None or not self._key.allows(found.collection):
            raise not_found(f"pipeline {identifier}")
        return found

    def named(self, name: str) -> Index | None:
        """The index of that name, None if there is none."""
        return next((each for each in self.all() if each.name == name), None)

    def all(self) -> list[Index]:
        """All indexes: those that were created here, oldest first, then collections that others fill."""
        created = [_index(item) for item in self._items.all()]
        known = {each.collection for each in created}
        found = [*created, *(each for each in self._bare() if each.collection not in known)]
        return [each for each in found if self._key.allows(each.collection)]

    def forget(self, index: Index) -> None:
        """No client has created the index any more."""
        self._items.delete(index.pipeline_id)

    def _bare(self) -> list[Index]:
        names = {*self._workspace.ledger.collections(), *self._workspace.settings.watch}
        return [Index(pipeline_id(name), name, name, {}) for name in sorted(names)]


def sink_view(key: Key) -> Body:
    """Where the vectors of all indexes lie, as the protocol shows it; the address is for the operator to know."""
    component: Body = {"uri": "docmill", "class_name": "CloudMilvusVectorStore"}
    sink_id, project = str(uuid.uuid5(_IDS, "data sink")), project_id(key)
    when = {"created_at": moment(0), "updated_at": moment(0)}
    return {
        "id": sink_id,
        "name": "docmill",
        "sink_type": "MILVUS",
        "component": component,
        "project_id": project,
        **when,
    }


def check_sink(key: Key, body: Mapping[str, object]) -> None:
    """Raises a Problem 400 where vectors are to lie anywhere else."""
    own = sink_view(key)["id"]
    if body.get("data_sink") or body.get("data_sink_id") not in (None, own):
        way = f"Leave data_sink away, or give data_sink_id {own}; an operator names another Milvus by milvus_uri."
        raise Problem(400, "one_sink", "Vectors lie in this deployment's own Milvus.", way)


def pipeline_id(collection: str) -> str:
    """The id of the index that a collection is: the same at every service."""
    return str(uuid.uuid5(_IDS, collection))


def collection_of(name: str) -> str:
    """The collection that the index of a name is; raises a Problem 422 for an empty name."""
    if not name.strip():
        raise Problem(422, "invalid_request", "name: an index needs a name.")
    if _NAME.fullmatch(name):
        return name
    like = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:60]
    return f"{like if like[:1].isalpha() else f'index_{like}'}_{digest('index', name)[:8]}"


def _index(item: Item) -> Index:
    config = {name: value for name, value in item.body.items() if name != "collection"}
    return Index(item.item_id, str(item.body["collection"]), item.name, config, item.created_at, item.updated_at)
