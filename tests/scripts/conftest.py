import pathlib

import pytest


@pytest.fixture(scope="session")
def project():
    return pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def commands(tmp_path):
    """A PATH of our own: add(name, script) puts a command there; each call of one is noted in `commands.log`."""
    return Commands(tmp_path)


class Commands:
    def __init__(self, folder):
        self.folder = folder / "bin"
        self.folder.mkdir()
        self._log = folder / "log"

    def add(self, name, script="exit 0"):
        file = self.folder / name
        file.write_text(f'#!/bin/bash\necho "{name} $*" >>"{self._log}"\n{script}\n')
        file.chmod(0o755)

    def borrow(self, *names):
        """The real commands of these names."""
        for name in names:
            (self.folder / name).symlink_to(pathlib.Path("/usr/bin") / name)

    def calls(self, name):
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [line[len(name) + 1:] for line in lines if line.split()[0] == name]
