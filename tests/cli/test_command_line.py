"""What holds for every verb's command line: help, suggestions, repeated options, commands that can be pasted."""

import json
import re
import shlex

import pytest

VERBS = ("run", "report", "plot", "compare", "cell", "ps", "top", "attach", "verify", "project", "list", "doctor", "import", "record")
CELL = ("cell", "--variant", "leak", "--workload", "mmio-poll", "--guest", "thread", "--duration", "150ms", "--warmup", "0",
        "--working-set", 64)


def own_workload(shadowwalk):
    """The text of a workload that does not ship."""
    return json.loads(shadowwalk("list", "workloads", "--json").stdout)[0]["toml"].replace('"mmio-poll"', '"db"')


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb(shadowwalk, verb):
    done = shadowwalk(verb, "--help")
    assert done.returncode == 0 and done.stderr == "" and f"shadowwalk {verb}" in done.stdout
    assert shadowwalk("help", verb).stdout == done.stdout


def test_help_of_all(shadowwalk):
    done = shadowwalk("help")
    assert done.returncode == 0 and done.stdout == shadowwalk("--help").stdout
    assert all(f"\n  {verb} " in done.stdout for verb in VERBS)
    assert shadowwalk("help", "list", "variants").stdout == shadowwalk("list", "variants", "--help").stdout


def test_help_of_no_verb(refused):
    assert "unknown verb 'rnu', did you mean 'run'?" in refused("help", "rnu")


def test_version(shadowwalk):
    assert shadowwalk("-V").stdout == shadowwalk("--version").stdout


@pytest.mark.parametrize("arguments, suggestion", [
    (("repport", "x"), "unknown verb 'repport', did you mean 'report'?"),
    (("--hlep",), "unknown option '--hlep', did you mean '--help'?"),
    (("list", "variant"), "list: unknown 'variant', did you mean 'variants'?"),
    (("cell", "--varient", "leak", "--workload", "mix"), "cell: unknown option '--varient', did you mean '--variant'?"),
    ((*CELL, "--zaprate=5"), "cell: unknown option '--zaprate', did you mean '--zap-rate'?"),
    ((*CELL, "sheep"), "cell: unexpected argument 'sheep'"),
    (("run", "--ouT", "x"), "run: unknown option '--ouT', did you mean '--out'?"),
    (("run", "ful", "--out", "x"), "run: unknown matrix 'ful', did you mean 'full'?"),
    (("verify", "--variant", "leak", "--walker", 1), "verify: unknown option '--walker', did you mean '--walkers'?"),
    (("project", "--variants", "leak", "--zapers", 1), "project: unknown option '--zapers', did you mean '--zappers'?"),
    (("doctor", "--jsn"), "doctor: unknown option '--jsn', did you mean '--json'?"),
])
def test_what_is_misspelt_gets_a_suggestion(refused, arguments, suggestion):
    message = refused(*arguments)
    assert suggestion in message and (" try 'shadowwalk" in message or "or give a file" in message)


def test_a_repeated_option_takes_the_last_value(shadowwalk):
    done = shadowwalk(*CELL, "--vcpus", 2, "--vcpus", 1, "--json", "first.json", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["benchmarks"][0]["shadowwalk"]["cell"]["vcpus"] == 1


def test_a_summary_leaves_out_what_is_the_clocks_own(shadowwalk, tmp_path):
    done = shadowwalk(*CELL, "--json", "result.json")
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    cost, entry = float(document["context"]["clock_read_ns"]), document["benchmarks"][0]
    absent = set(re.findall(r"\w+", "".join(line for line in done.stdout.splitlines() if "the clock itself" in line)))
    for figure in ("walk_ns", "section_ns"):
        shown = re.search(rf"{figure} (p\d+ .*?)(  |$)", done.stdout, re.MULTILINE)
        quantiles = set(re.findall(r"(p\d+) ", shown[1])) if shown else set()
        names = [name for name in entry if name.startswith(f"{figure}_p")]
        assert names, entry
        for name in names:
            assert (name in absent) == (name.removeprefix(f"{figure}_") not in quantiles), done.stdout
            if abs(2 * cost - entry[name]) >= 0.2:  # the context rounds it
                assert (name in absent) == (2 * cost > entry[name]), (done.stdout, cost)


@pytest.mark.parametrize("verb, options", [("cell", ("--variant", "--workload")), ("run", ("--out",)),
                                           ("attach", ("--what",)), ("project", ("--variants",))])
def test_required_options_are_marked(shadowwalk, verb, options):
    lines = shadowwalk(verb, "--help").stdout.splitlines()
    for option in options:
        assert any(option in line and "REQUIRED" in line for line in lines), option


def test_the_command_that_runs_a_cell_again_can_be_pasted(shadowwalk, tmp_path):
    (tmp_path / "it's mine.toml").write_text(own_workload(shadowwalk))
    cell = [word if word != "mmio-poll" else "./it's mine.toml" for word in CELL]
    done = shadowwalk(*cell, "--json", "-")
    assert done.returncode == 0, done.stderr
    words = shlex.split(json.loads(done.stdout)["benchmarks"][0]["shadowwalk"]["command"])
    assert words[:2] == ["shadowwalk", "cell"] and "./it's mine.toml" in words
    again = shadowwalk(*words[1:], "--json", "-")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("arguments, option", [
    ((*CELL, "--json", "no/x.json"), "--json"), ((*CELL, "--trace", "no/x.json"), "--trace"),
    (("project", "--variants", "leak", "--rounds", 0, "--json", "no/x.json"), "--json"),
    (("project", "--variants", "leak", "--rounds", 0, "--write-topology", "no/x.toml"), "--write-topology"),
    (("verify", "--variant", "leak", "--json", "no/x.json"), "--json"),
    (("verify", "--variant", "leak", "--save", "no/x.json"), "--save")])
def test_a_missing_folder_has_a_remedy_that_exists(refused, arguments, option):
    message = refused(*arguments)
    assert f"{option}: cannot write no/x." in message and "is no folder; make it first, or give another file" in message
    assert "--out" not in message


def test_matrices_that_ship_are_found_by_name(shadowwalk, tmp_path):
    for number, name in enumerate(("shelf", "matrices/shelf.toml")):
        done = shadowwalk("run", name, "--out", f"out{number}", "--filter", "no cell is called that")
        assert done.returncode == 2 and "matches no cell; their names look like" in done.stderr


def test_a_matrix_finds_its_workload_beside_it(shadowwalk, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "db.toml").write_text(own_workload(shadowwalk))
    (tmp_path / "mine" / "m.toml").write_text(
        '[[group]]\nname = "g"\nvariant = "leak"\nworkload = "./db.toml"\nguest = "thread"\nzappers = 0\n'
        'duration = "150ms"\nwarmup = "0"\nworking-set = 64\n')
    done = shadowwalk("run", "mine/m.toml", "--out", "out", "--repetitions", 1)
    assert done.returncode == 0, done
    (name,) = (cell["name"] for cell in json.loads((tmp_path / "out" / "run.json").read_text())["cells"])
    assert name.startswith("leak/db/vcpus:1/")


def test_keys_of_lists_are_words(shadowwalk):
    for what in ("variants", "workloads"):
        for entry in json.loads(shadowwalk("list", what, "--json").stdout):
            assert all(re.fullmatch("[a-z_]+", key) for key in entry), entry
    assert "  read side    " in shadowwalk("list", "variants").stdout


def test_python_verbs_get_all_their_arguments(shadowwalk, tmp_path):
    """No option of report, plot and compare is known to the command itself: a package that prints its arguments shows them."""
    for module in ("", "plot", "compare"):
        folder = tmp_path / "shadowwalk_report" / module
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "__main__.py").write_text("import sys; print(sys.argv[1:])")
    for verb in ("report", "plot", "compare"):
        given = ["--with-perturbed", "--none-such=1", "-h", "--", "--plugin", "cell", "it's"]
        done = shadowwalk(verb, *given, env={"SHADOWWALK_REPORTS": str(tmp_path)})
        assert done.returncode == 0 and done.stdout == f"{given}\n", done.stderr
