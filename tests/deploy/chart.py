"""The Helm chart as Helm's own library renders it."""

from __future__ import annotations

import helm_python
import yaml

from tests.services import ROOT

CHART = ROOT / "deploy/helm/docmill"
LEAST = {"image": {"repository": "registry.example/docmill"}, "secretName": "docmill"}
ALL = LEAST | {
    "pgbouncer": {"enabled": True, "image": "registry.example/pgbouncer:1", "secretName": "users", "host": "postgres"},
    "service": {
        "autoscaling": {"enabled": True},
        "ingress": {"enabled": True, "host": "docmill.example", "tlsSecretName": "tls"},
    },
    "networkPolicy": {"ingressFrom": [{"namespaceSelector": {}}]},
    "runs": {"nodeSelector": {"pool": "batch"}, "tolerations": [{"key": "batch", "operator": "Exists"}]},
}


def rendered(values: dict[str, object]) -> list[dict]:
    with helm_python.Chart.load(CHART) as chart:
        files = chart.render(values, name="docmill", namespace="documents")
    texts = [text for name, text in files.items() if not name.endswith(".txt")]
    return [each for text in texts for each in yaml.safe_load_all(text) if each]


def of_kind(objects: list[dict], kind: str) -> dict[str, dict]:
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def pods(objects: list[dict]) -> list[dict]:
    return [each["spec"]["template"]["spec"] for each in objects if each["kind"] in ("Deployment", "Job")]
