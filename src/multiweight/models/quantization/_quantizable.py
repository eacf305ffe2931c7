"""What the builders of networks that can be quantized have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any, TypeVar

from torch import nn

from multiweight.catalogue import WeightsEnum, get_model_weights
from multiweight.catalogue._registry import QUANTIZED
from multiweight.errors import suggestions
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder, constructed, fixed, settled
from multiweight.models.quantization._build import quantized

M = TypeVar("M", bound=nn.Module)

PER_CHANNEL = {"fbgemm": True, "x86": True, "onednn": True, "qnnpack": False}
"""Whether weights have a scale for every channel that comes out, or one for a whole layer, by torch's backends."""


class QuantizableOptions(AdaptingOptions, total=False):
    """What every builder of a network that can be quantized can be told.

    Attributes:
        backend: For which of torch's backends a network with random tensors is quantized: `"fbgemm"`, `"x86"` and
            `"onednn"` have a scale for every channel, `"qnnpack"` one for a layer. Entries know theirs.
    """

    backend: str


def build_quantizable(
    network: Callable[..., M],
    weights: WeightsEnum | str | None,
    progress: bool,
    quantize: bool,
    /,
    *args: Any,
    usual: str = "fbgemm",
    ignore: tuple[str, ...] = (),
    **options: Any,
) -> M | nn.Module:
    """Builds a network in floating point, as `build` does, or quantized.

    Args:
        network: The network class, or a function that returns one.
        weights: The entry, or `None`: one of quantized weights if the network is to be quantized.
        progress: Whether a download shows how far it is.
        quantize: Whether the network is to be quantized.
        *args: What makes the variant, passed on to the network.
        usual: The backend unless the entry or the options name one.
        ignore: As for `build`.
        **options: The network's options, and `backend`.

    Raises:
        ValueError: If there is no such backend, the weights are for another one, or have another number of labels.
        StoreError: If the file cannot be had.
        WeightsFileError: If it cannot be read or does not fit.
    """
    if quantize and isinstance(weights, WeightsEnum) and "backend" in weights.meta:
        options = fixed(str(weights), options, backend=weights.meta["backend"])
    backend = options.pop("backend", usual)
    if backend not in PER_CHANNEL:
        near = suggestions(str(backend), PER_CHANNEL)
        raise ValueError(f"There is no backend {backend!r}.{near} It is one of {', '.join(PER_CHANNEL)}.")
    if not quantize:
        return build(network, weights, progress, *args, ignore=ignore, **options)
    entry, options = settled(weights, options)
    in_float = partial(constructed, network, *args, **options)
    return quantized(in_float, entry, progress, per_channel=PER_CHANNEL[backend])


@cache
def builder_of(variant: str) -> Callable[..., nn.Module]:
    """The builder of the quantized form of any variant of classification, as those that torchvision has.

    Args:
        variant: The variant in float.

    Raises:
        UnknownModelError: If there is no such variant of classification.
    """
    enum, in_float = get_model_weights(f"{QUANTIZED}{variant}"), get_model_weights(variant)
    module, _, name = in_float.builder.partition(":")
    network: Any = getattr(import_module(module), name)

    def build_variant(
        *, weights: Any = None, progress: bool = True, quantize: bool = False, **options: Any
    ) -> nn.Module:
        if not quantize:
            return network(weights=weights, progress=progress, **options)
        entry, options = settled(weights, options)
        return quantized(partial(constructed, network, **options), entry, progress, per_channel=True)

    build_variant.__name__ = build_variant.__qualname__ = name
    build_variant.__doc__ = f"The network of `{variant}`, in floating point, or quantized with weights of one's own."
    build_variant.__annotations__["weights"] = enum | in_float | str | None
    return builder(enum, network.options)(build_variant)


def check_heads(quantize: bool, aux_logits: bool) -> None:
    """Refuses auxiliary heads, which give a loss in training, where the network cannot be trained.

    Raises:
        ValueError: If both are true.
    """
    if quantize and aux_logits:
        raise ValueError("A quantized network only infers, so it has no auxiliary heads; got aux_logits=True.")
