"""Two pictures in, where each pixel of the first has gone in the second out; or a video, which is many such pairs."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from multiweight.catalogue import WeightsEnum
from multiweight.data import open_video, picture_pixels, source_name
from multiweight.data.decode import named
from multiweight.errors import InputError, InputTypeError, MultiweightError
from multiweight.predict._flow import FlowField
from multiweight.predict._tasks.base import (
    FrameTask,
    are_frames,
    as_failure,
    chunks,
    finite,
    is_file_or_picture,
    not_finite,
    refused,
    shown,
    unexpected,
)
from multiweight.transforms.optical_flow import pad_to_multiple, unpad

if TYPE_CHECKING:
    from multiweight.predict._predictor import Predictor

_MULTIPLE = 8
"""The networks halve the pictures three times."""


class _Step(NamedTuple):
    """Two pictures, padded, ready for the model, or what went wrong."""

    source: str | None
    first: Tensor | None = None  # (3, H, W)
    second: Tensor | None = None
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    error: MultiweightError | None = None

    def like(self) -> Any:
        return None if self.first is None else self.first.shape


class OpticalFlow(FrameTask):
    """The flow from the first picture to the second, in pixels, after the network's last refinement."""

    batch_size: ClassVar[int] = 1
    inputs: ClassVar[str] = "pairs of pictures, or videos"
    has_labels: ClassVar[bool] = False

    def __init__(self, weights: WeightsEnum) -> None:
        super().__init__(weights)
        self._least: tuple[int, int] = weights.meta.get("min_size") or (1, 1)

    def is_one(self, inputs: Any) -> bool:
        return _is_pair(inputs) or super().is_one(inputs)

    def one(self, predictor: Predictor, item: Any) -> FlowField | list[FlowField]:
        """The flow of a pair, or a list of them for a video."""
        fields = list(self.stream(predictor, iter([item])))
        return fields[0] if _is_pair(item) else fields

    def steps(self, predictor: Predictor, item: Any) -> Generator[_Step]:
        source: str | None = None
        try:
            source = _name(item)
            for name, first, second in _pairs(item):
                with named(name):
                    first, second, padding = self._prepared(predictor, first, second)
                yield _Step(source, first, second, padding)
        except Exception as error:  # an input may be any object, with any behaviour
            yield _Step(source, error=as_failure(item, source, error))

    def _prepared(
        self, predictor: Predictor, first: Tensor, second: Tensor
    ) -> tuple[Tensor, Tensor, tuple[int, int, int, int]]:
        height, width = first.shape[-2:]
        if first.shape == second.shape and (height < self._least[0] or width < self._least[1]):
            raise InputError(
                f"{width}x{height} pixels; {self.weights} wants at least {self._least[1]}x{self._least[0]}."
            )
        with torch.inference_mode():
            first, second = predictor.preset(finite(first), finite(second))
            return pad_to_multiple(first, second, _MULTIPLE)

    def results(self, predictor: Predictor, steps: Iterable[_Step]) -> Generator[FlowField]:
        for chunk in chunks(steps, predictor.batch_size):
            for _, group in groupby(chunk, key=_Step.like):
                yield from self._fields(predictor, list(group))

    def _fields(self, predictor: Predictor, steps: list[_Step]) -> Iterator[FlowField]:
        good = [step for step in steps if step.first is not None and step.second is not None]
        if not good:
            yield from (FlowField(source=step.source, error=step.error) for step in steps)
            return
        try:
            fields = self._flow(predictor, good)
        except InputError as error:
            for step in good:
                yield self.failed(step.source, refused(step.source, error))
            return
        for step, field in zip(good, fields, strict=True):
            if bool(field.isfinite().all()):
                yield FlowField(step.source, unpad(field, step.padding).numpy())
            else:
                yield self.failed(step.source, not_finite(step.source))

    def _flow(self, predictor: Predictor, steps: list[_Step]) -> Tensor:
        """The flow of padded pictures of one size, `(N, 2, H, W)`."""
        with torch.inference_mode():
            first = torch.stack([step.first for step in steps if step.first is not None])  # (N, 3, H, W)
            second = torch.stack([step.second for step in steps if step.second is not None])
            outputs = predictor.model(first.to(predictor.device), second.to(predictor.device))
            flow = outputs[-1] if isinstance(outputs, list | tuple) and outputs else outputs
            expected = (len(steps), 2, *first.shape[-2:])
            if not isinstance(flow, Tensor) or flow.shape != expected:
                raise unexpected(self.weights, flow, f"a list of flows of shape {expected} was expected")
            return flow.float().cpu()

    def failed(self, source: str | None, error: MultiweightError) -> FlowField:
        return FlowField(source=source, error=error)


def _is_pair(item: Any) -> bool:
    """Whether an object is two pictures: a list of what must be pictures, or a tuple of what may be."""
    if not isinstance(item, list | tuple) or len(item) != 2:
        return False
    return are_frames(item) or (isinstance(item, tuple) and all(map(is_file_or_picture, item)))


def _name(item: Any) -> str | None:
    """A video's name, or that of a pair's first picture."""
    return source_name(item[0] if _is_pair(item) else item)


def _pairs(item: Any) -> Iterator[tuple[str | None, Tensor, Tensor]]:
    """The pairs of pictures `(3, H, W)` that an input stands for, with what errors call them."""
    source = _name(item)
    if _is_pair(item):
        first, second = map(picture_pixels, item)
        yield source, first, second
        return
    if isinstance(item, np.ndarray | Tensor) and item.ndim < 4:
        raise InputTypeError(f"{shown(item)}: expected two pictures or a video, got one picture.")
    with open_video(item) as video:
        if len(video) < 2:
            raise InputError(f"{source or 'a video'}: one frame; flow is between two.")
        for number, (first, second) in enumerate(pairwise(video.frames(range(len(video))))):
            yield f"{source or 'a video'}, frames {number} and {number + 1}", first, second
