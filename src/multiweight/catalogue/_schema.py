"""What a weights entry is: `Weights`, `WeightsEnum`, `Meta` and the preset specs. Never imports torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum, EnumType, StrEnum
from functools import cache
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self, cast

from multiweight.catalogue._lock import pinned_default
from multiweight.errors import (
    UnknownMetaAttributeError,
    UnknownMetaError,
    UnknownWeightsAttributeError,
    UnknownWeightsError,
    suggestions,
)

if TYPE_CHECKING:
    import torch
    from torch import nn


class InterpolationMode(StrEnum):
    """How a picture is resampled; the values are torchvision's."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


@dataclass(frozen=True, kw_only=True)
class PresetSpec:
    """The settings of a preset, as data; a call builds the preset.

    A subclass has the name of the `nn.Module` in `multiweight.transforms` that it describes.
    """

    task: ClassVar[str]

    def settings(self) -> dict[str, Any]:
        """The preset's arguments by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def __call__(self, **overrides: Any) -> nn.Module:
        """Builds the preset.

        Args:
            **overrides: Settings that replace the entry's own, by name.

        Returns:
            The preset, an `nn.Module`.

        Raises:
            TypeError: For a setting that the preset does not have.
        """
        from multiweight import transforms

        preset: Callable[..., nn.Module] = getattr(transforms, type(self).__name__)
        return preset(**{**self.settings(), **overrides})


@dataclass(frozen=True, kw_only=True)
class ImageClassification(PresetSpec):
    """Resize the short side, crop the centre, scale to `[0, 1]`, normalise. Sizes in pixels.

    `resize_size` is one number for the short side, or height and width, which squash the picture.
    """

    task: ClassVar[str] = "classification"

    crop_size: int
    resize_size: int | tuple[int, int] = 256
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    interpolation: InterpolationMode = InterpolationMode.BILINEAR
    antialias: bool | None = True


@dataclass(frozen=True, kw_only=True)
class ObjectDetection(PresetSpec):
    """Scale to `[0, 1]`, and nothing else: detectors resize and normalise inside."""

    task: ClassVar[str] = "detection"


@dataclass(frozen=True, kw_only=True)
class SemanticSegmentation(PresetSpec):
    """Resize the short side, scale to `[0, 1]`, normalise; nothing is cropped. Sizes in pixels."""

    task: ClassVar[str] = "segmentation"

    resize_size: int | None
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    interpolation: InterpolationMode = InterpolationMode.BILINEAR
    antialias: bool | None = True


@dataclass(frozen=True, kw_only=True)
class VideoClassification(PresetSpec):
    """Resize every frame, crop the centre, scale to `[0, 1]`, normalise, put channels before time. Sizes in pixels.

    `resize_size` is height and width, or one number for the short side; `crop_size` is height and width.
    """

    task: ClassVar[str] = "video"

    crop_size: tuple[int, int]
    resize_size: tuple[int, ...]
    mean: tuple[float, ...] = (0.43216, 0.394666, 0.37645)
    std: tuple[float, ...] = (0.22803, 0.22145, 0.216989)
    interpolation: InterpolationMode = InterpolationMode.BILINEAR


@dataclass(frozen=True, kw_only=True)
class OpticalFlow(PresetSpec):
    """Scale two pictures to `[-1, 1]`. They keep their size, which the network wants to be a multiple of 8 pixels."""

    task: ClassVar[str] = "optical_flow"


@dataclass(frozen=True)
class Labels:
    """A label list that ships with the catalogue, read when it is asked for.

    Attributes:
        name: The file's name in `catalogue/labels`, without its ending.
    """

    name: str

    def read(self) -> tuple[str, ...]:
        """The labels, one tuple shared by all who ask."""
        return _read_labels(self.name)


@cache
def _read_labels(name: str) -> tuple[str, ...]:
    path = Path(__file__).with_name("labels") / f"{name}.txt"
    return tuple(path.read_text(encoding="utf-8").splitlines())


UNTRAINED = "the last layer was not trained"
"""Why an entry without labels has none, where its meta has no `outputs` that says something else."""


class Metric(NamedTuple):
    """What a figure in an entry's `metrics` is.

    Attributes:
        title: What people call it.
        unit: `"%"` or `"pixels"`.
        lower_is_better: Whether it measures an error.
    """

    title: str
    unit: str = "%"
    lower_is_better: bool = False


METRICS = {
    "acc@1": Metric("Acc@1"),
    "acc@5": Metric("Acc@5"),
    "box_map": Metric("Box mAP"),
    "mask_map": Metric("Mask mAP"),
    "kp_map": Metric("Keypoint mAP"),
    "miou": Metric("mIoU"),
    "pixel_acc": Metric("Pixel acc."),
    "epe": Metric("EPE", "pixels", lower_is_better=True),
    "per_image_epe": Metric("EPE per image", "pixels", lower_is_better=True),
    "fl_all": Metric("Fl-all", lower_is_better=True),
}
"""The metrics of the published entries by their keys; mAP is COCO's, the mean over IoU thresholds from 0.5 to 0.95."""


def metric(key: str) -> Metric:
    """What is known of a metric; of one that another package came up with, its key."""
    return METRICS.get(key) or Metric(key)


_FINAL_SPELLINGS = {"_metrics": "metrics", "_ops": "gflops", "_file_size": "file_size", "_docs": "docs"}


class Meta(Mapping[str, Any]):
    """What is known of a weights entry: a read-only mapping with attribute access.

    It iterates over the public names and also answers the spellings of both generations of torchvision's API:
    `size`, `interpolation` and the metrics by name (`acc@1`) of the first, `_metrics`, `_ops` and `_file_size`
    of the final one.

    Args:
        facts: The facts by name. `categories` is `None` where the outputs have no labels: `outputs` says why, unless
            the last layer was not trained. `metrics` maps a data set to its figures, NaN for one that was not
            measured; `gflops` counts multiply–adds at the preset's crop; `file_size` is in MiB.
        preset: The entry's preset, which knows `size` and `interpolation`.
    """

    __slots__ = ("_facts",)
    _facts: dict[str, Any]

    def __init__(self, facts: Mapping[str, Any], preset: object = None) -> None:
        known = {_FINAL_SPELLINGS.get(key, key): _frozen(value) for key, value in facts.items()}
        match getattr(preset, "crop_size", None):
            case int(side):
                known.setdefault("size", (side, side))
            case (int(height), int(width)):
                known.setdefault("size", (height, width))
            case _:
                pass
        interpolation = getattr(preset, "interpolation", None)
        if interpolation is not None:
            known.setdefault("interpolation", interpolation)
        object.__setattr__(self, "_facts", known)

    @property
    def label_list(self) -> str | None:
        """The name of the catalogue's label list that `categories` is, if it is one."""
        labels = self._facts.get("categories")
        return labels.name if isinstance(labels, Labels) else None

    def _find(self, key: str) -> Any:
        key = _FINAL_SPELLINGS.get(key, key)
        if key in self._facts:
            value = self._facts[key]
            return value.read() if isinstance(value, Labels) else value
        for figures in self._facts.get("metrics", {}).values():
            if key in figures:
                return figures[key]
        raise KeyError(key)

    def __getitem__(self, key: str) -> Any:
        try:
            return self._find(key)
        except KeyError:
            raise UnknownMetaError(self._miss(key)) from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._find(name)
        except KeyError:
            raise UnknownMetaAttributeError(self._miss(name)) from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"meta is read-only; {name!r} cannot be set.")

    def _miss(self, key: str) -> str:
        return f"This entry's meta has no {key!r}.{suggestions(str(key), self) or ' It has ' + ', '.join(self) + '.'}"

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def __contains__(self, key: object) -> bool:
        try:
            self._find(cast("str", key))
        except KeyError:
            return False
        return True

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name for name in self if name.isidentifier())]

    def __reduce__(self) -> tuple[Any, ...]:
        return Meta, (_thawed(self._facts),)

    def __repr__(self) -> str:
        shown = {key: value for key, value in self._facts.items() if key != "categories"}
        if "categories" in self._facts:
            labels = self["categories"]
            shown["categories"] = None if labels is None else f"<{len(labels)} labels>"
        return f"Meta({_thawed(shown)!r})"


def _frozen(value: Any) -> Any:
    """The same value, with nothing in it that could be written to."""
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return MappingProxyType({key: _frozen(inner) for key, inner in items})
    if isinstance(value, list):
        return tuple(_frozen(inner) for inner in cast("list[Any]", value))
    return value


def _thawed(value: Any) -> Any:
    """The same value in plain dictionaries, which can be pickled and printed."""
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {key: _thawed(inner) for key, inner in items}
    if isinstance(value, tuple):
        return tuple(_thawed(inner) for inner in cast("tuple[Any, ...]", value))
    return value


@dataclass(frozen=True, eq=False)
class Weights:
    """One set of trained tensors with all that belongs to it.

    Frozen and compared by identity: two entries with equal contents stay two entries. As a member of a
    `WeightsEnum` it is pickled and copied by name.

    Args:
        url: Where the file is: `https://…`, `file://…`, `hf://…`, `s3://…`, `gs://…`, or
            `package://NAME/PATH` for a file that ships inside an installed package.
        transforms: The preset: a spec of this catalogue, or any callable that builds one.
        meta: What is known of the entry; see `Meta`.
        sha256: The file's full SHA-256 in hexadecimal, where known.
        recipe: The recipe that trained it, where known: the name of one of this package (`"resnet50_v2"`), or the
            `package://NAME/PATH` or path of a file.
        arguments: What the builder is told, unless its caller says otherwise, so that the network fits.
        architecture: What another publisher who trained them calls the network, as `"timm/resnet50"`. The tensors of
            the file have that publisher's names and are renamed, a file of another architecture is refused, and the
            builder's caller may not say otherwise than `arguments`.
    """

    url: str
    transforms: Callable[..., Any]
    meta: Mapping[str, Any]
    sha256: str | None = None
    recipe: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    architecture: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.meta, Meta):
            object.__setattr__(self, "meta", Meta(self.meta, self.transforms))
        object.__setattr__(self, "arguments", _frozen(self.arguments))

    def __reduce__(self) -> str | tuple[Any, ...]:
        member: WeightsEnum | None = self.__dict__.get("_member")
        if member is not None:
            return getattr, (member, "value")
        about = (self.sha256, self.recipe, _thawed(self.arguments), self.architecture)
        return Weights, (self.url, self.transforms, self.meta, *about)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def spelling(name: str) -> str:
    """A name with everything taken off in which spellings differ: case, dashes, underscores, spaces, dots.

    Between two digits they stay, as an underscore: `RegNet_Y_1_6GF` is not `RegNet_Y_16GF`.
    """
    joined = re.sub(r"(?<=\d)[\W_]+(?=\d)", "_", name)
    return re.sub(r"(?<!\d)[\W_]+|[\W_]+(?!\d)", "", joined).upper()


class _About(NamedTuple):
    """The class arguments of a `WeightsEnum`."""

    variant: str | None = None
    legacy: str | Literal[False] | None = None
    builder: str | None = None
    package: str | None = None


_PACKAGES = {
    "classification": "",
    "detection": "detection",
    "segmentation": "segmentation",
    "video": "video",
    "optical_flow": "optical_flow",
}
"""The sub-package of `multiweight.models` that holds a task's builders."""

_VERSION = re.compile(r"(?P<stem>.+)_V(?P<number>\d+)")


class _Default:
    """`DEFAULT` of an enum class: its alias, unless a lock pins it to another entry."""

    def __init__(self, member: WeightsEnum) -> None:
        self._member = member

    def __get__(self, instance: object, owner: type[WeightsEnum]) -> WeightsEnum:
        return pinned_default(owner, self._member)


class WeightsEnumType(EnumType):
    """Finds members of a `WeightsEnum` in every spelling, and knows what the class says of them all."""

    _about: _About = _About()

    def __new__(metacls, cls: str, bases: tuple[type, ...], classdict: Any, **about: Any) -> WeightsEnumType:
        """Makes the class; what its `DEFAULT` means is asked for every time."""
        made: WeightsEnumType = super().__new__(metacls, cls, bases, classdict, **about)
        if (default := cast("Mapping[str, WeightsEnum]", made.__members__).get("DEFAULT")) is not None:
            type.__setattr__(made, "DEFAULT", _Default(default))
        return made

    @property
    def variant(cls) -> str | None:
        """The variant whose weights these are; `None` for an enum that belongs to none."""
        return cls._about.variant

    @property
    def task(cls) -> str | None:
        """What the variant does (`"classification"`), as the first entry's preset says."""
        first = next(iter(cast("Mapping[str, WeightsEnum]", cls.__members__).values()), None)
        return getattr(first.value.transforms, "task", None) if first is not None else None

    @property
    def legacy(cls) -> Any:
        """The entry that `pretrained=True` means: the first published one, never the newest; `None` for none."""
        members = cast("Mapping[str, WeightsEnum]", cls.__members__)
        if cls._about.legacy is False:
            return None
        return members[cls._about.legacy] if cls._about.legacy else next(iter(members.values()), None)

    @property
    def named_builder(cls) -> str | None:
        """The builder that the class itself names; one that does not is of a variant that others know to build."""
        return cls._about.builder

    @property
    def builder(cls) -> str:
        """Where the function that builds the network is, as `"module:function"`."""
        first = cls._first()
        return first.builder if first is not cls else cls._about.builder or f"{cls.module}:{cls.variant}"

    @property
    def module(cls) -> str:
        """The package that offers the builder, as `list_models(module=…)` takes it."""
        if (first := cls._first()) is not cls:
            return first.module
        if cls._about.builder:
            return cls._about.builder.partition(":")[0]
        package = cls._about.package
        if package is None:
            package = _PACKAGES.get(cls.task or "classification", "")
        return "multiweight.models" + (f".{package}" if package else "")

    def shares_variant(cls, other: WeightsEnumType) -> bool:
        """Whether another enum's entries are for the same network."""
        return cls.variant is not None and other.variant == cls.variant and other.builder == cls.builder

    def _first(cls) -> WeightsEnumType:
        """The enum that the variant belongs to, where this one does not say how that is built."""
        if cls._about.builder or cls._about.package or cls.__module__.startswith("multiweight.catalogue."):
            return cls
        from multiweight.catalogue._registry import first_enum

        return first_enum(cast("type[WeightsEnum]", cls))

    def __getitem__(cls, name: str) -> Any:
        members = cast("Mapping[str, WeightsEnum]", cls.__members__)
        try:
            if name in members:
                return (
                    pinned_default(cast("type[WeightsEnum]", cls), members[name])
                    if name == "DEFAULT"
                    else members[name]
                )
            wanted = spelling(name.removeprefix(f"{cls.__name__}."))
        except (AttributeError, TypeError):
            raise TypeError(f"{cls.__name__}[…] takes the name of an entry, not {name!r}.") from None
        by_spelling = {spelling(known): member for known, member in members.items()}
        if wanted in by_spelling:
            return cls["DEFAULT"] if wanted == "DEFAULT" else by_spelling[wanted]
        newest = _newest_of_dataset(wanted, members)
        if newest is not None:
            return newest
        raise UnknownWeightsError(_unknown_member(cls.__name__, name, members))

    if not TYPE_CHECKING:
        # Hidden from type checkers, for which only the canonical names exist, so that they find misspellings.
        def __getattr__(cls, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
            try:
                return cls[name]
            except UnknownWeightsError as miss:
                raise UnknownWeightsAttributeError(str(miss)) from None


def _newest_of_dataset(wanted: str, members: Mapping[str, WeightsEnum]) -> WeightsEnum | None:
    """The newest entry of a data set that was named alone, if it is one data set."""
    versions: dict[str, dict[int, WeightsEnum]] = {}
    for name, member in members.items():
        if match := _VERSION.fullmatch(name):
            versions.setdefault(match["stem"], {})[int(match["number"])] = member
    stems = [stem for stem in versions if spelling(stem) == wanted]
    # `COCO` stands for `COCO_WITH_VOC_LABELS_V1` while nothing else begins so; between two there is no guess.
    stems = stems or [stem for stem in versions if spelling(stem.split("_")[0]) == wanted]
    if len(stems) != 1:
        return None
    numbered = versions[stems[0]]
    return numbered[max(numbered)]


def _unknown_member(enum: str, name: str, members: Mapping[str, WeightsEnum]) -> str:
    if not members:
        return f"{enum} has no entry {name!r}; it has none at all."
    if spelling(name) == "BEST":
        return f"{enum} has no entry 'BEST': none that was measured on ImageNet-1K states a permissive licence."
    return f"{enum} has no entry {name!r}.{suggestions(name, members) or ' It has ' + ', '.join(members) + '.'}"


class WeightsEnum(Enum, metaclass=WeightsEnumType):
    """Base of the enums of weights entries; one enum a variant.

    ```python
    class LabNet_Weights(WeightsEnum, variant="mylab/labnet", builder="mylab.models:labnet"):
        FLOWERS_V1 = Weights(url="https://…", transforms=ImageClassification(crop_size=224), meta={…})
        DEFAULT = FLOWERS_V1
    ```

    Class arguments:
        variant: The variant's name.
        legacy: The entry that `pretrained=True` means; the first one unless said; `False` for a variant that came
            after `pretrained` went.
        builder: `"module:function"` that builds the network. An enum that adds entries to a variant of another does not
            say it, and is built as that one; ours are built by functions of `multiweight.models`.
        package: The sub-package of `multiweight.models` that the builder is in; found from the task unless said.
    """

    def __init_subclass__(
        cls,
        *,
        variant: str | None = None,
        legacy: str | Literal[False] | None = None,
        builder: str | None = None,
        package: str | None = None,
    ) -> None:
        super().__init_subclass__()
        # A plain class attribute would become a member.
        type.__setattr__(cls, "_about", _About(variant, legacy, builder, package))

    def __init__(self, value: Weights) -> None:
        if not isinstance(value, Weights):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"A member of {type(self).__name__} must be a Weights, not {value!r}.")
        # The value may be shared by a second enum (a plugin that re-lists an entry): the first one names it.
        value.__dict__.setdefault("_member", self)

    @classmethod
    def verify(cls, obj: Any) -> Self | None:
        """Turns any way of naming an entry of this enum into the entry.

        Args:
            obj: A member, its name in any spelling (with or without the class's name), an entry that another package
                adds to this variant, or its full name, a file of this variant's weights here or elsewhere (see
                `multiweight.catalogue.resolve`), or `None`. A file that does not say what it is is taken for a state
                dict of this variant.

        Returns:
            The entry (of a file, the one that it makes of itself), or `None` for `None`.

        Raises:
            UnknownWeightsError: For a name that this enum does not have, or a file that there is not.
            WeightsFileError: For a file that cannot be used.
            StoreError: For one that cannot be had.
            TypeError: For anything else, an entry of another variant included.
        """
        if obj is None or isinstance(obj, cls):
            return obj
        if isinstance(obj, WeightsEnum) and cls.shares_variant(type(obj)):
            return cast("Self", obj)
        if isinstance(obj, str | PathLike | WeightsEnum):
            from multiweight.catalogue._file import FileWeights, entry_of_file
            from multiweight.catalogue._references import is_file_reference

            reference = cast("str | PathLike[str] | WeightsEnum", obj)
            # No entry's name has a slash in it.
            if not isinstance(reference, WeightsEnum) and (is_file_reference(reference) or "/" in str(reference)):
                reference = entry_of_file(reference, variant=cls.variant)
            if isinstance(reference, FileWeights):
                variant = type(reference).variant
                if cls.variant is None or variant != cls.variant:
                    raise TypeError(f"{reference} holds weights of {variant}, not of {cls.variant or cls.__name__}.")
                return cast("Self", reference)
        if isinstance(obj, str):
            enum, dot, entry = obj.rpartition(".")
            if not dot or spelling(enum) == spelling(cls.__name__):
                return cls[entry]
            from multiweight.catalogue._registry import enum_named, get_weight

            other = enum_named(enum)
            if other is not None and cls.shares_variant(other):
                return other[entry]
            if other is not None:
                raise TypeError(f"{obj!r} is not an entry of {cls.__name__}; it belongs to another variant.")
            if spelling(enum).endswith("WEIGHTS"):
                get_weight(obj)  # which says that there is no such enum
            raise UnknownWeightsError(_unknown_member(cls.__name__, obj, cls.__members__))
        if isinstance(obj, Weights) and isinstance(member := obj.__dict__.get("_member"), cls):
            return member
        kind = type(cast("object", obj))
        raise TypeError(
            f"Weights must be an entry of {cls.__name__}, its name, a file or None; got {obj!r}, "
            f"{'an entry of another variant' if issubclass(kind, WeightsEnum) else f'a {kind.__name__}'}."
        )

    def get_state_dict(self, *, progress: bool = True, check_hash: bool = True) -> dict[str, torch.Tensor]:
        """The entry's tensors by name, downloaded and verified if need be, mapped from the file where it can be.

        The names are the variant's, also where the file is another publisher's.

        Args:
            progress: Whether a download shows how far it is (on a terminal).
            check_hash: Accepted for torchvision's callers; the hash is always checked.

        Raises:
            StoreError: If the file cannot be had.
            WeightsFileError: If it cannot be read, or is of an architecture that is another function.
        """
        from multiweight.store.load import load_state_dict

        about = self._reading()
        return load_state_dict(self.value, name=str(self), progress=progress, variant=type(self).variant, **about)

    def _reading(self) -> dict[str, Any]:
        """How the file is read, where that is not as usual."""
        return {}

    @property
    def url(self) -> str:
        """Where the file is published."""
        return self.value.url

    @property
    def sha256(self) -> str | None:
        """The file's full SHA-256, where known."""
        return self.value.sha256

    @property
    def recipe(self) -> str | None:
        """The recipe that trained it, where known; `meta["recipe"]` is where that was published."""
        return self.value.recipe

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the builder is told, unless its caller says otherwise, so that the network fits."""
        return self.value.arguments

    @property
    def architecture(self) -> str | None:
        """What another publisher who trained them calls the network; `None` where the names are the variant's own."""
        return self.value.architecture

    @property
    def transforms(self) -> Callable[..., nn.Module]:
        """The preset's spec; call it, with settings to override, to get the preset."""
        return self.value.transforms

    @property
    def meta(self) -> Meta:
        """What is known of the entry."""
        return self.value.meta

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return getattr, (type(self), self.name)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self
