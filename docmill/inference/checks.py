"""Whether each model of the settings can be used now, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from docmill.errors import DocmillError
from docmill.inference.model_config import ModelConfig, Runtime
from docmill.inference.opening import open_endpoint, open_tensors
from docmill.inference.registry import CARDS, weights_folder
from docmill.inference.triton import TritonModel
from docmill.settings import Settings


@dataclass(frozen=True)
class Check:
    """What was found of a model at one place."""

    model: str
    well: bool
    sentence: str
    way_out: str = ""


def check_models(settings: Settings) -> Iterator[Check]:
    """A check for each address of each model in the settings, one for each model that is a folder."""
    for name, config in settings.models.items():
        try:
            if config.runtime is Runtime.TRITON:
                yield from _triton(name, config)
            elif config.runtime is Runtime.OPENAI:
                yield from _endpoint(name, config)
            elif config.folder is not None:
                inputs = ", ".join(open_tensors(name, config).inputs)
                yield Check(name, True, f"{name} is in {config.folder} and takes {inputs}.")
        except DocmillError as error:
            yield Check(name, False, error.message, error.hint)
    for model in CARDS:
        if model.task.value.startswith("OCR: w") and model.files and not model.note and weights_folder(model) is None:
            yield Check(model.name, False, f"The weights of {model.name} are missing.", f"Install {model.source}.")


def _triton(name: str, config: ModelConfig) -> Iterator[Check]:
    for url in config.urls:
        model = open_tensors(name, config.model_copy(update={"urls": (url,)}))
        assert isinstance(model, TritonModel)
        if not model.ready_at(url):
            yield Check(
                name, False, f"{url} does not have {model.name} ready.", "Start it; see deploy/triton/README.md."
            )
            continue
        counted = model.statistics()
        sentence = f"{url} has {model.name} ready: {counted.items} items in batches of {counted.mean_batch:.1f}."
        yield Check(name, True, sentence)


def _endpoint(name: str, config: ModelConfig) -> Iterator[Check]:
    for url in config.urls:
        endpoint = open_endpoint(name, {name: config.model_copy(update={"urls": (url,)})})
        try:
            offered = endpoint.models()
        except DocmillError as error:
            yield Check(name, False, error.message, error.hint)
            continue
        finally:
            endpoint.close()
        if endpoint.model in offered or not offered:
            yield Check(name, True, f"{url} offers {endpoint.model}.")
        else:
            yield Check(
                name,
                False,
                f"{url} does not offer {endpoint.model} but {', '.join(offered[:5])}.",
                f"Set models.{name}.model to one of them.",
            )
