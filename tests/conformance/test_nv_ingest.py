"""The official, unmodified nv-ingest client and command line against a real service."""

import pytest


@pytest.mark.timeout(900)
def test_every_step_of_the_official_client_passes(run_script):
    lines = run_script("nv_ingest").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip"))] == []
    assert lines[-1].endswith(" passed, 0 failed")
