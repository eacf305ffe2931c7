"""The network with which training begins: new, or an entry's, with a new head and frozen parts where asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from multiweight.catalogue import WeightsEnum, resolve
from multiweight.catalogue._registry import unquantized_variant
from multiweight.errors import MismatchError, RecipeError, suggestions
from multiweight.models import get_model_builder
from multiweight.models._builder import without_initialisation
from multiweight.train.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Start:
    """A network that is ready to be trained.

    Attributes:
        model: The network, on the CPU, in training mode; what is frozen needs no gradient.
        entry: The weights it begins with, or `None`.
        head: Names of the parameters that depend on the number of classes, those of auxiliary heads too.
        trunk: Names of the trained parameters that learn at the trunk's rate: all but the head's; none without weights.
        report: What was loaded, what is new and what is frozen, in sentences, one a line.
    """

    model: nn.Module
    entry: WeightsEnum | None
    head: frozenset[str]
    trunk: frozenset[str]
    report: str


def start(
    recipe: Recipe, classes: Sequence[str], weights: WeightsEnum | str | Path | None = None, *, progress: bool = True
) -> Start:
    """Builds the recipe's network for a data set.

    What is random is drawn from the recipe's seed and nothing else; the global random state stays as it is. A new head
    has the tensors that the whole network would have had there if it were new.

    Args:
        recipe: The recipe; of it `variant`, `arguments`, `seed` and, with weights, `fine_tuning`.
        classes: The names of the data set's classes, in the order of the targets.
        weights: An entry of the variant, its name, or a weights file; `None` for random tensors.
        progress: Whether a download shows how far it is.

    Raises:
        UnknownNameError: If there is no such variant or entry.
        MismatchError: If the weights are another variant's.
        RecipeError: If the variant is a quantized one, nothing is called what the recipe freezes, or all is frozen.
        StoreError: If the weights' file cannot be had.
        WeightsFileError: If it cannot be read or does not fit.
    """
    if not classes:
        raise ValueError("A data set needs at least one class.")
    if (in_float := unquantized_variant(recipe.variant)) != recipe.variant:
        raise RecipeError(
            f"{recipe.name}: {recipe.variant} cannot be trained, as it only infers. Train {in_float}, and make it one "
            "of 8 bits with `multiweight quantize`."
        )
    head = head_of(recipe.variant, recipe.arguments, len(classes))
    if weights is None:
        model = _new(recipe, len(classes))
        lines = [f"{recipe.variant} begins with random tensors, seed {recipe.seed}, for {len(classes)} classes."]
        if recipe.fine_tuning.freeze or recipe.fine_tuning.trunk_rate != 1:
            lines.append("What the recipe says of fine-tuning is not used, as there are no weights to start from.")
        return Start(model=model, entry=None, head=frozenset(head), trunk=frozenset[str](), report="\n".join(lines))
    entry = resolve(weights, variant=recipe.variant)
    if (variant := type(entry).variant) != recipe.variant:
        raise MismatchError(f"Recipe {recipe.name} trains {recipe.variant}; {entry} is of {variant}.")
    model = get_model_builder(recipe.variant)(weights=entry, progress=progress, **recipe.arguments)
    lines = [_give_head(model, recipe, entry, head, classes)]
    lines += _freeze(model, recipe)
    own = dict(model.named_parameters())
    trunk = [name for name, parameter in own.items() if parameter.requires_grad and name not in head]
    if (rate := recipe.fine_tuning.trunk_rate) != 1:
        lines.append(f"The trunk learns at {rate:g} of the head's rate.")
    return Start(
        model=model, entry=entry, head=frozenset(head) & own.keys(), trunk=frozenset(trunk), report="\n".join(lines)
    )


def head_of(variant: str, arguments: dict[str, Any], classes: int) -> dict[str, torch.Size]:
    """The parameters whose shapes depend on the number of classes.

    They are found by building the network for two numbers of classes, without tensors.

    Args:
        variant: The variant.
        arguments: Its builder's, but for `weights` and `num_classes`.
        classes: A number of classes.

    Returns:
        Their shapes for that number, by name.
    """
    own, more = (_shapes(variant, arguments, count) for count in (classes, classes + 1))
    return {name: shape for name, shape in own.items() if more[name] != shape}


def _shapes(variant: str, arguments: dict[str, Any], classes: int) -> dict[str, torch.Size]:
    with torch.device("meta"), without_initialisation():
        model = get_model_builder(variant)(weights=None, num_classes=classes, **arguments)
    return {name: parameter.shape for name, parameter in model.named_parameters()}


def _new(recipe: Recipe, classes: int) -> nn.Module:
    """The network with random tensors from the recipe's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(recipe.seed)  # torch.manual_seed would touch the CUDA devices too
        return get_model_builder(recipe.variant)(weights=None, num_classes=classes, **recipe.arguments)


def _give_head(
    model: nn.Module, recipe: Recipe, entry: WeightsEnum, head: Mapping[str, torch.Size], classes: Sequence[str]
) -> str:
    """Replaces the layers whose shapes are those of another number of classes; says what was done."""
    own = {name: parameter.shape for name, parameter in model.named_parameters() if name in head}
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name, shape in own.items() if shape != head[name]))
    if not layers:
        known = tuple(entry.meta.get("categories") or ())
        text = f"{recipe.variant} begins with all tensors of {entry}, its head for {len(classes)} classes included."
        if known and known != tuple(classes):
            place = next(place for place, (one, other) in enumerate(zip(known, classes, strict=True)) if one != other)
            text += f" Its classes had other names: {place} was {known[place]!r} and is {classes[place]!r}."
        return text
    before = next(iter(own.values()))[0]
    new = _new(recipe, len(classes))
    for layer in layers:
        parent, _, name = layer.rpartition(".")
        setattr(model.get_submodule(parent), name, new.get_submodule(layer))
    if hasattr(model, "num_classes"):
        model.num_classes = len(classes)  # pyright: ignore[reportArgumentType]
    return (
        f"{recipe.variant} begins with the tensors of {entry}, but for a new head: {', '.join(layers)} for "
        f"{len(classes)} classes instead of {before}, with random tensors, seed {recipe.seed}."
    )


def _freeze(model: nn.Module, recipe: Recipe) -> list[str]:
    """Takes the gradient from the parameters that the recipe freezes; says of how many."""
    patterns = recipe.fine_tuning.freeze
    if not patterns:
        return []
    named = dict(model.named_parameters())
    for pattern in patterns:
        fitting = [own for name, own in named.items() if fnmatchcase(name, pattern)]
        if not fitting:
            parts = [f"{name}.*" for name, part in model.named_modules() if name and [*part.parameters()]]
            raise RecipeError(
                f"{recipe.name}: [fine_tuning] freeze: {recipe.variant} has no parameter {pattern!r}."
                f"{suggestions(pattern, [*parts, *named])}"
            )
        for own in fitting:
            own.requires_grad_(False)
    frozen = sum(own.numel() for own in named.values() if not own.requires_grad)
    whole = sum(own.numel() for own in named.values())
    if frozen == whole:
        raise RecipeError(f"{recipe.name}: [fine_tuning] freeze: nothing of {recipe.variant} is left to be trained.")
    text = f"{frozen / 1e6:.2f} of {whole / 1e6:.2f} million parameters are frozen ({', '.join(patterns)})"
    norms = len(frozen_batch_norms(model))
    return [text + (f", and with them the statistics of {norms} batch norms." if norms else ".")]


def frozen_batch_norms(model: nn.Module) -> list[nn.Module]:
    """The batch norms that have parameters and all of them frozen.

    Args:
        model: The network, wrapped or not.
    """
    found: list[nn.Module] = []
    for part in model.modules():
        own = list(part.parameters(recurse=False)) if isinstance(part, _BatchNorm) else []
        if own and not any(parameter.requires_grad for parameter in own):
            found.append(part)
    return found


def train_mode(model: nn.Module) -> None:
    """Puts a network in training mode, but its frozen batch norms in that of evaluation: their statistics stay.

    Args:
        model: The network, wrapped or not.
    """
    model.train()
    for norm in frozen_batch_norms(model):
        norm.eval()
