"""Tells addresses of the settings what ended: signed as https://www.standardwebhooks.com says, sent in the background.

A message is JSON: `type`, `timestamp`, `data`. It names batches, collections, jobs and numbers, never what documents
hold. Its headers are `webhook-id`, `webhook-timestamp` and `webhook-signature`; the signature is `v1,` and the base64
of HMAC-SHA256 over `<id>.<timestamp>.<body>`. Addresses are checked as all URLs are (`docmill/fetch.py`), each time.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import logging
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Literal

from tenacity import RetryError, retry_if_exception_type, stop_after_attempt, wait_exponential
from tenacity import Retrying as Tries

from docmill.errors import DocmillError, TransientError
from docmill.fetch import post, rules_of
from docmill.settings import Settings, signing_key

_log = logging.getLogger(__name__)
EventType = Literal["batch.finished", "job.finished", "run.failed"]


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a message, as its header holds it."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class Webhooks:
    """The addresses of the settings; without any, nothing happens."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.webhooks
        self._rules = rules_of(settings)

    def tell(self, event: EventType, data: Mapping[str, object]) -> None:
        """The addresses will be told, in the background; the process waits for that at its end.

        What cannot be told is in the log; it costs no batch and no job.
        """
        if event not in self._settings.events or not self._settings.urls:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = json.dumps({"type": event, "timestamp": now, "data": dict(data)}, ensure_ascii=False).encode()
        message_id = f"msg_{uuid.uuid4().hex}"
        for url in self._settings.urls:
            _sender().submit(self._send, url, message_id, body)

    def _send(self, url: str, message_id: str, body: bytes) -> None:
        """The message was taken, or the log says why not."""
        tries = Tries(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(self._settings.attempts),
            wait=wait_exponential(min=1, max=60),
        )
        try:
            tries(self._send_once, url, message_id, body)
        except RetryError as error:
            _log.error("A webhook was not delivered: %s", error.last_attempt.exception())
        except DocmillError as error:
            _log.error("A webhook was not delivered: %s", error)

    def _send_once(self, url: str, message_id: str, body: bytes) -> None:
        timestamp = int(time.time())
        key = signing_key(self._settings.secret.get_secret_value())
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(key, message_id, timestamp, body),
        }
        post(url, body, headers, self._rules)


@functools.cache
def _sender() -> ThreadPoolExecutor:
    """One thread of this process sends all messages, in order."""
    return ThreadPoolExecutor(1, thread_name_prefix="webhooks")
