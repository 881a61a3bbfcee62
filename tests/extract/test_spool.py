"""The spool: what a worker leaves behind is whole, whenever it dies."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from docmill.errors import SystemicError
from docmill.extract.spool import NOWHERE, Spool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(str(tmp_path)) as made:
        yield made


def test_records_are_in_the_order_of_pages(spool: Spool):
    spool.append("pages-000000200", "later")
    spool.append("pages-000000000", "first")
    spool.append("pages-000000000", "second")
    assert spool.records() == ["first", "second", "later"]


def test_records_follow_those_of_a_task_before(spool: Spool, tmp_path: Path):
    spool.append("a", "first")
    with Spool(str(tmp_path)) as later:
        later.append("a", "second")
    assert spool.records() == ["first", "second"]


def test_a_record_that_was_cut_off_is_left_out(spool: Spool, tmp_path: Path):
    spool.append("a", "whole")
    spool.append("a", "cut off")
    file = tmp_path / "a.pages"
    file.write_bytes(file.read_bytes()[:-3])
    assert spool.records() == ["whole"]


def test_the_page_noted_last_is_known_to_others_at_once(spool: Spool, tmp_path: Path):
    assert spool.noted("a") == NOWHERE
    spool.note("a", 12)
    spool.note("a", 7)
    assert Spool(str(tmp_path)).noted("a") == 7


def test_what_was_put_is_got_and_nothing_else(spool: Spool):
    spool.put("head", {"pages": 3})
    assert (spool.get("head"), spool.get("other")) == ({"pages": 3}, None)


def test_a_folder_that_is_gone_takes_no_notes(tmp_path: Path):
    with Spool(str(tmp_path / "gone")) as spool:
        spool.note("a", 1)
        spool.put("head", 1)
        spool.append("a", "record")
        assert (spool.noted("a"), spool.records(), spool.get("head")) == (NOWHERE, [], None)


def test_full_disk_is_told_though_files_cannot_be_closed_either(tmp_path: Path):
    (tmp_path / "a.at").symlink_to("/dev/full")
    with pytest.raises(SystemicError, match="cannot be written"), Spool(str(tmp_path)) as spool:
        spool.note("a", 1)
