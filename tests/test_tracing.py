"""Traces as a collector receives them, over OTLP and HTTP: from upload to hit."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from docmill.models import Stage
from tests.conftest import Run


class Collector(ThreadingHTTPServer):
    """An OTLP receiver that keeps the spans."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Span] = []


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        data = gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data
        request = ExportTraceServiceRequest.FromString(data)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def attributes(span: Span) -> dict[str, object]:
    return {
        each.key: [item.string_value for item in each.value.array_value.values]
        or each.value.string_value
        or each.value.int_value
        for each in span.attributes
    }


def test_batch_is_one_trace_and_a_search_is_linked_to_it(docmill: Run, folder: Path, collector: Collector):
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    docmill("ingest", folder, "--runner", "library", code=2, **env)
    docmill("retry", "--json", code=2, **env)  # another process, later
    spans = list(collector.spans)
    (root,) = [span for span in spans if not span.parent_span_id]
    assert root.name == "upload"
    assert {span.trace_id for span in spans} == {root.trace_id}
    assert {span.parent_span_id for span in spans if span is not root} == {root.span_id}
    by_name = {span.name: span for span in spans}
    assert set(by_name) == {"upload", *(stage.value for stage in Stage)}
    told = attributes(next(span for span in spans if span.name == "extracted_elements"))
    assert len(told["docmill.document_ids"]) == 3
    assert (told["docmill.collection"], told["docmill.ok"], told["docmill.failed"]) == ("default", 2, 1)
    failed = [event for span in spans for event in span.events]
    assert {each.name for each in failed} == {"failed document"}
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in spans)

    hits = json.loads(docmill("search", "How much does the pump deliver?", "--json", **env).stdout)["hits"]
    (search,) = [span for span in collector.spans if span.name == "search"]
    assert search.links[0].trace_id == root.trace_id
    assert hits[0]["document_id"] in attributes(search)["docmill.document_ids"]
    assert not any(b"litres" in span.SerializeToString() or b"How much" in span.SerializeToString() for span in spans)


def test_collector_that_is_away_costs_no_work(docmill: Run, folder: Path):
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    docmill("ingest", folder, "--runner", "library", **env)
    assert json.loads(docmill("search", "pump", "--json").stdout)["hits"]
