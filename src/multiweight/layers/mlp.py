"""Multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn


class MLP(nn.Sequential):
    """Linear layers with an activation between them and dropout after each.

    Args:
        in_channels: Size of the last dimension of the input (…, C).
        hidden_channels: Size after each linear layer; the last is the output's.
        norm_layer: Makes the norm before each activation; `None` leaves it out.
        activation_layer: Makes the activation.
        inplace: Passed to activations and dropouts; `None` for activations that take no such argument.
        bias: Whether the linear layers have one.
        dropout: Probability that an element is zeroed in training.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: Sequence[int],
        norm_layer: Callable[..., nn.Module] | None = None,
        activation_layer: Callable[..., nn.Module] = nn.ReLU,
        inplace: bool | None = None,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        given = {} if inplace is None else {"inplace": inplace}
        layers: list[nn.Module] = []
        width = in_channels
        for number, hidden in enumerate(hidden_channels, start=1):
            layers.append(nn.Linear(width, hidden, bias=bias))
            if number < len(hidden_channels):
                if norm_layer is not None:
                    layers.append(norm_layer(hidden))
                layers.append(activation_layer(**given))
            layers.append(nn.Dropout(dropout, **given))
            width = hidden
        super().__init__(*layers)
