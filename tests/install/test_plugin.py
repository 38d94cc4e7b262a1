"""A variant outside the tree: docs/writing-a-variant.md as its reader goes through it, command by command, and then what
becomes of plug-ins that are none."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from walkthrough import exact, first_missing, run_steps, shape, steps_of  # noqa: E402

BUILD = pathlib.Path(os.environ["SHADOWWALK_BUILD"])
SOURCE = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (SOURCE / "docs" / "writing-a-variant.md").read_text(encoding="utf-8")
EXAMPLE = SOURCE / "examples" / "variant-plugin"
STEPS = steps_of(DOCUMENT)
CELL = ("--workload", "mmio-poll", "--guest", "thread", "--duration", "150ms", "--warmup", "10ms",
        "--mmu-lock", "mutex")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where the reader begins: a build of shadowwalk in build/release, and nothing installed."""
    home = tmp_path_factory.mktemp("home")
    (home / "build").mkdir()
    (home / "build" / "release").symlink_to(BUILD)
    return home


@pytest.fixture(scope="module")
def outcomes(home):
    """What each command of the document gave."""
    environment = {**os.environ, "HOME": str(home), "CLICOLOR_FORCE": "0"}
    outcomes = run_steps(STEPS, home, environment)
    assert len(outcomes) == len(STEPS), outcomes[-1:]
    return outcomes


@pytest.fixture(scope="module")
def plugin(home, outcomes):
    return home / "mine" / "build" / "libmine.so"


@pytest.fixture
def shadowwalk(home, outcomes):
    """shadowwalk(arguments...) -> CompletedProcess of the installed command."""
    def run(*arguments, program="shadowwalk", **options):
        return subprocess.run([str(word) for word in (home / "sw" / "bin" / program, *arguments)], capture_output=True,
                              text=True, timeout=120, check=False, **options)
    return run


def assert_refused(done, *words):
    assert done.returncode == 2 and done.stdout == "", done.stdout + done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith(("shadowwalk: plug-in ", "shadowwalk-bench: plug-in "))
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("number", range(len(STEPS)), ids=lambda number: STEPS[number][0].replace("\n", " ")[:60])
def test_the_document_shows_what_its_commands_say(outcomes, number):
    command, shown = STEPS[number]
    code, output = outcomes[number]
    refused = any(line.startswith("shadowwalk: ") for line in shown)
    assert code == (2 if refused else 0), f"{command}\n{output}"
    missing = first_missing(shown, output)
    assert missing is None, f"{command}\nshows: {missing}\nsaid:\n{output}"
    if command.startswith("shadowwalk verify"):
        assert exact("\n".join(shown)) == exact(output)


def test_the_document_has_steps_and_their_shapes_differ():
    assert len(STEPS) >= 12 and sum(bool(shown) for _, shown in STEPS) >= 8
    assert shape("walk 8.2 ns  12 KiB") == shape("walk 1.93 us  4 MiB") != shape("walk 8.2 ns")
    assert first_missing(["a 1", "...", "c"], "a 2\nb\nc\n") is None and first_missing(["c", "a"], "a\nc\n") == "a"


@pytest.mark.parametrize("file", ["mine.cpp", "CMakeLists.txt"])
def test_the_document_holds_the_example_as_it_is(file):
    assert f"\n{(EXAMPLE / file).read_text(encoding='utf-8')}```\n" in DOCUMENT


def test_the_example_is_short():
    assert len((EXAMPLE / "mine.cpp").read_text().splitlines()) <= 60


def test_the_example_needs_the_installed_headers_alone(home, plugin):
    depends = next((home / "mine" / "build").rglob("mine.cpp.o.d")).read_text()
    assert f"{home}/sw/include/shadowwalk/harness/plugin/plugin.hpp" in depends
    assert str(SOURCE) not in depends


def test_a_result_names_the_plugin_and_no_path(shadowwalk, home, plugin):
    done = shadowwalk("cell", "--plugin", plugin, "--variant", "mine", *CELL, "--json", "-")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["benchmarks"]
    assert entry["name"].startswith("mine/mmio-poll/") and entry["violations"] == 0 and entry["pages_freed_total"] > 0
    named = entry["shadowwalk"]["plugin"]
    assert named["file"] == "libmine.so" and named["optimized"] is True and len(named["build_id"]) == 40
    assert named["abi"].startswith("shadowwalk ")
    assert entry["shadowwalk"]["command"].startswith(f"shadowwalk cell --plugin {plugin} --variant mine")
    own = json.loads(shadowwalk("cell", "--plugin", plugin, "--variant", "leak", *CELL, "--json", "-").stdout)
    assert "plugin" not in own["benchmarks"][0]["shadowwalk"]


def test_a_run_records_the_plugin_and_goes_on_with_it(shadowwalk, plugin, tmp_path):
    matrix = tmp_path / "matrix.toml"
    matrix.write_text('repetitions = 2\n[[group]]\nname = "g"\nvariant = ["mine", "leak"]\nworkload = "mmio-poll"\n'
                      'guest = "thread"\nduration = "150ms"\nwarmup = "1ms"\n')
    out = tmp_path / "out"
    refused = shadowwalk("run", matrix, "--out", out)
    assert refused.returncode == 2 and "unknown variant 'mine'" in refused.stderr and not out.exists()
    copy = tmp_path / "libcopy.so"
    shutil.copy(plugin, copy)
    at_once = ("--quiet-wait", "0", "--retry-noisy", "0")  # each measurement has one file
    assert shadowwalk("run", matrix, "--plugin", "libcopy.so", "--out", out, *at_once, cwd=tmp_path).returncode == 0
    (recorded,) = json.loads((out / "run.json").read_text())["plugins"]
    assert recorded["file"] == str(copy) and len(recorded["build_id"]) == 40
    results = sorted((out / "cells").glob("*.json"))
    assert len(results) == 4
    for result in results[:2]:
        result.unlink()
    refused = shadowwalk("run", "--resume", "--out", out)
    assert refused.returncode == 2 and f"must be named again: --plugin {copy}" in refused.stderr
    resume = ("run", "--resume", "--plugin", copy, "--out", out, *at_once)
    done = shadowwalk(*resume)
    assert done.returncode == 0 and sorted((out / "cells").glob("*.json")) == results, done.stderr
    results[0].unlink()
    replaced = copy.read_bytes()
    build_id = bytes.fromhex(recorded["build_id"])
    copy.write_bytes(replaced.replace(build_id, bytes(reversed(build_id))))
    other = shadowwalk(*resume)
    assert other.returncode == 2 and "plug-ins were" in other.stderr and not results[0].exists()
    copy.unlink()
    assert_refused(shadowwalk(*resume), str(copy), "there is no such file")


def test_a_failed_cell_of_a_run_says_how_to_run_it_again(shadowwalk, plugin, tmp_path):
    matrix = tmp_path / "matrix.toml"
    matrix.write_text('repetitions = 1\n[[group]]\nname = "g"\nvariant = "mine"\nworkload = "mmio-poll"\n'
                      'guest = "thread"\nplacement = "99999"\n')  # a CPU that is not there
    out = tmp_path / "out"
    assert shadowwalk("run", matrix, "--plugin", plugin, "--out", out).returncode == 1
    (failure,) = (out / "cells").glob("*.failed.json")
    assert json.loads(failure.read_text())["command"].startswith(f"shadowwalk cell --plugin {plugin} --variant mine")


def test_the_benchmarks_take_it_too(shadowwalk, plugin):
    done = shadowwalk(f"--plugin={plugin}", "--benchmark_list_tests", program="shadowwalk-bench")
    assert {"walk/mine/threads:1", "section/mine/threads:1"} <= set(done.stdout.split())


def make_module(folder, name, source):
    """A shared object of assembler or C, which any compiler driver takes."""
    path = folder / name
    path.write_text(source)
    made = path.with_suffix(".so")
    subprocess.run([os.environ["CXX"], "-shared", "-nostdlib", "-o", made, path], check=True)
    return made


def note(abi):
    return (f'.section .note.shadowwalk,"a",@note\n.balign 4\n.long 11, 160, 1\n.asciz "shadowwalk"\n.balign 4\n'
            f'.ascii "{abi}"\n.zero {160 - len(abi)}\n')


def test_what_is_no_plugin(shadowwalk, plugin, tmp_path):
    text = tmp_path / "text.so"
    text.write_text("not a library\n")
    plain = make_module(tmp_path, "plain.s", ".data\n.long 1\n")
    cut = tmp_path / "cut.so"
    cut.write_bytes(plugin.read_bytes()[:100])
    object_file = next((plugin.parent).rglob("mine.cpp.o"))
    for file, word in ((tmp_path / "none.so", "there is no such file"), (tmp_path, "is no file"),
                       (text, "is no shared object"), (object_file, "is no shared object"),
                       (plain, "has no SHADOWWALK_PLUGIN"), (cut, "has no SHADOWWALK_PLUGIN")):
        for verb in (("cell", "--variant", "mine", "--workload", "mmio-poll"), ("list", "variants"),
                     ("verify", "--variant", "mine"), ("project", "--variants", "mine")):
            assert_refused(shadowwalk(*verb, "--plugin", file), str(file), word)
    assert_refused(shadowwalk(f"--plugin={text}", program="shadowwalk-bench"), str(text), "is no shared object")


def test_another_abi_is_told_before_anything_of_it_runs(shadowwalk, plugin, tmp_path):
    other = tmp_path / "other.so"
    was, now = b"plug-in revision 2", b"plug-in revision 1"
    assert plugin.read_bytes().count(was) == 1
    other.write_bytes(plugin.read_bytes().replace(was, now))
    assert_refused(shadowwalk("list", "variants", "--plugin", other), was.decode(), now.decode(), "build it again")


def test_missing_symbols(shadowwalk, plugin, tmp_path):
    abi = json.loads(shadowwalk("cell", "--plugin", plugin, "--variant", "mine", *CELL, "--json", "-").stdout)
    stamp = note(abi["benchmarks"][0]["shadowwalk"]["plugin"]["abi"])
    without_entry = make_module(tmp_path, "entry.s", stamp)
    assert_refused(shadowwalk("list", "variants", "--plugin", without_entry), "has no symbol shadowwalk_plugin_variants")
    unresolved = make_module(tmp_path, "unresolved.s", stamp + ".data\n.quad nobody_has_this\n")
    assert_refused(shadowwalk("list", "variants", "--plugin", unresolved), "cannot be loaded", "nobody_has_this")


def test_a_name_that_is_taken(shadowwalk, plugin):
    assert_refused(shadowwalk("list", "variants", "--plugin", plugin, "--plugin", plugin),
                   "a variant named 'mine' is registered already")
