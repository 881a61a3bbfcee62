"""The platform: when things run (here), what exists (assets/), what it runs on (resources/), the library (docmill/)."""

from __future__ import annotations

import warnings

import dagster as dg

warnings.filterwarnings("ignore", category=dg.PreviewWarning)  # partitioned asset checks are a preview in Dagster 1.13

import assets  # noqa: E402
from orchestration import alerts, jobs, logs, schedules, sensors  # noqa: E402
from resources import (  # noqa: E402
    IndexResource,
    LedgerResource,
    ObjectStoreResource,
    ScopeResource,
    TritonResource,
    WorkspaceResource,
)

logs.set_up()

defs = dg.Definitions(
    assets=[getattr(assets, name) for name in assets.__all__],
    jobs=jobs.ALL,
    sensors=[sensors.new_uploads, sensors.failed_documents, alerts.run_failures],
    schedules=schedules.ALL,
    resources={
        "workspace": WorkspaceResource(
            store=ObjectStoreResource(), index=IndexResource(), ledger=LedgerResource(), triton=TritonResource()
        ),
        "scope": ScopeResource.configure_at_launch(),
    },
    executor=dg.in_process_executor,  # a spawned step costs 4 to 5 CPU seconds; documents run in parallel inside one
)
