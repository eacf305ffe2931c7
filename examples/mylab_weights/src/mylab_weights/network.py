"""The network, which is imported when it is built."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from mylab_weights.catalogue import LabNet_Weights


class LabNet(nn.Module):
    """Three convolutions and a linear layer, for small pictures."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        widths = (3, 12, 24, 48)
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(itertools.pairwise(widths)):
            stride = 1 if number == 0 else 2
            layers += [nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(widths[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        return self.fc(self.features(x).mean((2, 3)))


def labnet(
    *, weights: LabNet_Weights | str | None = None, progress: bool = True, num_classes: int | None = None
) -> LabNet:
    """Builds LabNet.

    Args:
        weights: An entry of `LabNet_Weights`, its name in any spelling, or `None` for random initial tensors.
        progress: Whether a download shows how far it is.
        num_classes: How many classes there are; as many as the weights have labels, and 10 without weights.

    Raises:
        UnknownWeightsError: If there is no such entry.
        ValueError: If `num_classes` is not the number of the labels.
    """
    entry = LabNet_Weights.verify(weights)
    if entry is None:
        return LabNet(num_classes or 10)
    labels = len(entry.meta["categories"])
    if num_classes not in (None, labels):
        raise ValueError(f"{entry} has {labels} labels, so num_classes must be {labels}; got {num_classes!r}.")
    model = LabNet(labels)
    model.load_state_dict(entry.get_state_dict(progress=progress))
    return model
