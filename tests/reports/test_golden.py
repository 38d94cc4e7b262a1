"""The data of every figure of one run that never changes, field by field; of large files, every hundredth line. Numbers may
differ in their last digits, as the C library's and numpy's do from CPU to CPU. After a change that is meant, write them
anew and look at the difference before it is committed:
    SHADOWWALK_WRITE_GOLDEN=1 ctest --test-dir build/release -R reports.golden"""

import csv
import os
import pathlib

import pytest
from run_factory import full_run

from shadowwalk_report.report import write_report

GOLDEN = pathlib.Path(__file__).parent / "golden"
LARGE = 1 << 15
EVERY = 100


def kept_lines(text):
    lines = text.splitlines(keepends=True)
    return lines if len(text) <= LARGE else [lines[0], f"# {len(lines) - 1} lines, of which every {EVERY}th:\n", *lines[1::EVERY]]


def number_or_text(field):
    try:
        return pytest.approx(float(field), rel=1e-9, abs=1e-12)
    except ValueError:
        return field


def test_the_csv_files_are_those_of_before(tmp_path):
    run = full_run(tmp_path / "run", repetitions=3, workloads=("mmio-poll",), guests=("thread",))
    write_report(run, tmp_path / "report", None, ["csv"])
    written = {path.name: kept_lines(path.read_text()) for path in (tmp_path / "report").glob("*.csv")}
    if os.environ.get("SHADOWWALK_WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        for path in GOLDEN.iterdir():
            path.unlink()
        for name, lines in written.items():
            (GOLDEN / name).write_text("".join(lines))
        pytest.skip(f"wrote {len(written)} files: look at their difference")
    assert sorted(written) == sorted(path.name for path in GOLDEN.iterdir())
    for name, lines in written.items():
        golden = (GOLDEN / name).read_text().splitlines(keepends=True)
        assert len(lines) == len(golden), name
        for number, (row, expected) in enumerate(zip(csv.reader(lines), csv.reader(golden)), 1):
            fields = [float(got) if not isinstance(want, str) else got
                      for got, want in zip(row, map(number_or_text, expected))]
            assert fields == list(map(number_or_text, expected)), f"{name}:{number}"
