"""`multiweight quantize`: 8-bit weights of weights in floating point, as a file that knows what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from multiweight.catalogue import metric
from multiweight.cli._output import one_line, print_table, size

if TYPE_CHECKING:
    from multiweight.quantization import Quantization

_SHOWN = 20
"""How many unreadable pictures are named."""


@click.command("quantize")
@click.argument("reference", metavar="REF")
@click.option(
    "--data",
    required=True,
    metavar="DATA",
    help="A folder of class folders or WebDataset shards, digits, or a folder of pictures.",
)
@click.option(
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write, best ending in .safetensors.",
)
@click.option("--split", default="train", show_default=True, help="The part of the data that ranges are taken from.")
@click.option("--measured-split", default="val", show_default=True, help="The part that is measured with.")
@click.option(
    "--pictures", type=click.IntRange(min=1), default=1000, show_default=True, help="How many ranges are taken from."
)
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Pictures at once.")
@click.option("--workers", type=click.IntRange(min=0), default=0, show_default=True, help="Processes that read.")
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(
    reference: str,
    data: str,
    output: Path,
    split: str,
    measured_split: str,
    pictures: int,
    batch_size: int,
    workers: int,
    format_: str,
) -> None:
    """Make 8-bit weights of weights in floating point, as one file that knows what it is.

    Works on every variant for classification. Weights become int8, with a scale for each channel; features uint8, with
    the ranges that lose least on the pictures; attention and layer norm stay in floating point. Where the classes of
    DATA are the weights' labels, both forms are measured, and the file says what it cost.

    Exit status: 0 if the file was written; 1 if it could not be; 2 if the weights or options are wrong.

    \b
    Examples:
      multiweight quantize ShuffleNet_V2_X0_5_Weights.DIGITS_V2 --data digits --output digits_int8.safetensors
      multiweight quantize ResNet50_Weights.DEFAULT --data imagenet/ --output resnet50_int8.safetensors
      multiweight quantize run/best.safetensors --data photos/ --output run/int8.safetensors
    """
    from multiweight.quantization import quantize_weights

    done = quantize_weights(
        reference,
        data=data,
        output=output,
        split=split,
        measured_split=measured_split,
        pictures=pictures,
        batch_size=batch_size,
        workers=workers,
    )
    if format_ == "json":
        print(json.dumps(_as_json(done), indent=2, ensure_ascii=False))
    else:
        _show(done)
    for source, reason in done.failures[:_SHOWN]:
        click.echo(f"{one_line(source)}: {one_line(reason)}", err=True)
    if len(done.failures) > _SHOWN:
        click.echo(f"… and {len(done.failures) - _SHOWN:,} more that could not be read.", err=True)


def _show(done: Quantization) -> None:
    about = done.header.quantization or {}
    print(
        f"{done.weights}, with 8 bits: ranges from {done.pictures:,} pictures of {one_line(about['data']['name'])}, "
        f"{one_line(about['data']['split'])}"
    )
    print()
    if done.before is not None and done.after is not None:
        after = done.after.figures
        rows = [
            [metric(key).title, f"{value:.3f} %", f"{after[key]:.3f} %", f"{after[key] - value:+.3f}"]
            for key, value in done.before.figures.items()
            if key != "ece"
        ]
        print_table([("Figure", "left"), ("Float", "right"), ("8 bits", "right"), ("Difference", "right")], rows)
        print(f"\nMeasured with {done.after.counts.total:,} pictures of {one_line(done.after.dataset)}, ", end="")
        print(one_line(done.after.split))
    else:
        print(f"Not measured: {one_line(done.unmeasured or '')}")
    print(f"Written: {done.path} ({size(done.path.stat().st_size / 2**20)})")


def _as_json(done: Quantization) -> dict[str, Any]:
    figures = {
        name: {key: value for key, value in measurement.figures.items() if key != "ece"}
        for name, measurement in (("before", done.before), ("after", done.after))
        if measurement is not None
    }
    return {
        "weights": str(done.weights),
        "file": str(done.path),
        "sha256": done.sha256,
        "variant": done.header.variant,
        "pictures": done.pictures,
        "unreadable": [{"source": source, "reason": reason} for source, reason in done.failures],
        **figures,
        **({"unmeasured": done.unmeasured} if done.unmeasured else {}),
        "quantization": done.header.quantization,
    }
