"""A connection with Milvus: a server, or Milvus Lite in this process for as long as it is this process's turn."""

from __future__ import annotations

import logging
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from docmill.errors import SystemicError
from docmill.index.allocators import give_back, tame
from docmill.index.lean import import_pymilvus
from docmill.index.turns import Turns
from docmill.index.words import WORDS_FILE, Words

_LOCK_SECONDS = 300.0
_LOOK_SECONDS = 0.1
"""How often a folder that is kept open is looked at: whether another process waits for it."""
_NO_PINGS = {"grpc.keepalive_time_ms": 2**31 - 1, "grpc.keepalive_permit_without_calls": 0}
"""Milvus Lite ends connections that ask too often whether it lives, which in the same process is no question."""
_LITE = "milvus_lite"


class MilvusConnection:
    """The connection with `uri`: `http(s)://host:port`, or a path that ends with `.db` for Milvus Lite."""

    def __init__(self, uri: str, token: str = "") -> None:
        self.uri = uri
        self._token = token
        self._embedded = "://" not in uri
        self._lite = self._embedded  # or a server of Milvus Lite, which its version tells
        self._thread_lock = threading.RLock()
        self._turns = Turns(uri)
        self._open: Any = None
        self._words: Words | None = None
        self._closing = ExitStack()
        self._in_use = False
        self._keepers = 0
        self._wrote = False
        self._version: str | None = None

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A connected client. Milvus Lite is held for this process as long as the outermost session lasts."""
        import_pymilvus()
        from grpc import Call, RpcError
        from pymilvus.exceptions import MilvusException

        with self._thread_lock:
            if self._in_use:
                yield self._open
                return
            self._in_use = True
            try:
                if self._open is None:
                    self._open_up()
                yield self._open
            except MilvusException as error:
                raise SystemicError(
                    f"Milvus at {_shown(self.uri)} failed: {error.message}.", hint="Check that it runs, then run again."
                ) from error
            except RpcError as error:  # what the user may not do comes as gRPC's own error
                said = error.details() if isinstance(error, Call) else type(error).__name__
                raise SystemicError(
                    f"Milvus at {_shown(self.uri)} refused: {said}.",
                    hint="Give the user of DOCMILL_MILVUS_TOKEN the rights of deploy/policies/milvus.py.",
                ) from error
            except sqlite3.Error as error:
                message = f"The words in {self.uri}/{WORDS_FILE} cannot be used: {error}."
                raise SystemicError(message, hint="Remove this file: it is made anew from the rows.") from error
            finally:
                self._in_use = False
                if not self._keepers or self._turns.wanted():
                    self._closing.close()

    def _open_up(self) -> None:
        with ExitStack() as stack:
            if self._embedded:
                self._take_turn(stack)
            self._open = self._connect()
            stack.callback(self._disconnect)
            self._closing = stack.pop_all()

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Milvus Lite is not closed between the uses inside, unless another process waits for it.

        Opening reads all rows, so that writing a collection in many short uses would cost the square of its rows, and
        each time leave their memory in pieces.
        """
        if not self._embedded:
            yield
            return
        done = threading.Event()
        looking = threading.Thread(target=self._give_way, args=(done,), name="docmill-index", daemon=True)
        with self._thread_lock:
            self._keepers += 1
        looking.start()
        try:
            yield
        finally:
            done.set()
            looking.join()
            with self._thread_lock:
                self._keepers -= 1
                if not self._keepers and not self._in_use:
                    self._closing.close()

    def _give_way(self, done: threading.Event) -> None:
        """Until it is done: the folder is closed where another process waits for it and nobody works on it here."""
        while not done.wait(_LOOK_SECONDS):
            if not self._thread_lock.acquire(blocking=False):
                continue
            try:
                if self._open is not None and not self._in_use and self._turns.wanted():
                    self._closing.close()
            finally:
                self._thread_lock.release()

    def _take_turn(self, stack: ExitStack) -> None:
        try:
            stack.enter_context(self._turns.mine(_LOCK_SECONDS))
        except TimeoutError:
            raise SystemicError(
                f"The index {self.uri} has been in use by another process for {_LOCK_SECONDS:.0f} s.",
                hint="Wait for the other run, or set DOCMILL_MILVUS_URI to a Milvus server.",
            ) from None

    def _connect(self) -> Any:
        from pymilvus import MilvusClient

        for name in ("pymilvus", "milvus_lite"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        if self._embedded:
            tame()
        options = {"grpc_options": _NO_PINGS} if self._embedded else {}
        client = MilvusClient(uri=self.uri, token=self._token, **options)
        if not self._embedded and self._version is None:
            self._version = str(client.get_server_version())
            self._lite = self._version.startswith(_LITE)
        return client

    def _disconnect(self) -> None:
        client, self._open = self._open, None
        client.close()
        if self._words is not None:
            self._words.close()
        self._words = None
        if self._embedded:
            from milvus_lite.server_manager import server_manager_instance

            server_manager_instance.release_server(self.uri)
            if self._wrote:
                give_back()
                self._wrote = False


def _shown(uri: str) -> str:
    """The address without user and password."""
    return re.sub(r"//[^/]*@", "//", uri)
