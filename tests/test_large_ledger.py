"""A ledger of very many documents: what is rare is found by an index, what is many is counted or streamed."""

import gc
from collections.abc import Callable
from functools import partial
from itertools import count

import pytest
import sqlalchemy as sa

from docmill.backup import back_up
from docmill.cli.ingest import taken_up
from docmill.doctor import examine
from docmill.errors import SystemicError, UsageError
from docmill.generations import verify
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.ledger import Batch, Ledger, Standing
from docmill.maintenance import prune, rebuild
from docmill.models import Document, Outcome, Stage, Status
from docmill.plan import make_plan, parts
from docmill.settings import Settings
from docmill.sources import listed_document
from docmill.status import collection_status
from docmill.store import MemoryStore
from docmill.tally import Tally
from docmill.workspace import Workspace
from tests.test_ledger import batch, document, outcome

MANY = 4_000
AT_ONCE = 2_500
"""Documents that may be in memory at a time, whatever the collection holds."""


@pytest.fixture
def ledger(ledger_url: str):
    opened = Ledger(ledger_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory):
    """A workspace whose ledger and source hold many documents, in batches, none of them read yet."""
    source = MemoryStore("source")
    for number in range(MANY):
        source.put(f"{number:05}.md", b"x")
    settings = Settings(home=tmp_path_factory.mktemp("large"))
    opened = Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder(), open_source=lambda _: source)
    _claim_all(opened.ledger, source)
    yield opened
    opened.close()


def _claim_all(ledger: Ledger, source: MemoryStore) -> None:
    listed = [listed_document("default", source, info) for info in source.list()]
    for start in range(0, MANY, 500):
        ledger.claim(batch(f"20260101-{start:06d}-01234567"), listed[start : start + 500])


def _verify(workspace: Workspace) -> None:
    assert len(verify(workspace, "default").pending) == MANY / 500


def _plan(workspace: Workspace) -> None:
    found = make_plan(workspace, "default", "memory://source/")
    assert (found.unchanged, found.unchanged_bytes, found.pending, found.gone) == (MANY, MANY, (), ())


def _ingest(workspace: Workspace) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("docmill.cli.ingest.parts", partial(parts, limit=500))
        found, batches = taken_up(workspace, "default", "memory://source/", "source", force=False)
    assert (found["unchanged"], len(batches)) == (MANY, MANY / 500)


def _status(workspace: Workspace) -> None:
    found = collection_status(workspace, "default")
    assert (found.documents, found.pending) == (MANY, MANY)


LOOKS: dict[str, Callable[[Workspace], object]] = {
    "status": _status,
    "doctor": examine,
    "reindex": _verify,
    "plan": _plan,
    "ingest": _ingest,
    "prune": lambda workspace: prune(workspace, days=30),
    "backup": lambda workspace: back_up(workspace.ledger.database, workspace.settings.folder / "a.backup"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_few_documents_are_in_memory_at_a_time(large: Workspace, look: str):
    numbers, most = count(), 0

    def census(*_: object) -> None:
        nonlocal most
        if next(numbers) % 4 == 0:
            most = max(most, sum(isinstance(each, Document) for each in gc.get_objects()))

    engine = large.ledger.database.engine
    sa.event.listen(engine, "before_cursor_execute", census)
    try:
        LOOKS[look](large)
    finally:
        sa.event.remove(engine, "before_cursor_execute", census)
    assert most < AT_ONCE


def test_rebuild_of_nothing_is_refused(large: Workspace):
    with pytest.raises(UsageError, match="no document"):
        rebuild(large, "other")


def test_documents_come_in_parts_by_key(ledger: Ledger):
    keys = [f"s3://b/{'x' * 600 * (number % 2)}{number:05}ä.md" for number in range(1_103)]
    ledger.claim(batch("one"), [document(key) for key in keys])
    assert [each.source_key for each in ledger.each_document("default")] == sorted(keys)
    assert list(ledger.each_document("default", "s3://b/xx")) == ledger.documents("default", "s3://b/xx")
    assert list(ledger.each_document("other")) == []


def test_what_is_rare_is_found_by_an_index(ledger: Ledger):
    ledger.claim(batch("one"), [document(), document("s3://b/mail.eml")])
    asked: list[tuple[str, object]] = []

    @sa.event.listens_for(ledger.database.engine, "before_cursor_execute")
    def _note(_connection, _cursor, statement, parameters, *_):
        asked.append((statement, parameters))

    ledger.buried("default")
    ledger.gone("default", "", 1.0)
    ledger.members([document("s3://b/mail.eml")])
    ledger.failures("default")
    ledger.totals()
    list(ledger.faulty("default"))
    asked = [each for each in asked if each[0].startswith("SELECT")]
    asked = [each for each in asked if "count(*)" not in each[0]]
    wanted = ["buried", "gone", "member", "faulty", "faulty", "faulty"]
    on_sqlite = ledger.database.engine.dialect.name == "sqlite"
    for (statement, parameters), index in zip(list(asked), wanted, strict=True):
        with ledger.database.read() as connection:
            if not on_sqlite:
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # two rows are read faster without
            explain = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
            text = str(connection.exec_driver_sql(explain + statement, parameters).all())
        assert f"_{index}" in text, text


def test_members_gone_buried_and_faulty_documents_are_found(ledger: Ledger):
    mail, other = document("s3://b/mail.eml"), document("s3://b/other.eml")
    member = document("s3://b/mail.eml!/a.md").model_copy(update={"source": "s3://b/mail.eml!/"})
    ledger.claim(batch("one"), [mail, other, member])
    ledger.mark_gone([other.document_id], 5.0)
    ledger.record([outcome(mail), outcome(other, status=Status.FAILED)])
    assert [each.source_key for each in ledger.members([mail, other])] == [member.source_key]
    assert [each.source_key for each in ledger.gone("default", "s3://b/", 5.0)] == [other.source_key]
    assert [each.document.source_key for each in ledger.failures("default")] == [other.source_key]
    assert list(ledger.faulty("default")) == [[other.document_id]]
    assert ledger.totals() == (3, 1)
    ledger.bury([mail.document_id])
    assert ledger.buried("default") == [mail.document_id]


def _through(of: Document, **values: object) -> Outcome:
    return outcome(of, Stage.VECTOR_COLLECTION, fingerprint="now", **values)


def test_documents_are_counted_by_how_they_stand(ledger: Ledger):
    names = ("well", "older settings", "not yet", "lacks pages", "failed before", "buried")
    of = {name: document(f"s3://b/{name}.md") for name in names}
    ledger.claim(batch("one"), list(of.values()))
    ledger.claim(Batch("other", "other", 1, 3, 0.0), [document(collection="other")])
    for name in ("well", "failed before", "buried"):
        ledger.record([outcome(of[name]), _through(of[name], counts={"rows": 2, "route|fast|": 3})])
    ledger.record([_through(of["older settings"]).model_copy(update={"fingerprint": "then", "counts": {"rows": 5}})])
    ledger.record([_through(of["lacks pages"], status=Status.PARTIAL)])
    ledger.record([outcome(of["failed before"], Stage.CHUNKS, Status.FAILED)])
    ledger.bury([of["buried"].document_id])
    assert ledger.standing("default", "now") == Standing(well=1, waiting=2, faulty=2)
    assert ledger.standing("nobody", "now") == Standing()
    faulty = {each for part in ledger.faulty("default") for each in part}
    assert faulty == {of[name].document_id for name in ("lacks pages", "failed before")}
    assert ledger.sums("default", Stage.VECTOR_COLLECTION, "rows") == {"rows": 9}
    assert ledger.sums("default", Stage.VECTOR_COLLECTION, "route|%") == {"route|fast|": 6}
    ids = [each.document_id for each in of.values()]
    assert ledger.unknown("default", [*ids, "nobody"]) == {of["buried"].document_id, "nobody"}


def test_batches_without_documents_are_told(ledger: Ledger):
    ledger.claim(batch("old", created_at=1.0), [document()])
    ledger.claim(batch("new", created_at=5.0), [document(etag="e2")])
    ledger.claim(batch("newest", created_at=9.0), [document(etag="e3")])
    assert ledger.empty_batches(9.0) == ["new", "old"]
    assert ledger.empty_batches(5.0) == ["old"]


def test_file_of_names_that_cannot_be_written_is_told():
    with pytest.raises(SystemicError, match="temporary file cannot be written"):
        _count_in_a_file_that_is_full()


def _count_in_a_file_that_is_full() -> None:
    with Tally() as tally:
        tally._file.execute("PRAGMA max_page_count = 3")
        tally.count(f"{number:0100}" for number in range(1_000))


def test_names_are_counted_in_a_file():
    with Tally() as tally:
        tally.count(f"{number}" for number in range(1_200))
        tally.count(["7", "7", "x' OR '1"])
        assert tally.of(["7", "8", "nobody", "x' OR '1"]) == {"7": 3, "8": 1, "x' OR '1": 1}
        assert len(tally.of([f"{number}" for number in range(2_000)])) == 1_200
