import multiprocessing

import numpy as np
import pytest

from docmill.errors import ConfigError
from docmill.inference.minilm import ensure_minilm, minilm_fingerprint
from docmill.inference.minilm_graph import build_minilm
from docmill.inference.model_folder import Manifest, is_intact
from docmill.inference.onnx_graph import quantize_columns
from docmill.inference.weights import MODEL_SHA256, find_weights


def test_building_twice_gives_the_same_bytes():
    weights = find_weights()
    assert build_minilm(weights, "int8") == build_minilm(weights, "int8")


def test_model_folder_is_complete(home):
    folder = ensure_minilm(home)
    assert folder.name == f"all-MiniLM-L6-v2-{minilm_fingerprint('int8')}"
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "model.onnx", "tokenizer.json"]
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_manifest_names_sources_and_licence(home):
    manifest = Manifest.model_validate_json((ensure_minilm(home) / "manifest.json").read_bytes())
    assert manifest.sources["model.safetensors"] == MODEL_SHA256
    assert (manifest.licence, manifest.dimensions, manifest.max_tokens) == ("Apache-2.0", 384, 256)


def test_built_model_is_not_built_again(home):
    model = ensure_minilm(home) / "model.onnx"
    before = model.stat().st_mtime_ns
    ensure_minilm(home)
    assert model.stat().st_mtime_ns == before


def test_weights_are_not_needed_once_built(home, tmp_path):
    ensure_minilm(home)
    assert ensure_minilm(home, weights_folder=tmp_path / "absent").is_dir()


def test_damaged_model_is_built_anew(tmp_path):
    folder = ensure_minilm(tmp_path)
    intact = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(intact[:-1] + b"?")
    assert not is_intact(folder)
    assert (ensure_minilm(tmp_path) / "model.onnx").read_bytes() == intact


def test_two_processes_may_build_at_once(tmp_path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        folders = set(pool.map(ensure_minilm, [tmp_path, tmp_path]))
    assert len(folders) == 1
    assert is_intact(folders.pop())


def test_failed_build_leaves_nothing(tmp_path):
    with pytest.raises(ConfigError):
        ensure_minilm(tmp_path, weights_folder=tmp_path / "absent")
    assert list(tmp_path.rglob("model.onnx")) == []


def test_quantized_weights_are_near_and_never_saturate_sixteen_bits():
    weight = np.random.default_rng(1).standard_normal((64, 8)).astype(np.float32)
    quantized, scales = quantize_columns(weight)
    np.testing.assert_allclose(quantized * scales, weight, atol=float(scales.max()) * 0.51)
    wide = np.maximum(quantized.astype(np.int32), 0)
    assert (255 * (wide[0::2] + wide[1::2])).max() < 2**15


def test_zero_weights_stay_zero():
    quantized, scales = quantize_columns(np.zeros((4, 2), np.float32))
    assert not quantized.any()
    assert np.isfinite(scales).all()
