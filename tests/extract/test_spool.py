"""The spool: what a worker leaves behind is whole, whenever it dies."""

from docmill.extract.spool import NOWHERE, Spool


def test_records_are_in_the_order_of_pages(tmp_path):
    spool = Spool(str(tmp_path))
    spool.append("pages-000000200", "later")
    spool.append("pages-000000000", "first")
    spool.append("pages-000000000", "second")
    assert spool.records() == ["first", "second", "later"]


def test_a_record_that_was_cut_off_is_left_out(tmp_path):
    spool = Spool(str(tmp_path))
    spool.append("a", "whole")
    spool.append("a", "cut off")
    file = tmp_path / "a.pages"
    file.write_bytes(file.read_bytes()[:-3])
    assert spool.records() == ["whole"]


def test_the_page_noted_last_is_known(tmp_path):
    spool = Spool(str(tmp_path))
    assert spool.noted("a") == NOWHERE
    spool.note("a", 7)
    spool.note("a", 12)
    assert spool.noted("a") == 12


def test_what_was_put_is_got_and_nothing_else(tmp_path):
    spool = Spool(str(tmp_path))
    spool.put("head", {"pages": 3})
    assert (spool.get("head"), spool.get("other")) == ({"pages": 3}, None)


def test_a_folder_that_is_gone_takes_no_notes(tmp_path):
    spool = Spool(str(tmp_path / "gone"))
    spool.note("a", 1)
    spool.append("a", "record")
    assert (spool.noted("a"), spool.records(), spool.get("head")) == (NOWHERE, [], None)
