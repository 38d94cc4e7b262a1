"""scripts/run-tests judges a test that fails by a second run, unless it says what chance does not excuse."""

import subprocess

import pytest


@pytest.fixture
def run(project, tmp_path):
    """Runs tests that are shell commands, {name: command}; what summarise-tests says of them, and the exit code."""
    build = tmp_path / "release"

    def run_them(**commands):
        build.mkdir()
        (build / "CTestTestfile.cmake").write_text(
            "".join(f'add_test({name} sh -c [=[{command}]=])\n' for name, command in commands.items()))
        done = subprocess.run([project / "scripts" / "run-tests", build], capture_output=True, text=True)
        said = subprocess.run([project / "scripts" / "summarise-tests", build / "tests.xml"], capture_output=True,
                              text=True, check=True)
        return said.stdout, done.returncode
    return run_them


def fails_once(tmp_path, says, how="exit 1"):
    return f"test -e {tmp_path}/again && exit 0; touch {tmp_path}/again; echo {says}; {how}"


def test_all_pass(run):
    said, status = run(one="true", two="true")
    assert (said, status) == (
        "release: 2 tests ran, 0 failed, 0 passed only when run again alone, 0 skipped\n", 0)


def test_a_second_run_is_told(run, tmp_path):
    said, status = run(one="true", starved=fails_once(tmp_path, "no exits in 200 ms"))
    assert status == 0
    assert said == """release: 2 tests ran, 0 failed, 1 passed only when run again alone, 0 skipped
FAILED AT FIRST: starved (release)
  | no exits in 200 ms
"""


@pytest.mark.parametrize("says", ["1 violations: read poison", "ERROR: AddressSanitizer: heap-use-after-free",
                                  "WARNING: ThreadSanitizer: data race", "shadowwalk: broken invariant at x.cpp:1"])
def test_what_chance_does_not_excuse(run, tmp_path, says):
    said, status = run(one=fails_once(tmp_path, f'"{says}"'))
    assert status != 0 and "1 failed, 0 passed only when run again alone" in said


def test_a_cell_that_counts_no_violations_reports_none(run, tmp_path):
    said, status = run(one=fails_once(tmp_path, '"checks     violations 0"'))
    assert status == 0 and "0 failed, 1 passed only when run again alone" in said


def test_a_crash_is_no_chance(run, tmp_path):
    said, status = run(one=fails_once(tmp_path, "fine", "kill -SEGV $$"))
    assert status != 0 and "1 failed, 0 passed" in said


def test_what_fails_again_has_failed(run, tmp_path):
    said, status = run(one="exit 1", starved=fails_once(tmp_path, "late"))
    assert status != 0
    assert "2 tests ran, 1 failed, 1 passed only when run again alone" in said and "\nFAILED: one (release)" in said


def test_many_failures_are_no_chance(run, tmp_path):
    said, status = run(**{f"test{i}": f"test -e {tmp_path}/{i} || {{ touch {tmp_path}/{i}; exit 1; }}" for i in range(6)})
    assert status != 0 and "6 failed, 0 passed" in said
