"""scripts/run with stand-ins for CMake and the command it builds: what is passed on, and how it ends."""

import shutil
import subprocess

import pytest

SHADOWWALK = r"""
if [[ "$1" == run ]]; then exit "$(cat "${0%/*}/status")"; fi
echo "$2/report/index.html"
"""


@pytest.fixture
def tree(project, commands, tmp_path):
    """A source tree whose build leaves a stand-in for `shadowwalk`, and whose packages are all installed."""
    root = tmp_path / "tree"
    (root / "scripts").mkdir(parents=True)
    shutil.copy(project / "scripts" / "run", root / "scripts" / "run")
    commands.borrow("bash", "cat", "dirname", "date", "nproc")
    commands.add("cmake")
    commands.add("install-dependencies")
    (commands.folder / "install-dependencies").rename(root / "scripts" / "install-dependencies")
    commands.add("shadowwalk", SHADOWWALK)
    build = root / "build" / "release"
    build.mkdir(parents=True)
    (commands.folder / "shadowwalk").rename(build / "shadowwalk")
    (build / "status").write_text("0")
    return root


def run(tree, commands, *arguments):
    return subprocess.run([tree / "scripts" / "run", *arguments], capture_output=True, text=True,
                          env={"PATH": str(commands.folder)})


def test_installs_builds_runs_and_reports(tree, commands):
    done = run(tree, commands)
    assert done.returncode == 0, done.stderr
    assert commands.calls("install-dependencies") == ["build report"]
    assert [call.split()[0] for call in commands.calls("cmake")] == ["-S", "--build"]
    ran, reported = commands.calls("shadowwalk")
    assert ran.startswith(f"run --out {tree}/results/")
    out = ran.split()[-1]
    assert reported == f"report {out}"
    assert done.stdout.endswith(f"Report:\n{out}/report/index.html\n")


@pytest.mark.parametrize("out", [["--out", "my results"], ["--out=my results"]])
def test_arguments_are_passed_on_as_they_are(tree, commands, out):
    run(tree, commands, "full.toml", "--filter", "^a b", *out)
    assert commands.calls("shadowwalk") == [f"run full.toml --filter ^a b {' '.join(out)}", "report my results"]


def test_failed_cells_are_reported_and_still_a_failure(tree, commands):
    (tree / "build/release/status").write_text("1")
    done = run(tree, commands, "--out", "x")
    assert done.returncode == 1
    assert commands.calls("shadowwalk")[-1] == "report x"


@pytest.mark.parametrize("status", [2, 130, 139])
def test_bad_input_and_interruption_end_without_a_report(tree, commands, status):
    (tree / "build/release/status").write_text(str(status))
    done = run(tree, commands, "--out", "x")
    assert done.returncode == status
    assert len(commands.calls("shadowwalk")) == 1
    assert ("scripts/run --out x --resume" in done.stderr) == (status == 130)


@pytest.mark.parametrize("step", ["cmake", "install-dependencies"])
def test_a_step_that_fails_ends_it(tree, commands, step):
    folder = commands.folder if step == "cmake" else tree / "scripts"
    (folder / step).write_text("#!/bin/bash\nexit 1\n")
    assert run(tree, commands).returncode == 1
    assert commands.calls("shadowwalk") == []


def test_resume_without_a_directory_is_bad_input(tree, commands):
    done = run(tree, commands, "--resume")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "--out DIR" in done.stderr
    assert commands.calls("cmake") == []
