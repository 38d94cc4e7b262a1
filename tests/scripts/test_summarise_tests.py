"""scripts/summarise-tests reads what CTest itself writes about tests of both kinds."""

import subprocess

import pytest

GOOGLETEST_SKIP = r"""[ RUN      ] Kvm.RunsCode
/src/tests/guest/kvm_test.cpp:12: Skipped
/dev/kvm: Permission denied;
join the group kvm

[  SKIPPED ] Kvm.RunsCode (0 ms)
"""
PYTEST_SKIP = "SKIPPED [1] tests/reports/test_browser.py:20: chromium is not installed"


@pytest.fixture
def results(tmp_path):
    """What CTest writes about a test that passes, one that is skipped whole, and files of tests that skip some."""
    source = tmp_path / "build" / "release"
    source.mkdir(parents=True)
    (source / "googletest.txt").write_text(GOOGLETEST_SKIP)
    (source / "room.txt").write_text("[==========] 12 tests from 3 test suites ran. (4 ms total)\n")
    (source / "pytest.txt").write_text(PYTEST_SKIP)
    (source / "CTestTestfile.cmake").write_text(f"""
add_test(passes "true")
add_test(room cat "{source}/room.txt")
add_test(kvm cat "{source}/googletest.txt")
set_tests_properties(kvm PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED")
add_test(silent echo SKIPPED)
set_tests_properties(silent PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED")
add_test(browser cat "{source}/pytest.txt")
add_test(fails_too sh -c "cat '{source}/pytest.txt'; exit 1")
""")
    subprocess.run(["ctest", "--test-dir", source, "--output-junit", "tests.xml"], capture_output=True)
    return source / "tests.xml"


def test_counts_failures_and_reasons(project, results):
    done = subprocess.run([project / "scripts" / "summarise-tests", results], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == """release: 15 tests ran, 1 failed, 0 passed only when run again alone, 2 skipped
FAILED: fails_too (release)
  | SKIPPED [1] tests/reports/test_browser.py:20: chromium is not installed
SKIPPED: /dev/kvm: Permission denied; join the group kvm
  kvm (release)
SKIPPED: it gave no reason
  silent (release)
SKIPPED: chromium is not installed
  browser (release)
  fails_too (release)
FAILED: fails_too (release)
"""
