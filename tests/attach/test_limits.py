"""What `ps`, `top`, `attach` and `list` do where little is allowed: one line and exit code 2, or their work; they never hang,
and a live run stays listed."""

import json
import os
import resource
import subprocess

import pytest

from small_cell import long_cell

LOOKING = [("ps",), ("ps", "--json"), ("top", "--frames", "2", "--interval", "100ms"), ("top", "--json", "--frames", "1")]
ATTACHING = [("attach", "--what", "cpu", "--for", "1ms")]
LISTING = [("list", "variants"), ("list", "events", "default")]


@pytest.fixture
def limited(command, tmp_path):
    """limited(arguments, limit, most) -> CompletedProcess."""
    def run(arguments, limit, most, **options):
        return subprocess.run([command, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
                              preexec_fn=lambda: resource.setrlimit(limit, (most, most)), **options)
    return run


def is_clear(done, codes=(0, 2)):
    """It worked, or said in one line why not."""
    assert done.returncode in codes, (done.returncode, done.stderr)
    if done.returncode != 0:
        notices = (": perf record ", "no PMU here", "user space only")
        said = [line for line in done.stderr.splitlines() if not any(notice in line for notice in notices)]
        assert len(said) == 1 and said[0].startswith("shadowwalk: "), done.stderr


def is_listed(command, cell):
    done = subprocess.run([command, "ps", "--json"], capture_output=True, check=True, timeout=60)
    return any(run["pid"] == cell.pid for run in json.loads(done.stdout))


@pytest.mark.parametrize("arguments", [*LOOKING, *ATTACHING, *LISTING])
def test_few_descriptors(start, command, limited, software_perf, arguments):
    cell = start("--variant", "leak")
    cell.until("measure")
    for most in (4, 5, 6, 8, 12, 24):
        is_clear(limited(arguments, resource.RLIMIT_NOFILE, most), codes=(0, 1, 2) if "attach" in arguments else (0, 2))
        assert is_listed(command, cell), f"{most} descriptors took the entry of a live cell away"


@pytest.mark.parametrize("arguments", [*LOOKING, *ATTACHING, *LISTING])
def test_no_file_may_grow(start, command, limited, software_perf, arguments):
    cell = start("--variant", "leak")
    cell.until("measure")
    is_clear(limited(arguments, resource.RLIMIT_FSIZE, 0))
    assert is_listed(command, cell)


@pytest.mark.parametrize("spare", [0, 1, 2, 3])
def test_no_process_can_be_made(command, software_perf, runtime, tmp_path, spare):
    """A limit on the processes and threads of a user, which does not count for root."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    user = 54321  # who has none
    home = subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip()
    os.chown(home, user, user)
    environment = {**os.environ, "XDG_RUNTIME_DIR": home}

    def become(most):
        def set_up():
            os.setgid(user)
            os.setuid(user)
            resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
        return set_up
    try:
        if subprocess.run([command, "--version"], preexec_fn=become(10), capture_output=True, check=False).returncode != 0:
            pytest.skip("another user may not run the executable where it stands")
        options = ("--variant", "leak", *long_cell(), "--placement", "none")
        with subprocess.Popen([command, "cell", *options], cwd=home, env=environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, preexec_fn=become(10)) as cell:
            while not os.path.isdir(f"{home}/shadowwalk") or not os.listdir(f"{home}/shadowwalk"):
                assert cell.poll() is None
            threads = len(os.listdir(f"/proc/{cell.pid}/task"))
            for arguments in (*LOOKING, *ATTACHING, *LISTING):
                done = subprocess.run([command, *arguments], cwd=home, env=environment, capture_output=True, text=True,
                                      timeout=100, check=False, preexec_fn=become(threads + 1 + spare))
                is_clear(done, codes=(0, 1, 2) if "attach" in arguments else (0,))
            cell.kill()
    finally:
        subprocess.run(["rm", "-r", home], check=True)


@pytest.mark.parametrize("kind, says", [("file", "Not a directory"), ("link", "Not a directory"),
                                        ("of another", "belongs to user"), ("relative", "no absolute path"),
                                        ("long", "File name too long")])
@pytest.mark.parametrize("arguments", [("ps",), ("top",), ("attach", "--what", "cpu")])
def test_a_runtime_directory_that_cannot_be(command, tmp_path, kind, says, arguments):
    (tmp_path / "file").touch()
    (tmp_path / "of another" / "shadowwalk").mkdir(parents=True, mode=0o700)
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "shadowwalk").symlink_to(tmp_path / "of another" / "shadowwalk")
    if kind == "of another":
        if os.geteuid() != 0:
            pytest.skip("only root can make another user's directory")
        os.chown(tmp_path / kind / "shadowwalk", 65534, 65534)
    path = {"relative": "relative", "long": "/" + "x" * 5000}.get(kind, str(tmp_path / kind))
    done = subprocess.run([command, *arguments], env={**os.environ, "XDG_RUNTIME_DIR": path}, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1 and says in done.stderr, done.stderr


@pytest.mark.parametrize("variable", ["HOME", "TMPDIR"])
def test_a_place_that_is_missing(start, attach, software_perf, variable, tmp_path):
    cell = start("--variant", "leak")
    cell.until("measure")
    done = attach("--what", "cpu", "--for", "1ms", environment={variable: str(tmp_path / "none")})
    assert done.returncode == 0, done.stderr
