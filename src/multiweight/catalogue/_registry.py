"""Find weights by name and list the variants there are, third-party catalogues included. Never imports torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, cast

from multiweight.catalogue._plugins import Enums, installed
from multiweight.catalogue._schema import WeightsEnum, spelling
from multiweight.errors import UnknownModelError, UnknownWeightsError, suggestions

QUANTIZED = "quantized_"
"""How the names of quantized variants begin; any variant of classification has one."""


CATALOGUES = "MULTIWEIGHT_CATALOGUE"
"""The environment variable that names JSON catalogues, joined as in `PATH`."""

_added: list[Enums] = []
"""All enums after each JSON catalogue that was added while this process runs."""


def _enums() -> Enums:
    return _added[-1] if _added else _configured()


@lru_cache(maxsize=1)
def _configured() -> Enums:
    paths = [path for path in os.environ.get(CATALOGUES, "").split(os.pathsep) if path.strip()]
    if not paths:
        return installed()
    from multiweight.catalogue._listed import add_file

    enums = installed().copy()
    for path in paths:
        add_file(enums, _absolute(path))
    return enums


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(Path(os.fspath(path).strip()).expanduser()))


def add_catalogue(path: str | os.PathLike[str]) -> list[WeightsEnum]:
    """Adds the entries of a JSON catalogue, which is what `multiweight list --json` prints.

    They are then found as all others are, until the process ends: by `get_weight`, by a builder's `weights`, in lists.
    They are of variants that are known here, and built as these. Entries that there are already, such as this
    package's own in such a list, stay what they are.

    Args:
        path: The file. URLs in it that are relative paths are relative to it.

    Returns:
        The entries that the file tells of.

    Raises:
        CatalogueError: If the file cannot be used. Then nothing of it is added.
    """
    from multiweight.catalogue._listed import add_file

    enums = _enums().copy()
    entries = add_file(enums, _absolute(path))
    _added.append(enums)
    _forget()
    return entries


@contextmanager
def catalogues_added(paths: Iterable[str]) -> Generator[None, None, None]:
    """Adds JSON catalogues as long as it is open."""
    before = len(_added)
    try:
        for path in paths:
            add_catalogue(path)
        yield
    finally:
        del _added[before:]
        _forget()


def entry_of_catalogue(path: str, name: str) -> WeightsEnum:
    """An entry of a JSON catalogue by its name, as pickles name it; the catalogue is added if it is not there yet."""
    from multiweight.catalogue._listed import ListedWeights

    enum = weights_enums().get(name.partition(".")[0])
    if enum is None or not issubclass(enum, ListedWeights):
        add_catalogue(path)
    return get_weight(name)


def _forget() -> None:
    for remembered in (weights_enums, _by_spelling, _by_variant):
        remembered.cache_clear()


@lru_cache(maxsize=1)
def weights_enums() -> MappingProxyType[str, type[WeightsEnum]]:
    """Every weights enum by class name: this catalogue's, those of installed plugins, then those of JSON catalogues.

    `MULTIWEIGHT_PLUGINS=0` leaves the plugins out. One that cannot be imported, or that takes a name that is
    taken, is named in a warning and skipped. JSON catalogues are those that `MULTIWEIGHT_CATALOGUE` names and those
    that `add_catalogue` was given.

    Raises:
        CatalogueError: If one that `MULTIWEIGHT_CATALOGUE` names cannot be used.
    """
    return MappingProxyType(_enums().by_name)


@lru_cache(maxsize=1)
def _by_spelling() -> dict[str, type[WeightsEnum]]:
    return {spelling(name): enum for name, enum in weights_enums().items()}


@lru_cache(maxsize=1)
def _by_variant() -> dict[str, type[WeightsEnum]]:
    """The variants, each with the enum that came first: that one has its `DEFAULT`."""
    found: dict[str, type[WeightsEnum]] = {}
    for enum in weights_enums().values():
        if enum.variant:
            found.setdefault(enum.variant.lower(), enum)
    return found


def get_weight(name: str) -> WeightsEnum:
    """Finds a weights entry by its full name.

    Args:
        name: The enum's name, a dot and the entry's, in any spelling: `"ResNet50_Weights.ImageNet1K_V1"`,
            `"resnet50_weights.default"`.

    Returns:
        The entry, a member of its enum.

    Raises:
        UnknownWeightsError: If nothing answers to the name; the text gives the nearest names.
        TypeError: If the name is not a string.
    """
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"get_weight takes a name such as 'ResNet50_Weights.DEFAULT', not {name!r}.")
    enum_name, dot, entry = name.strip().partition(".")
    if not dot or not entry:
        raise UnknownWeightsError(
            f"{name!r} is not the full name of a weights entry, such as 'ResNet50_Weights.DEFAULT'."
            f"{suggestions(name, (f'{enum}.DEFAULT' for enum in weights_enums()))}"
        )
    enum = _by_spelling().get(spelling(enum_name))
    if enum is None:
        raise UnknownWeightsError(f"There is no weights enum {enum_name!r}.{suggestions(enum_name, weights_enums())}")
    return enum[entry]


def enum_named(name: str) -> type[WeightsEnum] | None:
    """The enum of a name in any spelling; `None` if there is none."""
    return _by_spelling().get(spelling(name))


def first_enum(enum: type[WeightsEnum]) -> type[WeightsEnum]:
    """The enum that a variant belongs to: the given one, unless that adds entries to another's variant."""
    return _by_variant().get((enum.variant or "").lower(), enum)


def entries_of(enum: type[WeightsEnum]) -> list[WeightsEnum]:
    """All entries of an enum's variant, those that other packages have added too; of no variant, the enum's."""
    enums = [each for each in weights_enums().values() if enum.variant and each.variant == enum.variant] or [enum]
    return [entry for each in enums for entry in each]


def get_model_weights(name: str | Callable[..., Any]) -> type[WeightsEnum]:
    """Finds the weights enum of a variant.

    Args:
        name: The variant's name in any case (`"quantized_…"` for the quantized form of any variant of
            classification), or its builder function: one of `multiweight.models`, or any function
            whose parameter `weights` is annotated with a weights enum (as a string, too).

    Returns:
        The enum class.

    Raises:
        UnknownModelError: If there is no such variant, or the function names no weights enum.
    """
    if callable(name):
        return _enum_of_builder(name)
    enum = _by_variant().get(str(name).lower()) or _quantized_enum(str(name).lower())
    if enum is None:
        raise UnknownModelError(unknown_model(str(name)))
    return enum


@lru_cache
def _quantized_enum(variant: str) -> type[WeightsEnum] | None:
    """The enum of a quantized variant of which nothing is published: without entries, for files of one's own."""
    name = variant.removeprefix(QUANTIZED)
    unquantized = _by_variant().get(name)
    if name == variant or name.startswith(QUANTIZED) or unquantized is None or unquantized.task != "classification":
        return None

    class Quantized(WeightsEnum, variant=variant, builder=quantized_builder(variant)):
        pass

    Quantized.__name__ = Quantized.__qualname__ = unquantized.__name__.replace("_Weights", "_QuantizedWeights")
    return Quantized


def quantized_builder(variant: str) -> str:
    """Where the function is that builds a quantized variant."""
    return f"multiweight.models.quantization:{unquantized_variant(variant)}"


def unquantized_variant(variant: str) -> str:
    """The variant in float of a quantized one; any other variant is its own."""
    return variant.removeprefix(QUANTIZED)


def resolve(
    reference: str | os.PathLike[str] | WeightsEnum,
    *,
    variant: str | None = None,
    labels: Iterable[str] | None = None,
) -> WeightsEnum:
    """Finds the entry that a reference means.

    docs/references.md shows all of them. What begins with a scheme (`hf://`) or as a path does, has `VARIANT=` before
    it, or ends as files of weights do, is a file; all else is one only where no weights have that name.

    Args:
        reference: An entry, its full name in any spelling, a variant's name, which means its `DEFAULT`, the path of a
            weights file, or the URL of one, which is brought into the cache. A file that does not say what it is, is
            named with its variant: `resnet50=checkpoint.pth`.
        variant: The variant of such a file, if the reference does not say it.
        labels: The labels of its outputs, in their order; unless given it has none.

    Returns:
        The entry; of a file, the one that it makes of itself.

    Raises:
        UnknownWeightsError: If nothing answers to the name, or there is no such file.
        UnknownModelError: If a file's variant is in no catalogue that is installed here.
        WeightsFileError: If a file is damaged, or does not know what it is and nobody says so.
        StoreError: If a file elsewhere cannot be had.
        TypeError: If the reference is neither a string, a path nor an entry.
    """
    if isinstance(reference, WeightsEnum):
        return reference
    if not isinstance(reference, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"A reference to weights is a file, an entry or its name, not {reference!r}.")
    from multiweight.catalogue._file import entry_of_file
    from multiweight.catalogue._references import is_file_reference

    if is_file_reference(reference):
        return entry_of_file(reference, variant=variant, labels=labels)
    try:
        return _named(str(reference))
    except UnknownWeightsError:
        # Only now, so that a file of any name never takes the place of weights that have it.
        if os.path.exists(reference):
            return entry_of_file(reference, variant=variant, labels=labels)
        raise


def _named(reference: str) -> WeightsEnum:
    if "." in reference:
        return get_weight(reference)
    enum = _by_variant().get(reference.strip().lower()) or _by_spelling().get(spelling(reference))
    if enum is None:
        if spelling(reference) in ("DEFAULT", "BEST"):
            raise UnknownWeightsError(
                f"{reference!r} is an entry of many variants. Say of which, as in 'resnet50' or "
                f"'ResNet50_Weights.{spelling(reference)}'."
            )
        known = [*_by_variant(), *weights_enums()]
        hub = f" A repository of the hub is written hf://{reference}." if reference.count("/") == 1 else ""
        raise UnknownWeightsError(
            f"{reference!r} is neither an entry, such as 'ResNet50_Weights.DEFAULT', nor a variant, such as "
            f"'resnet50', nor a weights file.{suggestions(reference, known)}{hub}"
        )
    return enum["DEFAULT"]


def unknown_model(name: str) -> str:
    """The text of the error for a variant that there is not."""
    return f"There is no model {name!r}.{suggestions(name, _by_variant())}"


def _enum_of_builder(builder: Callable[..., Any]) -> type[WeightsEnum]:
    import re
    import typing

    shown = getattr(builder, "__qualname__", repr(builder))
    declared = getattr(builder, "weights_enum", None)
    if isinstance(declared, type) and issubclass(declared, WeightsEnum):
        return declared
    annotation = cast("dict[str, Any]", getattr(builder, "__annotations__", {})).get("weights")
    if annotation is None:
        raise UnknownModelError(f"{shown} has no parameter 'weights' with an annotation that names a weights enum.")
    candidates: list[Any] = [annotation, *typing.get_args(annotation)]
    # A string may name things that exist for type checkers only, so its words are looked up one by one.
    texts = [getattr(part, "__forward_arg__", part) for part in candidates]
    namespace: dict[str, Any] = getattr(builder, "__globals__", {})
    for text in texts:
        if isinstance(text, str):
            words = re.findall(r"\w+", text)
            candidates += [namespace.get(word, weights_enums().get(word)) for word in words]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, WeightsEnum):
            return candidate
    raise UnknownModelError(f"The annotation of 'weights' of {shown}, {annotation!r}, names no weights enum.")


def list_models(
    module: ModuleType | str | None = None,
    include: str | Iterable[str] | None = None,
    exclude: str | Iterable[str] | None = None,
    *,
    task: str | None = None,
) -> list[str]:
    """Lists the names of the variants.

    Args:
        module: Only those whose builder is in this package (`multiweight.models.detection`, or its name), not
            in its sub-packages.
        include: One or several patterns with `*`, `?` and `[…]`; a name must match one of them.
        exclude: Patterns, none of which a name may match.
        task: Only those of this task, such as `"classification"`.

    Returns:
        The names, sorted.
    """
    wanted = module.__name__ if isinstance(module, ModuleType) else module
    included, excluded = _patterns(include), _patterns(exclude)
    return sorted(
        name
        for name, enum in _by_variant().items()
        if (wanted is None or enum.module == wanted)
        and (task is None or enum.task == task)
        and (not included or any(fnmatchcase(name, pattern) for pattern in included))
        and not any(fnmatchcase(name, pattern) for pattern in excluded)
    )


def _patterns(given: str | Iterable[str] | None) -> tuple[str, ...]:
    if not given:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)
