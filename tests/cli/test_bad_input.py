"""Bad input is one line on stderr that says what, where and what to do; exit code 2; nothing half-written."""

import json
import os
import pathlib
import resource
import subprocess

import pytest

CELL = ("cell", "--variant", "leak", "--workload", "mmio-poll", "--guest", "thread", "--duration", "150ms", "--warmup", "0")


def test_without_a_verb(refused):
    assert "--help" in refused()


def test_unknown_verb(refused):
    assert "frob" in refused("frob")


@pytest.mark.parametrize("arguments", [("run", "--out", "out"), CELL, ("report", "out"), ("compare", "a", "b"),
                                       ("list", "variants")])
def test_unknown_option(refused, arguments):
    assert "--oops" in refused(*arguments, "--oops")


def test_list_of_something_unknown(refused):
    assert "list" in refused("list", "sheep")


# --- a cell

def test_cell_without_variant(refused):
    assert "--variant" in refused("cell", "--workload", "mmio-poll")


def test_unknown_variant(refused):
    message = refused("cell", "--variant", "hazrad", "--workload", "mmio-poll")
    assert "unknown variant 'hazrad'" in message and "did you mean 'hazard'" in message


def test_unknown_workload(refused):
    assert "unknown workload 'sheep'" in refused("cell", "--variant", "leak", "--workload", "sheep")


@pytest.mark.parametrize("option, value", [
    ("--vcpus", "0"), ("--vcpus", "-1"), ("--vcpus", "1000000000"), ("--vcpus", "two"), ("--vcpus", "1.5"),
    ("--zappers", "100000"), ("--zap-rate", "0"), ("--zap-rate", "1e99"), ("--walks-per-exit", "0"),
    ("--duration", "0"), ("--duration", "-1s"), ("--duration", "1000000s"), ("--duration", "2"), ("--warmup", "soon"),
    ("--guest", "xen"), ("--placement", "moon"), ("--placement", "99999"), ("--mmu-lock", "none"), ("--checks", "some"),
    ("--read-delay", "1/0:50"), ("--rcu-interval", "often"), ("--working-set", "0"),
    ("--working-set", "99999999999999999999"), ("--seed", "x"), ("--locality", "stride:0"), ("--locality", "zipf:5"),
    ("--locality", "growth"), ("--locality", "stride:4097"), ("--writes", "101"), ("--writes", "half"),
    ("--writes", "30"), ("--think-ns", "-1"), ("--think-ns", "1000000001")])
def test_absurd_values_of_a_cell(refused, option, value):
    message = refused(*CELL, option, value)
    assert value in message or option.lstrip("-") in message


def test_only_thread_guests_think(refused):
    message = refused("cell", "--variant", "leak", "--workload", "mmio-poll", "--guest", "kvm", "--think-ns", "5")
    assert "--think-ns: only thread guests spin" in message


def test_cell_that_would_take_all_memory(refused):
    message = refused("cell", "--variant", "leak", "--workload", "mmio-poll", "--zap-rate", "10000000", "--duration",
                      "86400s", "--guest", "thread")
    assert "leak" in message or "memory" in message.lower()


def test_floor_has_nothing_to_zap(refused):
    assert "floor" in refused("cell", "--variant", "floor", "--workload", "mmio-poll", "--zappers", "1")


@pytest.mark.parametrize("path", ["none/result.json", "/proc/result.json", "small.toml/result.json"])
def test_cell_whose_result_cannot_be_written(refused, matrix, path):
    assert "cannot write" in refused(*CELL, "--json", path)


def test_unknown_benchmark_flag(refused):
    assert "--benchmark_oops" in refused(*CELL, "--benchmark_oops=1")


@pytest.mark.parametrize("flag, said", [
    ("--benchmark_format=json", "--json -"), ("--benchmark_format=csv", "--json -"), ("--benchmark_format=jsn", "--json -"),
    ("--benchmark_out_format=csv", "JSON"), ("--benchmark_out=", "a file"), ("--benchmark_repetitions=0", "from 1"), ("--benchmark_repetitions=many", "from 1"),
    ("--benchmark_report_aggregates_only=maybe", "true or false"), ("--benchmark_context=rack", "KEY=VALUE"),
    ("--benchmark_counters_tabular=true", "a cell takes --benchmark_repetitions"),
    ("--benchmark_min_time=1", "a cell takes --benchmark_repetitions")])
def test_benchmark_flags_that_mean_nothing_for_a_cell(refused, flag, said):
    message = refused(*CELL, flag)
    assert flag in message and said in message


def test_two_files_for_one_result(refused):
    assert "--benchmark_out and --json" in refused(*CELL, "--json", "a.json", "--benchmark_out=b.json")


def test_google_benchmarks_environment_changes_no_cell(shadowwalk, monkeypatch, tmp_path):
    for name, value in {"REPETITIONS": "0", "FILTER": "nothing", "OUT": "out.json", "OUT_FORMAT": "csv", "FORMAT": "json",
                        "CONTEXT": "rack", "LIST_TESTS": "true"}.items():
        monkeypatch.setenv(f"BENCHMARK_{name}", value)
    done = shadowwalk(*CELL, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["benchmarks"]) == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [b"./\xff.toml", b"./\x1b[2J.toml", "./\u202egpj.toml".encode(), b"trace:\xff.swtrace"])
def test_a_workload_that_results_could_not_name(shadowwalk, tmp_path, name):
    done = shadowwalk("cell", "--variant", "leak", "--workload", os.fsdecode(name))
    assert done.returncode == 2 and "rename it" in done.stderr and "\x1b" not in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and not list(tmp_path.iterdir())


# --- a matrix

def refused_matrix(refused, tmp_path, text, *arguments):
    (tmp_path / "bad.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return refused("run", "bad.toml", "--out", "out", *arguments)


GROUP = '[[group]]\nname = "g"\nvariant = "leak"\nworkload = "mmio-poll"\n'


@pytest.mark.parametrize("text, position", [
    ("title = = 3\n", "1:9"), ('title = "x\n', "1:11"), ("seed = 1\nseed = 2\n", "2:8"), (b"title = '\xff'\n", "1:9"),
    ("", "1:1"), ("[[group]\n", "1:9"), ("repetitions = 0\n" + GROUP, "1:15"),
    ("repetitions = 1000000000000\n" + GROUP, "1:15"), (GROUP + "vcpus = 0\n", "5:9"),
    (GROUP + "vcpus = [1, 1000000000]\n", "5:13"), (GROUP + 'vcpus = "1"\n', "5:9"), (GROUP + "vcpu = 1\n", "5:1"),
    (GROUP + 'duration = "1 day"\n', "5:12"), (GROUP.replace("leak", "hazrad"), "3:11"),
    (GROUP.replace("mmio-poll", "sheep"), "4:12")])
def test_malformed_matrix(refused, tmp_path, text, position):
    assert f"bad.toml:{position}: " in refused_matrix(refused, tmp_path, text)


def test_matrix_of_a_billion_cells(refused, tmp_path):
    values = ", ".join(map(str, range(1, 1001)))
    text = GROUP + f"vcpus = [{values}]\nzap-rate = [{values}]\nwalks-per-exit = [{values}]\n"
    assert "more than 100000 cells" in refused_matrix(refused, tmp_path, text)


def test_matrix_that_is_not_there(refused):
    assert "none.toml: No such file" in refused("run", "none.toml", "--out", "out")


def test_matrix_that_is_a_directory(refused, tmp_path):
    (tmp_path / "dir").mkdir()
    assert "not a file" in refused("run", "dir", "--out", "out")


@pytest.mark.parametrize("arguments, says", [
    (["--repetitions", "0"], "--repetitions"), (["--repetitions", "1000000000"], "--repetitions"),
    (["--repetitions", "many"], "--repetitions"), (["--filter", "("], "--filter"), (["--filter", "sheep"], "look like"),
    (["--seed", "-1"], "--seed"), (["--timeout-factor", "0"], "--timeout-factor"),
    (["--timeout-slack", "long"], "--timeout-slack"), (["--retry-failed"], "--resume"),
    (["--resume"], "holds no run")])
def test_bad_options_of_run(refused, matrix, arguments, says):
    assert says in refused("run", matrix, "--out", "out", *arguments)


def test_run_without_out(refused, matrix):
    assert "--out" in refused("run", matrix)


@pytest.mark.parametrize("out, says", [
    ("small.toml", "a file is in the way"), ("small.toml/out", "a file is in the way"), ("/proc/out", "cannot make"),
    ("/sys/kernel/out", "cannot make"), (".", "is not empty"), ("", "cannot make")])
def test_out_that_cannot_be_used(refused, matrix, out, says):
    assert says in refused("run", matrix, "--out", out)


def test_out_on_a_disk_that_takes_nothing(refused, matrix):
    def tiny_files():  # what a full disk does, on any host
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    assert "cannot write" in refused("run", matrix, "--out", "deep/out", preexec_fn=tiny_files)


def test_out_on_a_full_disk(command, matrix, tmp_path):
    """A tmpfs too small for one result, in a mount namespace of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (f"mount -t tmpfs -o size=64k none {disk} || exit 77; {command} run {matrix} --out {disk}/out; code=$?; "
              f"ls -A {disk}; exit $code")
    done = subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", script], capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 2
    assert "No space left on device" in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout == "", "nothing half-written"


# --- a report

def test_report_of_nothing(refused):
    assert "none" in refused("report", "none")


def test_report_of_what_is_no_run(refused, tmp_path):
    assert "run.json" in refused("report", tmp_path)


def test_report_package_that_is_not_there(refused, tmp_path):
    assert "SHADOWWALK_REPORTS" in refused("report", tmp_path, env={"SHADOWWALK_REPORTS": "/nonexistent"})


# --- a plot

@pytest.mark.parametrize("arguments, told", [(("none", "--x", "vcpus", "--y", "walk_ns_mean"), "none"), ((), "--x"),
                                             (("none", "--x", "vcpus", "--y", "walk_ns_mean", "-o", "a.bmp"), "a.bmp")])
def test_a_plot_of_what_is_not_there(refused, arguments, told):
    assert told in refused("plot", *arguments)


# --- a comparison

def test_compare_needs_two_sides(refused):
    assert "NEW" in refused("compare", "base")


def test_compare_of_what_is_not_there(refused):
    assert "nowhere" in refused("compare", "nowhere", "nowhere")


@pytest.mark.parametrize("option, value", [("--fail-on", "slower"), ("--threshold", "5"), ("--metrics", "sheep"),
                                           ("--json", "no/such/place")])
def test_absurd_values_of_a_comparison(refused, option, value):
    assert value in refused("compare", "nowhere", "nowhere", option, value)


# --- a report

@pytest.mark.parametrize("option, value", [("--format", "html,pdf"), ("--baseline", "")])
def test_absurd_values_of_a_report(refused, option, value):
    refused("report", "nowhere", option, value)


@pytest.mark.parametrize("options", [("--guest", "thread", "--vcpus", 3, "--zappers", 2), ("--workload", "trace:churn.swtrace")])
def test_threads_that_the_host_does_not_start_fail_the_cell(shadowwalk, tmp_path, options):
    """No thread can have a stack of 64 TiB: what a limit of processes does, also for root."""
    churn = pathlib.Path(__file__).parents[2] / "workloads/traces/churn.swtrace"
    (tmp_path / "churn.swtrace").write_bytes(churn.read_bytes())

    def huge_stacks():
        resource.setrlimit(resource.RLIMIT_STACK, (1 << 46, resource.getrlimit(resource.RLIMIT_STACK)[1]))
    done = shadowwalk("cell", "--variant", "irq-ipi", "--workload", "mmio-poll", "--duration", "10ms", *options,
                      preexec_fn=huge_stacks)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "the host starts no more threads" in done.stderr and "fewer --vcpus" in done.stderr


def test_text_that_a_terminal_would_obey_is_shown(refused):
    for text, shown in (("\x1b[2J", "\\x1b[2J"), ("\u009b2J", "\\u{9b}2J"), ("\u202egnp", "\\u{202e}gnp")):
        for arguments in (("cell", "--variant", text, "--workload", "mmio-poll"), ("list", "events", "--nonsense" + text),
                          ("cell", "--variant", "leak", "--workload", f"./{text}.toml"), (text,)):
            message = refused(*arguments)
            assert shown in message and text not in message


def test_long_text_is_cut_and_what_to_do_stays(refused):
    message = refused("cell", "--variant", "x" * 50_000, "--workload", "mmio-poll")
    assert len(message) < 2200 and "bytes ...]" in message and "rcu-counter" in message


def test_a_key_of_many_parts_is_refused(refused, tmp_path):
    (tmp_path / "deep.toml").write_text("a." * 400_000 + "a = 1", encoding="utf-8")
    for arguments in (("run", "deep.toml", "--out", "out"), ("cell", "--variant", "leak", "--workload", "./deep.toml"),
                      ("project", "--variants", "leak", "--topology", "./deep.toml")):
        assert "a key has more than 32 parts" in refused(*arguments)
