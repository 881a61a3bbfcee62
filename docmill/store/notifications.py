"""What a bucket tells of its objects through a queue: S3 event notifications in SQS, or in anything that speaks it.

Read are the three forms in which they come: straight from the bucket, wrapped by an SNS topic, and from EventBridge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from docmill.errors import SystemicError

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_AT_ONCE = 10
"""Messages that SQS gives, or takes the receipts of, in one answer."""


class Event(StrEnum):
    """What happened to an object."""

    WRITTEN = "written"
    TAGGED = "tagged"
    REMOVED = "removed"


_BY_RECORD = {"ObjectCreated": Event.WRITTEN, "ObjectTagging": Event.TAGGED, "ObjectRemoved": Event.REMOVED}
"""The first part of `eventName` in S3's own messages."""
_BY_BRIDGE = {
    "Object Created": Event.WRITTEN,
    "Object Tags Added": Event.TAGGED,
    "Object Tags Deleted": Event.TAGGED,
    "Object Deleted": Event.REMOVED,
}
"""`detail-type` in EventBridge's."""


@dataclass(frozen=True)
class Notice:
    """A message: the addresses (`s3://bucket/key`) of objects and what happened to each."""

    receipt: str
    objects: tuple[tuple[Event, str], ...]


class UploadQueue:
    """The queue at a URL, with the credentials, region and endpoint (`AWS_ENDPOINT_URL_SQS`) of the AWS chain."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client: SQSClient | None = None

    @property
    def client(self) -> SQSClient:
        """The boto3 client, made at first use."""
        if self._client is None:
            config = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 3})
            self._client = boto3.session.Session().client("sqs", config=config)
        return self._client

    def receive(self, limit: int, hidden_seconds: float) -> list[Notice]:
        """The next `limit` messages or a few more; those that are not taken are shown again after `hidden_seconds`.

        Raises SystemicError where the queue cannot be read.
        """
        found: list[Notice] = []
        try:
            while len(found) < limit:
                answer = self.client.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=_AT_ONCE,
                    VisibilityTimeout=max(1, round(hidden_seconds)),
                    WaitTimeSeconds=0 if found else 1,
                )
                messages = answer.get("Messages", [])
                found += [Notice(each["ReceiptHandle"], told_objects(each["Body"])) for each in messages]
                if not messages:
                    break
        except (BotoCoreError, ClientError, ValueError) as error:
            raise self._fault(error) from error
        return found

    def take(self, notices: Sequence[Notice]) -> None:
        """The messages are gone from the queue."""
        try:
            for start in range(0, len(notices), _AT_ONCE):
                entries = [
                    {"Id": str(number), "ReceiptHandle": each.receipt}
                    for number, each in enumerate(notices[start : start + _AT_ONCE])
                ]
                self.client.delete_message_batch(QueueUrl=self.url, Entries=entries)  # type: ignore[arg-type]
        except (BotoCoreError, ClientError) as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> SystemicError:
        code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
        return SystemicError(
            f"The upload queue {self.url} cannot be used: {code or type(error).__name__}.",
            hint="Check upload_queue, the AWS credentials and AWS_ENDPOINT_URL_SQS.",
        )


def told_objects(body: str) -> tuple[tuple[Event, str], ...]:
    """The objects that a message tells of by their addresses, and what happened; none for what is no such message."""
    try:
        message = json.loads(body)
    except ValueError:
        return ()
    if not isinstance(message, Mapping):
        return ()
    if isinstance(message.get("Message"), str):  # wrapped by SNS
        return told_objects(message["Message"])
    if event := _BY_BRIDGE.get(str(message.get("detail-type"))):
        return _addressed(event, message.get("detail"), quoted=False)
    records = message.get("Records")
    found: list[tuple[Event, str]] = []
    for each in records if isinstance(records, list) else []:
        if isinstance(each, Mapping):
            name = str(each.get("eventName", "")).removeprefix("s3:").partition(":")[0]
            found += _addressed(_BY_RECORD.get(name), each.get("s3"), quoted=True)
    return tuple(found)


def _addressed(event: Event | None, detail: object, *, quoted: bool) -> tuple[tuple[Event, str], ...]:
    """The event with `s3://bucket/key`; S3's own messages write keys as in a form, EventBridge's as they are."""
    if event is None or not isinstance(detail, Mapping):
        return ()
    bucket, item = detail.get("bucket"), detail.get("object")
    if not (isinstance(bucket, Mapping) and isinstance(item, Mapping) and bucket.get("name") and item.get("key")):
        return ()
    key = str(item["key"])
    return ((event, f"s3://{bucket['name']}/{unquote_plus(key) if quoted else key}"),)
