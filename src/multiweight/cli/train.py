"""`multiweight train`: train a network by a recipe."""

from __future__ import annotations

import os
from pathlib import Path

import click

from multiweight.errors import TrainingStoppedError


@click.command("train")
@click.argument("recipe", metavar="RECIPE")
@click.option(
    "--data", required=True, metavar="DATA", help="A folder of class folders or WebDataset shards, or digits."
)
@click.option(
    "--output",
    required=True,
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="The run's folder.",
)
@click.option("--weights", metavar="REF", help="Start from these weights; other classes get a new head.")
@click.option("--resume", is_flag=True, help="Go on from the folder's newest checkpoint, if there is one.")
@click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="Another value for a setting of the recipe: optimizer.learning_rate=0.1. Can be given several times.",
)
@click.option("--seed", type=int, help="Where the random numbers begin, instead of the recipe's.")
@click.option("--device", metavar="DEVICE", help="cpu, cuda, cuda:1 …; default: cuda if there is one, else cpu.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Processes that read pictures, for each that trains; default: none beside a CPU, else up to 16.",
)
@click.option(
    "--checkpoint-every",
    type=click.IntRange(min=1),
    metavar="STEPS",
    help="Optimizer steps between two checkpoints; there always is one after an epoch.",
)
@click.option("--keep", type=click.IntRange(min=1), default=3, show_default=True, help="Checkpoints to keep.")
@click.pass_context
def command(
    ctx: click.Context,
    recipe: str,
    data: str,
    output: Path,
    weights: str | None,
    resume: bool,
    settings: tuple[str, ...],
    seed: int | None,
    device: str | None,
    workers: int | None,
    checkpoint_every: int | None,
    keep: int,
) -> None:
    """Train a network by a recipe: from pictures to a weights file that knows what it is.

    RECIPE is a name that `multiweight recipe list` shows, a .toml file, an entry whose recipe is known, or a weights
    file, which holds its own. DATA has the parts train and val.

    FOLDER gets best.safetensors (the best top-1 accuracy on val), last.safetensors, log.jsonl, events for TensorBoard,
    curves.png and checkpoints. Ctrl-C and SIGTERM end the run after the step under way, with a checkpoint; the same
    command with --resume goes on, as if nothing had happened.

    Exit status: 0 when all epochs are over; 1 if training cannot begin or go on; 2 for wrong usage; 128 and the
    signal's number if one stopped it.

    \b
    Examples:
      multiweight train digits_v2 --data digits --output run
      multiweight train resnet50_v2 --data imagenet/ --output run --resume
      multiweight train resnet50_v1 --data flowers/ --weights ResNet50_Weights.DEFAULT --set epochs=10 --output flowers
      torchrun --nproc-per-node 8 -m multiweight train resnet50_v2 --data imagenet/ --output run
    """
    from multiweight.train import load_recipe, override, train

    chosen = override(load_recipe(recipe), settings)
    try:
        result = train(
            chosen,
            data=data,
            output=output,
            weights=weights,
            resume=resume,
            device=device,
            workers=workers,
            checkpoint_every=checkpoint_every,
            keep=keep,
            seed=seed,
        )
    except TrainingStoppedError as stopped:
        click.echo(str(stopped), err=True)
        ctx.exit(128 + stopped.signal)
    if os.environ.get("RANK", "0") != "0":
        return
    for path, metrics in ((result.path, result.metrics), (result.last, result.last_metrics)):
        click.echo(f"{path}: " + ", ".join(f"{name} {value:.3f} %" for name, value in metrics.items()))
