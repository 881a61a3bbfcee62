"""Structured extraction: any JSON Schema and a document give a record whose every value is cited, scored, or null."""

from docmill.structured.record import ArrayReport, Citation, FieldResult, Record, Validation

__all__ = ["ArrayReport", "Citation", "FieldResult", "Record", "Validation"]
