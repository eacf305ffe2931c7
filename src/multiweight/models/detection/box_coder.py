"""Boxes as numbers relative to other boxes, which is what a detector's head is taught.

Papers:
    Rich feature hierarchies for accurate object detection, appendix C, https://arxiv.org/abs/1311.2524 (`BoxCoder`)
    FCOS: Fully Convolutional One-Stage Object Detection, equation 1, https://arxiv.org/abs/1904.01355
    (`BoxLinearCoder`)

Shapes: B boxes, each of them four sides `x1, y1, x2, y2` in pixels; K classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from multiweight.errors import InputError

__all__ = ["BoxCoder", "BoxLinearCoder", "encode_boxes"]


def _centres_and_sizes(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Centre x, centre y, width and height, each `(B,)`, of boxes `(B, 4)`."""
    left, top = boxes[:, 0], boxes[:, 1]
    width, height = boxes[:, 2] - left, boxes[:, 3] - top
    return left + 0.5 * width, top + 0.5 * height, width, height


def encode_boxes(reference_boxes: Tensor, proposals: Tensor, weights: Tensor) -> Tensor:
    """The four numbers that turn each proposal into its reference box.

    They are the way between the centres in widths and heights of the proposal, and the logarithm of how much wider and
    higher the reference box is; each multiplied by its weight.

    Args:
        reference_boxes: `(B, 4)`, in pixels.
        proposals: `(B, 4)`, in pixels.
        weights: `(4,)`.

    Returns:
        `(B, 4)`.
    """
    x, y, width, height = _centres_and_sizes(proposals)
    reference_x, reference_y, reference_width, reference_height = _centres_and_sizes(reference_boxes)
    # Multiplied before it is divided, here and below: the other way round the last bit differs.
    codes = (
        weights[0] * (reference_x - x) / width,
        weights[1] * (reference_y - y) / height,
        weights[2] * torch.log(reference_width / width),
        weights[3] * torch.log(reference_height / height),
    )
    return torch.stack(codes, dim=1)  # (B, 4)


class BoxCoder:
    """Between boxes and four numbers relative to proposals: see `encode_boxes`.

    Args:
        weights: By which the numbers of x, y, width and height are multiplied.
        bbox_xform_clip: What the logarithms of width and height are clamped to before their exponential; unless
            given, a box gets at most 62.5 (1000 / 16) times as wide and high as its proposal.
    """

    def __init__(
        self, weights: tuple[float, float, float, float], bbox_xform_clip: float = math.log(1000.0 / 16)
    ) -> None:
        self.weights = weights
        self.bbox_xform_clip = bbox_xform_clip

    def encode(self, reference_boxes: Sequence[Tensor], proposals: Sequence[Tensor]) -> list[Tensor]:
        """For each picture, what turns its proposals into its reference boxes.

        Args:
            reference_boxes: One `(B, 4)` a picture, in pixels.
            proposals: Likewise.

        Returns:
            One `(B, 4)` a picture.
        """
        counts = [len(boxes) for boxes in reference_boxes]
        codes = self.encode_single(torch.cat(list(reference_boxes)), torch.cat(list(proposals)))
        return list(codes.split(counts, 0))

    def encode_single(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """The same for the boxes `(B, 4)` of one picture; gives `(B, 4)`."""
        weights = torch.as_tensor(self.weights, dtype=reference_boxes.dtype, device=reference_boxes.device)
        return encode_boxes(reference_boxes, proposals, weights)

    def decode(self, rel_codes: Tensor, boxes: Sequence[Tensor]) -> Tensor:
        """The boxes that numbers stand for.

        Args:
            rel_codes: `(B, 4 K)`, of all pictures one after the other.
            boxes: The proposals, one `(b, 4)` a picture, in pixels; B is the sum of all b.

        Returns:
            `(B, K, 4)`, in pixels.

        Raises:
            InputError: If `boxes` is no list.
        """
        if not isinstance(boxes, (list, tuple)):
            raise InputError(f"decode takes a list of boxes (b, 4), one a picture; got a {type(boxes).__name__}.")
        proposals = torch.cat(list(boxes))
        if proposals.shape[0] > 0:
            rel_codes = rel_codes.reshape(proposals.shape[0], -1)
        decoded = self.decode_single(rel_codes, proposals)
        # Without a box the classes cannot be counted from the elements.
        return decoded.reshape(proposals.shape[0], decoded.shape[1] // 4, 4)

    def decode_single(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """The boxes that numbers stand for, of one picture.

        Args:
            rel_codes: `(B, 4 K)`.
            boxes: The proposals, `(B, 4)`, in pixels.

        Returns:
            `(B, 4 K)`, in pixels.
        """
        x, y, width, height = (each[:, None] for each in _centres_and_sizes(boxes.to(rel_codes.dtype)))
        along, down, wider, higher = (
            rel_codes[:, position::4] / weight for position, weight in enumerate(self.weights)
        )  # each (B, K)
        x = along * width + x
        y = down * height + y
        # exp of what an untaught head says may be more than a float holds.
        half_width = 0.5 * (wider.clamp(max=self.bbox_xform_clip).exp() * width)
        half_height = 0.5 * (higher.clamp(max=self.bbox_xform_clip).exp() * height)
        sides = (x - half_width, y - half_height, x + half_width, y + half_height)
        return torch.stack(sides, dim=2).flatten(1)  # (B, 4 K)


class BoxLinearCoder:
    """Between boxes and how far their sides are from the centres of others: left, top, right, bottom.

    Args:
        normalize_by_size: Whether the distances are in widths and heights of the other box, instead of in pixels.
    """

    def __init__(self, normalize_by_size: bool = True) -> None:
        self.normalize_by_size = normalize_by_size

    def encode(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """How far the sides of the proposals are from the centres of the reference boxes.

        The other way round than in `BoxCoder`: here the reference boxes are the anchors.

        Args:
            reference_boxes: `(…, 4)`, in pixels.
            proposals: `(…, 4)`, in pixels.

        Returns:
            `(…, 4)`; negative where a centre is outside.
        """
        x, y, sizes = self._centres(reference_boxes)
        left, top, right, bottom = proposals.to(reference_boxes.dtype).unbind(-1)
        distances = torch.stack((x - left, y - top, right - x, bottom - y), dim=-1)
        return distances / sizes if self.normalize_by_size else distances

    def decode(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """The boxes whose sides are that far from the centres.

        Args:
            rel_codes: `(…, 4)`.
            boxes: The reference boxes, `(…, 4)`, in pixels.

        Returns:
            `(…, 4)`, in pixels.
        """
        x, y, sizes = self._centres(boxes.to(rel_codes.dtype))
        distances = rel_codes * sizes if self.normalize_by_size else rel_codes
        left, top, right, bottom = distances.unbind(-1)
        return torch.stack((x - left, y - top, x + right, y + bottom), dim=-1)

    @staticmethod
    def _centres(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Centre x and y `(…)` of boxes, and their widths and heights as `(…, 4)` beside left, top, right, bottom."""
        left, top, right, bottom = boxes.unbind(-1)
        width, height = right - left, bottom - top
        return 0.5 * (left + right), 0.5 * (top + bottom), torch.stack((width, height, width, height), dim=-1)
