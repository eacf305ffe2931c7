"""Initial tensors of convolutional networks. https://arxiv.org/abs/1502.01852."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


def initialise(network: nn.Module, linear: Callable[[Tensor], object] | None = None) -> None:
    """Fills a network in `modules()` order, in which seeds give torchvision's tensors.

    Convolutions get normal numbers whose variance is 2 over their fan-out (equation 14 of the paper), batch and group
    norms ones, all biases zeros.

    Args:
        network: The network.
        linear: Fills the weight of a linear layer; without it, linear layers stay as torch makes them.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)) and module.affine:
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear) and linear is not None:
            linear(module.weight)
            nn.init.zeros_(module.bias)
