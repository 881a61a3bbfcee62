"""Housekeeping: jobs are counted, and what has expired or was left behind goes."""

from __future__ import annotations

import time
from itertools import islice

import sqlalchemy as sa

from docmill.errors import SourceError
from docmill.jobs.job import JobState
from docmill.jobs.rows import Rows, job_of
from docmill.tables import jobs as _jobs

_HOUR = 3_600.0


class Housekeeping(Rows):
    """The jobs as the service sees them that keeps their number and their files in bounds."""

    def counts(self) -> dict[tuple[str, JobState], int]:
        """How many jobs there are, by kind and state."""
        query = sa.select(_jobs.c.kind, _jobs.c.state, sa.func.count()).group_by(_jobs.c.kind, _jobs.c.state)
        with self._database.read() as connection:
            return {(kind, JobState(state)): number for kind, state, number in connection.execute(query)}

    def sweep(self, limit: int = 1_000) -> int:
        """At most `limit` expired jobs are gone with their files and results; how many."""
        expired = (_jobs.c.expires_at > 0, _jobs.c.expires_at < time.time())
        with self._database.read() as connection:
            found = [job_of(row) for row in connection.execute(sa.select(_jobs).where(*expired).limit(limit))]
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
