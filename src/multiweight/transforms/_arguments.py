"""What presets check of their arguments."""

from __future__ import annotations

import functools
import inspect
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from PIL import Image

from multiweight.catalogue import InterpolationMode
from multiweight.errors import suggestions

Fill = float | Sequence[float] | None
"""The colour of what comes into a picture from outside: one number, one a channel, or none, which is black."""

P = ParamSpec("P")
Self = TypeVar("Self")

PILLOW_FILTERS = {
    InterpolationMode.NEAREST: Image.Resampling.NEAREST,
    # Pillow has one nearest; it is the exact one, and it is what torchvision takes for both.
    InterpolationMode.NEAREST_EXACT: Image.Resampling.NEAREST,
    InterpolationMode.BILINEAR: Image.Resampling.BILINEAR,
    InterpolationMode.BICUBIC: Image.Resampling.BICUBIC,
    InterpolationMode.BOX: Image.Resampling.BOX,
    InterpolationMode.HAMMING: Image.Resampling.HAMMING,
    InterpolationMode.LANCZOS: Image.Resampling.LANCZOS,
}

_MODES_OF_PILLOW = {resampling: mode for mode, resampling in reversed(PILLOW_FILTERS.items())}


def known_only(init: Callable[Concatenate[Self, P], None]) -> Callable[Concatenate[Self, P], None]:
    """Makes an `__init__` answer an unknown argument with a `TypeError` that names the known ones."""
    known = list(inspect.signature(init).parameters)[1:]

    @functools.wraps(init)
    def checked(self: Self, *args: P.args, **kwargs: P.kwargs) -> None:
        for name in kwargs:
            if name not in known:
                raise TypeError(
                    f"{type(self).__name__}() has no argument {name!r}.{suggestions(name, known)} "
                    f"It takes {', '.join(known) or 'none'}."
                )
        init(self, *args, **kwargs)

    return checked


def pixels(name: str, value: Any) -> int:
    """A length in pixels, at least 1.

    Raises:
        TypeError: If it is not a whole number.
        ValueError: If it is less than 1.
    """
    try:
        length = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is one whole number of pixels; got {value!r}.") from None
    if isinstance(value, bool):
        raise TypeError(f"{name} is one whole number of pixels; got {value!r}.")
    if length < 1:
        raise ValueError(f"{name} must be at least 1 pixel; got {length}.")
    return length


def sides(name: str, value: Any) -> list[int]:
    """One length in pixels, or a height and a width.

    Raises:
        TypeError: If it is neither.
        ValueError: If there are not 1 or 2, or one is less than 1.
    """
    lengths = value if isinstance(value, (list, tuple)) else [value]
    if len(lengths) not in (1, 2):
        raise ValueError(f"{name} takes a height and a width, or one length; got {value!r}.")
    return [pixels(name, length) for length in lengths]


def yes_no_or_none(name: str, value: Any) -> bool | None:
    """True, False or None.

    Raises:
        TypeError: If it is anything else.
    """
    if not (value is None or isinstance(value, bool)):
        raise TypeError(f"{name} is True, False or None; got {value!r}.")
    return value


def per_channel(name: str, values: Iterable[float], *, divisor: bool = False) -> list[float]:
    """Three numbers, one a channel, or one for all of them.

    Args:
        name: The argument's name, for the errors.
        values: The numbers.
        divisor: Whether they are divided by, in 32-bit floats, and so must not be 0 there.

    Raises:
        TypeError: If it is not an iterable of numbers.
        ValueError: If there are not 1 or 3, or one cannot be used.
    """
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        raise TypeError(f"{name} takes 3 numbers, one a channel; got {values!r}.") from None
    if len(numbers) not in (1, 3):
        raise ValueError(f"{name} takes 3 numbers, one a channel, or 1 for all; got {len(numbers)}: {values!r}.")
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name} takes finite numbers; got {values!r}.")
    if divisor and not np.asarray(numbers, np.float32).all():
        raise ValueError(f"{name} is divided by, as 32-bit floats, so none may be 0 there; got {values!r}.")
    return numbers


def interpolation_mode(value: Any) -> InterpolationMode:
    """The mode meant by one of ours, its name, torchvision's enum or a Pillow constant.

    Raises:
        TypeError: If it is nothing of the kind.
        ValueError: If there is no such mode.
    """
    if isinstance(value, InterpolationMode):
        return value
    given = value.value if isinstance(value, Enum) else value
    if isinstance(given, str):
        name = given.lower().replace("_", "-")
        if name in list(InterpolationMode):
            return InterpolationMode(name)
        raise ValueError(f"There is no interpolation {given!r}.{_known_modes(name)}")
    if isinstance(given, int) and not isinstance(given, bool):
        if given in _MODES_OF_PILLOW:
            return _MODES_OF_PILLOW[Image.Resampling(given)]
        raise ValueError(f"No interpolation here answers to Pillow's constant {value!r}.{_known_modes('')}")
    raise TypeError(f"interpolation takes an InterpolationMode, its name or a Pillow constant; got {value!r}.")


def _known_modes(name: str) -> str:
    return suggestions(name, InterpolationMode) or f" Known: {', '.join(InterpolationMode)}."


def probability(name: str, value: Any) -> float:
    """A number from 0 to 1.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is less or more.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a probability, a number from 0 to 1; got {value!r}.")
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is a probability, from 0 to 1; got {value!r}.")
    return value


def span(name: str, values: Any, *, positive: bool = False, most: float = math.inf) -> tuple[float, float]:
    """The least and the largest of something, two numbers from 0 on.

    Args:
        name: The argument's name, for the errors.
        values: The numbers.
        positive: Whether they must be more than 0.
        most: What they may not exceed.

    Raises:
        TypeError: If it is not a pair of numbers.
        ValueError: If they are the wrong way round, or one is too small, too large or not finite.
    """
    try:
        low, high = map(float, values)
    except (TypeError, ValueError):
        raise TypeError(f"{name} takes the least and the largest, two numbers; got {values!r}.") from None
    if not (0 <= low <= high <= most and math.isfinite(high)) or (positive and low == 0):
        least = "above 0" if positive else "from 0 on"
        limit = "" if most == math.inf else f" and no more than {most:g}"
        raise ValueError(f"{name} takes two numbers {least}{limit}, the smaller one first; got {values!r}.")
    return low, high


def positive(name: str, value: Any) -> float:
    """A number above 0.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is 0, less or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number above 0; got {value!r}.")
    if not 0 < value < math.inf:
        raise ValueError(f"{name} is a number above 0; got {value!r}.")
    return float(value)


def whole(name: str, value: Any, *, least: int = 0) -> int:
    """A whole number.

    Raises:
        TypeError: If it is none.
        ValueError: If it is less than `least`.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is a whole number; got {value!r}.")
    if value < least:
        raise ValueError(f"{name} must be at least {least}; got {value}.")
    return value


def slopes(magnitude: float) -> tuple[float, float]:
    """The magnitude of a shear of x and of y: rounded as if given by an angle in degrees, in two ways."""
    angle = math.radians(math.degrees(math.atan(magnitude)))
    return math.tan(angle), math.sin(angle) / math.cos(angle)
