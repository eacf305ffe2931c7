"""Composes pages of handwritten digits from the scans that come with scikit-learn, with their truth pixel by pixel.

The scans are those of `multiweight.data.open_dataset("digits")` (E. Alpaydin, C. Kaynak, "Optical Recognition of
Handwritten Digits", UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0), and so is the
split: every fifth scan, counted from the first, is held out. A page holds scans of one part only. A part and a seed say
everything about a page: the same two give the same page.

Written by itself, the module puts the pages of `examples/pages` into a folder:

    pip install scikit-learn
    python examples/digit_pages.py --output examples/pages
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

HEIGHT, WIDTH = 128, 160
"""Of a page, in pixels."""

MIN_SIZE, MAX_SIZE = 28, 56
"""Side of the square that a scan is drawn in, in pixels."""

MAX_ROTATION = math.radians(12)
INKS = ((28, 28, 34), (24, 42, 120), (150, 26, 36), (22, 92, 58), (84, 78, 74), (104, 40, 118))
PAPERS = ((250, 249, 244), (244, 236, 214), (232, 238, 244), (226, 226, 222), (248, 228, 226), (214, 226, 206))
EDGE = 0.4
"""A scan's darkness, of 1, from which on a pixel of the page is ink."""

EXAMPLES = (1, 5, 8, 9, 14)
"""Seeds of the pages in `examples/pages`; the pages that the claim is measured on have seeds from 1,000 on."""


class Page(NamedTuple):
    """A page and what it shows.

    Attributes:
        picture: The page, red, green and blue of 0 to 255 `(H, W, 3)`.
        truth: What each pixel is `(H, W)`: 0 for paper, 1 to 10 for the ink of "0" to "9".
        digits: The digits in reading order.
        scans: Their numbers in the data set.
    """

    picture: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    digits: tuple[int, ...]
    scans: tuple[int, ...]


class Scans(NamedTuple):
    """One part of the data set.

    Attributes:
        numbers: The scans' numbers in the data set `(N,)`.
        ink: How dark they are, 0 to 1 `(N, 8, 8)`.
        digits: What they show, 0 to 9 `(N,)`.
    """

    numbers: NDArray[np.int64]
    ink: NDArray[np.float64]
    digits: NDArray[np.int64]


def scans(*, held_out: bool) -> Scans:
    """The scans that are held out, or the others."""
    data = load_digits()
    numbers = np.flatnonzero((np.arange(len(data.images)) % 5 == 0) == held_out)
    return Scans(numbers, data.images[numbers] / 16, data.target[numbers])


def _shares(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each of a scan's 8 rows adds at positions along them `(P,)`, in rows: Keys' cubic, a = -1/2 `(P, 8)`."""
    distance = np.abs(position[:, None] - np.arange(8))
    near = 1 - distance**2 * (2.5 - 1.5 * distance)
    far = 2 - distance * (4 - distance * (2.5 - 0.5 * distance))
    return np.where(distance < 1, near, np.where(distance < 2, far, 0))


def _darkness(scan: NDArray[np.float64], size: int, angle: float) -> NDArray[np.float64]:
    """A scan `(8, 8)` drawn in a square of `size` pixels, turned by an angle in radians; 0 outside of it."""
    across = (np.arange(size) + 0.5) / size - 0.5
    y, x = (part.ravel() for part in np.meshgrid(across, across, indexing="ij"))
    cos, sin = math.cos(angle), math.sin(angle)
    rows, columns = (8 * (cos * y - sin * x) + 3.5, 8 * (sin * y + cos * x) + 3.5)
    return ((_shares(rows) @ scan) * _shares(columns)).sum(1).reshape(size, size)


def _paper(random: np.random.RandomState) -> NDArray[np.float64]:
    """An empty page `(H, W, 3)`: a colour, unevenly lit, on some pages ruled."""
    colour = np.array(PAPERS[random.randint(len(PAPERS))], float)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    direction, slope = random.uniform(0, 2 * math.pi), random.uniform(0, 0.1)
    light = slope * ((y / HEIGHT - 0.5) * math.sin(direction) + (x / WIDTH - 0.5) * math.cos(direction))
    page = colour * (1 + light[..., None])
    ruling = random.randint(3)
    pitch, line = random.randint(12, 28), np.array([150, 180, 220]) + random.randint(-20, 20, 3)
    shift = random.randint(pitch)
    ruled = np.zeros((HEIGHT, WIDTH), bool)
    if ruling >= 1:
        ruled |= (y + shift) % pitch == 0
    if ruling == 2:
        ruled |= (x + shift) % pitch == 0
    page[ruled] = 0.5 * page[ruled] + 0.5 * line
    return page


def compose(part: Scans, seed: int) -> Page:
    """The page of a seed: lines of scans of the part, in one to three inks, each of its own size and slant."""
    random = np.random.RandomState(seed)
    page = _paper(random)
    truth = np.zeros((HEIGHT, WIDTH), np.uint8)
    inks = random.permutation(len(INKS))[: random.randint(1, 4)]
    chosen: list[int] = []
    top = random.randint(2, 12)
    while True:
        line = random.randint(MIN_SIZE, MAX_SIZE + 1)
        if top + line > HEIGHT:
            break
        left = random.randint(2, 24)
        while True:
            size = max(MIN_SIZE, int(line * random.uniform(0.75, 1)))
            if left + size > WIDTH:
                break
            index = random.randint(len(part.digits))
            place = np.s_[top + random.randint(line - size + 1) :, left:]
            darkness = _darkness(part.ink[index], size, random.uniform(-MAX_ROTATION, MAX_ROTATION))
            # One pixel of the page is 8 / size of the scan: so wide is the edge of a stroke, whatever the size.
            cover = np.clip((darkness - EDGE) * size / 8 + 0.5, 0, 1) * random.uniform(0.75, 1)
            ink = np.array(INKS[inks[random.randint(len(inks))]], float)
            under = page[place][:size, :size]
            under += (ink - under) * (cover * np.clip(0.55 + 0.6 * darkness, 0, 1))[..., None]
            truth[place][:size, :size][darkness >= EDGE] = part.digits[index] + 1
            chosen.append(index)
            left += size + random.randint(0, 14)
        top += line + random.randint(0, 8)
    grain = random.normal(0, random.uniform(0.5, 2.5), (HEIGHT, WIDTH, 1))
    # Steps of 8 keep the files of the pages small.
    picture = (np.clip(page + grain, 0, 255) // 8 * 8 + 4).astype(np.uint8)
    return Page(picture, truth, tuple(int(part.digits[i]) for i in chosen), tuple(int(part.numbers[i]) for i in chosen))


def main() -> None:
    """Writes the example pages, named by their seed and the digits that they show in reading order."""
    arguments = argparse.ArgumentParser(description="Compose the example pages again.")
    arguments.add_argument("--output", type=Path, required=True, help="The folder to write to.")
    folder: Path = arguments.parse_args().output
    part = scans(held_out=True)
    for seed in EXAMPLES:
        page = compose(part, seed)
        name = f"{seed:04d}_{''.join(map(str, page.digits))}.png"
        Image.fromarray(page.picture).save(folder / name, optimize=True)
        print(f"{name}: scans {', '.join(map(str, page.scans))}")


if __name__ == "__main__":
    main()
