"""Two ticks of `new_uploads` at once, over the same new objects: each object ends in one batch, and none is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

from docmill.ledger import Ledger
from docmill.store import LocalStore
from tests.services import ROOT

TICK = """
import json, sys
import dagster as dg
from orchestration.definitions import defs
from orchestration.sensors import new_uploads

print("ready", flush=True)
sys.stdin.readline()
resources = {"workspace": defs.resources["workspace"]}
with dg.instance_for_test() as instance, dg.build_sensor_context(instance=instance, resources=resources) as context:
    result = new_uploads(context)
requests = [] if isinstance(result, dg.SkipReason) else [each.partition_key for each in result.run_requests]
print(json.dumps(requests))
"""


def test_two_ticks_at_once_put_each_object_into_one_batch(
    ledger_url: str, environment: dict[str, str], home: Path, tmp_path: Path
):
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    for number in range(100):
        (uploads / f"{number}.txt").write_text(f"Pallet {number}.")
        os.utime(uploads / f"{number}.txt", (1_700_000_000, 1_700_000_000))
    env = environment | {"DOCMILL_LEDGER_URL": ledger_url, "DOCMILL_BATCH__DOCUMENTS": "10"}
    env |= {"DOCMILL_WATCH": json.dumps({"default": f"file://{uploads}/"}), "PYTHONWARNINGS": "ignore"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    ticks = [subprocess.Popen([sys.executable, "-c", TICK], env=env, cwd=ROOT, **pipes) for _ in range(2)]
    assert [tick.stdout.readline() for tick in ticks] == ["ready\n"] * 2
    for tick in ticks:
        tick.stdin.write("go\n")
        tick.stdin.flush()
    answers = [tick.communicate(timeout=60) for tick in ticks]
    assert [tick.returncode for tick in ticks] == [0, 0], answers

    ledger = Ledger(ledger_url)
    documents, batches = ledger.documents("default"), ledger.batches("default")
    ledger.close()
    assert {each.key for each in documents} == {f"{number}.txt" for number in range(100)}
    assert sum(batch.documents for batch in batches) == 100
    store = LocalStore(home / "store")
    listed = [
        json.loads(line)["source_key"]
        for info in store.list("batches/")
        for line in store.get(info.key).decode().splitlines()
    ]
    assert sorted(listed) == [each.source_key for each in documents]
    requested = {name for out, _ in answers for name in json.loads(out.splitlines()[-1])}
    assert requested == {batch.batch for batch in batches}
