"""`compare` on what `run` and `cell` really wrote. No verdict is asserted: it would hang on the host's timing."""

import json


def why_not_measured(directory):
    """The reasons that results give for having no walk_ns_mean: a vCPU that others kept off its CPU has no walks."""
    for file in directory.glob("*/cells/**/*.json"):
        for entry in json.loads(file.read_text(encoding="utf-8")).get("benchmarks", []):
            if "walk_ns_mean" in entry["shadowwalk"]["unavailable"]:
                yield entry["shadowwalk"]["unavailable"]["walk_ns_mean"]


def test_two_runs_of_one_matrix_share_all_their_cells(shadowwalk, matrix, tmp_path):
    for name in ("base", "new"):
        assert shadowwalk("run", matrix, "--out", name, "--repetitions", "4").returncode == 0
    done = shadowwalk("compare", "base", "new", "--json", "found.json", "--all")
    if done.returncode == 2:  # a host so busy that nothing is quiet
        assert "all results are noisy" in done.stderr
        return
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Same host, build and lab version.\n")
    found = json.loads((tmp_path / "found.json").read_text())
    rows = found["compared"] + found["not_compared"]
    assert {row["name"].split("/")[0] for row in rows} == {"leak", "hazard", "irq-ipi", "rcu-counter"}
    reasons = {row["reason"].rpartition(" of base: ")[2].rpartition(" of new: ")[2] for row in found["not_compared"]}
    assert reasons <= {"all results are noisy or perturbed", "saturated, so that it grows with the length of the run",
                       *why_not_measured(tmp_path)}
    assert all(1 <= len(row["base"]) <= 4 for row in found["compared"])
    gated = shadowwalk("compare", "base", "new", "--fail-on", "slower:5%,missing")
    assert gated.returncode == (1 if "FAILED" in gated.stdout else 3 if "NOT JUDGED" in gated.stdout else 0)


def test_two_results_of_one_cell(shadowwalk):
    cell = ("cell", "--variant", "leak", "--workload", "mmio-poll", "--guest", "thread", "--zappers", "0", "--duration",
            "150ms", "--warmup", "0", "--benchmark_repetitions=4", "--json")
    for name in ("base.json", "new.json"):
        done = shadowwalk(*cell, name)
        assert done.returncode == 0, done.stderr
    done = shadowwalk("compare", "base.json", "new.json")
    assert (done.returncode == 0 and "walk_ns_mean: 1 " in done.stdout) or "all results are noisy" in done.stderr, done
