"""A bucket as an object store, by boto3 against any S3-compatible endpoint.

Credentials, region and endpoint come by the usual AWS chain (environment, profile, instance role); other servers than
Amazon's by `AWS_ENDPOINT_URL_S3` or the setting `s3_endpoint_url`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)

from docmill.errors import DocmillError, MissingObjectError, SourceError, SystemicError, TransientError
from docmill.store.base import ObjectInfo

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_MISSING = {"NoSuchKey", "404", "NotFound"}
_REFUSED = {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "401"}
_ENDPOINT = "DOCMILL_S3_ENDPOINT_URL or AWS_ENDPOINT_URL_S3"
_CONNECTIONS = 16
"""Requests of several threads that are under way at once."""
_PASSING = {
    "SlowDown",
    "ServiceUnavailable",
    "InternalError",
    "RequestTimeout",
    "Throttling",
    "500",
    "502",
    "503",
    "504",
}


def _s3_error(error: BotoCoreError | ClientError, url: str) -> DocmillError:
    """What a boto3 error on `url` means to the caller. Messages never hold credentials."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code == "NoSuchBucket":
            return SourceError(f"The bucket of {url} does not exist.", hint="Check its name, region and endpoint.")
        if code in _MISSING:
            return MissingObjectError(f"{url} is not there any more.")
        if code in _REFUSED:
            return SourceError(f"{url}: access refused ({code}).", hint="Check the AWS credentials and their rights.")
        if code in _PASSING:
            return TransientError(f"{url}: the store answered {code}.", hint="It is tried again.")
        return SystemicError(f"{url}: the store answered {code}.")
    if isinstance(error, NoCredentialsError | PartialCredentialsError | ProfileNotFound):
        return SourceError(
            f"There are no usable AWS credentials for {url}.", hint="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError):
        return SystemicError(f"The S3 endpoint of {url} cannot be reached.", hint=f"Check {_ENDPOINT}.")
    if isinstance(error, SSLError):
        hint = f"Name the file with its CA's certificate in AWS_CA_BUNDLE, and check {_ENDPOINT}."
        return SystemicError(f"The S3 endpoint of {url} cannot be trusted: {error.kwargs['error']}.", hint=hint)
    if isinstance(error, ReadTimeoutError):
        return TransientError(f"{url}: the store did not answer in time.", hint="It is tried again.")
    if isinstance(error, ConnectionClosedError | IncompleteReadError | ResponseStreamingError):
        return TransientError(f"{url}: the connection broke off.", hint="It is tried again.")
    if isinstance(error, ParamValidationError):
        return SourceError(f"{url} is not an address that S3 allows.", hint="Check the names of bucket and object.")
    return SystemicError(f"{url}: {type(error).__name__}.")


class S3Store:
    """Objects of `bucket` whose key begins with `prefix` (empty, or ending with `/`); keys are given without it."""

    def __init__(self, bucket: str, prefix: str = "", endpoint_url: str | None = None) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self.url = f"s3://{bucket}/{prefix}"
        self._endpoint_url = endpoint_url
        self._client: S3Client | None = None
        self._opening = threading.Lock()

    @property
    def client(self) -> S3Client:
        """The boto3 client, made at first use."""
        with self._opening:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> S3Client:
        config = Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "max_attempts": 3},
            max_pool_connections=_CONNECTIONS,
        )
        try:
            return boto3.session.Session().client("s3", endpoint_url=self._endpoint_url, config=config)
        except BotoCoreError as error:
            raise _s3_error(error, self.url) from error
        except ValueError as error:
            hint = f"Give {_ENDPOINT} as https://host:port."
            raise SourceError(f"The S3 endpoint {self._endpoint_url!r} is not a URL.", hint=hint) from error

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """Objects in the server's order, a thousand a request: Amazon's is the byte order of their keys."""
        start_after = self.prefix + after if after else ""
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix, StartAfter=start_after
            )
            for page in pages:
                for item in page.get("Contents", []):
                    if item["Key"].endswith("/"):
                        continue
                    yield ObjectInfo(
                        key=item["Key"][len(self.prefix) :],
                        size=item["Size"],
                        etag=item["ETag"].strip('"'),
                        modified=item["LastModified"].timestamp(),
                    )
        except (BotoCoreError, ClientError) as error:
            raise _s3_error(error, self.url) from error

    def head(self, key: str) -> ObjectInfo | None:
        """The object's description, None if it is not there."""
        try:
            answer = self.client.head_object(Bucket=self.bucket, Key=self.prefix + key)
        except (BotoCoreError, ClientError) as error:
            mapped = _s3_error(error, self.url + key)
            if isinstance(mapped, MissingObjectError):
                return None
            raise mapped from error
        modified = answer["LastModified"].timestamp()
        return ObjectInfo(key=key, size=answer["ContentLength"], etag=answer["ETag"].strip('"'), modified=modified)

    def get(self, key: str) -> bytes:
        """The object's bytes; TransientError where this object alone is forbidden."""
        try:
            return self.client.get_object(Bucket=self.bucket, Key=self.prefix + key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "AccessDenied":
                raise TransientError(
                    f"{self.url}{key} may not be read.", hint="Give s3:GetObject (and its KMS key), then retry."
                ) from error
            raise _s3_error(error, self.url + key) from error

    def tags(self, key: str) -> Mapping[str, str]:
        """The object's tags; TransientError where they may not be read."""
        try:
            answer = self.client.get_object_tagging(Bucket=self.bucket, Key=self.prefix + key)
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "AccessDenied":
                raise TransientError(
                    f"The tags of {self.url}{key} may not be read.", hint="Give s3:GetObjectTagging, then retry."
                ) from error
            raise _s3_error(error, self.url + key) from error
        return {each["Key"]: each["Value"] for each in answer["TagSet"]}

    def put(self, key: str, data: bytes) -> None:
        """The object holds `data`."""
        try:
            self.client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=data)
        except (BotoCoreError, ClientError) as error:
            raise _s3_error(error, self.url + key) from error

    def delete(self, key: str) -> None:
        """The object is gone."""
        try:
            self.client.delete_object(Bucket=self.bucket, Key=self.prefix + key)
        except (BotoCoreError, ClientError) as error:
            raise _s3_error(error, self.url + key) from error
