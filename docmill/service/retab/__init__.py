"""Retab's wire protocol: the official, unmodified SDK works by its base URL and key alone."""

from docmill.service.retab.routes import retab_protocol

__all__ = ["retab_protocol"]
