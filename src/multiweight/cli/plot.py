"""`multiweight plot`: accuracy over cost, with the Pareto front."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from multiweight.catalogue import WeightsEnum, metric
from multiweight.catalogue._listing import figures as figures_of
from multiweight.catalogue._schema import spelling
from multiweight.cli.list import entries, matches
from multiweight.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COSTS = {
    "gflops": ("GFLOPs a picture (multiply-adds)", "gflops", 1.0),
    "params": ("Parameters (millions)", "num_params", 1e6),
    "size": ("File size (MiB)", "file_size", 1.0),
}
"""What can be on the horizontal axis: its title, the fact of an entry, and its unit."""

Point = tuple[float, float, WeightsEnum]


@click.command("plot")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--x", "cost", type=click.Choice([*COSTS]), default="gflops", show_default=True, help="The cost.")
@click.option("--dataset", default="ImageNet-1K", show_default=True, help="The data set the figures are from.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="accuracy.png",
    show_default=True,
    help="The picture to write; its ending says the format (png, svg, pdf).",
)
def command(patterns: tuple[str, ...], cost: str, dataset: str, output: Path) -> None:
    """Draw accuracy over cost, with the entries that nothing cheaper beats joined by a line.

    Those are all labelled, the others where there is room. PATTERN is as for list.

    \b
    Examples:
      multiweight plot
      multiweight plot "resnet*" "regnet*" --x params --output resnets.svg
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError('Plots need matplotlib: pip install "multiweight[plot]"') from error
    title, fact, unit = COSTS[cost]
    points: list[Point] = []
    key = ""
    for entry in entries():
        if patterns and not any(matches(entry, pattern) for pattern in patterns):
            continue
        if fact not in entry.meta:  # of another package, which does not say
            continue
        for name, figures in figures_of(entry).items():
            value = next(iter(figures.values()), math.nan)
            if spelling(name) == spelling(dataset) and not math.isnan(value):
                points.append((entry.meta[fact] / unit, value, entry))
                dataset, key = name, next(iter(figures))
    if not points:
        raise click.UsageError(
            f"No entry that fits was measured on {dataset!r}; `multiweight list` shows what there is."
        )
    figure = Figure(figsize=(11, 7), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)  # it measures the labels, whatever the format of the file
    axes = figure.add_subplot()
    axes.set(xscale="log", xlabel=title, ylabel=f"{metric(key).title}, {dataset} ({metric(key).unit})")
    axes.grid(which="both", color="#ececec", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.margins(x=0.08, y=0.08)
    if metric(key).lower_is_better:
        axes.invert_yaxis()
    draw(axes, points, lower_is_better=metric(key).lower_is_better)
    try:
        figure.savefig(output)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{output} cannot be written: {error}") from error
    click.echo(f"{len(points)} entries, drawn to {output}")


def pareto_front(points: list[Point], *, lower_is_better: bool = False) -> list[Point]:
    """The points that no other point beats in accuracy at the same or a lower cost, cheapest first."""
    sign = -1 if lower_is_better else 1
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point[0], -sign * point[1])):
        if not front or sign * point[1] > sign * front[-1][1]:
            front.append(point)
    return front


def draw(axes: Axes, points: list[Point], *, lower_is_better: bool = False) -> None:
    """Draws the points by family, the front as a line, and as many labels as do not overlap."""
    from matplotlib import colormaps

    families = list(dict.fromkeys(type(entry).__module__.rpartition(".")[2] for _, _, entry in points))
    markers = "os^DvP*Xp"
    for number, family in enumerate(families):
        own = [point for point in points if type(point[2]).__module__.rpartition(".")[2] == family]
        axes.scatter(
            [x for x, _, _ in own],
            [y for _, y, _ in own],
            s=26,
            color=colormaps["tab20"](number % 20),
            marker=markers[number % len(markers)],
            label=family,
            zorder=3,
        )
    front = pareto_front(points, lower_is_better=lower_is_better)
    axes.plot([x for x, _, _ in front], [y for _, y, _ in front], color="#555555", linewidth=1, zorder=2, label="front")
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="lower right")
    _label(axes, front, points)


def _label(axes: Axes, front: list[Point], points: list[Point]) -> None:
    """Labels the front first, then the others, each at the first place around its point that is free."""
    figure: Any = axes.figure
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    legend = axes.get_legend()
    taken = [legend.get_window_extent(renderer)] if legend else []
    dots = [axes.transData.transform((x, y)) for x, y, _ in points]
    others = sorted((point for point in points if point not in front), key=lambda point: -point[1])
    for point in [*front, *others]:
        on_front = point in front
        for dx, dy, horizontal in _PLACES if on_front else _PLACES[:8]:
            text = axes.annotate(
                _short(point[2]),
                point[:2],
                (dx, dy),
                textcoords="offset points",
                ha=horizontal,
                va="center",
                fontsize=7 if on_front else 5.5,
                color="#111111" if on_front else "#777777",
                fontweight="bold" if on_front else "normal",
                zorder=4,
            )
            box = text.get_window_extent(renderer)
            inside = axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1
            free = not any(box.overlaps(other) for other in taken) and not any(
                box.padded(4).contains(x, y) for x, y in dots
            )
            if inside and free:
                taken.append(box)
                break
            text.remove()


_PLACES = [(6, 0, "left"), (-6, 0, "right"), (0, 8, "center"), (0, -8, "center")] + [
    (dx, dy, "left" if dx > 0 else "right") for dy in (7, -7, 14, -14, 21, -21, 28) for dx in (5, -5)
]
"""Where a label may stand, in points from its dot, in the order in which it is tried."""


def _short(entry: WeightsEnum) -> str:
    """The variant, and which of its entries where there are several."""
    name = entry.name.removeprefix("IMAGENET1K_")
    return str(type(entry).variant) + (f" {name}" if len(type(entry)) > 1 else "")
