"""AlexNet.

Papers:
    ImageNet Classification with Deep Convolutional Neural Networks,
        https://papers.nips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html
    One weird trick for parallelizing convolutional neural networks, https://arxiv.org/abs/1404.5997

This is the network of the second paper: one column instead of two that share GPUs, no local response normalisation.

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from typing import Unpack

from torch import Tensor, nn

from multiweight.catalogue.alexnet import AlexNet_Weights
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = ["AlexNet", "AlexNetOptions", "AlexNet_Weights", "alexnet"]


class AlexNet(nn.Module):
    """Five convolutions, the first with large steps, and three linear layers.

    Args:
        num_classes: How many scores come out.
        dropout: Probability that a feature is zeroed in training, before each of the first two linear layers.
    """

    stem_name = "features.0"
    head_name = "classifier.6"

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, 256, H/32 - 1, W/32 - 1)`, before they are pooled."""
        return self.features(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        x = self.avgpool(self.forward_features(x)).flatten(1)  # (N, 256 * 6 * 6)
        return self.classifier(x)


class AlexNetOptions(AdaptingOptions, total=False):
    """What the builder passes on to `AlexNet`, where each is explained."""

    num_classes: int
    dropout: float


@builder(AlexNet_Weights, AlexNetOptions)
def alexnet(
    *, weights: AlexNet_Weights | str | None = None, progress: bool = True, **options: Unpack[AlexNetOptions]
) -> AlexNet:
    """AlexNet."""
    return build(AlexNet, weights, progress, **options)
