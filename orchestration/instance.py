"""The Dagster instance of a docmill home: `<home>/dagster`, unless DAGSTER_HOME says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

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
        config.write_text(_DAGSTER_YAML, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    return home
