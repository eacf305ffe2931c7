"""`multiweight list`: the weights there are, filtered and sorted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import click

from multiweight.catalogue import METRICS, WeightsEnum, as_json, metric, weights_enums
from multiweight.catalogue._file import FileWeights, entry_of_file
from multiweight.catalogue._licenses import UNSTATED, license_of
from multiweight.catalogue._listing import figures, headline, is_default, rank
from multiweight.catalogue._references import is_file_reference
from multiweight.catalogue._schema import spelling
from multiweight.cli._output import license_shown, one_line, print_table
from multiweight.errors import suggestions

SORTS = ("name", "accuracy", "gflops", "params", "size")


def entries() -> Iterable[WeightsEnum]:
    """Every entry, in the catalogue's order; what other packages add to a variant follows its own."""
    by_variant: dict[str, list[WeightsEnum]] = {}
    for enum in weights_enums().values():
        by_variant.setdefault(enum.variant or enum.__name__, []).extend(enum)
    for some in by_variant.values():
        yield from some


def matches(entry: WeightsEnum, pattern: str) -> bool:
    """Whether a pattern fits the entry's full name or its variant; a plain word fits anywhere in them."""
    from fnmatch import fnmatchcase

    pattern = pattern.lower()
    if not set(pattern) & set("*?["):
        pattern = f"*{pattern}*"
    return any(fnmatchcase(name.lower(), pattern) for name in (str(entry), type(entry).variant or ""))


def _accuracy(entry: WeightsEnum) -> float:
    """The headline where more of it is better; else NaN, which no limit lets through."""
    key, value = headline(entry)
    return math.nan if metric(key).lower_is_better else value


@click.command("list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--task", help="Only this task: classification, detection, segmentation, video, optical_flow.")
@click.option("--dataset", help="Only entries measured on this data set, such as ImageNet-1K, in any spelling.")
@click.option("--min-accuracy", type=float, help="At least this first metric (Acc@1 for classification), in percent.")
@click.option("--max-gflops", type=float, help="At most this many GFLOPs (multiply-adds) a picture.")
@click.option("--max-params", type=float, help="At most this many million parameters.")
@click.option("--max-size", type=float, help="At most this file size, in MiB.")
@click.option("--license", "license_pattern", help="Only this licence; a pattern, or 'unstated'.")
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    help="Order: name; accuracy, best first; gflops, params or size, least first. Else the catalogue's.",
)
@click.option("--compare", is_flag=True, help="A line a variant: its first and its newest entry, and what was gained.")
@click.option("--json", "json_", is_flag=True, help="Print JSON, with everything about each entry.")
def command(
    patterns: tuple[str, ...],
    task: str | None,
    dataset: str | None,
    min_accuracy: float | None,
    max_gflops: float | None,
    max_params: float | None,
    max_size: float | None,
    license_pattern: str | None,
    sort: str | None,
    compare: bool,
    json_: bool,
) -> None:
    """List the weights there are.

    PATTERN fits an entry's name or its variant; a plain word fits anywhere in them. The path of a weights file that
    knows what it is stands for what is in it. A star before a name marks the entry that DEFAULT means.

    \b
    Examples:
      multiweight list
      multiweight list "resnet*" shufflenet
      multiweight list --min-accuracy 80 --max-gflops 5 --sort accuracy
      multiweight list --task detection --sort accuracy
      multiweight list --compare
      multiweight list --dataset digits --json
      multiweight list runs/*/best.safetensors --sort accuracy
    """
    if compare and json_:
        raise click.UsageError("--compare prints a table; --json prints every entry. Choose one.")
    if task is not None:
        task = _task(task)
    limits = (("gflops", max_gflops, 1.0), ("num_params", max_params, 1e6), ("file_size", max_size, 1.0))
    found = [
        entry
        for entry in _named(patterns)
        if (task is None or type(entry).task == task)
        and (dataset is None or any(spelling(dataset) in spelling(name) for name in figures(entry)))
        and (min_accuracy is None or _accuracy(entry) >= min_accuracy)
        and all(limit is None or entry.meta.get(key, math.inf) <= limit * unit for key, limit, unit in limits)
        and (license_pattern is None or _has_license(entry, license_pattern))
    ]
    if sort:
        found.sort(key=_SORT_KEYS[sort])
    if json_:
        import json

        click.echo(json.dumps([as_json(entry) for entry in found], indent=1, ensure_ascii=False))
    elif found and compare:
        _print_comparison(found)
    elif found:
        _print_by_kind(found)
    else:
        click.echo("No weights fit; `multiweight list` without filters shows all.", err=True)


def _named(patterns: Iterable[str]) -> Iterable[WeightsEnum]:
    """The entries that patterns fit, all for none; then those of files."""
    files = [pattern for pattern in patterns if is_file_reference(pattern)]
    names = [pattern for pattern in patterns if pattern not in files]
    if names or not files:
        yield from (entry for entry in entries() if not names or any(matches(entry, name) for name in names))
    yield from map(entry_of_file, files)


def _task(given: str) -> str:
    """The task that a word means, with dashes or spaces as well."""
    known = dict.fromkeys(str(type(entry).task) for entry in entries())
    name = given.strip().lower().replace("-", "_").replace(" ", "_")
    if name not in known:
        raise click.UsageError(f"There is no task {given!r}.{suggestions(name, known)}")
    return name


def _print_comparison(found: list[WeightsEnum]) -> None:
    """Prints, for each variant measured twice on one data set, the first entry, the newest and the gain."""
    rows: list[list[str]] = []
    for enum in dict.fromkeys(type(entry) for entry in found):
        for dataset in dict.fromkeys(dataset for entry in enum for dataset in figures(entry)):
            by_entry = {entry: figures(entry).get(dataset) for entry in enum if entry in found}
            measured = [(entry, next(iter(known.values()))) for entry, known in by_entry.items() if known]
            versions = [(entry, value) for entry, value in measured if _version_of_first(entry, measured[0][0])]
            if len(versions) < 2:
                continue
            (first, before), (newest, after) = versions[0], versions[-1]
            key = next(iter(figures(first)[dataset]))
            rows.append(
                [
                    str(enum.variant),
                    f"{dataset} {key}{', lower is better' if metric(key).lower_is_better else ''}",
                    first.name,
                    f"{before:.3f}",
                    newest.name,
                    f"{after:.3f}",
                    f"{after - before:+.3f}",
                ]
            )
    if not rows:
        click.echo("No variant among these has two entries of one kind to compare.", err=True)
        return
    columns = ("Variant", "Measured", "First", "", "Newest", "", "Gain")
    print_table([(title, "left" if number in (0, 1, 2, 4) else "right") for number, title in enumerate(columns)], rows)


def _version_of_first(entry: WeightsEnum, first: WeightsEnum) -> bool:
    """Whether an entry is a later version of the first one: the same name but for its number."""
    return entry.name.rstrip("0123456789") == first.name.rstrip("0123456789")


_SORT_KEYS: dict[str, Any] = {
    "name": str,
    "accuracy": rank,
    "gflops": lambda entry: entry.meta.get("gflops", math.inf),
    "params": lambda entry: entry.meta.get("num_params", math.inf),
    "size": lambda entry: entry.meta.get("file_size", math.inf),
}


def _has_license(entry: WeightsEnum, pattern: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase((license_of(entry) or UNSTATED).lower(), pattern.lower())


def _print_by_kind(found: list[WeightsEnum]) -> None:
    """Prints a table a kind, the kinds in the catalogue's order."""
    by_kind: dict[str, list[WeightsEnum]] = {_kind(entry): [] for entry in entries()}
    for entry in found:
        by_kind[_kind(entry)].append(entry)
    tables = {kind: some for kind, some in by_kind.items() if some}
    for number, (kind, some) in enumerate(tables.items()):
        if len(tables) > 1:
            click.echo(("\n" if number else "") + kind)
        _print(some)


def _kind(entry: WeightsEnum) -> str:
    """The entry's task, as no two are measured by the same figures; quantized weights are a kind of their own."""
    task = str(type(entry).task or "other").replace("_", " ").capitalize()
    return f"{task}, quantized" if entry.arguments.get("quantize") else task


def _print(found: list[WeightsEnum]) -> None:
    given = dict.fromkeys(key for entry in found for measured in figures(entry).values() for key in measured)
    metrics = [key for key in METRICS if key in given] + [key for key in given if key not in METRICS]
    columns = [
        ("Entry", "left"),
        ("Measured on", "left"),
        *((metric(key).title, "right") for key in metrics),
        ("GFLOPs", "right"),
        ("Params (M)", "right"),
        ("MiB", "right"),
        ("Licence", "left"),
    ]
    rows: list[list[str]] = []
    for entry in found:
        # A file may say nothing of how good it is.
        for number, (dataset, measured) in enumerate((figures(entry) or {"": {}}).items()):
            star = "*" if is_default(entry) and not isinstance(entry, FileWeights) else " "
            first = number == 0
            rows.append(
                [
                    f"{star} {one_line(str(entry))}" if first else "",
                    one_line(dataset),
                    *("" if math.isnan(measured.get(key, math.nan)) else f"{measured[key]:.3f}" for key in metrics),
                    f"{entry.meta['gflops']:.3f}" if first and "gflops" in entry.meta else "",
                    f"{entry.meta['num_params'] / 1e6:.2f}" if first and "num_params" in entry.meta else "",
                    f"{entry.meta['file_size']:.1f}" if first and "file_size" in entry.meta else "",
                    license_shown(entry) if first else "",
                ]
            )
    print_table(columns, rows)
