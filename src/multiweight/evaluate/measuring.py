"""The loop that every measurement goes through, that of the engine after an epoch too."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from multiweight.evaluate.counts import Counts


class EvaluationBatch(Protocol):
    """What a batch needs to have; `multiweight.data.evaluation_batches` gives such.

    Attributes:
        pictures: `(N, 3, H, W)`, what the network takes.
        targets: `(N,)`, the right classes.
        failures: The pictures that could not be read and are left out, each with the reason.
    """

    @property
    def pictures(self) -> Tensor: ...  # noqa: D102

    @property
    def targets(self) -> Tensor: ...  # noqa: D102

    @property
    def failures(self) -> tuple[tuple[str, str], ...]: ...  # noqa: D102


def measure(
    model: Callable[[Tensor], Tensor],
    batches: Iterable[EvaluationBatch],
    *,
    classes: int,
    bins: int = 15,
    device: torch.device | str | None = None,
    total: int | None = None,
    progress: bool = False,
) -> Counts:
    """Counts how often a network is right, over all processes of torch.distributed where there are several.

    A network is in eval mode meanwhile, and afterwards in the mode it was in, each of its modules. Precision is the
    caller's: under `torch.autocast` it measures what that gives.

    Args:
        model: The network, or any function from `(N, 3, H, W)` to `(N, classes)`.
        batches: This process's share of the pictures.
        classes: How many classes the network tells apart.
        bins: Into how many parts confidences are sorted, for the calibration error.
        device: Where the model is; `None` for where its parameters are.
        total: How many pictures this process has, for the progress bar.
        progress: Whether to show how far it is, on a terminal.

    Returns:
        The counts of all processes together, the same in each.
    """
    if device is None:
        parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
        device = parameter.device if parameter is not None else "cpu"
    device = torch.device(device)
    counts = Counts(classes, bins=bins, device=device if device.type == "cuda" else "cpu")
    with _in_eval_mode(model), torch.inference_mode(), shown(progress, total, "measuring") as advance:
        for batch in batches:
            pictures = batch.pictures.to(device, non_blocking=True)
            if len(pictures):
                counts.add(model(pictures), batch.targets)
            counts.failures += batch.failures
            advance(len(pictures) + len(batch.failures))
    return counts.reduce()


@contextmanager
def _in_eval_mode(model: Callable[[Tensor], Tensor]) -> Generator[None]:
    """Each module's own mode is kept: a frozen batch norm is in eval mode while its network trains."""
    modules = [(module, module.training) for module in model.modules()] if isinstance(model, nn.Module) else []
    if isinstance(model, nn.Module):
        model.eval()
    try:
        yield
    finally:
        for module, training in modules:
            module.training = training


@contextmanager
def shown(enabled: bool, total: int | None, title: str) -> Generator[Callable[[int], None]]:
    """A bar on a terminal that shows how far work on pictures is; within it, a function that takes how many are done.

    Args:
        enabled: Whether there is to be one.
        total: How many pictures there are, where that is known.
        title: What is done with them.
    """
    if not (enabled and sys.stderr is not None and sys.stderr.isatty()):  # a process without a console has none
        yield lambda pictures: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda pictures: bar.advance(task, pictures)
