"""`multiweight show`: everything about an entry, and the three lines that use it."""

from __future__ import annotations

from collections.abc import Mapping

import click

from multiweight.catalogue import Meta, WeightsEnum, as_json, metric, resolve
from multiweight.catalogue._file import FileWeights
from multiweight.catalogue._listed import ListedWeights
from multiweight.catalogue._listing import figures, is_default
from multiweight.catalogue._lock import find_lock, locked
from multiweight.catalogue._registry import entries_of
from multiweight.catalogue._schema import UNTRAINED
from multiweight.cli._output import license_shown, one_line, size
from multiweight.cli._reference import complete


@click.command("show")
@click.argument("reference", metavar="REF", shell_complete=complete)
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.option("--labels", is_flag=True, help="Print the labels, one a line in the order of the outputs, and no more.")
def command(reference: str, json_: bool, labels: bool) -> None:
    """Show everything about an entry, and the three lines of Python that use it.

    \b
    Examples:
      multiweight show ResNet50_Weights.IMAGENET1K_V2
      multiweight show resnet50
      multiweight show ShuffleNet_V2_X0_5_Weights.DIGITS_V2 --labels
      multiweight show run/best.safetensors
    """
    entry = resolve(reference)
    if labels:
        click.echo("\n".join(entry.meta.get("categories") or ()))
    elif json_:
        import json

        click.echo(json.dumps(as_json(entry), indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join(_page(entry)))


def _page(entry: WeightsEnum) -> list[str]:
    from multiweight import store
    from multiweight.store.paths import scheme_of

    enum, meta = type(entry), entry.meta
    path = store.local_path(entry.url)
    of_file = isinstance(entry, FileWeights)
    if of_file and "://" not in entry.url:
        cached = "a plain state dict" if entry.plain else "a file that knows what it is"
    elif entry.url.startswith("package://"):
        cached = "ships inside the package"
    elif scheme_of(entry.url) == "file":
        cached = "a file of this machine" if path.is_file() else "a file that is not there"
    else:
        cached = "in the cache" if store.is_cached(entry.value) else "not in the cache"
    others = [str(other) for other in entries_of(enum) if other is not entry]
    facts = {
        "variant": f"{enum.variant or 'none'} ({enum.task})",
        **{
            f"measured on {dataset}": ", ".join(f"{metric(key).title} {value}" for key, value in measured.items())
            for dataset, measured in figures(entry).items()
        },
        **({"labels": _labels(meta)} if "categories" in meta else {}),
        "parameters": f"{meta['num_params']:,}" if "num_params" in meta else "unstated",
        "GFLOPs": f"{meta['gflops']} multiply-adds a {_UNITS.get(enum.task or '', 'picture')}"
        if "gflops" in meta
        else "unstated",
        **({"smallest picture": " × ".join(map(str, meta["min_size"])) + " pixels"} if "min_size" in meta else {}),
        "preprocessing": _settings(entry),
        **({"arguments": _text(entry.arguments)} if entry.arguments else {}),
        **_recipe(entry),
        **_probe(meta),
        "licence": license_shown(entry),
        **{key.replace("_", " "): _text(meta[key]) for key in meta if key not in _SHOWN},
        "file": f"{entry.url}" + (f" ({size(meta['file_size'])})" if "file_size" in meta else ""),
        **_hash(entry, store.published_hash(entry.url)),
        "here": f"{cached}: {path}",
        **({"also": ", ".join(others)} if others else {}),
    }
    width = max(len(one_line(key)) for key in facts)
    return [
        f"{one_line(str(entry))}{'  (DEFAULT)' if is_default(entry) and not of_file else ''}",
        "",
        *(f"  {one_line(key):<{width}}  {one_line(value)}" for key, value in facts.items()),
        "",
        *_usage(entry),
    ]


_UNITS = {"video": "clip", "optical_flow": "pair of pictures"}
"""What one input is, where it is not a picture."""


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items() if inner is not None)
    if isinstance(value, tuple):
        return ("; " if any(isinstance(inner, Mapping) for inner in value) else ", ").join(map(_text, value))
    return str(value)


def _recipe(entry: WeightsEnum) -> dict[str, str]:
    """What is known of the training; a file has all of it in its header."""
    recipe = isinstance(entry, FileWeights) and entry.header.recipe
    if not recipe:
        return {"recipe": entry.meta.get("recipe", "unstated")}
    named = f"{recipe.get('name', 'unnamed')}: multiweight recipe show {_path(entry)}"
    rest = {key: value for key, value in recipe.items() if key not in ("name", "text", "sha256")}
    return {"recipe": named, **({"trained with": _text(rest)} if rest else {})}


def _probe(meta: Meta) -> dict[str, str]:
    """What the network answered to a small input when the file was written, or why that is not in the file."""
    probe = meta.get("probe")
    if probe is None:
        return {}
    if "absent" in probe:
        return {"probe": f"none: {probe['absent']}"}
    if not probe.get("outputs"):
        return {"probe": f"of version {_text(probe['version'])}, which a later release compares"}
    inputs = " and ".join(" × ".join(map(str, shape)) for shape in probe["inputs"])
    output = probe["outputs"][0]
    first = ", ".join(f"{number:.4g}" for number in output["first"][:3])
    answers = f"{' × '.join(map(str, output['shape']))}: {first}{', …' if len(output['first']) > 3 else ''}"
    return {"probe": f"{inputs} gave {answers} ({probe['dtype']} on {probe['device']}, torch {probe['torch']})"}


def _hash(entry: WeightsEnum, published: str | None) -> dict[str, str]:
    if isinstance(entry, FileWeights):
        return {"SHA-256 of the tensors": entry.header.tensors_sha256 or "unstated"}
    if (pinned := locked(entry.value, str(entry))) is not None:
        return {"SHA-256": f"{pinned.sha256}, pinned by {find_lock()}"}
    unknown = "not known: what first arrives is put on record"
    return {"SHA-256": entry.sha256 or (f"begins with {published}" if published else unknown)}


def _path(entry: WeightsEnum) -> str:
    import shlex

    return shlex.quote(str(entry))


_SHOWN = {"categories", "outputs", "metrics", "num_params", "gflops", "min_size", "recipe", "license", "file_size"} | {
    "probe",
    "size",
    "interpolation",
}


def _labels(meta: Meta) -> str:
    labels: tuple[str, ...] | None = meta["categories"]
    if not labels:
        return f"none: {meta.get('outputs', UNTRAINED)}"
    return f"{len(labels)}: {', '.join(labels[:3])}{', …' if len(labels) > 3 else ''}"


def _settings(entry: WeightsEnum) -> str:
    preset = entry.value.transforms
    settings = getattr(preset, "settings", dict)()
    return f"{type(preset).__name__}({', '.join(f'{key}={_literal(value)}' for key, value in settings.items())})"


def _literal(value: object) -> str:
    return repr(str(value)) if isinstance(value, str) else repr(value)


def _usage(entry: WeightsEnum) -> list[str]:
    """The three lines of Python that use the entry, as they can be pasted."""
    module, _, function = type(entry).builder.partition(":")
    # The builder finds that out by itself, as all arguments of an entry; but not every reader does.
    quantize = ", quantize=True" if entry.arguments.get("quantize") else ""
    if isinstance(entry, FileWeights):
        return [
            f"from {module} import {function}; from multiweight.catalogue import resolve",
            f"model = {function}(weights={str(entry)!r}{quantize}).eval()",
            f"preset = resolve({str(entry)!r}).transforms()",
        ]
    if isinstance(entry, ListedWeights):
        return [
            f"from {module} import {function}; from multiweight.catalogue import add_catalogue",
            f"(entry,) = (each for each in add_catalogue({str(entry.path)!r}) if str(each) == {str(entry)!r})",
            f"model, preset = {function}(weights=entry{quantize}).eval(), entry.transforms()",
        ]
    return [
        f"from {module} import {function}, {type(entry).__name__}"
        if type(entry).__module__.startswith("multiweight.")
        else f"from {module} import {function}; from {type(entry).__module__} import {type(entry).__name__}",
        f"model = {function}(weights={entry}{quantize}).eval()",
        f"preset = {entry}.transforms()",
    ]
