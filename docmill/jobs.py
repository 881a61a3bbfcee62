"""Durable jobs: work that was accepted is done, whatever is killed when.

A job is a row in the ledger's database and a folder `jobs/<id>/` in the object store that holds the bytes that came
with it and, at its end, its result. A process that works on jobs takes a lease and renews it; when it dies its jobs are
taken again, at most `attempts` times in all. `kind` names the handler, `work` is a hash of what is to be done: of two
jobs with the same work one is done and both get the result. Nothing secret may be put into `payload`.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docmill.database import Database, again
from docmill.errors import DocmillError, SourceError, SystemicError, TransientError
from docmill.ids import digest
from docmill.store import ObjectStore
from docmill.tables import jobs as _jobs

_PAUSES = (2.0, 10.0, 60.0)
"""Seconds until a job that met a passing fault is tried again; the last one for all later tries."""
_RESULT = "result"
_HOUR = 3_600.0
_IN_LIST = 500
ANEW = "anew"
"""A job whose payload has this set is done whatever was done before; its result serves later jobs of the same work."""
KEPT = "kept"
"""A job whose payload has this set does not expire: its result stays until it is deleted; the files that came go."""


class JobState(StrEnum):
    """How far a job is; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether it changes no more."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class Job:
    """A job as the database holds it; times are seconds since the epoch, 0 where not yet.

    `error` is the class of what made it fail, with `message` and `hint` for people. `subject` is what the job is about:
    its tenant can list the jobs of one subject. Jobs of a higher `priority` are begun before others, whoever's they
    are. `awaits` is the id of a job that must have ended before this one is begun, "" for none.
    """

    job_id: str
    kind: str
    tenant: str
    work: str
    state: JobState
    payload: dict[str, object]
    files: tuple[str, ...] = ()
    attempts: int = 0
    created_at: float = 0.0
    started_at: float = 0.0
    finished_at: float = 0.0
    expires_at: float = 0.0
    progress: dict[str, object] = field(default_factory=dict)
    error: str = ""
    message: str = ""
    hint: str = ""
    subject: str = ""
    priority: int = 0
    awaits: str = ""

    def key(self, name: str) -> str:
        """Where one of its files, or its result, lies in the store."""
        return f"jobs/{self.job_id}/{name}"


def work_id(kind: str, options: str, contents: Sequence[str]) -> str:
    """The hash of what is to be done: the kind, the options as canonical text and the sha256 of each content."""
    return digest("work", kind, options, *contents)


def this_process() -> str:
    """A name of this process that no other one gets: host, process id and its start."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def _started(pid: int) -> str:
    """When a process of this machine began, in ticks since the start of the system; "" if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def _is_dead(owner: str) -> bool:
    """Whether the owner was a process of this machine that has ended; False where that cannot be told."""
    host, _, rest = owner.partition(":")
    pid, _, started = rest.partition(":")
    return host == socket.gethostname() and pid.isdigit() and bool(started) and _started(int(pid)) != started


class Jobs:
    """The jobs in a database, their files and results in a store."""

    def __init__(
        self, database: Database, store: ObjectStore, *, attempts: int = 3, result_ttl: float = 172_800
    ) -> None:
        self._database = database
        self._store = store
        self._attempts = attempts
        self._ttl = result_ttl

    # For whoever wants work done

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
            connection.execute(_jobs.insert().values(**row, **zero, **empty, progress={}))

    def _same(self, tenant: str, work: str, again_if_failed: bool) -> Job | None:
        over = [JobState.CANCELLED.value, *([JobState.FAILED.value] if again_if_failed else [])]
        query = sa.select(_jobs).where(_jobs.c.tenant == tenant, _jobs.c.work == work, _jobs.c.state.not_in(over))
        fresh = sa.or_(_jobs.c.expires_at == 0, _jobs.c.expires_at > time.time() + 60)
        with self._database.read() as connection:
            row = connection.execute(query.where(fresh).order_by(_jobs.c.created_at.desc()).limit(1)).first()
        return _job(row) if row else None

    def find(self, job_id: str, tenant: str | None = None) -> Job | None:
        """The job, None if it is not known, has expired or is another tenant's; a tenant of None sees all."""
        return self.find_all([job_id], tenant).get(job_id)

    def find_all(self, job_ids: Sequence[str], tenant: str | None = None) -> dict[str, Job]:
        """Those of the jobs that are known, by id."""
        query = sa.select(_jobs)
        if tenant is not None:
            query = query.where(_jobs.c.tenant == tenant)
        found: list[Job] = []
        with self._database.read() as connection:
            for start in range(0, len(job_ids), _IN_LIST):
                part = list(job_ids[start : start + _IN_LIST])
                found += [_job(row) for row in connection.execute(query.where(_jobs.c.job_id.in_(part)))]
        return {job.job_id: job for job in found}

    def waiting(self, kind: str, limit: int = 1_000) -> list[Job]:
        """The oldest jobs of a kind that have not ended."""
        query = sa.select(_jobs).where(_jobs.c.kind == kind, _jobs.c.state.in_(_OPEN))
        with self._database.read() as connection:
            return [_job(row) for row in connection.execute(query.order_by(_jobs.c.created_at).limit(limit))]

    def newest(self, tenant: str | None = None, *, state: JobState | None = None, limit: int = 100) -> list[Job]:
        """The newest jobs."""
        query = sa.select(_jobs).order_by(_jobs.c.created_at.desc()).limit(limit)
        if tenant is not None:
            query = query.where(_jobs.c.tenant == tenant)
        if state is not None:
            query = query.where(_jobs.c.state == state.value)
        with self._database.read() as connection:
            return [_job(row) for row in connection.execute(query)]

    def about(self, tenant: str, subject: str, skip: int = 0, limit: int = 100) -> tuple[list[Job], int]:
        """The tenant's jobs about a subject, the newest first, and how many there are in all."""
        chosen = (_jobs.c.tenant == tenant, _jobs.c.subject == subject)
        query = sa.select(_jobs).where(*chosen).order_by(_jobs.c.created_at.desc(), _jobs.c.job_id)
        with self._database.read() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(_jobs).where(*chosen)).scalar_one()
            return [_job(row) for row in connection.execute(query.offset(skip).limit(limit))], total

    def of_work(self, work: str, limit: int = 100) -> list[Job]:
        """The newest jobs of the same work, whoever's they are; those that have not ended come first."""
        ended = sa.case((_jobs.c.state.in_(_OPEN), 0), else_=1)
        query = sa.select(_jobs).where(_jobs.c.work == work).order_by(ended, _jobs.c.created_at.desc()).limit(limit)
        with self._database.read() as connection:
            return [_job(row) for row in connection.execute(query)]

    def result(self, job: Job) -> bytes:
        """The result of a job that is done; raises MissingObjectError where it has expired."""
        return self._store.get(job.key(_RESULT))

    def file(self, job: Job, name: str) -> bytes:
        """The bytes of a file that came with the job."""
        return self._store.get(job.key(name))

    @again
    def cancel(self, job_id: str, tenant: str | None = None) -> bool:
        """The job is not begun, and what a handler still does for it is thrown away; False if it has ended."""
        now = time.time()
        ends = {"state": JobState.CANCELLED.value, "finished_at": now, "expires_at": now + self._ttl, "owner": ""}
        with self._database.write() as connection:
            chosen = _jobs.update().where(_jobs.c.job_id == job_id, _jobs.c.state.in_(_OPEN))
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

    # For whoever does the work

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
            awaited = sa.exists().where(other.c.job_id == _jobs.c.awaits, other.c.state.in_(_OPEN))
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
            jobs = [_job(row) for row in connection.execute(begun)]
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
        lost = [row for row in rows if row.lease_until < now or _is_dead(row.owner)]
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
        self._store.put(job.key(_RESULT), result)
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
        if row is None or self._store.head(_job(row).key(_RESULT)) is None:
            return None
        return self.result(_job(row))

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

    # Housekeeping

    def counts(self) -> dict[tuple[str, JobState], int]:
        """How many jobs there are, by kind and state."""
        query = sa.select(_jobs.c.kind, _jobs.c.state, sa.func.count()).group_by(_jobs.c.kind, _jobs.c.state)
        with self._database.read() as connection:
            return {(kind, JobState(state)): number for kind, state, number in connection.execute(query)}

    def sweep(self, limit: int = 1_000) -> int:
        """At most `limit` expired jobs are gone with their files and results; how many."""
        expired = (_jobs.c.expires_at > 0, _jobs.c.expires_at < time.time())
        with self._database.read() as connection:
            found = [_job(row) for row in connection.execute(sa.select(_jobs).where(*expired).limit(limit))]
        self._forget(found)
        return len(found)

    def oldest_queued(self) -> float:
        """Seconds that the oldest job that could be begun has waited; 0 where none waits."""
        now = time.time()
        query = sa.select(sa.func.min(_jobs.c.created_at))
        with self._database.read() as connection:
            ready = (_jobs.c.state == JobState.QUEUED.value, _jobs.c.due_at <= now, _jobs.c.awaits == "")
            since = connection.execute(query.where(*ready)).scalar()
        return max(0.0, now - since) if since else 0.0

    def sweep_leftovers(self, after: str = "", limit: int = 10_000) -> str:
        """Old objects of jobs that nobody knows are gone: a process was killed between the object and the row.

        Looks at `limit` objects behind the key `after`, and returns the last one's key; "" where there were no more.
        """
        try:
            found = list(islice(self._store.list("jobs/", after), limit))
        except SourceError:
            return ""  # the store's folder is made with its first object
        before = time.time() - max(self._ttl, _HOUR)
        old = {each.key: each.key.split("/")[1] for each in found if each.modified < before}
        known = self.find_all(sorted(set(old.values())))
        for key, job_id in old.items():
            if job_id not in known:
                self._store.delete(key)
        return found[-1].key if len(found) == limit else ""

    @again
    def _forget(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            for name in (*job.files, _RESULT):
                self._store.delete(job.key(name))
        ids = [job.job_id for job in jobs]
        with self._database.write() as connection:
            connection.execute(_jobs.delete().where(_jobs.c.job_id.in_(ids)))


_OPEN = [JobState.QUEUED.value, JobState.RUNNING.value]
_ORDER = (_jobs.c.priority.desc(), _jobs.c.created_at)


def _job(row: sa.Row[tuple[object, ...]]) -> Job:
    found = dict(row._mapping)
    for internal in ("owner", "lease_until", "due_at"):
        del found[internal]
    return Job(**found | {"state": JobState(found["state"]), "files": tuple(found["files"])})
