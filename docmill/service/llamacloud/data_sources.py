"""Data sources of clients: prefixes of buckets that an index mirrors, as sources of docmill's.

The deployment's own credentials read them, so only buckets that its operator has named may be: `fetch_s3_buckets`.
A client's keys are not kept. A source that an index has is watched, by Dagster's sensors, too.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import cast

from pydantic import BaseModel, ConfigDict, JsonValue

from docmill.attributes import SIDE_CAR
from docmill.fetch import rules_of
from docmill.keys import Key
from docmill.pipeline import delete_documents
from docmill.service.llamacloud.bodies import form_of
from docmill.service.llamacloud.indexes import Index
from docmill.service.llamacloud.items import Body, Item, Items, items_of
from docmill.service.llamacloud.wire import moment, project_id
from docmill.service.problems import Problem, not_found
from docmill.store import canonical_url
from docmill.workspace import Workspace

_KIND, _ATTACHED = "data_source", "pipeline_source"
_IDS = uuid.UUID("3f0f2a3c-2f47-4f0a-9a50-0d6f0a6f7b11")
_S3 = "S3"


class S3Component(BaseModel):
    """A prefix of a bucket: all that lies below it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    bucket: str
    prefix: str | None = None
    regex_pattern: str | None = None
    s3_endpoint_url: str | None = None

    @property
    def url(self) -> str:
        """The address of the source."""
        return canonical_url(f"s3://{self.bucket}/{(self.prefix or '').strip('/')}")


class SourceForm(BaseModel):
    """What a client names as a source."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    source_type: str
    component: dict[str, JsonValue]
    custom_metadata: dict[str, JsonValue] | None = None


@dataclass(frozen=True)
class Attached:
    """A data source of an index. `own` is whether the index began to watch it by this."""

    item: Item
    source: Item

    @property
    def own(self) -> bool:
        """Whether nobody watched it before."""
        return bool(self.item.body["own"])

    @property
    def url(self) -> str:
        """The address of the source."""
        return str(self.source.body["url"])


class DataSources:
    """The data sources of a key."""

    def __init__(self, workspace: Workspace, key: Key) -> None:
        self._workspace = workspace
        self._key = key
        self._sources: Items = items_of(workspace, _KIND)
        self._attached: Items = items_of(workspace, _ATTACHED)

    def create(self, body: object) -> Item:
        """A new source; raises a Problem 400 that names the way out for one that is not read here."""
        form = form_of(SourceForm, body)
        component = _checked(self._workspace, form)
        kept: Body = {"url": component.url, "bucket": component.bucket, "prefix": component.prefix}
        return self._sources.put(self._key.key_id, form.name, kept)

    def all(self) -> list[Item]:
        """The key's sources, oldest first."""
        return self._sources.all(self._key.key_id)

    def get(self, source_id: str) -> Item:
        """The source; raises a Problem 404."""
        found = self._sources.find(source_id, self._key.key_id)
        if found is None:
            raise not_found(f"data source {source_id}")
        return found

    def rename(self, source_id: str, body: Body) -> Item:
        """The source with another name; raises a Problem 400 where it is to be another one."""
        known = self.get(source_id)
        if body.get("component"):
            given = {"name": known.name, "source_type": _S3, **{name: body[name] for name in body if body[name]}}
            if _checked(self._workspace, form_of(SourceForm, given)).url != known.body["url"]:
                raise Problem(400, "invalid_source", "A data source stays where it is: delete it and create another.")
        return self._sources.put(self._key.key_id, str(body.get("name") or known.name), known.body, source_id)

    def delete(self, source_id: str) -> None:
        """The source is gone, from indexes, too, with the documents that came by it."""
        source = self.get(source_id)
        for item in self._attached.all(self._key.key_id, source_id):
            self._detach(Attached(item, source))
        self._sources.delete(source_id, self._key.key_id)

    # Of an index

    def of_index(self, index: Index) -> list[Attached]:
        """The key's sources that the index has, oldest first."""
        found = [each for each in self._attached.all(self._key.key_id) if each.body["pipeline_id"] == index.pipeline_id]
        return [Attached(each, self.get(each.name)) for each in found]

    def of_both(self, index: Index, source_id: str) -> Attached:
        """The source of the index; raises a Problem 404 where it has not that one."""
        found = self._attached.find(_attached_id(index, source_id), self._key.key_id)
        if found is None:
            raise not_found(f"data source {source_id} in the index {index.name}")
        return Attached(found, self.get(source_id))

    def attach(self, index: Index, source_id: str, sync_interval: float | None) -> Attached:
        """The index has the source, which is watched from now on."""
        source, ledger = self.get(source_id), self._workspace.ledger
        item_id, url = _attached_id(index, source_id), str(source.body["url"])
        known = self._attached.find(item_id, self._key.key_id)
        own = bool(known.body["own"]) if known else (index.collection, url) not in ledger.sources()
        ledger.add_source(index.collection, url)
        body: Body = {"pipeline_id": index.pipeline_id, "collection": index.collection, "own": own}
        body["sync_interval"] = sync_interval
        return Attached(self._attached.put(self._key.key_id, source_id, body, item_id), source)

    def detach_all(self, index: Index) -> None:
        """The index has none of the key's sources any more."""
        for each in self.of_index(index):
            self._detach(each)

    def _detach(self, attached: Attached) -> None:
        workspace, collection = self._workspace, str(attached.item.body["collection"])
        self._attached.delete(attached.item.item_id, self._key.key_id)
        if attached.own and workspace.settings.watch.get(collection) != attached.url:
            workspace.ledger.remove_source(collection, attached.url)
            there = workspace.ledger.documents(collection, attached.url)
            delete_documents(workspace, collection, [each.document_id for each in there])

    def view(self, item: Item) -> Body:
        """A source as the protocol shows it."""
        return {
            "id": item.item_id,
            "name": item.name,
            "source_type": _S3,
            "custom_metadata": None,
            "component": {
                "bucket": item.body["bucket"],
                "prefix": item.body["prefix"],
                "supports_access_control": False,
                "class_name": "CloudS3DataSource",
            },
            "version_metadata": None,
            "project_id": project_id(self._key),
            "created_at": moment(item.created_at),
            "updated_at": moment(item.updated_at),
        }

    def view_of_index(self, attached: Attached, status: str, since: float) -> Body:
        """A source of an index as the protocol shows it; `since` is when it was synced last."""
        item = attached.item
        return {
            **self.view(attached.source),
            "id": item.item_id,
            "data_source_id": attached.source.item_id,
            "pipeline_id": cast(str, item.body["pipeline_id"]),
            "last_synced_at": moment(since or item.created_at),
            "sync_interval": item.body["sync_interval"],
            "sync_schedule_set_by": None,
            "status": status if status != "PARTIAL_SUCCESS" else "SUCCESS",
            "status_updated_at": moment(since or item.updated_at),
        }


def _attached_id(index: Index, source_id: str) -> str:
    return str(uuid.uuid5(_IDS, f"{index.pipeline_id}\n{source_id}"))


def _checked(workspace: Workspace, form: SourceForm) -> S3Component:
    """Where the source is; raises a Problem 400 that names the way out for one that is not read here."""
    if form.source_type != _S3:
        way = "Copy it into an S3 bucket and name that, or put its files into the index by `upload_file`."
        raise Problem(400, "invalid_source", f"Data sources of the type {form.source_type} are not read here.", way)
    component = form_of(S3Component, form.component)
    if form.custom_metadata:
        way = f"Put a file NAME{SIDE_CAR} with the metadata beside each object."
        raise Problem(400, "invalid_source", "custom_metadata of a whole data source are not kept.", way)
    if component.regex_pattern:
        raise Problem(400, "invalid_source", "regex_pattern is not taken.", "Name what is to be read by its prefix.")
    own, given = (workspace.settings.s3_endpoint_url or "").rstrip("/"), component.s3_endpoint_url or ""
    if given and given.rstrip("/") != own:
        way = "Leave it away; an operator sets it by s3_endpoint_url."
        raise Problem(400, "invalid_source", "s3_endpoint_url is not that of this deployment.", way)
    if component.bucket not in rules_of(workspace.settings).buckets:
        way = "An operator allows a bucket by fetch_s3_buckets, or ingests it: docmill ingest s3://BUCKET/PREFIX."
        raise Problem(400, "invalid_source", f"The bucket {component.bucket!r} may not be read from.", way)
    return component
