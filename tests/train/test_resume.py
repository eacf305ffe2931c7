"""A run that is killed at random places and resumed ends as one that never was, bit for bit."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from multiweight.errors import TrainingStoppedError
from multiweight.train import engine, override
from multiweight.train.checkpoints import Checkpoints, _Sink
from multiweight.train.logs import read_lines
from tests.train.runs import RECIPE, assert_same, make_pictures, outcome, run

PLACES = ("step", "checkpoint", "bytes", "measuring", "weights")
"""Where a run is killed: after a step, before or amid a checkpoint, before the network is measured, before a file."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run leaves behind that nothing interrupts."""
    output = tmp_path_factory.mktemp("whole") / "run"
    run(output, pictures)
    return outcome(output)


def _killed(output: Path, pictures: Path, place: str, countdown: int) -> None:
    """A process that goes on with a run and kills itself where it is told to, the so many-th time it is there."""
    left = [countdown]

    def deadly(function: Any) -> Any:
        def counted(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return counted

    owner, name = {
        "step": (engine._Run, "_step"),
        "checkpoint": (Checkpoints, "save"),
        "bytes": (_Sink, "write"),
        "measuring": (engine, "measure"),
        "weights": (engine, "save_weights"),
    }[place]
    setattr(owner, name, deadly(getattr(owner, name)))
    run(output, pictures, resume=True, checkpoint_every=4)


def test_killed_at_random_places(tmp_path: Path, pictures: Path, whole: dict[str, Any]) -> None:
    generator = random.Random(2)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "torch.utils.tensorboard", "matplotlib.backends.backend_agg"])
    output, kills = tmp_path / "run", 0
    while True:
        place = PLACES[kills % len(PLACES)]
        countdown = generator.randrange(*{"step": (1, 5), "bytes": (2, 60)}.get(place, (0, 2)))
        process = context.Process(target=_killed, args=(output, pictures, place, countdown))
        process.start()
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        kills += 1
    assert kills >= len(PLACES)
    assert_same(outcome(output), whole)
    checkpoints = output / "checkpoints"
    assert not list(checkpoints.glob(".*")), "what a killed process had begun to write is gone"
    assert len(list(checkpoints.iterdir())) == 3


def test_stopped_by_signals(tmp_path: Path, pictures: Path, whole: dict[str, Any], monkeypatch: Any) -> None:
    """SIGTERM and Ctrl-C end a run after the step under way; afterwards the handlers are what they were."""
    output, plain_step, made = tmp_path / "run", engine._Run._step, []

    def step(self: Any, shares: Any) -> Any:
        made.append(self.step)
        if len(made) in (4, 9):
            os.kill(os.getpid(), signal.SIGTERM if len(made) == 4 else signal.SIGINT)
        return plain_step(self, shares)

    monkeypatch.setattr(engine._Run, "_step", step)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    for number, last in ((signal.SIGTERM, 4), (signal.SIGINT, 9)):
        with pytest.raises(TrainingStoppedError, match=rf"{number.name} after step {last}.*--resume") as stopped:
            run(output, pictures, resume=True)
        assert stopped.value.signal == number
        assert Checkpoints(output / "checkpoints").steps()[-1] == last
    run(output, pictures, resume=True)
    assert made == list(range(18))
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert_same(outcome(output), whole)
    over = run(output, pictures, resume=True)
    assert len(made) == over.steps == 18, "a run that is over is not made again"
    assert over.last_metrics == {name: read_lines(output)[-2][name] for name in ("acc@1", "acc@5")}


def test_checkpoint_holds_everything(tmp_path: Path, pictures: Path) -> None:
    output = tmp_path / "run"
    run(output, pictures, override(RECIPE, ["epochs=2", "precision.amp=bf16"]), keep=1)
    (path,) = (output / "checkpoints").iterdir()
    state = torch.load(path, weights_only=True)
    assert state["place"] == {"epoch": 2, "done": 0}
    assert state["given"]["classes"] == ["blue", "green", "grey", "red"]
    assert state["parts"].keys() == {"network", "optimizer", "schedule", "scaler", "average"}
    assert all(state["parts"][name] for name in ("network", "optimizer", "schedule", "average"))
    assert len(state["snapshots"]) == 2
    assert 'name = "small"' in state["recipe"]
    assert len(state["recipe_sha256"]) == 64
