"""The Dagster instance of a docmill home: `<home>/dagster`, unless DAGSTER_HOME says otherwise."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from docmill.errors import ConfigError
from docmill.settings import Settings

_DAGSTER_YAML = """\
# Written by docmill for the embedded default; change it as you like, it is not written again.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 2
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
run_retries:
  enabled: true
  max_retries: 0
  retry_on_asset_or_op_failure: false
retention:
  schedule:
    purge_after_days: 30
  sensor:
    purge_after_days:
      skipped: 3
      failure: 30
      success: 90
"""


def dagster_home(settings: Settings) -> Path:
    """The folder of the instance, made with its `dagster.yaml` if need be; DAGSTER_HOME names it afterwards."""
    home = Path(os.environ.get("DAGSTER_HOME") or settings.folder / "dagster").absolute()
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        written = home / f".dagster.yaml.{os.getpid()}"
        written.write_text(_DAGSTER_YAML, encoding="utf-8")
        written.rename(config)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def _opened(home: Path) -> dg.DagsterInstance:
    """Dagster's instance of the home; ConfigError where its `dagster.yaml` is wrong or names an unset variable."""
    try:
        return dg.DagsterInstance.get()
    except dg.DagsterInvalidConfigError as error:
        said = error.error_messages[0].partition("PostProcessingError: ")
        sentence = (said[2] or said[0]).strip().splitlines()[0].partition(" Expected:")[0].partition(". In order")[0]
        raise ConfigError(
            f"{home / 'dagster.yaml'} cannot be used: {sentence.rstrip('.')}.",
            hint="Set the variables that it names, such as DOCMILL_LEDGER_URL, or mend it (docs/deploy.md).",
        ) from error


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance of the home, opened by one process at a time.

    Dagster makes the databases of an instance where they are missing, unguarded: of two processes that begin at once,
    each stamps its own row into `alembic_version`, and no process can open the instance from then on.
    """
    home = dagster_home(settings)
    with (home / ".opening").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        instance = _opened(home)
        instance.get_runs_count()
        instance.get_dynamic_partitions("")
        instance.all_instigator_state()
    with instance:
        yield instance
