"""Two processes that talk over gloo train as one does, and when one dies the other keeps what was done."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from multiweight.errors import TrainingError, TrainingStoppedError
from multiweight.train import Recipe, engine, override
from multiweight.train.checkpoints import Checkpoints
from multiweight.train.starting import start
from tests.train.runs import PLAIN, RECIPE, make_pictures, outcome, run

WIDE = replace(RECIPE, dtype="float32", average=1, accumulate=1, epochs=2)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def together(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run of two processes leaves behind that nothing interrupts."""
    output = tmp_path_factory.mktemp("together") / "run"
    assert train_together(output, pictures, WIDE) == [0, 0]
    return outcome(output)


def train_together(output: Path, pictures: Path, recipe: Recipe, *, fate: str = "", **options: Any) -> list[int]:
    """Trains in two processes, with what torchrun would have told them; gives their exit codes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "torch.utils.tensorboard", "matplotlib.backends.backend_agg"])
    processes = [
        context.Process(target=_process, args=(rank, port, fate, output, pictures, recipe, options)) for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    return [process.exitcode for process in processes]


def _process(rank: int, port: int, fate: str, output: Path, pictures: Path, recipe: Recipe, options: Any) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    plain_loss: Callable[..., Any] = engine._Run._loss

    def loss(self: Any, batch: Any) -> Any:
        given = plain_loss(self, batch)
        if rank == 1 and self.step == 8:
            if fate == "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            if fate == "told":
                os.kill(os.getpid(), signal.SIGTERM)
        return given

    if fate == "double":
        engine.start = _start_in_64_bits  # pyright: ignore[reportAttributeAccessIssue]
    elif rank == 1 and fate:
        engine._Run._loss = loss  # pyright: ignore[reportAttributeAccessIssue]
    try:
        run(output, pictures, recipe, **options)
    except TrainingStoppedError:
        sys.exit(3)
    except TrainingError as error:
        (output / f"error{rank}.txt").write_text(str(error))
        sys.exit(4)


def test_same_shares_same_parameters(tmp_path: Path, pictures: Path, together: dict[str, Any]) -> None:
    """Mixup and all: a step of two shares in one process is one of a share in each of two, bit for bit.

    Only what batch norms have seen is another matter: in the files of two processes it is the first one's.
    """
    run(tmp_path / "alone", pictures, replace(WIDE, accumulate=2))
    alone = outcome(tmp_path / "alone")
    for key, tensor in together["last"].items():
        if "running" not in key and "num_batches" not in key:
            assert tensor.equal(alone["last"][key]), key
    losses = [[line["loss"] for line in each["lines"] if line["event"] == "step"] for each in (together, alone)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_shared_batch_norm_is_that_of_the_whole_batch(tmp_path: Path, pictures: Path, monkeypatch: Any) -> None:
    """In 64 bits, where rounding does not hide what is wrong: 32 bits are too few for batch norms of few numbers."""
    settings = ["precision.sync_batch_norm=true", "augmentation.crop_size=32", "optimizer.learning_rate=0.01"]
    recipe = override(PLAIN, [*settings, "schedule.warmup_epochs=0", "epochs=1"])
    assert train_together(tmp_path / "two", pictures, recipe, fate="double") == [0, 0]
    monkeypatch.setattr(engine, "start", _start_in_64_bits)
    run(tmp_path / "one", pictures, recipe)
    one, two = outcome(tmp_path / "one"), outcome(tmp_path / "two")
    # Logged losses are of 32 bits.
    losses, others = ([line["loss"] for line in each["lines"] if line["event"] == "step"] for each in (one, two))
    assert len(losses) == 6
    assert losses == pytest.approx(others, rel=1e-6)
    for key, tensor in one["last"].items():
        # A unit in the last place of the file, which is of 32 bits too.
        assert torch.allclose(tensor, two["last"][key], rtol=2e-7, atol=1e-12), key


def _start_in_64_bits(*args: Any, **kwargs: Any) -> Any:
    given = start(*args, **kwargs)
    given.model.double().register_forward_pre_hook(lambda model, inputs: (inputs[0].double(),))
    return given


def test_told_to_stop(tmp_path: Path, pictures: Path) -> None:
    """One process gets SIGTERM; both stop after the same step, with a checkpoint."""
    output = tmp_path / "run"
    assert train_together(output, pictures, WIDE, fate="told") == [3, 3]
    assert Checkpoints(output / "checkpoints").steps() == [6, 10]


def test_one_dies(tmp_path: Path, pictures: Path, together: dict[str, Any]) -> None:
    """The other one writes the state before the step in which it was left alone, and says so."""
    output = tmp_path / "run"
    assert train_together(output, pictures, WIDE, fate="dies") == [4, -signal.SIGKILL]
    assert Checkpoints(output / "checkpoints").steps() == [6, 8]
    text = (output / "error0.txt").read_text()
    assert "after step 8" in text
    assert "--resume" in text
    assert train_together(output, pictures, WIDE, resume=True) == [0, 0]
    resumed = outcome(output)
    assert resumed["last"].keys() == together["last"].keys()
    assert all(tensor.equal(together["last"][key]) for key, tensor in resumed["last"].items())
