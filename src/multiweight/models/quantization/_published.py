"""From the files of torch's eager quantization, which torchvision published, to the layers of a network of ours.

They hold one of two things: a quantized network (int8 weights, and the scales of all that is computed), or one that was
trained for quantization and is still in float, with the ranges that its values had (MobileNetV3).
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

from multiweight.errors import MismatchError
from multiweight.layers.quantized import QuantizedConv2d, QuantizedFunction, QuantizedLayer, QuantizedLinear
from multiweight.models._builder import mismatch
from multiweight.models.quantization._calibration import folded, link
from multiweight.models.quantization._graph import Region

# What the layers without weights are called there, and here.
_SPELLINGS = (
    (re.compile(r"^quant\."), "quantize."),
    (re.compile(r"\b(skip_add_relu|add_relu|skip_add)\."), "sum."),
    (re.compile(r"\bskip_mul\."), "product."),
    (re.compile(r"\bmyop1?\."), "cat."),
    (re.compile(r"\bmyop([23])\."), r"cat_\1."),
)
_AUXILIARY = re.compile(r"(aux1|aux2|AuxLogits)\.")
_OF_SUM = re.compile(r"\.sum\.(scale|zero_point)$")
_OBSERVED, _OF_WEIGHT = ".activation_post_process", ".weight_fake_quant"
_SHARE = 0.01  # of a new observation in a moving average
_LEAST_SCALE = torch.finfo(torch.float32).eps


def is_published(state: dict[str, Tensor]) -> bool:
    """Whether tensors are laid out as torch's eager quantization does, and not as the layers here."""
    return any(key.startswith("quant.") for key in state)


def is_in_training(state: dict[str, Tensor]) -> bool:
    """Whether tensors are of a network that was trained for quantization, and is still in float."""
    return any(_OBSERVED in key for key in state)


def fill_published(part: Region, state: dict[str, Tensor], *, source: str) -> None:
    """Fills in the numbers of a network from a published file.

    Args:
        part: The network, converted step by step.
        state: The file's tensors by name. Of a network in training, the region's float network gets them first.
        source: What they are, for the error.

    Raises:
        MismatchError: If tensors are missing, unexpected or of another shape, or weights have a zero point.
    """
    tensors = {_renamed(key): value for key, value in state.items() if not _AUXILIARY.match(key)}
    if is_in_training(tensors):
        tensors = _converted(part, tensors, source)
    missing: list[str] = []

    def take(key: str) -> Tensor:
        if key not in tensors:
            missing.append(key)
            return torch.zeros(())
        return tensors.pop(key)

    layers = dict(part.quantized.named_modules())
    wrong: list[str] = []
    pairs: dict[str, tuple[Tensor, Tensor]] = {}
    for path, of in part.sources.items():
        layer = layers[path]
        if isinstance(layer, QuantizedConv2d | QuantizedLinear):
            weight, scale, zero_point = (take(f"{path}.{name}") for name in _OF_WEIGHTED)
            bias = tensors.pop(f"{path}.bias", torch.zeros(len(layer.weight)))
            if zero_point.any():
                raise MismatchError(f"{source}: {path} has a weight with a zero point, which no published file has.")
            if weight.ndim and weight.shape != layer.weight.shape:
                wrong.append(f"{path}.weight {tuple(weight.shape)} instead of {tuple(layer.weight.shape)}")
            scales = scale.float().expand(len(layer.weight)).clone()
            # Not by setattr, which in a module takes longer than all the rest.
            layer._buffers.update(weight=weight, bias=bias.detach().float(), weight_scale=scales)
        if isinstance(layer, QuantizedFunction):
            layer.set_numbers("", 1 / 256, 0)
        elif isinstance(layer, QuantizedLayer) and of.value is not None:
            if of.group not in pairs:
                pairs[of.group] = take(f"{of.group}.scale"), take(f"{of.group}.zero_point")
            layer.set_numbers("", *pairs[of.group])
    # Every block there has a sum, of which those that have nothing to add never saw a value.
    tensors = {key: value for key, value in tensors.items() if not (_OF_SUM.search(key) and float(value) in (0, 1))}
    if missing or tensors or wrong:
        raise MismatchError(mismatch(source, missing, tensors, wrong))
    link(part)
    for path in part.sources:
        layer = layers[path]
        if isinstance(layer, QuantizedConv2d | QuantizedLinear):
            # torch hands its kernels reciprocals of scales, rounded to float32: of what
            # comes in, and of linear weights.
            if isinstance(layer, QuantizedLinear):
                layer.weight_scale = layer.weight_scale.reciprocal().reciprocal()
            layer.set_numbers("input_", layer.input_scale.reciprocal().reciprocal(), layer.input_zero_point)


_OF_WEIGHTED = ("weight", "weight_scale", "weight_zero_point")


def _renamed(key: str) -> str:
    if not any(word in key for word in ("quant.", "skip_", "add_relu", "myop")):
        return key
    for pattern, spelling in _SPELLINGS:
        key = pattern.sub(spelling, key)
    return key


def _converted(part: Region, tensors: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    """The tensors of a quantized network, from those of one trained for quantization."""
    left = {key: value for key, value in tensors.items() if _OBSERVED not in key and _OF_WEIGHT not in key}
    done: dict[str, Tensor] = {}
    for path, of in part.sources.items():
        layer = part.quantized.get_submodule(path)
        if isinstance(layer, QuantizedLayer) and of.value is not None and not isinstance(layer, QuantizedFunction):
            low, high = _observed(tensors, f"{of.group}{_OBSERVED}{_OBSERVED}", source)
            scale, zero_point = _range(low, high, levels=255)
            done[f"{of.group}.scale"], done[f"{of.group}.zero_point"] = scale, zero_point
        if of.layer is not None:
            float_layer: Any = part.root.get_submodule(of.layer)
            names = {"weight": f"{path}.weight", "bias": f"{path}.bias"}
            _load(float_layer, {name: left.pop(key) for name, key in names.items() if key in left}, path, source)
            if of.norm is not None:
                norm = part.root.get_submodule(of.norm)
                prefix = f"{path}.bn."
                of_norm = {key.removeprefix(prefix): left.pop(key) for key in list(left) if key.startswith(prefix)}
                _load(norm, of_norm, f"{path}.bn", source)
            weight, bias = folded(part.root, of, torch.float32)
            observed = _observed(tensors, f"{path}{_OF_WEIGHT}{_OBSERVED}", source)
            scale = _weight_scale(tensors, f"{path}{_OF_WEIGHT}", weight, *observed)
            # Times the reciprocal, as torch does it: some are rounded the other way.
            done[f"{path}.weight"] = (weight * scale.reciprocal()).round().clamp(-128, 127).to(torch.int8)
            done |= {
                f"{path}.weight_scale": scale.view(1),
                f"{path}.weight_zero_point": torch.zeros(1),
                f"{path}.bias": bias,
            }
    return {**done, **left}


def _load(layer: nn.Module, state: dict[str, Tensor], path: str, source: str) -> None:
    own = layer.state_dict()
    wrong = [f"{path}.{key}" for key in own if key in state and state[key].shape != own[key].shape]
    missing = [f"{path}.{key}" for key in own if key not in state]
    if wrong or missing:
        raise MismatchError(mismatch(source, missing, (), wrong))
    layer.load_state_dict(state, assign=True)


def _observed(tensors: dict[str, Tensor], prefix: str, source: str) -> tuple[Tensor, Tensor]:
    """The least and the largest value that an observer saw; infinite if it saw none."""
    names = f"{prefix}.min_val", f"{prefix}.max_val"
    if missing := [name for name in names if name not in tensors]:
        raise MismatchError(mismatch(source, missing, (), ()))
    return tensors[names[0]], tensors[names[1]]


def _weight_scale(tensors: dict[str, Tensor], prefix: str, weight: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The scale of a weight that was trained with one: what was observed, and this weight as one observation more."""
    seen_low, seen_high = weight.aminmax()
    if not (low.isfinite().all() and high.isfinite().all()):
        low, high = seen_low, seen_high
    elif tensors.get(f"{prefix}.observer_enabled", torch.ones(1)).any():
        low, high = low + _SHARE * (seen_low - low), high + _SHARE * (seen_high - high)
    largest = torch.maximum(-low.clamp(max=0), high.clamp(min=0)).reshape(())
    return (largest / 127.5).clamp_min(_LEAST_SCALE)


def _range(low: Tensor, high: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    if not (low.isfinite().all() and high.isfinite().all()):
        return torch.ones(()), torch.zeros(())
    low, high = low.clamp(max=0).reshape(()), high.clamp(min=0).reshape(())
    scale = ((high - low) / levels).clamp_min(_LEAST_SCALE)
    return scale, (-(low / scale).round()).clamp(0, levels)
