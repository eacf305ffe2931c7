"""A picture in, its likeliest labels out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from multiweight.catalogue import WeightsEnum
from multiweight.errors import InputTypeError, MultiweightError
from multiweight.predict._prediction import Prediction
from multiweight.predict._tasks.base import PictureTask, not_finite, shown, unexpected

if TYPE_CHECKING:
    from multiweight.predict._predictor import Predictor

TOP = 5
"""How many labels a prediction has unless said."""


class Classification(PictureTask):
    """Softmax over all labels."""

    options: ClassVar[tuple[str, ...]] = ("top",)
    batch_size: ClassVar[int] = 16

    def __init__(self, weights: WeightsEnum, *, top: int | None) -> None:
        super().__init__(weights)
        self.top = top or TOP
        resize: int | tuple[int, int] = getattr(weights.transforms, "resize_size", None) or 0
        self._squashed = isinstance(resize, tuple)
        self._resize_size: int = max(resize) if isinstance(resize, tuple) else resize

    def pixels_of_picture(self, size: tuple[int, int]) -> int:
        # The preset crops before it resizes the second side.
        return max(size[0] * size[1], self._resize_size * max(size))

    def pixels_of_tensor(self, size: tuple[int, int]) -> int:
        # Both sides are resized at once.
        if self._squashed:
            return max(size[0] * size[1], self._resize_size**2)
        return self._resize_size**2 * max(size) // max(min(size), 1)

    def payload(self, predictor: Predictor, picture: Any) -> Tensor:
        with torch.inference_mode():
            tensor = predictor.preset(picture)
        if tensor.ndim != 3:
            raise InputTypeError(f"expected one picture, of which the preset makes (3, H, W); got {shown(tensor)}.")
        return tensor

    def like(self, payload: Tensor) -> tuple[Any, ...]:
        # A preset that does not crop gives pictures of many sizes.
        return payload.shape, payload.dtype, payload.device

    def infer(self, predictor: Predictor, sources: list[str | None], payloads: list[Tensor]) -> list[Prediction]:
        labels = predictor.labels
        with torch.inference_mode():
            pictures = torch.stack(payloads).to(predictor.device)  # (N, 3, H, W)
            probabilities = probabilities_of(predictor, pictures)  # (N, labels)
            best, indices = probabilities.topk(min(self.top, len(labels)))  # (N, top)
            usable = probabilities.isfinite().all(-1)  # (N,)
        rows = zip(sources, usable.tolist(), best.tolist(), indices.tolist(), strict=True)
        return [
            Prediction(source, tuple(labels[i] for i in index), tuple(row), tuple(index))
            if finite
            else Prediction(source, error=not_finite(source))
            for source, finite, row, index in rows
        ]

    def failed(self, source: str | None, error: MultiweightError) -> Prediction:
        return Prediction(source, error=error)


def probabilities_of(predictor: Predictor, batch: Tensor) -> Tensor:
    """The probability of each label, `(N, labels)`, 32-bit floats, of pictures or clips `(N, …)`.

    Raises:
        ValueError: If the model does not give one score a label.
    """
    scores = predictor.model(batch)
    expected = (len(batch), len(predictor.labels))
    if not isinstance(scores, Tensor) or scores.shape != expected:
        raise unexpected(predictor.weights, scores, f"scores of shape {expected} were expected, one a label")
    return scores.float().softmax(-1)
