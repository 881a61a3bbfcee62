"""The policy for S3 and SQS lets docmill work and nothing else; moto's server keeps to it as Amazon's would.

Those for PostgreSQL and Milvus: tests/orchestration/test_postgres.py, tests/index/test_milvus_server.py.
"""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.server import ThreadedMotoServer

from docmill.batching import form_batches
from docmill.errors import SourceError
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.pipeline import run_batch
from docmill.plan import make_plan
from docmill.settings import BatchLimits, Settings
from docmill.store.s3 import S3Store
from docmill.workspace import Workspace
from tests.services import ROOT

POLICY = (ROOT / "deploy/policies/s3.json").read_text()
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.fixture
def policed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The AWS chain's keys are those of a user who has the policy; buckets and a document are there."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    first = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (first | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}).items():
        monkeypatch.setenv(name, value)
    s3, iam = boto3.client("s3"), boto3.client("iam")
    for bucket in ("company-documents", "docmill", "others"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="company-documents", Key="pumps.md", Body=b"# Pumps\n\nThe pump P-7 delivers 12.5 litres.\n")
    iam.create_user(UserName="docmill")
    iam.put_user_policy(UserName="docmill", PolicyName="least", PolicyDocument=POLICY)
    key = iam.create_access_key(UserName="docmill")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0)  # from here on rights count
    yield
    server.stop()


@pytest.mark.usefixtures("policed")
def test_documents_are_read_and_artifacts_kept_and_nothing_else_is_done(home: Path):
    settings = Settings(home=home, store_url="s3://docmill/artifacts/", batch=BatchLimits(settle_seconds=0))
    workspace = Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder())
    plan = make_plan(workspace, "default", "s3://company-documents/")
    for batch in form_batches(workspace, "default", plan.pending):
        run_batch(workspace, batch)
    assert workspace.index.held("default", workspace.space)
    kept = next(workspace.store.list("chunks/")).key
    workspace.store.delete(kept)
    assert workspace.store.head(kept) is None
    workspace.close()
    documents = S3Store("company-documents")
    for forbidden in (
        lambda: documents.put("pumps.md", b""),
        lambda: documents.delete("pumps.md"),
        lambda: list(S3Store("others").list()),
        lambda: S3Store("others").put("a", b""),
    ):
        with pytest.raises(SourceError, match="access refused"):
            forbidden()


def test_notices_are_taken_from_one_queue_alone():
    policy, queue = IAMPolicy(POLICY), "arn:aws:sqs:eu-central-1:123456789012:docmill-uploads"
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage"):
        assert policy.is_action_permitted(action, queue) is PermissionResult.PERMITTED
        assert policy.is_action_permitted(action, queue + "-of-others") is PermissionResult.NEUTRAL
    assert policy.is_action_permitted("sqs:PurgeQueue", queue) is PermissionResult.NEUTRAL
