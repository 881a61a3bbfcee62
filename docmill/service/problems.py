"""What an HTTP answer says when a request cannot be served; each protocol writes it in its own shape."""

from __future__ import annotations

from collections.abc import Mapping

from docmill.errors import (
    DocmillError,
    EmptyDocumentError,
    LimitExceededError,
    MissingObjectError,
    PermanentError,
    SystemicError,
    TransientError,
    UnsupportedTypeError,
    UsageError,
)

_STATUS: tuple[tuple[type[DocmillError], int], ...] = (
    (UsageError, 400),
    (MissingObjectError, 404),
    (UnsupportedTypeError, 415),
    (LimitExceededError, 422),
    (EmptyDocumentError, 422),
    (PermanentError, 422),
    (TransientError, 503),
    (SystemicError, 503),
)


class Problem(Exception):
    """Ends a request: `status` is HTTP's, `code` a word for programs, `message` and `hint` are for people."""

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.headers = dict(headers or {})


def problem_of(error: DocmillError) -> Problem:
    """What a caller is told about an error of the library."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return Problem(status, type(error).__name__, error.message, error.hint)


def unauthorized(message: str = "An API key is needed.") -> Problem:
    """No key, or a wrong one."""
    hint = "Send `Authorization: Bearer KEY`; make a key by `docmill keys create --name NAME`."
    return Problem(401, "unauthorized", message, hint, {"WWW-Authenticate": "Bearer"})


def not_found(what: str) -> Problem:
    """There is no such thing, or it is somebody else's."""
    return Problem(404, "not_found", f"There is no {what}.")
