"""From a network to one file that knows what it is, and from any reference back to a network."""

from __future__ import annotations

import json
import os
import platform
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from multiweight.catalogue import Header, PresetSpec, WeightsEnum, get_model_weights, header_json, resolve
from multiweight.catalogue._file import FileWeights, entry_of_header, parse_header
from multiweight.catalogue._schema import ObjectDetection, OpticalFlow
from multiweight.errors import MismatchError, MultiweightError, ProbeError
from multiweight.models._builder import mismatch
from multiweight.models._origin import Origin, own_arguments
from multiweight.probe import absent, bare, check_probe, take_probe
from multiweight.store.hashes import hash_file
from multiweight.store.paths import local_path
from multiweight.store.save import save_weights

_OF_ENTRY = ("keypoint_names", "min_temporal_size", "outputs")
"""What an entry's meta says of its network that a header has no field for."""

_WITHOUT_SETTINGS = {preset.task: preset() for preset in (ObjectDetection, OpticalFlow)}

_SAME_HERE = 0.1
"""What share of a probe's tolerance two networks with the same tensors may differ by on one machine."""


def save(
    model: nn.Module,
    path: str | os.PathLike[str],
    *,
    labels: Sequence[str] | None = None,
    preset: PresetSpec | None = None,
    metrics: Mapping[str, Mapping[str, float]] | None = None,
    recipe: str | Mapping[str, Any] | None = None,
    license: str | None = None,
    parent: str | os.PathLike[str] | WeightsEnum | Mapping[str, Any] | None = None,
    probe: bool = True,
    variant: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> str:
    """Writes a network as one `.safetensors` file that says what it is, and that every reader of safetensors reads.

    ```python
    model = resnet18(weights="DEFAULT")
    model.fc = nn.Linear(512, 2)
    ...  # trained
    multiweight.save(model, "pets.safetensors", labels=["cat", "dog"], metrics={"my pictures": {"acc@1": 97.5}})
    ```

    Before anything is written the network is built from the header, and must take the tensors and give the answers.
    What is not given is as the network came about (`model.origin`): variant and arguments, and of the entry that it
    began with preset, labels and licence; that entry is the parent. Where tensors, preset and labels are still the
    entry's, so are its metrics, recipe and parent. What a later release has put into a file's header is kept.

    Args:
        model: The network, on any device and in any dtype, which is the file's. What trains it on several devices,
            averages or compiles it is taken off.
        path: Where to; best ending in `.safetensors`. Its folder must be there. A file that was there is replaced when
            the new one is whole, and may be the one that the network has mapped.
        labels: One for each output, in their order; empty for outputs without labels.
        preset: The preprocessing, as `ImageClassification(crop_size=224)`.
        metrics: Figures by data set and metric.
        recipe: How it was trained: a name, or `name`, `text` (TOML), `sha256` …
        license: Of the weights, best as an SPDX identifier.
        parent: What the training began with: a reference, or a record of `name` and `sha256`; empty for nothing.
        probe: Whether the network is asked something small, so that others can find out whether theirs answers alike.
        variant: The network, as the catalogue calls it, where no builder of this package made it.
        arguments: What its builder is told beside the weights and the number of classes, where not as it came about.
        extra: Further fields of the header.

    Returns:
        The file's SHA-256 in hexadecimal.

    Raises:
        ValueError: If it is not known what the network is or how its input is made, or the header cannot be written.
        MismatchError: If the header would make another network: the text names the first differences, or says how
            far its answers are from the network's.
        StoreError: If the disk says no. What was under the name before is still there.
        UnknownModelError: If there is no such variant.
    """
    network = bare(model)
    origin = _origin(network, variant, arguments)
    state = _state_of(network)
    said = _said_of(network, origin, state, labels, preset)
    if recipe is not None:
        said["recipe"] = {"name": recipe} if isinstance(recipe, str) else dict(recipe)
    given = {"metrics": metrics and {name: dict(figures) for name, figures in metrics.items()}, "license": license}
    said |= {name: value for name, value in given.items() if value is not None}
    if parent is not None:
        said["parent"] = (dict(parent) or None) if isinstance(parent, Mapping) else parent_record(resolve(parent))
    said["extra"] = {**said["extra"], **(extra or {})}
    header = header_of(network, variant=origin.variant, probe=probe, **said)
    _check(network, state, header, path)
    return save_weights(state, path, header)


def load(
    reference: str | os.PathLike[str] | WeightsEnum,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    probe: bool = False,
    progress: bool = True,
    **options: Any,
) -> tuple[nn.Module, WeightsEnum]:
    """Builds the network that weights are for, with them, and gives both.

    ```python
    model, entry = multiweight.load("pets.safetensors")
    scores = model(entry.transforms()(picture).unsqueeze(0))
    ```

    Args:
        reference: The weights: an entry, its name in any spelling, a variant, or a file that knows what it is.
        device: Where the network goes; the CPU unless said.
        dtype: In which it computes; float32 unless said, whatever the file is in.
        probe: Whether the network is asked what the file's was asked. Without it nothing is computed.
        progress: Whether a download shows how far it is.
        **options: What the builder takes beside the weights.

    Returns:
        The network, in evaluation mode, and its entry: preset, labels and all else that is known.

    Raises:
        MultiweightError: If the weights cannot be found, had or read, or do not fit.
        ProbeError: If the network was to be asked, and answers otherwise.
        HeaderError: If it was to be asked, and the file has no probe.
    """
    entry = resolve(reference)
    model = _built(entry, progress=progress, **options).eval()
    if device is not None or dtype is not None:
        model = model.to(device=device, dtype=dtype)
    if probe and not (result := check_probe(model, entry)).same:
        raise ProbeError(f"{entry}: {result}.")
    return model, entry


def header_of(
    network: nn.Module,
    *,
    variant: str,
    preset: PresetSpec,
    arguments: Mapping[str, Any],
    probe: bool = True,
    parent: WeightsEnum | Mapping[str, Any] | None = None,
    **said: Any,
) -> Header:
    """The header for a network's file: what is found out by looking at it, and what is said.

    Args:
        network: The network.
        variant: What the catalogue calls it.
        preset: The preprocessing.
        arguments: What its builder is told.
        probe: Whether it is asked something small.
        parent: What the training began with, as an entry or as the record of one.
        **said: Other fields of the header.

    Raises:
        UnknownModelError: If there is no such variant.
    """
    asked = absent("none was asked for")
    if probe:
        about = {"arguments": arguments, "min_size": said.get("min_size")}
        asked = take_probe(network, preset, variant=variant, **about)
    known = {
        "builder": get_model_weights(variant).builder,
        "versions": versions(),
        # Of a quantized network most are no parameters.
        "num_params": None if arguments.get("quantize") else sum(each.numel() for each in network.parameters()),
        "parent": parent_record(parent) if isinstance(parent, WeightsEnum) else parent,
    }
    return Header(variant=variant, preset=preset, arguments=dict(arguments), probe=asked, **{**known, **said})


def parent_record(entry: WeightsEnum) -> dict[str, Any]:
    """What is recorded of the weights that others were made from: `name`, and the SHA-256 of their file.

    Args:
        entry: The weights. Where their file is not on this machine, and nobody has recorded its hash, that is `None`.
    """
    # Where a file lies here is of no use elsewhere; where it is published is.
    name = entry.path.name if isinstance(entry, FileWeights) and "://" not in entry.url else str(entry)
    file = local_path(entry.url)
    return {"name": name, "sha256": entry.sha256 or (hash_file(file).sha256 if file.is_file() else None)}


def versions() -> dict[str, str]:
    """The versions of what a network's answers and figures depend on."""
    return {
        "multiweight": version("multiweight"),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "pillow": version("pillow"),
        "python": platform.python_version(),
    }


def _built(entry: WeightsEnum, **options: Any) -> nn.Module:
    module, _, function = type(entry).builder.partition(":")
    build = getattr(import_module(module), function)
    if not hasattr(build, "weights_enum"):
        # Of another package: no `@builder` finds out by itself what the entry wants it told.
        options = {**entry.arguments, **options}
    return build(weights=entry, **options)


def _origin(network: nn.Module, variant: str | None, arguments: Mapping[str, Any] | None) -> Origin:
    """How a network came about, as it says or as the caller does, with all that its builder must be told.

    Raises:
        ValueError: If neither says it.
    """
    known: Any = vars(network).get("origin")
    if not isinstance(known, Origin):
        known = None
    if variant is None and known is None:
        raise ValueError(
            f"save cannot tell what {type(network).__name__} is, as no builder of multiweight made it. Give variant=, "
            "as the catalogue calls it, and arguments=, what the builder of that variant is told to make this network."
        )
    if known is None or variant not in (None, known.variant):
        known = Origin(str(get_model_weights(str(variant)).variant), {})
    module, _, function = get_model_weights(known.variant).builder.partition(":")
    builder = getattr(import_module(module), function)
    told = {**known.arguments, **own_arguments(network, builder)} if arguments is None else dict(arguments)
    for name, value in told.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The network was built with {name}={value!r}, which no file can say; arguments must be what JSON has."
            ) from error
    return Origin(known.variant, told, known.weights)


def _state_of(network: nn.Module) -> dict[str, Tensor]:
    """The tensors by the names that they have in the network as it was built, on the CPU.

    Raises:
        ValueError: If something else is in the state dict.
    """
    state: dict[str, Tensor] = OrderedDict()
    for name, value in network.state_dict().items():
        if not isinstance(value, Tensor):
            raise ValueError(f"{name} of the network's state is a {type(value).__name__}; a file holds tensors only.")
        # Of a part that was compiled alone.
        state[name.replace("_orig_mod.", "")] = value.detach().cpu()
    return state


def _said_of(
    network: nn.Module,
    origin: Origin,
    state: Mapping[str, Tensor],
    labels: Sequence[str] | None,
    preset: PresetSpec | None,
) -> dict[str, Any]:
    """The fields of the header that follow from how a network came about, and from labels and preset as they are given.

    Raises:
        ValueError: If it is not known how the input is made.
        TypeError: If labels or preset are of another type.
    """
    entry, arguments = origin.weights, dict(origin.arguments)
    classes, count = arguments.pop("classes", None), arguments.get("num_classes")
    of_entry = None if entry is None else entry.meta.get("categories")
    if isinstance(labels, str):
        raise TypeError(f"labels is a list with one label for each output; got the text {labels!r}.")
    if labels is not None:
        names = tuple(labels) or None
    elif classes is not None:
        # As the weights have them, however they were named.
        names = vars(network)["load_report"].labels
    else:
        names = of_entry if of_entry is None or count in (None, len(of_entry)) else None
    if names is not None or count is None:
        arguments.pop("num_classes", None)
    elif of_entry is not None:
        arguments.setdefault("num_classes", len(of_entry))
    spec: Any = preset if preset is not None else None if entry is None else entry.value.transforms
    if spec is None:
        spec = _WITHOUT_SETTINGS.get(str(get_model_weights(origin.variant).task))
    if spec is None:
        raise ValueError(
            "save cannot tell how the input of this network is made, as it began without weights. Give preset=, such "
            "as ImageClassification(crop_size=224)."
        )
    if not isinstance(spec, PresetSpec):
        raise TypeError(
            f"A file can hold a preset's spec only, such as ImageClassification(crop_size=224); got {spec!r}."
        )
    side = arguments.get("image_size", arguments.get("input_size"))
    said: dict[str, Any] = {"labels": names, "preset": spec, "arguments": arguments, "extra": {}}
    if side is not None:
        said["min_size"] = (side, side) if isinstance(side, int) else tuple(side)
    if entry is None:
        return said
    header = entry.header if isinstance(entry, FileWeights) else None
    said["extra"] = {name: entry.meta[name] for name in _OF_ENTRY if name in entry.meta and spec == entry.transforms}
    said["extra"] |= header.extra if header else {}
    said["license"], said["parent"] = entry.meta.get("license"), parent_record(entry)
    said.setdefault("min_size", entry.meta.get("min_size"))
    if spec == entry.value.transforms and names == of_entry and _are_of(state, entry):
        said |= _still_true(entry, header)
    return said


def _are_of(state: Mapping[str, Tensor], entry: WeightsEnum) -> bool:
    """Whether tensors are still an entry's own."""
    try:
        own = entry.get_state_dict(progress=False)
    except MultiweightError:
        # Its file is gone by now: nothing can be said.
        return False
    return own.keys() == state.keys() and all(
        own[name].dtype == each.dtype and torch.equal(own[name].cpu(), each) for name, each in state.items()
    )


def _still_true(entry: WeightsEnum, header: Header | None) -> dict[str, Any]:
    """What is known of weights and stays true while no tensor changes."""
    if header is not None:
        kept = ("metrics", "measured", "recipe", "versions", "parent", "quantization", "num_params", "gflops")
        return {name: value for name in kept if (value := getattr(header, name))}
    named = {"recipe": {"name": entry.recipe}} if entry.recipe else {}
    figures = {name: dict(some) for name, some in entry.meta["metrics"].items()}
    return {"metrics": figures, "gflops": entry.meta.get("gflops"), **named}


def _check(network: nn.Module, state: dict[str, Tensor], header: Header, path: str | os.PathLike[str]) -> None:
    """Builds the network from its header and tensors, and compares it with the one that is to be written.

    Raises:
        MismatchError: If it is another one.
        ValueError: If the header cannot be written or built from.
    """
    read = parse_header(header_json(header))
    entry = entry_of_header(read, os.path.abspath(path), file_size=0, tensors=state)
    told = ", ".join(f"{name}={value!r}" for name, value in read.arguments.items())
    source = f"{Path(path)} is not written, as {read.variant}({told}) is not this network"
    try:
        with torch.device("cpu"), torch.random.fork_rng([]):
            again = _built(entry, progress=False).eval()
    except MismatchError as error:
        differences = "\n".join(str(error).splitlines()[1:]) or f" {error}"
        raise MismatchError(f"{source}.{_of_labels(read)}\n{differences}") from None
    except MultiweightError:
        raise
    except RuntimeError as error:  # what torch says of tensors that do not fit, under a builder of others
        raise MismatchError(f"{source}: {error}") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"{source}: {error}{_of_labels(read)}") from error
    own = again.state_dict()
    left = [name for name in state if name not in own and not name.endswith(".num_batches_tracked")]
    new = [name for name in own if name not in state]
    shapes = {name: (tuple(own[name].shape), tuple(state[name].shape)) for name in own if name in state}
    other = [f"{name} {mine} instead of {built}" for name, (built, mine) in shapes.items() if built != mine]
    if left or new or other:
        raise MismatchError(mismatch(source, new, left, other))
    if header.probe is None or "absent" in header.probe:
        return
    if read.labels is not None and read.preset.task in ("classification", "segmentation", "video"):
        outputs = read.probe["outputs"][0]["shape"][1] if read.probe else 0
        if outputs != len(read.labels):
            raise MismatchError(f"{source}: it has {outputs} outputs, and there are {len(read.labels)} labels.")
    dtype = getattr(torch, header.probe["dtype"])
    if dtype != torch.float32:
        again = again.to(dtype)
    again.load_state_dict(state, strict=False, assign=True)
    on_cpu = header.probe["device"] == "cpu"
    found = check_probe(again, read)
    if not found.difference <= found.tolerance * (_SAME_HERE if on_cpu else 1):
        raise MismatchError(
            f"{source}: it takes the same tensors, but its answers differ by {found.difference:.1e} of their size. "
            "Something was changed that tensors do not show, such as an activation or the eps of a normalisation. Give "
            "the builder's arguments that say so as arguments=."
        )


def _of_labels(header: Header) -> str:
    """A hint at what is mostly wrong where a network is another one."""
    if header.labels is None:
        return " Where it has another number of outputs, give labels=, or arguments={'num_classes': …}."
    return f" It has {len(header.labels)} labels; where the network has other outputs, give labels=."
