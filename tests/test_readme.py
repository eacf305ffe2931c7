"""Every example of the README runs, and prints what stands there."""

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from multiweight.models import ResNet50_Weights
from tests.published import publish, random_state

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
PYTHON = [
    (code, BLOCKS[number + 1][1] if number + 1 < len(BLOCKS) and BLOCKS[number + 1][0] == "text" else None)
    for number, (language, code) in enumerate(BLOCKS)
    if language == "python"
]
CONSOLE = [
    tuple(session.split("\n", 1)) for _, text in BLOCKS if _ == "console" for session in text.split("$ ") if session
]


@pytest.fixture(scope="module")
def states():
    return {entry: random_state(entry) for entry in ResNet50_Weights if not entry.architecture}


@pytest.fixture
def place(states, tmp_path, monkeypatch):
    """The repository's examples and a photo in a folder of their own, and a cache with what the README loads."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("MULTIWEIGHT_OFFLINE", "1")
    publish(states, monkeypatch)
    for folder in ("examples/digits", "examples/pages"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((500, 375)).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("code", "printed"), PYTHON, ids=lambda value: (value or "nothing").splitlines()[0])
def test_python(place, code, printed):
    torch.manual_seed(0)
    output = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(output):
        warnings.simplefilter("always")
        exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    said = [warning for warning in caught if issubclass(warning.category, UserWarning)]
    lines = {warning.lineno for warning in said}
    assert lines == {number for number, line in enumerate(code.splitlines(), 1) if "# UserWarning" in line}
    if printed is not None:
        assert output.getvalue() == printed


@pytest.mark.parametrize(("command", "printed"), CONSOLE, ids=[command for command, _ in CONSOLE])
def test_console(place, command, printed):
    arguments = shlex.split(command)
    assert arguments[0] == "multiweight"
    ran = subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=120, env={**os.environ}, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.rstrip() == printed.rstrip()


def test_there_is_something_to_test():
    assert len(PYTHON) >= 4
    assert len(CONSOLE) >= 3


def test_the_files_that_it_names_are_there():
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_figures_about_the_catalogue_are_true():
    from multiweight.catalogue import list_models, weights_enums

    row = next(line for line in README.splitlines() if line.startswith("| networks |"))
    assert f"{len(list_models())} variants" in row
    row = next(line for line in README.splitlines() if line.startswith("| published weights |"))
    assert f"| {sum(len(enum) for enum in weights_enums().values())} " in row
