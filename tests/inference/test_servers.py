"""How servers are called, without any: the callable that asks is the test's own."""

import threading
import time

import pytest

from docmill.errors import ConfigError, TransientError
from docmill.inference.servers import BusyError, CallPolicy, Servers


def servers(*urls, **policy):
    return Servers(
        "m", urls or ("a",), CallPolicy(**({"attempts": 1, "pause": 0.001, "longest_pause": 0.002} | policy))
    )


def failing(*broken, log=None):
    """Asks; the addresses that are broken fail."""

    def ask(url):
        if log is not None:
            log.append(url)
        if url in broken:
            raise TransientError(f"{url} is down")
        return url

    return ask


def test_answer_of_the_first_try():
    called = servers()
    assert called.call(failing(), 3) == "a"
    assert (called.tally.requests, called.tally.items, called.tally.failures) == (1, 3, 0)


def test_transient_error_is_tried_again_and_then_raised():
    log = []
    with pytest.raises(TransientError, match="a is down"):
        servers(attempts=3).call(failing("a", log=log))
    assert log == ["a", "a", "a"]


def test_other_errors_are_not_tried_again():
    log = []

    def ask(url):
        log.append(url)
        raise ConfigError("wrong key")

    with pytest.raises(ConfigError):
        servers("a", "b", attempts=3).call(ask)
    assert log == ["a"]


def test_address_that_answered_is_asked_first_the_next_time():
    log, called = [], servers("a", "b")
    assert called.call(failing("a", log=log)) == "b"
    assert called.call(failing("a", log=log)) == "b"
    assert log == ["a", "b", "b"]


def test_failing_address_is_left_alone_and_probed_by_one_request():
    log, called = [], servers(open_after=2, open_seconds=0.05)
    for _ in range(2):
        with pytest.raises(TransientError, match="is down"):
            called.call(failing("a", log=log))
    with pytest.raises(TransientError, match="left alone"):
        called.call(failing("a", log=log))
    assert len(log) == 2
    time.sleep(0.06)
    assert called.call(failing(log=log)) == "a"
    assert called.call(failing(log=log)) == "a"


def test_probe_that_fails_leaves_it_alone_again():
    called = servers(open_after=1, open_seconds=0.05)
    for match in ("is down", "left alone"):
        with pytest.raises(TransientError, match=match):
            called.call(failing("a"))
    time.sleep(0.06)
    for match in ("is down", "left alone"):
        with pytest.raises(TransientError, match=match):
            called.call(failing("a"))


def test_busy_server_is_waited_for_as_it_asks_and_stays_trusted():
    since, left = time.monotonic(), [1]

    def ask(url):
        if left:
            busy = BusyError("busy")
            busy.pause = 0.1 * left.pop()
            raise busy
        return url

    assert servers(attempts=2, open_after=1).call(ask) == "a"
    assert time.monotonic() - since >= 0.1


def test_only_so_many_requests_are_under_way():
    at_once, most, lock = 0, 0, threading.Lock()

    def ask(_):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        with lock:
            at_once -= 1

    called = servers(concurrency=2)
    threads = [threading.Thread(target=called.call, args=(ask,)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert most == 2
    assert called.tally.requests == 8
