"""What every builder does around its network: old ways of calling, weights, unknown arguments, loading."""

from __future__ import annotations

import copy
import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from os import PathLike
from typing import Any, NamedTuple, ParamSpec, TypeVar, get_args, get_type_hints

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from multiweight.catalogue import WeightsEnum, entry_of_file
from multiweight.catalogue._references import is_file_reference
from multiweight.catalogue._schema import _thawed
from multiweight.errors import HeaderError, MismatchError, suggestions
from multiweight.models._adapting import ADAPTABLE, AdaptingOptions, adapt, changes, finish, fold, head_names
from multiweight.models._origin import Origin
from multiweight.models._report import LoadReport
from multiweight.store.paths import local_path

P = ParamSpec("P")
M = TypeVar("M", bound=nn.Module)


def builder(enum: type[WeightsEnum], options: type) -> Callable[[Callable[P, M]], Callable[P, M]]:
    """Makes a function with keyword-only `weights`, `progress` and `**options` a builder.

    The function then takes weights in every spelling and gets an entry of the enum or `None`; the calls of
    torchvision before 0.13 (`pretrained=True`, positional weights) keep working, with warnings that point at the
    caller's line; an unknown argument is a `TypeError` that names the known ones. What all builders have in common
    is added to the function's docstring.

    A function with a parameter `weights_backbone` gets an entry of the enum in its annotation, or `None`, for it in the
    same way, with `pretrained_backbone` as the old name; and always `None` where `weights` are given, as these are the
    whole network's.

    A function with a parameter `quantize` takes entries of the enum where that is true, and else entries of the other
    enum in the annotation of `weights`, which are in floating point. An entry that says itself that its network is
    quantized (`Weights.arguments`) stands for `quantize=True` where the caller does not say it.

    Args:
        enum: The variant's weights.
        options: A `TypedDict` of what the network can be told beside the function's own parameters.
    """

    def decorate(function: Callable[P, M]) -> Callable[P, M]:
        parameters = inspect.signature(function).parameters
        explicit = [name for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY]
        # What all have in common comes last.
        known = (*explicit, *sorted(options.__annotations__, key=AdaptingOptions.__annotations__.__contains__))
        sources = [_Source("weights", "pretrained", enum, enum.legacy)]
        if "weights_backbone" in parameters:
            first, (of_backbone,) = parameters["weights_backbone"].default, _enums_of(function, "weights_backbone")
            sources.append(_Source("weights_backbone", "pretrained_backbone", of_backbone, first or of_backbone.legacy))
        old = {source.old for source in sources}
        unquantized, enums = None, f"`{enum.__name__}`"
        if "quantize" in parameters:
            (in_float,) = (each for each in _enums_of(function, "weights") if each is not enum)
            unquantized = _Source("weights", "pretrained", in_float, in_float.legacy)
            enums += f" (where `quantize` is true) or `{in_float.__name__}`"

        @functools.wraps(function)
        def build_variant(*args: Any, **kwargs: Any) -> M:
            name = function.__name__
            if args:
                _take_positional(name, explicit, args, kwargs)
            for argument in kwargs:
                if argument not in known and argument not in old:
                    raise TypeError(_unknown_argument(name, argument, known))
            for source in sources if unquantized is None or _is_quantized(kwargs, unquantized.enum) else [unquantized]:
                given = kwargs.get(source.name)
                if source.old in kwargs or not (given is None or isinstance(given, source.enum)):
                    kwargs[source.name] = _take_legacy(name, source, kwargs)
            if len(sources) > 1 and kwargs.get("weights") is not None:
                kwargs["weights_backbone"] = None
            entry: WeightsEnum | None = kwargs.get("weights")
            if entry is not None and entry.arguments:
                model = _build_as_told(function, entry, known, kwargs)
            else:
                model = function(**kwargs)  # pyright: ignore[reportCallIssue]
            in_float = unquantized is not None and not kwargs.get("quantize")
            variant = (unquantized.enum if in_float and unquantized else enum).variant
            return _with_origin(model, variant, entry, kwargs)

        build_variant.weights_enum = enum  # pyright: ignore[reportAttributeAccessIssue]
        build_variant.options = options  # pyright: ignore[reportAttributeAccessIssue]
        summary = inspect.cleandoc(function.__doc__ or "")
        common = _COMMON.format(
            enums=enums,
            options=options.__name__,
            explicit="".join(f"\n    {name}: {_EXPLICIT[name]}" for name in explicit if name in _EXPLICIT),
        )
        build_variant.__doc__ = f"{summary}\n\n{common}"
        return build_variant  # pyright: ignore[reportReturnType]

    return decorate


def _build_as_told(function: Callable[..., M], entry: WeightsEnum, known: Iterable[str], kwargs: dict[str, Any]) -> M:
    """Calls a builder's function with the entry's own arguments, where the caller has said nothing else."""
    options = [name for name in known if name not in ("weights", "progress", "weights_backbone")]
    for argument, value in entry.arguments.items():
        if argument not in options:
            text = _unknown_argument(function.__name__, argument, options)
            raise HeaderError(f"{entry} cannot be built as it says. {text}")
        if kwargs.get(argument, value) is None:
            del kwargs[argument]
        elif entry.architecture and argument not in ADAPTABLE and kwargs.get(argument, value) != value:
            # It would be another function than the one that these tensors were trained for.
            raise ValueError(
                f"{entry} has {argument}={value!r}; got {argument}={kwargs[argument]!r}. Build with these weights as "
                "they are, or build with weights=None."
            )
    try:
        return function(**{**entry.arguments, **kwargs})
    except (TypeError, ValueError) as error:
        if any(name in kwargs for name in options):  # it may be the caller's own
            raise
        told = ", ".join(f"{name}={value!r}" for name, value in entry.arguments.items())
        raise HeaderError(f"{entry} cannot be built with {told}, as it says: {error}") from error


def _with_origin(model: M, variant: str | None, entry: WeightsEnum | None, kwargs: dict[str, Any]) -> M:
    """The network, which now knows how it came about; that of an enum without a variant does not."""
    if variant is not None and isinstance(model, nn.Module):
        told = {**_thawed({} if entry is None else entry.arguments), **kwargs}
        arguments = {name: value for name, value in told.items() if name not in _OF_LOADING}
        model.origin = Origin(variant, arguments, entry)  # pyright: ignore[reportArgumentType]
    return model


_OF_LOADING = ("weights", "progress", "weights_backbone")


def _enums_of(function: Callable[..., Any], parameter: str) -> list[type[WeightsEnum]]:
    """The enums whose entries a parameter takes, by its annotation `SomeWeights | str | None`."""
    choices = get_args(get_type_hints(function)[parameter])
    return [each for each in choices if isinstance(each, type) and issubclass(each, WeightsEnum)]


def _is_quantized(kwargs: dict[str, Any], in_float: type[WeightsEnum]) -> bool:
    """Whether a call is for a quantized network: as the caller says, else as the entry does, which is then noted."""
    if "quantize" not in kwargs:
        weights = kwargs.get("weights")
        if isinstance(weights, str | PathLike) and is_file_reference(weights):
            weights = kwargs["weights"] = entry_of_file(weights, variant=in_float.variant)
        if isinstance(weights, WeightsEnum):
            kwargs.update((name, value) for name, value in weights.arguments.items() if name == "quantize")
    return bool(kwargs.get("quantize"))


class _Source(NamedTuple):
    """A parameter that takes weights, the truth value it once was, its enum, and the entry that `True` meant."""

    name: str
    old: str
    enum: type[WeightsEnum]
    legacy: WeightsEnum | None


_EXPLICIT = {
    "num_classes": "How many classes there are, the background included where the task has one; as many as the "
    "weights have labels.",
    "num_keypoints": "How many points an object has; as many as the weights have names of points.",
    "aux_loss": "Whether there is a second head, which gives a loss in training; with weights it is there.",
    "weights_backbone": "An entry for the backbone alone, its name, or `None`; not used where `weights` are given.",
    "quantize": "Whether the network is quantized: weights and features are integers of 8 bits. Such a network is in "
    "evaluation mode and only infers. `False` unless the entry is one of quantized weights.",
    "trainable_backbone_layers": "How many stages of the backbone, from the last one, are trained; all of them where "
    "nothing is pretrained.",
    "norm_layer": "Makes a normalisation from a number of channels.",
    "batch_norm_eps": "What the frozen normalisations of the backbone add to the variance; the entry's unless given, "
    "which is 0 for the first published one.",
}
"""What the parameters mean that several builders have beside `weights` and `progress`."""

_COMMON = """\
Args:
    weights: An entry of {enums}, its name in any
        spelling, a file of this variant's weights here or elsewhere (docs/references.md), or `None` for random initial
        tensors.
    progress: Whether a download shows how far it is.{explicit}
    **options: See `{options}`.

Returns:
    The network, in training mode.

Raises:
    UnknownWeightsError: If there is no such entry.
    TypeError: If `weights` belong to another variant, or an argument is unknown.
    ValueError: If an option contradicts the weights or the variant.
    StoreError: If the file cannot be had.
    LicenseError: If `MULTIWEIGHT_LICENSES` bars it.
    WeightsFileError: If it cannot be read, does not fit or does not know what it is."""


def _unknown_argument(name: str, argument: str, known: Iterable[str]) -> str:
    near = suggestions(argument, known)
    # All the known ones follow anyway.
    return f"{name}() has no argument {argument!r}.{near if near.endswith('?') else ''} It takes {', '.join(known)}."


def warn(text: str) -> None:
    """Warns at the line from which this package was called, by way of `get_model` too."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("multiweight."):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, UserWarning, stacklevel=level)


def _take_positional(name: str, explicit: list[str], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Moves positional arguments, which once were `weights` (or `pretrained`), `progress`, …, to their names."""
    names = explicit[: len(args)]
    if len(args) > len(names):
        raise TypeError(f"{name}() takes keyword arguments only; got {len(args)} positional ones.")
    if twice := [given for given in names if given in kwargs]:
        raise TypeError(f"{name}() got {twice[0]!r} both as a positional and as a keyword argument.")
    *others, last = map(repr, names)
    listed = f"{', '.join(others)}{',' if len(others) > 1 else ''} and {last}" if others else last
    warn(f"Using {listed} as positional parameter(s) is deprecated. Please use keyword parameter(s) instead.")
    kwargs.update(zip(names, args, strict=True))


def _take_legacy(name: str, source: _Source, kwargs: dict[str, Any]) -> WeightsEnum | None:
    """The entry that `pretrained=`, or a truth value, a string or something wrong for `weights=`, stands for."""
    enum = source.enum

    def entry_of(weights: Any) -> WeightsEnum | None:
        if not _is_truth_value(weights):
            return enum.verify(weights)
        if weights and source.legacy is None:
            raise ValueError(
                f"{name} had no weights when {source.old!r} was how to ask for them; "
                f"use {source.name}={enum.__name__}.DEFAULT."
            )
        return source.legacy if weights else None

    weights = kwargs.get(source.name)
    if source.old not in kwargs:
        entry = entry_of(weights)
    else:
        pretrained = kwargs.pop(source.old)
        named = _entry_once_named(enum, pretrained)
        if named is None and not (pretrained is None or _is_truth_value(pretrained)):
            raise TypeError(f"{name}({source.old}=…) takes True or False; pass {pretrained!r} as {source.name!r}.")
        entry = named or entry_of(bool(pretrained))
        if source.name in kwargs and entry_of(weights) is not entry:
            raise TypeError(
                f"{name}() was told {source.old}={pretrained!r}, which means {source.name}={entry}, and "
                f"{source.name}={weights!r}. Give {source.name!r} alone."
            )
        warn(f"The parameter {source.old!r} is deprecated, please use {source.name!r} instead.")
        weights = bool(pretrained)
    if _is_truth_value(weights):
        text = (
            f"Arguments other than a weight enum or `None` for {source.name!r} are deprecated. "
            f"The current behavior is equivalent to passing `{source.name}={entry}`."
        )
        if entry is not None:
            text += f" You can also use `{source.name}={enum.__name__}.DEFAULT` to get the most up-to-date weights."
        warn(text)
    return entry


def _entry_once_named(enum: type[WeightsEnum], pretrained: object) -> WeightsEnum | None:
    """The entry that `pretrained="legacy"` meant where a variant had weights of before beside its own."""
    if pretrained != "legacy":
        return None
    return next((entry for entry in enum if entry.name.endswith("_LEGACY")), None)


def _is_truth_value(value: object) -> bool:
    return isinstance(value, int) and value in (0, 1)


def fixed(variant: str, options: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """The options with the values that make the variant what it is.

    Raises:
        ValueError: If the caller asks for another value of one of them.
    """
    for key, value in values.items():
        if options.get(key, value) != value:
            raise ValueError(f"{variant} has {key}={value}; got {key}={options[key]!r}.")
    return {**options, **values}


def build(
    network: Callable[..., M],
    weights: WeightsEnum | str | None,
    progress: bool,
    /,
    *args: Any,
    ignore: tuple[str, ...] = (),
    resize: int | None = None,
    **options: Any,
) -> M:
    """Builds a network, with random initial tensors or with an entry's.

    Without weights the network initialises itself, in torchvision's order. With weights nothing is filled with
    random numbers and the random state stays as it is: the file's tensors are mapped and assigned. Where the caller
    asks for other classes, channels or sizes than the entry's, its tensors are adapted as `_adapting` says, and a
    new head is initialised as the network's own would be, with numbers from the global random state.

    Args:
        network: The network class, or a function that returns one.
        weights: The entry, or `None`. (A name is for the signature of builders: `builder` has found its entry.)
        progress: Whether a download shows how far it is.
        *args: What makes the variant, passed on to the network.
        ignore: Beginnings of names: such tensors of the file are left out, as the network asked for has none of them.
        resize: The `image_size` that was asked for, if any, of a `Resizable` network.
        **options: The network's options, and those of `AdaptingOptions`.

    Returns:
        The network; with weights its `load_report` says what became of the file's tensors.

    Raises:
        TypeError: If the weights are a name after all.
        ValueError: If the options contradict each other or the entry.
        UnknownLabelError: If a class is asked for that the entry does not have.
        StoreError: If the file cannot be had.
        WeightsFileError: If it cannot be read or does not fit.
    """
    if not isinstance(weights, WeightsEnum):
        _, options = settled(weights, options)
        return constructed(network, *args, **options)
    asked = None
    if type(weights).task == "classification":
        asked = changes(weights, options, image_size=resize)
        options = asked.options
    else:
        _, options = settled(weights, options)

    def make(keep: Collection[torch.Size] = ()) -> M:
        with without_initialisation(keep):
            return constructed(network, *args, **options)

    model = make()
    if asked is None or not asked.any:
        load(model, weights, progress, ignore=ignore)
        return model
    state, asked.dropped = _given(weights, progress, ignore)
    adapt(model, state, asked, make)
    assign(model, state, source=_source(weights))
    finish(model, asked)
    changed = {"adapted": asked.adapted, "new": asked.new, "dropped": asked.dropped, "labels": asked.labels}
    model.load_report = _report(weights, state, **changed)  # pyright: ignore[reportArgumentType]
    return model


def constructed(
    network: Callable[..., M], *args: Any, in_channels: int | None = None, classes: object = None, **options: Any
) -> M:
    """Makes a network as its class does, and without a head or for other channels where that is asked for.

    Args:
        network: The network class, or a function that returns one.
        *args: What makes the variant.
        in_channels: Channels of a picture; the stem that the network has is folded, see `fold`.
        classes: Must be `None`, as these are picked from weights.
        **options: The network's options. With `num_classes=0` it has the identity in the place of its head.

    Raises:
        ValueError: If classes are named, or the options contradict each other.
    """
    if classes is not None:
        raise ValueError("classes picks from the classes of weights in floating point; without these give num_classes.")
    headless = options.get("num_classes") == 0
    model = network(*args, **{**options, "num_classes": 1} if headless else options)
    if headless and not hasattr(model, "head_name"):
        raise ValueError("num_classes=0, which is for no head, is known to networks for classification only.")
    if headless:
        for name in head_names(model):
            model.set_submodule(name, nn.Identity())
        if "num_classes" in vars(model):
            vars(model)["num_classes"] = 0
    if in_channels is not None:
        fold(model, in_channels)
    return model


def settled(
    weights: WeightsEnum | str | None, options: Mapping[str, Any], /
) -> tuple[WeightsEnum | None, dict[str, Any]]:
    """The entry and the network's options, with as many classes as the entry has labels.

    Args:
        weights: As for `build`.
        options: As for `build`.

    Raises:
        TypeError: If the weights are a name.
        ValueError: If `num_classes`, which may be `None`, is not the number of the entry's labels, where it has labels.
    """
    settled = {key: value for key, value in options.items() if key != "num_classes" or value is not None}
    if isinstance(weights, str):
        raise TypeError(f"build takes an entry, not the name {weights!r}: the calling function is no @builder.")
    categories = None if weights is None else weights.meta.get("categories")
    if categories is not None and settled.setdefault("num_classes", labels := len(categories)) != labels:
        raise ValueError(
            f"{weights} has {labels} labels, so num_classes must be {labels}; got {settled['num_classes']!r}. "
            "Build with these weights and replace the last layer, or build with weights=None."
        )
    return weights, settled


def load(model: nn.Module, weights: WeightsEnum, progress: bool, *, ignore: tuple[str, ...] = ()) -> None:
    """Gives a network an entry's tensors, mapped from the file and not copied.

    Args:
        model: The network.
        weights: The entry.
        progress: Whether a download shows how far it is.
        ignore: Beginnings of names: such tensors of the file are left out, as the network has none of them.

    Raises:
        StoreError: If the file cannot be had.
        WeightsFileError: If it cannot be read or does not fit.
    """
    state, dropped = _given(weights, progress, ignore)
    assign(model, state, source=_source(weights))
    labels = weights.meta.get("categories")
    model.load_report = _report(weights, state, dropped=dropped, labels=labels)  # pyright: ignore[reportArgumentType]


def _given(
    weights: WeightsEnum, progress: bool, ignore: tuple[str, ...]
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """An entry's tensors, which may be changed, without those that are left out; and these, with the reason."""
    # Not dict(state): torch keeps the versions of the modules in an attribute of it.
    state = copy.copy(weights.get_state_dict(progress=progress))
    dropped: dict[str, str] = dict(getattr(state, "dropped", {}))
    for key in [key for key in state if ignore and key.startswith(ignore)]:
        del state[key]
        dropped[key] = "the network was asked for without it"
    return state, dropped


def _source(weights: WeightsEnum) -> str:
    return f"{weights} ({local_path(weights.url)})"


def _report(weights: WeightsEnum, state: Mapping[str, torch.Tensor], **changes: Any) -> LoadReport:
    renamed = {theirs: ours for theirs, ours in getattr(state, "renamed", {}).items() if theirs != ours}
    changed = {**changes.get("adapted", {}), **changes.get("new", {})}
    return LoadReport(
        source=_source(weights),
        loaded=tuple(key for key in state if key not in changed),
        renamed=renamed,
        unwrapped=getattr(state, "unwrapped", ()),
        **changes,
    )


class without_initialisation(TorchFunctionMode):
    """Within it, and in this thread only, parameters stay as they were allocated and no random number is drawn.

    Cheaper than the meta device (whose modules cost three times as much to construct), and buffers and tables
    computed from tensors are real, but for those that are written with `torch.add(…, out=…)`. Whoever uses it must
    assign every parameter and these afterwards.

    Args:
        keep: Parameters of these shapes are initialised all the same.
    """

    def __init__(self, keep: Collection[torch.Size] = ()) -> None:
        super().__init__()
        self._keep = keep

    # The other functions of torch.nn.init end in one of these.
    _DRAWING = frozenset(
        {
            nn.init.normal_,
            nn.init.uniform_,
            nn.init.kaiming_uniform_,
            torch.Tensor.normal_,
            torch.Tensor.uniform_,
            torch.Tensor.random_,
            torch.Tensor.bernoulli_,
            torch.Tensor.exponential_,
            torch.Tensor.log_normal_,
            torch.Tensor.cauchy_,
            torch.Tensor.geometric_,
        }
    )
    _FILLING = frozenset({nn.init.constant_, torch.Tensor.fill_, torch.Tensor.zero_})
    _IS_META: Any = torch.Tensor.is_meta.__get__  # pyright: ignore[reportAttributeAccessIssue]

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in self._DRAWING or func in self._FILLING:
            tensor = args[0] if args else kwargs["tensor"]
            if isinstance(tensor, nn.Parameter):
                return func(*args, **kwargs) if tensor.shape in self._keep else tensor
            if func in self._DRAWING:
                # Not left as it was: nn.init.trunc_normal_ draws until all numbers are within its bounds.
                tensor.detach().zero_()
                return tensor
        if func == self._IS_META and isinstance(args[0], nn.Parameter) and args[0].shape not in self._keep:
            # Keeps nn.init.trunc_normal_ from reading, and so allocating, all of it.
            return True
        if func is torch.add and "out" in kwargs:
            # A table of positions, which is in every file.
            return kwargs["out"]
        return func(*args, **kwargs)


def assign(model: nn.Module, state: dict[str, torch.Tensor], *, source: str) -> None:
    """Makes the tensors of a state dict the model's own, without copying those of the model's dtype and device.

    Dtype, device and `requires_grad` stay the model's.

    Args:
        model: A network.
        state: Tensors by name; every one of the network's, and no other. It is left as it is.
        source: What the tensors are, for the error.

    Raises:
        MismatchError: If tensors are missing, unexpected or of another shape; the text names the first few. The
            model is then of no more use.
    """
    own = model.state_dict(keep_vars=True)
    # Not dict(state): torch keeps the versions of the modules in an attribute of it.
    fitting = copy.copy(state)
    for key, tensor in state.items():
        if (mine := own.get(key)) is not None:
            fitting[key] = tensor.detach().to(mine.device, mine.dtype)
    try:
        missing, unexpected = model.load_state_dict(fitting, strict=False, assign=True)
        misshapen: dict[str, str] = {}
    except RuntimeError as error:
        # Only now: a network may change its shape when it meets a file of an older version.
        own = model.state_dict()
        misshapen = {
            key: f"{key} {tuple(tensor.shape)} instead of {tuple(own[key].shape)}"
            for key, tensor in state.items()
            if key in own and tensor.shape != own[key].shape
        }
        if not misshapen:
            raise MismatchError(f"{source} does not fit the network: {error}") from error
        missing = [key for key in own if key not in state]
        unexpected = [key for key in state if key not in own]
    if missing or unexpected or misshapen:
        raise MismatchError(mismatch(source, missing, unexpected, misshapen.values()))


def mismatch(source: str, missing: Iterable[str], unexpected: Iterable[str], misshapen: Iterable[str]) -> str:
    """The text of the error for tensors that are not a network's; of each kind the first few are named."""
    lines = [f"{source} does not fit the network."]
    for what, names in (("missing", missing), ("unexpected", unexpected), ("misshapen", misshapen)):
        if names := list(names):
            shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
            lines.append(f"  {len(names)} {what}: {shown}")
    return "\n".join(lines)
