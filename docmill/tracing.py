"""Traces from upload to hit, by OpenTelemetry: one trace a batch, a span a stage, searches linked to what they found.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) names a collector; needs `docmill[telemetry]`. All
else is said by OpenTelemetry's own variables. A batch's trace id is made of its name, so that the spans of all runs,
retries and machines come together without anything being passed on. No span holds text of documents or questions.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from docmill.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.trace import Span, SpanContext

    from docmill.models import Hit
    from docmill.pipeline import StageReport

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_IDS = 1_000
"""Document ids that a span holds at most."""


def enabled() -> bool:
    """Whether a collector is named."""
    return any(os.environ.get(name) for name in _ENDPOINTS)


@functools.cache
def _provider() -> TracerProvider:
    """What makes spans and sends them, in the background and at the end of the process."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{_ENDPOINTS[0]} is set, but the Python package {error.name} is not installed.",
            hint="pip install 'docmill[telemetry]', or unset the variable.",
        ) from None
    name = os.environ.get("OTEL_SERVICE_NAME", "docmill")
    provider = TracerProvider(resource=Resource.create({"service.name": name}), id_generator=_id_generator())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


_given: ContextVar[SpanContext | None] = ContextVar("_given", default=None)


@functools.cache
def _id_generator() -> IdGenerator:
    """Random ids, but those of `_given` for the span that begins a batch's trace."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            given = _given.get()
            return given.trace_id if given else super().generate_trace_id()

        def generate_span_id(self) -> int:
            given = _given.get()
            return given.span_id if given else super().generate_span_id()

    return Ids()


def _root(batch: str) -> SpanContext:
    """The ids of the batch's first span, which is the parent of all others of its trace."""
    from opentelemetry.trace import SpanContext, TraceFlags

    hashed = hashlib.sha256(f"docmill batch {batch}".encode()).digest()
    ids = int.from_bytes(hashed[:16]), int.from_bytes(hashed[16:24])
    return SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _below(batch: str) -> Context:
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    return set_span_in_context(NonRecordingSpan(_root(batch)))


def upload(batch: str, collection: str, document_ids: Sequence[str], since: float) -> None:
    """The batch's first span: from when its newest object was written (s since the epoch) to now."""
    if not enabled():
        return
    from opentelemetry.context import Context

    token = _given.set(_root(batch))
    try:
        span = _provider().get_tracer("docmill").start_span("upload", Context(), start_time=round(since * 1e9))
    finally:
        _given.reset(token)
    _describe(span, batch, collection, document_ids)
    span.end()


@contextmanager
def stage(name: str, batch: str, run_id: str) -> Iterator[list[StageReport]]:
    """A span of the stage's work on the batch; who works puts the report into the list."""
    reports: list[StageReport] = []
    if not enabled():
        yield reports
        return
    tracer = _provider().get_tracer("docmill")
    with tracer.start_as_current_span(name, _below(batch)) as span:
        span.set_attribute("dagster.run_id", run_id)
        yield reports
        for report in reports:
            _describe(span, batch, report.collection, report.worked_on)
            for number in ("documents", "ok", "partial", "failed", "waiting"):
                span.set_attribute(f"docmill.{number}", getattr(report, number))
            for failure in report.failures[:_IDS]:
                outcome = failure.outcome
                told = {"docmill.document_id": outcome.document_id, "docmill.error": outcome.error or "partial"}
                span.add_event("failed document", told)


@contextmanager
def search(collection: str, top_k: int) -> Iterator[list[tuple[Hit, str]]]:
    """A span of a search; who searches puts the hits with their batches into the list, and they are linked."""
    found: list[tuple[Hit, str]] = []
    if not enabled():
        yield found
        return
    with _provider().get_tracer("docmill").start_as_current_span("search") as span:
        span.set_attribute("docmill.collection", collection)
        span.set_attribute("docmill.top_k", top_k)
        yield found
        span.set_attribute("docmill.document_ids", list(dict.fromkeys(hit.document_id for hit, _ in found)))
        for batch in dict.fromkeys(batch for _, batch in found if batch):
            span.add_link(_root(batch), {"docmill.batch": batch})


def _describe(span: Span, batch: str, collection: str, document_ids: Sequence[str]) -> None:
    span.set_attribute("docmill.batch", batch)
    span.set_attribute("docmill.collection", collection)
    span.set_attribute("docmill.document_ids", list(document_ids)[:_IDS])
