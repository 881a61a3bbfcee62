"""Logs as one JSON object a line, with secrets redacted."""

from __future__ import annotations

import json
import logging
import re
import sys
import time

_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), r"\1 [redacted]"),
    (re.compile(r"\b(dm_|nvapi-|sk-|llx-|hf_)[A-Za-z0-9_-]{4,}"), "[redacted]"),
    (re.compile(r"(?i)(\"?[a-z_-]*(?:api[_-]?key|token|secret|password|authorization)\"?\s*[:=]\s*)(\"[^\"]*\"|[^\s,;&}]+)"),
     r"\1[redacted]"),
    (re.compile(r"(\w+://[^/\s:@]*):[^/\s@]+@"), r"\1:[redacted]@"),
)  # fmt: skip
_RECORD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def redact(text: str) -> str:
    """The text without what looks like keys, tokens and passwords."""
    for pattern, put in _SECRETS:
        text = pattern.sub(put, text)
    return text


class JsonFormatter(logging.Formatter):
    """A record as a line of JSON: time, level, logger, message, and what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        extra = {name: value for name, value in vars(record).items() if name not in _RECORD and name[0] != "_"}
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redact(json.dumps(line | extra, ensure_ascii=False, default=str))


def log_as_json(level: int = logging.INFO) -> None:
    """All loggers of this process write JSON lines on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("grpc._server").setLevel(
        logging.CRITICAL
    )  # Milvus Lite answers calls that it lacks by tracebacks
    for name in ("docmill", "uvicorn"):
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
