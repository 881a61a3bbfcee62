"""The platform as its users meet it: a real S3 server, a real `dagster dev` with its daemon, the command line.

One `dagster dev` serves the whole module, for it takes 20 s to start; the tests follow each other like a user's day.
"""

import json
import os
import subprocess
from pathlib import Path

import boto3
import pytest

from tests.services import BIN, ROOT, Dagster, dagster_dev, s3_environment, wait_for

GOOD = b"# Ferry\n\nThe ferry to Skarholm leaves at 07:40 from pier 4.\n"
NEWER = b"# Ferry\n\nThe ferry to Skarholm leaves at 09:15 from pier 6.\n"
OTHER = b"name,berths\nAlbatross,12\nCormorant,31\n"
BROKEN = b"%PDF-1.7\nthis is no PDF"


class Platform:
    def __init__(self, dagster: Dagster, s3, env: dict[str, str]) -> None:
        self.dagster, self.s3, self.env = dagster, s3, env

    def put(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket="uploads", Key=key, Body=data)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / arguments[0], *arguments[1:]], env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=300
        )

    def hits(self, question: str) -> list[dict]:
        done = self.command("docmill", "search", question, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["hits"]

    def wait_for_batch(self, count: int) -> str:
        """The newest of `count` batches, once a run of it has succeeded."""
        batches = wait_for(lambda: len(self.dagster.batches()) >= count and self.dagster.batches(), "a new batch", 90)
        newest = sorted(batches)[-1]
        wait_for(lambda: "SUCCESS" in self.dagster.batch_runs(newest), f"a run of {newest}", 120)
        return newest


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, s3_endpoint: str):
    home = tmp_path_factory.mktemp("flow")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOCMILL_", "DAGSTER_", "AWS_"))}
    env = kept | s3_environment(s3_endpoint)
    env |= {"DOCMILL_HOME": str(home / "home"), "DOCMILL_STORE_URL": "s3://mill/", "DOCMILL_SENSOR_SECONDS": "5"}
    env |= {"DOCMILL_LOG_FORMAT": "json"}
    env |= {"DOCMILL_BATCH__SETTLE_SECONDS": "2", "DOCMILL_WATCH": '{"default": "s3://uploads/in/"}'}
    session = boto3.session.Session("docmill-test", "docmill-test-secret", region_name="us-east-1")
    s3 = session.client("s3", endpoint_url=s3_endpoint)
    for bucket in ("mill", "uploads"):
        s3.create_bucket(Bucket=bucket)
    with dagster_dev(env, home / "dagster.log") as dagster:
        yield Platform(dagster, s3, env)


def test_uploads_become_a_batch_that_is_searchable_and_the_bad_one_is_red(platform: Platform):
    for key, data in (("in/ferry.md", GOOD), ("in/boats.csv", OTHER), ("in/broken.pdf", BROKEN)):
        platform.put(key, data)
    batch = platform.wait_for_batch(1)
    assert platform.hits("When does the ferry leave?")[0]["source_key"] == "s3://uploads/in/ferry.md"
    assert any("Cormorant" in hit["text"] for hit in platform.hits("berths of the Cormorant"))
    assert platform.dagster.check("extracted_elements", "no_failed_documents")["failedPartitions"] == [batch]
    assert platform.dagster.check("raw_documents", "no_failed_documents")["succeededPartitions"] == [batch]


def test_logs_are_json_lines_with_what_they_are_about(platform: Platform):
    """Those of the run's process, both docmill's and Dagster's, and those of a command."""
    errors = list(Path(platform.env["DOCMILL_HOME"]).rglob("*.err"))
    lines = [json.loads(line) for path in errors for line in path.read_text().splitlines()]
    failed = next(each for each in lines if each["message"] == "document")
    assert (failed["source"], failed["stage"]) == ("s3://uploads/in/broken.pdf", "extracted_elements")
    events = [each for each in lines if each.get("event") == "STEP_SUCCESS"]
    assert {(each["run_id"], each["batch"]) for each in events} == {(failed["run_id"], failed["batch"])}
    command = [BIN / "docmill", "ingest", "s3://nowhere/"]
    done = subprocess.run(command, env=platform.env, capture_output=True, text=True, check=False)
    last = json.loads(done.stderr.splitlines()[-1])
    assert (last["level"], last["error"], done.returncode) == ("error", "SourceError", 1)


def test_overwritten_object_is_found_in_its_new_version_only(platform: Platform):
    platform.put("in/ferry.md", NEWER)
    platform.wait_for_batch(2)
    texts = [hit["text"] for hit in platform.hits("When does the ferry leave?")]
    assert any("09:15" in text for text in texts)
    assert not any("07:40" in text for text in texts)


def test_targeted_rematerialization_of_the_mended_document_turns_its_batch_green(platform: Platform):
    platform.dagster.stop_sensor("new_uploads")
    failed = json.loads(platform.command("docmill", "failed", "--json").stdout)["failed"]
    assert [each["source"] for each in failed] == ["s3://uploads/in/broken.pdf"]
    platform.put("in/broken.pdf", (Path(ROOT) / "examples/documents/handbook.pdf").read_bytes())
    batch, config = failed[0]["batch"], {"document_ids": [failed[0]["document_id"]]}
    run = platform.dagster.launch("retry_failed_documents", batch, {"resources": {"scope": {"config": config}}})
    wait_for(lambda: platform.dagster.runs()[run] == "SUCCESS", "the retry", 120)
    for asset in ("extracted_elements", "vector_collection"):
        assert batch in platform.dagster.check(asset, "no_failed_documents")["succeededPartitions"]
    assert platform.hits("What does an amber blinking lamp mean?")[0]["source_key"] == "s3://uploads/in/broken.pdf"


def test_materialize_in_the_ui_touches_nothing_that_is_all_right(platform: Platform):
    batch = sorted(platform.dagster.batches())[0]
    before = len(platform.dagster.batch_runs(batch))
    stages = ["raw_documents", "extracted_elements", "enriched_elements", "chunks", "embeddings", "vector_collection"]
    platform.dagster.backfill(stages, [batch])
    wait_for(lambda: len(platform.dagster.batch_runs(batch)) > before, "the backfill's run", 60)
    wait_for(lambda: platform.dagster.batch_runs(batch)[0] == "SUCCESS", "the backfill", 120)
    assert worked_on(platform, "extracted_elements", batch) == 0


def test_dagster_asset_materialize_forces_one_document(platform: Platform):
    documents = platform.hits("When does the ferry leave?")
    ferry = next(hit for hit in documents if hit["source_key"].endswith("ferry.md"))
    batch = sorted(platform.dagster.batches())[1]
    config = {"resources": {"scope": {"config": {"document_ids": [ferry["document_id"]], "force": True}}}}
    env = platform.env | {"DAGSTER_HOME": str(Path(platform.env["DOCMILL_HOME"]) / "dagster")}
    command = ["asset", "materialize", "--select", "extracted_elements+", "--partition", batch]
    command += ["--config-json", json.dumps(config), "-f", "orchestration/definitions.py", "-d", "."]
    done = subprocess.run([BIN / "dagster", *command], env=env, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert worked_on(platform, "extracted_elements", batch) == 1


def test_dagster_job_backfill_runs_every_batch(platform: Platform):
    batches = sorted(platform.dagster.batches())
    before = {batch: len(platform.dagster.batch_runs(batch)) for batch in batches}
    env = platform.env | {"DAGSTER_HOME": str(Path(platform.env["DOCMILL_HOME"]) / "dagster")}
    command = ["job", "backfill", "-w", "workspace.yaml", "-j", "ingest_batch", "--partitions", ",".join(batches)]
    done = subprocess.run(
        [BIN / "dagster", *command, "--noprompt"], env=env, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for batch in batches:
        wait_for(lambda batch=batch: len(platform.dagster.batch_runs(batch)) > before[batch], "a run", 60)
        wait_for(lambda batch=batch: platform.dagster.batch_runs(batch)[0] == "SUCCESS", "the backfill", 120)


def test_the_page_shows_the_graph_with_groups_and_kinds(platform: Platform, chromium: str, tmp_path: Path):
    url = f"{platform.dagster.url}/locations/docmill/asset-groups/ingestion"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    flags += ["--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path}"]
    flags += ["--window-size=2400,1200", "--virtual-time-budget=30000", "--dump-dom"]
    page = subprocess.run([chromium, *flags, url], capture_output=True, text=True, timeout=120).stdout
    for name in (
        "raw_documents",
        "extracted_elements",
        "enriched_elements",
        "chunks",
        "embeddings",
        "vector_collection",
    ):
        assert name in page
    assert "ingestion" in page


def worked_on(platform: Platform, asset: str, batch: str) -> int:
    """How many documents the newest materialization of a batch worked on, from its metadata."""
    query = """query($path: [String!]!, $batches: [String!]) { assetOrError(assetKey: {path: $path}) { ... on Asset {
      assetMaterializations(partitions: $batches, limit: 1) { metadataEntries { label
        ... on IntMetadataEntry { intValue } } } } } }"""
    found = platform.dagster.ask(query, path=[asset], batches=[batch])["assetOrError"]["assetMaterializations"]
    return next(each["intValue"] for each in found[0]["metadataEntries"] if each["label"] == "worked_on")
