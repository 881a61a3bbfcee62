"""The official, unmodified SDK of LlamaCloud against a real service: Parse, and Extract with and without agents."""

import pytest


@pytest.mark.timeout(600)
def test_every_step_about_parse_passes(run_script):
    lines = run_script("llamacloud", only=r"^(project|parse)\.|^ocr\.parse").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip"))] == []
    assert lines[-1] == "36 passed, 0 failed"


@pytest.mark.timeout(600)
def test_every_step_about_extract_passes(run_script):
    lines = run_script("llamacloud", only=r"^(project|extract|agent)\.(?!json_schema_with_nullable)").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip"))] == []
    assert lines[-1] == "30 passed, 0 failed"
