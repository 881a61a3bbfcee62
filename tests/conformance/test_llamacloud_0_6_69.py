"""The SDK of LlamaCloud as it was when the product's documentation was written, against a real service."""

import pytest

FOR_NEWER = ("skip extract.citation_bounding_box", "skip extract.per_table_row")
"""Options that this version does not have."""


@pytest.mark.timeout(600)
def test_every_step_about_extract_passes(run_script):
    lines = run_script("llamacloud", only=r"^(project|extract|agent)\.", client="llamacloud_0_6_69").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip")) and not line.startswith(FOR_NEWER)] == []
    assert lines[-1] == "29 passed, 0 failed"


@pytest.mark.timeout(600)
def test_every_step_about_parse_and_indexes_passes(run_script):
    lines = run_script("llamacloud", only=r"^(project|parse|index)\.|^ocr\.parse", client="llamacloud_0_6_69").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip"))] == []
    assert lines[-1] == "54 passed, 0 failed"
