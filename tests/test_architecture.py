"""The layers, held: who may import whom, and where a broad `except` may stand."""

import ast
import os
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import BIN, ROOT

FOLDERS = ("docmill", "assets", "resources", "orchestration")
ADAPTERS = {
    "boto3": ["docmill/store/s3.py", "docmill/store/notifications.py"],
    "botocore": ["docmill/store/s3.py", "docmill/store/notifications.py"],
    "pymilvus": ["docmill/index/connection.py", "docmill/index/milvus.py", "docmill/index/schema.py"],
    "milvus_lite": ["docmill/index/connection.py"],
    "pymupdf": ["docmill/extract/"],
    "tritonclient": ["docmill/inference/"],
    "onnxruntime": ["docmill/inference/", "docmill/extract/"],
    "dagster": ["assets/", "resources/", "orchestration/"],
}
BORDERS = {"docmill/workers.py"}
"""Where whatever is raised costs one document, one request or one command only."""

LIBRARY_TREE = {path.relative_to(ROOT).as_posix(): path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}


def imported(tree: ast.AST) -> Iterator[str]:
    """The top names of all imports, those inside of functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def broad(tree: ast.AST) -> Iterator[int]:
    """The lines of handlers that catch everything and do not raise it again."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        names = {each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)} if node.type else {"Exception"}
        raised = any(isinstance(each, ast.Raise) and each.exc is None for each in ast.walk(node))
        if names & {"Exception", "BaseException"} and not raised:
            yield node.lineno


def test_layers_hold():
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([BIN / "lint-imports", "--no-cache"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", list(ADAPTERS))
def test_only_its_adapter_imports(package: str):
    allowed = tuple(ADAPTERS[package])
    users = [name for name, path in LIBRARY_TREE.items() if package in imported(ast.parse(path.read_text()))]
    assert [name for name in users if not name.startswith(allowed)] == []


def test_everything_is_caught_at_borders_only():
    found = {name for name, path in LIBRARY_TREE.items() if any(broad(ast.parse(path.read_text())))}
    assert found <= BORDERS


def test_models_ids_and_errors_are_named_apart_from_every_other_module():
    """The contract has to list the others by name: this holds the list complete."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    listed = set(contracts[2]["forbidden_modules"]) | set(contracts[2]["source_modules"])
    names = {path.stem if path.is_file() else path.name for path in (ROOT / "docmill").iterdir()}
    modules = {f"docmill.{name}" for name in names - {"__init__", "__pycache__", "py"} if name.isidentifier()}
    assert modules - listed == set()


def test_library_imports_without_the_platform(tmp_path: Path):
    """In a process that finds neither Dagster nor the Dagster folders."""
    code = "import sys; sys.modules['dagster'] = None; import docmill.cli.app, docmill.pipeline, docmill.stages"
    (tmp_path / "docmill").symlink_to(ROOT / "docmill")
    done = subprocess.run(
        [BIN / "python", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
