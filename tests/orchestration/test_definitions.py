"""The definitions: what people find in the UI does not change by accident."""

import warnings

import dagster as dg
import pytest

from docmill.models import Stage

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from orchestration.definitions import defs

STAGES = [stage.value for stage in Stage]
GRAPH = defs.resolve_asset_graph()


def test_assets_are_the_stages_and_the_snapshot():
    assert {key.to_user_string() for key in GRAPH.get_all_asset_keys()} == {
        *STAGES,
        "structured_records",
        "collection_snapshot",
    }


def test_graph_is_the_order_of_the_stages():
    parents = {
        key.to_user_string(): [each.to_user_string() for each in GRAPH.get(key).parent_keys]
        for key in GRAPH.get_all_asset_keys()
    }
    chain = [*STAGES, "collection_snapshot"]
    expected = {name: chain[position - 1 : position] if position else [] for position, name in enumerate(chain)}
    assert parents == expected | {"structured_records": ["enriched_elements"]}


@pytest.mark.parametrize("key", sorted(GRAPH.get_all_asset_keys()), ids=lambda key: key.to_user_string())
def test_asset_has_description_owner_kind_and_group(key: dg.AssetKey):
    node = GRAPH.get(key)
    assert node.description
    assert node.owners == ["team:docmill"]
    assert node.kinds
    groups = {"collection_snapshot": "serving", "structured_records": "extraction"}
    assert node.group_name == groups.get(node.key.to_user_string(), "ingestion")


@pytest.mark.parametrize("name", STAGES)
def test_stage_is_partitioned_by_batch_and_has_a_code_version(name: str):
    node = GRAPH.get(dg.AssetKey(name))
    assert isinstance(node.partitions_def, dg.DynamicPartitionsDefinition)
    assert node.partitions_def.name == "document_batches"
    assert node.code_version


def test_checks():
    assert {(key.asset_key.to_user_string(), key.name) for key in GRAPH.asset_check_keys} == {
        *((name, "no_failed_documents") for name in STAGES),
        ("extracted_elements", "non_empty_text"),
        ("chunks", "token_limit"),
        ("embeddings", "finite_unit_norm"),
        ("vector_collection", "rows_match_ledger"),
        ("collection_snapshot", "standing_failures"),
        ("collection_snapshot", "golden_questions"),
        *(
            ("structured_records", name)
            for name in ("no_failed_records", "no_missing_required", "low_confidence", "arithmetic")
        ),
    }


def test_checks_of_stages_are_partitioned():
    """Without a partitions definition the last batch's result would hide the failures of all others."""
    for key in GRAPH.asset_check_keys:
        partitioned = GRAPH.get_check_spec(key).partitions_def is not None
        assert partitioned == (key.asset_key.to_user_string() != "collection_snapshot")


def test_jobs():
    assert {job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")} == {
        "ingest_batch",
        "retry_failed_documents",
        "reprocess_batches",
        "extract_records",
        "snapshot_collections",
        "delete_documents",
        "reconcile_bucket",
        "prune_history",
        "reindex",
        "roll_back",
    }


def test_sensors():
    found = {
        each.name: ([target.job_name for target in each.targets], each.default_status.value) for each in defs.sensors
    }
    assert found == {
        "new_uploads": (["ingest_batch"], "RUNNING"),
        "failed_documents": (["retry_failed_documents"], "RUNNING"),
        "run_failures": ([], "RUNNING"),
    }


def test_schedules():
    found = {each.name: (each.job_name, each.cron_schedule, each.default_status.value) for each in defs.schedules}
    assert found == {
        "scheduled_ingest": ("ingest_batch", "0 * * * *", "STOPPED"),
        "reconcile_bucket": ("reconcile_bucket", "30 2 * * *", "STOPPED"),
        "collection_snapshot": ("snapshot_collections", "0 4 * * *", "RUNNING"),
        "prune_history": ("prune_history", "0 5 * * 0", "STOPPED"),
    }


def test_everything_has_a_description():
    jobs = [job for job in defs.resolve_all_job_defs() if not job.name.startswith("__")]
    for each in [*jobs, *defs.sensors, *defs.schedules]:
        assert each.description, each.name


def test_definitions_can_be_loaded():
    dg.Definitions.validate_loadable(defs)
