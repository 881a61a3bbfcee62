"""Access tags from the tags of S3's objects, against a real S3 server: read when needed, and closed when in doubt."""

import json
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from docmill.access import apply_policy
from docmill.attributes import SIDE_CAR, AttributeReader
from docmill.batching import form_batches
from docmill.mirror import reconcile_steps, retag
from docmill.models import Stage
from docmill.pipeline import pending_batches, run_batch
from docmill.plan import make_plan, parts
from docmill.settings import Settings
from docmill.standing import unfinished
from docmill.store.s3 import S3Store
from docmill.workspace import Workspace
from tests.support import documents, failures
from tests.test_access import seen
from tests.test_side_cars import unworkable


class Tagged:
    """A bucket of two documents, of whose object tags the one named `readers` holds the access tags."""

    def __init__(self, workspace: Workspace, s3, bucket: str) -> None:
        self.bucket, self.s3, self.source = bucket, s3, f"s3://{bucket}/"
        self.before = workspace
        self.workspace = self.opened()

    def opened(self, **settings: object) -> Workspace:
        found = {"access_object_tags": {self.source: "readers"}} | settings
        changed = self.before.settings.model_copy(update=found)
        return Workspace(changed, index=self.before.index, embedder=self.before.embedder)

    def put(self, key: str, text: str, tags: str = "") -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=f"# {key}\n\n{text}", Tagging=tags)

    def tag(self, key: str, **tags: str) -> None:
        given = [{"Key": name, "Value": value} for name, value in tags.items()]
        self.s3.put_object_tagging(Bucket=self.bucket, Key=key, Tagging={"TagSet": given})

    def forbid(self, key: str) -> None:
        """Nobody may read the object's tags."""
        said = {"Sid": "d", "Effect": "Deny", "Principal": "*", "Action": ["s3:GetObjectTagging"]}
        resource = [f"arn:aws:s3:::{self.bucket}/{key}"]
        policy = {"Version": "2012-10-17", "Statement": [said | {"Resource": resource}]}
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))

    def allow(self) -> None:
        self.s3.delete_bucket_policy(Bucket=self.bucket)

    def ingest(self) -> list[str]:
        """What `docmill ingest` does; the documents whose tags changed."""
        workspace = self.workspace
        (part,) = parts(workspace, "default", self.source)
        changed = [each.key for each in retag(workspace, "default", part)]
        form_batches(workspace, "default", part.pending, runner="cli")
        for batch in unfinished(workspace, "default", self.source):
            run_batch(workspace, batch)
        return changed

    def reconcile(self, *, tags: bool = True) -> int:
        """How many documents changed their tags."""
        return sum(each.retagged for each in reconcile_steps(self.workspace, "default", self.source, tags=tags))


@pytest.fixture
def tagged(workspace: Workspace, s3, bucket: str) -> Iterator[Tagged]:
    made = Tagged(workspace, s3, bucket)
    made.put("pumps.md", "The pump.", "readers=works%20hr&other=x")
    made.put("valves.md", "The valve.", "other=x")
    yield made
    made.workspace.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys whose tags were asked for."""
    found: list[str] = []
    tags = S3Store.tags

    def noted(store: S3Store, key: str):
        found.append(key)
        return tags(store, key)

    monkeypatch.setattr(S3Store, "tags", noted)
    return found


def test_new_objects_have_the_access_tags_of_their_object_and_what_has_none_is_nobodys(tagged: Tagged, asked):
    tagged.ingest()
    assert (seen(tagged.workspace), seen(tagged.workspace, "hr")) == (set(), {"pumps.md"})
    assert seen(tagged.workspace, "works", "x", "readers") == {"pumps.md"}
    assert sorted(asked) == ["pumps.md", "valves.md"]
    assert tagged.ingest() == []
    assert len(asked) == 2  # what was read is kept


def test_change_of_object_tags_alone_is_noticed_by_reconciling(tagged: Tagged, monkeypatch):
    tagged.ingest()
    tagged.tag("pumps.md", readers="board")
    tagged.tag("valves.md", readers="hr")
    monkeypatch.setattr("docmill.pipeline.WORK", dict.fromkeys(Stage, unworkable))
    assert (tagged.reconcile(tags=False), seen(tagged.workspace, "hr")) == (0, {"pumps.md"})
    assert (tagged.reconcile(), seen(tagged.workspace, "hr")) == (2, {"valves.md"})
    assert seen(tagged.workspace, "board") == {"pumps.md"}
    assert (tagged.reconcile(), pending_batches(tagged.workspace, documents(tagged.workspace))) == (0, [])
    tagged.tag("pumps.md")
    assert len(apply_policy(tagged.workspace, "default")) == 1
    assert seen(tagged.workspace, "board") == set()


def test_overwritten_object_is_indexed_with_its_new_tags(tagged: Tagged):
    tagged.ingest()
    tagged.put("pumps.md", "The pump, mended.", "readers=board")
    tagged.ingest()
    assert (seen(tagged.workspace, "hr"), seen(tagged.workspace, "board")) == (set(), {"pumps.md"})


def test_side_car_comes_before_object_tags_and_these_before_the_policy(tagged: Tagged):
    key = "pumps.md" + SIDE_CAR
    tagged.s3.put_object(Bucket=tagged.bucket, Key=key, Body='{"access": ["board"]}')
    tagged.workspace = tagged.opened(access={tagged.source: ["*"]})
    tagged.ingest()
    assert (seen(tagged.workspace, "hr"), "pumps.md" in seen(tagged.workspace, "board")) == ({"valves.md"}, True)
    tagged.s3.delete_object(Bucket=tagged.bucket, Key=key)
    tagged.ingest()
    assert (seen(tagged.workspace), seen(tagged.workspace, "hr")) == ({"valves.md"}, {"pumps.md", "valves.md"})


def test_tags_that_cannot_be_read_fail_the_document_and_make_a_known_one_nobodys(tagged: Tagged):
    tagged.forbid("pumps.md")
    tagged.ingest()
    assert seen(tagged.workspace, "hr", "works") == set()
    assert "Give s3:GetObjectTagging" in failures(tagged.workspace)["pumps.md"].outcome.hint
    tagged.allow()
    tagged.ingest()
    assert (seen(tagged.workspace, "hr"), failures(tagged.workspace)) == ({"pumps.md"}, {})
    tagged.forbid("*")
    assert (tagged.reconcile(), seen(tagged.workspace, "hr", "works")) == (1, set())
    tagged.allow()
    tagged.ingest()
    assert (seen(tagged.workspace, "hr"), failures(tagged.workspace)) == ({"pumps.md"}, {})


def test_setting_that_is_turned_on_and_off_is_applied_to_what_is_known(tagged: Tagged, asked):
    tagged.workspace = tagged.opened(access_object_tags={})
    tagged.ingest()
    assert (seen(tagged.workspace), asked) == ({"pumps.md", "valves.md"}, [])
    tagged.workspace = tagged.opened()
    assert tagged.ingest() == ["pumps.md", "valves.md"]
    assert (seen(tagged.workspace), seen(tagged.workspace, "works")) == (set(), {"pumps.md"})
    tagged.workspace = tagged.opened(access_object_tags={tagged.source: "other"})
    assert (tagged.ingest(), seen(tagged.workspace, "x")) == (["pumps.md", "valves.md"], {"pumps.md", "valves.md"})
    tagged.workspace = tagged.opened(access_object_tags={})
    assert (tagged.ingest(), seen(tagged.workspace)) == (["pumps.md", "valves.md"], {"pumps.md", "valves.md"})


def test_members_have_the_object_tags_of_their_container(tagged: Tagged):
    part = 'Content-Type: text/plain\nContent-Disposition: attachment; filename="in.txt"\n\nThe pump inside.\n'
    mail = f"From: a@b.c\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n--B\n{part}--B--\n"
    tagged.s3.put_object(Bucket=tagged.bucket, Key="mail.eml", Body=mail, Tagging="readers=board")
    tagged.ingest()
    assert seen(tagged.workspace, "board") == {"in.txt", "mail.eml"}
    tagged.tag("mail.eml", readers="hr")
    assert (tagged.reconcile(), seen(tagged.workspace, "hr")) == (2, {"in.txt", "mail.eml", "pumps.md"})


def test_tags_are_read_several_at_a_time_and_each_once(tagged: Tagged, asked):
    names = [f"{number:03}.md" for number in range(40)]
    for name in names:
        tagged.put(name, "Text.", f"readers=r{name[:3]}")
    form_batches(tagged.workspace, "default", make_plan(tagged.workspace, "default", tagged.source).pending)
    reader = AttributeReader(tagged.workspace)
    reader.read(documents(tagged.workspace))
    found = {each.key: reader.of(each).object_tag for each in documents(tagged.workspace)}
    assert found == {name: f"readers=r{name[:3]}" for name in names} | {
        "pumps.md": "readers=works hr",
        "valves.md": "readers",
    }
    assert len(asked) == 42


@pytest.mark.parametrize("wrong", [{"file:///a/": "readers"}, {"s3://b/": ""}, {"s3://b/": "a=b"}])
def test_setting_is_of_buckets_and_names_a_tag(wrong: dict[str, str]):
    with pytest.raises(ValidationError):
        Settings(access_object_tags=wrong)
