"""All that the official clients can ask for is served, or is refused by a sentence that names the page of what is.

The methods and paths are read from the clients' own code. A request without a key is enough to tell: what is served
asks for one.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from docmill.service import create_app
from docmill.settings import Settings
from docmill.workspace import Workspace
from tests.services import ROOT
from tests.venvs import locked_node_modules, locked_python

LOCKS = ROOT / "tests/conformance"
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ID = "00000000-0000-4000-8000-000000000000"
NOT_SERVED = {
    "llamacloud": (
        r"/api/(internal|alpha|v2alpha1)/",
        r"/api/v1/beta/(agent-data|attachments|batch-processing|director|parse-configurations|sheets|split|usage)",
        r"/api/v1/(chat|classifier|embedding-model-configs|indexes|retrieval|split)(/|$)",
        r"/api/v1/parsing/job/[^/]+/read/",
        r"/api/v1/pipelines/[^/]+/(chat|copy|playground-session)$",
        r"/api/v2/(batches|classify)(/|$)",
    ),
    "retab": (
        r"/v1/(classifications|edits|files/blueprints|parses|partitions|schemas|secrets|splits|tables)(/|$)",
        r"/v1/(usage|workflows)(/|$)",
    ),
}
"""What docs/migrate-from-*.md name as not served."""
Call = tuple[str, str]


def text_of(node: ast.expr | None) -> str:
    """The text that an argument gives, with `{}` for what is put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.Call) and node.args:
        return text_of(node.args[-1] if getattr(node.func, "attr", "") == "urljoin" else node.args[0])
    return ""


def calls_of(module: Path) -> Iterator[Call]:
    """The methods and paths of a module of a client."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = str(getattr(node.func, "attr", getattr(node.func, "id", ""))).lstrip("_")
        named = {each.arg: each.value for each in node.keywords}
        given = [*node.args, None, None]
        if name == "get_api_list":
            verb, path = text_of(named.get("method")) or "get", text_of(given[0])
        elif name.upper() in VERBS:
            verb, path = name, text_of(given[0])
        else:
            verb, path = text_of(named.get("method", given[0])), text_of(named.get("url", given[1]))
        path = re.sub(r"\{[^}]*\}", ID, f"/{path.lstrip('/')}".partition("?")[0])
        if verb.upper() in VERBS and re.match(r"/(api|v\d)/", path):
            yield verb.upper(), path


def calls_of_package(python: Path, package: str) -> set[Call]:
    """The methods and paths of a client's package in an environment."""
    (folder,) = python.parent.parent.glob(f"lib/python3*/site-packages/{package}")
    return {call for module in folder.rglob("*.py") for call in calls_of(module)}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    workspace = Workspace(Settings(home=tmp_path_factory.mktemp("home")))
    workspace.keys.create("somebody")
    yield TestClient(create_app(workspace), raise_server_exceptions=False)
    workspace.close()


def refused(client: TestClient, calls: set[Call], guide: str) -> set[str]:
    """The paths of the calls that are not served, each of which is refused as it should be."""
    found = set()
    for verb, path in sorted(calls):
        answer = client.request(verb, path)
        if answer.status_code != 401:
            assert answer.status_code in (404, 405), f"{verb} {path}: {answer.status_code}"
            assert f"docmill does not serve {verb} {path}. {guide}" in answer.text
            found.add(path)
    return found


@pytest.fixture
def python_of(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """The Python of a client's environment, made once and kept."""
    return lambda name: locked_python(pytestconfig.cache.mkdir(f"{name}-client"), LOCKS / f"{name}.lock")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "package", "least"),
    [("llamacloud", "llama_cloud", 160), ("llamacloud_v2", "llama_cloud", 150), ("retab", "retab", 140)],
)
def test_every_call_of_a_python_client_is_served_or_refused(
    client: TestClient, python_of: Callable[[str], Path], name: str, package: str, least: int
):
    calls = calls_of_package(python_of(name), package)
    assert len(calls) >= least, "the client's code is read wrongly"
    product = name.partition("_")[0]
    left = refused(client, calls, f"docs/migrate-from-{product}.md says what it serves.")
    assert [path for path in left if not any(re.match(each, path) for each in NOT_SERVED[product])] == []


@pytest.mark.timeout(600)
def test_every_call_of_the_npm_client_is_served_or_refused(client: TestClient, pytestconfig: pytest.Config):
    package = locked_node_modules(pytestconfig.cache.mkdir("llamacloud-npm")) / "llama-cloud-services"
    paths = json.loads((package / "openapi.json").read_text(encoding="utf-8"))["paths"]
    calls = {(verb.upper(), re.sub(r"\{[^}]*\}", ID, path)) for path, verbs in paths.items() for verb in verbs}
    left = refused(client, calls, "docs/migrate-from-llamacloud.md says what it serves.")
    assert [path for path in left if not any(re.match(each, path) for each in NOT_SERVED["llamacloud"])] == []
