"""A picture in, boxes in its pixels out, with labels and scores, and masks or keypoints where the network has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.data import picture_pixels
from multiweight.errors import MultiweightError
from multiweight.predict._detections import Detections
from multiweight.predict._tasks.base import PictureTask, finite, not_finite, unexpected

if TYPE_CHECKING:
    from multiweight.predict._predictor import Predictor

THRESHOLD = 0.5
"""The least score of a detection unless said."""

_INSIDE = 0.5
"""The least probability in a mask of a pixel that is inside."""


class Detection(PictureTask):
    """Detections of at least a score, best first.

    Pictures of one size go through the model together; different ones would be padded to the largest, which changes
    what the network says of them.
    """

    options: ClassVar[tuple[str, ...]] = ("top", "threshold")
    batch_size: ClassVar[int] = 2

    def __init__(self, weights: WeightsEnum, *, top: int | None, threshold: float | None) -> None:
        super().__init__(weights)
        self.top = top
        self.threshold = THRESHOLD if threshold is None else threshold
        self._points: tuple[str, ...] = tuple(weights.meta.get("keypoint_names") or ())

    def adapt(self, model: nn.Module) -> None:
        # Masks and keypoints cost more than boxes: they are not made for what would be left out. Less sure boxes never
        # suppress surer ones, so those that stay are the same.
        heads: Any = getattr(model, "roi_heads", None)
        if heads is not None:
            heads.score_thresh = max(heads.score_thresh, math.nextafter(self.threshold, -1))
            heads.detections_per_img = min(heads.detections_per_img, self.top or heads.detections_per_img)

    def payload(self, predictor: Predictor, picture: Any) -> Tensor:
        # Bytes wait for the model, not the floats that the preset makes of them.
        return finite(picture_pixels(picture))  # (3, H, W)

    def like(self, payload: Tensor) -> tuple[Any, ...]:
        return payload.shape, payload.dtype, payload.device

    def infer(self, predictor: Predictor, sources: list[str | None], payloads: list[Tensor]) -> list[Detections]:
        with torch.inference_mode():
            pictures = [predictor.preset(pixels.to(predictor.device)) for pixels in payloads]
            outputs = predictor.model(pictures)
            if not isinstance(outputs, list) or len(outputs) != len(pictures):
                raise unexpected(self.weights, outputs, f"a list of {len(pictures)} dictionaries was expected")
            return [
                self._detections(predictor, source, output, (pixels.shape[-2], pixels.shape[-1]))
                for source, output, pixels in zip(sources, outputs, payloads, strict=True)
            ]

    def _detections(
        self, predictor: Predictor, source: str | None, output: Mapping[str, Tensor], size: tuple[int, int]
    ) -> Detections:
        scores = output["scores"]  # (N,)
        if not bool(scores.isfinite().all() & output["boxes"].isfinite().all()):
            return self.failed(source, not_finite(source))
        best = scores.argsort(descending=True, stable=True)
        kept = best[scores[best] >= self.threshold][: self.top]
        indices = output["labels"][kept].tolist()
        if any(index >= len(predictor.labels) for index in indices):
            raise unexpected(self.weights, output["labels"], f"it has {len(predictor.labels)} labels")
        masks, points, point_scores = (output.get(name) for name in ("masks", "keypoints", "keypoints_scores"))
        return Detections(
            source=source,
            boxes=_array(output["boxes"][kept]),
            scores=_array(scores[kept]),
            labels=tuple(predictor.labels[index] for index in indices),
            indices=np.asarray(indices, np.int64),
            size=size,
            masks=None if masks is None else (masks[kept][:, 0] >= _INSIDE).cpu().numpy(),  # (N, H, W)
            keypoints=None if points is None else _array(points[kept]),
            keypoint_names=() if points is None else self._points,
            keypoint_scores=None if point_scores is None else _array(point_scores[kept]),
        )

    def failed(self, source: str | None, error: MultiweightError) -> Detections:
        return Detections(source=source, error=error)


def _array(tensor: Tensor) -> np.ndarray[Any, Any]:
    return tensor.float().cpu().numpy()
