"""Bytes to elements."""
