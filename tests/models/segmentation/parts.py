"""What the tests of the segmentation networks share."""

import torch
from torch import nn


class Features(nn.Module):
    """A small backbone: a convolution for each name, with so many channels, and a step in pixels."""

    def __init__(self, **layers):
        super().__init__()
        for name, (channels, step) in layers.items():
            self.add_module(name, nn.Conv2d(3, channels, 3, stride=step, padding=1))

    def forward(self, x):
        return {name: layer(x) for name, layer in self.named_children()}


class Joined(nn.Module):
    """A network that gives its answers as one tensor, as `assert_twins` compares them."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return torch.cat(list(self.network(x).values()), 1)


class Heads(nn.Module):
    """A head alone, on `Features`."""

    def __init__(self, head, channels):
        super().__init__()
        self.backbone = nn.Conv2d(3, channels, 1)
        self.head = head

    def forward(self, x):
        return self.head(self.backbone(x))


def tensors_like(network):
    """A file's tensors for a network: of the same shapes, each filled with one number."""
    state = network.state_dict()
    return {key: torch.full_like(tensor, 1 + index % 97) for index, (key, tensor) in enumerate(state.items())}
