"""Masks as run-length code, in the form that COCO's annotations and results have.

A mask is read column by column, and its runs of equal pixels are counted: first the pixels outside, then those
inside, and so on in turn. From the fourth on a count is written as its difference to the one two before. Each
number is cut into groups of 5 bits, the lowest first; a sixth bit says that more follow, and 48 makes a printable
ASCII character of the six. The last group's highest bit is the number's sign.

Format: https://github.com/cocodataset/cocoapi (Lin et al. 2014, https://arxiv.org/abs/1405.0312)
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PAYLOAD, _SIGN, _MORE, _BASE = 0x1F, 0x10, 0x20, 48


def encode_mask(mask: NDArray[Any]) -> dict[str, Any]:
    """A mask as COCO's compressed run-length code.

    Args:
        mask: `(H, W)`, booleans or numbers; what is not 0 is inside.

    Returns:
        `{"size": [H, W], "counts": "…"}`, which JSON can hold and pycocotools can read.

    Raises:
        ValueError: If the mask has another shape.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2:
        raise ValueError(f"expected a mask of shape (H, W), got {mask.shape}.")
    height, width = map(int, mask.shape)
    inside = mask if mask.dtype == bool else mask != 0
    columns = np.flatnonzero(inside.any(0))
    first, last = (int(columns[0]), int(columns[-1]) + 1) if columns.size else (0, 0)
    # Only the columns that have pixels inside, between one pixel outside before and one after.
    pixels = np.zeros((last - first) * height + 2, bool)
    pixels[1:-1].reshape(last - first, height)[:] = inside[:, first:last].T
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + first * height
    # Where the last pixel of all is inside, no pixels outside follow, and their count is not written.
    ends = changes if changes.size and changes[-1] == height * width else np.append(changes, height * width)
    counts = np.diff(ends, prepend=0)
    return {"size": [height, width], "counts": _packed(counts)}


def decode_mask(code: dict[str, Any]) -> NDArray[np.bool_]:
    """The mask of a run-length code.

    Args:
        code: `{"size": [H, W], "counts": …}`, whose counts are a string or bytes (compressed) or a list of numbers.

    Returns:
        The mask, `(H, W)`.

    Raises:
        ValueError: If it is no such code: a part is missing, a character is none of its alphabet, or the counts do
            not add up to the size.
    """
    try:
        (height, width), given = map(operator.index, code["size"]), code["counts"]
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"expected {{'size': [H, W], 'counts': …}}, got {str(code)[:80]}.") from None
    counts = _unpacked(given) if isinstance(given, str | bytes) else np.asarray(given, np.int64).reshape(-1)
    if (counts < 0).any():
        raise ValueError(f"a run of {int(counts.min())} pixels: the run-length code is damaged.")
    total = int(counts.sum())
    if height < 0 or total != height * width:
        raise ValueError(f"the counts add up to {total} pixels; {height}x{width} are {height * width}.")
    inside = np.arange(counts.size) % 2 == 1
    return np.ascontiguousarray(inside.repeat(counts).reshape(width, height).T)


def _packed(counts: NDArray[np.int64]) -> str:
    rest = counts.astype(np.int64)
    rest[3:] -= counts[1:-2]
    groups: list[NDArray[np.int64]] = []
    written: list[NDArray[np.bool_]] = []
    unfinished = np.ones(rest.shape, bool)
    while unfinished.any():
        group = rest & _PAYLOAD
        rest = rest >> 5
        # Finished where the sign bit of this group already says all of what is left: 0, or -1 below zero.
        more = rest != np.where(group & _SIGN, -1, 0)
        groups.append((group | _MORE * more) + _BASE)
        written.append(unfinished)
        unfinished = unfinished & more
    characters = np.stack(groups, 1)[np.stack(written, 1)]  # number after number, each from its lowest group
    return characters.astype(np.uint8).tobytes().decode("ascii")


def _unpacked(text: str | bytes) -> NDArray[np.int64]:
    data = text.encode("utf-8") if isinstance(text, str) else text
    groups = np.frombuffer(data, np.uint8).astype(np.int64) - _BASE
    wrong = np.flatnonzero((groups < 0) | (groups > (_MORE | _PAYLOAD)))
    if wrong.size:
        raise ValueError(f"byte {data[wrong[0]]} at {wrong[0]} is no part of a run-length code.")
    last = (groups & _MORE) == 0
    if groups.size and not last[-1]:
        raise ValueError("the run-length code ends within a number.")
    ends = np.flatnonzero(last)
    lengths = np.diff(ends, prepend=-1)
    if (lengths > 12).any():  # of 5 bits each: no count of pixels is that large
        raise ValueError("a number of the run-length code is too long.")
    begins = ends - lengths + 1
    place = np.arange(groups.size) - begins.repeat(lengths)
    numbers = np.zeros(ends.size, np.int64)
    np.add.at(numbers, np.arange(ends.size).repeat(lengths), (groups & _PAYLOAD) << (5 * place))
    numbers -= np.where(groups[ends] & _SIGN, np.int64(1) << (5 * lengths), 0)
    # The differences reach back two, so odd and even places add up on their own; the first three stand for themselves.
    numbers[1::2] = numbers[1::2].cumsum()
    numbers[2::2] = numbers[2::2].cumsum()
    return numbers
