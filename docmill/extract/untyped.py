"""Names for the objects of libraries that ship no types: what the readers take apart, never what they return."""

from __future__ import annotations

from typing import Any, TypeAlias

XmlNode: TypeAlias = Any
"""An lxml element."""

OfficeObject: TypeAlias = Any
"""A shape, paragraph, sheet or cell of python-pptx, openpyxl or xlrd."""

Picture: TypeAlias = Any
"""A PIL image."""

Pixels: TypeAlias = Any
"""A numpy array of height x width x 3 bytes."""

Foreign: TypeAlias = Any
"""Any other object of such a library, or a parsed JSON value."""
