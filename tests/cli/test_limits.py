"""Limits of the process and of the host: each ends in one line that says what to raise, and in no hang."""

import os
import re
import resource

import pytest

CELL = ("cell", "--variant", "rcu", "--workload", "mmio-poll", "--guest", "thread", "--duration", "150ms", "--warmup", "0")


def limited(shadowwalk, arguments, **limits):
    def set_limits():
        if "NPROC" in limits:  # root has none
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    return shadowwalk(*arguments, preexec_fn=set_limits)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user who starts no other process")
@pytest.mark.parametrize("threads", [1, 2, 4, 8])
def test_too_few_threads(shadowwalk, tmp_path, threads):
    tmp_path.chmod(0o777)
    done = limited(shadowwalk, (*CELL, "--vcpus", "8"), NPROC=threads)
    assert done.returncode == 1 and done.stdout == "", done
    assert done.stderr.count("\n") == 1 and "ulimit -u" in done.stderr, done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user who starts no other process")
def test_doctor_without_child_processes_still_reports(shadowwalk):
    done = limited(shadowwalk, ("doctor",), NPROC=1)
    assert done.returncode == 0 and "fork" in done.stdout, done


@pytest.mark.parametrize("option", ["--json", "--trace"])
def test_a_file_size_limit_is_told_before_the_cell(shadowwalk, tmp_path, option):
    done = limited(shadowwalk, (*CELL, option, "out.json"), FSIZE=0)
    assert done.returncode == 2 and done.stdout == ""
    assert re.fullmatch(r"shadowwalk: cell: --\w+: cannot write out.json: File too large; .*\n", done.stderr), done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("descriptors", [8, 32])
def test_few_descriptors_are_enough_for_thread_guests(shadowwalk, descriptors):
    done = limited(shadowwalk, (*CELL, "--vcpus", "64", "--zappers", "0", "--duration", "2s"),
                   NOFILE=descriptors)
    assert done.returncode == 0, done.stderr


def test_little_address_space(shadowwalk):
    done = limited(shadowwalk, CELL, AS=256 << 20)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "ulimit -v" in done.stderr, done.stderr


VERBS = {"cell": ["--variant", "leak", "--workload", "mmio-poll"], "run": ["--out", "out"], "verify": ["--variant", "leak"],
         "project": ["--variants", "leak"], "import": ["trace.txt"], "top": [], "attach": ["--what", "cpu"], "record": []}


@pytest.mark.parametrize("verb", VERBS)
def test_each_numeric_option_refuses_what_is_no_number_of_its_range(shadowwalk, refused, verb):
    text = shadowwalk(verb, "--help").stdout
    numeric = re.findall(r"^  (?:-\w,)?(--[\w-]+) ?(?:\S*U?INT|FLOAT|=\d+ )", text, re.MULTILINE)
    assert numeric or verb in ("attach", "record"), text
    for option in numeric:
        for value in ("nan", "inf", "-1", "18446744073709551616", "1e999", "0x10", "+5", " 3", "3 ", "1_000", ""):
            if (option, value) == ("--id", "-1"):
                continue  # of no run
            assert option in refused(verb, *VERBS[verb], f"{option}={value}")


@pytest.mark.parametrize("verb", VERBS)
def test_a_flag_takes_no_value(shadowwalk, refused, verb):
    text = shadowwalk(verb, "--help").stdout
    for option in re.findall(r"^  (--[\w-]+) (?:Excludes: [- \w]*)? {2,}\S", text, re.MULTILINE):
        for value in ("1", "-1", "false", "bogus"):
            assert option in refused(verb, *VERBS[verb], f"{option}={value}")
