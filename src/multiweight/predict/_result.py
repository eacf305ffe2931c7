"""What all results have in common: a source, an error or none, and arrays whose shapes are checked."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from multiweight.errors import MultiweightError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Result:
    """Base of what models say of one input; its subclasses are frozen data classes.

    Attributes:
        source: The input's path or URL; `None` for bytes, arrays and tensors.
        error: Why the input could not be used; `None` if it could.
    """

    __slots__ = ()

    # Fields of the subclasses, each of which has its own order.
    source: str | None
    error: MultiweightError | None

    @property
    def ok(self) -> bool:
        """Whether the input could be used."""
        return self.error is None

    def _check(self) -> None:
        """Raises the error of a failed result."""
        if self.error is not None:
            # Without the traceback of an earlier call, to which each raise would add.
            raise self.error.with_traceback(None)

    def _failed(self) -> dict[str, Any]:
        """A failed result in values that JSON has."""
        return {"source": self.source, "error": str(self.error)}

    def _summary(self, text: str) -> str:
        """One line: what went wrong, or the text after the source."""
        if self.error is not None:
            return f"failed: {self.error}"
        return f"{self.source}: {text}" if self.source else text

    def _set(self, **values: Any) -> None:
        """Sets fields of the frozen object while it is made."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        """Whether all fields are the same, arrays element by element."""
        if type(other) is not type(self):
            return NotImplemented
        names = [field.name for field in fields(cast("DataclassInstance", self))]
        return all(_equal(getattr(self, name), getattr(other, name)) for name in names)

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # arrays can be written to

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return type(one) is type(other) and bool(one == other)


def to_array(value: Any) -> NDArray[Any]:
    """An array, tensor (of any device) or nested list as an array; NumPy has no bfloat16, which becomes float32."""
    if hasattr(value, "is_floating_point"):  # a tensor; what is not one need not import torch to know
        value = value.detach().cpu()
        value = (value.float() if value.is_floating_point() and value.element_size() < 4 else value).numpy()
    return np.asarray(value)


def as_array(name: str, value: Any, shape: tuple[int | str, ...], *, kinds: str = "fiu") -> NDArray[Any]:
    """An array, tensor (of any device) or nested list as an array of a known shape.

    Args:
        name: What it is, for the errors.
        value: The array.
        shape: Its sides: a number, or a letter where any length will do.
        kinds: The letters of the NumPy dtypes that will do: `f` floats, `i` and `u` integers, `b` booleans.

    Raises:
        TypeError: If it is of another dtype.
        ValueError: If it has another shape, or holds NaN or infinity.
    """
    array = to_array(value)
    if array.shape == (0,) and len(shape) > 1 and shape[0] in (0, "N"):  # an empty list has one side only
        array = np.zeros((0, *(side if isinstance(side, int) else 0 for side in shape[1:])), np.float32)
    if array.ndim != len(shape) or any(
        isinstance(side, int) and side != given for side, given in zip(shape, array.shape, strict=True)
    ):
        wanted = ", ".join(map(str, shape)) + "," * (len(shape) == 1)
        raise ValueError(f"{name}: expected an array of shape ({wanted}), got {array.shape}.")
    if array.size and array.dtype.kind not in kinds:
        words = [word for kind, word in _KINDS.items() if kind in kinds]
        raise TypeError(f"{name}: expected {' or '.join(words)}, got an array of {array.dtype}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
        raise ValueError(f"{name}: expected finite numbers, got {array[place]} at {list(place)}.")
    return array


_KINDS = {"f": "floats", "i": "integers", "b": "booleans"}


def picture_size(name: str, size: Any) -> tuple[int, int]:
    """A picture's `(height, width)` in pixels, both at least 1.

    Raises:
        ValueError: If it is not.
    """
    sides = tuple(size)
    if len(sides) != 2 or any(side != int(side) or side < 1 for side in sides):
        raise ValueError(f"{name}: expected (height, width) of the picture, at least 1 pixel each; got {sides}.")
    return int(sides[0]), int(sides[1])


def rounded(value: float, digits: int) -> float:
    """A number with so many decimals, for JSON; never -0.0."""
    return round(float(value), digits) + 0.0
