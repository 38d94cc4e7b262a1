"""Figures as they stand in the page: shorter, and the same picture."""

import re

import pytest

from shadowwalk_report.drawing.svg import shared_styles, shorter_path


@pytest.mark.parametrize("long, short", [
    ("M 0 0 L 10 0 L 10 5.55 L 12.04 8 ", "M0 0H10V5.5L12 8"), ("M 0 0 L 10 0 L 10 10 L 0 10 z", "M0 0H10V10H0z"),
    ("M 1 1 L 1.01 1.02 L 5 1", "M1 1H1H5"), ("M 1.5 2 L 1.5 2", "M1.5 2H1.5"), ("M 0 0 L 1 1 M 5 5 L 6 5", "M0 0L1 1M5 5H6"),
    ("M -0.02 3 L -10.26 3", "M-0 3H-10.3"), ("M 0 0 C 1.234 2 3 4 5 6 z", "M 0 0 C 1.23 2 3 4 5 6 z")])
def test_paths_say_the_same_in_fewer_characters(long, short):
    assert shorter_path(long) == short


def test_styles_of_many_elements_become_classes():
    rules, [first, second] = shared_styles(['<g style="fill:red"/>' * 2, '<g style="fill:red"/><a style="x:1"/>'])
    assert rules == ".s0{fill:red}" and first == '<g class="s0"/>' * 2 and second == '<g class="s0"/><a style="x:1"/>'


def test_what_looks_like_a_style_in_a_name_is_text():
    hostile = '<title>a style="}*{display:none}" b</title>' * 5
    rules, [markup] = shared_styles([hostile])
    assert rules == "" and markup == hostile


def test_the_page_uses_every_class_that_it_defines(full_report):
    page = (full_report / "index.html").read_text()
    defined = set(re.findall(r"^\.(s\d+)\{", page, re.MULTILINE))
    assert len(defined) > 20 and defined == set(re.findall(r'class="(s\d+)"', page))
