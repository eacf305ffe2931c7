"""Which weights enums there are, and whose: this catalogue's and those of installed packages. Never imports torch."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING

from multiweight.catalogue._schema import WeightsEnum, spelling
from multiweight.errors import MultiweightWarning

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

PLUGIN_GROUP = "multiweight.catalogue"
"""The entry point under which a package offers a module of weights enums."""

OURS = "multiweight"


class ClashError(ValueError):
    """An enum cannot be added; the text says why, and whose what it takes is."""


class Enums:
    """Weights enums by name, each with its owner; what is added may take no name that is taken.

    A variant belongs to the enum that came first, which is the one that its `DEFAULT` is of. Another enum adds entries
    to it, as long as it names no other builder.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, type[WeightsEnum]] = {}
        self._owners: dict[type[WeightsEnum], str] = {}
        self._by_spelling: dict[str, type[WeightsEnum]] = {}
        self._by_variant: dict[str, type[WeightsEnum]] = {}

    def copy(self) -> Enums:
        """The same enums, to add others to."""
        other = Enums()
        for name, value in vars(self).items():
            setattr(other, name, dict(value))
        return other

    def owner(self, enum: type[WeightsEnum]) -> str:
        """Whose an enum is, as `"distribution (module)"`."""
        return self._owners[enum]

    def of_variant(self, variant: str) -> type[WeightsEnum] | None:
        """The enum that a variant belongs to."""
        return self._by_variant.get(variant.lower())

    def spelled(self, name: str) -> type[WeightsEnum] | None:
        """The enum of a name in any spelling."""
        found = self._by_spelling.get(spelling(name))
        return found if found is not None and spelling(found.__name__) == spelling(name) else None

    def variants(self) -> list[str]:
        """The variants there are."""
        return [*self._by_variant]

    def put(self, enum: type[WeightsEnum], owner: str) -> None:
        """Adds an enum without a look at what is taken."""
        self.by_name[enum.__name__] = enum
        self._owners[enum] = owner
        self._by_spelling[spelling(enum.__name__)] = enum
        if enum.variant and enum.variant.lower() not in self._by_variant:
            self._by_variant[enum.variant.lower()] = self._by_spelling[spelling(enum.variant)] = enum

    def add(self, enum: type[WeightsEnum], owner: str) -> None:
        """Adds an enum; one that is there already stays as it is.

        Raises:
            ClashError: If its name or variant is taken, or nobody says how its variant is built.
        """
        if enum in self._owners:
            return
        if first := self._by_spelling.get(spelling(enum.__name__)):
            raise ClashError(f"the name is taken by {first.__name__} of {self._owners[first]}")
        first = self.of_variant(enum.variant) if enum.variant else None
        if enum.variant and first is None:
            if enum.named_builder is None:
                raise ClashError(
                    f"no installed package brings the variant {enum.variant!r}, and the enum does not say "
                    'builder="module:function"'
                )
            first = self._by_spelling.get(spelling(enum.variant))
        elif first is not None and enum.named_builder in (None, first.builder):
            first = None
        if first is not None:
            raise ClashError(
                f"the variant {enum.variant!r} is taken by {first.__name__} of {self._owners[first]}, which "
                f"builds it with {first.builder}"
            )
        self.put(enum, owner)


@cache
def installed() -> Enums:
    """This catalogue's enums, then those of installed plugins.

    `MULTIWEIGHT_PLUGINS=0` leaves the plugins out. One that cannot be used, or an enum that takes what is another's, is
    named in a warning and skipped.
    """
    found = Enums()
    for module in _entry_files(import_module("multiweight.catalogue")):
        for enum in _enums_in(module):
            found.put(enum, f"{OURS} ({enum.__module__})")
    if os.environ.get("MULTIWEIGHT_PLUGINS", "1") == "0":
        return found
    # Those that bring variants come first, so that others can add entries to them whatever the order of the packages.
    for owner, enum in sorted(_plugin_enums(), key=lambda offered: offered[1].named_builder is None):
        try:
            found.add(enum, owner)
        except ClashError as clash:
            _skip(f"{enum.__name__} of {owner} is skipped: {clash}.")
        except Exception as error:  # whatever a foreign class says of itself must not take ours down
            _skip(f"{enum.__name__} of {owner} is skipped: {type(error).__name__}: {error}")
    return found


def _entry_files(package: ModuleType) -> Iterator[ModuleType]:
    """The modules of entries: the families of classification first, then those of each other task."""
    for info in sorted(iter_modules(package.__path__), key=lambda info: info.ispkg):
        if not info.name.startswith("_"):
            module = import_module(f"{package.__name__}.{info.name}")
            yield from _entry_files(module) if info.ispkg else (module,)


def _enums_in(module: ModuleType) -> Iterator[type[WeightsEnum]]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, WeightsEnum) and len(value.__members__) > 0:
            yield value


def _plugin_enums() -> Iterator[tuple[str, type[WeightsEnum]]]:
    from importlib.metadata import entry_points

    def order(point: EntryPoint) -> tuple[str, str]:
        return (_distribution(point), point.name)

    for point in sorted(entry_points(group=PLUGIN_GROUP), key=order):
        try:
            enums = list(_enums_in(point.load()))
        except (Exception, SystemExit) as error:  # whatever a foreign module raises must not take ours down
            _skip(
                f"The catalogue of {_distribution(point)} ({point.value}) cannot be used and is skipped: "
                f"{type(error).__name__}: {error}"
            )
            continue
        yield from ((f"{_distribution(point)} ({enum.__module__})", enum) for enum in enums)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "?"


def _skip(text: str) -> None:
    warnings.warn(text, MultiweightWarning, stacklevel=2)
