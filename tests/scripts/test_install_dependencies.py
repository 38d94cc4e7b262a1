"""scripts/install-dependencies against stand-ins for dpkg-query, apt-get, id and sudo: what it would install."""

import re
import subprocess

import pytest

APT_OPTIONS = "-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq"


@pytest.fixture
def system(commands, tmp_path):
    """A Debian system on which everything but `missing` is installed."""
    missing = tmp_path / "missing"
    missing.write_text("")
    commands.borrow("bash", "cat", "env")
    commands.add("dpkg-query",
                 f'missing=$(<"{missing}"); [[ " $missing " == *" ${{@: -1}} "* ]] && exit 1; echo installed')
    commands.add("apt-get")
    commands.add("id", "echo 0")
    commands.missing = missing
    return commands


def install(project, commands, *arguments):
    return subprocess.run([project / "scripts" / "install-dependencies", *arguments], capture_output=True, text=True,
                          env={"PATH": str(commands.folder)}, stdin=subprocess.DEVNULL)


def test_nothing_missing_calls_no_apt(project, system):
    done = install(project, system)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert system.calls("apt-get") == []
    asked = {call.split()[-1] for call in system.calls("dpkg-query")}
    assert {"g++", "liburcu-dev", "python3-matplotlib", "chromium"} <= asked


def test_exactly_what_is_missing_is_installed(project, system):
    system.missing.write_text("liburcu-dev python3-jinja2 vim")
    done = install(project, system)
    assert done.returncode == 0
    assert system.calls("apt-get") == [
        f"{APT_OPTIONS} update", f"{APT_OPTIONS} install --yes --no-install-recommends liburcu-dev python3-jinja2"]


def test_a_package_of_two_groups_is_installed_once(project, system):
    system.missing.write_text("python3")
    install(project, system)
    assert system.calls("apt-get")[-1].split()[-2:] == ["--no-install-recommends", "python3"]


def test_only_the_chosen_groups_are_looked_at(project, system):
    system.missing.write_text("chromium python3-scipy g++")
    done = install(project, system, "report", "--print")
    assert (done.returncode, done.stdout) == (0, "python3-scipy\n")
    assert system.calls("apt-get") == []


def test_every_group_that_the_usage_lists_can_be_chosen_alone(project, system):
    groups = re.findall(r"\[([a-z]+)\]", install(project, system, "--help").stdout)
    assert groups == ["build", "peers", "report", "test", "vm"]
    system.add("dpkg-query", "echo config-files")  # everything is missing
    missing = {group: install(project, system, group, "--print").stdout.split() for group in groups}
    assert all(missing.values())
    assert missing["peers"] == ["libcds-dev", "libxenium-dev", "libck-dev"]
    assert {package for of_group in missing.values() for package in of_group} == set(
        install(project, system, "--print").stdout.split())


def test_a_removed_package_with_its_configuration_left_is_missing(project, system):
    system.add("dpkg-query", "echo config-files")
    assert "g++\n" in install(project, system, "--print").stdout


def test_not_root_uses_sudo_where_it_asks_for_no_password(project, system):
    system.missing.write_text("cmake")
    system.add("id", "echo 1000")
    system.add("sudo", '[[ "$1" != -n ]] || shift; exec "$@"')
    system.borrow("true")
    assert install(project, system).returncode == 0
    assert [call.split()[-1] for call in system.calls("sudo")] == ["true", "update", "cmake"]
    assert len(system.calls("apt-get")) == 2


@pytest.mark.parametrize("sudo", [None, "exit 1"])
def test_neither_root_nor_sudo_is_one_line(project, system, sudo):
    system.missing.write_text("cmake fmt")
    system.add("id", "echo 1000")
    if sudo:
        system.add("sudo", sudo)
    done = install(project, system)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("install-dependencies: needs root (or sudo); as root, run: apt-get install "
                           "--no-install-recommends cmake\n")
    assert system.calls("apt-get") == []


def test_no_apt_is_one_line_that_names_the_packages(project, system):
    (system.folder / "apt-get").unlink()
    done = install(project, system, "report")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "apt-get is not there" in done.stderr and done.stderr.endswith("python3-scipy python3-jinja2\n")


@pytest.mark.parametrize("verb, said", [("update", "apt-get update failed"), ("install", "could not install cmake")])
def test_a_failure_of_apt_is_a_failure(project, system, verb, said):
    system.missing.write_text("cmake")
    system.add("apt-get", f'[[ "$*" != *" {verb}"* ]]')
    done = install(project, system)
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize("word", ["reports", "build peers", ""])
def test_an_unknown_group_is_bad_input(project, system, word):
    done = install(project, system, word)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"install-dependencies: '{word}' is no group; there are: build peers report test vm\n"


def test_without_qemu_the_rest_is_installed_and_a_line_says_so(project, system):
    system.missing.write_text("liburcu-dev qemu-system-x86")
    system.add("apt-get", '[[ "$*" != *qemu* ]]')
    done = install(project, system)
    assert done.returncode == 0
    assert "apt-get could not install qemu-system-x86: no kernel can be booted" in done.stderr
    assert system.calls("apt-get")[1].split()[-1] == "liburcu-dev"
