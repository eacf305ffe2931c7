"""`multiweight reproduce`: train weights again, and compare with what they claim."""

from __future__ import annotations

import os
from pathlib import Path

import click

from multiweight.catalogue import metric
from multiweight.cli._output import print_table
from multiweight.errors import TrainingStoppedError

_PAST_TOLERANCE = 1


@click.command("reproduce")
@click.argument("reference", metavar="REF")
@click.option("--data", metavar="DATA", help="Where the data set is that REF names; not needed for digits.")
@click.option(
    "--output",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="The run's folder; default: a temporary one, which is removed.",
)
@click.option("--weights", metavar="REF", help="What the first training started from, where REF names a file.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted run in --output.")
@click.option("--device", metavar="DEVICE", help="cpu, cuda, cuda:1 …; default: cuda if there is one, else cpu.")
@click.option("--workers", type=click.IntRange(min=0), help="Processes that read pictures, for each that trains.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    metavar="POINTS",
    help="How many percentage points a figure may differ from the claimed one.",
)
@click.pass_context
def command(
    ctx: click.Context,
    reference: str,
    data: str | None,
    output: Path | None,
    weights: str | None,
    resume: bool,
    device: str | None,
    workers: int | None,
    tolerance: float | None,
) -> None:
    """Train weights again from their file's header alone, and compare claim and result.

    REF must be of the engine's making: its header holds the recipe as it was followed, the seed, what the data set is
    called, how many threads computed, and what training started from. On the same processor, with the same libraries,
    all tensors come out the same, bit for bit; elsewhere the figures differ by what chance does, and --tolerance says
    how far they may.

    Exit status: 0 if it was trained; 1 if it could not be, or a figure is further from the claimed one than
    --tolerance; 2 if the weights or options are wrong; 128 and the signal's number if one stopped it.

    \b
    Examples:
      multiweight reproduce ShuffleNet_V2_X0_5_Weights.DIGITS_V2
      multiweight reproduce run/last.safetensors --data flowers/ --output again --tolerance 0.5
    """
    if resume and output is None:
        raise click.UsageError("--resume goes on with the run in --output, which is not given.")
    from multiweight.train.reproduction import reproduce

    try:
        result = reproduce(
            reference, data=data, output=output, weights=weights, resume=resume, device=device, workers=workers
        )
    except TrainingStoppedError as stopped:
        click.echo(str(stopped), err=True)
        ctx.exit(128 + stopped.signal)
    if os.environ.get("RANK", "0") == "0":
        print(f"{result.reference}, trained again by {result.recipe}; measured with {result.dataset}, val\n")
        differences = result.differences
        rows = [
            [metric(key).title, f"{claim:.3f} %", f"{result.measured[key]:.3f} %", f"{differences[key]:+.3f}"]
            for key, claim in result.claimed.items()
        ]
        print_table([("Figure", "left"), ("Claimed", "right"), ("Result", "right"), ("Difference", "right")], rows)
        print(f"\nAll tensors are {'equal, bit for bit' if result.identical else 'not equal'}.")
        for name, then, now in result.versions:
            print(f"{name} was {then} then and is {now} now.")
        if result.path is not None:
            print(f"The new weights are in {result.path}.")
    past = {key: value for key, value in result.differences.items() if tolerance is not None and abs(value) > tolerance}
    for key, difference in past.items():
        click.echo(f"{metric(key).title} differs by {difference:+.3f} points; --tolerance is {tolerance:g}.", err=True)
    if past:
        ctx.exit(_PAST_TOLERANCE)
