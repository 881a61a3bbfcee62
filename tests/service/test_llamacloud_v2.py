"""What LlamaCloud's newer SDK asks for, in terms of the older one: pages from 1, edges of a box, nested options."""

import pytest

from docmill.config import ExtractConfig
from docmill.errors import UsageError
from docmill.service.llamacloud.extraction import RunConfig
from docmill.service.llamacloud.v2.extracting import run_config
from docmill.service.llamacloud.v2.parse_options import parse_options
from docmill.service.problems import Problem


def options(**body: object):
    return parse_options(body, ExtractConfig())


def test_pages_count_from_one_and_go_before_a_number_of_pages():
    assert options(page_ranges={"target_pages": "1,3-4", "max_pages": 1}).pages == ((1, 1), (3, 4))
    assert options(page_ranges={"max_pages": 2}).pages == ((1, 2),)
    with pytest.raises(UsageError):
        options(page_ranges={"target_pages": "4-2"})


def test_a_box_has_edges_and_its_margins_are_what_is_left():
    assert options(crop_box={"top": 0.1, "bottom": 0.8, "right": 0.9}).margins == (0.1, 0.1, 0.2, 0.0)
    with pytest.raises(Problem):
        options(crop_box={"bottom": "low"})


def test_nothing_is_kept_of_pictures_that_nobody_asked_for():
    assert not options().has_screenshots
    assert options(output_options={"images_to_save": ["screenshot"]}).take_screenshot
    assert options(output_options={"images_to_save": ["embedded"]}).has_objects


def test_tables_are_html_unless_markdown_is_asked_for():
    tables = {"output_tables_as_markdown": True}
    assert options().tables_as_html
    assert not options(output_options={"markdown": {"tables": tables}}).tables_as_html


def test_an_extraction_is_a_run_with_other_names():
    asked = {"tier": "agentic_plus", "target_pages": "2-3", "extraction_target": "per_page", "cite_sources": True}
    wanted = RunConfig(
        extraction_mode="PREMIUM", page_range="2-3", extraction_target="PER_PAGE", cite_sources=True, citation_bbox=True
    )
    assert run_config(asked) == wanted
    assert run_config({"parse_tier": "fast"}).extraction_mode == "FAST"
    with pytest.raises(Problem):
        run_config({"extraction_target": "per_word"})
