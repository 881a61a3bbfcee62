"""What the assets run on, as Dagster resources."""

from resources.scope import ScopeResource
from resources.triton import TritonResource
from resources.workspace import IndexResource, LedgerResource, ObjectStoreResource, WorkspaceResource

__all__ = [
    "IndexResource",
    "LedgerResource",
    "ObjectStoreResource",
    "ScopeResource",
    "TritonResource",
    "WorkspaceResource",
]
