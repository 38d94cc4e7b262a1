"""The floors check passes on the project, and each kind of violation that is planted in a small tree is found."""

import importlib.machinery
import importlib.util
import pathlib
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-floors"

CLEAN = {
    "harness/probes/probes.hpp": "#include <sys/sdt.h>\n",
    "harness/machine/vcpu.hpp": '#include <atomic>\n\n#include "harness/probes/probes.hpp"\n',
    "harness/measure/histogram.hpp": "#include <vector>\n",
    "harness/guest/access.hpp": "#include <stdint.h>\n",
    "variants/contract.hpp": "",
    "variants/controls/leak.hpp": '#include "harness/machine/vcpu.hpp"\n#include "variants/contract.hpp"\n',
    "harness/mmu/walker.hpp": '#include "harness/measure/histogram.hpp"\n#include "variants/contract.hpp"\n',
    "workloads/guest/poll.cpp": '#include "harness/guest/access.hpp"\n',
    "workloads/workload.hpp": "",
    "harness/lab/cell.hpp": '#include "harness/mmu/walker.hpp"\n#include "workloads/workload.hpp"\n',
    "harness/run/runner.hpp": '#include "harness/lab/cell.hpp"\n',
    "harness/cli/main.cpp": '#include "harness/run/runner.hpp"\n',
}


def check(root):
    return subprocess.run([SCRIPT, "--root", root], capture_output=True, text=True)


@pytest.fixture
def tree(tmp_path):
    for name, text in CLEAN.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def plant(tree, file, line):
    """Adds an include; returns the number of its line."""
    path = tree / file
    text = path.read_text() if path.exists() else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + line + "\n")
    return text.count("\n") + 1


def test_the_project_keeps_to_its_floors():
    done = check(SCRIPT.parent.parent)
    assert done.returncode == 0, done.stderr


def test_a_clean_tree_passes(tree):
    done = check(tree)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("file, target", [
    ("harness/machine/vcpu.hpp", "variants/contract.hpp"),          # up
    ("harness/probes/probes.hpp", "harness/machine/vcpu.hpp"),      # across, the wrong way
    ("harness/measure/histogram.hpp", "harness/machine/vcpu.hpp"),  # across
    ("variants/controls/leak.hpp", "harness/measure/histogram.hpp"),         # variants know the machine only
    ("variants/controls/leak.hpp", "harness/probes/probes.hpp"),
    ("variants/controls/leak.hpp", "harness/guest/access.hpp"),
    ("harness/mmu/walker.hpp", "harness/guest/access.hpp"),         # the MMU knows no guest
    ("harness/mmu/walker.hpp", "workloads/workload.hpp"),
    ("harness/guest/access.hpp", "harness/mmu/walker.hpp"),         # and guests no MMU
    ("harness/guest/access.hpp", "variants/contract.hpp"),
    ("workloads/guest/poll.cpp", "harness/machine/vcpu.hpp"),       # freestanding
    ("workloads/workload.hpp", "harness/mmu/walker.hpp"),
    ("harness/lab/cell.hpp", "harness/run/runner.hpp"),
    ("harness/run/runner.hpp", "harness/cli/main.cpp"),
])
@pytest.mark.parametrize("form", ['#include "{}"', "  #  include <{}>  // why"])
def test_an_include_that_is_not_allowed_is_found(tree, file, target, form):
    line = plant(tree, file, form.format(target))
    done = check(tree)
    assert done.returncode == 1
    assert f"{file}:{line}: includes {target}: " in done.stderr


def test_an_include_that_is_not_from_the_root_is_found(tree):
    line = plant(tree, "harness/machine/vcpu.hpp", '#include "backoff.hpp"')
    done = check(tree)
    assert done.returncode == 1
    assert done.stderr == (f'harness/machine/vcpu.hpp:{line}: "backoff.hpp" is no file of the project; '
                           "include it from the project root\n")


def test_a_file_in_no_room_is_found(tree):
    plant(tree, "harness/attic/old.hpp", "#include <atomic>")
    done = check(tree)
    assert done.returncode == 1
    assert done.stderr.startswith("harness/attic/old.hpp: is in no room")


def test_a_circle_within_a_room_is_found(tree):
    plant(tree, "harness/mmu/a.hpp", '#include "harness/mmu/b.hpp"')
    plant(tree, "harness/mmu/b.hpp", '#include "harness/mmu/c.hpp"')
    plant(tree, "harness/mmu/c.hpp", '#include "harness/mmu/a.hpp"')
    done = check(tree)
    assert done.returncode == 1
    assert done.stderr == ("files include each other: harness/mmu/a.hpp -> harness/mmu/b.hpp -> harness/mmu/c.hpp -> "
                           "harness/mmu/a.hpp\n")


def test_a_tree_without_sources_is_no_success(tmp_path):
    done = check(tmp_path)
    assert done.returncode == 1
    assert "holds no source" in done.stderr


def test_the_rules_themselves_point_down():
    loader = importlib.machinery.SourceFileLoader("check_floors", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_floors", loader))
    loader.exec_module(module)
    across = {("harness/machine", "harness/probes"), ("harness/os", "harness/machine"),
              ("harness/measure", "harness/os"), ("harness/measure/pmu", "harness/measure"), ("harness/measure/pmu", "harness/text"),
              ("harness/text", "harness/machine"), ("harness/text", "harness/os"), ("harness/fiber", "harness/machine"),
              ("workloads", "workloads/guest"),
              ("harness/replay", "harness/trace"), ("harness/plugin", "harness/projection"),
              ("harness/plugin", "harness/verify"), ("harness/kernel", "harness/run")}
    for name, room in module.ROOMS.items():
        for other in room.may_include:
            assert module.ROOMS[other].floor < room.floor or (name, other) in across
