"""What a bucket tells of its objects through a queue: S3 event notifications in SQS, or in anything that speaks it.

Read are the three forms in which they come: straight from the bucket, wrapped by an SNS topic, and from EventBridge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Notice:
    """A message: the addresses (`s3://bucket/key`) of the objects that were written; none where it tells of others."""

    receipt: str
    objects: tuple[str, ...]


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
                found += [Notice(each["ReceiptHandle"], written_objects(each["Body"])) for each in messages]
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


def written_objects(body: str) -> tuple[str, ...]:
    """The addresses of the objects that a message says were written; none for what is no such message."""
    try:
        message = json.loads(body)
    except ValueError:
        return ()
    if not isinstance(message, Mapping):
        return ()
    if isinstance(message.get("Message"), str):  # wrapped by SNS
        return written_objects(message["Message"])
    if message.get("detail-type") == "Object Created":
        detail = message.get("detail")
        return _addresses([(detail.get("bucket"), detail.get("object"), False)]) if isinstance(detail, Mapping) else ()
    records = message.get("Records")
    made = [
        each["s3"]
        for each in (records if isinstance(records, list) else [])
        if isinstance(each, Mapping)
        and isinstance(each.get("s3"), Mapping)
        and str(each.get("eventName", "")).removeprefix("s3:").startswith("ObjectCreated:")
    ]
    return _addresses([(each.get("bucket"), each.get("object"), True) for each in made])


def _addresses(parts: Sequence[tuple[object, object, bool]]) -> tuple[str, ...]:
    """`s3://bucket/key` of each; S3's own messages write keys as in a form, EventBridge's as they are."""
    found = []
    for bucket, item, quoted in parts:
        if isinstance(bucket, Mapping) and isinstance(item, Mapping) and bucket.get("name") and item.get("key"):
            key = str(item["key"])
            found.append(f"s3://{bucket['name']}/{unquote_plus(key) if quoted else key}")
    return tuple(found)
