"""The official SDK, unmodified, drives the service: the whole conformance script, in an environment of its own.

The SDK has dependencies that docmill must not have, so each of its versions is installed once from a hashed lock into
an environment of its own, which pytest's cache keeps.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest

from tests.services import BIN, ROOT, answers, free_port, process, wait_for
from tests.venvs import locked_python

LOCKS = ROOT / "tests" / "conformance"
VERSIONS = {"retab": 45, "retab_oldest": 44}
"""The lock files of the newest and the oldest SDK that is served, with how many of the script's steps each has."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A running service, as the script's environment names it."""
    folder = tmp_path_factory.mktemp("retab")
    port, documents = free_port(), free_port()
    rewrite = {"https://my-bucket.s3.us-east-1.amazonaws.com/": f"http://127.0.0.1:{documents}/"}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DOCMILL_")},
        "DOCMILL_HOME": str(folder / "home"),
        "DOCMILL_FETCH_ALLOW": "127.0.0.1/32",
        "DOCMILL_FETCH_REWRITE": json.dumps(rewrite),
    }
    made = subprocess.run(
        [BIN / "docmill", "keys", "create", "--name", "sdk", "--json"], env=environment, capture_output=True, check=True
    )
    command = [str(BIN / "docmill"), "serve", "--port", str(port)]
    log = folder / "serve.log"
    with process(command, log, environment, grace=5.0) as started:
        wait_for(lambda: started.poll() is not None or answers(port), f"the service (log: {log})")
        key = json.loads(made.stdout)["key"]
        yield {"BASE_URL": f"http://127.0.0.1:{port}", "API_KEY": key, "DOC_PORT": str(documents)}


@pytest.mark.parametrize(("version", "steps"), VERSIONS.items())
def test_the_official_sdk_is_served(version: str, steps: int, service: dict[str, str], pytestconfig: pytest.Config):
    environment = pytestconfig.cache.mkdir(f"{version.replace('_', '-')}-client")
    sdk = locked_python(environment, LOCKS / f"{version}.lock")
    script = ROOT / "tests" / "conformance" / "retab.py"
    done = subprocess.run(
        [sdk, script], env={**os.environ, **service}, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == f"{steps} passed, 0 failed"


LIST = """
import os
from retab import Retab
with Retab(api_key=os.environ["API_KEY"], base_url=os.environ["BASE_URL"]) as client:
    first = client.files.list(limit=2)
    after = client.files.list(limit=2, after=first.list_metadata.after)
    named = client.files.list(filename="list-b.txt")
    print([each.filename for each in first.data], after.data[0].filename, [each.filename for each in named.data])
"""


def test_uploaded_files_are_listed_newest_first_page_by_page(service: dict[str, str], pytestconfig: pytest.Config):
    for name in ("list-a.txt", "list-b.txt", "list-c.txt"):
        body = json.dumps({"filename": name}).encode()
        headers = {"Authorization": f"Bearer {service['API_KEY']}", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{service['BASE_URL']}/v1/files/upload", body, headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            assert answer.status == 200
    sdk = locked_python(pytestconfig.cache.mkdir("retab-client"), LOCKS / "retab.lock")
    done = subprocess.run(
        [sdk, "-c", LIST], env={**os.environ, **service}, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.stdout.strip() == "['list-c.txt', 'list-b.txt'] list-a.txt ['list-b.txt']", done.stderr[-2000:]
