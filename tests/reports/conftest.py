"""What the tests of the reports share."""

import os
import pathlib

import pytest
from run_factory import RunFactory, write_full_report

from shadowwalk_report.claims import judge_claims
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load


@pytest.fixture
def factory(tmp_path):
    """An empty run of 5 repetitions, to be filled by the test."""
    return RunFactory(tmp_path / "run")


@pytest.fixture
def judge():
    """Judges the claims of a factory's run: (memory, scaling)."""
    def judge_run(factory):
        run = load(factory.write())
        return judge_claims(run, Table(run.results))
    return judge_run


@pytest.fixture(scope="session")
def full_report(tmp_path_factory):
    """The report directory of a run that has everything; do not change it. CTest writes one for several files of tests."""
    written = os.environ.get("SHADOWWALK_FULL_REPORT")
    return pathlib.Path(written) if written else write_full_report(tmp_path_factory.mktemp("full"))
