"""What the engine adds to a step: beside forward, backward and step alone, of the same network on the same pictures."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch
from torch.nn import functional as F

from benchmarks.harness import OURS, Row, Section, interleaved
from multiweight.data import Batch
from multiweight.train import Augmentation, Evaluation, Optimizer, Recipe, Schedule
from multiweight.train.distributed import Group, StopSignals
from multiweight.train.engine import _Run
from multiweight.transforms import finish

BARE = "bare loop"
STEPS, ROUNDS = 10, 11


class _Ready:
    """A loader whose batches are there already: reading pictures is measured elsewhere."""

    steps = STEPS

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        return iter([self.batch] * (STEPS - first_step))


def sections() -> list[Section]:
    """The table, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows = [_row(*case) for case in (("resnet18", 64, 16), ("shufflenet_v2_x0_5", 96, 16))]
    finally:
        torch.set_num_threads(threads)
    about = (
        f"Processor time of an optimizer step, float32, one thread; medians of {ROUNDS} interleaved rounds of {STEPS} "
        "steps. The bare loop has its pictures scaled and normalised already, and does forward, backward and step. The "
        "engine begins with bytes, seeds every step, sets the learning rate, reads and logs losses. Up to 3 % more is "
        "a ratio of 0.97 at least."
    )
    return [Section("Engine", about, rows)]


def _row(variant: str, side: int, batch_size: int) -> Row:
    torch.manual_seed(0)
    pictures = torch.randint(256, (batch_size, 3, side, side), dtype=torch.uint8)
    targets = torch.arange(batch_size) % 10
    batch = Batch(pictures, targets, None, targets, ())
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    floats = finish(pictures, None, mean, std)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        run = _run(Path(folder) / "run", variant, side, batch)
        stack.enter_context(run.begin(resume=False, progress=False))
        # The engine's own, so that both sides have the same memory.
        model, optimizer = run.parts.network, run.parts.optimizer

        def bare() -> None:
            for _ in range(STEPS):
                optimizer.zero_grad()
                F.cross_entropy(model(floats), targets).backward()
                optimizer.step()

        costs = interleaved({OURS: _timed(partial(_epoch, run)), BARE: _timed(bare)}, rounds=ROUNDS)
    return Row(f"{variant}, {batch_size} pictures of {side} × {side}", "ms", costs)


def _timed(steps: Callable[[], None]) -> Callable[[], float]:
    """Milliseconds a step of processor time, which other programs on the machine do not change much."""

    def measure() -> float:
        start = time.process_time()
        steps()
        return (time.process_time() - start) * 1e3 / STEPS

    return measure


def _run(folder: Path, variant: str, side: int, batch: Batch) -> _Run:
    recipe = Recipe(
        name="overhead",
        description="A network in the engine.",
        variant=variant,
        epochs=1000,
        batch_size=len(batch.targets),
        augmentation=Augmentation(crop_size=side),
        evaluation=Evaluation(resize_size=side, crop_size=side),
        optimizer=Optimizer(name="sgd", learning_rate=0.001),
        schedule=Schedule(name="cosine", update="step"),
    )
    group = Group(0, 1, torch.device("cpu"))
    run = _Run(recipe, group, StopSignals(), data="digits", output=folder, weights=None, workers=0, keep=1)
    run.pictures.loader = _Ready(batch)  # pyright: ignore[reportAttributeAccessIssue]
    run.steps_per_epoch = STEPS
    return run


def _epoch(run: _Run) -> None:
    run._epoch(None)
    run.epoch, run.done, run.losses = run.epoch + 1, 0, []
