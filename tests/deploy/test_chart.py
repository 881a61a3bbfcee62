"""The Helm chart: rendered by Helm's own library, checked against Kubernetes' schemas, its run launcher really used."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import helm_python
import kubernetes_validate
import pytest
import yaml
from dagster._core.launcher import LaunchRunContext, WorkerStatus

from tests.deploy.api_server import ApiServer, api_server
from tests.deploy.chart import ALL, CHART, LEAST, of_kind, pods, rendered
from tests.services import BIN


def test_chart_has_no_findings():
    found = helm_python.lint(CHART)
    assert [each for each in found["messages"] if each["severity"] > 1] == []


@pytest.mark.parametrize("values", [LEAST, ALL], ids=["least", "all"])
@pytest.mark.parametrize("version", ["1.25", "1.34"])
def test_every_object_is_of_kubernetes_schema(values: dict[str, object], version: str):
    objects = rendered(values)
    assert {"code-location", "daemon", "service", "webserver"} <= {
        name.removeprefix("docmill-") for name in of_kind(objects, "Deployment")
    }
    for each in objects:
        kubernetes_validate.validate(each, version, strict=True)


def test_what_has_no_default_must_be_given():
    for values in ({}, {"image": LEAST["image"]}, {"secretName": "docmill"}):
        with pytest.raises(helm_python.HelmError, match=r"secretName|image\.repository"):
            rendered(values)
    with pytest.raises(helm_python.HelmError, match="tlsSecretName"):
        rendered(LEAST | {"service": {"ingress": {"enabled": True, "host": "docmill.example"}}})
    with pytest.raises(helm_python.HelmError, match="replica"):
        rendered(LEAST | {"service": {"replica": 3}})


def test_logs_of_dagsters_services_are_json_where_docmills_are():
    for env, kind in (({}, "colored"), ({"env": {"DOCMILL_LOG_FORMAT": "json"}}, "json")):
        deployments = of_kind(rendered(LEAST | env), "Deployment").values()
        texts = [" ".join(each["spec"]["template"]["spec"]["containers"][0]["args"]) for each in deployments]
        assert sum(f"--log-format {kind}" in text for text in texts) == 3


def test_secrets_are_refused_among_the_variables():
    with pytest.raises(helm_python.HelmError, match="DOCMILL_LEDGER_URL"):
        rendered(LEAST | {"env": {"DOCMILL_LEDGER_URL": "postgresql://…"}})


def test_every_pod_is_confined():
    for pod in pods(rendered(ALL)):
        assert_restricted(pod)
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["resources"]["limits"]["memory"]


def assert_restricted(pod: dict):
    """The pod is admitted where the Pod Security Standard "restricted" is enforced."""
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()
    assert {next(iter(each.keys() - {"name"})) for each in pod["volumes"]} <= {"configMap", "emptyDir", "secret"}
    security = pod["securityContext"]
    assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 10001)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert not any("hostPort" in port for port in container.get("ports", []))
        own = container["securityContext"]
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert own["allowPrivilegeEscalation"] is False
        assert own.keys() <= {"allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem"}


def test_selectors_find_the_pods_they_mean():
    objects = rendered(ALL)
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in objects if each["kind"] == "Deployment"]
    services = of_kind(objects, "Service")
    assert len(services) == 4
    for service in services.values():
        assert sum(service["spec"]["selector"].items() <= each.items() for each in labels) == 1


def test_the_migration_opens_the_ledger_and_not_the_index(tmp_path: Path):
    (pod,) = (each["spec"]["template"]["spec"] for each in rendered(LEAST) if each["kind"] == "Job")
    shell, _, script = pod["containers"][0]["args"]
    env = os.environ | {"DOCMILL_HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path)}
    env |= {"DOCMILL_MILVUS_URI": "http://127.0.0.1:1", "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([shell, "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ledger.db").exists()


class Cluster(NamedTuple):
    """A run launched as the chart says, at a server that allows what the chart's Role does."""

    api: ApiServer
    instance: dg.DagsterInstance
    run: dg.DagsterRun


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Cluster]:
    """A run that was launched."""
    from orchestration.definitions import defs

    objects = rendered(ALL)
    with api_server(of_kind(objects, "Role")["docmill"]) as api:
        config = yaml.safe_load(of_kind(objects, "ConfigMap")["docmill-dagster"]["data"]["dagster.yaml"])
        del config["storage"], config["compute_logs"]
        config["run_launcher"]["config"] |= {
            "load_incluster_config": False,
            "kubeconfig_file": str(_access(api, tmp_path)),
        }
        (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config))
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            origin = dg.reconstructable(_job).get_python_origin()
            job = defs.resolve_job_def("ingest_batch")
            run = instance.create_run_for_job(job, tags={"dagster/partition": "b"}, job_code_origin=origin)
            instance.run_launcher.launch_run(LaunchRunContext(run, None))
            yield Cluster(api, instance, run)


def _access(api: ApiServer, folder: Path) -> Path:
    """The kubeconfig of a server."""
    config = {
        "current-context": "t",
        "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
        "clusters": [{"name": "t", "cluster": {"server": api.url}}],
        "users": [{"name": "t", "user": {}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def _job() -> dg.JobDefinition:
    from orchestration.definitions import defs

    return defs.resolve_job_def("ingest_batch")


@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning", "ignore::DeprecationWarning")
def test_run_of_a_batch_becomes_one_confined_pod(launched: Cluster):
    ((path, made),) = launched.api.made
    assert path == "/apis/batch/v1/namespaces/documents/jobs"
    kubernetes_validate.validate(made, "1.34", strict=True)
    pod = made["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "registry.example/docmill:0.1.0"
    assert container["args"][:3] == ["dagster", "api", "execute_run"]
    assert {"configMapRef": {"name": "docmill-env"}} in container["envFrom"]
    assert {"secretRef": {"name": "docmill"}} in container["envFrom"]
    assert container["resources"]["limits"] == {"memory": "16Gi"}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    dagster = "/var/lib/docmill/dagster"
    assert {"/var/lib/docmill", dagster, "/tmp", f"{dagster}/dagster.yaml"} == {
        each["mountPath"] for each in container["volumeMounts"]
    }
    assert_restricted(pod)
    assert (pod["enableServiceLinks"], pod["nodeSelector"], pod["tolerations"][0]["key"]) == (
        False,
        {"pool": "batch"},
        "batch",
    )
    assert made["spec"]["ttlSecondsAfterFinished"] == 3600
    labels = made["spec"]["template"]["metadata"]["labels"]
    policy = of_kind(rendered(ALL), "NetworkPolicy")["docmill"]["spec"]["podSelector"]["matchLabels"]
    assert policy.items() <= labels.items()


@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning", "ignore::DeprecationWarning")
def test_role_allows_what_a_runs_launcher_asks_and_nothing_else(launched: Cluster):
    launcher, run = launched.instance.run_launcher, launched.run
    assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
    assert "Running" in launcher.get_run_worker_debug_info(run)
    assert launcher.terminate(run.run_id)
    assert launched.api.pods == []
    assert "Debug information for job" in launcher.get_run_worker_debug_info(run)
    assert launched.api.asked == launched.api.allowed
