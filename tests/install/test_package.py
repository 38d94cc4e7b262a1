"""`cmake --install` into an empty prefix: the command works there, and a project of somebody else builds against it."""

import json
import os
import pathlib
import re
import subprocess

import pytest

BUILD = pathlib.Path(os.environ["SHADOWWALK_BUILD"])
CMAKE = os.environ["SHADOWWALK_CMAKE"]
SOURCE = pathlib.Path(__file__).resolve().parents[2]
EXTERNAL = pathlib.Path(__file__).resolve().parent / "external"


def run(*command, status=0, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == status, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    run(CMAKE, "--install", BUILD, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module")
def command(prefix):
    return prefix / "bin" / "shadowwalk"


@pytest.fixture(scope="module")
def external(prefix, tmp_path_factory):
    """The folder in which the external project is built."""
    build = tmp_path_factory.mktemp("external")
    run(CMAKE, "-S", EXTERNAL, "-B", build, "-G", "Ninja", "-D", f"CMAKE_PREFIX_PATH={prefix}",
        "-D", "CMAKE_BUILD_TYPE=Release", "-D", "CMAKE_EXPORT_COMPILE_COMMANDS=ON")
    run(CMAKE, "--build", build)
    return build


def check_entry(result):
    """A cell that ran to its end. On a busy machine a window of 100 ms may pass without one walk."""
    (entry,) = result["benchmarks"]
    assert "error_occurred" not in entry
    assert entry["pages_freed_total"] > 0
    assert entry["violations"] == 0


def test_every_public_header_is_installed(prefix):
    sources = {file.relative_to(SOURCE) for room in ("harness", "variants", "workloads")
               for file in (SOURCE / room).rglob("*.hpp")}
    folder = prefix / "include" / "shadowwalk"
    assert sources and {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()} == sources


def test_no_installed_package_file_names_the_source_or_the_build(prefix):
    files = [file for file in prefix.rglob("*.cmake")]
    assert files
    for file in files:
        text = file.read_text()
        assert str(SOURCE) not in text and str(BUILD) not in text, file


def test_dkms_has_the_version_of_the_project(command, prefix):
    (version,) = re.findall(r'^PACKAGE_VERSION="(.*)"$', (prefix / "share/shadowwalk/dkms.conf").read_text(), re.MULTILINE)
    assert run(command, "--version").stdout.split()[1] == version


def bzimage_of(release):
    """What tells a kernel's image and its release (Documentation/arch/x86/boot.rst)."""
    image = bytearray(0x400)
    image[0x202:0x206] = b"HdrS"
    image[0x20e:0x210] = (0x100).to_bytes(2, "little")
    image[0x300:0x300 + len(release)] = release.encode()
    return bytes(image)


def test_the_module_is_built_from_the_prefix(command, prefix, tmp_path):
    (tmp_path / "kernel/include/config").mkdir(parents=True)
    (tmp_path / "kernel/include/config/auto.conf").touch()
    (tmp_path / "kernel/vmlinuz").write_bytes(bzimage_of("6.6.6-test"))
    make = tmp_path / "bin/make"
    make.parent.mkdir()
    make.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\nexit 1\n')
    make.chmod(0o755)
    run(command, "kernel", "build", "--kernel", tmp_path / "kernel", status=2,
        env=os.environ | {"PATH": f"{make.parent}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "cache")})
    words = (tmp_path / "words").read_text().split()
    assert words[:2] == ["-C", str(prefix / "share/shadowwalk/harness/kernel/module")]
    assert f"KDIR={tmp_path}/kernel" in words


def test_the_module_s_sources_are_all_in_the_prefix(prefix, tmp_path):
    """Without a kernel: every file that Kbuild names is there, and whatever it includes of the lab."""
    root = prefix / "share/shadowwalk"
    module = root / "harness/kernel/module"
    run(module / "make-shelf", root / "cmake/Variants.cmake", tmp_path)
    kbuild = (module / "Kbuild").read_text()
    rooms = {"measure": "harness/measure", "lab": "harness/lab", "guest": "harness/guest", "workloads": "workloads/guest"}
    sources = [root / rooms[room] / f"{name}.cpp" for room, name in re.findall(r"\b(\w+)-(\w+)\.o\b", kbuild) if room in rooms]
    assert len(sources) >= 5
    sources += [*module.glob("*.cpp"), *tmp_path.glob("shelf*.cpp")]
    for source in sources:
        depends = run(os.environ["CXX"], "-std=c++20", "-DNDEBUG", "-DSHADOWWALK_NO_PROBES", f"-I{root}", "-M", source).stdout
        files = set(depends.replace("\\\n", " ").split()[1:])
        assert not [file for file in files if not file.startswith(("/usr/", f"{root}/", f"{tmp_path}/"))], source
    for source in module.glob("*.c"):
        for header in re.findall(r'^#include "(.*)"$', source.read_text(), re.MULTILINE):
            assert (root / header).is_file(), (source, header)
    assert {"device.c", "floors.c", "Kbuild", "Makefile", "check-object", "cxx.lds"} <= {file.name for file in module.iterdir()}


def test_version_and_help(command):
    assert run(command, "--version").stdout.startswith("shadowwalk ")
    assert "DIR" in run(command, "report", "--help").stdout


def test_lists_the_variants(command):
    names = {variant["name"] for variant in json.loads(run(command, "list", "variants", "--json").stdout)}
    assert {"rcu-counter", "irq-ipi", "irq-ipi-2012", "hazard", "mutex", "leak", "unsafe"} <= names


def test_a_cell_by_a_thread_guest(command):
    result = json.loads(run(command, "cell", "--variant", "irq-ipi", "--workload", "mmio-poll", "--guest", "thread",
                            "--duration", "100ms", "--warmup", "10ms", "--json", "-").stdout)
    check_entry(result)


def test_the_default_matrix_and_its_report_come_from_the_prefix(command, prefix, tmp_path):
    out = tmp_path / "results"
    run(command, "run", "--out", out, "--repetitions", "1", "--filter", "^read-side/(leak|irq-ipi)/", "--quiet-wait", "0",
        cwd=tmp_path)
    assert json.loads((out / "run.json").read_text())["matrix"]["file"].startswith(str(prefix))
    done = run(command, "report", out, cwd=tmp_path, env=os.environ | {"PYTHONVERBOSE": "1"})
    assert done.stdout.splitlines()[-1] == str(out / "report" / "index.html")
    assert (out / "report" / "index.html").is_file()
    loaded = [line for line in done.stderr.splitlines() if "shadowwalk_report" in line and ".py" in line]
    assert loaded and not any(str(SOURCE) in line for line in loaded)


def test_every_matrix_comes_from_the_prefix(command, prefix, tmp_path):
    for entry in json.loads(run(command, "list", "matrices", "--json", cwd=tmp_path).stdout):
        assert entry["file"].startswith(str(prefix))
        assert entry["title"] in run(command, "run", entry["name"], "--dry-run", cwd=tmp_path).stdout


def test_the_external_project_compiles_against_the_prefix_alone(external, prefix):
    depends = run("ninja", "-C", external, "-t", "deps").stdout
    used = {line.strip() for line in depends.splitlines()}
    assert f"{prefix}/include/shadowwalk/variants/pointers/hazard.hpp" in used
    assert f"{prefix}/include/shadowwalk/harness/lab/registry.hpp" in used
    outside = [line for line in used if line.startswith(str(SOURCE)) and not line.startswith(str(EXTERNAL))]
    assert outside == []
    (compiled,) = json.loads((external / "compile_commands.json").read_text())
    assert str(SOURCE) not in compiled["command"].replace(str(EXTERNAL), "")


def test_a_cell_of_the_external_program(external):
    check_entry(json.loads(run(external / "external").stdout))
