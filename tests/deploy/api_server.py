"""Stands for Kubernetes' API server where a run launcher calls it; refuses what a Role does not allow."""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.services import serving

RESOURCE = re.compile(
    r"/(?:api|apis/(?P<group>[a-z]+))/v1/namespaces/[^/]+/(?P<kind>\w+)(?:/(?P<name>[^/?]+))?(?:/(?P<part>\w+))?"
)
VERBS = {"POST": "create", "DELETE": "delete", "GET": "get"}


def allowed(role: dict) -> set[tuple[str, str, str]]:
    """What a Role allows: API group, resource, verb."""
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


class ApiServer(ThreadingHTTPServer):
    """Each job has one pod, whose name is the job's."""

    def __init__(self, role: dict):
        super().__init__(("127.0.0.1", 0), _Request)
        self.allowed = allowed(role)
        self.asked: set[tuple[str, str, str]] = set()
        self.made: list[tuple[str, dict]] = []
        self.pods: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def permits(self, *asked: str) -> bool:
        self.asked.add(asked)
        return asked in self.allowed

    def state(self, kind: str, name: str | None, part: str | None) -> dict:
        """What is read: a job that runs, and its pod."""
        if part == "log":
            return {"log": "…"}
        if name is not None:
            return {"metadata": {"name": name}, "status": {"active": 1}}
        names = self.pods if kind == "pods" else []
        spec = {"containers": [{"name": "dagster", "image": "i"}]}
        running = {"name": "dagster", "state": {"running": {}}, "image": "i", "imageID": "i"}
        status = {"phase": "Running", "containerStatuses": [running | {"ready": True, "restartCount": 0}]}
        return {"items": [{"metadata": {"name": each}, "spec": spec, "status": status} for each in names]}


class _Request(BaseHTTPRequestHandler):
    server: ApiServer

    def _answer(self) -> None:
        found = RESOURCE.match(self.path)
        assert found is not None, self.path
        kind, name, part = found["kind"], found["name"], found["part"]
        verb = "list" if self.command == "GET" and name is None else VERBS[self.command]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
        if not self.server.permits(found["group"] or "", f"{kind}/{part}" if part else kind, verb):
            return self._send(403, {"kind": "Status", "status": "Failure", "reason": "Forbidden"})
        if verb == "create":
            self.server.made.append((self.path, body))
            self.server.pods.append(body["metadata"]["name"])
            return self._send(201, body)
        if verb == "delete":
            if kind == "pods":  # a job's pods stay where it is deleted without a word about them
                self.server.pods.remove(name)
            return self._send(200, {"status": "Success"})
        return self._send(200, self.server.state(kind, name, part))

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _send(self, status: int, body: dict) -> None:
        answer = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


def api_server(role: dict) -> AbstractContextManager[ApiServer]:
    """A server that lets do what the Role allows."""
    return serving(ApiServer(role))
