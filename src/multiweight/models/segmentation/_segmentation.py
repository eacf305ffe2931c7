"""What the segmentation networks share: dense backbones, and the network of a backbone and one or two heads.

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TypedDict

import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.models._builder import load
from multiweight.models._features import IntermediateLayerGetter


class SegmentationNetwork(nn.Module):
    """A backbone and a head that scores each of its positions, enlarged to the picture; in training often two heads.

    Args:
        backbone: Gives features by name, from pictures: `"out"` and, with an auxiliary head, `"aux"`.
        classifier: Makes scores of the features `"out"`.
        aux_classifier: Makes scores of the features `"aux"`, for a second loss in training.
    """

    def __init__(self, backbone: nn.Module, classifier: nn.Module, aux_classifier: nn.Module | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier
        self.aux_classifier = aux_classifier

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes, H, W)`: `"out"` and, with a second head, `"aux"`."""
        features = self.backbone(x)
        scores: dict[str, Tensor] = OrderedDict()
        scores["out"] = enlarge(self.classifier(features["out"]), x)
        if self.aux_classifier is not None:
            scores["aux"] = enlarge(self.aux_classifier(features["aux"]), x)
        return scores


def enlarge(scores: Tensor, picture: Tensor) -> Tensor:
    """Interpolates scores to the height and width of a picture."""
    return F.interpolate(scores, size=picture.shape[-2:], mode="bilinear", align_corners=False)


class SegmentationOptions(TypedDict, total=False):
    """Empty: the builders of FCN and DeepLabV3 have no more options than they name."""


def wants_auxiliary(weights: WeightsEnum | str | None, aux_loss: bool | None) -> bool:
    """Whether the network has the second head. The published weights all have it; a file may say that its own have not.

    Raises:
        ValueError: If it is not wanted although the weights have it.
    """
    if weights is None:
        return bool(aux_loss)
    if aux_loss is not None and not aux_loss:
        if isinstance(weights, WeightsEnum) and weights.arguments.get("aux_loss") is False:
            return False
        raise ValueError(
            f"{weights} have an auxiliary head, so aux_loss must be True; got {aux_loss!r}. "
            "Build with these weights and set aux_classifier to None, or build with weights=None."
        )
    return True


def resnet_features(
    make: Callable[..., nn.Module], weights: WeightsEnum | None, progress: bool, aux: bool
) -> IntermediateLayerGetter:
    """A ResNet whose last two stages are dilated, so that its features are an eighth of the picture's size.

    Args:
        make: The builder of a ResNet of bottleneck blocks.
        weights: The ResNet's own entry, or `None`.
        progress: Whether a download shows how far it is.
        aux: Whether the third stage's features, 1024 channels, are given as `"aux"`, beside the fourth's, 2048 channels
            under `"out"`.
    """
    backbone = make(replace_stride_with_dilation=[False, True, True])
    # After its own initialisation, which is to draw the same random numbers with weights and without.
    if weights is not None:
        load(backbone, weights, progress)
    return IntermediateLayerGetter(backbone, {"layer3": "aux", "layer4": "out"} if aux else {"layer4": "out"})


def mobilenet_features(
    make: Callable[..., nn.Module], weights: WeightsEnum | None, progress: bool, names: Mapping[str, str]
) -> tuple[IntermediateLayerGetter, int, int]:
    """A MobileNetV3 whose last blocks are dilated, so that its last features are a 16th of the picture's size.

    Args:
        make: The builder of a MobileNetV3.
        weights: The MobileNetV3's own entry, or `None`.
        progress: Whether a download shows how far it is.
        names: The names under which the features are given: `"high"` are the last, `"low"` those of an eighth of the
            picture's size.

    Returns:
        The backbone, the channels of the low features, and those of the high ones.
    """
    network = make(dilated=True)
    if weights is not None:
        load(network, weights, progress)
    features = network.get_submodule("features")
    blocks = list(features.children())
    # The first convolution halves the picture; the marked blocks give a quarter, an eighth, …
    _, low, *_ = (number for number, block in enumerate(blocks) if getattr(block, "_is_cn", False))
    places = {"low": low, "high": len(blocks) - 1}
    backbone = IntermediateLayerGetter(features, {str(places[place]): name for place, name in names.items()})
    low_channels, high_channels = (int(getattr(blocks[place], "out_channels")) for place in places.values())  # noqa: B009
    return backbone, low_channels, high_channels


class FCNHead(nn.Sequential):
    """A 3×3 convolution to a quarter of the channels, and the layer that scores each position.

    Args:
        in_channels: Channels that come in.
        channels: How many scores each position gets.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        inside = in_channels // 4
        super().__init__(
            nn.Conv2d(in_channels, inside, 3, padding=1, bias=False),
            nn.BatchNorm2d(inside),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv2d(inside, channels, 1),
        )
