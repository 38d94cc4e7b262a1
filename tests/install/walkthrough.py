"""A document whose commands are run and whose output is compared: blocks marked `console`, in which `$ ` begins a command.

What is shown of a command's output must be in its output, in that order; a line `...` stands for others. Numbers, and the
units that go with their size, may differ: they are those of another host. The output of `shadowwalk verify` is the same
on every host, except for its times: it must be shown in full, with its numbers."""

import re
import subprocess

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "@@ command "


def steps_of(text):
    """[(command, [lines shown of its output])]; a command goes on in lines that begin with `> `."""
    steps = []
    for block in _BLOCK.findall(text):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append([line[2:], []])
            elif line.startswith("> "):
                steps[-1][0] += "\n" + line[2:]
            else:
                steps[-1][1].append(line)
    return [tuple(step) for step in steps]


def _typed(command):
    """The command, or, for a cell, as often as other load of the host ends it before its first walks."""
    if not command.startswith("shadowwalk cell "):
        return command
    return (f"for __try in $(seq 10); do __said=$( {{ {command}\n}} 2>&1 ); __code=$?\n"
            "[[ $__said == *'no burst of walks'* ]] || break; done; echo \"$__said\"; (exit $__code)")


def run_steps(steps, folder, environment):
    """[(exit code, output)] of the commands, in one shell, as a reader types them. Both streams are one, as on a terminal."""
    script = "".join(f"{_typed(command)}\n__code=$?; echo; echo '{_MARK}'$__code\n" for command, _ in steps)
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=550, check=False)
    parts = re.split(rf"\n{_MARK}(\d+)\n", done.stdout)
    return [(int(code), output) for output, code in zip(parts[0::2], parts[1::2])]


def shape(line):
    """A line without what may differ from host to host and from run to run."""
    line = re.sub(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{16}\b", "HASH", line)
    line = re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "N", line)
    line = re.sub(r"\bN ?(ns|us|ms|s|min)\b", "N T", line)
    line = re.sub(r"\bN ?([KMG]i?)?B\b", "N B", line)
    line = re.sub(r"\bN ?[kMG]?/s\b", "N /s", line)
    return re.sub(r"-{5,}", "-----", re.sub(r"\s+", " ", line)).strip()


def first_missing(shown, output):
    """The first line that is shown and not there; None if all are, in order."""
    said = iter([shape(line) for line in output.splitlines()])
    return next((line for line in shown if line.strip() not in ("", "...") and shape(line) not in said), None)


def exact(text):
    """The lines of what `verify` prints, without times."""
    return [re.sub(r"\b\d+\.\d\d s\b", "N s", line) for line in text.splitlines() if line.strip()]
