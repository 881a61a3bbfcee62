"""The Dagster instance of a home: made once, however many processes begin at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from docmill.errors import ConfigError
from docmill.settings import Settings
from orchestration.instance import dagster_instance
from tests.services import ROOT

OPEN_AT_ONCE = """
import multiprocessing, os, sys
from pathlib import Path
from docmill.settings import Settings
from orchestration.instance import dagster_instance

def opened(home, barrier, answers):
    os.environ.pop("DAGSTER_HOME", None)
    barrier.wait()
    with dagster_instance(Settings(home=home)) as instance:
        instance.add_dynamic_partitions("document_batches", [str(os.getpid())])
    answers.put(os.getpid())

fork = multiprocessing.get_context("fork")
for turn in range(2):
    barrier, answers = fork.Barrier(4), fork.Queue()
    home = Path(sys.argv[1]) / str(turn)
    children = [fork.Process(target=opened, args=(home, barrier, answers)) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    codes = [child.exitcode for child in children]
    assert codes == [0] * 4, codes
"""


def test_four_processes_open_a_new_home_at_once(tmp_path: Path):
    done = subprocess.run([sys.executable, "-c", OPEN_AT_ONCE, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ((ROOT / "deploy/dagster.yaml").read_text(), 'the environment variable "DOCMILL_LEDGER_URL" which is not set'),
        ("storge: {}\n", 'unexpected config entry "storge"'),
    ],
)
def test_dagster_yaml_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, monkeypatch, text: str, said: str):
    for name in ("DOCMILL_LEDGER_URL", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said) as caught, dagster_instance(Settings(home=tmp_path)):
        pass
    assert "\n" not in caught.value.message
    assert str(tmp_path) in caught.value.message
