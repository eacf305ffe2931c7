"""A video in, its likeliest labels out."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from multiweight.catalogue import WeightsEnum
from multiweight.data import MAX_PIXELS, Clip, clips_of, open_video, source_name
from multiweight.data.decode import named
from multiweight.errors import InputError, MultiweightError
from multiweight.predict._tasks.base import FrameTask, as_failure, chunks, finite, not_finite, refused
from multiweight.predict._tasks.classification import TOP, probabilities_of
from multiweight.predict._video import VideoLabels

if TYPE_CHECKING:
    from multiweight.predict._predictor import Predictor


class _Step(NamedTuple):
    """A clip, ready for the model, or what went wrong."""

    source: str | None
    clip: Clip | None = None
    tensor: Tensor | None = None  # (3, T, H, W)
    error: MultiweightError | None = None


class VideoClassification(FrameTask):
    """The mean of the clips' probabilities, as torchvision's reference takes it for the published figures.

    How long a clip is, at how many frames a second, and how many clips there are, is what the entry was measured with.
    """

    options: ClassVar[tuple[str, ...]] = ("top", "frame_rate", "clips")
    batch_size: ClassVar[int] = 1

    def __init__(self, weights: WeightsEnum, *, top: int | None, frame_rate: float | None, clips: int | None) -> None:
        super().__init__(weights)
        self.top = top or TOP
        self.frame_rate = frame_rate
        self.clips: int = clips or weights.meta.get("clips_per_video") or 1
        self._length: int = weights.meta.get("clip_len") or weights.meta.get("min_temporal_size") or 16
        self._resize_size: tuple[int, ...] = tuple(getattr(weights.transforms, "resize_size", ()))
        self._clip_rate: float | None = weights.meta.get("frame_rate")

    def steps(self, predictor: Predictor, item: Any) -> Generator[_Step]:
        source: str | None = None
        try:
            source = source_name(item)
            with open_video(item, frame_rate=self.frame_rate) as video:
                clips = clips_of(
                    len(video), video.frame_rate, length=self._length, frame_rate=self._clip_rate, clips=self.clips
                )
                for clip in clips:
                    with named(source), torch.inference_mode():
                        frames = finite(video.clip(clip.frames))  # (T, 3, H, W)
                        self._check_shape(frames)
                        tensor = predictor.preset(frames)
                    yield _Step(source, clip, tensor)
        except Exception as error:  # an input may be any object, with any behaviour
            yield _Step(source, error=as_failure(item, source, error))

    def _check_shape(self, frames: Tensor) -> None:
        sides = sorted(frames.shape[-2:])
        # Where one side is given, the other keeps the shape.
        pixels = self._resize_size[0] ** 2 * sides[1] // sides[0] if len(self._resize_size) == 1 else 0
        if len(frames) * pixels > MAX_PIXELS:
            raise InputError(
                f"its shape is extreme: resizing a clip would make {len(frames) * pixels:,} pixels; cut it into pieces."
            )

    def results(self, predictor: Predictor, steps: Iterable[_Step]) -> Generator[VideoLabels]:
        source: str | None = None
        clips: list[Clip] = []
        answers: list[Tensor] = []
        for batch in chunks(steps, predictor.batch_size):
            source = batch[0].source
            if batch[-1].error is not None:
                yield self.failed(source, batch[-1].error)
                return
            clips += [step.clip for step in batch if step.clip is not None]
            tensors = torch.stack([step.tensor for step in batch if step.tensor is not None])  # (N, 3, T, H, W)
            try:
                with torch.inference_mode():
                    answers.append(probabilities_of(predictor, tensors.to(predictor.device)))  # (N, labels)
            except InputError as error:
                yield self.failed(source, refused(source, error))
                return
        probabilities = torch.cat(answers).cpu()  # (clips, labels)
        if bool(probabilities.isfinite().all()):
            yield self._labels(predictor.labels, source, clips, probabilities)
        else:
            yield self.failed(source, not_finite(source))

    def _labels(
        self, labels: tuple[str, ...], source: str | None, clips: list[Clip], probabilities: Tensor
    ) -> VideoLabels:
        weights = torch.tensor([[float(clip.weight)] for clip in clips])  # (clips, 1)
        mean = (probabilities * weights).sum(0) / weights.sum()  # (labels,)
        best, indices = mean.topk(min(self.top, len(labels)))  # (top,)
        return VideoLabels(
            source,
            tuple(labels[index] for index in indices.tolist()),
            tuple(best.tolist()),
            tuple(indices.tolist()),
            clips=tuple((min(clip.frames), max(clip.frames)) for clip in clips),
            per_clip=tuple(tuple(row) for row in probabilities[:, indices].tolist()),
        )

    def failed(self, source: str | None, error: MultiweightError) -> VideoLabels:
        return VideoLabels(source=source, error=error)
