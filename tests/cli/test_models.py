"""`docmill models` as a user calls it."""

import json


def test_list_says_where_each_model_runs(docmill):
    places = {"PP-OCRv6_rec_small": {"runtime": "triton", "urls": ["grpc://gpu:8001"]}, "mine": {"folder": "/m"}}
    found = json.loads(docmill("models", "list", "--json", DOCMILL_MODELS=json.dumps(places)).stdout)
    models = {each["name"]: each for each in found["models"]}
    assert models["all-MiniLM-L6-v2"]["runs"] == "in this process"
    assert models["PP-OCRv6_rec_small"]["runs"] == "triton: grpc://gpu:8001"
    assert models["mine"]["task"] == "of your own"


def test_show_verifies_the_weights(docmill):
    shown = json.loads(docmill("models", "show", "PP-OCRv6_det_small", "--json").stdout)
    assert shown["licence"] == "Apache-2.0"
    assert len(shown["verified"]) == 1


def test_export_writes_a_repository_that_checks(docmill, tmp_path):
    options = ("--triton", tmp_path / "models", "--model", "PP-OCRv6_det_small")
    docmill("models", "export", *options, "--device", "gpu", "--tensorrt")
    assert "every file has its hash" in docmill("models", "export", *options, "--check").stdout
    (tmp_path / "models/PP-OCRv6_det_small/config.pbtxt").write_text("")
    assert "config.pbtxt" in docmill("models", "export", *options, "--check", code=1).stderr
