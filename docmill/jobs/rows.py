"""Reads of rows that all parts of the jobs share."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from docmill.database import Database, again
from docmill.jobs.job import Job, JobState
from docmill.store import ObjectStore
from docmill.tables import jobs as _jobs

RESULT = "result"
"""The name of a job's result in the store."""
OPEN = [JobState.QUEUED.value, JobState.RUNNING.value]
"""The states of jobs that have not ended."""
_IN_LIST = 500
_FIND = sa.select(_jobs).where(_jobs.c.job_id.in_(sa.bindparam("ids", expanding=True)))


def job_of(row: sa.Row[tuple[object, ...]]) -> Job:
    """The job of a row."""
    found = dict(row._mapping)
    for internal in ("owner", "lease_until", "due_at"):
        del found[internal]
    return Job(**found | {"state": JobState(found["state"]), "files": tuple(found["files"])})


class Rows:
    """The rows of jobs in a database, their files and results in a store.

    A job that failed is begun at most `attempts` times in all; what is done is kept for `result_ttl` seconds.
    """

    def __init__(
        self, database: Database, store: ObjectStore, *, attempts: int = 3, result_ttl: float = 172_800
    ) -> None:
        self._database = database
        self._store = store
        self._attempts = attempts
        self._ttl = result_ttl

    def find(self, job_id: str, tenant: str | None = None) -> Job | None:
        """The job, None if it is not known, has expired or is another tenant's; a tenant of None sees all."""
        found = self.find_all([job_id]).get(job_id)
        return found if found is not None and tenant in (None, found.tenant) else None

    def find_all(self, job_ids: Sequence[str]) -> dict[str, Job]:
        """Those of the jobs that are known, by id."""
        found: list[Job] = []
        with self._database.read() as connection:
            for start in range(0, len(job_ids), _IN_LIST):
                part = list(job_ids[start : start + _IN_LIST])
                found += [job_of(row) for row in connection.execute(_FIND, {"ids": part})]
        return {job.job_id: job for job in found}

    def result(self, job: Job) -> bytes:
        """The result of a job that is done; raises MissingObjectError where it has expired."""
        return self._store.get(job.key(RESULT))

    def file(self, job: Job, name: str) -> bytes:
        """The bytes of a file that came with the job."""
        return self._store.get(job.key(name))

    @again
    def _forget(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            for name in (*job.files, RESULT):
                self._store.delete(job.key(name))
        ids = [job.job_id for job in jobs]
        with self._database.write() as connection:
            connection.execute(_jobs.delete().where(_jobs.c.job_id.in_(ids)))
