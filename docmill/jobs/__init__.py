"""Durable jobs: work that was accepted is done, whatever is killed when.

A job is a row in the ledger's database and a folder `jobs/<id>/` in the object store that holds the bytes that came
with it and, at its end, its result. A process that works on jobs takes a lease and renews it; when it dies its jobs are
taken again, at most `attempts` times in all. `kind` names the handler, `work` is a hash of what is to be done: of two
jobs with the same work one is done and both get the result. Nothing secret may be put into `payload`.
"""

from __future__ import annotations

from docmill.jobs.housekeeping import Housekeeping
from docmill.jobs.job import ANEW, KEPT, Job, JobState, work_id
from docmill.jobs.owners import this_process
from docmill.jobs.requests import Requests
from docmill.jobs.work import Work

__all__ = ["ANEW", "KEPT", "Job", "JobState", "Jobs", "this_process", "work_id"]


class Jobs(Requests, Work, Housekeeping):
    """The jobs in a database, their files and results in a store."""
