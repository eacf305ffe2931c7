"""Which class each pixel of one picture belongs to."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from multiweight.errors import MultiweightError, UnknownNameError, suggestions
from multiweight.predict import _drawing
from multiweight.predict._result import Result, as_array, rounded
from multiweight.predict._rle import encode_mask


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SegmentationMap(Result):
    """Which class each pixel of one picture belongs to, or why that cannot be said.

    Arrays, tensors of any device and nested lists are taken, and kept as NumPy arrays. Of a failed one the arrays are
    empty, and whatever asks for its classes raises `error`.

    Attributes:
        source: The picture's path or URL; `None` for bytes, arrays and tensors.
        classes: `(H, W)`, for each of the picture's pixels the place of its label among `labels`; uint8, or int16 if
            there are more than 256 labels.
        labels: All labels of the model, in the order of its outputs.
        probabilities: `(H, W)`, float32 in `[0, 1]`: how sure the model is of each pixel's class; or `None`.
        error: Why the picture could not be used; `None` if it could.

    Raises:
        TypeError: If an array is of a wrong dtype.
        ValueError: If shapes do not fit each other, there are no pixels, a class has no label, or probabilities are
            not from 0 to 1.
    """

    source: str | None
    classes: NDArray[np.uint8] | NDArray[np.int16] = field(default_factory=lambda: np.zeros((0, 0), np.uint8))
    labels: tuple[str, ...] = ()
    probabilities: NDArray[np.float32] | None = None
    error: MultiweightError | None = None

    def __post_init__(self) -> None:
        """Checks what was given, and makes it arrays."""
        if self.error is not None:
            return
        labels = tuple(self.labels)
        classes = as_array("classes", self.classes, ("H", "W"), kinds="iu")
        if not classes.size:
            raise ValueError(f"classes: expected some pixels, got an array of shape {classes.shape}.")
        low, high = int(classes.min()), int(classes.max())
        if low < 0 or high >= len(labels):
            raise ValueError(f"classes: expected places among {len(labels)} labels, got {low} to {high}.")
        kind = np.uint8 if len(labels) <= 256 else np.int16
        self._set(labels=labels, classes=classes.astype(kind, copy=False))
        if self.probabilities is not None:
            sure = as_array("probabilities", self.probabilities, classes.shape, kinds="f").astype(
                np.float32, copy=False
            )
            if sure.min() < 0 or sure.max() > 1.0001:  # a softmax in 32 bits may be a little above 1
                raise ValueError(f"probabilities: expected 0 to 1, got {sure.min():g} to {sure.max():g}.")
            self._set(probabilities=sure)

    @property
    def size(self) -> tuple[int, int]:
        """`(height, width)` of the picture, in pixels.

        Raises:
            MultiweightError: `error`, if the picture could not be used.
        """
        self._check()
        height, width = self.classes.shape
        return height, width

    @property
    def share(self) -> dict[str, float]:
        """The share in `[0, 1]` of the pixels that each label has, of all labels, greatest first.

        Raises:
            MultiweightError: `error`, if the picture could not be used.
        """
        shares = dict.fromkeys(self.labels, 0.0)
        for index, share in self._present():
            shares[self.labels[index]] += share  # labels may bear one name, as the "N/A" of COCO do
        return dict(sorted(shares.items(), key=lambda item: -item[1]))

    def mask(self, label: str) -> NDArray[np.bool_]:
        """Which pixels have a label, `(H, W)`.

        Args:
            label: One of `labels`.

        Raises:
            MultiweightError: `error`, if the picture could not be used.
            UnknownNameError: If there is no such label.
        """
        self._check()
        if label not in self.labels:
            raise UnknownNameError(f"There is no label {label!r}.{suggestions(label, self.labels)}")
        return np.isin(self.classes, [index for index, name in enumerate(self.labels) if name == label])

    def _present(self) -> list[tuple[int, float]]:
        """The places of the labels that have pixels, with their shares, greatest first."""
        self._check()
        counts = np.bincount(self.classes.reshape(-1), minlength=len(self.labels))
        ranked = np.argsort(-counts, kind="stable")
        return [(int(index), float(counts[index] / self.classes.size)) for index in ranked if counts[index]]

    def to_dict(self) -> dict[str, Any]:
        """The same in values that JSON has.

        Returns:
            `source` and either `error` or `size` (`[height, width]`) and `segments`, one for each label that has
            pixels, greatest first: `label`, `index`, `share` of the pixels (6 decimals), if known `probability` (the
            mean over its pixels, 6 decimals), and `mask`, COCO's compressed run-length code.
        """
        if self.error is not None:
            return self._failed()
        segments = [self._segment(index, share) for index, share in self._present()]
        return {"source": self.source, "size": list(self.size), "segments": segments}

    def _segment(self, index: int, share: float) -> dict[str, Any]:
        mask = self.classes == index
        values: dict[str, Any] = {"label": self.labels[index], "index": index, "share": rounded(share, 6)}
        if self.probabilities is not None:
            values["probability"] = rounded(self.probabilities[mask].mean(dtype=np.float64), 6)
        return values | {"mask": encode_mask(mask)}

    def draw(self, picture: Any = None, *, legend: bool = True, scale: int | None = None) -> Image.Image:
        """The picture under the colours of its classes, above a legend of those that have pixels.

        A class has the same colour in every drawing. The background (a label such as `__background__`) has none.

        Args:
            picture: The picture, in any form the predictor takes; `None` opens `source`.
            legend: Whether there is a legend, in a strip below the picture.
            scale: The whole factor by which the picture is enlarged; `None` enlarges it where its longer side has
                less than 256 pixels, so that the text can be read.

        Returns:
            A picture in mode RGB, as wide as the given one, times the scale; without a legend also as high.

        Raises:
            MultiweightError: `error`, if the picture could not be used.
            InputError: If there is no picture, it cannot be opened, or it has not the size of the one used.
        """
        size = self.size
        on = _drawing.canvas(picture, self.source, size, "this map", scale)
        present = self._present()
        colours = np.zeros((len(self.labels), 3), np.uint8)
        weights = np.zeros((len(self.labels), 2), np.uint8)  # within a region, at its edge
        for index, _ in present:
            colours[index] = _drawing.class_colour(index)
            weights[index] = (0, 0) if _is_background(self.labels[index]) else (140, 255)
        classes = _drawing.repeated(self.classes, on.scale)
        edge = _edges(classes, max(on.line // 2, 1)).astype(np.uint8)
        on.picture.paste(Image.fromarray(colours[classes]), (0, 0), Image.fromarray(weights[classes, edge]))
        if not legend:
            return on.picture
        return _drawing.with_legend(on, [self._entry(index, share) for index, share in present])

    def _entry(self, index: int, share: float) -> _drawing.Entry:
        label = self.labels[index]
        background = _is_background(label)
        colour = None if background else _drawing.class_colour(index)
        return _drawing.Entry(label.strip("_") if background else label, _percent(share), colour)

    def __str__(self) -> str:
        present = [] if self.error is not None else self._present()
        named = ", ".join(f"{self.labels[index]} {_percent(share)}" for index, share in present)
        return self._summary(named)


def _is_background(label: str) -> bool:
    return label.strip("_").casefold() == "background"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.0005 else "<0.1%"


def _edges(classes: NDArray[Any], width: int) -> NDArray[np.bool_]:
    """Which pixels are at most so far from a pixel of another class, along a row or a column."""
    steps = range(1, width + 1)
    return functools.reduce(np.logical_or, (_differs(classes, step, axis) for step in steps for axis in (0, 1)))


def _differs(classes: NDArray[Any], step: int, axis: int) -> NDArray[np.bool_]:
    lines, edge = np.moveaxis(classes, axis, 0), np.zeros(classes.shape, bool)
    along = np.moveaxis(edge, axis, 0)
    differs = lines[step:] != lines[:-step]
    along[step:] |= differs
    along[:-step] |= differs
    return edge
