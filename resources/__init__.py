"""What the assets run on, as Dagster resources."""

from resources.scope import ScopeResource
from resources.workspace import IndexResource, LedgerResource, ObjectStoreResource, WorkspaceResource

__all__ = ["IndexResource", "LedgerResource", "ObjectStoreResource", "ScopeResource", "WorkspaceResource"]
