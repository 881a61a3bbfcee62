"""The official, unmodified SDK of LlamaCloud against a real service: Parse, and Extract without agents."""

import pytest


@pytest.mark.timeout(600)
def test_every_step_about_parse_passes(run_script):
    lines = run_script("llamacloud", only=r"^(project|parse)\.|^ocr\.parse").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip"))] == []
    assert lines[-1] == "36 passed, 0 failed"


@pytest.mark.timeout(600)
def test_every_step_about_extract_that_needs_no_agent_and_no_model_passes(run_script):
    with_agents, with_model = "queue_and_poll|results_straight_after_queue", "json_schema_with_nullable"
    lines = run_script("llamacloud", only=rf"^project\.|^extract\.(?!{with_agents}|{with_model})").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip"))] == []
    assert lines[-1] == "21 passed, 0 failed"
