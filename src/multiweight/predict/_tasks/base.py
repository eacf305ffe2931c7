"""The two kinds of tasks: of single pictures, which go through in batches, and of frames, read one step ahead."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.data import EXTENSIONS, decoded, is_url, picture_file, printable, source_name
from multiweight.data.decode import named
from multiweight.errors import InputError, InputTypeError, MultiweightError

if TYPE_CHECKING:
    from multiweight.predict._predictor import Predictor

T = TypeVar("T")
Within = Callable[[int, Callable[[], T]], T]
"""Does work on a picture that has at most so many pixels on its way to the model, if they are not too many."""

_END: Any = object()


class Task(ABC):
    """What a predictor does for one task.

    A subclass takes its options by keyword.

    Attributes:
        weights: The weights entry.
        options: The options of `Predictor` that only some tasks have, and this one has.
        batch_size: How many pictures, clips or pairs go through the model at once unless said.
        inputs: What the inputs are called.
        has_labels: Whether the model's outputs have labels.
    """

    options: ClassVar[tuple[str, ...]] = ()
    batch_size: ClassVar[int]
    inputs: ClassVar[str] = "pictures"
    has_labels: ClassVar[bool] = True

    def __init__(self, weights: WeightsEnum) -> None:
        self.weights = weights

    def adapt(self, model: nn.Module) -> None:  # noqa: B027 (most have nothing to adapt)
        """Tells the network what is wanted of it, where that spares it work."""

    @abstractmethod
    def is_one(self, inputs: Any) -> bool:
        """Whether an object is one input (if only a wrong one), rather than an iterable of them."""

    @abstractmethod
    def failed(self, source: str | None, error: MultiweightError) -> Any:
        """The result of an input that cannot be used."""


class PictureTask(Task):
    """A task of single pictures: decoded in threads, then batched."""

    def is_one(self, inputs: Any) -> bool:
        if isinstance(inputs, np.ndarray | Tensor):
            return inputs.ndim < 4
        return is_file_or_picture(inputs) or not isinstance(inputs, Iterable)

    def prepare(self, predictor: Predictor, item: Any, source: str | None, within: Within[Any]) -> Any:
        """Decodes and preprocesses a picture of any kind, in a thread.

        Args:
            predictor: Whose preset it is.
            item: The picture.
            source: Its name.
            within: What large pictures are worked on with.

        Returns:
            What `infer` takes.

        Raises:
            InputError: If it cannot be used.
        """
        if not isinstance(item, Image.Image | np.ndarray | Tensor):
            with picture_file(item) as picture:
                pixels = self.pixels_of_picture(picture.size)
                return within(pixels, lambda: self.payload(predictor, decoded(picture)))
        with named(source):
            if isinstance(item, Image.Image):
                pixels = self.pixels_of_picture(item.size)
            elif item.ndim in (2, 3):
                height, width = item.shape[-2:] if isinstance(item, Tensor) else item.shape[:2]
                pixels = self.pixels_of_tensor((width, height))
            else:
                raise InputTypeError(f"expected one picture, got {shown(item)}.")
            return within(pixels, lambda: self.payload(predictor, item))

    def pixels_of_picture(self, size: tuple[int, int]) -> int:
        """The most pixels that a PIL picture of this width and height has on its way to the model."""
        return size[0] * size[1]

    def pixels_of_tensor(self, size: tuple[int, int]) -> int:
        """The most pixels that a tensor or array has on its way to the model."""
        return size[0] * size[1]

    @abstractmethod
    def payload(self, predictor: Predictor, picture: Any) -> Any:
        """Preprocesses a PIL picture, an array or a tensor."""

    @abstractmethod
    def like(self, payload: Any) -> Hashable:
        """What the payloads of a batch must have in common."""

    @abstractmethod
    def infer(self, predictor: Predictor, sources: list[str | None], payloads: list[Any]) -> list[Any]:
        """The results of a batch of payloads that are alike."""


class FrameTask(Task):
    """A task of videos, or pairs of pictures: read step by step in a thread, one step ahead of the model."""

    inputs: ClassVar[str] = "videos"

    def is_one(self, inputs: Any) -> bool:
        if isinstance(inputs, np.ndarray | Tensor):
            return inputs.ndim < 5
        return is_file_or_picture(inputs) or are_frames(inputs) or not isinstance(inputs, Iterable)

    def one(self, predictor: Predictor, item: Any) -> Any:
        """The result of one input."""
        with closing(self.stream(predictor, iter([item]))) as results:
            return next(results)

    def stream(self, predictor: Predictor, inputs: Iterator[Any]) -> Generator[Any]:
        """The results of any number of inputs, in order; the next input is begun while one is in the model."""
        upcoming: ReadAhead[Any] | None = None
        failure: Exception | None = None

        def begin() -> ReadAhead[Any] | None:
            nonlocal failure
            try:
                item = next(inputs)
            except StopIteration:
                return None
            except Exception as error:
                failure = error
                return None
            return ReadAhead(self.steps(predictor, item))

        current = begin()
        try:
            while current is not None:
                upcoming = begin()
                yield from self.results(predictor, current)
                current.close()
                current, upcoming = upcoming, None
        finally:
            for reading in (current, upcoming):
                if reading is not None:
                    reading.close()
        if failure is not None:
            raise failure

    @abstractmethod
    def steps(self, predictor: Predictor, item: Any) -> Generator[Any]:
        """Reads one input in pieces for the model, in a thread; what goes wrong is a piece, too."""

    @abstractmethod
    def results(self, predictor: Predictor, steps: Iterable[Any]) -> Generator[Any]:
        """The results of one input, from its pieces."""


class ReadAhead(Generic[T]):
    """An iterator over what a generator yields, which runs in a thread, one item ahead."""

    def __init__(self, items: Generator[T]) -> None:
        self._items = items
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="multiweight-decode-frames")
        self._upcoming = self._thread.submit(next, items, _END)

    def __iter__(self) -> Iterator[T]:
        while (item := self._upcoming.result()) is not _END:
            self._upcoming = self._thread.submit(next, self._items, _END)
            yield cast("T", item)

    def close(self) -> None:
        """Ends the thread and the generator."""
        self._thread.shutdown(cancel_futures=True)
        self._items.close()


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of a size; the last may be shorter."""
    chunk: list[T] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def is_file_or_picture(item: Any) -> bool:
    """Whether an object is one file (its path, URL, bytes, an open one) or one PIL picture."""
    return isinstance(item, str | bytes | bytearray | memoryview | os.PathLike | Image.Image) or hasattr(item, "read")


def are_frames(item: Any) -> bool:
    """Whether an object is a list of pictures, which together are a video or a pair, rather than of videos."""
    return isinstance(item, list | tuple) and bool(item) and all(map(_is_picture, cast("Sequence[Any]", item)))


def _is_picture(item: Any) -> bool:
    if isinstance(item, str | os.PathLike):
        name = source_name(item) or ""
        path = re.split(r"[?#]", name)[0] if is_url(name) else name
        return os.path.splitext(path)[1].lower() in EXTENSIONS
    if isinstance(item, np.ndarray | Tensor):
        return item.ndim < 4
    return isinstance(item, Image.Image)


def as_failure(item: Any, source: str | None, error: Exception) -> MultiweightError:
    """What went wrong with an input, as an error of ours that keeps nothing of it alive."""
    if isinstance(error, MultiweightError):
        return _without_frames(error)
    prefix = printable(source) if source else shown(item)
    failed = InputError(f"{prefix}: {type(error).__name__}: {error}")
    failed.__cause__ = error
    return _without_frames(failed)


def _without_frames(error: MultiweightError) -> MultiweightError:
    """The error without tracebacks, whose frames would keep decoded pictures alive as long as the prediction."""
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is not None:
            link.__traceback__ = None
            links += [link.__cause__, link.__context__]
    return error


def not_finite(source: str | None) -> InputError:
    """The error for scores that are NaN or infinite."""
    prefix = f"{printable(source)}: " if source else ""
    return InputError(f"{prefix}the model's scores are not finite numbers; does the input hold NaN or infinity?")


def refused(source: str | None, error: InputError) -> MultiweightError:
    """The error for an input that the model itself refuses, which knows no names."""
    return _without_frames(InputError(f"{printable(source)}: {error}") if source else error)


def finite(pixels: Tensor) -> Tensor:
    """The pixels themselves.

    Raises:
        InputError: If one is NaN or infinite.
    """
    if pixels.is_floating_point() and not bool(torch.isfinite(pixels).all()):
        raise InputError("The picture holds NaN or infinity.")
    return pixels


def unexpected(weights: WeightsEnum, given: Any, expected: str) -> ValueError:
    """The error for a model whose output is not of its task."""
    return ValueError(f"The model of {weights} gave {shown(given)}; {expected}.")


def shown(item: Any) -> str:
    """What an object is, in a few words."""
    shape = getattr(item, "shape", None)
    kind = type(item).__name__
    return f"{kind} of shape {tuple(shape)}" if isinstance(shape, tuple) else f"{kind} object"
