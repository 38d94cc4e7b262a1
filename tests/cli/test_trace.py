"""`import` on the real binary. perf and trace-cmd are stood in for where a test is about how they are called or
fail; where the host has them, they are real."""

import os
import pathlib
import shutil
import threading

import pytest

TRACES = pathlib.Path(__file__).resolve().parents[2] / "workloads" / "traces"
SCRIPT = TRACES / "churn.perf-script.txt"
TRACE = TRACES / "churn.swtrace"
LINE = "vmm 10/11 [000] 1.5: kvm:kvm_page_fault: address 1000 error_code 6\n"


# --- text

def test_import_of_perf_script(shadowwalk, tmp_path, kinds):
    done = shadowwalk("import", SCRIPT, "-o", "t.swtrace")
    assert done.returncode == 0, done.stderr
    assert "kvmmmu:kvm_mmu_paging_element" in done.stdout and "vCPUs       2" in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["t.swtrace"]
    info = shadowwalk("import", "--info", "t.swtrace")
    assert info.returncode == 0 and "imported from churn.perf-script.txt" in info.stdout
    assert kinds(info.stdout)["write_fault"] > 10 and kinds(info.stdout)["zap_all"] == 1
    dump = shadowwalk("import", "--dump", "t.swtrace").stdout.splitlines()
    assert dump[0].startswith("# ") and len(dump) - 1 == sum(kinds(info.stdout).values())
    times = [int(line.split()[0]) for line in dump[1:]]
    assert times[0] == 0 and times == sorted(times)


def test_import_of_stdin(shadowwalk, tmp_path):
    assert shadowwalk("import", "-", "-o", "t.swtrace", "--note", "by hand", input=LINE).returncode == 0
    assert "by hand" in shadowwalk("import", "--info", "t.swtrace").stdout


def test_default_name_is_beside_the_recording(shadowwalk, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "my.txt").write_text(LINE, encoding="utf-8")
    assert shadowwalk("import", "deep/my.txt").returncode == 0
    assert (tmp_path / "deep" / "my.swtrace").exists()


def test_one_process(shadowwalk, tmp_path):
    (tmp_path / "two.txt").write_text(LINE + LINE.replace("10/11", "20/21"), encoding="utf-8")
    both = shadowwalk("import", "two.txt")
    assert "--pid chooses one" in both.stdout and "vCPUs       2" in both.stdout
    one = shadowwalk("import", "two.txt", "--pid", "20")
    assert "1 events of other processes left out" in one.stdout and "vCPUs       1" in one.stdout


def test_late_events_are_said(shadowwalk, tmp_path):
    lines = [LINE.replace("1.5", f"1.{time}") for time in (5, 6, 7, 1)]
    (tmp_path / "late.txt").write_text("".join(lines), encoding="utf-8")
    assert "dropped" not in shadowwalk("import", "late.txt").stdout
    assert "1 events dropped: later than the reorder window, by 400.000 ms" in shadowwalk(
        "import", "late.txt", "--window", "2").stdout


def test_the_shipped_trace(shadowwalk, kinds):
    info = shadowwalk("import", "--info", TRACE)
    assert info.returncode == 0, info.stderr
    found = kinds(info.stdout)
    assert found["mmio_fault"] == 848 and found["zap_all"] == 6 and found["pagetable_write"] > 100


def test_a_pipe_gives_the_same_as_the_file(shadowwalk, tmp_path):
    """The first line counts: it was lost when the kind of the recording was looked at."""
    text = LINE + LINE.replace("10/11", "10/12")
    (tmp_path / "t.txt").write_text(text, encoding="utf-8")
    expected = shadowwalk("import", "t.txt", "-o", "file.swtrace").stdout.split("\n", 1)[1]
    os.mkfifo(tmp_path / "fifo")
    writer = threading.Thread(target=(tmp_path / "fifo").write_text, args=(text,))
    writer.start()
    assert shadowwalk("import", "fifo", "-o", "fifo.swtrace").stdout.split("\n", 1)[1] == expected
    writer.join()
    for name in ("-", "/dev/stdin", "/dev/fd/0"):
        assert shadowwalk("import", name, "-o", "stdin.swtrace", input=text).stdout.split("\n", 1)[1] == expected
    dumps = {shadowwalk("import", "--dump", f"{kind}.swtrace").stdout for kind in ("file", "fifo", "stdin")}
    assert len(dumps) == 1


def test_losses_that_the_recorder_did_not_count_are_said(shadowwalk, tmp_path):
    (tmp_path / "lost.txt").write_text(LINE + "CPU:3 [LOST EVENTS]\n" + LINE, encoding="utf-8")
    said = shadowwalk("import", "lost.txt").stdout
    assert "lost: the recorder does not say how many; 1 places, the first in line 2" in said
    (tmp_path / "over.txt").write_text("# entries-in-buffer/entries-written: 1/9   #P:8\n" + LINE, encoding="utf-8")
    assert "8 events lost by the recorder itself" in shadowwalk("import", "over.txt").stdout


def test_two_vms_without_a_process_are_said(shadowwalk, tmp_path):
    lines = ["CPU 0/KVM 11 [000] 1.5: kvm:kvm_page_fault: vcpu 0 address 1000 error_code 6\n",
             "CPU 0/KVM 21 [000] 1.6: kvm:kvm_page_fault: vcpu 0 address 1000 error_code 6\n"]
    (tmp_path / "two.txt").write_text("".join(lines), encoding="utf-8")
    assert "vCPU 0 runs on two threads (11 and 21)" in shadowwalk("import", "two.txt").stdout
    (tmp_path / "one.txt").write_text("".join(lines).replace("21", "11"), encoding="utf-8")
    assert "two threads" not in shadowwalk("import", "one.txt").stdout


def test_what_is_odd_about_a_text_is_said(shadowwalk, tmp_path):
    def said(text):
        (tmp_path / "odd.txt").write_text(text, encoding="utf-8")
        return shadowwalk("import", "odd.txt").stdout
    assert "times are ticks" in said("a-11 [000] ..... 9182736: kvm_page_fault: address 1000 error_code 6\n")
    assert "1 lines joined" in said(LINE.replace(" error_code", "\nerror_code"))
    assert "1 lines with a part" in said(LINE + "a 10/11 [000] 1.6:\n")
    assert "1 addresses with the shared bit" in said(LINE.replace("1000", "0x8000000001000"))
    assert "beyond 2^36" in said(LINE.replace("1000", "0xe000000001000"))
    assert "several vCPUs" in said(LINE.replace("address", "vcpu 0 address") + LINE.replace("address", "vcpu 1 address"))
    assert "2 events are earlier" in said("".join(LINE.replace("1.5", time) for time in ("0.0", "0.3", "0.1", "0.2", "0.1")))
    assert "earlier" not in said("".join(LINE.replace("1.5", time) for time in ("0.1", "0.3", "0.2", "0.4", "0.5")))


# --- bad input

def test_help_names_the_commands_to_record_with(shadowwalk):
    assert "perf record -a -e 'kvm:*'" in shadowwalk("import", "--help").stdout
    assert "tracefs" in shadowwalk("record", "--help").stdout


@pytest.mark.parametrize("content, says", [
    (b"", "empty"), (b"# nothing\n", "is an event as"), (b"\x00" * 100, "is an event as"), (b"\x1f\x8b rest", "compressed"),
    (b"\x28\xb5\x2f\xfd rest", "compressed with zstd"), (b"PK\x03\x04 rest", "zip"), (b"\x04\x22\x4d\x18 rest", "lz4"),
    (LINE.encode("utf-16"), "UTF-16"), (b"  0.003 CPU 0/KVM/4250 kvm:kvm_entry(guest_rip: 0x400000)\n", "`perf trace`"),
    (LINE.replace("kvm:kvm_page", "sched:x").encode(), "none is a KVM")])
def test_files_that_are_no_recording(refused, tmp_path, content, says):
    (tmp_path / "bad.txt").write_bytes(content)
    message = refused("import", "bad.txt")
    assert says in message and "bad.txt" in message


@pytest.mark.parametrize("arguments, says", [
    (["none.txt"], "No such file"), ([], "file"), (["-"], "-o"), ([str(TRACE)], "already"), ([str(SCRIPT), "--pid", "x"], "--pid"),
    ([str(SCRIPT), "--pid", "0"], "--pid"), ([str(SCRIPT), "--window", "0"], "--window"), (["--info", "none"], "No such file"),
    (["--info", str(SCRIPT)], "does not begin as a trace"), (["--info", "/"], "not a file"),
    (["--dump", str(SCRIPT)], "does not begin as a trace"), (["--info", "--dump", str(TRACE)], "--info"),
    ([str(SCRIPT), "-o", "none/t.swtrace"], "cannot write"), ([str(SCRIPT), "-o", "/"], "cannot write"),
    ([str(SCRIPT), "-o", "/proc/t.swtrace"], "cannot write"), (["/"], "a directory without a recording"),
    (["/dev/null"], "-o FILE says where"), (["/dev/null", "-o", "t.swtrace"], "empty")])
def test_bad_arguments_of_import(refused, arguments, says):
    assert says in refused("import", *arguments)


def test_pid_of_no_process_of_the_text(refused, tmp_path):
    (tmp_path / "t.txt").write_text(LINE, encoding="utf-8")
    assert "of process 11; --pid is the process" in refused("import", "t.txt", "--pid", "11")


def test_pid_of_text_that_does_not_tell_it(refused, tmp_path):
    (tmp_path / "t.txt").write_text(LINE.replace("10/11", "11"), encoding="utf-8")
    assert "line 1 does not name the process" in refused("import", "t.txt", "--pid", "10")


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_a_truncated_trace(refused, tmp_path, keep):
    content = TRACE.read_bytes()
    (tmp_path / "cut.swtrace").write_bytes(content[:int(len(content) * keep)])
    message = refused("import", "--info", "cut.swtrace")
    assert "cut.swtrace: byte " in message and "truncated" in message


def test_a_corrupt_trace(refused, tmp_path):
    content = bytearray(TRACE.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "bad.swtrace").write_bytes(content)
    assert "bad.swtrace: byte " in refused("import", "--info", "bad.swtrace")


# --- perf.data and trace.dat

def test_perf_data_without_perf(refused, tool, tmp_path):
    (tmp_path / "perf.data").write_bytes(b"PERFILE2" + b"\0" * 100)
    message = refused("import", "perf.data")
    assert "perf" in message and "linux-perf" in message


def test_trace_dat_without_trace_cmd(refused, tool, tmp_path):
    (tmp_path / "trace.dat").write_bytes(b"\x17\x08\x44tracing6\0")
    assert "install the package trace-cmd" in refused("import", "trace.dat")


def test_perf_data_is_read_by_perf(shadowwalk, tool, tmp_path, kinds):
    (tmp_path / "-perf.data").write_bytes(b"PERFILE2" + b"\0" * 100)
    tool("perf", f"printf '{LINE.strip()}\\n'")
    done = shadowwalk("import", "-o", "t.swtrace", "--", "-perf.data")
    assert done.returncode == 0, done.stderr
    arguments = (tmp_path / "perf.log").read_text(encoding="utf-8").split()
    assert arguments[:3] == ["script", "-i", "./-perf.data"] and "--ns" in arguments
    assert kinds(done.stdout) == {"write_fault": 1}


def test_trace_dat_is_read_raw(shadowwalk, tool, tmp_path, kinds):
    (tmp_path / "trace.dat").write_bytes(b"\x17\x08\x44tracing6\0")
    tool("trace-cmd", "echo cpus=2; echo ' <...>-11 [000] 1.500000001: kvm_mmu_prepare_zap_page: mmu_valid_gen=0 gfn=0x20 "
         "role=14084 root_count=1 unsync=0'")
    done = shadowwalk("import", "trace.dat")
    assert done.returncode == 0, done.stderr
    assert "-R" in (tmp_path / "trace-cmd.log").read_text(encoding="utf-8").split()
    assert kinds(done.stdout) == {"zap_table": 1}


def test_a_directory_of_perf_record_threads_is_read_by_perf(shadowwalk, tool, tmp_path, kinds):
    (tmp_path / "perf.data").mkdir()
    (tmp_path / "perf.data" / "data").write_bytes(b"PERFILE2" + b"\0" * 100)
    tool("perf", f"printf '{LINE.strip()}\\n'")
    done = shadowwalk("import", "perf.data")
    assert done.returncode == 0 and kinds(done.stdout) == {"write_fault": 1}
    assert "./perf.data" in (tmp_path / "perf.log").read_text(encoding="utf-8").split()


def test_a_perf_data_in_a_pipe_is_refused(shadowwalk, tmp_path):
    (tmp_path / "perf.data").write_bytes(b"PERFILE2" + b"\0" * 1000)
    os.mkfifo(tmp_path / "fifo")
    writer = threading.Thread(target=(tmp_path / "fifo").write_bytes, args=((tmp_path / "perf.data").read_bytes(),))
    writer.start()
    done = shadowwalk("import", "fifo", "-o", "t.swtrace")
    writer.join()
    assert done.returncode == 2 and "write it into a file" in done.stderr and not (tmp_path / "t.swtrace").exists()


def test_perf_that_fails(refused, tool, tmp_path):
    (tmp_path / "perf.data").write_bytes(b"PERFILE2" + b"\0" * 100)
    (tmp_path / "perf.log").touch()
    tool("perf", "echo first >&2; echo 'incompatible file format' >&2; exit 255")
    message = refused("import", "perf.data")
    assert "exit code 255" in message and "incompatible file format" in message


def test_perf_that_fails_after_some_lines(refused, tool, tmp_path):
    (tmp_path / "perf.data").write_bytes(b"PERFILE2" + b"\0" * 100)
    (tmp_path / "perf.log").touch()
    tool("perf", f"printf '{LINE.strip()}\\n'; exit 3")
    assert "exit code 3" in refused("import", "perf.data")


def test_error_while_perf_still_prints(refused, tool, tmp_path):
    """The command ends, and perf with it."""
    (tmp_path / "perf.data").write_bytes(b"PERFILE2" + b"\0" * 100)
    (tmp_path / "perf.log").touch()
    tool("perf", f"while :; do printf '{LINE.strip().replace('10/11', '11')}\\n'; done")
    assert "does not name the process" in refused("import", "perf.data", "--pid", "7")


def test_a_real_perf_data_that_is_broken(refused, tmp_path):
    if not shutil.which("perf"):
        pytest.skip("perf is not installed")
    (tmp_path / "perf.data").write_bytes(b"PERFILE2" + b"\0" * 100)
    assert "perf failed" in refused("import", "perf.data")
