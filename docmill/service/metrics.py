"""What Prometheus scrapes: requests and jobs. No label holds a key, a document or a name that callers choose."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector
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
        info = Info("docmill", "What runs here.", registry=self.registry)
        info.info({"version": version("docmill")})
        self.registry.register(_JobCounts(jobs))
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
