"""For whoever does the work: jobs are claimed by lease, and end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docmill.database import again
from docmill.errors import DocmillError, SystemicError, TransientError
from docmill.jobs.job import ANEW, KEPT, Job, JobState
from docmill.jobs.owners import is_dead
from docmill.jobs.rows import OPEN, RESULT, Rows, job_of
from docmill.tables import jobs as _jobs

_PAUSES = (2.0, 10.0, 60.0)
"""Seconds until a job that met a passing fault is tried again; the last one for all later tries."""
_ORDER = (_jobs.c.priority.desc(), _jobs.c.created_at)


class Work(Rows):
    """The jobs as those see them who work on them."""

    @again
    def claim(self, owner: str, kinds: Iterable[str], limit: int, lease_seconds: float) -> list[Job]:
        """At most `limit` jobs for the owner to do, by priority, then oldest first.

        A job whose work another one is doing waits for it, and one that awaits a job until that has ended or is gone.
        No two callers get the same job.
        """
        now = time.time()
        with self._database.write() as connection:
            busy = sa.select(_jobs.c.work).where(_jobs.c.state == JobState.RUNNING.value, _jobs.c.work != "")
            other = _jobs.alias()
            awaited = sa.exists().where(other.c.job_id == _jobs.c.awaits, other.c.state.in_(OPEN))
            query = (
                sa.select(_jobs)
                .where(_jobs.c.state == JobState.QUEUED.value, _jobs.c.due_at <= now, _jobs.c.kind.in_(list(kinds)))
                .where(_jobs.c.work.not_in(busy), sa.or_(_jobs.c.awaits == "", ~awaited))
                .order_by(*_ORDER)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            chosen: dict[str, sa.Row[tuple[object, ...]]] = {}
            for row in connection.execute(query).all():
                chosen.setdefault(row.work or row.job_id, row)
            if not chosen:
                return []
            ids = [row._mapping["job_id"] for row in chosen.values()]
            values = {"state": JobState.RUNNING.value, "owner": owner, "lease_until": now + lease_seconds}
            counted = {"attempts": _jobs.c.attempts + 1, "started_at": now}
            begun = _jobs.update().where(_jobs.c.job_id.in_(ids)).values(**values, **counted).returning(_jobs)
            jobs = [job_of(row) for row in connection.execute(begun)]
        return sorted(jobs, key=lambda job: (-job.priority, job.created_at, job.job_id))

    @again
    def recover(self) -> None:
        """Jobs whose owner is dead, or has not renewed its lease, can be claimed again."""
        with self._database.write() as connection:
            self._free(connection, time.time())

    def _free(self, connection: Connection, now: float) -> None:
        """Jobs of dead owners are queued again, or failed where they have been begun too often."""
        running = sa.select(_jobs.c.job_id, _jobs.c.owner, _jobs.c.lease_until, _jobs.c.attempts)
        rows = connection.execute(running.where(_jobs.c.state == JobState.RUNNING.value)).all()
        lost = [row for row in rows if row.lease_until < now or is_dead(row.owner)]
        given_up = [row.job_id for row in lost if row.attempts >= self._attempts]
        for row in lost:
            if row.job_id not in given_up:
                chosen = _jobs.update().where(_jobs.c.job_id == row.job_id)
                connection.execute(chosen.values(state=JobState.QUEUED.value, owner="", lease_until=0))
        if given_up:
            message = f"The service ended {self._attempts} times while it worked on this."
            ends = {"state": JobState.FAILED.value, "owner": "", "finished_at": now, "expires_at": now + self._ttl}
            why = {"error": "LimitExceededError", "message": message, "hint": "See the service's log."}
            connection.execute(_jobs.update().where(_jobs.c.job_id.in_(given_up)).values(**ends, **why))

    @again
    def renew(self, owner: str, job_ids: Sequence[str], lease_seconds: float) -> None:
        """The jobs that the owner is at work on are its own for that much longer."""
        if not job_ids:
            return
        with self._database.write() as connection:
            mine = _jobs.update().where(_jobs.c.owner == owner, _jobs.c.job_id.in_(list(job_ids)))
            connection.execute(mine.values(lease_until=time.time() + lease_seconds))

    @again
    def release(self, owner: str) -> int:
        """The owner's jobs are queued again, as if they had not been begun; how many."""
        values = {"state": JobState.QUEUED.value, "owner": "", "lease_until": 0, "attempts": _jobs.c.attempts - 1}
        with self._database.write() as connection:
            mine = _jobs.update().where(_jobs.c.owner == owner, _jobs.c.state == JobState.RUNNING.value)
            return connection.execute(mine.values(**values)).rowcount

    @again
    def report(self, job: Job, progress: Mapping[str, object]) -> bool:
        """The job's progress is kept; False if it was cancelled meanwhile."""
        with self._database.write() as connection:
            chosen = _jobs.update().where(_jobs.c.job_id == job.job_id, _jobs.c.state == JobState.RUNNING.value)
            return connection.execute(chosen.values(progress=dict(progress))).rowcount > 0

    def finish(self, job: Job, owner: str, result: bytes) -> None:
        """The job is done with this result, unless it was cancelled or has got another owner."""
        self._store.put(job.key(RESULT), result)
        self._end(job, owner, {"state": JobState.DONE.value})

    def share(self, job: Job) -> bytes | None:
        """The newest result of another done job of the same work; None without one, or if the job is done anew."""
        if job.payload.get(ANEW):
            return None
        now = time.time()
        fresh = sa.or_(
            _jobs.c.expires_at > now, sa.and_(_jobs.c.expires_at == 0, _jobs.c.finished_at > now - self._ttl)
        )
        done = (_jobs.c.work == job.work, _jobs.c.state == JobState.DONE.value, fresh)
        query = sa.select(_jobs).where(*done, _jobs.c.tenant == job.tenant, _jobs.c.job_id != job.job_id)
        with self._database.read() as connection:
            row = connection.execute(query.order_by(_jobs.c.finished_at.desc()).limit(1)).first() if job.work else None
        if row is None or self._store.head(job_of(row).key(RESULT)) is None:
            return None
        return self.result(job_of(row))

    def fail(self, job: Job, owner: str, error: DocmillError) -> None:
        """The job has failed, or is queued again for later where the cause can pass."""
        if isinstance(error, TransientError | SystemicError) and job.attempts < self._attempts:
            pause = _PAUSES[min(job.attempts, len(_PAUSES)) - 1]
            self._end(job, owner, {"state": JobState.QUEUED.value, "due_at": time.time() + pause})
            return
        told = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
        self._end(job, owner, {"state": JobState.FAILED.value, **told})

    def _end(self, job: Job, owner: str, values: dict[str, object]) -> None:
        now, kept = time.time(), bool(job.payload.get(KEPT))
        ended = values["state"] != JobState.QUEUED.value
        if ended:
            values = {"finished_at": now, "expires_at": 0.0 if kept else now + self._ttl} | values
        if self._set(job, owner, values) and ended and kept:
            for name in job.files:
                self._store.delete(job.key(name))

    @again
    def _set(self, job: Job, owner: str, values: dict[str, object]) -> bool:
        """The owner's job has the values; False if it is not the owner's any more."""
        with self._database.write() as connection:
            mine = (_jobs.c.job_id == job.job_id, _jobs.c.owner == owner, _jobs.c.state == JobState.RUNNING.value)
            changed = connection.execute(_jobs.update().where(*mine).values(owner="", lease_until=0, **values))
            return changed.rowcount > 0
