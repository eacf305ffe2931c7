"""Whether a network still gives the answers that it gave when its file was written.

A file's header holds a small input, as a rule for its numbers, and the first numbers of what came out. docs/files.md
says what is compared, and what difference is let pass.
"""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from multiweight.catalogue import Header, PresetSpec, WeightsEnum, get_model_weights, resolve
from multiweight.catalogue._file import PROBE, FileWeights
from multiweight.catalogue._registry import unquantized_variant
from multiweight.errors import HeaderError, ProbeError

_FIRST = 8
_MOST_OUTPUTS = 4
_SIDE, _FRAMES = 64, 4
_RANGES = {"detection": (-2.0, 2.0), "optical_flow": (-1.0, 1.0)}

TOLERANCES = {
    "float64": 1e-6,
    "float32": 1e-4,
    "float16": 2e-2,
    "bfloat16": 1e-1,
}
"""By how much answers may differ, by the dtype in which they are computed: relative to the size of the outputs."""

_ELSEWHERE = 2e-2
"""For float32 on an accelerator, where products may be rounded to 11 bits."""

_QUANTIZED = 2e-1
"""For networks of 8 bits, in which a number that is rounded the other way is off by a whole step."""

_STEPS = "num_flow_updates"
"""How many estimates of a flow are made, each from the one before; only the first is compared."""

_OUTPUTS, _HEADS = "outputs", "heads"


@dataclass(frozen=True)
class ProbeResult:
    """How far a network's answers are from those in its file.

    Attributes:
        difference: The largest difference of what was compared, relative to the size of the outputs.
        tolerance: What difference is let pass.
        recorded: What the file's answers were computed with: dtype, device and release of torch.
        computed: What these were computed with.
        same_largest: Whether the largest number of each output is in the same place.
    """

    difference: float
    tolerance: float
    recorded: str
    computed: str
    same_largest: bool

    @property
    def same(self) -> bool:
        """Whether the answers are the same, up to the tolerance."""
        return self.difference <= self.tolerance

    def __str__(self) -> str:
        verdict = "the same answers" if self.same else "OTHER ANSWERS"
        return (
            f"{verdict}: they differ by {self.difference:.1e} of their size ({self.tolerance:.0e} is let pass); "
            f"then {self.recorded}, now {self.computed}"
        )


def check_probe(
    model: Callable[..., Any],
    reference: str | os.PathLike[str] | WeightsEnum | Header,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> ProbeResult:
    """Asks a network what it was asked when its file was written, and compares the answers.

    ```python
    model, entry = multiweight.load("best.safetensors")
    print(multiweight.check_probe(torch.compile(model.half().cuda()), entry))
    ```

    Args:
        model: The network in any form that can be called: a module, a compiled one, an `ExportedProgram` or its module,
            in any dtype and memory format, on any device; or a function of tensors. Modules run in evaluation mode and
            have their own mode again afterwards.
        reference: The file, its entry or its header.
        device: Where the input goes; where the model is, unless said.
        dtype: The input's; the model's own unless said.

    Raises:
        HeaderError: If the file has no probe, or one that this form of the network cannot be asked; the text says why.
        ProbeError: If the input cannot go through the network, or what comes out is of another shape.
    """
    if not isinstance(reference, Header | WeightsEnum):
        reference = resolve(reference)
    probe = known_probe(reference)
    model = getattr(model, "module", model)() if isinstance(model, torch.export.ExportedProgram) else model
    place = _place_of(model, device, dtype)
    inputs = _inputs(probe, *place)
    if probe["of"] not in (_OUTPUTS, _HEADS):
        raise HeaderError(f"The probe is of the network's {probe['of']!r}, which this release does not know.")
    if probe["of"] == _HEADS and not _is_detector(model):
        raise HeaderError(
            f"The probe is of a detector's heads, which {type(model).__name__} has not: what a detector gives as a "
            "whole jumps with the last bit. Ask the network that it was made from."
        )
    try:
        outputs = _answers(model, inputs, probe["of"])
    except Exception as error:  # what a network raises at an input that it was not made for may be anything
        shapes = " and ".join(str(tuple(shape)) for shape in probe["inputs"])
        raise ProbeError(f"The probe's input of {shapes} cannot go through the network: {error}") from error
    shapes = [list(output.shape) for output in outputs]
    expected = [list(output["shape"]) for output in probe["outputs"]]
    if shapes != expected:
        raise ProbeError(f"The network answers with {shapes}, and did with {expected} when its file was written.")
    pairs = list(zip(probe["outputs"], map(_about, outputs), strict=True))
    quantized = any(each.dtype in (torch.int8, torch.uint8) for each in _tensors_of(model))
    then = {"dtype": probe["dtype"], "device": probe["device"]}
    now = {"dtype": str(place[1]).removeprefix("torch."), "device": place[0].type}
    return ProbeResult(
        difference=max(_difference(then, now) for then, now in pairs),
        tolerance=_QUANTIZED if quantized else max(_tolerance(**then), _tolerance(**now)),
        recorded=f"{then['dtype']} on {then['device']}, torch {probe['torch']}",
        computed=f"{now['dtype']} on {now['device']}, torch {torch.__version__}",
        same_largest=all(then["argmax"] == now["argmax"] for then, now in pairs),
    )


def probe_inputs(
    reference: str | os.PathLike[str] | WeightsEnum | Header,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, ...]:
    """What a network is asked by the probe of its file, to trace or export it with.

    Args:
        reference: The file, its entry or its header.
        device: Where it goes.
        dtype: Of the numbers, which are the same in every dtype.

    Returns:
        The arguments: a batch of one, or two of them for optical flow. For a detector they are what its backbone takes.

    Raises:
        HeaderError: If the file has no probe, or one of a later release.
    """
    if not isinstance(reference, Header | WeightsEnum):
        reference = resolve(reference)
    return _inputs(known_probe(reference), torch.device(device), dtype)


def take_probe(
    network: nn.Module,
    preset: PresetSpec,
    *,
    variant: str,
    arguments: Mapping[str, Any] | None = None,
    min_size: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Asks a network something small, for the header of its file.

    Args:
        network: The network, in any mode, dtype and place.
        preset: The preprocessing.
        variant: The network, as the catalogue calls it.
        arguments: What its builder was told.
        min_size: The smallest picture, height and width in pixels, where that is not the variant's.

    Returns:
        The field `probe`; where there are no answers to compare, `{"absent": why}`.
    """
    task = preset.task
    place = _place_of(network, None, None)
    low, high = _RANGES.get(task, (-2.0, 2.0))
    about: dict[str, Any] = {"version": PROBE, "range": [low, high]}
    about["of"] = _HEADS if task == "detection" else _OUTPUTS
    if task == "detection" and not _is_detector(network):
        return absent(f"{type(network).__name__} is a detector without a backbone and heads as ours have them")
    reason = ""
    for shape in _shapes(network, preset, variant, arguments or {}, min_size):
        about["inputs"] = [shape] * (2 if task == "optical_flow" else 1)
        try:
            answers = _answers(network, _inputs(about, *place), about["of"])
        except Exception as error:  # which of the sizes it takes is found out by trying
            reason = reason or f"{type(error).__name__}: {error}"
            continue
        if not answers or not all(answer.isfinite().all() and answer.numel() for answer in answers):
            return absent("the network gives no numbers, or some that are not finite")
        dtype, device = str(place[1]).removeprefix("torch."), place[0].type
        said = {"outputs": [_about(answer) for answer in answers], "dtype": dtype, "device": device}
        return {**about, **said, "torch": torch.__version__}
    return absent(f"the network takes no small input: {' '.join(reason.split())[:200]}")


def absent(reason: str) -> dict[str, Any]:
    """The probe of a file that has none, which says why."""
    return {"absent": reason}


def bare(model: nn.Module) -> nn.Module:
    """The network in the wrappers that train it on several devices, average or compile it."""
    wrappers = nn.DataParallel | nn.parallel.DistributedDataParallel | torch.optim.swa_utils.AveragedModel
    while True:
        if isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        elif isinstance(model, wrappers):
            model = getattr(model, "module")  # noqa: B009
        else:
            return model


def known_probe(reference: WeightsEnum | Header) -> Mapping[str, Any]:
    """The probe of a file, if this release can compare it.

    Raises:
        HeaderError: If there is none; the text says why.
    """
    header = reference.header if isinstance(reference, FileWeights) else reference
    probe = header.probe if isinstance(header, Header) else None
    name = f"{reference.variant}'s header" if isinstance(reference, Header) else str(reference)
    if probe is None:
        raise HeaderError(f"{name} has no probe. Files that multiweight.save writes have one.")
    if "absent" in probe:
        raise HeaderError(f"{name} has no probe: {probe['absent']}.")
    if probe["version"] != PROBE:
        raise HeaderError(f"{name} has a probe of version {probe['version']}; this release compares version {PROBE}.")
    return probe


def _shapes(
    network: nn.Module,
    preset: PresetSpec,
    variant: str,
    arguments: Mapping[str, Any],
    min_size: tuple[int, int] | None,
) -> Iterator[list[int]]:
    """The shapes of input to try, the smallest first."""
    of_variant = next(iter(get_model_weights(unquantized_variant(variant))), None)
    usual: Mapping[str, Any] = {} if of_variant is None else of_variant.meta
    least = min_size or usual.get("min_size") or (1, 1)
    channels = arguments.get("in_channels", 3)
    fixed: Any = getattr(getattr(network, "transform", None), "fixed_size", None)
    if fixed is not None:
        yield [1, channels, fixed[1], fixed[0]]
        return
    crop: Any = getattr(preset, "crop_size", None)
    whole: Any = (crop, crop) if isinstance(crop, int) else crop
    frames = [max(usual.get("min_temporal_size", 1), _FRAMES)] if preset.task == "video" else []
    small = [max(side, min(_SIDE, most)) for side, most in zip(least, whole or (_SIDE, _SIDE), strict=True)]
    yield [1, channels, *frames, *small]
    if whole and [*whole] != small:
        yield [1, channels, *(4 * each for each in frames), *whole]


def _inputs(probe: Mapping[str, Any], device: torch.device, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """The tensors that a probe describes: the same numbers everywhere, as nothing but whole ones is computed.

    Number i is a hash of i to 8 bits, k, as `low + (high - low) * k / 256`, which every floating dtype has exactly for
    the ranges that are used.
    """
    low, high = probe["range"]
    count = sum(math.prod(shape) for shape in probe["inputs"])
    # Products stay below 2⁶³.
    bits = torch.arange(count, dtype=torch.int64)
    for factor, shift in ((0x6C8E9CF5, 15), (0x5851F42D, 13)):
        bits = (((bits + 0x9E3779B9) & 0xFFFFFFFF) * factor) & 0xFFFFFFFF
        bits ^= bits >> shift
    numbers = ((bits >> 11) & 0xFF).double() * ((high - low) / 256) + low
    parts = numbers.split([math.prod(shape) for shape in probe["inputs"]])
    shaped = zip(parts, probe["inputs"], strict=True)
    return tuple(part.view(*shape).to(device, dtype) for part, shape in shaped)


def _tensors_of(model: Any) -> Iterator[Tensor]:
    if isinstance(model, nn.Module):
        yield from model.parameters()
        yield from model.buffers()


def _place_of(
    model: Any, device: torch.device | str | None, dtype: torch.dtype | None
) -> tuple[torch.device, torch.dtype]:
    """Where a network is, and the dtype that it computes in."""
    tensors = list(_tensors_of(model))
    if device is None:
        device = tensors[0].device if tensors else "cpu"
    if dtype is None:
        whole = any(tensor.dtype in (torch.int8, torch.uint8) for tensor in tensors)
        floats = [tensor.dtype for tensor in tensors if tensor.is_floating_point()]
        dtype = floats[0] if floats and not whole else torch.float32
    return torch.device(device), dtype


def _answers(model: Callable[..., Any], inputs: tuple[Tensor, ...], of: str) -> list[Tensor]:
    """What a network says to an input, in float32; of optical flow the first estimate alone.

    Later ones build on it, and so do the differences in it.
    """
    forked = [inputs[0].device] if inputs[0].device.type == "cuda" else []
    with (
        torch.random.fork_rng(forked),
        torch.no_grad(),
        torch.autocast(inputs[0].device.type, enabled=False),
        _evaluating(model),
    ):
        if of == _HEADS:
            answer = _heads(model, *inputs)
        elif isinstance(model, nn.Module) and _STEPS in inspect.signature(model.forward).parameters:
            answer = model(*inputs, **{_STEPS: 1})
        else:
            answer = model(*inputs)
        found = list(_flat(answer))
    return [each.detach().float().cpu() for each in found[: 1 if len(inputs) > 1 else _MOST_OUTPUTS]]


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """Puts every module into evaluation mode that is not, and back afterwards."""
    training = [module for module in model.modules() if module.training] if isinstance(model, nn.Module) else []
    # Not by eval(), which the modules of exported programs refuse.
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _flat(answer: Any) -> Iterator[Tensor]:
    """The tensors of whatever a network answers with, in order."""
    if isinstance(answer, Tensor):
        yield answer
    elif isinstance(answer, Mapping):
        for each in answer.values():
            yield from _flat(each)
    elif isinstance(answer, tuple | list):
        for each in answer:
            yield from _flat(each)
    elif hasattr(answer, "__array__"):
        yield torch.as_tensor(answer)


def _is_detector(model: Any) -> bool:
    return hasattr(model, "backbone") and (hasattr(model, "head") or hasattr(model, "roi_heads"))


def _heads(model: Any, pictures: Tensor) -> list[Any]:
    """What a detector's heads say of the features of a whole picture: all its weights, and nothing that jumps."""
    features = model.backbone(pictures)
    maps = [features] if isinstance(features, Tensor) else list(features.values())
    if not hasattr(model, "roi_heads"):
        return [model.head(maps)]
    heads = model.roi_heads
    found: list[Any] = [heads.box_predictor(heads.box_head(_pooled(maps[0], heads.box_roi_pool)))]
    if getattr(heads, "mask_predictor", None) is not None:
        found.append(heads.mask_predictor(heads.mask_head(_pooled(maps[0], heads.mask_roi_pool))))
    if getattr(heads, "keypoint_predictor", None) is not None:
        found.append(heads.keypoint_predictor(heads.keypoint_head(_pooled(maps[0], heads.keypoint_roi_pool))))
    return [*found, model.rpn.head(maps)[0][:1]]


def _pooled(features: Tensor, pool: Any) -> Tensor:
    return nn.functional.adaptive_avg_pool2d(features, tuple(pool.output_size))


def _about(output: Tensor) -> dict[str, Any]:
    flat = output.flatten()
    return {
        "shape": [*output.shape],
        # Nine digits tell all float32 apart.
        "first": [float(f"{number:.9g}") for number in flat[:_FIRST].tolist()],
        "norm": float(f"{flat.double().norm().item():.9g}"),
        "argmax": int(flat.argmax()),
    }


def _difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> float:
    """How far two outputs are from each other, relative to the size of the first's numbers."""
    count = math.prod(then["shape"])
    size = max(then["norm"] / math.sqrt(count), *map(abs, then["first"])) or 1.0
    apart = [abs(a - b) / size for a, b in zip(then["first"], now["first"], strict=True)]
    found = max(*apart, abs(then["norm"] - now["norm"]) / (then["norm"] or 1.0))
    return math.inf if math.isnan(found) else found


def _tolerance(dtype: str, device: str) -> float:
    usual = TOLERANCES.get(dtype, TOLERANCES["float32"])
    return max(usual, _ELSEWHERE) if device != "cpu" and dtype in ("float32", "float64") else usual
