"""scripts/list-skipped reads what CTest itself writes about skipped tests of both kinds."""

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
    """What CTest writes about one test that passes, and two that print what a skipped test prints."""
    source = tmp_path / "build" / "release"
    source.mkdir(parents=True)
    lines = ['add_test(passes "true")']
    for name, output in (("kvm", GOOGLETEST_SKIP), ("browser", PYTEST_SKIP), ("silent", "SKIPPED [nothing")):
        (source / f"{name}.txt").write_text(output)
        lines.append(f'add_test({name} cat "{source}/{name}.txt")')
        lines.append(f'set_tests_properties({name} PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED")')
    (source / "CTestTestfile.cmake").write_text("\n".join(lines))
    subprocess.run(["ctest", "--test-dir", source, "--output-junit", "tests.xml"], check=True, capture_output=True)
    return source / "tests.xml"


def test_counts_and_reasons(project, results):
    done = subprocess.run([project / "scripts" / "list-skipped", results], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == """release: 1 tests ran, 3 skipped
SKIPPED: /dev/kvm: Permission denied; join the group kvm
  kvm (release)
SKIPPED: chromium is not installed
  browser (release)
SKIPPED: it gave no reason
  silent (release)
"""
