"""The first layers of a network, giving what comes out of some of them: how a classifier becomes a backbone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn

from multiweight.errors import InputError, suggestions

__all__ = ["IntermediateLayerGetter"]


class IntermediateLayerGetter(nn.ModuleDict):
    """The children of a network up to the last one asked for, called one after the other.

    The children keep their names and so their keys in the state dict. What comes after the last one asked for is
    left out. It fits networks whose `forward` calls their children in the order in which they were made, each with
    what the one before gave.

    Args:
        model: The network. Its children are shared, not copied.
        return_layers: The names of the children whose outputs are wanted, each with the name it is given under.

    Raises:
        InputError: If the network has no child of that name; also a ValueError.
    """

    _version = 2

    def __init__(self, model: nn.Module, return_layers: Mapping[str, str]) -> None:
        names = [name for name, _ in model.named_children()]
        wanted = {str(child): str(name) for child, name in return_layers.items()}
        for child in wanted:
            if child not in names:
                raise InputError(f"{type(model).__name__} has no layer {child!r} to return.{suggestions(child, names)}")
        last = max((names.index(child) for child in wanted), default=-1)
        super().__init__({name: child for name, child in model.named_children() if name in names[: last + 1]})
        self.return_layers = wanted

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """From the network's input, pictures `(N, 3, H, W)`, to the wanted outputs under their new names, in order."""
        features: dict[str, Tensor] = OrderedDict()
        for name, child in self.items():
            x = child(x)
            if name in self.return_layers:
                features[self.return_layers[name]] = x
        return features
