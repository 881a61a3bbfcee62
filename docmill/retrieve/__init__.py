"""Questions to hits."""

from docmill.retrieve.search import SearchMode, search

__all__ = ["SearchMode", "search"]
