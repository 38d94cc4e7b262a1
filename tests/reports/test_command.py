"""The command as users run it: exit codes, one line on stderr, the path on stdout."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from shadowwalk_report import report
from shadowwalk_report.compare import cli as compare_cli


def command(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "shadowwalk_report", *map(str, arguments)], text=True,
                          capture_output=True, timeout=120, **options)


@pytest.fixture
def called(capsys):
    """The same within this process, for what does not depend on one: importing the package takes most of a command's time."""
    def call(*arguments, main=report.main):
        try:
            code = main([str(word) for word in arguments])
        except SystemExit as end:  # of --help
            code = end.code
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())
    return call


def refused(done, *words):
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("shadowwalk: ") and done.stderr.count("\n") == 1
    for word in words:
        assert str(word) in done.stderr


def test_prints_the_page_and_succeeds(factory):
    factory.cell({"walk_ns_mean": 20.0})
    directory = factory.write()
    done = command(directory)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == str(directory / "report" / "index.html")


def test_out_goes_elsewhere(called, factory, tmp_path):
    factory.cell({"walk_ns_mean": 20.0})
    directory = factory.write()
    assert called(directory, "--out", tmp_path / "new" / "place").returncode == 0
    assert (tmp_path / "new" / "place" / "index.html").is_file() and not (directory / "report").exists()


def compare(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "shadowwalk_report.compare", *map(str, arguments)],
                          **{"text": True, "capture_output": True, "timeout": 120, **options})


def test_help_names_the_verb_and_all_options(called):
    for done, verb, options in ((called("--help"), "report", ("--out", "--baseline", "--format", "--with-perturbed", "DIR")),
                                (called("--help", main=compare_cli.main), "compare",
                                 ("--fail-on", "--threshold", "--metrics", "--across-hosts", "--with-perturbed", "--all", "--json", "BASE",
                                  "NEW"))):
        assert done.returncode == 0 and done.stdout.startswith(f"usage: shadowwalk {verb} ")
        assert [option for option in options if option not in done.stdout] == []


def test_a_misspelt_option_is_refused_with_the_nearest_name(called, tmp_path):
    refused(called(tmp_path, "--basline=irq-ipi"), "shadowwalk: report: unknown option --basline: did you mean --baseline?")
    refused(called("--hlep"), "did you mean --help?")
    refused(called("a", "b", "--acros-hosts", main=compare_cli.main),
            "shadowwalk: compare: unknown option --acros-hosts: did you mean --across-hosts?")
    refused(called("a", "b", "--all-of-it-and-more", main=compare_cli.main), "unknown option --all-of-it-and-more (try")
    refused(called("a", "b", "--thresh", "5%", main=compare_cli.main), "unknown option --thresh")  # no abbreviations


def test_a_repeated_option_takes_the_last_value(called, factory, tmp_path):
    factory.cell({"walk_ns_mean": 20.0})
    done = called(factory.write(), "--format", "png", "--format", "json", "--out", tmp_path / "a", "--out", tmp_path / "b")
    assert done.stdout.strip() == str(tmp_path / "b" / "report.json") and not (tmp_path / "a").exists()


def test_bad_input_is_one_line(called, tmp_path, factory):
    refused(called(), "DIR")
    refused(called(tmp_path, "--nonsense"), "--nonsense")
    refused(called(tmp_path / "nowhere"), "no such directory", tmp_path / "nowhere")
    refused(called(tmp_path), "run.json")
    (factory.directory / "run.json").write_text("{")
    refused(called(factory.directory), factory.directory / "run.json")


def test_an_unwritable_place_is_one_line(called, factory):
    factory.cell({"walk_ns_mean": 20.0})
    directory = factory.write()
    (directory / "file").write_text("")
    refused(called(directory, "--out", directory / "file"), "not a directory")
    refused(called(directory, "--out", directory / "file" / "below"), "cannot write")
    refused(called(directory, "--out", "/proc/report"), "cannot write")


def test_a_full_disk_is_one_line_and_leaves_nothing(factory):
    factory.cell({"walk_ns_mean": 20.0})
    directory = factory.write()
    # A limit on the size of files stands for the full disk: the page does not fit.
    done = command(directory, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
    refused(done, "cannot write")
    assert {path.name for path in directory.iterdir()} == {"cells", "run.json"}


def test_a_missing_module_names_the_package(tmp_path):
    (tmp_path / "jinja2.py").write_text("raise ImportError('gone', name='jinja2')")
    path = f"{tmp_path}:{os.environ['PYTHONPATH']}"
    refused(command("x", env={**os.environ, "PYTHONPATH": path}), "python3-jinja2")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_ended_midway_it_leaves_nothing(factory, number):
    for workload in ("mmio-poll", "demand-fault", "memslot-flip", "a", "b", "c"):
        factory.cell({"walks_per_second": 1e6, "walk_ns_mean": 20.0}, {"free_ns": [1, 2]}, [4096], workload=workload)
    directory = factory.write()
    process = subprocess.Popen([sys.executable, "-m", "shadowwalk_report", directory], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while process.poll() is None and not list(directory.glob(".report-*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(number)
    process.wait(60)
    assert process.returncode in (0, 128 + number)
    left = {path.name for path in directory.iterdir()} - {"cells", "run.json"}
    assert left == set() if process.returncode else left == {"report"}


# What stdout, locale and limits make of it

@pytest.fixture
def result(tmp_path):
    """A result of Google Benchmark with a name that is no ASCII."""
    entries = [{"name": "BM_größe", "run_name": "BM_größe", "run_type": "iteration", "repetition_index": place, "cpu_time": 10.0,
                "time_unit": "ns"} for place in range(5)]
    (tmp_path / "result.json").write_text(json.dumps({"benchmarks": entries}))
    return tmp_path / "result.json"


def test_a_stdout_that_takes_nothing_is_one_line(result):
    with open("/dev/full", "w") as full:
        for words in (("--help",), (result, result)):
            done = compare(*words, capture_output=False, stdout=full, stderr=subprocess.PIPE)
            assert done.returncode == 2 and "cannot write to stdout: No space left" in done.stderr and done.stderr.count("\n") == 1
    done = compare(result, result, capture_output=False, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
    assert done.returncode == 2 and "cannot write to stdout: Bad file descriptor" in done.stderr and done.stderr.count("\n") == 1


def test_a_reader_that_leaves_and_a_stderr_that_takes_nothing_are_quiet(result):
    read, write = os.pipe()
    os.close(read)
    done = compare(result, result, capture_output=False, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")
    with open("/dev/full", "w") as full:
        assert compare(result, result, capture_output=False, stdout=full, stderr=full).returncode == 2


@pytest.mark.parametrize("locale", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_a_locale_that_lacks_characters_gets_replacements(result, locale):
    done = compare(result, result, "--all", env={**os.environ, **locale})
    assert (done.returncode, done.stderr) == (0, "") and r"BM_gr\xf6\xdfe" in done.stdout


def test_a_home_that_cannot_be_written_and_a_bad_configuration_of_matplotlib_are_not_told(factory, tmp_path):
    factory.cell({"walk_ns_mean": 20.0})
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nnonsense\n")
    done = command(factory.write(), "--format", "png,json", cwd=tmp_path, env={
        **os.environ, "HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/nowhere", "MPLBACKEND": "bogus", "MATPLOTLIBRC": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("mebibytes", [60, 105])
def test_too_little_memory_is_one_line(factory, mebibytes):
    factory.cell({"walk_ns_mean": 20.0})
    done = command(factory.write(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20,) * 2))
    refused(done, "not enough memory")


def test_a_very_long_name_of_the_report(called, factory):
    factory.cell({"walk_ns_mean": 20.0})
    run = factory.write()
    assert called(run, "--format", "json", "--out", run / ("n" * 255)).returncode == 0
    refused(called(run, "--format", "json", "--out", run / ("n" * 256)), "File name too long")
