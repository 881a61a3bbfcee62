"""The official, unmodified newer SDK of LlamaCloud (`llama-cloud` 2.x) against a real service."""

import pytest


@pytest.mark.timeout(600)
def test_every_step_passes(run_script):
    lines = run_script("llamacloud_v2").splitlines()
    assert [line for line in lines if line.startswith("FAIL")] == []
    assert lines[-1] == "27 passed, 0 failed"
