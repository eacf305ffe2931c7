"""The processes of a run: which they are, what they tell each other, and the signals that stop them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from multiweight.errors import MultiweightError, TrainingError
from multiweight.predict import find_device

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """The processes that train together; a process alone is a group too.

    Attributes:
        rank: The number of this process, from 0.
        world: How many there are.
        device: Where this one computes.
        local_world: How many of them share this machine.
    """

    rank: int
    world: int
    device: torch.device
    local_world: int = 1

    @property
    def readers(self) -> int:
        """How many processes should read pictures for this one, where nobody says.

        Beside a CPU none, which computes with all of its cores in the meantime.
        """
        if self.device.type == "cpu":
            return 0
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(1, min(16, processors // self.local_world))

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes files and talks."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of the processes' tensors, in each of them."""
        if self.world > 1:
            dist.all_reduce(tensor)
        return tensor

    def gather(self, value: T) -> list[T]:
        """The processes' values in the order of their ranks, in each of them."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def share(self, tensors: Sequence[Tensor]) -> None:
        """Makes tensors of floats those of the first process, in each of them."""
        if self.world == 1 or not tensors:
            return
        together = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.broadcast(together, src=0)
        for tensor, part in zip(tensors, together.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def first(self, work: Callable[[], T]) -> T:
        """Lets the first process do something, and gives all of them what came out of it.

        Raises:
            MultiweightError: In every process, if the work raised one in the first.
        """
        if self.world == 1:
            return work()
        outcome: list[Any] = [None, None]
        if self.is_first:
            try:
                outcome[0] = work()
            except MultiweightError as error:
                outcome[1] = error
        dist.broadcast_object_list(outcome, src=0)
        if outcome[1] is not None:
            raise outcome[1]
        return cast("T", outcome[0])


@contextmanager
def joined(device: str | torch.device | None = None) -> Generator[Group]:
    """Makes this process one of those that `torchrun` started, if it did; else a group of its own.

    Messages go over NCCL between CUDA devices and over gloo else. A process group that is there already is used, and
    left as it is.

    Args:
        device: Where to compute; `None` for CUDA if there is one, else the CPU. Of several processes on a machine each
            takes the CUDA device of its local rank.

    Raises:
        TrainingError: If there is no such device.
    """
    local_rank, local_world = (int(os.environ.get(name, default)) for name, default in _LOCAL)
    chosen = _device(device, local_rank)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if dist.is_available() and dist.is_initialized():
        yield Group(dist.get_rank(), dist.get_world_size(), chosen, local_world)
    elif world == 1:
        yield Group(0, 1, chosen)
    else:
        dist.init_process_group("cpu:gloo,cuda:nccl" if chosen.type == "cuda" else "gloo")
        try:
            yield Group(dist.get_rank(), world, chosen, local_world)
        finally:
            dist.destroy_process_group()


_LOCAL = (("LOCAL_RANK", "0"), ("LOCAL_WORLD_SIZE", "1"))
"""What `torchrun` says of the processes on this machine, and what holds without it."""


def _device(name: str | torch.device | None, local_rank: int) -> torch.device:
    try:
        device = find_device(name)
        if device.type == "cuda":
            device = find_device(torch.device("cuda", local_rank if device.index is None else device.index))
            torch.cuda.set_device(device)
    except ValueError as error:
        raise TrainingError(str(error)) from error
    return device


def seed_here(seed: int, device: torch.device) -> None:
    """Seeds the random numbers of the CPU and of one device; `torch.manual_seed` takes half a millisecond for all."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


class StopSignals:
    """Within it, SIGTERM and SIGINT only leave a note, so that a step can end and a checkpoint be written.

    A second SIGINT raises `KeyboardInterrupt` as ever. Outside of the main thread nothing is changed.

    Attributes:
        received: The number of the signal that came, or 0.
    """

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, Any] = {}
        self._process = os.getpid()

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: object) -> None:
        if os.getpid() != self._process:
            # A forked process that decodes inherits this; it has no step to end.
            if number == signal.SIGTERM:
                os._exit(128 + number)
            return
        if self.received and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
