"""The optimizer and the learning rate over the epochs, as a recipe says them."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import torch
from torch import nn

from multiweight.train.recipe import Recipe, Schedule

NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm, nn.RMSNorm)
"""The layers whose parameters are those of norms."""

EMBEDDINGS = ("class_token", "pos_embedding", "relative_position_bias_table")
"""What class tokens, position embeddings and position tables are called in the networks."""


def make_optimizer(model: nn.Module, recipe: Recipe, *, trunk: Collection[str] = ()) -> torch.optim.Optimizer:
    """The recipe's optimizer for the parameters of a network that are trained.

    Each group of parameters has what `parameter_groups` says of it.

    Args:
        model: The network itself, not wrapped, on its device.
        recipe: The recipe; of it `optimizer` and `fine_tuning.trunk_rate`.
        trunk: Names of the parameters that learn at the trunk's rate.
    """
    settings = recipe.optimizer
    groups = parameter_groups(model, recipe, trunk=trunk)
    if settings.name == "sgd":
        return torch.optim.SGD(
            groups, lr=settings.learning_rate, momentum=settings.momentum, nesterov=settings.nesterov
        )
    if settings.name == "rmsprop":
        return torch.optim.RMSprop(
            groups, lr=settings.learning_rate, alpha=settings.alpha, eps=settings.eps, momentum=settings.momentum
        )
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=settings.betas, eps=settings.eps)


def parameter_groups(model: nn.Module, recipe: Recipe, *, trunk: Collection[str] = ()) -> list[dict[str, Any]]:
    """The parameters that are trained, by learning rate and weight decay.

    A parameter of a normalisation layer is a norm's, whatever its name; of the others one is an embedding or a bias
    by its name. An exception that the recipe leaves out is none.

    Args:
        model: The network itself, not wrapped.
        recipe: The recipe; of it `optimizer` and `fine_tuning.trunk_rate`.
        trunk: Names of the parameters that learn at the trunk's rate.

    Returns:
        Groups as `torch.optim` takes them, `params`, `lr` and `weight_decay`, in the order in which the network first
        has a parameter of each.

    Raises:
        ValueError: If the network has no parameter of a name, or none that is trained.
    """
    settings, rate = recipe.optimizer, recipe.optimizer.learning_rate
    named = dict(model.named_parameters())
    if unknown := sorted(set(trunk) - set(named)):
        raise ValueError(f"The network has no parameters {', '.join(unknown[:3])}; it may be wrapped.")
    of_norms = {
        id(own) for part in model.modules() if isinstance(part, NORMS) for own in part.parameters(recurse=False)
    }
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in named.items():
        if not parameter.requires_grad:
            continue
        last = name.rpartition(".")[2]
        if id(parameter) in of_norms:
            decay = settings.norm_weight_decay
        elif last in EMBEDDINGS:
            decay = settings.embedding_weight_decay
        elif last.endswith("bias"):
            decay = settings.bias_weight_decay
        else:
            decay = None
        key = (
            rate * recipe.fine_tuning.trunk_rate if name in trunk else rate,
            settings.weight_decay if decay is None else decay,
        )
        groups.setdefault(key, []).append(parameter)
    if not groups:
        raise ValueError("The network has no parameter that is trained.")
    return [{"params": own, "lr": own_rate, "weight_decay": decay} for (own_rate, decay), own in groups.items()]


def rate_factor(recipe: Recipe, steps_per_epoch: int, step: int) -> float:
    """The learning rate of an optimizer step, as a factor of the recipe's.

    Args:
        recipe: The recipe; of it `schedule`, `epochs` and `optimizer.learning_rate`.
        steps_per_epoch: Optimizer steps in an epoch.
        step: How many steps were done before it.
    """
    schedule = recipe.schedule
    # All below is in epochs, or all is in steps: whole numbers either way, so that no rounding moves a boundary.
    unit = steps_per_epoch if schedule.update == "step" else 1
    now = step if schedule.update == "step" else step // steps_per_epoch
    warmup = schedule.warmup_epochs * unit
    if now < warmup:
        risen = now / warmup if schedule.warmup == "linear" else 0.0
        return schedule.warmup_factor + (1 - schedule.warmup_factor) * risen
    return _fallen(schedule, now - warmup, recipe.epochs * unit - warmup, unit, recipe.optimizer.learning_rate)


def _fallen(schedule: Schedule, done: int, whole: int, unit: int, rate: float) -> float:
    """The factor after the warm-up: `done` of `whole` are over, of which an epoch has `unit`."""
    if schedule.name == "step":
        return schedule.gamma ** (done // (schedule.step_epochs * unit))
    if schedule.name == "exponential":
        return schedule.gamma ** (done / unit)
    least = schedule.min_learning_rate / rate
    return least + (1 - least) * (1 + math.cos(math.pi * (done / whole if done < whole else 1))) / 2


class RateSchedule:
    """Sets an optimizer's learning rates before each step, each a factor of the group's first one.

    The rate follows from the number of steps alone, so that it is the same after resuming, to the last bit. (A
    scheduler of `torch.optim` multiplies from step to step, and warns when a scaler leaves out the first one.)

    Args:
        optimizer: The optimizer, new; its rates at this moment are the highest ones.
        recipe: The recipe.
        steps_per_epoch: Optimizer steps in an epoch.

    Attributes:
        done: How many steps were done.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, recipe: Recipe, steps_per_epoch: int) -> None:
        if steps_per_epoch < 1:
            raise ValueError(f"An epoch needs at least one step; got {steps_per_epoch}.")
        self.optimizer, self.recipe, self.steps_per_epoch = optimizer, recipe, steps_per_epoch
        self.highest = [float(group["lr"]) for group in optimizer.param_groups]
        self.done = 0
        self._set()

    def step(self) -> None:
        """Counts a step, after the optimizer's, and sets the rates of the next one."""
        self.done += 1
        self._set()

    def get_last_lr(self) -> list[float]:
        """The rates that the optimizer has now, one a group."""
        factor = rate_factor(self.recipe, self.steps_per_epoch, self.done)
        return [rate * factor for rate in self.highest]

    def state_dict(self) -> dict[str, int]:
        """What a checkpoint needs."""
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Goes on where a checkpoint was, and sets the rates of the next step."""
        self.done = state["done"]
        self._set()

    def _set(self) -> None:
        for group, rate in zip(self.optimizer.param_groups, self.get_last_lr(), strict=True):
            group["lr"] = rate


def make_schedule(optimizer: torch.optim.Optimizer, recipe: Recipe, steps_per_epoch: int) -> RateSchedule:
    """The recipe's schedule for an optimizer that is new.

    Args:
        optimizer: The optimizer, before its first step and before any state is loaded into it.
        recipe: The recipe.
        steps_per_epoch: Optimizer steps in an epoch.
    """
    return RateSchedule(optimizer, recipe, steps_per_epoch)
