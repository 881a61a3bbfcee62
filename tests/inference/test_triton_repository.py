"""What `docmill models export --triton` writes."""

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from docmill.errors import ConfigError, UsageError
from docmill.inference.minilm import NAME, minilm_fingerprint
from docmill.inference.registry import CARDS, card, verified_files, weights_folder
from docmill.inference.triton import FINGERPRINT
from docmill.inference.triton_repository import ExportOptions, broken_files, export_repository

GPU = ExportOptions(device="gpu", precision="float16", instances=2, tensorrt=True)


def config(folder, name):
    return text_format.Parse((folder / name / "config.pbtxt").read_text(), ModelConfig())


def test_cpu_repository_holds_the_graph_of_this_process(model_home, tmp_path, embedder):
    export_repository(tmp_path, model_home, ExportOptions(), [NAME])
    assert (tmp_path / NAME / "2/model.onnx").read_bytes() == (embedder.prepare() / "model.onnx").read_bytes()
    made = config(tmp_path, NAME)
    assert made.backend == "python"
    assert made.parameters[FINGERPRINT].string_value == minilm_fingerprint("int8")
    assert made.instance_group[0].kind == made.instance_group[0].KIND_CPU


def test_gpu_repository_batches_warms_up_and_names_tensorrt(model_home, tmp_path):
    export_repository(tmp_path, model_home, GPU, [NAME, "PP-OCRv6_det_small"])
    made = config(tmp_path, NAME)
    assert made.backend == "onnxruntime"
    assert (made.max_batch_size, made.instance_group[0].count) == (64, 2)
    assert made.dynamic_batching.max_queue_delay_microseconds == 2_000
    assert made.dynamic_batching.default_queue_policy.max_queue_size == 512
    assert [warm.inputs["input_ids"].dims[0] for warm in made.model_warmup] == [32, 128]
    (tensorrt,) = made.optimization.execution_accelerators.gpu_execution_accelerator
    assert tensorrt.parameters["trt_profile_max_shapes"] == "input_ids:64x256,attention_mask:64x256"
    picture = config(tmp_path, "PP-OCRv6_det_small").optimization.execution_accelerators
    assert picture.gpu_execution_accelerator[0].parameters["trt_profile_max_shapes"] == "x:8x3x2016x2016"


def test_every_file_is_in_the_manifest_and_a_change_is_found(model_home, tmp_path):
    written = export_repository(tmp_path, model_home, ExportOptions(), ["PP-OCRv6_rec_small"])
    assert written["PP-OCRv6_rec_small"]["1/model.onnx"] == card("PP-OCRv6_rec_small").files["PP-OCRv6_rec_small.onnx"]
    assert broken_files(tmp_path) == []
    (tmp_path / "PP-OCRv6_rec_small/1/model.onnx").write_bytes(b"x")
    assert broken_files(tmp_path) == ["PP-OCRv6_rec_small/1/model.onnx"]


def test_another_export_keeps_the_other_models(model_home, tmp_path):
    export_repository(tmp_path, model_home, ExportOptions(), ["PP-OCRv6_rec_small"])
    written = export_repository(tmp_path, model_home, ExportOptions(), ["ch_ppocr_mobile_v2.0_cls"])
    assert set(written) == {"PP-OCRv6_rec_small", "ch_ppocr_mobile_v2.0_cls"}
    assert broken_files(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "names", "message"),
    [
        (ExportOptions(device="gpu"), [], "int8 is for CPUs"),
        (ExportOptions(tensorrt=True), [], "TensorRT needs a GPU"),
        (ExportOptions(), ["pymupdf-layout"], "cannot be exported"),
        (ExportOptions(), ["nothing"], "no model"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_anything_is_written(model_home, tmp_path, options, names, message):
    with pytest.raises(UsageError, match=message):
        export_repository(tmp_path / "repository", model_home, options, names)
    assert not (tmp_path / "repository").exists()


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path):
    false = card("PP-OCRv6_rec_small").model_copy(update={"files": {"PP-OCRv6_rec_small.onnx": "0" * 64}})
    with pytest.raises(ConfigError, match="expected 0000"):
        verified_files(false)


def test_weights_that_are_not_installed_say_where_they_come_from():
    lacking = card("PP-OCRv6_rec_small").model_copy(update={"package": "no_such_package"})
    assert weights_folder(lacking) is None
    with pytest.raises(ConfigError, match="not installed") as caught:
        verified_files(lacking)
    assert "rapidocr" in caught.value.hint


def test_cards_say_what_they_are():
    assert len({each.name for each in CARDS}) == len(CARDS)
    for each in CARDS:
        assert each.licence
        assert each.source
        assert all(len(hash) == 64 for hash in each.files.values())
        assert not each.exportable or (each.inputs and each.outputs and each.max_batch)


@pytest.mark.parametrize("name", [each.name for each in CARDS if each.files and each.name != NAME])
def test_card_has_the_inputs_and_outputs_of_its_graph(name):
    import onnxruntime

    if weights_folder(card(name)) is None:
        return  # comes with a package that this installation does not have
    (file,) = verified_files(card(name)).values()
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for specs, values in ((card(name).inputs, session.get_inputs()), (card(name).outputs, session.get_outputs())):
        assert [spec.name for spec in specs] == [value.name for value in values]
        for spec, value in zip(specs, values, strict=True):
            assert len(spec.shape) == len(value.shape) - 1
