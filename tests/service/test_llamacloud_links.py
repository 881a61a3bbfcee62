"""Links: what making one costs does not depend on how many there are, and those whose time is over are taken away."""

import time

import pytest
from starlette.requests import Request

from docmill.service.llamacloud.items import items_of
from docmill.service.llamacloud.links import Link, make_link, opened
from docmill.service.problems import Problem
from docmill.workspace import Workspace
from tests.support import sqlite_steps

LINK = Link("get", "files/a", "tenant")


@pytest.fixture
def request_to(workspace: Workspace) -> Request:
    class App:
        class state:  # noqa: N801
            pass

    App.state.workspace = workspace
    scope = {"type": "http", "app": App, "path": "/", "headers": [], "server": ("h", 80), "scheme": "http"}
    return Request(scope | {"method": "GET", "query_string": b"", "root_path": ""})


def steps_of(workspace: Workspace, request: Request) -> int:
    return sqlite_steps(workspace.ledger.database, lambda: make_link(request, LINK))


def test_making_a_link_costs_the_same_among_many(workspace: Workspace, request_to: Request):
    first = steps_of(workspace, request_to)
    assert first > 50
    items = items_of(workspace, "link")
    until = time.time() + 1_000
    for number in range(400):
        items.put("tenant", "", {"verb": "get", "path": "files/b", "until": until}, f"{number:064x}", until)
    assert steps_of(workspace, request_to) < 1.5 * first


def test_link_whose_time_is_over_opens_nothing_and_is_taken_away(
    workspace: Workspace, request_to: Request, monkeypatch
):
    secret = str(make_link(request_to, LINK, 60)["url"]).rpartition("/")[2]
    assert opened(workspace, secret, "get") == LINK
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Problem):
        opened(workspace, secret, "get")
    make_link(request_to, LINK)
    assert len(items_of(workspace, "link").all()) == 1
