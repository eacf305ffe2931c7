"""Widths that hardware likes."""

from __future__ import annotations


def make_divisible(width: float, divisor: int = 8, least: int | None = None) -> int:
    """Rounds a number of channels to a multiple of the divisor, never more than a tenth below it.

    Args:
        width: The number of channels wished for.
        divisor: What the result is a multiple of.
        least: The smallest result; the divisor unless said.

    Returns:
        The multiple nearest to `width` (halves go up), or the next one where that would lose over 10 %.
    """
    nearest = max(divisor if least is None else least, int(width + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * width else nearest
