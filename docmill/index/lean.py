"""Imports pymilvus without pandas.

pymilvus 3.0 imports pandas for data frames that docmill never passes: half of its 1.5 CPU seconds, in every search of
the command line. During the import a stand-in takes pandas's place, unless pandas is there already: nothing is an
instance of its DataFrame, and its functions call pandas's own, which is imported then. Afterwards `import pandas`
works as ever.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType

_NAMES = ("pandas", "pandas.api", "pandas.api.types")


class _StandIn(ModuleType):
    """A module whose classes are empty and whose functions are the real module's, looked up when they are called."""

    __path__: list[str] = []  # noqa: RUF012 - what makes it a package

    def __getattr__(self, name: str) -> type | Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)
        if name[0].isupper():
            return type(name, (), {})
        return lambda *arguments: getattr(importlib.import_module(self.__name__), name)(*arguments)


def import_pymilvus() -> None:
    """pymilvus is imported afterwards, without pandas where that is not imported yet."""
    if "pymilvus" in sys.modules or "pandas" in sys.modules:
        return
    sys.modules.update({name: _StandIn(name) for name in _NAMES})
    try:
        importlib.import_module("pymilvus")
    finally:
        for name in _NAMES:
            sys.modules.pop(name, None)
