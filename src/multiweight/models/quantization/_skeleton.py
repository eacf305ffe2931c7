"""Quantized networks without numbers, kept for the next of the same kind: tracing takes longer than reading a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from multiweight.layers.quantized import QuantizedLayer
from multiweight.models._builder import without_initialisation
from multiweight.models.quantization._graph import Region, assemble, regions
from multiweight.models.quantization._network import QuantizedNetwork

_MOST = 32
_KEPT: dict[str, Region] = {}


def skeleton(network: Callable[[], nn.Module], *, stepwise: bool, keep: bool = True) -> tuple[nn.Module, Region | None]:
    """A quantized network whose numbers are yet to be filled in.

    Args:
        network: Makes the network in float; a `functools.partial` of plain arguments is recognised when it comes again.
        stepwise: As for `regions`.
        keep: Whether it may be one that was made before, for which there is no float network any more.

    Returns:
        The network, in evaluation mode, and the region that it is; `None` where only parts of it are quantized.
    """
    key = _key(network, stepwise) if keep else None
    if key is None or key not in _KEPT:
        with without_initialisation():
            in_float = network().eval()
        parts = list(regions(in_float, stepwise=stepwise))
        result = assemble(in_float, parts).eval()
        if [part.path for part in parts] != [""]:
            return result, None
        if key is None:
            return result, parts[0]
        if len(_KEPT) >= _MOST:
            _KEPT.clear()
        for module in result.modules():
            _empty(module)
        _KEPT[key] = replace(parts[0], root=nn.Module())
    kept = _KEPT[key]
    new: Any = _copied(kept.quantized)
    return new, replace(kept, quantized=new)


def _key(network: Callable[[], nn.Module], stepwise: bool) -> str | None:
    """What a network is made of, if that is a class or function and plain arguments."""
    if not isinstance(network, partial):
        return None
    said = [_plain(each) for each in (network.func, network.args, network.keywords)]
    return None if None in said else f"{said} {stepwise}"


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, int | float | str):
        return repr(value)
    if isinstance(value, Mapping):
        value = [*value.items()]
    if isinstance(value, Sequence):
        parts = [_plain(each) for each in value]
        return None if None in parts else f"({', '.join(map(str, parts))})"
    name = getattr(value, "__qualname__", "<")
    return None if "<" in name else f"{value.__module__}.{name}"


def _empty(module: nn.Module) -> None:
    """Lets tensors that a file will replace have their shape and no memory."""
    persistent = module.state_dict().keys()
    for name, each in module.named_parameters(recurse=False):
        setattr(module, name, nn.Parameter(_stretched(each), requires_grad=each.requires_grad))
    for name, each in module.named_buffers(recurse=False):
        if name in persistent:
            setattr(module, name, _stretched(each))


def _stretched(tensor: Tensor) -> Tensor:
    return torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)


def _copied(module: nn.Module) -> nn.Module:
    """The same module again, with the same tensors: faster by far than constructing it."""
    new = object.__new__(type(module))
    for name, value in vars(module).items():
        new.__dict__[name] = value.copy() if isinstance(value, dict | list | set) else value
    for name, child in module._modules.items():
        new._modules[name] = None if child is None else _copied(child)
    if isinstance(new, QuantizedLayer | QuantizedNetwork):
        new.forget()
    return new
