"""From pictures to predictions: decoding in threads, inference in batches, order kept, memory flat."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from typing import IO, Any, cast, overload

import numpy as np
import torch
from PIL import Image
from torch import nn

from multiweight.catalogue import WeightsEnum, resolve
from multiweight.data import MAX_PIXELS, decoded, picture_file, printable, source_name
from multiweight.data.decode import named
from multiweight.errors import InputError, InputTypeError, MultiweightError
from multiweight.predict._prediction import Prediction

_LARGE = 2**24
"""Pixels from which on pictures are worked on one at a time, so that memory does not grow with the workers.

In one thread of their own, not under a lock: the C library keeps freed memory for the thread that had it.
"""


class Predictor:
    """A model with its weights, preprocessing and labels, ready for pictures of any kind.

    ```python
    predictor = Predictor("ResNet50_Weights.DEFAULT")
    print(predictor("photo.jpg").label)
    for prediction in predictor.stream(Path("photos").rglob("*.jpg")):
        print(prediction)
    ```

    A picture is a path, a URL, the bytes of a file, a binary file object, a PIL picture, a numpy array or a tensor
    as the preset takes them (`(H, W, 3)` and `(3, H, W)`). One that cannot be used gives a `Prediction` that
    carries the error, and stops nothing. Files are turned upright as their EXIF orientation says; PIL pictures,
    arrays and tensors are taken as they are.

    Args:
        reference: A weights entry, its name in any spelling, or a variant (`"resnet50"`), which means its `DEFAULT`.
        device: Where the model runs; `None` is a CUDA device if there is one, else the CPU.
        top: How many labels a prediction has, at most as many as there are.
        batch_size: How many pictures go through the model at once.
        workers: How many threads decode and preprocess; `None` is one a processor, at most eight.
        progress: Whether a download of the weights shows how far it is.

    Attributes:
        weights: The weights entry.
        model: The network, in eval mode, on the device.
        labels: All labels, in the order of the model's outputs.
        preset: The preprocessing.
        device: Where the model is.

    Raises:
        UnknownNameError: If there are no such weights.
        StoreError: If the weights' file cannot be had.
        WeightsFileError: If it cannot be used.
        ValueError: If there is no such device here, or a number is less than 1.
    """

    def __init__(
        self,
        reference: str | WeightsEnum = "ResNet50_Weights.DEFAULT",
        *,
        device: str | torch.device | None = None,
        top: int = 5,
        batch_size: int = 16,
        workers: int | None = None,
        progress: bool = True,
    ) -> None:
        self.top = _at_least_one("top", top)
        self.batch_size = _at_least_one("batch_size", batch_size)
        self.workers = _at_least_one("workers", min(8, _processors()) if workers is None else workers)
        self.weights = resolve(reference)
        self.device = find_device(device)
        labels: tuple[str, ...] | None = self.weights.meta["categories"]
        if labels is None:
            raise ValueError(f"{self.weights} has no labels: its last layer was not trained, so it predicts nothing.")
        self.labels = tuple(labels)
        self.preset: nn.Module = self.weights.transforms()
        module, _, function = type(self.weights).builder.partition(":")
        build = getattr(import_module(module), function)
        self.model: nn.Module = build(weights=self.weights, progress=progress).eval().to(self.device)
        self._resize_size: int | None = getattr(self.weights.transforms, "resize_size", None)

    @overload
    def __call__(self, inputs: str | os.PathLike[str] | bytes | IO[bytes] | Image.Image) -> Prediction: ...

    @overload
    def __call__(self, inputs: np.ndarray | torch.Tensor) -> Any: ...

    @overload
    def __call__(self, inputs: Iterable[Any]) -> list[Prediction]: ...

    def __call__(self, inputs: Any) -> Any:
        """Predicts one picture or several.

        Args:
            inputs: A picture; or an iterable of pictures, a batched tensor `(N, 3, H, W)` or a batched array
                `(N, H, W, 3)`.

        Returns:
            One `Prediction` for a picture, else a list of them, in order.
        """
        if _is_one(inputs):
            return self._predict([self._prepare(inputs)])[0]
        return list(self.stream(inputs))

    def stream(self, inputs: Iterable[Any]) -> Generator[Prediction]:
        """Predicts any number of pictures, in flat memory.

        Threads decode and preprocess ahead of the model: up to `2 * batch_size + workers` inputs are taken before
        the first prediction comes, so arrays among them must not be written to meanwhile. Closing the iterator
        early ends the threads.

        Args:
            inputs: An iterable of pictures, which may be endless.

        Returns:
            An iterator over their predictions, in order. What `inputs` itself raises is raised after the
            predictions of the pictures before.

        Raises:
            InputTypeError: If given one picture, or something that cannot be iterated over.
        """
        if _is_one(inputs):
            raise InputTypeError(
                f"stream() takes an iterable of pictures, not {_shown(inputs)}; call the predictor itself with one."
            )
        return self._stream(iter(inputs))

    def _stream(self, inputs: Iterator[Any]) -> Generator[Prediction]:
        pending: deque[Future[_Prepared]] = deque()
        failure: Exception | None = None
        more = True
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="multiweight-decode")
        large = ThreadPoolExecutor(1, thread_name_prefix="multiweight-decode-large")

        def refill() -> None:
            nonlocal failure, more
            while more and len(pending) < self.batch_size + self.workers:
                try:
                    item = next(inputs)
                except StopIteration:
                    more = False
                except Exception as error:
                    failure, more = error, False
                else:
                    pending.append(pool.submit(self._prepare, item, large))

        try:
            refill()
            while pending:
                batch: list[_Prepared] = []
                while pending and len(batch) < self.batch_size:
                    batch.append(pending.popleft().result())
                    refill()
                yield from self._predict(batch)
        finally:
            pool.shutdown(cancel_futures=True)
            large.shutdown()
        if failure is not None:
            raise failure

    def _prepare(self, item: Any, large: Executor | None = None) -> _Prepared:
        """Decodes and preprocesses one input, a large one in the executor given; whatever that raises is kept."""
        source: str | None = None
        try:
            source = source_name(item)
            return _Prepared(source, tensor=self._preprocess(item, source, large))
        except MultiweightError as error:
            return _Prepared(source, error=_without_frames(error))
        except Exception as error:  # an input may be any object, with any behaviour
            failed = InputError(f"{_shown(item)}: {type(error).__name__}: {error}")
            failed.__cause__ = error
            return _Prepared(source, error=_without_frames(failed))

    def _preprocess(self, item: Any, source: str | None, large: Executor | None) -> torch.Tensor:
        if not isinstance(item, Image.Image | np.ndarray | torch.Tensor):
            with picture_file(item) as picture:
                width, height = picture.size
                pixels = max(width * height, self._widened(picture.size))
                return _within_bounds(pixels, large, lambda: self._apply_preset(decoded(picture)))
        with named(source):
            if isinstance(item, Image.Image):
                pixels = self._widened(item.size)
            elif item.ndim in (2, 3):
                height, width = item.shape[-2:] if isinstance(item, torch.Tensor) else item.shape[:2]
                pixels = self._resized((width, height))
            else:
                raise InputTypeError(f"expected one picture, got {_shown(item)}.")
            return _within_bounds(pixels, large, lambda: self._apply_preset(item))

    def _apply_preset(self, picture: Any) -> torch.Tensor:
        with torch.inference_mode():
            tensor = self.preset(picture)
        if tensor.ndim != 3:
            raise InputTypeError(f"expected one picture, of which the preset makes (3, H, W); got {_shown(tensor)}.")
        return tensor

    def _widened(self, size: tuple[int, int]) -> int:
        """The most pixels that a PIL picture has on its way: the preset crops before it resizes the second side."""
        return (self._resize_size or 0) * max(size)

    def _resized(self, size: tuple[int, int]) -> int:
        """The pixels that a tensor has when its short side is resized; both sides are at once."""
        return (self._resize_size or 0) ** 2 * max(size) // max(min(size), 1)

    def _predict(self, batch: Sequence[_Prepared]) -> list[Prediction]:
        predictions: list[Prediction] = []
        # A preset that does not crop gives pictures of many sizes: neighbours of one size go together.
        for like, group in groupby(batch, key=_Prepared.like):
            prepared = list(group)
            if like is None:
                predictions += [Prediction(item.source, error=item.error) for item in prepared]
            else:
                predictions += self._infer([item.source for item in prepared], [item.tensor for item in prepared])
        return predictions

    def _infer(self, sources: list[str | None], tensors: list[torch.Tensor | None]) -> list[Prediction]:
        with torch.inference_mode():
            pictures = torch.stack(cast("list[torch.Tensor]", tensors)).to(self.device)  # (N, 3, H, W)
            scores = self.model(pictures)
            expected = (len(sources), len(self.labels))
            if not isinstance(scores, torch.Tensor) or scores.shape != expected:
                raise ValueError(
                    f"The model of {self.weights} gave {_shown(scores)}; scores of shape {expected} were expected, "
                    "one a label."
                )
            probabilities = scores.float().softmax(-1)  # (N, labels)
            best, indices = probabilities.topk(min(self.top, len(self.labels)))  # (N, top)
            usable = probabilities.isfinite().all(-1)  # (N,)
        rows = zip(sources, usable.tolist(), best.tolist(), indices.tolist(), strict=True)
        return [
            Prediction(source, tuple(self.labels[i] for i in index), tuple(row), tuple(index))
            if finite
            else Prediction(source, error=_not_finite(source))
            for source, finite, row, index in rows
        ]

    def __repr__(self) -> str:
        return f"Predictor({str(self.weights)!r}, device={str(self.device)!r}, top={self.top})"


@dataclass(slots=True)
class _Prepared:
    """An input, ready for the model or failed."""

    source: str | None
    tensor: torch.Tensor | None = None
    error: MultiweightError | None = None

    def like(self) -> tuple[Any, ...] | None:
        """What the tensors of a batch must have in common; `None` for a failed input."""
        return None if self.tensor is None else (self.tensor.shape, self.tensor.dtype, self.tensor.device)


def _within_bounds(pixels: int, large: Executor | None, work: Callable[[], torch.Tensor]) -> torch.Tensor:
    """Does work on a picture that has at most so many pixels on its way to the model."""
    if pixels > MAX_PIXELS:
        raise InputError(f"its shape is extreme: resizing it would make {pixels:,} pixels; cut it into pieces.")
    return large.submit(work).result() if large and pixels > _LARGE else work()


def find_device(given: str | torch.device | None = None) -> torch.device:
    """The device of a name, after a trial; for `None` a CUDA device if there is one, else the CPU.

    Raises:
        ValueError: If there is no such device here.
    """
    if given is None:
        given = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(given)
        torch.empty(1, device=device).add_(1).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"The device {str(given)!r} cannot be used here: {reason}") from error
    return device


def _processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"{name} must be at least 1; got {value!r}.")
    return value


def _is_one(inputs: Any) -> bool:
    """Whether an object is one input (if only a wrong one), rather than an iterable of them."""
    if isinstance(inputs, np.ndarray | torch.Tensor):
        return inputs.ndim < 4
    if isinstance(inputs, str | bytes | bytearray | memoryview | os.PathLike | Image.Image) or hasattr(inputs, "read"):
        return True
    return not isinstance(inputs, Iterable)


def _shown(item: Any) -> str:
    shape = getattr(item, "shape", None)
    kind = type(item).__name__
    return f"{kind} of shape {tuple(shape)}" if isinstance(shape, tuple) else f"{kind} object"


def _not_finite(source: str | None) -> InputError:
    prefix = f"{printable(source)}: " if source else ""
    return InputError(f"{prefix}the model's scores are not finite numbers; does the input hold NaN or infinity?")


def _without_frames(error: MultiweightError) -> MultiweightError:
    """The error without tracebacks, whose frames would keep decoded pictures alive as long as the prediction."""
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is not None:
            link.__traceback__ = None
            links += [link.__cause__, link.__context__]
    return error
