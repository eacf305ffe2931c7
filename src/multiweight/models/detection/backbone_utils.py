"""Classification networks as backbones of detectors: which stages give features, and which are trained.

Paper: Feature Pyramid Networks for Object Detection, https://arxiv.org/abs/1612.03144

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum, get_model_weights, list_models
from multiweight.errors import UnknownModelError, suggestions
from multiweight.layers import ExtraFPNBlock, FeaturePyramidNetwork, FrozenBatchNorm2d, LastLevelMaxPool
from multiweight.models._builder import _Source, _take_legacy, _take_positional, load, warn
from multiweight.models._features import IntermediateLayerGetter
from multiweight.models._registry import get_model_builder
from multiweight.models.mobilenetv2 import MobileNetV2
from multiweight.models.mobilenetv3 import MobileNetV3
from multiweight.models.resnet import ResNet

__all__ = ["BackboneWithFPN", "mobilenet_backbone", "overwrite_eps", "resnet_fpn_backbone"]

P = ParamSpec("P")
M = TypeVar("M", bound=nn.Module)

_OUT_CHANNELS = 256


class BackboneWithFPN(nn.Module):
    """A network with a feature pyramid on some of its layers.

    Args:
        backbone: The network, whose `forward` calls its children one after the other.
        return_layers: The names of the children whose outputs are taken, each with the name of its pyramid level.
        in_channels_list: How many channels each of these has.
        out_channels: How many channels every level gets.
        extra_blocks: Makes further levels from these; unless given, `LastLevelMaxPool`.
        norm_layer: Makes a normalisation from a number of channels, for the pyramid; `None` for none.

    Raises:
        InputError: If the network has no such child.
    """

    def __init__(
        self,
        backbone: nn.Module,
        return_layers: Mapping[str, str],
        in_channels_list: Sequence[int],
        out_channels: int,
        extra_blocks: ExtraFPNBlock | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.body = IntermediateLayerGetter(backbone, return_layers)
        self.fpn = FeaturePyramidNetwork(
            list(in_channels_list), out_channels, extra_blocks or LastLevelMaxPool(), norm_layer
        )
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """From pictures `(N, 3, H, W)` to levels `(N, out_channels, h, w)` by name, of falling size."""
        return self.fpn(self.body(x))


def _takes_old_calls(function: Callable[P, M]) -> Callable[P, M]:
    """Lets a function of `backbone_name` and `weights` be called as before: with positions, or `pretrained=True`."""
    names = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def build_backbone(*args: Any, **kwargs: Any) -> M:
        if args:
            _take_positional(function.__name__, names, args, kwargs)
        weights = kwargs.get("weights")
        if "backbone_name" in kwargs and ("pretrained" in kwargs or isinstance(weights, int)):
            enum = get_model_weights(kwargs["backbone_name"])
            source = _Source("weights", "pretrained", enum, enum.legacy)
            kwargs["weights"] = _take_legacy(function.__name__, source, kwargs)
        return function(**kwargs)  # pyright: ignore[reportCallIssue]

    return build_backbone


@_takes_old_calls
def resnet_fpn_backbone(
    *,
    backbone_name: str,
    weights: WeightsEnum | str | None,
    norm_layer: Callable[..., nn.Module] = FrozenBatchNorm2d,
    trainable_layers: int = 3,
    returned_layers: Sequence[int] | None = None,
    extra_blocks: ExtraFPNBlock | None = None,
) -> BackboneWithFPN:
    """A ResNet with a feature pyramid.

    Args:
        backbone_name: The variant: `resnet50`, `resnext101_32x8d`, `wide_resnet50_2` …
        weights: An entry of the variant, its name, or `None` for random initial tensors.
        norm_layer: Makes a normalisation from a number of channels, for the ResNet.
        trainable_layers: How many stages are trained, from the last one: 0 to 5, where 5 is all of it.
        returned_layers: The stages that give features, of 1 to 4; unless given, all four.
        extra_blocks: Makes further levels of the pyramid; unless given, `LastLevelMaxPool`.

    Returns:
        A network that gives levels `(N, 256, h, w)`, named `"0"`, `"1"`, … and `"pool"`.

    Raises:
        UnknownModelError: If there is no such ResNet.
        ValueError: If a number is out of range.
    """
    backbone = _classifier(("resnet",), backbone_name, weights, norm_layer)
    return _resnet_fpn_extractor(backbone, trainable_layers, returned_layers, extra_blocks)


@_takes_old_calls
def mobilenet_backbone(
    *,
    backbone_name: str,
    weights: WeightsEnum | str | None,
    fpn: bool,
    norm_layer: Callable[..., nn.Module] = FrozenBatchNorm2d,
    trainable_layers: int = 2,
    returned_layers: Sequence[int] | None = None,
    extra_blocks: ExtraFPNBlock | None = None,
) -> nn.Module:
    """A MobileNet, with a feature pyramid or with one map of features.

    Args:
        backbone_name: The variant: `mobilenet_v2`, `mobilenet_v3_large` or `mobilenet_v3_small`.
        weights: An entry of the variant, its name, or `None` for random initial tensors.
        fpn: Whether there is a pyramid.
        norm_layer: Makes a normalisation from a number of channels, for the MobileNet.
        trainable_layers: How many stages are trained, from the last one; a stage begins where height and width halve.
        returned_layers: The stages that give features to the pyramid, from 0 on; unless given, the last two.
        extra_blocks: Makes further levels of the pyramid; unless given, `LastLevelMaxPool`.

    Returns:
        A network that gives levels `(N, 256, h, w)` by name, or one map `(N, 256, h, w)`.

    Raises:
        UnknownModelError: If there is no such MobileNet.
        ValueError: If a number is out of range.
    """
    backbone = _classifier(("mobilenetv2", "mobilenetv3"), backbone_name, weights, norm_layer)
    return _mobilenet_extractor(backbone, fpn, trainable_layers, returned_layers, extra_blocks)


def _classifier(families: tuple[str, ...], name: str, weights: Any, norm_layer: Callable[..., nn.Module]) -> Any:
    """A network of one of these families, by its name."""
    modules = {f"multiweight.models.{family}" for family in families}
    builders = {variant: get_model_builder(variant) for variant in list_models(module="multiweight.models")}
    known = [variant for variant, build in builders.items() if build.__module__ in modules]
    if name not in known:
        kind = "MobileNet" if "mobilenetv2" in families else "ResNet"
        raise UnknownModelError(f"No {kind} has the name {name!r}.{suggestions(name, known)}")
    entry = None if weights is None else get_model_weights(name).verify(weights)
    return with_weights(builders[name](norm_layer=norm_layer), entry, progress=True)


def with_weights(network: M, weights: WeightsEnum | str | None, progress: bool) -> M:
    """A network that is initialised already, with an entry's tensors where there is one.

    A network with an entry's tensors is usually built without drawing random numbers. Here they are drawn all the
    same: what is built after the backbone then gets the same ones with and without weights of the backbone.

    Args:
        network: The network.
        weights: The entry, or `None`.
        progress: Whether a download shows how far it is.
    """
    if isinstance(weights, WeightsEnum):
        load(network, weights, progress)
    return network


def _resnet_fpn_extractor(
    backbone: ResNet,
    trainable_layers: int,
    returned_layers: Sequence[int] | None = None,
    extra_blocks: ExtraFPNBlock | None = None,
    norm_layer: Callable[..., nn.Module] | None = None,
) -> BackboneWithFPN:
    """A feature pyramid on stages 1 to 4 of a ResNet; see `resnet_fpn_backbone`."""
    if not 0 <= trainable_layers <= 5:
        raise ValueError(f"trainable_layers is from 0 to 5 for a ResNet; got {trainable_layers}.")
    stages = [1, 2, 3, 4] if returned_layers is None else list(returned_layers)
    if not stages or min(stages) < 1 or max(stages) > 4:
        raise ValueError(f"returned_layers are stages from 1 to 4 of the ResNet; got {stages}.")
    trained = ("layer4", "layer3", "layer2", "layer1", "conv1")[:trainable_layers]
    for name, parameter in backbone.named_parameters():
        # The first normalisation belongs to the first convolution, yet it is trained only where everything is.
        if not name.startswith(trained) and trainable_layers < 5:
            parameter.requires_grad_(False)
    names = {f"layer{stage}": str(level) for level, stage in enumerate(stages)}
    channels = [backbone.inplanes // 8 * 2 ** (stage - 1) for stage in stages]
    return BackboneWithFPN(backbone, names, channels, _OUT_CHANNELS, extra_blocks, norm_layer)


def _mobilenet_extractor(
    backbone: MobileNetV2 | MobileNetV3,
    fpn: bool,
    trainable_layers: int,
    returned_layers: Sequence[int] | None = None,
    extra_blocks: ExtraFPNBlock | None = None,
    norm_layer: Callable[..., nn.Module] | None = None,
) -> nn.Module:
    """A feature pyramid, or one map of features, on the stages of a MobileNet; see `mobilenet_backbone`."""
    layers: Any = backbone.features
    # A stage begins where height and width halve; the last layer is one of its own.
    starts = [0, *(place for place, layer in enumerate(layers) if getattr(layer, "_is_cn", False)), len(layers) - 1]
    count = len(starts)
    if not 0 <= trainable_layers <= count:
        raise ValueError(f"trainable_layers is from 0 to {count} for this MobileNet; got {trainable_layers}.")
    frozen = len(layers) if trainable_layers == 0 else starts[count - trainable_layers]
    for layer in layers[:frozen]:
        layer.requires_grad_(False)
    if not fpn:
        reduced: Any = nn.Sequential(layers, nn.Conv2d(layers[-1].out_channels, _OUT_CHANNELS, 1))
        reduced.out_channels = _OUT_CHANNELS
        return reduced
    stages = [count - 2, count - 1] if returned_layers is None else list(returned_layers)
    if not stages or min(stages) < 0 or max(stages) >= count:
        raise ValueError(f"returned_layers are stages from 0 to {count - 1} of this MobileNet; got {stages}.")
    names = {str(starts[stage]): str(level) for level, stage in enumerate(stages)}
    channels = [layers[starts[stage]].out_channels for stage in stages]
    return BackboneWithFPN(layers, names, channels, _OUT_CHANNELS, extra_blocks, norm_layer)


def _validate_trainable_layers(
    is_trained: bool, trainable_backbone_layers: int | None, max_value: int, default_value: int
) -> int:
    """How many stages of a backbone are trained: all of them where nothing is pretrained.

    Args:
        is_trained: Whether the backbone, or the whole network, is pretrained.
        trainable_backbone_layers: How many are asked for, or `None`.
        max_value: How many there are.
        default_value: How many are trained where nothing is asked for.

    Raises:
        ValueError: If there are not as many.
    """
    if not is_trained:
        if trainable_backbone_layers is not None:
            warn(
                f"trainable_backbone_layers={trainable_backbone_layers} has no effect without pretrained weights: all "
                f"{max_value} stages are trained."
            )
        return max_value
    layers = default_value if trainable_backbone_layers is None else trainable_backbone_layers
    if not 0 <= layers <= max_value:
        raise ValueError(f"trainable_backbone_layers is from 0 to {max_value}; got {layers}.")
    return layers


def overwrite_eps(model: nn.Module, eps: float | None) -> None:
    """Sets what all frozen normalisations of a network add to the variance; `None` leaves it.

    The first published detectors were trained when that was nothing.
    """
    for module in model.modules():
        if eps is not None and isinstance(module, FrozenBatchNorm2d):
            module.eps = eps
