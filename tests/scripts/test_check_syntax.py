"""scripts/check-syntax: it checks the sources without an object, reports what the compiler says, and writes nothing."""

import json
import pathlib
import subprocess

import pytest

CHECK_SYNTAX = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-syntax"


@pytest.fixture
def build(tmp_path):
    """Builds a folder with compile_commands.json for the given {file: text}."""
    def make(sources, flags=""):
        entries = []
        for name, text in sources.items():
            (tmp_path / name).write_text(text)
            entries.append({"directory": str(tmp_path), "file": str(tmp_path / name),
                            "command": f"g++ {flags} -o {name}.o -c {tmp_path / name}"})
        (tmp_path / "compile_commands.json").write_text(json.dumps(entries))
        return tmp_path
    return make


def check(build):
    done = subprocess.run([CHECK_SYNTAX, build], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_an_error_fails_and_is_shown_with_its_source(build):
    status, out, _ = check(build({"good.cpp": "int one = 1;\n", "bad.cpp": "int two = nothing;\n"}))
    assert status == 1
    assert "bad.cpp" in out and "nothing" in out
    assert out.endswith("scripts/check-syntax: 2 sources checked, 1 failed\n")


def test_a_warning_that_is_an_error_fails(build):
    assert check(build({"unused.cpp": "int f() { int one; return 1; }\n"}, "-Wall -Werror"))[0] == 1


def test_what_the_build_has_compiled_is_not_checked_again(build):
    folder = build({"bad.cpp": "int two = nothing;\n"})
    (folder / "bad.cpp.o").touch()
    assert check(folder) == (0, "scripts/check-syntax: 0 sources checked, 0 failed\n", "")


def test_it_leaves_no_object(build):
    folder = build({"good.cpp": "int one = 1;\n"})
    assert check(folder)[0] == 0
    assert {path.name for path in folder.iterdir()} == {"good.cpp", "compile_commands.json"}


def test_a_build_that_is_not_configured_is_one_line_and_2(tmp_path):
    status, out, error = check(tmp_path)
    assert (status, out) == (2, "")
    assert error.startswith("scripts/check-syntax: ") and error.count("\n") == 1
