"""`verify`: what it says and its exit codes. What it finds is tested in tests/verify."""

import json
import re
import shutil
import subprocess

import pytest


def test_a_sound_variant(shadowwalk):
    done = shadowwalk("verify", "--variant", "irq-ipi")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"irq-ipi: nothing goes wrong: every schedule, in \d+ executions, \d+ steps at most, [\d.]+ s "
                        r"\(tso, 2 walkers x 1 walk, 1 zapper x 1 zap\)\n", done.stdout)


def test_an_unsafe_one_is_a_story_in_columns(shadowwalk):
    done = shadowwalk("verify", "--variant", "unsafe", "--walkers", 1)
    assert done.returncode == 1
    first, length, heads, *story = done.stdout.splitlines()
    assert re.match(r"unsafe: .*freed.*, in execution \d+ \(tso, 1 walker x 1 walk", first)
    assert re.fullmatch(r"  \d+ steps, 1 preemption \(it takes no fewer\), 2 switches:", length)
    column = heads.index("zapper-0")
    assert heads.startswith("  walker-0 ") and column > 40
    assert story[-1].startswith("  reads page 1[0] = poison"), "it ends where it has gone wrong"
    assert any(line[column:].startswith("buffers page 1[0] = poison") and not line[:column].strip() for line in story)


def test_what_sits_in_a_store_buffer_is_told_where_another_cpu_goes_on(shadowwalk):
    done = shadowwalk("verify", "--variant", "irq-ipi", "--walkers", 1, "--mutant", "begin-without-barrier")
    assert done.returncode == 1
    assert "  [in its store buffer: mode of vCPU 0 = 3]\n" in done.stdout


def test_each_barrier_weakened(shadowwalk):
    done = shadowwalk("verify", "--variant", "irq-ipi", "--walkers", 1, "--weaken-each")
    assert done.returncode == 0, done.stderr
    needed = re.findall(r"^  needed +(.+?)  +(.+):\d+ +else ", done.stdout, re.MULTILINE)
    assert set(needed) == {("exchange", "variants/kernel/irq_ipi.hpp"), ("interrupt gate", "variants/kernel/irq_ipi.hpp"),
                           ("TLB flush", "variants/kernel/irq_ipi.hpp"), ("IPI", "harness/machine/request_all_cpus.hpp"),
                           ("wait for IPI", "harness/machine/request_all_cpus.hpp")}
    assert re.search(r"  not needed  full fence +harness/machine/request_all_cpus.hpp:\d+ +every schedule, in \d+", done.stdout)
    assert re.search(r"  no effect   locked operation +harness/machine/vcpu.hpp:\d+ +x86 locks it", done.stdout)
    assert "harness/simulation" not in done.stdout


def test_each_mutant(shadowwalk):
    done = shadowwalk("verify", "--variant", "leak", "--walkers", 1, "--mutants")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^  found +spte-read-twice +- +read poison", done.stdout, re.MULTILINE)
    assert re.search(r"^  no claim +zapped-pages-kept +365c886860c4 +the variant claims no bound", done.stdout, re.MULTILINE)
    assert re.search(r"^  not reached +gate-left-closed ", done.stdout, re.MULTILINE)
    assert re.search(r"^  not found +begin-without-barrier +- +every schedule, in \d+ executions", done.stdout, re.MULTILINE)


def test_a_site_weakened_by_name_is_told_saved_and_replayed(shadowwalk, refused, tmp_path):
    listed = shadowwalk("verify", "--variant", "irq-ipi", "--walkers", 1, "--weaken-each").stdout
    site = re.search(r"exchange +(variants/kernel/irq_ipi.hpp:\d+)", listed).group(1)
    saved = tmp_path / "schedule.json"
    done = shadowwalk("verify", "--variant", "irq-ipi", "--walkers", 1, "--weaken", site, "--save", saved)
    assert done.returncode == 1
    story = done.stdout.splitlines()[2:]
    assert json.loads(saved.read_text())["setting"]["weakened"]["kind"] == "exchange"
    for _ in range(2):
        again = shadowwalk("verify", "--replay", saved)
        assert again.returncode == 1 and again.stdout.splitlines()[1:] == story

    schedule = json.loads(saved.read_text())
    schedule["steps"][0] = "walker-0: fence"
    saved.write_text(json.dumps(schedule))
    assert "step 1, \"walker-0: fence\", cannot happen here" in refused("verify", "--replay", saved)
    assert "IPI" in refused("verify", "--variant", "irq-ipi", "--weaken", "variants/kernel/irq_ipi.hpp:1")


def test_a_debugger_stops_a_replay_at_a_step(shadowwalk, command, tmp_path):
    """docs/verify.md's commands: conditions name the parameters of the breakpoints' functions."""
    gdb = shutil.which("gdb")
    if gdb is None:
        pytest.skip("gdb is not there")
    saved = tmp_path / "unsafe.json"
    assert shadowwalk("verify", "--variant", "unsafe", "--walkers", 1, "--save", saved).returncode == 1
    steps = json.loads(saved.read_text())["steps"]
    done = subprocess.run([gdb, "-batch", "-nx", "-ex", "set breakpoint pending off", "-ex", "break shadowwalk_replay_step if number == 12",
                           "-ex", "break shadowwalk_replay_wrong", "-ex", "run", "-ex", "print number", "-ex", "print what",
                           "-ex", "continue", "-ex", "kill", "--args", command, "verify", "--replay", saved],
                          capture_output=True, text=True, timeout=120, check=False)
    if "ptrace: Operation not permitted" in done.stderr or "Could not trace" in done.stderr:
        pytest.skip("gdb may not trace here")
    assert "$1 = 12\n" in done.stdout and f'"{steps[11]}"' in done.stdout, done.stdout + done.stderr
    assert "shadowwalk_replay_wrong" in done.stdout.split("$2 = ")[1], done.stdout + done.stderr


def test_json(shadowwalk, tmp_path):
    done = shadowwalk("verify", "--variant", "irq-ipi", "--walkers", 1, "--weaken-each", "--mutants", "--json", "-")
    assert done.returncode == 0, done.stderr
    (irq_ipi,) = json.loads(done.stdout)["verified"]
    assert irq_ipi["run"]["exhausted"] is True and irq_ipi["setting"]["walkers"] == 1
    verdicts = {row["mutant"]: row["verdict"] for row in irq_ipi["mutants"]}
    assert verdicts["second-flusher-returns-early"] == "found"
    assert {"kind": "exchange", "file": "variants/kernel/irq_ipi.hpp"}.items() <= next(
        row["site"] for row in irq_ipi["weakened"] if row["verdict"] == "needed" and row["site"]["kind"] == "exchange").items()

    file = tmp_path / "unsafe.json"
    done = shadowwalk("verify", "--variant", "unsafe", "--walkers", 1, "--json", file)
    assert done.returncode == 1 and "walker-0" in done.stdout
    failure = json.loads(file.read_text())["verified"][0]["failure"]
    assert failure["preemptions"] == 1 and failure["fewest_preemptions"] is True
    buffered = next(line for line in failure["story"] if line["does"] == "buffers page 0[0] = 0")
    assert buffered["store_buffers"] == {"zapper-0": ["page 0[0] = 0"]}


def test_preemptions_are_a_bound_that_is_told(shadowwalk):
    done = shadowwalk("verify", "--variant", "irq-ipi", "--walkers", 1, "--preemptions", 1)
    assert done.returncode == 0 and "every schedule with at most 1 preemption, in " in done.stdout


def test_a_bound_is_told(shadowwalk):
    done = shadowwalk("verify", "--variant", "rcu-counter", "--max-executions", 5)
    assert done.returncode == 0 and "NOT every schedule: 5 executions" in done.stdout


@pytest.mark.parametrize("arguments, told", [
    (("--variant", "irq-ip"), "did you mean 'irq-ipi'?"),
    ((), "--variant"),
    (("--variant", "leak", "--walkers", 5), "--walkers"),
    (("--variant", "leak", "--memory", "arm"), "tso"),
    (("--variant", "leak", "--pages", 4), "--pages"),
    (("--variant", "leak", "--preemptions", 1, "--random", 5), "--random"),
    (("--variant", "leak", "--mutant", "spte-read-twic"), "did you mean 'spte-read-twice'?"),
    (("--replay", "absent.json"), "cannot read the schedule absent.json: No such file"),
    (("--replay", "absent.json", "--variant", "leak"), "--replay"),
    (("--variant", "leak", "--json", "no/such/folder/file.json"), "no/such/folder")])
def test_bad_input(refused, arguments, told):
    assert told in refused("verify", *arguments)
