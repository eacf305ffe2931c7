"""From inputs to results, for every task: decoding in threads, inference in batches, order kept, memory flat."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import groupby
from typing import Any

import torch
from torch import nn

from multiweight.catalogue import WeightsEnum, resolve
from multiweight.catalogue._schema import UNTRAINED
from multiweight.data import MAX_PIXELS, source_name
from multiweight.errors import InputError, InputTypeError, MultiweightError
from multiweight.predict._tasks import FrameTask, PictureTask, Task, task_of
from multiweight.predict._tasks.base import as_failure, refused, shown

_LARGE = 2**24
"""Pixels from which on pictures are worked on one at a time, so that memory does not grow with the workers.

In one thread of their own, not under a lock: the C library keeps freed memory for the thread that had it.
"""


class Predictor:
    """A model with its weights, preprocessing and labels, ready for inputs of any kind, whatever its task.

    ```python
    predictor = Predictor("ResNet50_Weights.DEFAULT")
    print(predictor("photo.jpg").label)
    for prediction in predictor.stream(Path("photos").rglob("*.jpg")):
        print(prediction)
    Predictor("maskrcnn_resnet50_fpn", threshold=0.8)("street.jpg").draw().save("found.png")
    ```

    The weights entry says what the task is, and with it what comes out:

    | task | input | result |
    | --- | --- | --- |
    | classification | a picture | `Prediction`: the likeliest labels |
    | detection | a picture | `Detections`: boxes in its pixels, labels, scores, masks, keypoints |
    | segmentation | a picture | `SegmentationMap`: the class of each of its pixels |
    | video | a video | `VideoLabels`: the likeliest labels, as the mean over clips |
    | optical flow | two pictures | `FlowField`: how far each pixel of the first moves |
    | optical flow | a video | a `FlowField` for each two frames that follow each other |

    A picture is a path, a URL, the bytes of a file, a binary file object, a PIL picture, a numpy array or a tensor
    as the preset takes them (`(H, W, 3)` and `(3, H, W)`). Files are turned upright as their EXIF orientation says;
    PIL pictures, arrays and tensors are taken as they are.

    A video is a path, a URL, the bytes or a file object of a video file (which needs the extra `video`), a folder
    whose pictures are the frames, a list or tuple of pictures, or an array or tensor `(T, H, W, 3)` or
    `(T, 3, H, W)`. Of a file only the frames that are needed are decoded. Two pictures are a tuple or list of two.

    An input that cannot be used gives a result that carries the error, and stops nothing.

    Args:
        reference: A weights entry, its name in any spelling, a variant (`"resnet50"`), which means its `DEFAULT`, or
            the path of a weights file that knows what it is (`"run/best.safetensors"`).
        device: Where the model runs; `None` is a CUDA device if there is one, else the CPU.
        top: How many labels a prediction has, at most as many as there are, and `None` means 5; or how many detections
            a picture has at most, and `None` means all.
        threshold: The least score of a detection, in `[0, 1]`; `None` means 0.5. Networks leave out what is below a
            threshold of their own (0.05 for most), whatever is said here.
        frame_rate: Frames a second of a video that does not say it (a folder, a list, an array), for video
            classification, which looks at so many a second as the entry was measured with; `None` means just these,
            so that every frame counts.
        clips: How many clips of a video are looked at; `None` means as many as the entry was measured with.
        batch_size: How many pictures go through the model at once, or clips of one video, or pairs of frames; `None`
            means 16 for classification, 4 for segmentation, 2 for detection, 1 for the others.
        workers: How many threads decode and preprocess pictures; `None` is one a processor, at most eight. Videos are
            decoded by one thread, one step ahead of the model, in which FFmpeg starts its own.
        progress: Whether a download of the weights shows how far it is.

    Attributes:
        weights: The weights entry.
        task: Its task: `"classification"`, `"detection"`, `"segmentation"`, `"video"` or `"optical_flow"`.
        model: The network, in eval mode, on the device.
        labels: All labels, in the order of the model's outputs; empty for optical flow.
        preset: The preprocessing.
        device: Where the model is.

    Raises:
        UnknownNameError: If there are no such weights.
        StoreError: If the weights' file cannot be had.
        WeightsFileError: If it cannot be used.
        ValueError: If there is no such device here, a number is out of its range, or an option is given that the task
            does not have.
    """

    def __init__(
        self,
        reference: str | os.PathLike[str] | WeightsEnum = "ResNet50_Weights.DEFAULT",
        *,
        device: str | torch.device | None = None,
        top: int | None = None,
        threshold: float | None = None,
        frame_rate: float | None = None,
        clips: int | None = None,
        batch_size: int | None = None,
        workers: int | None = None,
        progress: bool = True,
    ) -> None:
        for name, value in {"top": top, "batch_size": batch_size, "workers": workers, "clips": clips}.items():
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value!r}.")
        if threshold is not None and not 0 <= threshold <= 1:
            raise ValueError(f"threshold is a score from 0 to 1; got {threshold!r}.")
        if frame_rate is not None and not 0 < frame_rate < math.inf:
            raise ValueError(f"frame_rate is a positive number of frames a second; got {frame_rate!r}.")
        self.weights = resolve(reference)
        self.task = type(self.weights).task or "classification"
        self._task: Task = task_of(self.weights, top=top, threshold=threshold, frame_rate=frame_rate, clips=clips)
        self.batch_size = batch_size or self._task.batch_size
        self.workers = workers or min(8, _processors())
        self.device = find_device(device)
        self.labels: tuple[str, ...] = self._labels()
        self.preset: nn.Module = self.weights.transforms()
        module, _, function = type(self.weights).builder.partition(":")
        build = getattr(import_module(module), function)
        self.model: nn.Module = build(weights=self.weights, progress=progress).eval().to(self.device)
        self._task.adapt(self.model)

    @property
    def top(self) -> int | None:
        """How many labels a prediction has, or detections a picture at most; `None` for no limit."""
        return getattr(self._task, "top", None)

    def _labels(self) -> tuple[str, ...]:
        if not self._task.has_labels:
            return ()
        labels: tuple[str, ...] | None = self.weights.meta["categories"]
        if labels is None:
            why = self.weights.meta.get("outputs", UNTRAINED)
            raise ValueError(f"{self.weights} has no labels: {why}. It predicts nothing; build the network alone.")
        return tuple(labels)

    def __call__(self, inputs: Any) -> Any:
        """Predicts one input or several.

        Args:
            inputs: A picture, a video, or two pictures, as the task has it; or an iterable of such. A batched tensor
                `(N, 3, H, W)` or array `(N, H, W, 3)` is several pictures, or one video; with one dimension more,
                several videos. A list or tuple of pictures is one video, or for optical flow two pictures.

        Returns:
            One result for one input (for optical flow of a video, a list), else a list of them, in order.
        """
        if not self._task.is_one(inputs):
            return list(self.stream(inputs))
        if isinstance(self._task, FrameTask):
            return self._task.one(self, inputs)
        return self._predict([self._prepare(inputs)])[0]

    def stream(self, inputs: Iterable[Any]) -> Generator[Any]:
        """Predicts any number of inputs, in flat memory.

        Threads decode and preprocess ahead of the model: up to `2 * batch_size + workers` pictures, or two videos, are
        taken before the first result comes, so arrays among them must not be written to meanwhile. Closing the
        iterator early ends the threads.

        Args:
            inputs: An iterable of inputs, which may be endless.

        Returns:
            An iterator over their results, in order. A video of which optical flow is asked for has one for each two
            frames. What `inputs` itself raises is raised after the results of the inputs before.

        Raises:
            InputTypeError: If given one input, or something that cannot be iterated over.
        """
        if self._task.is_one(inputs):
            raise InputTypeError(
                f"stream() takes an iterable of {self._task.inputs}, not {shown(inputs)}; "
                "call the predictor itself with one."
            )
        if isinstance(self._task, FrameTask):
            return self._task.stream(self, iter(inputs))
        return self._stream(iter(inputs))

    def _stream(self, inputs: Iterator[Any]) -> Generator[Any]:
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
            within = partial(_within_bounds, large)
            return _Prepared(source, payload=self._of_pictures.prepare(self, item, source, within))
        except Exception as error:  # an input may be any object, with any behaviour
            return _Prepared(source, error=as_failure(item, source, error))

    def _predict(self, batch: Sequence[_Prepared]) -> list[Any]:
        task = self._of_pictures
        results: list[Any] = []
        # Neighbours that are alike go together.
        for like, group in groupby(batch, key=lambda item: None if item.error else task.like(item.payload)):
            prepared = list(group)
            if like is None:
                results += [task.failed(item.source, item.error) for item in prepared if item.error is not None]
            else:
                results += self._infer(prepared)
        return results

    def _infer(self, prepared: list[_Prepared]) -> list[Any]:
        task = self._of_pictures
        try:
            return task.infer(self, [item.source for item in prepared], [item.payload for item in prepared])
        except InputError as error:  # which a model that looks at a picture's size may raise
            if len(prepared) > 1:
                return [result for item in prepared for result in self._infer([item])]
            return [task.failed(prepared[0].source, refused(prepared[0].source, error))]

    @property
    def _of_pictures(self) -> PictureTask:
        assert isinstance(self._task, PictureTask)
        return self._task

    def __repr__(self) -> str:
        options = "".join(f", {name}={getattr(self._task, name)!r}" for name in self._task.options)
        return f"Predictor({str(self.weights)!r}, device={str(self.device)!r}{options})"


@dataclass(slots=True)
class _Prepared:
    """An input, ready for the model or failed."""

    source: str | None
    payload: Any = None
    error: MultiweightError | None = None


def _within_bounds(large: Executor | None, pixels: int, work: Callable[[], Any]) -> Any:
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
