"""Which pictures an epoch has, in which order, and which process gets which."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def epoch_order(length: int, *, seed: int, epoch: int, repetitions: int = 1, batch_size: int) -> Tensor:
    """The pictures of an epoch in their order.

    The order is a random one of all pictures, cut to whole steps: fewer pictures than a step has are left out, others
    in each epoch. A data set that is smaller than a step is repeated until it fills one.

    With repetitions (repeated augmentation, Hoffer et al., https://arxiv.org/abs/1901.09335, as DeiT samples it,
    https://arxiv.org/abs/2012.12877) an epoch has as many steps, but of so many times fewer pictures, each so often.
    The repetitions of a picture are in one step, as far from each other as can be: processes that each take a piece of
    the step get different pictures where they are as many as the repetitions.

    Args:
        length: How many pictures the data set has.
        seed: Where the random numbers begin.
        epoch: Which epoch it is.
        repetitions: How often a picture comes.
        batch_size: Pictures in a step.

    Returns:
        The pictures' indices, int64, `(steps * batch_size,)`.

    Raises:
        ValueError: If one of the numbers is less than it can be.
    """
    generator = torch.Generator().manual_seed(derived_seed(seed, epoch))
    return arranged(torch.randperm(length, generator=generator), repetitions=repetitions, batch_size=batch_size)


def arranged(indices: Tensor, *, repetitions: int, batch_size: int) -> Tensor:
    """Repeats pictures and cuts them to whole steps, as `epoch_order` does, in the order given."""
    if min(len(indices), repetitions, batch_size) < 1:
        raise ValueError(
            "An epoch needs a picture, a repetition and a batch of one at least; got "
            f"length={len(indices)}, repetitions={repetitions}, batch_size={batch_size}."
        )
    total = steps_of(len(indices), batch_size) * batch_size
    place = torch.arange(total)
    steps = indices[place // repetitions % len(indices)].view(-1, batch_size)
    repetition = (place % repetitions).view(-1, batch_size)
    return steps.gather(1, repetition.argsort(dim=1, stable=True)).flatten()


def steps_of(length: int, batch_size: int) -> int:
    """How many steps an epoch of so many pictures has."""
    return max(length // batch_size, 1)


def share(start: int, stop: int, number: int, count: int) -> range:
    """One of `count` contiguous pieces of a range, which differ by one in length at most."""
    length = stop - start
    return range(start + length * number // count, start + length * (number + 1) // count)


def derived_seed(*numbers: int) -> int:
    """A seed of 32 bits, which is what torch's generator takes in, from several numbers."""
    text = ",".join(map(str, numbers)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest(), "little")
