"""How far each pixel of one picture moves until the next."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from multiweight.errors import MultiweightError
from multiweight.predict import _drawing
from multiweight.predict._result import Result, as_array, rounded


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FlowField(Result):
    """How far each pixel of one picture moves until the next, or why that cannot be said.

    Arrays, tensors of any device and nested lists are taken, and kept as NumPy arrays. Of a failed one the array is
    empty, and whatever asks for its values raises `error`.

    Attributes:
        source: The first picture's path or URL, or the video's; `None` for bytes, arrays and tensors.
        flow: `(2, H, W)`, float32: how many pixels to the right and how many down.
        error: Why the pictures could not be used; `None` if they could.

    Raises:
        TypeError: If the flow is not of numbers.
        ValueError: If it has another shape, no pixels, or holds NaN or infinity.
    """

    source: str | None
    flow: NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, 0, 0), np.float32))
    error: MultiweightError | None = None

    def __post_init__(self) -> None:
        """Checks what was given, and makes it an array."""
        if self.error is not None:
            return
        flow = as_array("flow", self.flow, (2, "H", "W")).astype(np.float32, copy=False)
        if not flow.size:
            raise ValueError(f"flow: expected some pixels, got an array of shape {flow.shape}.")
        self._set(flow=flow)

    @property
    def size(self) -> tuple[int, int]:
        """`(height, width)` of the pictures, in pixels.

        Raises:
            MultiweightError: `error`, if the pictures could not be used.
        """
        self._check()
        _, height, width = self.flow.shape
        return height, width

    @property
    def magnitude(self) -> NDArray[np.float32]:
        """How far each pixel moves, in pixels, `(H, W)`.

        Raises:
            MultiweightError: `error`, if the pictures could not be used.
        """
        self._check()
        return np.hypot(self.flow[0], self.flow[1])

    def to_dict(self) -> dict[str, Any]:
        """The statistics, in values that JSON has; the field itself is what `save` writes.

        Returns:
            `source` and either `error` or `size` (`[height, width]`), `mean_flow` (to the right and down),
            `mean_magnitude` and `max_magnitude`, all in pixels, with 4 decimals.
        """
        if self.error is not None:
            return self._failed()
        magnitude = np.hypot(*self.flow.astype(np.float64))  # in which no square overflows
        return {
            "source": self.source,
            "size": list(self.size),
            "mean_flow": [rounded(mean, 4) for mean in self.flow.mean((1, 2), dtype=np.float64)],
            "mean_magnitude": rounded(magnitude.mean(), 4),
            "max_magnitude": rounded(magnitude.max(), 4),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the field as a Middlebury `.flo` file (https://vision.middlebury.edu/flow/).

        Args:
            path: The file; what is there is replaced.

        Raises:
            MultiweightError: `error`, if the pictures could not be used.
            OSError: If it cannot be written.
        """
        height, width = self.size
        with open(path, "wb") as file:
            file.write(b"PIEH")  # which is also 202021.25, as a little-endian 32-bit float
            file.write(np.array([width, height], "<i4").tobytes())
            file.write(self.flow.transpose(1, 2, 0).astype("<f4").tobytes())

    def draw(
        self,
        picture: Any = None,
        *,
        largest: float | None = None,
        legend: bool = True,
        scale: int | None = None,
    ) -> Image.Image:
        """The flow as colours: the hue says where a pixel moves, the saturation how far.

        Args:
            picture: A picture, in any form the predictor takes, over whose grey version the colours are laid; `None`
                draws the colours alone.
            largest: How many pixels have the full colour, for drawings that are to be compared; `None` is the
                greatest magnitude of this field. What moves further is darker.
            legend: Whether there is a wheel of all colours in the lower right corner, with the largest magnitude.
            scale: The whole factor by which the field is enlarged; `None` enlarges it where its longer side has less
                than 256 pixels, so that the text can be read.

        Returns:
            A picture in mode RGB, of the field's size times the scale.

        Raises:
            MultiweightError: `error`, if the pictures could not be used.
            InputError: If the picture cannot be opened, or has not the size of the field.
            ValueError: If `largest` is not above 0.
        """
        size = self.size
        if largest is None:
            largest = float(self.magnitude.max())
        elif not (largest > 0 and math.isfinite(largest)):
            raise ValueError(f"largest must be a number of pixels above 0; got {largest!r}.")
        colours = Image.fromarray(flow_colours(self.flow, largest))
        if picture is None:
            on = _drawing.enlarged(colours, scale)
        else:
            on = _drawing.canvas(picture, None, size, "this flow", scale)
            grey = on.picture.convert("L").convert("RGB")
            blended = Image.blend(grey, colours.resize(grey.size, Image.Resampling.NEAREST), 0.65)
            on.picture.paste(blended)
        if legend:
            _draw_wheel(on, largest)
        return on.picture

    def __str__(self) -> str:
        if self.error is not None:
            return self._summary("")
        height, width = self.size
        magnitude = self.magnitude
        return self._summary(
            f"{width}x{height} pixels move by {magnitude.mean(dtype=np.float64):.2f} pixels on average, "
            f"by {magnitude.max():.2f} at most"
        )


def _wheel() -> NDArray[np.float32]:
    """The 55 colours around the wheel, `(55, 3)`, in `[0, 1]`: six hues, with more steps where eyes see more."""
    red, yellow, green, cyan, blue, magenta = np.array(
        [(255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255)]
    )
    ramps = [
        (red, yellow, 15),
        (yellow, green, 6),
        (green, cyan, 4),
        (cyan, blue, 11),
        (blue, magenta, 13),
        (magenta, red, 6),
    ]
    colours: list[NDArray[Any]] = []
    for start, end, steps in ramps:
        # One channel changes in a ramp; the whole levels that it has passed count.
        passed = np.arange(steps)[:, None] * 255 // steps
        colours.append(start + np.sign(end - start) * passed)
    return (np.concatenate(colours) / np.float32(255)).astype(np.float32)


def flow_colours(flow: NDArray[np.float32], largest: float) -> NDArray[np.uint8]:
    """The colours of a flow, in the coding of Baker et al. 2007 (https://vision.middlebury.edu/flow/).

    Args:
        flow: `(2, H, W)`, to the right and down.
        largest: The magnitude of full colour, in the flow's unit; what is beyond is darkened.

    Returns:
        `(H, W, 3)`: white where nothing moves.
    """
    scaled = flow / (np.float32(largest) + np.finfo(np.float32).eps)
    across, down = scaled
    radius = np.sqrt(across * across + down * down)[..., None]  # (H, W, 1)
    angle = np.arctan2(-down, -across) / np.float32(np.pi)  # -1 to 1, from right around
    wheel = _wheel()
    place = (angle + 1) / 2 * np.float32(len(wheel) - 1)
    before = np.floor(place).astype(np.int64)
    part = (place - before.astype(np.float32))[..., None]
    colour = (1 - part) * wheel[before] + part * wheel[(before + 1) % len(wheel)]  # (H, W, 3)
    # The largest itself is not beyond, however its root and its quotient were rounded.
    colour = np.where(radius <= 1.00001, 1 - radius * (1 - colour), colour * np.float32(0.75))
    return np.floor(255 * colour.clip(0, 1)).astype(np.uint8)


def _draw_wheel(on: _drawing.Canvas, largest: float) -> None:
    """Draws the wheel of all directions into the lower right corner, and below it what its rim stands for."""
    width, height = on.picture.size
    text = f"{largest:.3g} px" if largest < 999.5 else f"{largest:.0f} px"
    size = max(min(on.font_size, 48) * 4 // 5, 9)
    pad = max(size // 3, 2)
    wide = math.ceil(_drawing.font(size).getlength(text))
    across = max(min(width, height) // 6, wide, 24)
    panel = (across + 2 * pad, across + size + 3 * pad)
    if panel[0] > width or panel[1] > height:
        return  # a strip so narrow would be all legend
    legend = Image.new("RGB", panel, _drawing.PAPER)
    fine = 4 * across  # drawn larger, for a smooth rim
    steps = (np.arange(fine, dtype=np.float32) + 0.5) / fine * 2 - 1
    directions = np.stack(np.meshgrid(steps, steps)).astype(np.float32)  # (2, fine, fine)
    wheel = Image.fromarray(flow_colours(directions, 1.0))
    disc = Image.new("L", (fine, fine))
    ImageDraw.Draw(disc).ellipse((0, 0, fine - 1, fine - 1), 255)
    shape = (across, across)
    legend.paste(wheel.resize(shape, Image.Resampling.BOX), (pad, pad), disc.resize(shape, Image.Resampling.BOX))
    middle = (panel[0] / 2, across + 2 * pad + size / 2)
    ImageDraw.Draw(legend).text(middle, text, _drawing.INK, _drawing.font(size), anchor="mm")
    on.picture.paste(legend, (width - panel[0] - pad, height - panel[1] - pad))
