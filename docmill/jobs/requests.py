"""For whoever wants work done: jobs are accepted, looked up, cancelled and deleted."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

from docmill.database import again
from docmill.jobs.job import Job, JobState
from docmill.jobs.rows import OPEN, Rows, job_of
from docmill.tables import jobs as _jobs

_INSERT = _jobs.insert()


class Requests(Rows):
    """The jobs as those see them who ask for their results."""

    def submit(
        self,
        kind: str,
        payload: Mapping[str, object],
        *,
        files: Mapping[str, bytes] | None = None,
        tenant: str = "",
        work: str = "",
        again_if_failed: bool = True,
    ) -> Job:
        """A queued job; it is durable when this returns.

        With `work`, the tenant's job of the same work that has not failed or expired is given back instead.
        """
        if work:
            known = self._same(tenant, work, again_if_failed)
            if known is not None:
                return known
        return self.add(kind, payload, files=files, tenant=tenant, work=work)

    def add(
        self,
        kind: str,
        payload: Mapping[str, object],
        *,
        files: Mapping[str, bytes] | None = None,
        tenant: str = "",
        work: str = "",
        subject: str = "",
        priority: int = 0,
        awaits: str = "",
    ) -> Job:
        """A new job, queued, whether there is one of the same work or not; it is durable when this returns."""
        now, given = time.time(), tuple(files or ())
        job = Job(str(uuid.uuid4()), kind, tenant, work, JobState.QUEUED, dict(payload), given, 0, now, subject=subject)
        job = replace(job, priority=priority, awaits=awaits)
        for name, data in (files or {}).items():
            self._store.put(job.key(name), data)
        self._insert(job)
        return job

    @again
    def _insert(self, job: Job) -> None:
        row = {
            "job_id": job.job_id,
            "kind": job.kind,
            "tenant": job.tenant,
            "work": job.work,
            "state": job.state.value,
            "payload": job.payload,
            "files": list(job.files),
            "created_at": job.created_at,
            "subject": job.subject,
            "priority": job.priority,
            "awaits": job.awaits,
        }
        zero = dict.fromkeys(("attempts", "lease_until", "due_at", "started_at", "finished_at", "expires_at"), 0)
        empty = dict.fromkeys(("owner", "error", "message", "hint"), "")
        with self._database.write() as connection:
            connection.execute(_INSERT, {**row, **zero, **empty, "progress": {}})

    def _same(self, tenant: str, work: str, again_if_failed: bool) -> Job | None:
        over = [JobState.CANCELLED.value, *([JobState.FAILED.value] if again_if_failed else [])]
        query = sa.select(_jobs).where(_jobs.c.tenant == tenant, _jobs.c.work == work, _jobs.c.state.not_in(over))
        fresh = sa.or_(_jobs.c.expires_at == 0, _jobs.c.expires_at > time.time() + 60)
        with self._database.read() as connection:
            row = connection.execute(query.where(fresh).order_by(_jobs.c.created_at.desc()).limit(1)).first()
        return job_of(row) if row else None

    def waiting(self, kind: str, limit: int = 1_000) -> list[Job]:
        """The oldest jobs of a kind that have not ended."""
        query = sa.select(_jobs).where(_jobs.c.kind == kind, _jobs.c.state.in_(OPEN))
        with self._database.read() as connection:
            return [job_of(row) for row in connection.execute(query.order_by(_jobs.c.created_at).limit(limit))]

    def newest(self, tenant: str | None = None, *, state: JobState | None = None, limit: int = 100) -> list[Job]:
        """The newest jobs."""
        query = sa.select(_jobs).order_by(_jobs.c.created_at.desc()).limit(limit)
        if tenant is not None:
            query = query.where(_jobs.c.tenant == tenant)
        if state is not None:
            query = query.where(_jobs.c.state == state.value)
        with self._database.read() as connection:
            return [job_of(row) for row in connection.execute(query)]

    def about(self, tenant: str, subject: str, skip: int = 0, limit: int = 100) -> tuple[list[Job], int]:
        """The tenant's jobs about a subject, the newest first, and how many there are in all."""
        chosen = (_jobs.c.tenant == tenant, _jobs.c.subject == subject)
        query = sa.select(_jobs).where(*chosen).order_by(_jobs.c.created_at.desc(), _jobs.c.job_id)
        with self._database.read() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(_jobs).where(*chosen)).scalar_one()
            return [job_of(row) for row in connection.execute(query.offset(skip).limit(limit))], total

    def of_work(self, work: str, limit: int = 100) -> list[Job]:
        """The newest jobs of the same work, whoever's they are; those that have not ended come first."""
        ended = sa.case((_jobs.c.state.in_(OPEN), 0), else_=1)
        query = sa.select(_jobs).where(_jobs.c.work == work).order_by(ended, _jobs.c.created_at.desc()).limit(limit)
        with self._database.read() as connection:
            return [job_of(row) for row in connection.execute(query)]

    @again
    def cancel(self, job_id: str, tenant: str | None = None) -> bool:
        """The job is not begun, and what a handler still does for it is thrown away; False if it has ended."""
        now = time.time()
        ends = {"state": JobState.CANCELLED.value, "finished_at": now, "expires_at": now + self._ttl, "owner": ""}
        with self._database.write() as connection:
            chosen = _jobs.update().where(_jobs.c.job_id == job_id, _jobs.c.state.in_(OPEN))
            if tenant is not None:
                chosen = chosen.where(_jobs.c.tenant == tenant)
            return connection.execute(chosen.values(**ends)).rowcount > 0

    def delete(self, job_id: str, tenant: str | None = None) -> bool:
        """The job, its files and its result are gone; False if it is not known."""
        job = self.find(job_id, tenant)
        if job is None:
            return False
        self._forget([job])
        return True
