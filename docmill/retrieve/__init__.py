"""Questions to hits."""

from docmill.retrieve.options import Fusion, SearchMode, SearchOptions
from docmill.retrieve.search import live_space, search, search_documents

__all__ = ["Fusion", "SearchMode", "SearchOptions", "live_space", "search", "search_documents"]
