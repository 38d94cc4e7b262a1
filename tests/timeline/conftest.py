"""Runs the real `shadowwalk`, whose path CTest passes in SHADOWWALK."""

import os
import pathlib

import pytest


@pytest.fixture(scope="session")
def command():
    return str(pathlib.Path(os.environ["SHADOWWALK"]).resolve())
