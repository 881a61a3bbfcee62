"""The parts of a workspace as Dagster resources.

Every field is empty by default: then docmill's settings (`docmill.toml`, `DOCMILL_…`) decide, the same that the command
line uses. Secrets come by the environment alone, so that no page of Dagster shows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from docmill.settings import Settings, load_settings
from docmill.workspace import Workspace
from resources.triton import TritonResource


class ObjectStoreResource(dg.ConfigurableResource):
    """Where batches and artifacts lie: an `s3://bucket/prefix/` or `file:///folder/` address."""

    url: str = ""
    s3_endpoint_url: str = ""


class IndexResource(dg.ConfigurableResource):
    """Milvus: a server's URL, or a path that ends with `.db` for the embedded Milvus Lite."""

    uri: str = ""


class LedgerResource(dg.ConfigurableResource):
    """The ledger: a folder for the embedded SQLite file; PostgreSQL's address is a secret: `DOCMILL_LEDGER_URL`."""

    folder: str = ""


class WorkspaceResource(dg.ConfigurableResource):
    """Store, ledger, index and models together, as the library takes them."""

    store: ObjectStoreResource
    index: IndexResource
    ledger: LedgerResource
    triton: TritonResource

    def settings(self) -> Settings:
        """docmill's settings with what is given here in their place."""
        settings = load_settings()
        given = {
            "store_url": self.store.url,
            "s3_endpoint_url": self.store.s3_endpoint_url,
            "milvus_uri": self.index.uri,
            "ledger_url": f"sqlite:///{self.ledger.folder}/ledger.db" if self.ledger.folder else "",
        }
        return self.triton.apply(settings.model_copy(update={name: value for name, value in given.items() if value}))

    @contextmanager
    def open(self) -> Iterator[Workspace]:
        """A workspace; its connections are closed at the end."""
        workspace = Workspace(self.settings())
        try:
            yield workspace
        finally:
            workspace.close()
