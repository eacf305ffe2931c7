"""A measurement as pictures: what is taken for what, and whether the network knows how sure it may be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from multiweight.errors import MissingExtraError, StoreError
from multiweight.evaluate.counts import Counts
from multiweight.evaluate.evaluation import Measurement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NUMBERED = 25
"""Up to how many classes each cell of the matrix has its number."""

_NAMED = 60
"""Up to how many classes each line of the matrix has its name."""

_BLOCKS = 100
"""Into how many lines more classes than that are drawn together."""

_PAIRS = 20
"""How many confusions are listed beside a matrix whose cells cannot be read."""

_OTHERS = "others"
"""The classes without pictures."""

_INK, _RIGHT, _WRONG, _GRID = "#222222", "#2f6f9f", "#c44e52", "#dddddd"


def draw(measurement: Measurement, folder: str | Path) -> list[Path]:
    """Draws a measurement.

    Args:
        measurement: The measurement.
        folder: Where to put `confusion.png` and `reliability.png`; made if it is not there.

    Returns:
        The pictures' paths.

    Raises:
        MissingExtraError: Without matplotlib.
        StoreError: If they cannot be written.
    """
    check_drawing()
    paths = [Path(folder) / "confusion.png", Path(folder) / "reliability.png"]
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for path, figure in zip(paths, (confusion_figure(measurement), reliability_figure(measurement)), strict=True):
            figure.savefig(path, dpi=120)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written to: {error.strerror}.") from error
    return paths


def check_drawing() -> None:
    """Makes sure that `draw` can draw, before the long work of which there is to be a picture.

    Raises:
        MissingExtraError: Without matplotlib.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingExtraError('Pictures need matplotlib: pip install "multiweight[train]"') from error


def confused_pairs(counts: Counts, most: int | None = None) -> list[tuple[int, int, int]]:
    """The most frequent confusions: `(the right class, the class it was taken for, how often)`, the worst first.

    Args:
        counts: What was counted.
        most: At most how many to give; `None` for all.
    """
    wrong = counts.confusion.cpu().clone().fill_diagonal_(0)
    cells = [(right, taken, int(wrong[right, taken])) for right, taken in wrong.nonzero().tolist()]
    return sorted(cells, key=lambda cell: -cell[2])[:most]


def confusion_figure(measurement: Measurement) -> Figure:
    """The confusion matrix: the right class downwards, the class it was taken for to the right.

    Cells are coloured by the share of their line. Classes without pictures are one column together. More than 60
    classes are drawn in blocks of neighbours, none larger than need be, and the most frequent confusions are listed.
    """
    from matplotlib.figure import Figure

    counts = measurement.counts
    shown = counts.support.nonzero().flatten().tolist() or [0]
    lines = counts.confusion.cpu()[shown]
    matrix = lines[:, shown]
    others = lines.sum(1, keepdim=True) - matrix.sum(1, keepdim=True)
    names = [_shortened(measurement.labels[place]) for place in shown]
    if len(shown) <= _NAMED:
        side = min(max(5.0, 0.42 * len(shown)), 13.0) + 2
        figure = Figure(figsize=(side + 0.6, side), layout="constrained")
        axes = figure.add_subplot()
        across = names
        if others.any():
            matrix, across = torch.cat([matrix, others], 1), [*names, _OTHERS]
        _draw_matrix(axes, matrix)
        size = min(10.0, 420 / len(shown))
        axes.set_xticks(range(len(across)), across, rotation=90 if max(map(len, across)) > 2 else 0, fontsize=size)
        axes.set_yticks(range(len(names)), names, fontsize=size)
        if len(shown) <= _NUMBERED:
            _write_numbers(axes, matrix)
    else:
        figure = Figure(figsize=(17, 9), layout="constrained")
        axes, beside = figure.subplots(1, 2, width_ratios=[1.25, 1])
        width = -(-len(shown) // _BLOCKS)
        blocks = _in_blocks(matrix, width)
        ticks = [*range(0, len(blocks), max(1, len(blocks) // 10))]
        down = [f"{shown[tick * width]} {names[tick * width]}" for tick in ticks]
        axes.set_yticks(ticks, down, fontsize=9)
        across = [str(shown[tick * width]) for tick in ticks]
        if others.any():
            blocks = torch.cat([blocks, _in_blocks(others, width).sum(1, keepdim=True)], 1)
            ticks, across = [*ticks, len(blocks)], [*across, _OTHERS]
        _draw_matrix(axes, blocks)
        axes.set_xticks(ticks, across, fontsize=9)
        if width > 1:
            text = f"one cell is {width} × {width} classes"
            axes.text(0, 1.01, text, transform=axes.transAxes, fontsize=9, color=_INK)
        _list_pairs(beside, measurement)
    axes.set_xlabel("taken for")
    axes.set_ylabel("right class")
    figure.suptitle(_title(measurement), fontsize=10)
    return figure


def _draw_matrix(axes: Axes, matrix: Tensor) -> None:
    """Draws the shares of each line; small ones are to be seen, so the colour goes with the root."""
    from matplotlib.colors import PowerNorm

    share = matrix.double() / matrix.sum(1, keepdim=True).clamp(min=1)
    image = axes.imshow(share.numpy(), cmap="Blues", norm=PowerNorm(0.4, 0, 1), interpolation="nearest")
    bar: Any = axes.figure
    bar = bar.colorbar(image, ax=axes, shrink=0.75, pad=0.02, ticks=[0, 0.01, 0.05, 0.2, 0.5, 1])
    bar.ax.set_yticklabels(["0", "1 %", "5 %", "20 %", "50 %", "100 %"], fontsize=9)
    bar.set_label("share of the right class's pictures", fontsize=9)


def _write_numbers(axes: Axes, matrix: Tensor) -> None:
    shares = matrix / matrix.sum(1, keepdim=True).clamp(min=1)
    size = min(10.0, 24 / len(str(int(matrix.max()))))
    for row, column in matrix.nonzero().tolist():
        dark = float(shares[row, column]) > 0.25
        axes.text(
            column,
            row,
            str(int(matrix[row, column])),
            ha="center",
            va="center",
            fontsize=size,
            color="white" if dark else _INK,
        )


def _in_blocks(matrix: Tensor, width: int) -> Tensor:
    """The sums of blocks of `width × width` cells; the last ones may be of fewer."""
    down, across = (-(-side // width) for side in matrix.shape)
    padded = matrix.new_zeros(down * width, across * width)
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    return padded.view(down, width, across, width).sum((1, 3))


def _list_pairs(axes: Axes, measurement: Measurement) -> None:
    from matplotlib.ticker import MaxNLocator

    pairs = confused_pairs(measurement.counts, _PAIRS)
    support = measurement.counts.support.tolist()
    axes.barh(range(len(pairs)), [often for _, _, often in pairs], color=_WRONG, height=0.75)
    names = [
        f"{_shortened(measurement.labels[right])}\ntaken for {_shortened(measurement.labels[taken])}"
        for right, taken, _ in pairs
    ]
    axes.set_yticks(range(len(pairs)), names, fontsize=8)
    for place, (right, _, often) in enumerate(pairs):
        axes.text(often, place, f" {often} of {support[right]}", va="center", fontsize=8, color=_INK)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("pictures")
    axes.set_title("the most frequent confusions" if pairs else "no confusions", fontsize=10)


def reliability_figure(measurement: Measurement) -> Figure:
    """The reliability diagram: accuracy over confidence, with how many pictures there are of each confidence."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter, StrMethodFormatter

    bins = measurement.counts.bins()
    total = max(measurement.counts.total, 1)
    figure = Figure(figsize=(6.6, 7.6), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    filled = [part for part in bins if part.count]
    width = bins[0].high - bins[0].low
    left, heights = [part.low for part in filled], [part.accuracy for part in filled]
    axes.bar(left, heights, width, align="edge", color=_RIGHT, edgecolor="white", label="accuracy")
    gaps = [part.confidence - part.accuracy for part in filled]
    axes.bar(
        left,
        gaps,
        width,
        bottom=heights,
        align="edge",
        facecolor=(*_rgb(_WRONG), 0.25),
        edgecolor=_WRONG,
        hatch="//",
        linewidth=0.8,
        label="gap to the mean confidence",
    )
    axes.plot([0, 1], [0, 1], color=_INK, linewidth=1, linestyle="--", label="as sure as it is right")
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False, fontsize=9, ncols=3)
    below.bar([part.low for part in bins], [part.count for part in bins], width, align="edge", color=_RIGHT)
    sure = sum(part.confidence * part.count for part in bins) / total
    below.axvline(sure, color=_INK, linewidth=1, linestyle="--", label=f"mean confidence {sure:.1%}")
    below.legend(loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False, fontsize=9)
    # A few unsure pictures among thousands are to be seen.
    below.set_yscale("symlog", linthresh=10)
    below.set_ylim(bottom=0)
    below.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    below.set(xlabel="confidence", ylabel="pictures")
    for each in (axes, below):
        each.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        each.grid(color=_GRID, linewidth=0.6)
        each.set_axisbelow(True)
        each.spines[["top", "right"]].set_visible(False)
    figure.suptitle(_title(measurement, f", ECE {measurement.counts.ece():.2f} %"), fontsize=10)
    return figure


def _title(measurement: Measurement, more: str = "") -> str:
    counts = measurement.counts
    return (
        f"{measurement.weights}\n{measurement.dataset}, {measurement.split}: {counts.total:,} pictures, "
        f"acc@1 {counts.top1:.2f} %{more}"
    )


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def _shortened(label: str) -> str:
    return label if len(label) <= 28 else f"{label[:27]}…"
