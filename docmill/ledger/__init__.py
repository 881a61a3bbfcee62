"""What is known of every document: where it is, which batch holds it, and what became of it at every stage.

SQLite by default, PostgreSQL by a URL. Every write is one short transaction that takes the write lock at its beginning,
so two runs, two sensors' ticks and a search at once wait for each other instead of failing.
"""

from __future__ import annotations

from docmill.ledger.batches import Batch, Batches
from docmill.ledger.documents import Documents
from docmill.ledger.generations import Generations
from docmill.ledger.outcomes import Failure, Outcomes
from docmill.ledger.standing import Standing, Standings
from docmill.ledger.tables import metadata

__all__ = ["Batch", "Failure", "Ledger", "Standing", "metadata"]


class Ledger(Batches, Documents, Outcomes, Standings, Generations):
    """The ledger at a SQLAlchemy URL; its tables are made, or brought up to date, when it is opened."""
