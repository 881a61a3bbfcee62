"""The sensor new_uploads told by S3's notifications in SQS, by a server of both that runs in this process."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import dagster as dg
import pytest
from moto.server import ThreadedMotoServer

from docmill.pipeline import run_batch
from docmill.settings import load_settings
from docmill.store.notifications import Event, UploadQueue, told_objects
from docmill.workspace import Workspace
from orchestration import sensors
from tests.orchestration.test_sensors import keys, tick
from tests.services import free_port
from tests.test_access import seen

pytestmark = [
    pytest.mark.filterwarnings("ignore:InitResourceContext.dagster_run:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]
BUCKET = "documents"
EVENTS = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the queue that a bucket's notifications go to."""
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (keys | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    url = sqs.create_queue(QueueName="uploads")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.create_bucket(Bucket=BUCKET)
    wanted = {"QueueConfigurations": [{"QueueArn": arn, "Events": EVENTS}]}
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=wanted)
    yield url
    server.stop()


@pytest.fixture
def opened(home: Path, aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    for name in [name for name in os.environ if name.startswith("DOCMILL_")]:
        monkeypatch.delenv(name)
    for name, value in {"HOME": str(home), "UPLOAD_QUEUE": aws, "BATCH__SETTLE_SECONDS": "0"}.items():
        monkeypatch.setenv(f"DOCMILL_{name}", value)
    workspace = Workspace(load_settings())
    workspace.ledger.add_source("default", f"s3://{BUCKET}/in/")
    yield workspace
    workspace.close()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def upload(*names: str, data: bytes = b"words") -> None:
    for name in names:
        boto3.client("s3").put_object(Bucket=BUCKET, Key=name, Body=data)


def waiting(url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(
        map(int, boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())
    )


def test_what_the_bucket_tells_of_becomes_a_batch_and_leaves_the_queue(opened: Workspace, instance, aws: str):
    upload("in/a b+ü.md", "in/c.md", "elsewhere/d.md", "in/c.md.meta.json")
    answer, _ = tick(sensors.new_uploads, instance)
    assert len(keys(answer)) == 1
    assert [each.key for each in opened.ledger.documents("default")] == ["a b+ü.md", "c.md"]
    assert waiting(aws) == 0


def test_overwritten_object_becomes_a_new_batch_and_a_known_one_none(opened: Workspace, instance, aws: str):
    upload("in/a.md")
    tick(sensors.new_uploads, instance)
    upload("in/a.md")  # the same bytes: the same etag
    tick(sensors.new_uploads, instance)
    assert len(opened.ledger.batches()) == 1
    upload("in/a.md", data=b"other words")
    tick(sensors.new_uploads, instance)
    assert len(opened.ledger.batches()) == 2
    assert waiting(aws) == 0


def test_object_that_is_gone_again_is_no_fault(opened: Workspace, instance, aws: str):
    upload("in/a.md")
    boto3.client("s3").delete_object(Bucket=BUCKET, Key="in/a.md")
    answer, _ = tick(sensors.new_uploads, instance)
    assert keys(answer) == []
    assert waiting(aws) == 0


def test_notices_wait_in_the_queue_until_their_objects_rest(opened: Workspace, instance, aws: str, monkeypatch):
    monkeypatch.setenv("DOCMILL_BATCH__SETTLE_SECONDS", "60")
    monkeypatch.setenv("DOCMILL_SENSOR_SECONDS", "1")
    receive = UploadQueue.receive
    monkeypatch.setattr(UploadQueue, "receive", lambda queue, limit, _: receive(queue, limit, 1.0))
    upload("in/a.md")
    answer, _ = tick(sensors.new_uploads, instance)
    assert "wait until their objects have come to rest" in answer.skip_message
    assert waiting(aws) > 0  # the server counts a message twice that has just come to be shown again
    monkeypatch.setenv("DOCMILL_BATCH__SETTLE_SECONDS", "0")
    time.sleep(1.2)  # the message is shown again
    answer, _ = tick(sensors.new_uploads, instance)
    assert len(keys(answer)) == 1
    assert waiting(aws) == 0


def test_queue_that_is_not_there_is_told_and_hides_no_other_source(
    opened: Workspace, instance, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_UPLOAD_QUEUE", opened.settings.upload_queue + "-missing")
    answer, _ = tick(sensors.new_uploads, instance)
    assert "cannot be used: " in answer.skip_message
    opened.ledger.add_source("default", f"file://{folder}/")
    answer, _ = tick(sensors.new_uploads, instance)
    assert len(keys(answer)) == 1


def access(opened: Workspace) -> dict[str, tuple[str, ...]]:
    return {each.key: each.access for each in opened.ledger.documents("default")}


def take_all(opened: Workspace, instance: dg.DagsterInstance) -> None:
    """The batches are through all stages."""
    for batch in keys(tick(sensors.new_uploads, instance)[0]):
        run_batch(opened, batch)


def test_side_cars_reach_known_documents_by_the_queue(opened: Workspace, instance, aws: str):
    upload("in/a.md", data=b"The pump.")
    upload("in/b.md", data=b"The valve.")
    take_all(opened, instance)
    upload("in/a.md.meta.json", data=b'{"access": ["board"]}')
    tick(sensors.new_uploads, instance)
    assert access(opened) == {"a.md": ("board",), "b.md": ("*",)}
    assert (seen(opened), seen(opened, "board")) == ({"b.md"}, {"a.md", "b.md"})
    boto3.client("s3").delete_object(Bucket=BUCKET, Key="in/a.md.meta.json")
    tick(sensors.new_uploads, instance)
    assert seen(opened) == {"a.md", "b.md"}
    assert (waiting(aws), opened.ledger.unfinished_batches()) == (0, [])


def test_object_tags_reach_known_documents_by_the_queue(opened: Workspace, instance, aws: str, monkeypatch):
    monkeypatch.setenv("DOCMILL_ACCESS_OBJECT_TAGS", json.dumps({f"s3://{BUCKET}/": "readers"}))
    s3, tagging = boto3.client("s3"), {"TagSet": [{"Key": "readers", "Value": "hr works"}]}
    upload("in/a.md")
    tick(sensors.new_uploads, instance)
    s3.put_object_tagging(Bucket=BUCKET, Key="in/a.md", Tagging=tagging)
    tick(sensors.new_uploads, instance)
    assert access(opened) == {"a.md": ("hr", "works")}
    assert waiting(aws) == 1  # a run may have read the tags of before, and be about to write them
    upload("in/b.md")
    s3.delete_object_tagging(Bucket=BUCKET, Key="in/a.md")
    tick(sensors.new_uploads, instance)
    assert access(opened)["a.md"] == ()
    upload("in/a.md")  # the same bytes, without tags
    boto3.client("s3").put_object(Bucket=BUCKET, Key="in/a.md", Body=b"words", Tagging="readers=board")
    tick(sensors.new_uploads, instance)
    assert access(opened)["a.md"] == ("board",)


def test_notices_are_read_in_each_form_they_come_in():
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "a+b%2Bc.md"}}}
    direct = {"Records": [record, record | {"eventName": "ObjectRemoved:Delete"}]}
    found = ((Event.WRITTEN, "s3://b/a b+c.md"), (Event.REMOVED, "s3://b/a b+c.md"))
    assert told_objects(json.dumps(direct)) == found
    assert told_objects(json.dumps({"Type": "Notification", "Message": json.dumps(direct)})) == found
    tagging = {"Records": [record | {"eventName": "s3:ObjectTagging:Put"}]}
    assert told_objects(json.dumps(tagging)) == ((Event.TAGGED, "s3://b/a b+c.md"),)
    for name, event in (("Created", Event.WRITTEN), ("Tags Deleted", Event.TAGGED), ("Deleted", Event.REMOVED)):
        bridge = {"detail-type": f"Object {name}", "detail": {"bucket": {"name": "b"}, "object": {"key": "a+b.md"}}}
        assert told_objects(json.dumps(bridge)) == ((event, "s3://b/a+b.md"),)
    for other in (
        "",
        "[]",
        '{"Event": "s3:TestEvent"}',
        '{"Records": [1]}',
        '{"Records": [{"eventName": "ObjectRestore:Post", "s3": {"bucket": {"name": "b"}, "object": {"key": "a"}}}]}',
        '{"Records": [{"eventName": "ObjectCreated:Put", "s3": 1}]}',
        "null",
    ):
        assert told_objects(other) == ()
