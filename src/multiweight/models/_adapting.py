"""Trained weights for other classes, other channels or pictures of another size: what a caller may ask to be changed.

Every network for classification names its stem and its head; all else here is the same for all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict, cast, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.errors import UnknownLabelError, suggestions

ADAPTABLE = ("num_classes", "image_size", "in_channels")
"""The options in which a caller may ask for something else than the entry is."""

_log = logging.getLogger("multiweight")


class AdaptingOptions(TypedDict, total=False):
    """What every builder of a network for classification can be told beside its network's own options.

    Attributes:
        classes: Labels of the weights, or their indices where a label is not the only one of its name: the network
            gets a score for each of these, in this order, from the trained rows of its head. It takes the place of
            `num_classes`.
        in_channels: How many channels a picture has, 3 unless given. The stem is folded or repeated, see `fold`.
    """

    classes: Sequence[str | int]
    in_channels: int


@dataclass
class Changes:
    """What a caller asks to be changed, and what was changed.

    Attributes:
        entry: The weights.
        options: The network's options, without those that are for this module alone.
        rows: The rows of the head that are kept, in their new order, where classes were named.
        in_channels: As `AdaptingOptions`; `None` where nothing is said.
        asked: The names of the options in which the caller asks for something else than the entry is.
        adapted, new, dropped: As in a `LoadReport`.
    """

    entry: WeightsEnum
    options: dict[str, Any]
    rows: list[int] | None = None
    in_channels: int | None = None
    asked: frozenset[str] = frozenset()
    adapted: dict[str, str] = field(default_factory=dict[str, str])
    new: dict[str, str] = field(default_factory=dict[str, str])
    dropped: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def any(self) -> bool:
        """Whether something of the network or its tensors is to be another."""
        return bool(self.asked) or self.rows is not None or self.in_channels is not None

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The labels of the outputs, as far as they are known."""
        known: tuple[str, ...] | None = self.entry.meta.get("categories")
        if known is None or self.new:
            return None
        if self.rows is not None:
            return tuple(known[row] for row in self.rows)
        return known if self.options.get("num_classes", len(known)) == len(known) else None


def changes(entry: WeightsEnum, options: Mapping[str, Any], *, image_size: int | None = None) -> Changes:
    """Reads a caller's options.

    Args:
        entry: The weights, for classification.
        options: The builder's options, the entry's own among them.
        image_size: Height and width of the pictures, in pixels, if anything is said of them.

    Raises:
        UnknownLabelError: For a class that the entry does not have.
        ValueError: If what is asked for contradicts itself or the entry.
    """
    given = {key: value for key, value in options.items() if key != "num_classes" or value is not None}
    classes, in_channels = given.pop("classes", None), given.pop("in_channels", None)
    _check_channels(in_channels)
    labels: tuple[str, ...] | None = entry.meta.get("categories")
    said = entry.arguments.get("num_classes")
    usual = said if labels is None else len(labels)
    if said not in (None, usual):
        raise ValueError(f"{entry} has {usual} labels, so num_classes must be {usual}; it says {said!r}.")
    rows = None
    if classes is not None:
        rows = _rows(entry, labels, classes)
        told = given.get("num_classes")
        if told not in (None, usual, len(rows)):
            raise ValueError(f"{len(rows)} classes are named, so num_classes is {len(rows)}; got {told!r}.")
        given["num_classes"] = len(rows)
    elif usual is not None:
        given.setdefault("num_classes", usual)
    count = given.get("num_classes")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
        raise ValueError(f"num_classes is a whole number, 0 for a network without a head; got {count!r}.")
    told = {"num_classes": usual, **entry.arguments}
    said = {"num_classes": count, "in_channels": in_channels, "image_size": image_size}
    asked = {name for name in ADAPTABLE if said[name] is not None and said[name] != told.get(name)}
    return Changes(entry, given, rows, in_channels, frozenset(asked))


def _check_channels(in_channels: object) -> None:
    if in_channels is not None and (
        isinstance(in_channels, bool) or not isinstance(in_channels, int) or in_channels < 1
    ):
        raise ValueError(f"in_channels is a whole number from 1 on; got {in_channels!r}.")


def _rows(entry: WeightsEnum, labels: tuple[str, ...] | None, classes: Sequence[str | int]) -> list[int]:
    """The indices of named classes among an entry's labels."""
    if labels is None:
        raise ValueError(f"{entry} has no labels, so none of its classes can be named.")
    if isinstance(classes, str) or not classes:
        raise ValueError(f"classes takes a list of labels; got {classes!r}.")
    rows: list[int] = []
    for each in classes:
        row = _index(entry, labels, each) if isinstance(each, int) else _row(entry, labels, each)
        if row in rows:
            raise ValueError(f"The class {labels[row]!r} (index {row}) is named twice.")
        rows.append(row)
    return rows


def _index(entry: WeightsEnum, labels: tuple[str, ...], index: int) -> int:
    if isinstance(index, bool) or not 0 <= index < len(labels):
        raise ValueError(f"{entry} has classes from 0 to {len(labels) - 1}; got {index!r}.")
    return index


def _row(entry: WeightsEnum, labels: tuple[str, ...], label: str) -> int:
    found = [row for row, known in enumerate(labels) if known == label]
    found = found or [row for row, known in enumerate(labels) if known.casefold() == str(label).casefold()]
    if len(found) > 1:
        raise ValueError(f"{entry} has {len(found)} classes {label!r}; say which by its index: {found}.")
    if not found:
        raise UnknownLabelError(f"{entry} has no class {label!r}.{suggestions(str(label), labels)}")
    return found[0]


def adapt(
    model: nn.Module,
    state: MutableMapping[str, Tensor],
    asked: Changes,
    fresh: Callable[[Collection[torch.Size]], nn.Module],
) -> None:
    """Makes a file's tensors those of a network that is another in what was asked for, and in nothing else.

    Args:
        model: The network, with the head and the size that were asked for. Its stem gets as many channels as the
            file's has.
        state: The file's tensors, which are replaced and taken out.
        asked: What was asked for. What is done is written into it.
        fresh: Makes the network once more, with initial tensors where their shapes are among the given ones.
    """
    if "image_size" in asked.asked and isinstance(model, Resizable):
        for name, tensor, how in list(model.resized(state)):
            state[name], asked.adapted[name] = tensor, how
    heads = head_names(model)
    own = {name: parameter for name, parameter in model.named_parameters() if name.rpartition(".")[0] in heads}
    if asked.rows is not None:
        for name in own:
            if name in state and max(asked.rows) < len(state[name]):
                how = f"{len(asked.rows)} of {len(state[name])} trained rows"
                state[name], asked.adapted[name] = state[name][asked.rows], how
    elif "num_classes" in asked.asked:
        _renew(state, own, asked, heads, fresh)
    set_channels(model, _channels(model, state, asked))


def _renew(
    state: MutableMapping[str, Tensor],
    own: Mapping[str, Tensor],
    asked: Changes,
    heads: list[str],
    fresh: Callable[[Collection[torch.Size]], nn.Module],
) -> None:
    """Puts initial tensors in the place of the file's head, if that has another number of classes."""
    count = asked.options["num_classes"]
    theirs = [name for name in state if name.rpartition(".")[0] in heads]
    if own and all(name in state and len(state[name]) == len(own[name]) for name in own):
        return
    for name in theirs:
        del state[name]
        asked.dropped[name] = f"{count} classes were asked for"
    if not own:  # features were asked for
        return
    network = fresh({parameter.shape for parameter in own.values()})
    for name in own:
        state[name] = network.get_parameter(name).detach()
        asked.new[name] = f"a head for {count} classes"
    _log.info("%s: %s for %s classes is new; it has to be trained.", asked.entry, ", ".join(heads), count)


def _channels(model: nn.Module, state: Mapping[str, Tensor], asked: Changes) -> int | None:
    """How many channels the file's stem has, where the caller says something of them; else as many as it must."""
    if asked.in_channels is None:
        return None
    weight = state.get(f"{model.stem_name}.weight")
    if "in_channels" not in asked.asked or weight is None or weight.ndim != 4:
        return asked.in_channels
    return weight.shape[1]


def finish(model: nn.Module, asked: Changes) -> None:
    """Folds the loaded stem to the number of channels that was asked for."""
    if "in_channels" not in asked.asked:
        return
    before, after = stem_of(model).in_channels, cast("int", asked.in_channels)
    fold(model, after)
    if before != after:
        asked.adapted[f"{model.stem_name}.weight"] = f"{before} channels became {after}"


def head_names(model: nn.Module) -> list[str]:
    """The names of the layers that give scores: the head, and the last ones of the auxiliary heads that there are."""
    names = (model.head_name, *cast("Sequence[str]", getattr(model, "auxiliary_head_names", ())))
    there = dict(model.named_modules())
    return [name for name in cast("Sequence[str]", names) if name in there]


def stem_of(model: nn.Module) -> nn.Conv2d:
    """The convolution that sees the picture."""
    return cast("nn.Conv2d", model.get_submodule(cast("str", model.stem_name)))


def set_channels(model: nn.Module, in_channels: int | None) -> None:
    """Gives a network a stem for so many channels, whose weight is not filled; `None` leaves it as it is.

    Raises:
        ValueError: If the network computes with the three colours before its stem.
    """
    stem = stem_of(model)
    if in_channels in (None, stem.in_channels):
        return
    if getattr(model, "transform_input", False):
        raise ValueError(
            f"transform_input is of pictures of 3 channels; got in_channels={in_channels}. Build with "
            "transform_input=False, and normalise the pictures with a mean and a deviation of 0.5."
        )
    shape = (stem.out_channels, in_channels, *stem.kernel_size)
    stem.weight = nn.Parameter(stem.weight.new_empty(shape), requires_grad=stem.weight.requires_grad)
    stem.in_channels = cast("int", in_channels)


def fold(model: nn.Module, in_channels: int | None) -> None:
    """Makes a network's stem one for another number of channels.

    Channel `i` of the old stem belongs to channel `i mod in_channels` of the new one, or the other way round where
    there are more new ones. Old channels that belong to one new channel are added; new ones that belong to one old
    channel share it in equal parts. So a grey picture, the same in every channel, gives what it gave before.

    Args:
        model: The network, with a stem that is filled.
        in_channels: How many channels there are to be; `None` for as many as there are.

    Raises:
        ValueError: If the network computes with the three colours before its stem.
    """
    _check_channels(in_channels)
    stem = stem_of(model)
    if in_channels is None or in_channels == stem.in_channels:
        return
    old = stem.weight.detach()
    set_channels(model, in_channels)
    with torch.no_grad():
        stem.weight.copy_(_folded(old, in_channels))


def _folded(weight: Tensor, channels: int) -> Tensor:
    before = weight.shape[1]
    if channels <= before:
        parts = [weight[:, first::channels].sum(1, dtype=torch.float64) for first in range(channels)]
        return torch.stack(parts, 1).to(weight.dtype)
    belongs = torch.arange(channels, device=weight.device) % before
    shares = belongs.bincount(minlength=before)[belongs]
    return (weight[:, belongs].double() / shares[:, None, None]).to(weight.dtype)


@runtime_checkable
class Resizable(Protocol):
    """A network that can be built for pictures of another size than its weights': it fits their tables of positions."""

    def resized(self, state: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor, str]]:
        """What has to be another tensor than the file's, as this network is for pictures of another size.

        Args:
            state: The file's tensors.

        Yields:
            The tensor's name, the tensor and how it was made.
        """
        ...


def resized_bias_table(table: Tensor, side: int) -> Tensor:
    """The biases of a window of another side, interpolated between the offsets (bicubic).

    Args:
        table: Biases `((2 s - 1)², heads)` for the offsets in windows of side `s`.
        side: The new side.

    Returns:
        Biases `((2 side - 1)², heads)`.
    """
    before = round(len(table) ** 0.5)
    grid = table.detach().float().reshape(1, before, before, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(2 * side - 1, 2 * side - 1), mode="bicubic", align_corners=False)
    return grid.permute(0, 2, 3, 1).reshape((2 * side - 1) ** 2, -1).to(table.dtype)


def window_of(image_size: int, usual: int) -> int:
    """The side of a window that grows with the picture, as the authors of Swin and MaxViT have it: one for 32 pixels.

    Args:
        image_size: Height and width of the pictures, in pixels.
        usual: The size of the variant's own, for the error.

    Raises:
        ValueError: If that is no whole number of at least 2.
    """
    if isinstance(image_size, bool) or image_size < 64 or image_size % 32:
        near = max(64, round(image_size / 32) * 32)
        raise ValueError(
            f"image_size must be a multiple of 32 from 64 on, such as {usual}; got {image_size!r}, near {near}."
        )
    return image_size // 32
