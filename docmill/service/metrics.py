"""What Prometheus scrapes: requests and jobs. No label holds a key, a document or a name that callers choose."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from docmill.errors import SystemicError
from docmill.jobs import Jobs

_JOB_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """The counters of one service."""

    def __init__(self, jobs: Jobs) -> None:
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
        self.registry.register(_JobCounts(jobs))


class _JobCounts(Collector):
    """How many jobs there are now, by kind and state."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def describe(self) -> list[GaugeMetricFamily]:
        """The name alone: registering must not ask the database."""
        return [self._family()]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The numbers; none while the database cannot be asked."""
        family = self._family()
        try:
            counts = self._jobs.counts()
        except SystemicError:
            counts = {}
        for (kind, state), number in counts.items():
            family.add_metric([kind, state.value], number)
        yield family

    @staticmethod
    def _family() -> GaugeMetricFamily:
        return GaugeMetricFamily("docmill_jobs", "Jobs that are known.", labels=["kind", "state"])
