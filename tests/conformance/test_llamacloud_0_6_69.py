"""The SDK of LlamaCloud as it was when the product's documentation was written, against a real service."""

import pytest

FOR_NEWER = ("skip extract.citation_bounding_box", "skip extract.per_table_row")
"""Options that this version does not have."""


@pytest.mark.timeout(600)
def test_every_step_about_extract_passes(run_script):
    steps = r"^(project|extract|agent)\.(?!json_schema_with_nullable)"
    lines = run_script("llamacloud", only=steps, client="llamacloud_0_6_69").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip")) and not line.startswith(FOR_NEWER)] == []
    assert lines[-1] == "28 passed, 0 failed"
