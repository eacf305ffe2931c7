"""Averages of a network's tensors: over the steps of a run, and of several checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from multiweight.errors import MismatchError
from multiweight.train.recipe import EMA


class Average:
    """An exponential moving average of all tensors of a network, its buffers too.

    At an update each floating-point tensor becomes `average + share * (tensor - average)`, where the share is
    `min(1, (1 - decay) * batch_size * every / epochs)`: https://arxiv.org/abs/1803.05407 averages weights; this share
    keeps the horizon a fixed part of the run, whatever the batch size. Counts are taken as they are. While the
    learning rate warms up, and at the first update after, the average is the network itself.

    Args:
        model: The network itself, not wrapped, on its device.
        ema: The recipe's part about it.
        batch_size: Pictures an optimizer step, over all processes.
        epochs: Epochs of the run.
    """

    def __init__(self, model: nn.Module, ema: EMA, batch_size: int, epochs: int) -> None:
        self.every = ema.every
        self.share = min(1.0, (1 - ema.decay) * batch_size * ema.every / epochs)
        self._started = False
        self._tensors = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    def update(self, model: nn.Module, step: int, *, warming_up: bool) -> None:
        """Takes the network's tensors in, after the first optimizer step and every `every` ones from there.

        Args:
            model: The network.
            step: How many optimizer steps were done, the last one included.
            warming_up: Whether the learning rate was warming up at this step.
        """
        if (step - 1) % self.every:
            return
        self._take(model.state_dict(), self.share if self._started else 1.0)
        self._started = not warming_up

    @torch.no_grad()
    def _take(self, state: Mapping[str, Tensor], share: float) -> None:
        averaged = [name for name, tensor in self._tensors.items() if tensor.is_floating_point() and share < 1]
        copied = [name for name in self._tensors if name not in set(averaged)]
        if averaged:
            own, others = [self._tensors[name] for name in averaged], [state[name] for name in averaged]
            torch._foreach_lerp_(own, others, share)  # pyright: ignore[reportPrivateImportUsage]
        for name in copied:
            self._tensors[name].copy_(state[name])

    def tensors(self) -> dict[str, Tensor]:
        """The average, by the names of the network's state dict: the tensors themselves, which updates change."""
        return dict(self._tensors)

    def state_dict(self) -> dict[str, object]:
        """What a checkpoint needs; its tensors are the average's own."""
        return {"tensors": self.tensors(), "started": self._started}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Goes on where a checkpoint was.

        Args:
            state: What `state_dict` gave, of the same network; it is copied.

        Raises:
            MismatchError: If it is of another network.
        """
        tensors, started = state["tensors"], state["started"]
        assert isinstance(tensors, Mapping)
        assert isinstance(started, bool)
        _check_same(self._tensors, tensors)
        with torch.no_grad():
            for name, tensor in self._tensors.items():
                tensor.copy_(tensors[name])
        self._started = started


def mean_of(states: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the tensors of several checkpoints of one network.

    Args:
        states: State dicts, one at a time where memory counts: an iterator will do.

    Returns:
        For each floating-point tensor the mean, summed as float64 and rounded once to the tensor's type; for counts
        those of the last one.

    Raises:
        MismatchError: If they are of different networks.
        ValueError: If there are none.
    """
    sums: dict[str, Tensor] = {}
    last: Mapping[str, Tensor] = {}
    count = 0
    for state in states:
        if count:
            _check_same(last, state)
        for name, tensor in state.items():
            if tensor.is_floating_point():
                sums[name] = sums[name] + tensor.double() if count else tensor.double()
        last, count = state, count + 1
    if not count:
        raise ValueError("There is no mean of no checkpoints.")
    return {
        name: (sums[name] / count).to(tensor.dtype) if name in sums else tensor.clone() for name, tensor in last.items()
    }


def _check_same(known: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    """Raises a `MismatchError` if names or shapes differ."""
    different = sorted(known.keys() ^ other.keys()) or [
        f"{name} {tuple(other[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in known.items()
        if tensor.shape != other[name].shape
    ]
    if different:
        shown = ", ".join(different[:3]) + (", …" if len(different) > 3 else "")
        raise MismatchError(f"The checkpoints are of different networks: {len(different)} tensors differ: {shown}")
