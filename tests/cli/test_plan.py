"""What `shadowwalk run` makes of a matrix on a host, and how to see it beforehand."""

import json
import os

import pytest

TIMES = 'duration = "5ms"\nwarmup = "0"\nworking-set = 64\n'
# hwloc's words for machines that are not there.
EIGHT_CORES = {"HWLOC_SYNTHETIC": "package:1 l3:1 core:8 pu:1"}
TWO_SOCKETS = {"HWLOC_SYNTHETIC": "package:2 l3:8 core:8 pu:2"}


def group(name, more, repetitions=1):
    return f'repetitions = {repetitions}\n[[group]]\nname = "{name}"\nworkload = "mmio-poll"\n{TIMES}{more}\n'


@pytest.fixture
def dry_run(shadowwalk, tmp_path):
    """dry_run(matrix's text, arguments..., host=) -> CompletedProcess; checks that no file is left."""
    def run(text, *arguments, host=None):
        (tmp_path / "m.toml").write_text(text)
        before = sorted(tmp_path.rglob("*"))
        done = shadowwalk("run", "m.toml", "--dry-run", *arguments, env=os.environ | (host or {}))
        assert sorted(tmp_path.rglob("*")) == before
        return done
    return run


def vcpus_in(done):
    assert done.returncode == 0, done.stderr
    return [int(line.split("/vcpus:")[1].split("/")[0]) for line in done.stdout.splitlines() if "/vcpus:" in line]


def test_a_dry_run_says_what_would_be_measured(dry_run):
    done = dry_run('title = "mine"\n' + group("walks", 'variant = ["leak", "hazard"]\nguest = "thread"\nzappers = 0\nvcpus = [1, 2]',
                                             repetitions=4))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("mine: 4 cells x 4 repetitions, about ")
    assert "walks: 4 cells x 4 repetitions, about " in done.stdout
    assert vcpus_in(done) == [1, 2, 1, 2]
    assert "  hazard/mmio-poll/vcpus:2/zappers:0/zap_rate:1000/burst:1024/guest:thread/placement:auto" in lines


def test_a_dry_run_takes_the_options_of_a_run(dry_run):
    text = group("g", 'variant = ["leak", "hazard"]\nguest = "thread"')
    done = dry_run(text, "--filter", "^hazard/", "--repetitions", 3)
    assert done.stdout.splitlines()[0].startswith("m.toml: 1 cells x 3 repetitions")
    assert dry_run(text, "--out", "out").returncode == 0


@pytest.mark.parametrize("arguments, says", [
    (("--dry-run", "--resume", "--out", "out"), "--dry-run shows what a new run would measure; leave --resume"),
    (("--dry-run", "--retry-failed"), "--dry-run shows what a new run would measure; leave --resume"),
    (("--dry-run", "--filter", "no cell is called that"), "matches no cell"),
    (("no-such", "--dry-run"), "unknown matrix 'no-such'"),
    (("./no.toml", "--dry-run"), "No such file"),
    (("quick",), "--out is required"),
])
def test_what_cannot_be_planned(refused, arguments, says):
    assert says in refused("run", *arguments)


@pytest.mark.parametrize("host, scale, more, numbers", [
    (EIGHT_CORES, "scale", "", [1, 2, 4, 6]), (EIGHT_CORES, "scale", "zappers = 0", [1, 2, 4, 8]),
    (TWO_SOCKETS, "scale", "", [1, 2, 4, 8, 62, 126]), (TWO_SOCKETS, "scale:1,max", "", [1, 126]),
    (TWO_SOCKETS, "scale:socket,3", "zappers = 3", [3, 60])])
def test_the_host_decides_how_many_vcpus(dry_run, host, scale, more, numbers):
    assert vcpus_in(dry_run(group("g", f'variant = "leak"\nvcpus = "{scale}"\n{more}'), host=host)) == numbers


def test_numbers_of_this_host_are_recorded_and_resumed(shadowwalk, refused, tmp_path):
    (tmp_path / "m.toml").write_text(group("g", 'variant = "leak"\nguest = "thread"\nzappers = 0\nvcpus = "scale:1,max"'))
    done = shadowwalk("run", "m.toml", "--out", "out")
    assert done.returncode == 0, done
    plan = json.loads((tmp_path / "out" / "run.json").read_text())
    numbers = [cell["options"]["vcpus"] for cell in plan["cells"]]
    (room,) = plan["scale"].pop("rooms")
    assert plan["scale"] == {"vcpus": numbers, "reserved": 0} and numbers[0] == 1
    assert room["placement"] == "auto" and room["reserved"] == 0 and room["max"] == numbers[-1]
    assert shadowwalk("run", "--resume", "--out", "out").returncode == 0
    elsewhere = os.environ | {"HWLOC_SYNTHETIC": "package:3 core:7 pu:1"}
    message = refused("run", "--resume", "--out", "out", env=elsewhere)
    assert "this one for 21 vCPUs" in message
    assert "cannot resume out" in refused("run", "m.toml", "--resume", "--out", "out", env=elsewhere)


def test_a_family_of_variants(dry_run, shadowwalk):
    listed = json.loads(shadowwalk("list", "variants", "--json").stdout)
    epochs = [entry["name"] for entry in listed if entry["family"] == "epochs" and entry["available"]]
    done = dry_run(group("g", 'variant = "epochs"'))
    assert [line.split("/")[0].strip() for line in done.stdout.splitlines() if "/vcpus:" in line] == epochs
    safe = [entry["name"] for entry in listed if entry["safe"] and entry["available"] and not entry["reference"]]
    done = dry_run(group("g", 'variant = "all"\nzappers = 0'))
    assert [line.split("/")[0].strip() for line in done.stdout.splitlines() if "/vcpus:" in line] == safe
    done = dry_run(group("g", 'variant = "all"'))
    assert "floor/" not in done.stdout and "group g leaves out 1 cell: variant 'floor' cannot zap" in done.stderr


def test_variants_by_a_word_are_of_matrices(refused):
    assert "unknown variant 'all'" in refused("cell", "--variant", "all", "--workload", "mmio-poll")


def test_the_guest_is_decided_with_the_plan(dry_run, shadowwalk, tmp_path):
    done = dry_run(group("g", 'variant = "leak"'))
    assert "guest:auto" not in done.stdout and ("guest:thread" in done.stdout or "guest:kvm" in done.stdout)
    shadowwalk("run", "m.toml", "--out", "out", "--repetitions", 1)
    (cell,) = json.loads((tmp_path / "out" / "run.json").read_text())["cells"]
    assert cell["options"]["guest"] in ("kvm", "thread")


def test_shipped_matrices_are_listed(shadowwalk):
    listed = {entry["name"]: entry for entry in json.loads(shadowwalk("list", "matrices", "--json").stdout)}
    assert {"quick", "full", "workloads", "shelf"} <= set(listed)
    for entry in listed.values():
        assert entry["title"] and entry["cells"] > 0 and entry["repetitions"] >= 1
        assert entry["estimated_s"] >= entry["cells"] * entry["repetitions"] * 0.1
    text = shadowwalk("list", "matrices").stdout
    assert f"quick: {listed['quick']['title']}\n" in text and "  takes        about " in text
    dry = shadowwalk("run", "quick", "--dry-run").stdout.splitlines()[0]
    assert dry == f"{listed['quick']['title']}: {listed['quick']['measures']}, {listed['quick']['takes']}"


def test_a_folder_does_not_hide_a_matrix_of_its_name(shadowwalk, tmp_path):
    (tmp_path / "full").mkdir()
    assert shadowwalk("run", "full", "--dry-run").returncode == 0
