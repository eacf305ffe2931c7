"""`multiweight recipe`: the recipes there are, what is in one, and what sets two apart."""

from __future__ import annotations

import click

from multiweight.cli._output import print_table
from multiweight.train.recipe import Recipe, as_toml, differences, list_recipes, load_recipe, override


@click.group("recipe")
def command() -> None:
    """Show recipes and what sets them apart.

    RECIPE is the name of one of those that `list` shows, a TOML file, a weights file that holds its recipe, an entry
    (ResNet50_Weights.IMAGENET1K_V2) or a variant (resnet50), which means its DEFAULT.

    \b
    Examples:
      multiweight recipe list "resnet*"
      multiweight recipe show resnet50_v2
      multiweight recipe diff resnet50_v1 resnet50_v2
    """


@command.command("list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
def list_(patterns: tuple[str, ...]) -> None:
    """List the recipes that come with the package.

    A plain word as PATTERN fits anywhere in a name. The last column has the training crop, and the resized short side
    and the crop of the evaluation, in pixels.

    \b
    Examples:
      multiweight recipe list
      multiweight recipe list "resnet*_v2" swin
    """
    names = list_recipes()
    if patterns:
        fitting = [pattern if set(pattern) & set("*?[") else f"*{pattern}*" for pattern in patterns]
        wanted = {name for pattern in fitting for name in list_recipes(pattern.lower())}
        names = [name for name in names if name in wanted]
    if not names:
        click.echo("No recipe fits; `multiweight recipe list` without patterns shows all.", err=True)
        return
    print_table(_COLUMNS, [_row(load_recipe(name)) for name in names])


_COLUMNS = (
    ("recipe", "left"),
    ("network", "left"),
    ("epochs", "right"),
    ("batch", "right"),
    ("optimizer", "left"),
    ("rate", "right"),
    ("schedule", "left"),
    ("policy", "left"),
    ("crop/resize/crop", "right"),
)


def _row(recipe: Recipe) -> tuple[str, ...]:
    measured = recipe.evaluation
    return (
        recipe.name,
        recipe.variant,
        str(recipe.epochs),
        str(recipe.batch_size),
        recipe.optimizer.name,
        f"{recipe.optimizer.learning_rate:g}",
        recipe.schedule.name,
        recipe.augmentation.policy,
        f"{recipe.augmentation.crop_size}/{measured.resize_size}/{measured.crop_size}",
    )


_set = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Another value for a setting, such as optimizer.learning_rate=0.1. May be repeated.",
)


@command.command("show")
@click.argument("reference", metavar="RECIPE")
@_set
def show(reference: str, assignments: tuple[str, ...]) -> None:
    """Print a recipe as TOML, resolved: with every setting, and nothing left to extend.

    What is printed is a recipe of its own, to be changed and run.

    \b
    Examples:
      multiweight recipe show ResNet50_Weights.IMAGENET1K_V2
      multiweight recipe show resnet50_v2 --set epochs=100 > mine.toml
    """
    click.echo(as_toml(override(load_recipe(reference), assignments)), nl=False)


@command.command("diff")
@click.argument("first", metavar="RECIPE")
@click.argument("second", metavar="RECIPE")
def diff(first: str, second: str) -> None:
    """Print the settings in which two recipes differ.

    \b
    Examples:
      multiweight recipe diff resnet50_v1 resnet50_v2
      multiweight recipe diff resnet50_v2 run/best.safetensors
    """
    a, b = load_recipe(first), load_recipe(second)
    rows = [(key, _text(old), _text(new)) for key, old, new in differences(a, b) if key not in _TITLES]
    if not rows:
        click.echo(f"{a.name} and {b.name} have the same settings.")
        return
    print_table((("setting", "left"), (a.name, "left"), (b.name, "left")), rows)


_TITLES = ("name", "description", "source")
"""What says which recipe it is, and changes nothing."""


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return ", ".join(map(_text, value)) or "–"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
