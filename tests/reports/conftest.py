"""What the tests of the reports share."""

import pytest
from run_factory import RunFactory, full_run

from shadowwalk_report.claims import judge_claims
from shadowwalk_report.report import write_report
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
    """The report directory of a run that has everything; do not change it."""
    directory = full_run(tmp_path_factory.mktemp("full"), workloads=("mmio-poll",), guests=("thread", "kvm"))
    write_report(directory, directory / "report")
    return directory / "report"
