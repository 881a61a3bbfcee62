"""The image, the compose file and what starts in them, by the tools of their trades."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path

import yaml

from tests.services import BIN, ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def run(*command: str | Path, **options) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=ROOT, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_dockerfiles_have_no_findings():
    run(BIN / "hadolint", DEPLOY / "Dockerfile", DEPLOY / "triton/Dockerfile")


def test_compose_files_are_of_composes_schema():
    files = [DEPLOY / "compose.yaml", DEPLOY / "triton/compose.yaml"]
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", *files)


def test_yaml_files_have_no_findings():
    run(BIN / "yamllint", "--strict", "deploy", "workspace.yaml")


def test_image_holds_only_what_it_copies():
    """Everything that COPY names is let through to the build, and is there."""
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = [
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    ]
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert all((ROOT / name).exists() for name in copied)
    assert {f"!{name}" for name in copied} == {line for line in allowed if line.startswith("!")}


def test_image_is_of_a_pinned_base_and_runs_as_nobody_with_a_check():
    text = (DEPLOY / "Dockerfile").read_text()
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"docker.io/library/python:${PYTHON}"}
    assert re.search(r"^ARG PYTHON=3\.11-slim-\w+$", text, re.MULTILINE)
    final = text[text.rindex("\nFROM ") :]
    assert re.findall(r"^USER (.*)$", final, re.MULTILINE) == ["10001:10001"]
    assert "\nHEALTHCHECK " in final
    assert re.findall(r"^ARG UV=(.*)$", text, re.MULTILINE) == re.findall(
        r"uv==(\S+)", (ROOT / "Makefile").read_text()
    )  # one installer here and on a developer's machine


def test_images_of_compose_name_their_registry_and_version():
    for name, service in COMPOSE["services"].items():
        image = service.get("image", "docmill:")
        assert image.startswith("docmill:") or re.fullmatch(r"docker\.io/\w+/\w+:v?\d[\w.-]*", image), name


def test_what_needs_secrets_is_checked_by_way_of_the_entrypoint():
    """An engine starts a health check without the image's entrypoint."""
    for name in ("daemon", "worker"):
        assert COMPOSE["services"][name]["healthcheck"]["test"][:3] == ["CMD", "sh", "/opt/entrypoint.sh"], name


def test_workspace_names_the_code_location_of_compose():
    (place,) = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"]
    command = COMPOSE["services"][place["grpc_server"]["host"]]["command"]
    assert command[:3] == ["dagster", "api", "grpc"]  # what WatchfulRunLauncher asks about its runs
    assert command[command.index("-p") + 1] == str(place["grpc_server"]["port"])


def test_no_service_of_compose_publishes_beyond_this_machine_or_holds_a_password():
    for name, service in COMPOSE["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert not [
            key for key in service.get("environment", {}) if key.endswith(("PASSWORD", "TOKEN", "SECRET", "KEY"))
        ]


def test_secrets_are_made_once_and_are_those_that_compose_names(tmp_path: Path):
    script = tmp_path / "make-secrets.sh"
    script.write_bytes((DEPLOY / "make-secrets.sh").read_bytes())
    run("sh", script)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    named = {Path(each["file"]).name for each in COMPOSE["secrets"].values()}
    assert named <= set(made)
    assert "milvus.env" in made
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert json.loads(made["s3.json"])["identities"][0]["credentials"][0]["secretKey"] == made["aws_secret_access_key"]
    assert f":{made['postgres_password']}@" in made["docmill_ledger_url"]
    run("sh", script)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made


def test_entrypoint_makes_variables_of_secret_files_and_keeps_those_that_are_set(tmp_path: Path):
    (tmp_path / "docmill_ledger_url").write_text("postgresql://u:p$`'\"@h/d\n")
    (tmp_path / "s3.json").write_text("{}")
    (tmp_path / "docmill_home").write_text("/from/file")
    env = {"PATH": os.environ["PATH"], "SECRETS_FOLDER": str(tmp_path), "DOCMILL_HOME": "/from/environment"}
    out = run("sh", DEPLOY / "entrypoint.sh", "env", env=env)
    found = dict(line.split("=", 1) for line in out.splitlines())
    assert found["DOCMILL_LEDGER_URL"] == "postgresql://u:p$`'\"@h/d"
    assert (found["S3_JSON"], found["DOCMILL_HOME"]) == ("{}", "/from/environment")


def test_dagsters_files_differ_in_the_run_launcher_alone():
    plain, celery = (yaml.safe_load((DEPLOY / name).read_text()) for name in ("dagster.yaml", "celery/dagster.yaml"))
    assert celery.pop("run_launcher")["class"] == "WatchfulCeleryRunLauncher"
    assert plain.pop("run_launcher")["class"] == "WatchfulRunLauncher"
    assert celery == plain
