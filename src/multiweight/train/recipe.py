"""What a recipe is: how a network is trained, as frozen data in TOML files. Never imports torch.

A recipe is read strictly: an unknown key, a wrong type, a value out of its range and a contradiction between two are
errors that name the file and the place in it.
"""

from __future__ import annotations

import math
import re
import tomllib
import types
import typing
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from multiweight.errors import RecipeError, UnknownRecipeError, UnknownWeightsError, suggestions

if TYPE_CHECKING:
    from multiweight.catalogue import WeightsEnum

Interpolation = Literal["nearest", "bilinear", "bicubic"]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What happens to a training picture, in this order. Sizes in pixels.

    Attributes:
        crop_size: The sides of the random crop after resizing.
        scale: The least and the largest share of the picture that the random crop has.
        ratio: The least and the largest width over height of the random crop.
        interpolation: How the crop is resized, and what the policies that turn and shear use.
        horizontal_flip: How likely a picture is mirrored.
        policy: `"trivial_augment_wide"`, `"rand_augment"`, `"auto_augment"` (ImageNet's policy), `"augmix"` or
            `"none"`.
        magnitude_bins: Into how many steps the magnitudes of TrivialAugmentWide and RandAugment are divided.
        magnitude: The magnitude of RandAugment, in steps; the severity of AugMix, from 1 to 10; not used by the
            others, which draw their own.
        operations: How many operations RandAugment puts one after the other.
        random_erasing: How likely a rectangle is erased, after normalisation, to the mean colour.
        mixup: The α of mixup; 0 for none. With both mixup and cutmix each batch gets one of them, at equal odds.
        cutmix: The α of cutmix; 0 for none.
        repetitions: How often a picture comes in an epoch, each time augmented anew; an epoch then has this many times
            fewer distinct pictures.
    """

    crop_size: int
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    interpolation: Interpolation = "bilinear"
    horizontal_flip: float = 0.5
    policy: Literal["none", "trivial_augment_wide", "rand_augment", "auto_augment", "augmix"] = "none"
    magnitude_bins: int = 31
    magnitude: int = 9
    operations: int = 2
    random_erasing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    repetitions: int = 1


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The preset of the result, with which it is also measured. Sizes in pixels.

    Attributes:
        resize_size: The short side after resizing.
        crop_size: The sides of the central crop.
        interpolation: How the picture is resized.
        mean: What is subtracted from the colours, of values in `[0, 1]`, in training too.
        std: What is then divided by.
        every: After how many epochs the network is measured; it always is after the last one.
    """

    resize_size: int
    crop_size: int
    interpolation: Interpolation = "bilinear"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    every: int = 1


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """What turns gradients into steps.

    Attributes:
        name: `"sgd"`, `"rmsprop"` or `"adamw"`.
        learning_rate: The highest one, for the recipe's `batch_size`.
        momentum: Of SGD and RMSprop.
        nesterov: Whether SGD looks ahead.
        alpha: How much of its mean of squares RMSprop keeps a step.
        eps: What RMSprop and AdamW add to the divisor.
        betas: How much of its two means AdamW keeps a step.
        weight_decay: Of all parameters that no other rule names.
        norm_weight_decay: Of the parameters of normalisation layers, if another.
        bias_weight_decay: Of biases (but those of normalisation layers), if another.
        embedding_weight_decay: Of class tokens, position embeddings and position tables, if another.
        clip_norm: The largest norm of all gradients together; larger ones are scaled down.
    """

    name: Literal["sgd", "rmsprop", "adamw"]
    learning_rate: float
    momentum: float = 0.9
    nesterov: bool = False
    alpha: float = 0.99
    eps: float = 1e-8
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    norm_weight_decay: float | None = None
    bias_weight_decay: float | None = None
    embedding_weight_decay: float | None = None
    clip_norm: float | None = None


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How the learning rate goes over the epochs.

    Attributes:
        name: `"step"` (× `gamma` every `step_epochs`), `"exponential"` (× `gamma` every epoch) or `"cosine"`.
        step_epochs: Epochs between two steps.
        gamma: The factor of a step.
        min_learning_rate: Where the cosine ends.
        warmup: How the rate rises before: `"linear"` or `"constant"`.
        warmup_epochs: How long it does, in epochs, which are among those of the recipe; 0 for not at all.
        warmup_factor: The part of the rate with which it begins.
        update: Whether the rate changes after each `"epoch"` or each optimizer `"step"`.
    """

    name: Literal["step", "exponential", "cosine"]
    step_epochs: int = 30
    gamma: float = 0.1
    min_learning_rate: float = 0.0
    warmup: Literal["linear", "constant"] = "linear"
    warmup_epochs: int = 0
    warmup_factor: float = 0.01
    update: Literal["epoch", "step"] = "epoch"


@dataclass(frozen=True, kw_only=True)
class EMA:
    """An exponential moving average of the network's tensors, buffers too, which is what is kept in the end.

    While the learning rate warms up, the average begins anew with every update.

    Attributes:
        decay: How much of the average is kept at an update, for a run of as many epochs as there are updates in one:
            the share of the new tensors is `min(1, (1 - decay) * batch_size * every / epochs)`.
        every: Optimizer steps between two updates.
    """

    decay: float = 0.99998
    every: int = 32


@dataclass(frozen=True, kw_only=True)
class Precision:
    """How it is computed.

    Attributes:
        amp: The type of automatic mixed precision: `"bf16"`, `"fp16"` or `"none"`.
        channels_last: Whether the channels of a pixel lie beside each other.
        compile: Whether `torch.compile` makes the network faster.
        sync_batch_norm: Whether batch norm takes its statistics over all processes.
    """

    amp: Literal["none", "bf16", "fp16"] = "none"
    channels_last: bool = False
    compile: bool = False
    sync_batch_norm: bool = False


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """What training that starts from weights does differently.

    Attributes:
        freeze: Patterns (`"features.*"`) of the names of parameters that are not trained. A frozen batch norm's
            statistics do not change either.
        trunk_rate: The learning rate of all but the new head, as a factor of the recipe's.
    """

    freeze: tuple[str, ...] = ()
    trunk_rate: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained, from random tensors or others to a weights file.

    Attributes:
        name: The recipe's own name, that of its file without the ending.
        description: What it is, in a sentence.
        source: Where it was published.
        variant: The network, as its builder is called.
        arguments: Arguments of the builder.
        epochs: How often the data are gone through.
        batch_size: Pictures an optimizer step, over all processes together.
        accumulate: In how many parts a step's pictures go through the network.
        processes: On how many processes it was published; batch norm then saw `batch_size / processes` at once.
        seed: Where the random numbers begin.
        label_smoothing: The share of the target that is spread over all classes.
        average: Of how many last checkpoints (one an epoch) the result is the mean; 1 for the last one alone.
        dtype: Of the floats in the weights file.
        license: Of the weights.
        augmentation: What happens to training pictures.
        evaluation: The preset of the result.
        optimizer: What turns gradients into steps.
        schedule: How the learning rate goes.
        ema: The moving average, if there is one.
        precision: How it is computed.
        fine_tuning: What training that starts from weights does differently.
    """

    name: str
    description: str
    variant: str
    epochs: int
    batch_size: int
    augmentation: Augmentation
    evaluation: Evaluation
    optimizer: Optimizer
    schedule: Schedule
    source: str | None = None
    arguments: dict[str, bool | int | float | str] = field(default_factory=dict[str, bool | int | float | str])
    accumulate: int = 1
    processes: int = 1
    seed: int = 0
    label_smoothing: float = 0.0
    average: int = 1
    dtype: Literal["float32", "float16"] = "float32"
    license: str = "unstated"
    ema: EMA | None = None
    precision: Precision = field(default_factory=Precision)
    fine_tuning: FineTuning = field(default_factory=FineTuning)

    def __post_init__(self) -> None:
        """Refuses what cannot be meant.

        Raises:
            RecipeError: For a value out of its range, and for two that contradict each other; the text names the place.
        """
        for key, value in _flat(self):
            for number in cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,):
                interval = LIMITS.get(key)
                if interval and number is not None and not _within(cast("float", number), interval):
                    raise RecipeError(f"{_place(key)} must be in {interval}, not {number!r}.")
        for text in _contradictions(self):
            raise RecipeError(text)


LIMITS = {
    "epochs": "[1, inf)",
    "batch_size": "[1, inf)",
    "accumulate": "[1, inf)",
    "processes": "[1, inf)",
    "seed": "[0, inf)",
    "label_smoothing": "[0, 1)",
    "average": "[1, inf)",
    "augmentation.crop_size": "[1, inf)",
    "augmentation.scale": "(0, 1]",
    "augmentation.ratio": "(0, inf)",
    "augmentation.horizontal_flip": "[0, 1]",
    "augmentation.magnitude_bins": "[1, inf)",
    "augmentation.magnitude": "[0, inf)",
    "augmentation.operations": "[1, inf)",
    "augmentation.random_erasing": "[0, 1]",
    "augmentation.mixup": "[0, inf)",
    "augmentation.cutmix": "[0, inf)",
    "augmentation.repetitions": "[1, inf)",
    "evaluation.resize_size": "[1, inf)",
    "evaluation.crop_size": "[1, inf)",
    "evaluation.mean": "(-inf, inf)",
    "evaluation.std": "(0, inf)",
    "evaluation.every": "[1, inf)",
    "optimizer.learning_rate": "(0, inf)",
    "optimizer.momentum": "[0, 1)",
    "optimizer.alpha": "[0, 1)",
    "optimizer.eps": "(0, inf)",
    "optimizer.betas": "[0, 1)",
    "optimizer.weight_decay": "[0, inf)",
    "optimizer.norm_weight_decay": "[0, inf)",
    "optimizer.bias_weight_decay": "[0, inf)",
    "optimizer.embedding_weight_decay": "[0, inf)",
    "optimizer.clip_norm": "(0, inf)",
    "schedule.step_epochs": "[1, inf)",
    "schedule.gamma": "(0, 1]",
    "schedule.min_learning_rate": "[0, inf)",
    "schedule.warmup_epochs": "[0, inf)",
    "schedule.warmup_factor": "(0, 1]",
    "ema.decay": "[0, 1)",
    "ema.every": "[1, inf)",
    "fine_tuning.trunk_rate": "(0, inf)",
}
"""The range of every number, as an interval; a square bracket includes its end."""

FOLDER = Path(__file__).with_name("recipes")


def load_recipe(reference: str | Path | WeightsEnum) -> Recipe:
    """Finds and reads a recipe.

    Args:
        reference: The name of one that comes with the package (`"resnet50_v2"`), a TOML file, a weights file that
            holds its recipe, an entry (`"ResNet50_Weights.IMAGENET1K_V2"`) or a variant, which means its `DEFAULT`.

    Raises:
        UnknownRecipeError: If nothing answers to the reference.
        RecipeError: If the recipe cannot be followed, or the entry or file has none; the text names the place.
        CorruptFileError: If a weights file is damaged.
    """
    from multiweight.catalogue import WeightsEnum, list_models, resolve
    from multiweight.catalogue._references import is_file_reference, is_remote, parse
    from multiweight.store import local_path

    if isinstance(reference, WeightsEnum):
        if reference.recipe is None:
            raise RecipeError(
                f"The recipe of {reference} is not known here. Its page: {reference.meta.get('recipe', 'none')}"
            )
        return load_recipe(reference.recipe)
    name = str(reference)
    if name in _files():
        return _read(_files()[name])
    if name.startswith("package://"):
        return _read(local_path(name))
    if name.endswith(".toml"):
        return _read(Path(name).expanduser())
    if is_remote((asked := parse(name)).place) or asked.variant:
        return load_recipe(resolve(name))
    if is_file_reference(reference):
        return _of_file(Path(name).expanduser())
    try:
        entry = resolve(name)
    except UnknownWeightsError as error:
        raise UnknownRecipeError(
            str(error)
            if "." in name
            else f"{name!r} is neither a recipe, such as 'resnet50_v2', nor a file, nor weights."
            f"{suggestions(name, [*_files(), *list_models()])}"
        ) from error
    return load_recipe(entry)


def list_recipes(pattern: str | None = None) -> list[str]:
    """The names of the recipes that come with the package, sorted.

    Args:
        pattern: Only those whose name fits it; `*`, `?` and `[…]` mean what they do in a shell.
    """
    return sorted(name for name in _files() if pattern is None or fnmatchcase(name, pattern))


def recipe_of(text: str, *, name: str) -> Recipe:
    """Reads a recipe that stands in one text, as `as_toml` writes it.

    Args:
        text: TOML without `extends`.
        name: What errors call it; also the recipe's name, if the text gives none.

    Raises:
        RecipeError: If it cannot be followed; the text names the place.
    """
    with _named(name):
        return _built(Recipe, {"name": name, **_checked(Recipe, _parsed(text))})


def as_toml(recipe: Recipe) -> str:
    """The recipe as one TOML text that needs nothing else: every setting is there but those that are `None`."""
    lines: list[str] = []
    tables: list[str] = []
    for key, value in _plain(recipe).items():
        if value == {}:
            continue
        if isinstance(value, dict):
            tables += ["", f"[{key}]", *(_line(*item) for item in cast("dict[str, object]", value).items())]
        else:
            lines.append(_line(key, value))
    return "\n".join([*lines, *tables, ""])


def recipe_hash(recipe: Recipe) -> str:
    """The SHA-256 of the recipe's text in hexadecimal."""
    return _sha256(as_toml(recipe))


def differences(a: Recipe, b: Recipe) -> list[tuple[str, Any, Any]]:
    """What sets two recipes apart.

    Returns:
        For each setting that differs its dotted key (`"schedule.name"`), its value in `a` and that in `b`; `None` where
        one does not have it.
    """
    first, second = dict(_flat(a)), dict(_flat(b))
    keys = sorted(dict.fromkeys([*first, *second]), key=lambda key: "." in key)  # those without a table come first
    return [(key, first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key)]


def override(recipe: Recipe, assignments: Iterable[str]) -> Recipe:
    """The recipe with other settings.

    Args:
        recipe: The recipe.
        assignments: `"optimizer.learning_rate=0.1"`, `"schedule.name=cosine"`, `"ema=none"`: a dotted key and a value
            as in TOML, in which a single word needs no quotes.

    Raises:
        RecipeError: If an assignment cannot be understood, or the recipe that results cannot be followed.
    """
    values = _plain(recipe)
    for assignment in assignments:
        key, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals or not key or not text:
            raise RecipeError(f"{assignment!r} is no setting, such as 'optimizer.learning_rate=0.1'.")
        table: Any = _value(text)
        for part in reversed(key.split(".")):
            table = {part: table}
        with _named(assignment):
            values = _merged(values, _checked(Recipe, table))
    with _named(recipe.name):
        return _built(Recipe, values)


@cache
def _files() -> Mapping[str, Path]:
    """The complete recipes of the package by name."""
    return {path.stem: path for path in sorted(FOLDER.rglob("*.toml")) if path.parent.name != "bases"}


def _read(path: Path) -> Recipe:
    """The recipe in a file, on top of the one that it extends."""
    own = path.is_relative_to(FOLDER)
    shown = path.name if own else str(path)
    with _named(shown):
        table = _parsed(_text(path))
        extended = table.pop("extends", None)
        values = _checked(Recipe, table)
        if extended is not None:
            values = _merged(_base(path, extended), values)
        return _built(Recipe, {"name": path.stem, **values})


def _base(path: Path, extended: object) -> dict[str, Any]:
    """The settings of the recipe that a file extends: of the package by name, or a TOML file beside it."""
    if not isinstance(extended, str):
        raise RecipeError(f"extends must be a text, not {extended!r}.")
    if extended.endswith(".toml"):
        base = path.parent / extended
    else:
        bases = {f"bases/{found.stem}": found for found in (FOLDER / "bases").glob("*.toml")}
        known = {**bases, **_files()}
        if extended not in known:
            raise RecipeError(f"extends: there is no recipe {extended!r}.{suggestions(extended, known)}")
        base = known[extended]
    with _named(f"extends {extended}"):
        table = _parsed(_text(base))
        if "extends" in table:
            raise RecipeError(
                f"it extends {table['extends']!r} itself, and only one level is read. `multiweight recipe show` prints "
                "a recipe with nothing left to extend."
            )
        return {key: value for key, value in _checked(Recipe, table).items() if key != "name"}


def _of_file(path: Path) -> Recipe:
    from multiweight.catalogue._file import read_header

    header = read_header(path)
    said = (header.recipe if header else None) or {}
    text = said.get("text")
    if not isinstance(text, str):
        raise RecipeError(f"{path} holds no recipe.")
    recipe = recipe_of(text, name=f"the recipe of {path}")
    if said.get("sha256") not in (None, _sha256(text)):
        raise RecipeError(f"The recipe of {path} was changed: its SHA-256 is {_sha256(text)}, not {said['sha256']}.")
    return recipe


def _sha256(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError("there is no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"it cannot be read: {error}.") from error


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecipeError(f"it is no TOML: {error}.") from error


@contextmanager
def _named(where: str) -> Generator[None]:
    """Says where the recipe is that an error inside is about."""
    try:
        yield
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from error


def _place(key: str) -> str:
    """A dotted key as one finds it in a file: `[optimizer] learning_rate`."""
    table, dot, name = key.partition(".")
    return f"[{table}] {name}" if dot else table


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    """The settings of a part of a recipe, and their types."""
    return typing.get_type_hints(kind)


def _checked(kind: type, table: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """The settings of a table, converted to their types; none need be there, but all must be known."""
    hints = _hints(kind)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in hints:
            where = f"[{place}]" if place else "the top"
            owner = next((part for part, hint in _hints(Recipe).items() if key in _settings(hint)), None)
            home = f" It belongs into [{owner}]." if owner and owner != place else suggestions(key, hints)
            raise RecipeError(f"{where} has no setting {key!r}.{home}")
        values[key] = _converted(hints[key], value, f"{place}.{key}" if place else key)
    return values


def _settings(hint: Any) -> Mapping[str, Any]:
    kind = _part(hint)
    return _hints(kind) if kind else {}


def _part(hint: Any) -> type | None:
    """The part of a recipe that a type means: `EMA` for `EMA | None`."""
    options = (hint, *typing.get_args(hint))
    return next((option for option in options if isinstance(option, type) and is_dataclass(option)), None)


def _converted(hint: Any, value: Any, key: str) -> Any:
    """A value of TOML as the type that a setting has."""
    arguments, origin = typing.get_args(hint), typing.get_origin(hint)
    kind = cast("type[object]", type(value))
    if type(None) in arguments:
        # TOML has no null, and a recipe that extends another must be able to take away what that one sets.
        if value == "none" and str not in arguments:
            return None
        return _converted(arguments[0], value, key)
    if kind is dict and origin is dict:
        return {name: _converted(arguments[1], inner, f"{key}.{name}") for name, inner in value.items()}
    if kind is dict and is_dataclass(hint):
        return _checked(cast("type", hint), value, key)
    if kind is list and origin is tuple:
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) == len(value):
            return tuple(_converted(inner, item, key) for inner, item in zip(kinds, value, strict=True))
    if hint is float and kind is int:
        return float(value)
    is_literal = origin is Literal and value in arguments
    is_plain = origin in (None, types.UnionType) and kind in (hint, *arguments)
    if is_literal or (is_plain and (kind is not float or math.isfinite(value))):
        return value
    near = suggestions(value, arguments) if origin is Literal and kind is str else ""
    raise RecipeError(f"{_place(key)} must be {_expected(hint)}, not {value!r}.{near}")


_EXPECTED = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}


def _expected(hint: Any) -> str:
    arguments, origin = typing.get_args(hint), typing.get_origin(hint)
    if origin is Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    if origin is tuple:
        many = "" if arguments[-1] is Ellipsis else f"{len(arguments)} "
        return f"a list of {many}{'texts' if arguments[0] is str else 'numbers'}"
    if arguments and origin is not dict:
        return ", ".join(_EXPECTED[kind] for kind in arguments)
    return _EXPECTED.get(hint, "a table")


def _merged(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of two recipes, tables joined; those of the second go before."""
    merged = dict(base)
    for key, value in values.items():
        known = base.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        merged[key] = _merged(cast("dict[str, Any]", known), cast("dict[str, Any]", value)) if both else value
    return merged


def _built(kind: type, values: Mapping[str, Any], place: str = "") -> Any:
    """A recipe, or a part of one, made of settings that were checked."""
    hints = _hints(kind)
    whole = dict(values)
    for setting in fields(kind):
        key = f"{place}.{setting.name}" if place else setting.name
        if setting.name not in values:
            if setting.default is MISSING and setting.default_factory is MISSING:
                part = _part(hints[setting.name])
                raise RecipeError(f"{f'[{setting.name}]' if part else _place(key)} is missing.")
        elif (part := _part(hints[setting.name])) and values[setting.name] is not None:
            whole[setting.name] = _built(part, values[setting.name], key)
    return kind(**whole)


def _plain(part: Any) -> dict[str, Any]:
    """A part of a recipe as nested dictionaries, without what is `None`."""
    values = {setting.name: getattr(part, setting.name) for setting in fields(part)}
    return {
        name: _plain(value) if is_dataclass(value) else value for name, value in values.items() if value is not None
    }


def _flat(part: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """The settings by dotted key."""
    for setting in fields(part):
        key, value = place + setting.name, getattr(part, setting.name)
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", inner) for name, inner in cast("dict[str, Any]", value).items())
        elif is_dataclass(value):
            yield from _flat(value, f"{key}.")
        elif _part(_hints(part.__class__)[setting.name]) is None:
            yield key, value


def _within(number: float, interval: str) -> bool:
    low, high = (float(end) for end in interval[1:-1].split(","))
    return (number >= low if interval[0] == "[" else number > low) and (
        number <= high if interval[-1] == "]" else number < high
    )


def _contradictions(recipe: Recipe) -> Iterator[str]:
    """What cannot be meant although every setting alone could."""
    pictures, measured, optimizer, schedule = recipe.augmentation, recipe.evaluation, recipe.optimizer, recipe.schedule
    for name in ("accumulate", "processes"):
        if recipe.batch_size % getattr(recipe, name):
            yield f"batch_size ({recipe.batch_size}) must be a multiple of {name} ({getattr(recipe, name)})."
    if recipe.average > recipe.epochs:
        yield f"average ({recipe.average}) is more checkpoints than there are epochs ({recipe.epochs})."
    for name in ("scale", "ratio"):
        least, largest = getattr(pictures, name)
        if least > largest:
            yield f"[augmentation] {name} goes from {least} down to {largest}; the lesser number comes first."
    if pictures.policy == "rand_augment" and pictures.magnitude >= pictures.magnitude_bins:
        yield (
            f"[augmentation] magnitude ({pictures.magnitude}) must be below magnitude_bins "
            f"({pictures.magnitude_bins}); bins are counted from 0."
        )
    if pictures.policy == "augmix" and not 1 <= pictures.magnitude <= 10:
        yield f"[augmentation] magnitude is the severity of AugMix, from 1 to 10, not {pictures.magnitude}."
    if measured.crop_size > measured.resize_size:
        yield (
            f"[evaluation] crop_size ({measured.crop_size}) must not be above resize_size ({measured.resize_size}): "
            "there is no picture beyond its edge."
        )
    if optimizer.nesterov and (optimizer.name != "sgd" or not optimizer.momentum):
        yield f"[optimizer] nesterov is of SGD with momentum, not of {optimizer.name} with {optimizer.momentum}."
    if schedule.warmup_epochs >= recipe.epochs:
        yield f"[schedule] warmup_epochs ({schedule.warmup_epochs}) must be below epochs ({recipe.epochs})."
    if schedule.min_learning_rate and schedule.name != "cosine":
        yield f"[schedule] min_learning_rate is where the cosine ends; {schedule.name} has none."
    if schedule.min_learning_rate > optimizer.learning_rate:
        yield (
            f"[schedule] min_learning_rate ({schedule.min_learning_rate}) must not be above [optimizer] learning_rate "
            f"({optimizer.learning_rate})."
        )
    if not all(pattern.strip() for pattern in recipe.fine_tuning.freeze):
        yield "[fine_tuning] freeze has an empty pattern; 'features.*' is one, and a list with nothing freezes nothing."
    for name, value in recipe.arguments.items():
        if isinstance(value, float) and not math.isfinite(value):
            yield f"[arguments] {name} must be finite, not {value}."


def _line(key: str, value: object) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return f"{key if bare else _literal(key)} = {_literal(value)}"


def _literal(value: object) -> str:
    """A value as TOML has it."""
    import json

    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, cast('tuple[object, ...]', value)))}]"
    if isinstance(value, str):
        # What JSON escapes, TOML does too, and one character more.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    return re.sub(r"e([+-])0", r"e\1", repr(value))


def _value(text: str) -> Any:
    """A value of TOML; text that is none is a word."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return table["value"] if len(table) == 1 else text
