"""What the drawings of all tasks share: the picture under them, colours of classes, tabs, the strip below."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from multiweight.data import open_picture, printable
from multiweight.errors import InputError
from multiweight.predict._result import to_array
from multiweight.transforms._pictures import from_array, no_picture, rgb

Colour = tuple[int, int, int]

SMALL = 256
"""Pictures whose longer side has fewer pixels are enlarged for drawing: text needs some pixels to be read."""

INK: Colour = (28, 28, 32)
PAPER: Colour = (255, 255, 255)

_COLOURS = 256


@functools.cache
def _palette() -> tuple[Colour, ...]:
    """Colours of which each is as far as can be from all before it, as eyes see it.

    Distances are taken in OKLab (https://bottosson.github.io/posts/oklab/). Black, white and grey count as taken,
    and what is too dark, too light or too dull to stand out from a photo is left out.
    """
    levels = np.arange(0, 256, 17)
    candidates = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    lab = _oklab(candidates)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    usable = (lab[:, 0] > 0.5) & (lab[:, 0] < 0.9) & (chroma > 0.11) & (chroma < 0.22)
    candidates, lab = candidates[usable], lab[usable]
    lab[:, 0] *= 0.7  # a photo's light and shade hides differences of lightness before those of hue
    taken = _oklab(np.array([[0, 0, 0], [128, 128, 128], [255, 255, 255]])) * (0.7, 1, 1)
    nearest = ((lab[:, None] - taken) ** 2).sum(-1).min(1)
    chosen: list[Colour] = []
    while len(chosen) < _COLOURS:
        # Rounded, so that the last bits of another processor's roots do not choose another colour.
        best = int(nearest.round(9).argmax())
        red, green, blue = candidates[best].tolist()
        chosen.append((red, green, blue))
        nearest = np.minimum(nearest, ((lab - lab[best]) ** 2).sum(-1))
    return tuple(chosen)


def _oklab(colours: NDArray[Any]) -> NDArray[np.float64]:
    linear = (colours / 255) ** 2.2
    cones = np.cbrt(linear @ [[0.4122, 0.2119, 0.0883], [0.5363, 0.6807, 0.2817], [0.0514, 0.1074, 0.6300]])
    return cones @ [[0.2105, 1.9780, 0.0259], [0.7936, -2.4286, 0.7828], [-0.0041, 0.4506, -0.8087]]


def class_colour(index: int) -> Colour:
    """The colour of a class, red, green and blue from 0 to 255: always the same, and far from its neighbours'."""
    return _palette()[index % _COLOURS]


def text_colour(background: Colour) -> Colour:
    """Black or white, whichever has the greater contrast (WCAG 2) on a background."""
    red, green, blue = (
        value / 3294.6 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in background
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)


@functools.lru_cache(maxsize=32)
def font(size: int) -> Any:
    """Pillow's own font, of a size in pixels."""
    return ImageFont.load_default(size)


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture to draw on, with sizes that fit it.

    Attributes:
        picture: The picture, in mode RGB; a copy.
        scale: By which whole factor it is enlarged: positions in the given picture are multiplied by it.
        font_size: Height of the text in pixels.
        line: Width of lines in pixels.
    """

    picture: Image.Image
    scale: int
    font_size: int
    line: int

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        """A pen for the picture."""
        return ImageDraw.Draw(self.picture)


def canvas(given: Any, source: str | None, size: tuple[int, int] | None, what: str, scale: int | None = None) -> Canvas:
    """A copy of a picture to draw on.

    Args:
        given: A path, a URL, the bytes of a file, a file object, a PIL picture, an array `(H, W, 3)` or a tensor
            `(3, H, W)`; `None` opens the source.
        source: The result's path or URL.
        size: The `(height, width)` that the picture must have; `None` is any.
        what: What is drawn, for the errors.
        scale: By how much the picture is enlarged; `None` is 1, or what makes a small one `SMALL` pixels long.

    Raises:
        InputError: If there is no picture, it cannot be read, or it has another size.
        ValueError: If `scale` is not at least 1.
    """
    if given is None and source is None:
        raise InputError(f"There is no path to open the picture of {what} again; give it: draw(picture).")
    picture = _opened(source if given is None else given)
    width, height = picture.size
    if size is not None and (height, width) != size:
        raise InputError(
            f"{what.capitalize()} {'are' if what.endswith('s') else 'is'} of a picture of {size[1]}x{size[0]} pixels; "
            f"the one to draw on has {width}x{height}."
        )
    return enlarged(picture, scale)


def enlarged(picture: Image.Image, scale: int | None = None) -> Canvas:
    """A copy of an RGB picture to draw on, enlarged by a whole factor (by itself only if it is small)."""
    width, height = picture.size
    if scale is None:
        scale = max(math.ceil(SMALL / max(width, height)), 1)
    elif scale < 1 or scale != int(scale):
        raise ValueError(f"scale must be a whole number of at least 1; got {scale!r}.")
    width, height = width * scale, height * scale
    copy = picture.copy() if scale == 1 else picture.resize((width, height), Image.Resampling.NEAREST)
    mean = math.sqrt(width * height)
    font_size = max(min(max(round(mean / 38), 12), height // 2), 6)
    return Canvas(copy, scale, font_size, max(round(mean / 240), 1 if mean < 160 else 2))


def _opened(given: Any) -> Image.Image:
    if isinstance(given, Image.Image):
        return rgb(given)
    if hasattr(given, "is_floating_point"):  # a tensor
        given = to_array(given)
        if given.ndim == 3 and given.shape[0] in (1, 3, 4):
            given = given.transpose(1, 2, 0)
    if isinstance(given, np.ndarray):
        picture = from_array(given)
        if isinstance(picture, Image.Image):
            return picture
        floats = picture.numpy().transpose(1, 2, 0)
        return Image.fromarray((floats.clip(0, 1) * 255).round().astype(np.uint8))
    if (
        isinstance(given, str | bytes | bytearray | memoryview)
        or hasattr(given, "__fspath__")
        or hasattr(given, "read")
    ):
        return rgb(open_picture(given))
    raise no_picture(given)


def repeated(pixels: NDArray[Any], scale: int) -> NDArray[Any]:
    """An array of pixels, `(H, W)`, enlarged by a whole factor as a canvas is."""
    return pixels if scale == 1 else pixels.repeat(scale, 0).repeat(scale, 1)


def tint(picture: Image.Image, mask: NDArray[np.bool_], colour: Colour, opacity: float, line: int = 0) -> None:
    """Lays a colour over a part of a picture, in place.

    Args:
        picture: In mode RGB.
        mask: `(H, W)`, the part.
        colour: The colour.
        opacity: How much of the colour there is in the mix, from 0 to 1.
        line: Width in pixels of the outline, within the mask, which is all colour; 0 draws none.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    inside = mask[top:bottom, left:right]
    box = (left, top, right, bottom)
    weight = np.where(inside, round(255 * opacity), 0).astype(np.uint8)
    if line:
        weight[inside & ~_eroded(inside, line)] = 255
    picture.paste(colour, box, Image.fromarray(weight))


def _eroded(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """A mask without its outermost pixels; what is beyond the array counts as outside."""
    for _ in range(steps):
        padded = np.pad(mask, 1)
        mask = mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask


def _fitted(text: str, size: int, room: float) -> str:
    """The text, cut with an ellipsis where it is wider than the room in pixels."""
    text = printable(text)
    if font(size).getlength(text) <= room:
        return text
    fits = 0
    for step in reversed(range(len(text).bit_length())):
        longer = fits + (1 << step)
        if longer <= len(text) and font(size).getlength(text[:longer] + "…") <= room:
            fits = longer
    return text[:fits].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Tab:
    """A label with a value that belong to a box, whose `(x1, y1, x2, y2)` are pixels of the drawing."""

    label: str
    value: str
    colour: Colour
    box: tuple[float, float, float, float]


def draw_tabs(on: Canvas, tabs: Sequence[Tab]) -> None:
    """Draws labels at their boxes' corners: within the picture, and beside each other where there is room.

    Args:
        on: The canvas.
        tabs: The labels, most important first: a later one gives way, and lies below where it cannot.
    """
    width, height = on.picture.size
    pad = max(on.font_size // 4, 2)
    tall = min(on.font_size + 2 * max(on.font_size // 6, 1), height)
    placed: list[tuple[int, int, int, int]] = []
    texts: list[str] = []
    for tab in tabs:
        value = f" {tab.value}"
        label = _fitted(tab.label, on.font_size, width - 2 * pad - font(on.font_size).getlength(value))
        text = label + value
        wide = min(math.ceil(font(on.font_size).getlength(text)) + 2 * pad, width)
        limited = zip(tab.box, (width, height, width, height), strict=True)
        x1, y1, x2, y2 = (round(min(max(side, -wide), limit)) for side, limit in limited)
        corners = [(x1, y1 - tall), (x1, y1), (x1, y2), (x1, y2 - tall), (x2 - wide, y1 - tall), (x2 - wide, y2)]
        inside = [(x, y) for x, y in corners if y >= 0 and y + tall <= height]
        spots = [(min(max(x, 0), width - wide), min(max(y, 0), height - tall)) for x, y in inside or corners]
        areas = [(x, y, x + wide, y + tall) for x, y in spots]
        placed.append(next((area for area in areas if not any(_overlap(area, other) for other in placed)), areas[0]))
        texts.append(text)
    for tab, text, (left, top, right, bottom) in reversed(list(zip(tabs, texts, placed, strict=True))):
        on.draw.rectangle((left, top, right - 1, bottom - 1), fill=tab.colour)
        on.draw.text((left + pad, (top + bottom) / 2), text, text_colour(tab.colour), font(on.font_size), anchor="lm")


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of what is said below a picture.

    Attributes:
        label: The text at the left.
        value: The text after it, such as `"12.5%"`.
        colour: The colour that it explains; `None` for none.
        share: How much of the line is a bar, from 0 to 1; `None` for no bar.
    """

    label: str
    value: str
    colour: Colour | None = None
    share: float | None = None


def with_legend(on: Canvas, entries: Sequence[Entry]) -> Image.Image:
    """The picture with a strip below it that says what its colours mean: as many entries a row as there is room for."""
    size, pad, tall, box = _strip_sizes(on)
    room = on.picture.width - 2 * pad
    gap, between = size // 2, size
    rows: list[list[tuple[Entry, str, int]]] = [[]]
    used = 0
    for entry in entries:
        value = math.ceil(font(size).getlength(entry.value))
        label = _fitted(entry.label, size, room - box - 2 * gap - value)
        wide = box + 2 * gap + value + math.ceil(font(size).getlength(label))
        if rows[-1] and used + between + wide > room:
            rows.append([])
            used = 0
        used += wide + between * bool(rows[-1])
        rows[-1].append((entry, label, wide))
    strip, pen = _strip(on, len(rows) * tall + pad)
    for row, members in enumerate(rows):
        x, middle = pad, pad / 2 + (row + 0.5) * tall
        for entry, label, wide in members:
            square = (x, round(middle - box / 2), x + box - 1, round(middle - box / 2) + box - 1)
            pen.rectangle(square, fill=entry.colour, outline=entry.colour or (150, 150, 155))
            pen.text((x + box + gap, middle), label, INK, font(size), anchor="lm")
            pen.text((x + wide, middle), entry.value, (110, 110, 118), font(size), anchor="rm")
            x += wide + between
    return _below(on, strip)


def with_bars(on: Canvas, entries: Sequence[Entry]) -> Image.Image:
    """The picture with a strip below it: one row an entry, its share as a bar behind the text."""
    size, pad, tall, _ = _strip_sizes(on)
    strip, pen = _strip(on, len(entries) * tall + pad)
    width = strip.width
    for row, entry in enumerate(entries):
        top = pad // 2 + row * tall
        colour = (155, 196, 240) if row == 0 else (214, 226, 240)
        filled = round((width - 2 * pad) * (entry.share or 0))
        if filled > 0:
            pen.rectangle((pad, top + 1, pad + filled - 1, top + tall - 2), fill=colour)
        value = math.ceil(font(size).getlength(entry.value))
        label = _fitted(entry.label, size, width - 5 * pad - value)
        pen.text((2 * pad, top + tall / 2), label, INK, font(size), anchor="lm")
        pen.text((width - 2 * pad, top + tall / 2), entry.value, INK, font(size), anchor="rm")
    return _below(on, strip)


def _strip_sizes(on: Canvas) -> tuple[int, int, int, int]:
    """Text size, margin, height of a row and side of a colour's square, in pixels."""
    # Of the width alone: a strip below a tall picture has no more room than that.
    size = max(min(max(on.font_size, 12), on.picture.width // 14), 8)
    return size, max(size // 2, 4), size + 2 * max(size // 4, 2), size


def _strip(on: Canvas, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    strip = Image.new("RGB", (on.picture.width, height), PAPER)
    return strip, ImageDraw.Draw(strip)


def _below(on: Canvas, strip: Image.Image) -> Image.Image:
    width, height = on.picture.size
    both = Image.new("RGB", (width, height + strip.height))
    both.paste(on.picture, (0, 0))
    both.paste(strip, (0, height))
    return both
