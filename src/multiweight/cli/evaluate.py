"""`multiweight evaluate`: measure how good weights are, and compare with what they claim."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from multiweight.catalogue import InterpolationMode, metric
from multiweight.cli._output import one_line, print_table

if TYPE_CHECKING:
    from multiweight.evaluate import ClassFigures, Cost, Evaluator, Measurement

_PAST_TOLERANCE = 1
_SHOWN = 20
"""How many classes and unreadable pictures are shown unless asked for otherwise."""

_Costs = list["Cost"]


@click.command("evaluate")
@click.argument("reference", metavar="REF")
@click.option(
    "--data", required=True, metavar="DATA", help="A folder of class folders or WebDataset shards, or digits."
)
@click.option("--split", default="val", show_default=True, help="The part of the data.")
@click.option("--dataset", metavar="NAME", help="What the data set is called in records and claims; default: its own.")
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True, help="Pictures at once.")
@click.option("--device", metavar="DEVICE", help="cpu, cuda, cuda:1 …; default: cuda if there is one, else cpu.")
@click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16", "fp16"]),
    default="fp32",
    show_default=True,
    help="In what it is computed; bf16 and fp16 are torch's automatic mixed precision.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Processes that read pictures, for each that measures; default: none beside a CPU, else up to 16.",
)
@click.option("--resize-size", type=click.IntRange(min=1), help="Another short side after resizing, in pixels.")
@click.option("--crop-size", type=click.IntRange(min=1), help="Another crop, in pixels.")
@click.option("--interpolation", type=click.Choice([*InterpolationMode]), help="Another way of resizing.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    metavar="POINTS",
    help="How many percentage points a figure may differ from the claimed one.",
)
@click.option("--sensitivity", is_flag=True, help="Measure too what the usual preprocessing mistakes cost.")
@click.option(
    "--record",
    is_flag=False,
    flag_value="measured.json",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="[FILE]",
    help="Add what was measured to FILE; without a name to measured.json.",
)
@click.option(
    "--draw",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Draw confusion.png and reliability.png there.",
)
@click.option(
    "--per-class",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the figures of all classes there, as CSV.",
)
@click.option(
    "--classes",
    type=click.IntRange(min=0),
    default=_SHOWN,
    show_default=True,
    help="Classes to show; of more, the worst.",
)
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def command(
    ctx: click.Context,
    reference: str,
    data: str,
    split: str,
    dataset: str | None,
    batch_size: int,
    device: str | None,
    precision: Any,
    workers: int | None,
    resize_size: int | None,
    crop_size: int | None,
    interpolation: str | None,
    tolerance: float | None,
    sensitivity: bool,
    record: Path | None,
    draw: Path | None,
    per_class: Path | None,
    classes: int,
    format_: str,
) -> None:
    """Measure how good weights are, and compare with what they claim.

    Pictures go through the weights' own preset. The classes of DATA are matched with the weights' labels by name;
    folders of ImageNet's 1,000 WordNet ids by their sorted order; else by order, which is said. Pictures that cannot
    be read are named on standard error and left out.

    Under torchrun the pictures are shared by the processes, and the counts summed.

    Exit status: 0 if it was measured; 1 if it could not be, or a figure is further from the claimed one than
    --tolerance; 2 if the weights or options are wrong.

    \b
    Examples:
      multiweight evaluate ShuffleNet_V2_X0_5_Weights.DIGITS_V2 --data digits --sensitivity
      multiweight evaluate run/best.safetensors --data flowers/ --draw pictures --record
      multiweight evaluate ResNet50_Weights.DEFAULT --data imagenet/ --device cuda --batch-size 256 --tolerance 0.05
      torchrun --nproc-per-node 8 -m multiweight evaluate resnet50 --data imagenet/ --record measured.json
    """
    from multiweight import evaluate
    from multiweight.train.distributed import joined

    # What would fail after the work is tried before.
    if draw is not None:
        evaluate.check_drawing()
    if record is not None and record.exists():
        evaluate.read_records(record)
    with joined(device) as group:
        evaluator = evaluate.Evaluator(
            reference,
            data=data,
            split=split,
            dataset=dataset,
            batch_size=batch_size,
            device=group.device,
            precision=precision,
            workers=group.readers if workers is None else workers,
        )
        claimed = evaluate.claimed_figures(evaluator.weights, evaluator.name, evaluator.dataset.split)
        if tolerance is not None and not claimed:
            raise click.UsageError(_no_claim(evaluator))
        given = {"resize_size": resize_size, "crop_size": crop_size, "interpolation": interpolation}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if interpolation is not None:
            changes["interpolation"] = InterpolationMode(interpolation)
        evaluator.preset = replace(evaluator.preset, **changes)
        measurement = evaluator.measure()
        costs = list(evaluate.sensitivity(evaluator)) if sensitivity else []
        if group.is_first:
            if format_ == "json":
                print(json.dumps(_as_json(measurement, costs), indent=2, ensure_ascii=False))
            else:
                _show(measurement, costs, classes, changes)
            _complain(measurement, tolerance)
            for path in _write(measurement, costs, record=record, draw=draw, per_class=per_class):
                click.echo(f"Written: {path}", err=True)
    if tolerance is not None and any(abs(claim.difference) > tolerance for claim in measurement.claims):
        ctx.exit(_PAST_TOLERANCE)


def _no_claim(evaluator: Evaluator) -> str:
    known = ", ".join(map(repr, evaluator.weights.meta["metrics"])) or "nothing"
    return (
        f"--tolerance: {evaluator.weights} claims no accuracy on {evaluator.name!r}, {evaluator.dataset.split}; "
        f"it claims figures on {known}. --dataset says what the data set is called."
    )


def _show(measurement: Measurement, costs: _Costs, classes: int, changes: dict[str, Any]) -> None:
    counts = measurement.counts
    print(measurement.weights)
    print(
        f"{one_line(measurement.dataset)}, {one_line(measurement.split)}: {counts.total:,} pictures of "
        f"{len(measurement.matching.places):,} classes. {one_line(measurement.matching.reason)}"
    )
    settings = measurement.preset.settings()
    print(
        f"{type(measurement.preset).__name__}: resized to {settings['resize_size']} pixels "
        f"({settings['interpolation'].value}), the central {settings['crop_size']} kept"
        + (f"; not the weights' own {', '.join(changes)}" if changes else "")
    )
    print()
    claims = {claim.key: claim for claim in measurement.claims}
    rows: list[list[str]] = []
    for key, value in measurement.figures.items():
        title = metric(key).title if key != "ece" else "ECE"
        claim = claims.get(key)
        rows.append(
            [title, f"{value:.3f} %", *([f"{claim.claimed:.3f} %", f"{claim.difference:+.3f}"] if claim else ["–", ""])]
        )
    print_table([("Figure", "left"), ("Measured", "right"), ("Claimed", "right"), ("Difference", "right")], rows)
    if costs:
        print()
        _show_costs(measurement, costs)
    if classes:
        print()
        _show_classes(measurement.per_class(), classes)
    processes = "1 process" if measurement.processes == 1 else f"{measurement.processes} processes"
    print()
    print(
        f"{measurement.images_per_second:,.0f} images/s on {measurement.device}, {measurement.precision}: {processes}, "
        f"batches of {measurement.batch_size}, from the file to the count."
    )


def _show_costs(measurement: Measurement, costs: _Costs) -> None:
    rows: list[list[str]] = []
    for cost in costs:
        if cost.measurement is None:
            rows.append([cost.mistake.name, "refused", "", "", "", ""])
            continue
        cells = [cost.mistake.name]
        for key in ("acc@1", "acc@5", "ece"):
            value = cost.measurement.figures[key]
            cells += [f"{value:.3f} %", f"{value - measurement.figures[key]:+.3f}"]
        rows.append(cells)
    titles = ["Acc@1", "Change", "Acc@5", "Change", "ECE", "Change"]
    print_table([("Mistake", "left"), *((title, "right") for title in titles)], rows)
    for cost in costs:
        if cost.measurement is None:
            print(f"{cost.mistake.name}: the network refuses such pictures. {one_line(cost.reason or '')}")


def _show_classes(figures: list[ClassFigures], most: int) -> None:
    shown = figures
    if len(figures) > most:
        shown = sorted(figures, key=lambda each: each.top1)[:most]
        print(f"The worst {len(shown)} of {len(figures):,} classes; --per-class writes all.")
    rows = [
        [
            one_line(each.label),
            f"{each.pictures:,}",
            f"{each.top1:.2f} %",
            f"{each.top5:.2f} %",
            "–" if each.precision is None else f"{each.precision:.2f} %",
            f"{one_line(each.taken_for)} ({each.times:,})" if each.taken_for is not None else "",
        ]
        for each in shown
    ]
    columns = [("Class", "left"), ("Pictures", "right"), ("Acc@1", "right"), ("Acc@5", "right"), ("Precision", "right")]
    print_table([*columns, ("Most often taken for", "left")], rows)


def _complain(measurement: Measurement, tolerance: float | None) -> None:
    counts = measurement.counts
    if measurement.matching.how == "order":
        click.echo(f"Warning: {one_line(measurement.matching.reason)}", err=True)
    if counts.not_numbers:
        click.echo(f"Warning: {counts.not_numbers:,} pictures gave outputs that are not finite numbers.", err=True)
    if counts.failures:
        click.echo(f"{len(counts.failures):,} pictures could not be read and are in no figure:", err=True)
        for source, reason in counts.failures[:_SHOWN]:
            click.echo(f"  {one_line(source)}: {one_line(reason)}", err=True)
        if len(counts.failures) > _SHOWN:
            click.echo(f"  and {len(counts.failures) - _SHOWN:,} more", err=True)
    for claim in measurement.claims:
        if tolerance is not None and abs(claim.difference) > tolerance:
            click.echo(
                f"{metric(claim.key).title} is {claim.measured:.3f} %, {claim.difference:+.3f} points from the claimed "
                f"{claim.claimed:.3f} %; the tolerance is {tolerance:g}.",
                err=True,
            )


def _write(
    measurement: Measurement, costs: _Costs, *, record: Path | None, draw: Path | None, per_class: Path | None
) -> list[Path]:
    from multiweight import evaluate
    from multiweight.store.save import write_atomically

    written: list[Path] = []
    if draw is not None:
        written += evaluate.draw(measurement, draw)
    if per_class is not None:
        text = io.StringIO()
        rows = [asdict(each) for each in measurement.per_class()]
        writer = csv.DictWriter(text, ["label", "pictures", "top1", "top5", "precision", "taken_for", "times"])
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(per_class, lambda put: put(text.getvalue().encode()))
        written.append(per_class)
    if record is not None:
        values = measurement.record()
        if costs:
            values["sensitivity"] = _costs_as_json(costs)
        evaluate.write_record(record, str(measurement.weights), values)
        written.append(record)
    return written


def _as_json(measurement: Measurement, costs: _Costs) -> dict[str, Any]:
    from multiweight.evaluate import confused_pairs

    labels = measurement.labels
    values: dict[str, Any] = {
        "weights": str(measurement.weights),
        **measurement.record(),
        "claims": [{**asdict(claim), "difference": claim.difference} for claim in measurement.claims],
        "per_class": [asdict(each) for each in measurement.per_class()],
        "confused": [
            {"label": labels[right], "taken_for": labels[taken], "times": times}
            for right, taken, times in confused_pairs(measurement.counts)
        ],
        "calibration": [asdict(part) for part in measurement.counts.bins()],
        "failures": [{"source": source, "reason": reason} for source, reason in measurement.counts.failures],
    }
    return {**values, "sensitivity": _costs_as_json(costs)} if costs else values


def _costs_as_json(costs: _Costs) -> list[dict[str, Any]]:
    return [
        {"mistake": cost.mistake.name, "metrics": cost.measurement.figures}
        if cost.measurement
        else {"mistake": cost.mistake.name, "metrics": None, "reason": cost.reason}
        for cost in costs
    ]
