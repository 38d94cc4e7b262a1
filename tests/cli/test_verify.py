"""`verify`: what it says and its exit codes. What it finds is tested in tests/verify."""

import re

import pytest


def test_a_sound_variant(shadowwalk):
    done = shadowwalk("verify", "--variant", "irq-ipi")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"irq-ipi: nothing goes wrong: every schedule, in \d+ executions, \d+ steps at most, [\d.]+ s "
                        r"\(tso, 2 walkers x 1 walk, 1 zapper x 1 zap\)\n", done.stdout)


def test_an_unsafe_one_is_a_story_in_columns(shadowwalk):
    done = shadowwalk("verify", "--variant", "unsafe", "--walkers", 1)
    assert done.returncode == 1
    first, heads, *story = done.stdout.splitlines()
    assert re.match(r"unsafe: .*freed.*, in execution \d+ \(tso, 1 walker x 1 walk", first)
    column = heads.index("zapper-0")
    assert heads.startswith("  walker-0 ") and column > 40
    assert any(line.startswith("  reads page 1[0] = poison") for line in story)
    assert any(line[column:].startswith("buffers page 1[0] = poison") and not line[:column].strip() for line in story)


def test_each_barrier_weakened(shadowwalk):
    done = shadowwalk("verify", "--variant", "irq-ipi", "--walkers", 1, "--weaken-each")
    assert done.returncode == 0, done.stderr
    needed = [line.split() for line in done.stdout.splitlines() if line.startswith("  needed ")]
    assert [(words[1], words[2].partition(":")[0]) for words in needed] == [("exchange", "variants/kernel/irq_ipi.hpp")]
    assert re.search(r"  not needed  full fence +harness/machine/request_all_cpus.hpp:\d+ +every schedule, in \d+", done.stdout)
    assert re.search(r"  no effect   locked operation +harness/machine/vcpu.hpp:\d+ +x86 locks it", done.stdout)
    assert "harness/simulation" not in done.stdout


def test_a_bound_is_told(shadowwalk):
    done = shadowwalk("verify", "--variant", "rcu-counter", "--max-executions", 5)
    assert done.returncode == 0 and "NOT every schedule: 5 executions" in done.stdout


@pytest.mark.parametrize("arguments, told", [
    (("--variant", "irq-ip"), "did you mean 'irq-ipi'?"),
    ((), "--variant"),
    (("--variant", "leak", "--walkers", 5), "--walkers"),
    (("--variant", "leak", "--memory", "arm"), "tso")])
def test_bad_input(refused, arguments, told):
    assert told in refused("verify", *arguments)
