"""Runs the real `shadowwalk`, whose path CTest passes in SHADOWWALK."""

import os
import stat
import subprocess

import pytest

SMALL_MATRIX = """
title = "small"
repetitions = 3
[defaults]
workload = "mmio-poll"
guest = "thread"
# Threads may have no CPU for tens of milliseconds.
duration = "150ms"
warmup = "5ms"
working-set = 64
[[group]]
name = "read-side"
variant = ["leak", "hazard"]
zappers = 0
[[group]]
name = "reclaim"
variant = ["irq-ipi", "rcu-counter"]
zap-rate = 500
"""


@pytest.fixture(scope="session")
def command():
    return os.environ["SHADOWWALK"]


@pytest.fixture
def shadowwalk(command, tmp_path):
    """shadowwalk(arguments...) -> CompletedProcess, with tmp_path as the working directory."""
    def run(*arguments, **options):
        # Beside other tests no host is quiet: a run would wait before each cell, and measure each one three times.
        if arguments[:1] == ("run",):
            for option in ("--quiet-wait", "--retry-noisy"):
                if not any(str(word).startswith(option) for word in arguments):
                    arguments = (*arguments, option, "0")
        return subprocess.run([command, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True, timeout=300,
                              check=False, **options)
    return run


@pytest.fixture
def refused(shadowwalk, tmp_path):
    """refused(arguments...) -> the message, after checking that it is one line, the exit code 2, and no file left."""
    def run(*arguments, **options):
        before = sorted(tmp_path.rglob("*"))
        done = shadowwalk(*arguments, **options)
        assert done.returncode == 2, done
        assert done.stdout == ""
        assert done.stderr.startswith("shadowwalk: ") and done.stderr.endswith("\n")
        assert done.stderr.count("\n") == 1, done.stderr
        assert sorted(tmp_path.rglob("*")) == before, "something was left behind"
        return done.stderr
    return run


@pytest.fixture
def matrix(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL_MATRIX, encoding="utf-8")
    return path


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """tool(name, script): a program of that name, first on PATH, that logs its arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(name, script):
        path = folder / name
        path.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/{name}.log\n{script}\n', encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return make


@pytest.fixture
def kinds():
    """kinds(text) -> {kind: count} of what `import` and `import --info` print."""
    def parse(text):
        rows = [line.split() for line in text.splitlines()]
        return {row[1]: int(row[0]) for row in rows if len(row) == 2 and row[0].isdigit() and ":" not in row[1]}
    return parse
