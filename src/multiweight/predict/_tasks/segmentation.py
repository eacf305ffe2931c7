"""A picture in, a class for each of its pixels out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from multiweight.catalogue import WeightsEnum
from multiweight.errors import InputTypeError, MultiweightError
from multiweight.predict._segmentation import SegmentationMap
from multiweight.predict._tasks.base import PictureTask, not_finite, shown, unexpected

if TYPE_CHECKING:
    from multiweight.predict._predictor import Predictor


class _Picture(NamedTuple):
    """A picture as the network takes it, and what it was."""

    tensor: Tensor  # (3, h, w)
    size: tuple[int, int]  # height and width


class Segmentation(PictureTask):
    """The network's scores are enlarged to the picture's own size; then the best class of each pixel counts."""

    batch_size: ClassVar[int] = 4

    def __init__(self, weights: WeightsEnum) -> None:
        super().__init__(weights)
        self._resize_size: int = getattr(weights.transforms, "resize_size", None) or 0

    def pixels_of_picture(self, size: tuple[int, int]) -> int:
        return max(size[0] * size[1], self.pixels_of_tensor(size))

    def pixels_of_tensor(self, size: tuple[int, int]) -> int:
        return max(size[0] * size[1], self._resize_size**2 * max(size) // max(min(size), 1))

    def payload(self, predictor: Predictor, picture: Any) -> _Picture:
        with torch.inference_mode():
            tensor = predictor.preset(picture)
        if tensor.ndim != 3:
            raise InputTypeError(f"expected one picture, of which the preset makes (3, H, W); got {shown(tensor)}.")
        if isinstance(picture, Image.Image):
            return _Picture(tensor, (picture.height, picture.width))
        height, width = picture.shape[-2:] if isinstance(picture, Tensor) else picture.shape[:2]
        return _Picture(tensor, (height, width))

    def like(self, payload: _Picture) -> tuple[Any, ...]:
        return payload.tensor.shape, payload.tensor.dtype, payload.tensor.device

    def infer(self, predictor: Predictor, sources: list[str | None], payloads: list[_Picture]) -> list[SegmentationMap]:
        with torch.inference_mode():
            pictures = torch.stack([payload.tensor for payload in payloads]).to(predictor.device)  # (N, 3, h, w)
            output = predictor.model(pictures)
            scores = output.get("out") if isinstance(output, Mapping) else output
            expected = (len(payloads), len(predictor.labels))
            if not isinstance(scores, Tensor) or scores.ndim != 4 or scores.shape[:2] != expected:
                raise unexpected(self.weights, scores, f"scores of shape {(*expected, 'h', 'w')} were expected")
            return [
                self._map(predictor, source, own, payload.size)
                for source, own, payload in zip(sources, scores, payloads, strict=True)
            ]

    def _map(self, predictor: Predictor, source: str | None, scores: Tensor, size: tuple[int, int]) -> SegmentationMap:
        if not bool(scores.isfinite().all()):
            return SegmentationMap(source=source, error=not_finite(source))
        classes, probabilities = best_classes(scores.float(), size)
        return SegmentationMap(source, classes.cpu().numpy(), predictor.labels, probabilities.cpu().numpy())

    def failed(self, source: str | None, error: MultiweightError) -> SegmentationMap:
        return SegmentationMap(source=source, error=error)


def best_classes(scores: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The best class of each pixel after bilinear enlargement, the first one of several, and its probability.

    Class by class, so that memory is that of a few planes: all 21 planes of a picture of 12 megapixels are 1 GB.

    Args:
        scores: `(classes, h, w)`, floats.
        size: The picture's height and width in pixels.

    Returns:
        Both `(H, W)`: the class, uint8, or int16 where there are more than 256; and its share of the softmax, floats.
    """
    classes = torch.zeros(size, dtype=torch.uint8 if len(scores) <= 256 else torch.int16, device=scores.device)
    best = torch.full(size, -math.inf, device=scores.device)
    total = torch.zeros(size, device=scores.device)  # of the exponentials so far, as multiples of the best's
    for index, plane in enumerate(scores):
        own = F.interpolate(plane[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]  # (H, W)
        classes.masked_fill_(own > best, index)
        higher = torch.maximum(best, own)
        total.mul_(best.sub_(higher).exp_()).add_(own.sub_(higher).exp_())
        best = higher
    return classes, total.reciprocal_()
