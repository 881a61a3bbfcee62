"""What the openers of archives, mailboxes, mails and office files give, and the budget that they may spend."""

from __future__ import annotations

from dataclasses import dataclass

from docmill.config import ExtractConfig
from docmill.errors import DocmillError, LimitExceededError
from docmill.extract.archive import MAX_RATIO, SMALL


@dataclass(frozen=True)
class Part:
    """A file inside of another: its name there and its bytes, or the error that kept it from being taken out."""

    name: str
    data: bytes
    error: DocmillError | None = None


class BudgetSpentError(LimitExceededError):
    """The members of a document, at all depths together, are more than may be unpacked."""


class Budget:
    """How many members and bytes may still be taken out of one outermost document."""

    def __init__(self, config: ExtractConfig) -> None:
        self._config = config
        self.members = config.max_members
        self.bytes = config.max_unpacked_bytes

    def count(self) -> None:
        """One member less. Raises BudgetSpentError."""
        self.members -= 1
        if self.members < 0:
            raise BudgetSpentError(
                f"The document holds more than {self._config.max_members} members (limit extract.max_members).",
                hint="Raise extract.max_members, or unpack it and ingest the files in it.",
            )

    def spend(self, size: int) -> None:
        """So many bytes less. Raises BudgetSpentError."""
        self.bytes -= size
        if self.bytes < 0:
            raise BudgetSpentError(
                f"The members of the document hold more than {self._config.max_unpacked_bytes} bytes "
                "(limit extract.max_unpacked_bytes).",
                hint="Raise extract.max_unpacked_bytes, or unpack it and ingest the files in it.",
            )

    def share(self, packed: int) -> int:
        """Bytes that so many packed bytes may become: what is left, and no more than a fair ratio."""
        return min(self.bytes, max(SMALL, MAX_RATIO * packed))
