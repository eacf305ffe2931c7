"""The parts of a run that change with every step: the network, its optimizer, and what goes with them."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from multiweight.train.averaging import Average
from multiweight.train.distributed import Group
from multiweight.train.optimisation import make_optimizer, make_schedule
from multiweight.train.recipe import Recipe
from multiweight.train.starting import Start
from multiweight.train.sync_batch_norm import synchronise_batch_norm

# The older name warns where there is the newer one.
_NAMES = signature(DistributedDataParallel).parameters
_SYNC_BUFFERS = "forward_sync_buffers" if "forward_sync_buffers" in _NAMES else "broadcast_buffers"


class Parts:
    """A network and all that trains it, on the device of a process.

    Args:
        recipe: The recipe.
        start: The network as it begins.
        group: The processes that train it.
        steps_per_epoch: Optimizer steps in an epoch.

    Attributes:
        network: The network itself.
        model: What is called to train it: the network, or what shares its gradients with the other processes.
        kept: A network to put tensors into that are measured; what is trained stays as it is.
        optimizer: The recipe's optimizer.
        trained: The parameters that it changes.
        schedule: The learning rate.
        scaler: What keeps the gradients of fp16 from vanishing.
        average: The moving average, if there is one.
    """

    def __init__(self, recipe: Recipe, start: Start, group: Group, steps_per_epoch: int) -> None:
        precision, device = recipe.precision, group.device
        network = start.model.to(device)
        if precision.channels_last:
            network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.kept = copy.deepcopy(network)
        if precision.sync_batch_norm and group.world > 1:
            network = synchronise_batch_norm(network, device)
        self.network, self._group = network, group
        self.optimizer = make_optimizer(network, recipe, trunk=start.trunk)
        self.trained: list[nn.Parameter] = [each for own in self.optimizer.param_groups for each in own["params"]]
        self.schedule = make_schedule(self.optimizer, recipe, steps_per_epoch)
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision.amp == "fp16")
        self.average = Average(network, recipe.ema, recipe.batch_size, recipe.epochs) if recipe.ema else None
        if precision.compile:
            network.compile()
        self.model: nn.Module = network
        self._buffers: list[Tensor] = []
        if group.world > 1:
            self._buffers = list(network.buffers())
            # Buffers are shared after the step, so that between two steps all processes have the same network.
            options: dict[str, Any] = {_SYNC_BUFFERS: False, "device_ids": [device] if device.type == "cuda" else None}
            self.model = DistributedDataParallel(network, **options)
        self._buffers_before = [buffer.clone() for buffer in self._buffers]

    def gradients_shared(self, shared: bool) -> AbstractContextManager[Any]:
        """Within it, gradients go to the other processes, or do not yet."""
        if shared or not isinstance(self.model, DistributedDataParallel):
            return nullcontext()
        return self.model.no_sync()

    def remember_buffers(self) -> None:
        """Keeps what batch norms have seen, for `restore_buffers`, where other processes can make a step fail."""
        if self._buffers:
            torch._foreach_copy_(self._buffers_before, self._buffers)  # pyright: ignore[reportPrivateImportUsage]

    def restore_buffers(self) -> None:
        """Takes back what batch norms have seen since."""
        if self._buffers:
            torch._foreach_copy_(self._buffers, self._buffers_before)  # pyright: ignore[reportPrivateImportUsage]

    def share_buffers(self) -> None:
        """Makes what batch norms have seen that of the first process, in all of them."""
        self._group.share([buffer for buffer in self._buffers if buffer.is_floating_point()])

    def tensors(self) -> dict[str, Tensor]:
        """What would be kept if this were the end: the average's tensors, or the network's."""
        return self.network.state_dict() if self.average is None else self.average.tensors()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint needs."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where a checkpoint of the same recipe was."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
