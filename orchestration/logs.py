"""What Dagster writes of runs on standard error, as the same JSON lines as docmill's, where log_format says so."""

from __future__ import annotations

import logging
import sys

import dagster._loggers

from docmill.logs import JsonFormatter, log_as_json
from docmill.settings import load_settings


class _RunFormatter(JsonFormatter):
    """A record of Dagster's: its run, batch, step and kind of event as fields."""

    def extra(self, record: logging.LogRecord) -> dict[str, object]:
        """What Dagster knows of the run, under docmill's names."""
        told = getattr(record, "dagster_meta", None) or {}
        event = told.get("dagster_event")
        found = {
            "run_id": told.get("run_id"),
            "job": told.get("job_name"),
            "batch": (told.get("job_tags") or {}).get("dagster/partition"),
            "step": told.get("step_key"),
            "event": event.event_type_value if event is not None else None,
        }
        return {name: value for name, value in found.items() if value}


def _json_console(name: str, level: int) -> logging.Logger:
    made = logging.getLoggerClass()(name, level=level)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_RunFormatter())
    made.addHandler(handler)
    return made


def set_up() -> None:
    """This process logs as the settings say.

    Dagster's console logger is no setting of an instance or a location, only of single runs: so what makes it is
    replaced, wherever the run comes from. `tests/orchestration/test_flow.py` holds that it can be.
    """
    if load_settings().log_format == "json":
        log_as_json()
        dagster._loggers.create_console_logger = _json_console  # type: ignore[attr-defined,assignment]
