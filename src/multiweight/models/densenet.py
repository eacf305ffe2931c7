"""DenseNet.

Papers:
    Densely Connected Convolutional Networks, https://arxiv.org/abs/1608.06993
    Memory-Efficient Implementation of DenseNets, https://arxiv.org/abs/1707.06990

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from multiweight.catalogue.densenet import (
    DenseNet121_Weights,
    DenseNet161_Weights,
    DenseNet169_Weights,
    DenseNet201_Weights,
)
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = [
    "DenseNet",
    "DenseNet121_Weights",
    "DenseNet161_Weights",
    "DenseNet169_Weights",
    "DenseNet201_Weights",
    "DenseNetOptions",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
]


class _DenseLayer(nn.Module):
    """A layer of DenseNet-B: a 1×1 convolution that narrows, a 3×3 one, each after norm and ReLU (section 3).

    Args:
        num_input_features: Channels that come in.
        growth_rate: Channels that come out: the paper's k.
        bn_size: The 1×1 convolution gives `bn_size * growth_rate` channels; 4 in the paper.
        drop_rate: Probability that an element of the output is zeroed in training.
        memory_efficient: Whether training keeps only what comes in and computes the narrow features again for the
            gradients.
    """

    def __init__(
        self, num_input_features: int, growth_rate: int, bn_size: int, drop_rate: float, memory_efficient: bool = False
    ) -> None:
        super().__init__()
        width = bn_size * growth_rate
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, width, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, growth_rate, 3, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def _narrow(self, inputs: list[Tensor]) -> Tensor:
        return self.conv1(self.relu1(self.norm1(torch.cat(inputs, 1))))

    @torch.jit.unused
    def _narrow_without_keeping(self, inputs: list[Tensor]) -> Tensor:
        return checkpoint(lambda *tensors: self._narrow(list(tensors)), *inputs, use_reentrant=False)

    def _keeps_nothing(self, inputs: list[Tensor]) -> bool:
        # A loop, because TorchScript has no generator expressions.
        if self.memory_efficient:
            for tensor in inputs:
                if tensor.requires_grad:
                    return True
        return False

    def forward(self, input: Tensor | list[Tensor]) -> Tensor:
        """From features `(N, C, H, W)`, one or several tensors of them, to `(N, growth_rate, H, W)`."""
        inputs = [input] if isinstance(input, Tensor) else input
        if self._keeps_nothing(inputs):
            if torch.jit.is_scripting():  # pyright: ignore[reportPrivateImportUsage]
                raise RuntimeError("A scripted DenseNet cannot train with memory_efficient=True; build it without.")
            narrow = self._narrow_without_keeping(inputs)
        else:
            narrow = self._narrow(inputs)
        x = self.conv2(self.relu2(self.norm2(narrow)))
        if self.drop_rate > 0:
            x = F.dropout(x, self.drop_rate, self.training)
        return x

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        # Published files are older than the rule that a module's name has no dot: `norm.1.weight`.
        if f"{prefix}norm.1.weight" in state_dict:
            for old in [key for key in state_dict if key.startswith((f"{prefix}norm.", f"{prefix}conv."))]:
                kind, number_and_rest = old.removeprefix(prefix).split(".", 1)
                state_dict[f"{prefix}{kind}{number_and_rest}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


class _DenseBlock(nn.ModuleDict):
    """Layers each of which sees the block's input and what all layers before it gave (figure 1).

    Args:
        num_layers: How many layers.
        num_input_features: Channels that come in; `num_input_features + num_layers * growth_rate` come out.
        bn_size: See `_DenseLayer`.
        growth_rate: Channels that each layer adds.
        drop_rate: See `_DenseLayer`.
        memory_efficient: See `_DenseLayer`.
    """

    _version = 2

    def __init__(
        self,
        num_layers: int,
        num_input_features: int,
        bn_size: int,
        growth_rate: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        for number in range(num_layers):
            width = num_input_features + number * growth_rate
            layer = _DenseLayer(width, growth_rate, bn_size, drop_rate, memory_efficient)
            self.add_module(f"denselayer{number + 1}", layer)

    def forward(self, init_features: Tensor) -> Tensor:
        """From `(N, C, H, W)` to `(N, C + num_layers * growth_rate, H, W)`."""
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return torch.cat(features, 1)


class _Transition(nn.Sequential):
    """What lies between two blocks: fewer channels, half the height and width.

    Args:
        num_input_features: Channels that come in.
        num_output_features: Channels that come out.
    """

    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, 1, bias=False)
        self.pool = nn.AvgPool2d(2, stride=2)


class DenseNet(nn.Module):
    """A densely connected network: DenseNet-BC, the paper's with narrow layers and with compression.

    Args:
        growth_rate: Channels that each layer adds: the paper's k.
        block_config: How many layers each block has.
        num_init_features: Channels of the first convolution; 2k in the paper.
        bn_size: A layer's 1×1 convolution gives `bn_size * growth_rate` channels.
        drop_rate: Probability that an element of a layer's output is zeroed in training.
        num_classes: How many scores come out.
        memory_efficient: Whether training computes the inner features of the layers twice instead of keeping them:
            much less memory, about a fifth slower. Not in TorchScript.
    """

    stem_name = "features.conv0"
    head_name = "classifier"

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: Sequence[int] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv0=nn.Conv2d(3, num_init_features, 7, stride=2, padding=3, bias=False),
                norm0=nn.BatchNorm2d(num_init_features),
                relu0=nn.ReLU(inplace=True),
                pool0=nn.MaxPool2d(3, stride=2, padding=1),
            )
        )
        width = num_init_features
        for number, num_layers in enumerate(block_config, start=1):
            block = _DenseBlock(num_layers, width, bn_size, growth_rate, drop_rate, memory_efficient)
            self.features.add_module(f"denseblock{number}", block)
            width += num_layers * growth_rate
            if number < len(block_config):
                # Compression by θ = 0.5, section 3.
                self.features.add_module(f"transition{number}", _Transition(width, width // 2))
                width //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, C, H/32, W/32)`, before anything is pooled."""
        return F.relu(self.features(x), inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        x = self.forward_features(x)
        x = F.adaptive_avg_pool2d(x, (1, 1)).flatten(1)  # (N, C)
        return self.classifier(x)


class DenseNetOptions(AdaptingOptions, total=False):
    """What a builder of this family passes on to `DenseNet`, where each is explained."""

    bn_size: int
    drop_rate: float
    num_classes: int
    memory_efficient: bool


@builder(DenseNet121_Weights, DenseNetOptions)
def densenet121(
    *, weights: DenseNet121_Weights | str | None = None, progress: bool = True, **options: Unpack[DenseNetOptions]
) -> DenseNet:
    """DenseNet-121 (k = 32, table 1 of the paper)."""
    return build(DenseNet, weights, progress, 32, (6, 12, 24, 16), 64, **options)


@builder(DenseNet161_Weights, DenseNetOptions)
def densenet161(
    *, weights: DenseNet161_Weights | str | None = None, progress: bool = True, **options: Unpack[DenseNetOptions]
) -> DenseNet:
    """DenseNet-161 (k = 48), see https://github.com/liuzhuang13/DenseNet."""
    return build(DenseNet, weights, progress, 48, (6, 12, 36, 24), 96, **options)


@builder(DenseNet169_Weights, DenseNetOptions)
def densenet169(
    *, weights: DenseNet169_Weights | str | None = None, progress: bool = True, **options: Unpack[DenseNetOptions]
) -> DenseNet:
    """DenseNet-169 (k = 32, table 1 of the paper)."""
    return build(DenseNet, weights, progress, 32, (6, 12, 32, 32), 64, **options)


@builder(DenseNet201_Weights, DenseNetOptions)
def densenet201(
    *, weights: DenseNet201_Weights | str | None = None, progress: bool = True, **options: Unpack[DenseNetOptions]
) -> DenseNet:
    """DenseNet-201 (k = 32, table 1 of the paper)."""
    return build(DenseNet, weights, progress, 32, (6, 12, 48, 32), 64, **options)
