"""From what a float network computes on some pictures to the scales and zero points of its quantized form."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from multiweight.catalogue import get_model_weights
from multiweight.catalogue._registry import QUANTIZED
from multiweight.errors import InputError
from multiweight.layers.quantized import QuantizedConv2d, QuantizedFunction, QuantizedLayer, QuantizedLinear
from multiweight.models._origin import Origin, own_arguments
from multiweight.models._registry import get_model_builder
from multiweight.models.quantization._graph import Region, Source, assemble, regions

_BINS = 2048
_LEVELS = 255
_NOTHING = 1e-30
"""A range whose scale, or the reciprocal of that, float32 has no room for."""


class Histogram:
    """Counts of the values that one tensor of a network takes, and the range that is best kept of them.

    Bins are as wide as a power of two and begin at its multiples, so that they can be joined when the range grows, and
    no count is ever guessed.
    """

    def __init__(self) -> None:
        self._width = 0.0
        self._first = 0
        self._counts = torch.zeros(0, dtype=torch.float64)
        self.least = math.inf
        self.most = -math.inf

    def add(self, x: Tensor) -> None:
        """Counts values.

        Raises:
            InputError: If one of them is not finite.
        """
        x = x.detach().float().flatten()
        if x.numel() == 0:
            return
        least, most = (each.item() for each in x.aminmax())
        if not (math.isfinite(least) and math.isfinite(most)):
            raise InputError("The network gives values that are not finite on these pictures; it cannot be quantized.")
        self.least, self.most = min(self.least, least), max(self.most, most)
        if self.least == self.most == 0:
            return
        wide = max(self.most, 0) - min(self.least, 0)
        self._widen(2.0 ** math.ceil(math.log2(wide / (_BINS - 1))))
        first, last = (math.floor(each / self._width) for each in (min(self.least, 0), max(self.most, 0)))
        counts = torch.zeros(last - first + 1, dtype=torch.float64)
        counts[self._first - first : self._first - first + len(self._counts)] = self._counts
        counts += torch.histc(x, len(counts), first * self._width, (last + 1) * self._width).double()
        self._first, self._counts = first, counts

    def _widen(self, width: float) -> None:
        """Joins neighbouring bins until they are as wide."""
        while 0 < self._width < width:
            if self._first % 2:
                self._first, self._counts = self._first - 1, nn.functional.pad(self._counts, (1, 0))
            if len(self._counts) % 2:
                self._counts = nn.functional.pad(self._counts, (0, 1))
            self._first, self._counts = self._first // 2, self._counts.view(-1, 2).sum(1)
            self._width *= 2
        self._width = self._width or width

    def numbers(self) -> tuple[float, int]:
        """The scale and the zero point with which the values lose least, in the mean square.

        Values beyond the range that they span are cut off; 0 is always exact.
        """
        low, high = min(self.least, 0.0), max(self.most, 0.0)
        if high - low < _NOTHING:
            return 1.0, 0
        centres = (torch.arange(len(self._counts), dtype=torch.float64) + self._first + 0.5) * self._width
        shares = torch.linspace(1, 0.3, 71, dtype=torch.float64)
        # One end after the other, twice: what is best for one depends on the other a little.
        for _ in range(2):
            highs = high if high == 0 else shares * max(self.most, 0.0)
            high = self._best(centres, torch.full_like(shares, low), highs * torch.ones_like(shares))[1]
            lows = low if low == 0 else shares * min(self.least, 0.0)
            low = self._best(centres, lows * torch.ones_like(shares), torch.full_like(shares, high))[0]
        return _numbers(low, high)

    def _best(self, centres: Tensor, low: Tensor, high: Tensor) -> tuple[float, float]:
        scale = ((high - low) / _LEVELS).clamp_min(1e-30)[:, None]
        zero_point = (-low[:, None] / scale).round()
        kept = (((centres / scale).round() + zero_point).clamp(0, _LEVELS) - zero_point) * scale
        best = ((kept - centres).square() * self._counts).sum(1).argmin()
        return low[best].item(), high[best].item()


def quantize(
    model: nn.Module, pictures: Iterable[Tensor | Sequence[Any]], *, per_channel: bool = True, stepwise: bool = False
) -> nn.Module:
    """Makes the 8-bit form of a float network: post-training static quantization.

    Weights become int8, symmetric, with a scale a channel; activations uint8, with the range that loses least on the
    pictures. Batch norms are folded into convolutions; additions, concatenations and pooling between quantized layers
    work on whole numbers; attention, layer norm and gates stay in float.

    ```python
    batches = (batch for batch, _ in loader)
    quantized = multiweight.quantize(resnet50(weights="DEFAULT"), batches)
    ```

    Args:
        model: A float network for classification. It stays as it is.
        pictures: Batches (N, 3, H, W) as the network takes them, a few hundred pictures in all; or tuples and lists
            that begin with one, as data loaders give.
        per_channel: Whether a weight has a scale for each output channel, or one.
        stepwise: Whether every operation rounds its result to 8 bits, as torch's eager quantization did. For
            comparison: it is slower and less accurate.

    Returns:
        The quantized network, in evaluation mode.

    Raises:
        InputError: If there are no pictures, the network has nothing to quantize, or it gives values that are not
            finite.
    """
    # A network that is not one part is changed in place, and must not be the caller's.
    network = copy.deepcopy(model).eval()
    parts = list(regions(network, stepwise=stepwise))
    if not parts:
        raise InputError(f"{type(model).__name__} has no convolution and no linear layer that can be quantized.")
    watched = [_Watched(part) for part in parts]
    running: Any = watched[0] if parts[0].path == "" else network
    for part, each in zip(parts, watched, strict=True):
        if part.path:
            parent, _, name = part.path.rpartition(".")
            setattr(network.get_submodule(parent), name, each)
    device = next((each.device for each in network.parameters()), torch.device("cpu"))
    number = 0
    with torch.no_grad():
        for batch in pictures:
            first = batch if isinstance(batch, Tensor) else batch[0]
            running(first.to(device))
            number += len(first)
    if not number:
        raise InputError("Quantization looks at what the network computes on some pictures; got none.")
    for part, each in zip(parts, watched, strict=True):
        fill(
            part, {group: histogram.numbers() for group, histogram in each.histograms.items()}, per_channel=per_channel
        )
    result: Any = assemble(network, parts).eval()
    if (origin := vars(model).get("origin")) is not None:
        result.origin = _quantized_origin(model, origin)
    return result


def _quantized_origin(model: nn.Module, origin: Origin) -> Origin:
    """How the 8-bit form of a network came about."""
    enum = get_model_weights(f"{QUANTIZED}{origin.variant}")
    told = {**origin.arguments, **own_arguments(model, get_model_builder(str(enum.variant))), "quantize": True}
    # It has no auxiliary heads, whatever the float network has.
    told.pop("aux_logits", None)
    return replace(origin, variant=str(enum.variant), arguments=told)


class _Watched(nn.Module):
    """A region's float graph, run node by node, with a histogram for each group of tensors with the same numbers."""

    def __init__(self, region: Region) -> None:
        super().__init__()
        groups: dict[fx.Node, str] = {
            source.value: source.group for source in region.sources.values() if source.value is not None
        }
        self.histograms = {group: Histogram() for group in groups.values()}
        self.root = region.root
        self._run = _Interpreter(region, groups, self.histograms)

    def forward(self, *inputs: Any) -> Any:
        return self._run.run(*inputs)


class _Interpreter(fx.Interpreter):
    def __init__(self, region: Region, groups: Mapping[fx.Node, str], histograms: Mapping[str, Histogram]) -> None:
        super().__init__(region.root, graph=region.graph)
        self._groups, self._histograms = groups, histograms

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if n in self._groups:
            self._histograms[self._groups[n]].add(value)
        return value


def fill(part: Region, numbers: Mapping[str, tuple[float, int]], *, per_channel: bool) -> None:
    """Fills in the numbers of a region's quantized layers, from its float layers and the ranges of its values.

    Args:
        part: The region.
        numbers: Scale and zero point by group.
        per_channel: Whether a weight has a scale for each output channel, or one.
    """
    for path, source in part.sources.items():
        layer = part.quantized.get_submodule(path)
        if isinstance(layer, QuantizedFunction):
            # What a gate gives is known before: [0, 1].
            layer.set_numbers("", 1 / 256, 0)
        elif isinstance(layer, QuantizedLayer) and source.value is not None:
            layer.set_numbers("", *numbers[source.group])
    link(part)
    for path, source in part.sources.items():
        layer = part.quantized.get_submodule(path)
        if isinstance(layer, QuantizedConv2d | QuantizedLinear):
            weight, bias = folded(part.root, source)
            _set_weight(layer, weight, bias, per_channel=per_channel)


def link(part: Region) -> None:
    """Tells each layer the scale and zero point of what comes in: those with which it goes out elsewhere."""
    layers = dict(part.quantized.named_modules())  # at once, as each search for one takes longer than all else here
    for path, source in part.sources.items():
        layer = layers[path]
        if isinstance(layer, QuantizedLayer):
            for prefix, giver in source.inputs.items():
                of: dict[str, Any] = layers[giver]._buffers
                layer.set_numbers(prefix, of["scale"], of["zero_point"])


def _set_weight(layer: QuantizedConv2d | QuantizedLinear, weight: Tensor, bias: Tensor, *, per_channel: bool) -> None:
    largest = weight.abs().flatten(1).amax(1)
    largest = largest if per_channel else largest.max().expand_as(largest)
    scale = torch.where(largest > 0, largest / 127, 1.0).float().to(weight.dtype)
    whole = (weight / scale.view(-1, *[1] * (weight.ndim - 1))).round_().clamp_(-127, 127).to(torch.int8)
    if isinstance(layer, QuantizedLinear) or layer.padding == [0, 0]:
        # What the zero point adds to every sum is the same everywhere, and so belongs to the bias.
        numbers = layer.numbers
        step = numbers["input_zero_point"] * numbers["input_scale"] * scale.double()
        bias = bias - step * whole.flatten(1).sum(1, dtype=torch.int32)
        layer.set_numbers("input_", numbers["input_scale"], 0)
    layer.weight, layer.weight_scale, layer.bias = whole, scale.float(), bias.float()


def folded(root: nn.Module, source: Source, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Weight and bias of a float layer with its batch norm, computed in a dtype; without one the weight as it is."""
    layer: Any = root.get_submodule(source.layer or "")
    norm: Any = root.get_submodule(source.norm) if source.norm else None
    if isinstance(layer, nn.BatchNorm2d):
        # Alone, it is a convolution in which each channel sees only its own pixel.
        weight, bias, norm = torch.ones(layer.num_features, 1, 1, 1), None, layer
    else:
        weight, bias = layer.weight, layer.bias
    weight = weight.detach().cpu().float()
    bias = torch.zeros(len(weight), dtype=dtype) if bias is None else bias.detach().cpu().to(dtype)
    if norm is not None:
        gain, shift = (None if each is None else each.detach().cpu().to(dtype) for each in (norm.weight, norm.bias))
        mean, variance = (each.cpu().to(dtype) for each in (norm.running_mean, norm.running_var))
        reciprocal = (variance + norm.eps).rsqrt()
        gain = torch.ones_like(reciprocal) if gain is None else gain
        weight = weight.to(dtype) * (gain * reciprocal).view(-1, 1, 1, 1)
        bias = (bias - mean) * reciprocal * gain + (0.0 if shift is None else shift)
    return weight, bias


def _numbers(low: float, high: float) -> tuple[float, int]:
    scale = torch.tensor((high - low) / _LEVELS).item()
    return scale, min(_LEVELS, max(0, round(-low / scale)))
