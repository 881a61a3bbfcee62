"""Extractions and their sources as the SDK's models have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import cast

from pydantic import JsonValue

from docmill.structured.extractions import StoredExtraction
from docmill.structured.record import Citation, FieldResult, Json, Record, join

_TYPES = {"application/pdf": "pdf", "text/csv": "csv", "text/tab-separated-values": "csv"}


def document_type(media_type: str) -> str:
    """The SDK's word for a type: pdf, image, csv, xlsx, docx or txt; others map to the nearest."""
    if media_type in _TYPES:
        return _TYPES[media_type]
    if media_type.startswith("image/"):
        return "image"
    if "spreadsheet" in media_type or "excel" in media_type:
        return "xlsx"
    return "docx" if "word" in media_type or "opendocument" in media_type or "rtf" in media_type else "txt"


def moment(seconds: float) -> str:
    """ISO 8601 with Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def extraction_view(stored: StoredExtraction, record: Record | None) -> Json:
    """The extraction; without its record the output is empty, and consensus and validation say nothing."""
    head = stored.head
    consensus: Json = {"choices": [], "likelihoods": {}}
    validation: JsonValue = None
    if record is not None:
        consensus = {"choices": cast(JsonValue, list(record.choices)), "likelihoods": record.likelihoods()}
        validation = validation_view(record)
    return {
        "id": stored.extraction_id,
        "object": "extraction",
        "file": head["file"],
        "model": head["model"],
        "json_schema": head["json_schema"],
        "n_consensus": head["n_consensus"],
        "instructions": head["instructions"],
        "output": record.value if record is not None else {},
        "status": stored.status.value,
        "error": stored.error,
        "consensus": consensus,
        "metadata": head["metadata"],
        "usage": {"credits": 0.0},
        "created_at": moment(stored.created_at),
        "updated_at": moment(stored.finished_at or stored.created_at),
        "validation": validation,
        "engine": head.get("engine"),
    }


def line_view(stored: StoredExtraction, output: Json) -> Json:
    """An extraction that is still at work, with what is known so far."""
    head = stored.head
    return {
        "id": stored.extraction_id,
        "file": head["file"],
        "model": head["model"],
        "json_schema": head["json_schema"],
        "output": output,
        "status": "in_progress",
        "error": None,
        "created_at": moment(stored.created_at),
    }


def validation_view(record: Record) -> Json:
    """The validation block."""
    block = record.validation
    return {
        "valid": block.valid,
        "missing_required": list(block.missing_required),
        "errors": [each.model_dump(mode="json") for each in block.errors],
        "warnings": [each.model_dump(mode="json") for each in block.warnings],
        "arrays": {path: report.model_dump(mode="json") for path, report in block.arrays.items()},
        "arithmetic": list(block.arithmetic),
    }


def sources_view(stored: StoredExtraction, record: Record | None, mode: str) -> Json:
    """The sources of an extraction, in the shape of its output, and the evidence by dotted path."""
    file = cast(Json, stored.head["file"])
    job = {
        "id": "src_" + stored.extraction_id.removeprefix("extr_"),
        "object": "extraction.sources.job",
        "mode": mode,
        "status": "completed" if record is not None else "pending",
        "is_partial": False,
        "revision": 1,
        "updated_at": moment(stored.finished_at or stored.created_at),
        "error": None,
    }
    sources: JsonValue = {}
    evidence: Json = {}
    if record is not None:
        anchors = _Anchors(str(file["id"]), stored.document_type)
        sources = anchors.tree(record.value, "", record.fields)
        evidence = dict(anchors.evidence(record.fields, mode))
    return {
        "object": "extraction.sources",
        "extraction_id": stored.extraction_id,
        "document_type": stored.document_type,
        "file": file,
        "extraction": record.value if record is not None else {},
        "sources": sources,
        "evidence": evidence,
        "job": cast(JsonValue, job),
    }


class _Anchors:
    def __init__(self, file_id: str, kind: str) -> None:
        self._file_id = file_id
        self._kind = kind

    def tree(self, value: JsonValue, path: str, fields: Mapping[str, FieldResult]) -> JsonValue:
        """Each leaf as its value and source."""
        if isinstance(value, dict):
            return {key: self.tree(item, join(path, key), fields) for key, item in value.items()}
        if isinstance(value, list):
            return [self.tree(item, join(path, number), fields) for number, item in enumerate(value)]
        leaf = fields.get(path)
        cited = leaf.citation if leaf is not None and value is not None else None
        return {"value": value, "source": self._source(cited) if cited is not None else None}

    def _source(self, cited: Citation) -> Json:
        return {"content": cited.text, "file_id": self._file_id, "anchor": self._anchor(cited)}

    def _anchor(self, cited: Citation) -> Json:
        """Where it stands: a box in fractions of the page, or the line of a text."""
        if cited.bbox is not None and cited.page_size is not None:
            width, height = cited.page_size
            box = cited.bbox
            return {
                "kind": "image_bbox" if self._kind == "image" else "pdf_bbox",
                "page": cited.page or 1,
                "left": round(box.x0 / width, 6),
                "top": round(box.y0 / height, 6),
                "width": round((box.x1 - box.x0) / width, 6),
                "height": round((box.y1 - box.y0) / height, 6),
            }
        line = (cited.element or 0) + 1
        return {"kind": "text_span", "line_start": line, "line_end": line, "char_start": 0, "char_end": len(cited.text)}

    def evidence(self, fields: Mapping[str, FieldResult], mode: str) -> Iterator[tuple[str, JsonValue]]:
        """What proves each leaf; with `cited` the label beside it, too."""
        for path, leaf in fields.items():
            if leaf.value is None or leaf.citation is None:
                status = "missing"
                kind = "unavailable" if leaf.value is None else "direct"
                yield path, {"kind": kind, "status": status, "sources": []}
                continue
            answer = {**self._source(leaf.citation), "qualification": "direct", "role": "answer"}
            found: list[JsonValue] = [answer]
            if mode == "cited" and leaf.citation.label:
                label = {**self._source(leaf.citation), "content": leaf.citation.label}
                found.append({**label, "qualification": "partial", "role": "input"})
            yield path, {"kind": "direct", "status": "matched", "sources": found}
