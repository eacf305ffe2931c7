"""`train`: from a recipe's name to a weights file, under torchrun too."""

import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from multiweight.cli import main
from multiweight.errors import TrainingStoppedError
from multiweight.train import as_toml, engine
from tests.train.runs import PLAIN, make_pictures


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "plain.toml"
    path.write_text(as_toml(PLAIN))
    return str(path)


def test_trains(run, tmp_path, pictures, recipe):
    torch.set_num_threads(1)
    output = tmp_path / "run"
    arguments = ["train", recipe, "--data", str(pictures), "--output", str(output), "--device", "cpu"]
    settings = ["--set", "epochs=2", "--set", "optimizer.learning_rate=0.1", "--seed", "3"]
    done = run(*arguments, *settings, "--checkpoint-every", "4", "--keep", "2")
    assert done.exit_code == 0, done.output
    best, last = done.stdout.splitlines()
    assert best.startswith(f"{output}/best.safetensors: acc@1 ")
    assert last.startswith(f"{output}/last.safetensors: acc@1 ")
    assert "begins with random tensors, seed 3" in done.stderr
    assert sorted(path.name for path in (output / "checkpoints").iterdir()) == [
        "step_000000008.pt",
        "step_000000012.pt",
    ]
    again = run(*arguments, *settings)
    assert again.exit_code == 1
    assert "holds a run. Go on with it by --resume" in again.stderr
    changed = run(*arguments, "--resume")
    assert changed.exit_code == 1
    assert "epochs was 2 and is 3" in changed.stderr
    # What it made is a reference like any other.
    predicted = run("predict", "--weights", str(output / "best.safetensors"), str(pictures / "val/red/0.png"))
    assert predicted.exit_code == 0, predicted.output
    assert len(json.loads(predicted.stdout)["predictions"]) == 4
    shown = run("recipe", "show", str(output / "best.safetensors"))
    assert "learning_rate = 0.1" in shown.stdout


def test_a_signal_is_its_exit_status(run, tmp_path, pictures, recipe, monkeypatch):
    def stopped(*_, **__):
        raise TrainingStoppedError("Stopped by SIGTERM.", 15)

    monkeypatch.setattr(engine, "train", stopped)
    done = run("train", recipe, "--data", str(pictures), "--output", str(tmp_path))
    assert done.exit_code == 143
    assert done.stderr == "Stopped by SIGTERM.\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["no_such_recipe", "--data", "digits"], 2, "no_such_recipe"),
        (["resnet50_v1", "--data", "nowhere"], 1, "no folder nowhere"),
        (["resnet50_v1", "--data", "digits", "--set", "optimiser.lr=1"], 1, "optimizer"),
        (["resnet50_v1"], 2, "--data"),
    ],
)
def test_wrong_usage_is_said(run, tmp_path, arguments, status, words):
    done = run("train", *arguments, "--output", str(tmp_path / "run"))
    assert done.exit_code == status, done.output
    assert words in done.stderr


def test_under_torchrun(tmp_path, pictures, recipe):
    """Two processes, started as anyone would; one of them talks."""
    output = tmp_path / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0"]
    command += ["--standalone", "-m", "multiweight", "train", recipe, "--data", str(pictures), "--output", str(output)]
    command += ["--device", "cpu", "--set", "epochs=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("last.safetensors: acc@1") == 1
    assert done.stderr.count("begins with random tensors") == 1
    assert load_file(output / "last.safetensors")


def test_help_names_torchrun(run):
    assert "torchrun --nproc-per-node" in run("train", "--help").stdout
    assert "train" in main.list_commands(None)
