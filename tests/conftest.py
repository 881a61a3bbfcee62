"""What tests share. A test that lacks a system package says which and skips; in CI a skip is a failure."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import hypothesis
import pytest

from docmill.ids import digest
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.inference.triton_repository import ExportOptions, export_repository
from docmill.settings import BatchLimits, Settings
from docmill.workspace import Workspace
from tests.databases import Postgres, milvus_program, milvus_server, postgres_programs, postgres_server
from tests.openai_server import CHAT, EMBEDDING, openai_server
from tests.services import ACCESS_KEY, BIN, ROOT, SECRET_KEY, s3_environment, s3_server
from tests.triton_server import Triton, triton_packages, triton_server

Run = Callable[..., subprocess.CompletedProcess[str]]
NO_SKIPS = os.environ.pop("DOCMILL_NO_SKIPS", "")  # not a setting of docmill's, which refuses names it does not know


hypothesis.settings.register_profile("docmill", deadline=None)  # how long an example takes is no test's business
hypothesis.settings.load_profile("docmill")

LONG = tuple(f"tests/{name}/" for name in ("concurrency", "faults", "orchestration", "conformance", "service", "cli"))


def pytest_collection_modifyitems(items: list[pytest.Item]):
    """Long tests begin first."""
    items.sort(key=lambda item: not item.location[0].startswith(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and NO_SKIPS and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and skips are forbidden here: {report.longrepr}"
    return report


def need(program: str, package: str) -> str:
    """The path of a program of the system; skips the test where it is missing."""
    found = shutil.which(program, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if found is None:
        pytest.skip(f"needs {program}: apt-get install {package}")
    return found


@pytest.fixture
def chromium() -> str:
    return need("chromium", "chromium")


@pytest.fixture
def libreoffice() -> str:
    return need("soffice", "libreoffice-impress-nogui")


@pytest.fixture
def tesseract() -> str:
    return need("tesseract", "tesseract-ocr")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def workspace(home: Path) -> Iterator[Workspace]:
    """A workspace with the twins in memory for the index and the model, all else real and embedded."""
    settings = Settings(home=home, batch=BatchLimits(settle_seconds=0))
    opened = Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder())
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two small documents."""
    made = tmp_path / "documents"
    made.mkdir()
    (made / "pumps.md").write_text("# Pumps\n\nThe pump P-7 delivers 12.5 litres a minute.\n")
    (made / "valves.md").write_text("# Valves\n\nThe valve V-3 closes at 40 bar.\n")
    return made


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """The environment of a user's shell, with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOCMILL_", "DAGSTER_", "AWS_"))}
    return kept | {"DOCMILL_HOME": str(home), "PATH": f"{BIN}{os.pathsep}{kept['PATH']}", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def docmill(docmill_command: Run) -> Run:
    """Runs the installed command as a user does."""
    return docmill_command


@pytest.fixture
def docmill_command(environment: dict[str, str]) -> Run:
    """Runs the installed command as a user does."""

    def run(*arguments: str | Path, code: int | None = 0, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [BIN / "docmill", *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment | env,
            cwd=ROOT,
            timeout=300,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def ask(docmill: Run) -> Callable[..., dict]:
    """Runs a command with --json and reads its answer."""

    def run(*arguments: str | Path, code: int | None = 0, **env: str) -> dict:
        return json.loads(docmill(*arguments, "--json", code=code, **env).stdout)

    return run


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real S3 server."""
    with s3_server(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture(scope="session")
def s3_client(s3_endpoint: str):
    """A client of the S3 server: boto3 takes half a second to make one."""
    keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "region_name": "us-east-1"}
    return boto3.session.Session(**keys).client("s3", endpoint_url=s3_endpoint)


@pytest.fixture
def s3(s3_client, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch):
    """A client of the S3 server, and this process's AWS chain set to it."""
    for name, value in s3_environment(s3_endpoint).items():
        monkeypatch.setenv(name, value)
    return s3_client


@pytest.fixture
def bucket(s3, request: pytest.FixtureRequest) -> str:
    """An empty bucket of the test's own."""
    name = f"t-{digest(request.node.nodeid)}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("needs initdb and postgres: apt-get install postgresql-15")
    with postgres_server(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty ledger, on either database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger/ledger.db"
    server = request.getfixturevalue("postgres")
    return server.url(server.create())


@pytest.fixture(scope="module")
def milvus(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Milvus server, one that is too old to index words; a machine can run only one at a time."""
    program = milvus_program(pytestconfig.cache.mkdir("milvus-2.3.5"))
    with milvus_server(program, tmp_path_factory.mktemp("milvus")) as url:
        yield url


@pytest.fixture(scope="session")
def chat_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a real OpenAI-compatible server that chats; its key is `tests.openai_server.API_KEY`."""
    with openai_server(tmp_path_factory.mktemp("chat"), CHAT) as url:
        yield url


@pytest.fixture(scope="session")
def embedding_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a real OpenAI-compatible server that embeds; its key is `tests.openai_server.API_KEY`."""
    with openai_server(tmp_path_factory.mktemp("embedding"), EMBEDDING) as url:
        yield url


@pytest.fixture(scope="session")
def triton_program(pytestconfig: pytest.Config) -> Path:
    """The packages of a real Triton server, installed once and kept in pytest's cache."""
    return triton_packages(pytestconfig.cache.mkdir("triton-2.51"))


@pytest.fixture(scope="session")
def model_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where models are built, once for all tests that need them."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def triton(triton_program: Path, model_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    """A real Triton server of the repository that docmill exports for a CPU: text embedding and OCR."""
    folder = tmp_path_factory.mktemp("triton")
    names = ["all-MiniLM-L6-v2", "PP-OCRv6_det_small", "PP-OCRv6_rec_small"]
    export_repository(folder / "repository", model_home, ExportOptions(), names)
    with triton_server(triton_program, folder / "repository", folder) as server:
        yield server


@pytest.fixture
def certificate(tmp_path):
    """A key and a certificate for 127.0.0.1 that signs itself."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "docmill-test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(private)
    (tmp_path / "chain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return tmp_path / "key.pem", tmp_path / "chain.pem"
