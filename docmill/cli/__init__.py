"""The `docmill` command."""

from docmill.cli.app import main

__all__ = ["main"]
