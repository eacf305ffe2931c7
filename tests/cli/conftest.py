"""A runner for the command line, with a cache folder of the test's own."""

import pytest
from click.testing import CliRunner

from multiweight.cli import main


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command line in this process, offline; gives click's result."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("MULTIWEIGHT_OFFLINE", "1")

    def invoke(*arguments, **options):
        return CliRunner().invoke(main, list(arguments), **options)

    return invoke
