"""Logs as one JSON object a line, with secrets redacted, and with what they are about as fields."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), r"\1 [redacted]"),
    (re.compile(r"\b(dm_|nvapi-|sk-|llx-|hf_)[A-Za-z0-9_-]{4,}"), "[redacted]"),
    (re.compile(r"(?i)(\"?[a-z_-]*(?:api[_-]?key|token|secret|password|authorization)\"?\s*[:=]\s*)(\"[^\"]*\"|[^\s,;&}]+)"),
     r"\1[redacted]"),
    (re.compile(r"(\w+://[^/\s:@]*):[^/\s@]+@"), r"\1:[redacted]@"),
)  # fmt: skip
_SECRET_FIELD = re.compile(r"(?i)(api[_-]?key|token|secret|password|authorization)$")
_RECORD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_about: ContextVar[Mapping[str, object] | None] = ContextVar("about", default=None)


def redact(text: str) -> str:
    """The text without what looks like keys, tokens and passwords."""
    for pattern, put in _SECRETS:
        text = pattern.sub(put, text)
    return text


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Every line of this thread has the fields as long as this lasts."""
    token = _about.set({**(_about.get() or {}), **fields})
    try:
        yield
    finally:
        _about.reset(token)


class JsonFormatter(logging.Formatter):
    """A record as a line of JSON: time, level, logger, message, what `about` says, and what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        line |= {**(_about.get() or {}), **self.extra(record)}
        return json.dumps({name: _clean(name, value) for name, value in line.items()}, ensure_ascii=False)

    def extra(self, record: logging.LogRecord) -> dict[str, object]:
        """The record's own fields."""
        return {name: value for name, value in vars(record).items() if name not in _RECORD and name[0] != "_"}


def _clean(name: str, value: object) -> object:
    """The value as JSON can hold it, without secrets."""
    if _SECRET_FIELD.search(name):
        return "[redacted]"
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else redact(str(value))


def log_as_json(level: int = logging.INFO) -> None:
    """All loggers of this process write JSON lines on standard error; warnings of Python's are among them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    # Milvus Lite answers calls that it lacks by tracebacks
    logging.getLogger("grpc._server").setLevel(logging.CRITICAL)
    for name in ("docmill", "uvicorn"):
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


class LogLines:
    """A text stream each of whose lines becomes a line of the log."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._rest = ""

    def write(self, text: str) -> int:
        """Whole lines are logged."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in filter(None, map(str.strip, lines)):
            self._logger.info("%s", line)
        return len(text)

    def flush(self) -> None:
        """A line that has not ended waits for its end."""
