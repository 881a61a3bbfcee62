"""For whoever does the work: jobs are claimed by lease, and end.

The statements of every job are made once: SQLAlchemy takes longer to make one than SQLite to run it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

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
_busy = sa.select(_jobs.c.work).where(_jobs.c.state == JobState.RUNNING.value, _jobs.c.work != "")
_other = _jobs.alias()
_awaited = sa.exists().where(_other.c.job_id == _jobs.c.awaits, _other.c.state.in_(OPEN))
_READY = (
    sa.select(_jobs)
    .where(_jobs.c.state == JobState.QUEUED.value, _jobs.c.due_at <= sa.bindparam("now"))
    .where(_jobs.c.kind.in_(sa.bindparam("kinds", expanding=True)))
    .where(_jobs.c.work.not_in(_busy), sa.or_(_jobs.c.awaits == "", ~_awaited))
    .order_by(_jobs.c.priority.desc(), _jobs.c.created_at)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
_BEGIN = (
    _jobs.update()
    .where(_jobs.c.job_id.in_(sa.bindparam("ids", expanding=True)))
    .values(state=JobState.RUNNING.value, attempts=_jobs.c.attempts + 1)
    .values({name: sa.bindparam(f"to_{name}") for name in ("owner", "lease_until", "started_at")})
)
_ENDS = ("state", "due_at", "finished_at", "expires_at", "error", "message", "hint")
_END = (
    _jobs.update()
    .where(_jobs.c.job_id == sa.bindparam("id"), _jobs.c.owner == sa.bindparam("by"))
    .where(_jobs.c.state == JobState.RUNNING.value)
    .values(owner="", lease_until=0)
    .values({name: sa.bindparam(f"to_{name}") for name in _ENDS})
    .returning(_jobs)
)
_TWIN = (
    sa.select(_jobs)
    .where(_jobs.c.work == sa.bindparam("work"), _jobs.c.state == JobState.DONE.value)
    .where(_jobs.c.tenant == sa.bindparam("tenant"), _jobs.c.job_id != sa.bindparam("id"))
    .where(
        sa.or_(
            _jobs.c.expires_at > sa.bindparam("now"),
            sa.and_(_jobs.c.expires_at == 0, _jobs.c.finished_at > sa.bindparam("since")),
        )
    )
    .order_by(_jobs.c.finished_at.desc())
    .limit(1)
)


class Work(Rows):
    """The jobs as those see them who work on them."""

    @again
    def claim(self, owner: str, wanted: Mapping[frozenset[str], int], lease_seconds: float) -> list[Job]:
        """Jobs for the owner to do, of each set of kinds at most as many as `wanted`, by priority, then oldest first.

        A job whose work another one is doing waits for it, and one that awaits a job until that has ended or is gone.
        No two callers get the same job.
        """
        now = time.time()
        chosen: dict[str, Job] = {}
        with self._database.write() as connection:
            for kinds, most in wanted.items():
                asked = {"now": now, "kinds": sorted(kinds), "most": most}
                for row in connection.execute(_READY, asked).all():
                    chosen.setdefault(row.work or row.job_id, job_of(row))
            if not chosen:
                return []
            ids = [job.job_id for job in chosen.values()]
            begun = {"to_owner": owner, "to_lease_until": now + lease_seconds, "to_started_at": now}
            connection.execute(_BEGIN, {"ids": ids, **begun})
        return [
            replace(job, state=JobState.RUNNING, attempts=job.attempts + 1, started_at=now) for job in chosen.values()
        ]

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

    def finish(self, job: Job, owner: str, result: bytes) -> Job | None:
        """The job, which is done with this result; None if it was cancelled or has got another owner."""
        self._store.put(job.key(RESULT), result)
        return self._end(replace(job, state=JobState.DONE), owner)

    def share(self, job: Job) -> bytes | None:
        """The newest result of another done job of the same work; None without one, or if the job is done anew."""
        if job.payload.get(ANEW) or not job.work:
            return None
        now = time.time()
        asked = {"work": job.work, "tenant": job.tenant, "id": job.job_id, "now": now, "since": now - self._ttl}
        with self._database.read() as connection:
            row = connection.execute(_TWIN, asked).first()
        if row is None or self._store.head(job_of(row).key(RESULT)) is None:
            return None
        return self.result(job_of(row))

    def fail(self, job: Job, owner: str, error: DocmillError) -> Job | None:
        """The job, which has failed, or is queued again for later where the cause can pass; None as for `finish`."""
        if isinstance(error, TransientError | SystemicError) and job.attempts < self._attempts:
            pause = _PAUSES[min(job.attempts, len(_PAUSES)) - 1]
            return self._end(replace(job, state=JobState.QUEUED), owner, due_at=time.time() + pause)
        why, message, hint = type(error).__name__, error.message, error.hint
        return self._end(replace(job, state=JobState.FAILED, error=why, message=message, hint=hint), owner)

    def _end(self, job: Job, owner: str, due_at: float = 0.0) -> Job | None:
        """The owner's job, which has this state and reason now; None if it is not the owner's any more."""
        if job.state.ended:
            now, is_kept = time.time(), bool(job.payload.get(KEPT))
            job = replace(job, finished_at=now, expires_at=0.0 if is_kept else now + self._ttl)
        kept = self._set(job, owner, due_at)
        if kept is not None and kept.state.ended and kept.payload.get(KEPT):
            for name in job.files:
                self._store.delete(job.key(name))
        return kept

    @again
    def _set(self, job: Job, owner: str, due_at: float) -> Job | None:
        values = {f"to_{name}": getattr(job, name) for name in _ENDS if name != "due_at"}
        values |= {"to_due_at": due_at, "to_state": job.state.value}
        with self._database.write() as connection:
            row = connection.execute(_END, {"id": job.job_id, "by": owner, **values}).first()
        return job_of(row) if row else None
