"""Makes quantized networks, of weights in a file or of random ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from multiweight.catalogue import WeightsEnum
from multiweight.errors import MismatchError
from multiweight.models._builder import assign
from multiweight.models.quantization._calibration import quantize
from multiweight.models.quantization._published import fill_published, is_in_training, is_published
from multiweight.models.quantization._skeleton import skeleton
from multiweight.store.paths import local_path


def quantized(
    network: Callable[[], nn.Module], weights: WeightsEnum | None, progress: bool, *, per_channel: bool
) -> nn.Module:
    """A network with weights and features of 8 bits, in evaluation mode.

    Args:
        network: Makes the network in float.
        weights: The entry; `None` for random tensors, with the ranges that a random picture gives.
        progress: Whether a download shows how far it is.
        per_channel: Whether random weights have a scale for each output channel, or one.

    Raises:
        StoreError: If the file cannot be had.
        WeightsFileError: If it cannot be read or does not fit.
    """
    if weights is None:
        return quantize(network(), [torch.rand(1, 3, 299, 299)], per_channel=per_channel)
    state = weights.get_state_dict(progress=progress)
    source = f"{weights} ({local_path(weights.url)})"
    if not is_published(state):
        result, _ = skeleton(network, stepwise=False)
        assign(result, state, source=source)
        return result
    result, part = skeleton(network, stepwise=True, keep=not is_in_training(state))
    if part is None:
        raise MismatchError(f"{source} is laid out as torch's eager quantization does, which this network never was.")
    fill_published(part, state, source=source)
    return result
