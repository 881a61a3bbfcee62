"""`docmill models`: which models there are, where they run, and how they get onto a Triton server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docmill.cli.output import console, print_json, table
from docmill.errors import UsageError
from docmill.inference.model_config import ModelConfig, Runtime
from docmill.inference.registry import CARDS, ModelCard, card, verified_files, weights_folder
from docmill.inference.triton_repository import Device, ExportOptions, broken_files, export_repository
from docmill.settings import Settings, load_settings

app = typer.Typer(help="List the models, show where they run, export them for Triton.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


@app.command(name="list")
def list_command(as_json: Json = False) -> None:
    """List every model: what for, licence, whether its weights are installed, and where the settings have it run."""
    settings = load_settings()
    found = [_record(each, settings) for each in CARDS]
    found += [_own_record(name, config) for name, config in settings.models.items() if not _known(name)]
    if as_json:
        print_json({"models": found})
        return
    columns = ("model", "for", "version", "licence", "weights", "runs")
    rows = [[each[name] for name in ("name", "task", "version", "licence", "weights", "runs")] for each in found]
    table("", columns, rows)


@app.command(name="show")
def show_command(
    name: Annotated[str, typer.Argument(help="A model, as `docmill models list` names it.")], as_json: Json = False
) -> None:
    """Show one model: inputs and outputs, tokenizer, its weights, and that they are the published ones."""
    settings = load_settings()
    if not _known(name) and name in settings.models:
        shown: dict[str, object] = _own_record(name, settings.models[name])
    else:
        model = card(name)
        shown = _record(model, settings) | model.model_dump(mode="json", exclude={"name", "task", "version", "licence"})
        if model.files and weights_folder(model):
            shown["verified"] = sorted(str(path) for path in verified_files(model).values())
    if as_json:
        print_json(shown)
        return
    for key, value in shown.items():
        if value not in ("", [], {}, 0):
            console.print(f"[bold]{key}[/bold]: {value}", soft_wrap=True)


@app.command(name="export")
def export_command(
    triton: Annotated[Path, typer.Option(help="The folder that becomes a Triton model repository.")],
    model: Annotated[list[str] | None, typer.Option(help="Only this model; may be repeated.")] = None,
    device: Annotated[Device, typer.Option(help="What the server computes on.")] = Device.CPU,
    precision: Annotated[str, typer.Option(help="int8, float32 or float16; default: int8 (cpu), float16 (gpu).")] = "",
    instances: Annotated[int, typer.Option(min=1, help="Copies of each model on each device.")] = 1,
    tensorrt: Annotated[bool, typer.Option("--tensorrt", help="Let TensorRT compute what it can.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare the folder with its hashes instead.")] = False,
    as_json: Json = False,
) -> None:
    """Build a Triton model repository from the installed weights, whose hashes are verified first.

    How to serve it: deploy/triton/README.md.
    """
    if check:
        _check(triton)
        return
    if precision not in ("", "int8", "float32", "float16"):
        raise UsageError(f"There is no precision {precision!r}.", hint="Use int8, float32 or float16.")
    chosen = precision or ("float16" if device is Device.GPU else "int8")
    options = ExportOptions.model_validate(
        {"device": device, "precision": chosen, "instances": instances, "tensorrt": tensorrt}
    )
    written = export_repository(triton, load_settings().folder / "models", options, model or [])
    if as_json:
        print_json({"repository": str(triton), "models": written})
        return
    table(f"Models in {triton}", ("model", "#files"), [(name, len(files)) for name, files in sorted(written.items())])
    console.print(f"Serve it: tritonserver --model-repository={triton.absolute()}", soft_wrap=True, markup=False)


def _check(folder: Path) -> None:
    broken = broken_files(folder)
    if broken:
        raise UsageError(f"{folder}: {', '.join(broken)} missing or changed.", hint="Export it again.")
    console.print(f"{folder}: every file has its hash.", soft_wrap=True, markup=False)


def _known(name: str) -> bool:
    return any(each.name == name for each in CARDS)


def _record(model: ModelCard, settings: Settings) -> dict[str, object]:
    """A model of the registry for people and programs."""
    config = settings.models.get(model.name)
    if model.files:
        weights = "installed" if weights_folder(model) else "not installed"
    else:
        weights = "in its package" if model.package else "yours"
    local = (
        "in this process" if Runtime.ONNX in model.runtimes and (model.files or model.package) else "where you set it"
    )
    return {
        "name": model.name,
        "task": model.task.value,
        "version": model.version,
        "licence": model.licence,
        "weights": weights,
        "runs": _place(config) if config and config.runtime is not Runtime.ONNX else local,
        "exportable": model.exportable,
    }


def _own_record(name: str, config: ModelConfig) -> dict[str, object]:
    """A model of the settings that the registry does not have."""
    return {
        "name": name,
        "task": "of your own",
        "version": config.version,
        "licence": "that of the model you chose",
        "weights": str(config.folder or "at its server"),
        "runs": _place(config),
        "exportable": False,
    }


def _place(config: ModelConfig) -> str:
    return f"{config.runtime}: {', '.join(config.urls)}" if config.urls else "in this process"
