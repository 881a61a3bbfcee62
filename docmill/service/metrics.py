"""What Prometheus scrapes: requests, jobs, and what the pipeline did, whichever process did it.

Batch runs end before anyone could scrape them, so the pipeline's numbers are the sums that they leave in the ledger.
They are read at most every half minute, for at ten million documents counting takes its time. No label holds a key, a
document or a name that callers choose; by collection `docmill usage` tells.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from docmill.errors import SystemicError
from docmill.jobs import Jobs
from docmill.workspace import Workspace

_SUMS = {
    "seconds": ("docmill_stage_seconds", "Wall seconds that documents were in the stage."),
    "cpu_seconds": ("docmill_stage_cpu_seconds", "CPU seconds that the stage took."),
    "gpu_seconds": ("docmill_stage_gpu_seconds", "Seconds that Triton computed for the stage."),
}
_AMOUNTS = {
    "bytes": ("docmill_bytes", "Bytes of documents that were read."),
    "pages": ("docmill_pages", "Pages that were extracted."),
    "tokens": ("docmill_tokens", "Tokens of chunks that were made."),
}
_FRESH_SECONDS = 30.0
_JOB_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """The counters of one service."""

    def __init__(self, workspace: Workspace) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "docmill_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "docmill_http_request_seconds", "Time to answer a request.", ["method", "route"], registry=self.registry
        )
        self.jobs = Histogram(
            "docmill_job_seconds", "Time that a job was in work.", ["kind", "end"], buckets=_JOB_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        info = Info("docmill", "What runs here.", registry=self.registry)
        info.info({"version": version("docmill")})
        self.registry.register(_JobCounts(workspace.jobs))
        self.registry.register(_Pipeline(workspace))
        ProcessCollector(registry=self.registry)


class _JobCounts(Collector):
    """How many jobs there are now, by kind and state, and how long the oldest waits."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def describe(self) -> list[GaugeMetricFamily]:
        """The names alone: registering must not ask the database."""
        return [self._family(), self._waiting(0.0)]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The numbers; none while the database cannot be asked."""
        family = self._family()
        try:
            counts, oldest = self._jobs.counts(), self._jobs.oldest_queued()
        except SystemicError:
            return
        for (kind, state), number in counts.items():
            family.add_metric([kind, state.value], number)
        yield family
        yield self._waiting(oldest)

    @staticmethod
    def _waiting(seconds: float) -> GaugeMetricFamily:
        return GaugeMetricFamily("docmill_oldest_queued_job_seconds", "Time that the oldest job waits.", value=seconds)

    @staticmethod
    def _family() -> GaugeMetricFamily:
        return GaugeMetricFamily("docmill_jobs", "Jobs that are known.", labels=["kind", "state"])


class _Pipeline(Collector):
    """What the pipeline did, stage by stage, and what stands."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._read: tuple[float, list[Metric]] | None = None

    def describe(self) -> list[Metric]:
        """The names alone: registering must not ask the database."""
        return [*_counters(), *_gauges()]

    def collect(self) -> Iterator[Metric]:
        """The numbers, at most half a minute old; none while the database cannot be asked."""
        with self._lock:
            if self._read is None or time.monotonic() - self._read[0] > _FRESH_SECONDS:
                try:
                    self._read = (time.monotonic(), self._ask())
                except SystemicError:
                    self._read = None
            yield from self._read[1] if self._read else self.describe()

    def _ask(self) -> list[Metric]:
        ends, *sums = _counters()
        rows = self._workspace.usage.by("stage")
        for row in rows:
            spent = row.spent
            for end, number in (("failed", spent.failed), ("partial", spent.partial)):
                ends.add_metric([row.name, end], number)
            ends.add_metric([row.name, "ok"], spent.documents - spent.failed - spent.partial)
            for name, family in zip(_SUMS, sums[: len(_SUMS)], strict=True):
                family.add_metric([row.name], getattr(spent, name))
        for name, family in zip(_AMOUNTS, sums[len(_SUMS) :], strict=True):
            family.add_metric([], sum(getattr(row.spent, name) for row in rows))
        known, failed = self._workspace.ledger.totals()
        numbers = (known, failed, len(self._workspace.ledger.unfinished_batches()))
        gauges = _gauges()
        for gauge, number in zip(gauges, numbers, strict=True):
            gauge.add_metric([], number)
        return [ends, *sums, *gauges]


def _counters() -> list[CounterMetricFamily]:
    """Documents by stage and end, times by stage, amounts; without numbers."""
    ends = CounterMetricFamily(
        "docmill_stage_documents", "Documents that a stage was done with.", labels=["stage", "end"]
    )
    times = [CounterMetricFamily(name, text, labels=["stage"]) for name, text in _SUMS.values()]
    return [ends, *times, *(CounterMetricFamily(name, text) for name, text in _AMOUNTS.values())]


def _gauges() -> list[GaugeMetricFamily]:
    """What stands now, without numbers."""
    texts = {
        "docmill_documents": "Documents that are known.",
        "docmill_documents_failed": "Documents that stand failed or partial.",
        "docmill_batches_waiting": "Batches that are not through all stages.",
    }
    return [GaugeMetricFamily(name, text) for name, text in texts.items()]
