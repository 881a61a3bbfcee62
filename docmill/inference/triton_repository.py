"""Builds a Triton model repository from the registry: verified weights, configurations, a manifest of hashes.

    DIR/
      docmill.json                          sha256 of every file; Triton passes over it
      all-MiniLM-L6-v2/config.pbtxt, 2/…    token ids → vectors
      all-MiniLM-L6-v2-text/…               texts → vectors, for clients that have no tokenizer
      PP-OCRv6_det_small/… PP-OCRv6_rec_small/… and what else is installed

For a GPU the embedding model is a batched float16 (or float32) graph for the ONNX Runtime back end, with TensorRT if
asked for. For a CPU it is the very graph of docmill's own process in the Python back end: the same bytes come out.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from docmill.config import Section
from docmill.errors import ConfigError, UsageError
from docmill.inference import minilm, serving
from docmill.inference.minilm import Precision, ensure_minilm, minilm_fingerprint
from docmill.inference.registry import CARDS, ModelCard, Task, TensorSpec, card, verified_files, weights_folder
from docmill.inference.triton import FINGERPRINT
from docmill.inference.weights import find_weights, sha256_file

Config: TypeAlias = dict[str, Any]

MANIFEST = "docmill.json"
TEXT_SUFFIX = "-text"
_TYPES = {"float32": "TYPE_FP32", "int32": "TYPE_INT32", "bool": "TYPE_BOOL", "string": "TYPE_STRING"}
_QUEUE = 512
_ENGINES = "/var/cache/docmill/tensorrt"


class Device(StrEnum):
    """What the server computes on."""

    CPU = "cpu"
    GPU = "gpu"


class ExportOptions(Section):
    """How the repository is made. `delay_us` is how long (µs) a request may wait for others to fill its batch."""

    device: Device = Device.CPU
    precision: Precision = "int8"
    instances: Annotated[int, Field(ge=1)] = 1
    threads: Annotated[int, Field(ge=1)] = 1
    delay_us: Annotated[int, Field(ge=0)] = 2_000
    tensorrt: bool = False


def export_repository(
    folder: Path, home: Path, options: ExportOptions, names: Sequence[str] = ()
) -> dict[str, dict[str, str]]:
    """The folder is a model repository of the named models (all that are installed, if none); their files' sha256.

    Models of the folder that are exported again are replaced, others stay. Raises ConfigError for weights that are
    missing or not the published ones, UsageError for a model that cannot be exported.
    """
    _check(options)
    chosen = [_exportable(name) for name in names] or [
        each for each in CARDS if each.exportable and weights_folder(each)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    manifest = _manifest(folder)
    for model in chosen:
        for name, config, files in _served(model, home, options):
            manifest[name] = _write(folder / name, config, files, str(model.version))
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return manifest


def broken_files(folder: Path) -> list[str]:
    """The files of the repository that are missing or not those of its manifest."""
    return [
        f"{model}/{name}"
        for model, files in _manifest(folder).items()
        for name, expected in files.items()
        if not (folder / model / name).is_file() or sha256_file(folder / model / name) != expected
    ]


def model_config(model: ModelCard, options: ExportOptions, fingerprint: str) -> Config:
    """The config.pbtxt of a model, as the fields of Triton's ModelConfig."""
    python = model.task is Task.EMBEDDING and options.device is Device.CPU and options.precision != "float16"
    parameters = {FINGERPRINT: fingerprint, "licence": model.licence}
    if model.max_tokens:
        parameters |= {"max_tokens": str(model.max_tokens), "threads": str(options.threads)}
    config: Config = {
        "name": model.name,
        "backend": "python" if python else "onnxruntime",
        "max_batch_size": model.max_batch,
        "input": [_tensor(each) for each in model.inputs],
        "output": [_tensor(each) for each in model.outputs],
        "instance_group": [{"count": options.instances, "kind": f"KIND_{options.device.upper()}"}],
        "dynamic_batching": _batching(options),
        "parameters": {name: {"string_value": value} for name, value in parameters.items()},
        "version_policy": {"specific": {"versions": [model.version]}},
    }
    if warm := _warm_up(model):
        config["model_warmup"] = warm
    if options.tensorrt:
        config["optimization"] = _tensorrt(model)
    return config


def text_config(model: ModelCard, options: ExportOptions) -> Config:
    """The configuration of the model that takes texts and asks `model` on the same server."""
    parameters = {"model": model.name, "max_tokens": str(model.max_tokens)}
    truncated = TensorSpec(name="truncated", dtype="bool", shape=(1,))
    return {
        "name": model.name + TEXT_SUFFIX,
        "backend": "python",
        "max_batch_size": model.max_batch,
        "input": [_tensor(TensorSpec(name="text", dtype="string", shape=(1,)))],
        "output": [*(_tensor(each) for each in model.outputs), _tensor(truncated)],
        "instance_group": [{"count": options.instances, "kind": "KIND_CPU"}],
        "dynamic_batching": _batching(options),
        "parameters": {name: {"string_value": value} for name, value in parameters.items()},
        "version_policy": {"specific": {"versions": [model.version]}},
    }


def _served(
    model: ModelCard, home: Path, options: ExportOptions
) -> list[tuple[str, Config, Mapping[str, Path | bytes]]]:
    """What the server gets for a model: name, configuration and files of each."""
    files = verified_files(model)
    if model.task is not Task.EMBEDDING:
        (graph,) = files.values()
        return [(model.name, model_config(model, options, model.fingerprint), {"model.onnx": graph})]
    code = Path(serving.__file__).parent
    config = model_config(model, options, minilm_fingerprint(options.precision))
    given: dict[str, Path | bytes] = {"model.onnx": _embedding_graph(home, options)}
    if config["backend"] == "python":
        given["model.py"] = code / "embedding.py"
    text = {"model.py": code / "text.py", "tokenizer.json": files["tokenizer.json"]}
    return [(model.name, config, given), (model.name + TEXT_SUFFIX, text_config(model, options), text)]


def _embedding_graph(home: Path, options: ExportOptions) -> Path | bytes:
    """The graph of docmill's own process for a CPU, the batched one for a GPU."""
    if options.device is Device.CPU and options.precision != "float16":
        return ensure_minilm(home, options.precision) / minilm.MODEL_FILE
    from docmill.inference.minilm_batched import build_batched_minilm

    weights = find_weights()
    weights.verify()
    return build_batched_minilm(weights, half=options.precision == "float16")


def _check(options: ExportOptions) -> None:
    if options.device is Device.GPU and options.precision == "int8":
        raise UsageError("int8 is for CPUs.", hint="Export --device gpu with --precision float16 or float32.")
    if options.tensorrt and options.device is not Device.GPU:
        raise UsageError("TensorRT needs a GPU.", hint="Add --device gpu.")


def _exportable(name: str) -> ModelCard:
    model = card(name)
    if not model.exportable:
        raise UsageError(f"The model {name} cannot be exported.", hint=f"It comes with {model.source}. {model.note}")
    return model


def _tensor(spec: TensorSpec) -> Config:
    return {"name": spec.name, "data_type": _TYPES[spec.dtype], "dims": [str(each) for each in spec.shape]}


def _batching(options: ExportOptions) -> Config:
    """Requests of one shape are joined; beyond the queue's length they are refused, and clients come again later."""
    return {
        "max_queue_delay_microseconds": str(options.delay_us),
        "default_queue_policy": {"max_queue_size": _QUEUE, "timeout_action": "REJECT"},
    }


def _shape(spec: TensorSpec, lengths: Sequence[int]) -> list[int]:
    """The shape with the last of `lengths` for its open axes, from the right."""
    rest = list(lengths)
    return [(rest.pop() if rest else 1) if each == -1 else each for each in reversed(spec.shape)][::-1]


def _warm_up(model: ModelCard) -> list[Config]:
    """A request a length, so that the first user waits for no allocation; none where no length is given."""
    lengths = [[each] for each in model.warm] if model.max_tokens else [list(model.warm)]
    return [
        {
            "name": f"warm-{number}",
            "batch_size": 1,
            "inputs": {
                spec.name: {
                    "data_type": _TYPES[spec.dtype],
                    "dims": [str(each) for each in _shape(spec, each_length)],
                    "zero_data": True,
                }
                for spec in model.inputs
            },
        }
        for number, each_length in enumerate(lengths)
        if each_length
    ]


def _tensorrt(model: ModelCard) -> Config:
    """TensorRT below ONNX Runtime, its engines kept on disk; profiles from one item of length 32 to the largest."""

    def profile(batch: int, lengths: Sequence[int]) -> str:
        return ",".join(f"{spec.name}:{'x'.join(map(str, [batch, *_shape(spec, lengths)]))}" for spec in model.inputs)

    parameters = {
        "precision_mode": "FP16",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": _ENGINES,
        "max_workspace_size_bytes": str(2 << 30),
    }
    if model.largest:
        parameters |= {
            "trt_profile_min_shapes": profile(1, [32] * len(model.largest)),
            "trt_profile_opt_shapes": profile(max(model.max_batch // 2, 1), model.warm[-len(model.largest) :]),
            "trt_profile_max_shapes": profile(model.max_batch, model.largest),
        }
    return {"execution_accelerators": {"gpu_execution_accelerator": [{"name": "tensorrt", "parameters": parameters}]}}


def _write(folder: Path, config: Config, files: Mapping[str, Path | bytes], version: str) -> dict[str, str]:
    """The model's folder in the repository, replaced as a whole; the sha256 of each of its files."""
    from google.protobuf import json_format, text_format
    from tritonclient.grpc import model_config_pb2

    message = json_format.ParseDict(config, model_config_pb2.ModelConfig())
    shutil.rmtree(folder, ignore_errors=True)
    (folder / version).mkdir(parents=True)
    (folder / "config.pbtxt").write_text(text_format.MessageToString(message), encoding="utf-8")
    for name, source in files.items():
        target = folder / version / name
        if isinstance(source, Path):
            shutil.copyfile(source, target)
        else:
            target.write_bytes(source)
    names = ["config.pbtxt", *(f"{version}/{name}" for name in files)]
    return {name: sha256_file(folder / name) for name in sorted(names)}


def _manifest(folder: Path) -> dict[str, dict[str, str]]:
    """What is in the repository by its own account."""
    file = folder / MANIFEST
    if not file.exists():
        return {}
    try:
        found: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{file} is not readable: {error}.", hint="Export into an empty folder.") from error
    return found
