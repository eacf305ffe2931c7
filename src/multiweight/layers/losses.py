"""Losses of detectors: focal, and those of boxes by overlap.

Focal loss: https://arxiv.org/abs/1708.02002. Generalised IoU: https://arxiv.org/abs/1902.09630; distance and complete
IoU: https://arxiv.org/abs/1911.08287. Boxes are corners (x1, y1, x2, y2) with x1 < x2 and y1 < y2; those in other
dtypes than float32 and float64 are taken to float32.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def sigmoid_focal_loss(
    inputs: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2, reduction: str = "none"
) -> Tensor:
    """Binary cross-entropy with the easy examples weighed down.

    Args:
        inputs: Scores before the sigmoid, of any shape.
        targets: 0 or 1 for each score, of the same shape and dtype.
        alpha: Weight of the ones, the zeros have 1 - alpha; -1 for no weights.
        gamma: How much less a well classified example counts: (1 - p)**gamma.
        reduction: `"none"`, `"mean"` or `"sum"`.

    Returns:
        The loss, in the scores' shape or as one number.

    Raises:
        ValueError: If `alpha` is neither from 0 to 1 nor -1, or the reduction is another.
    """
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(f"alpha is from 0 to 1, or -1 for no weights; got {alpha}.")
    probability = torch.sigmoid(inputs)
    entropy = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    right = probability * targets + (1 - probability) * (1 - targets)
    loss = entropy * ((1 - right) ** gamma)
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    if reduction == "mean":
        return loss.mean()
    return _reduced(loss, reduction)


def generalized_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 less the generalised IoU of each pair of boxes.

    Args:
        boxes1: Boxes (…, 4).
        boxes2: Their partners, of the same shape.
        reduction: `"none"`, `"mean"` (0 for no boxes) or `"sum"`.
        eps: Added to areas that are divided by, in square pixels.

    Returns:
        The loss (…), from 0 to 2, or one number.

    Raises:
        ValueError: If the reduction is another.
    """
    boxes1, boxes2 = _floating(boxes1), _floating(boxes2)
    inter, union = _intersection_and_union(boxes1, boxes2)
    width, height = _enclosing_sides(boxes1, boxes2)
    enclosing = width * height
    generalized = inter / (union + eps) - ((enclosing - union) / (enclosing + eps))
    return _reduced(1 - generalized, reduction)


def distance_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 less the distance IoU of each pair of boxes.

    Args:
        boxes1: Boxes (…, 4).
        boxes2: Their partners, of the same shape.
        reduction: `"none"`, `"mean"` (0 for no boxes) or `"sum"`.
        eps: Added to what is divided by, in square pixels.

    Returns:
        The loss (…), from 0 to 2, or one number.

    Raises:
        ValueError: If the reduction is another.
    """
    return _reduced(_distance_loss(_floating(boxes1), _floating(boxes2), eps)[0], reduction)


def complete_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 less the complete IoU of each pair of boxes.

    Args:
        boxes1: Boxes (…, 4).
        boxes2: Their partners, of the same shape.
        reduction: `"none"`, `"mean"` (0 for no boxes) or `"sum"`.
        eps: Keeps the weight of the proportions finite.

    Returns:
        The loss (…), or one number.

    Raises:
        ValueError: If the reduction is another.
    """
    boxes1, boxes2 = _floating(boxes1), _floating(boxes2)
    # torchvision, too, leaves the distance part at its own eps.
    loss, iou = _distance_loss(boxes1, boxes2, 1e-7)
    angles1, angles2 = (
        torch.atan((boxes[..., 2] - boxes[..., 0]) / (boxes[..., 3] - boxes[..., 1])) for boxes in (boxes1, boxes2)
    )
    difference = 4 / math.pi**2 * torch.pow(angles2 - angles1, 2)
    with torch.no_grad():
        weight = difference / (1 - iou + difference + eps)
    return _reduced(loss + weight * difference, reduction)


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    if reduction == "mean":
        # The mean of nothing is NaN; a picture without objects must not make the step NaN.
        return loss.mean() if loss.numel() > 0 else 0.0 * loss.sum()
    raise ValueError(f"reduction is 'none', 'mean' or 'sum'; got '{reduction}'.")


def _floating(boxes: Tensor) -> Tensor:
    return boxes if boxes.dtype in (torch.float32, torch.float64) else boxes.float()


def _intersection_and_union(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    left1, top1, right1, bottom1 = boxes1.unbind(-1)
    left2, top2, right2, bottom2 = boxes2.unbind(-1)
    width = torch.minimum(right1, right2) - torch.maximum(left1, left2)
    height = torch.minimum(bottom1, bottom2) - torch.maximum(top1, top2)
    # The boxes that are apart get no gradient from their negative sides: chosen, not clamped.
    inter = torch.where((width > 0) & (height > 0), width * height, 0.0)
    union = (right1 - left1) * (bottom1 - top1) + (right2 - left2) * (bottom2 - top2) - inter
    return inter, union


def _enclosing_sides(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    sides = torch.maximum(boxes1[..., 2:], boxes2[..., 2:]) - torch.minimum(boxes1[..., :2], boxes2[..., :2])
    return sides[..., 0], sides[..., 1]


def _distance_loss(boxes1: Tensor, boxes2: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """The loss and the IoU, (…) each."""
    inter, union = _intersection_and_union(boxes1, boxes2)
    iou = inter / (union + eps)
    width, height = _enclosing_sides(boxes1, boxes2)
    diagonal = width**2 + height**2 + eps
    apart = ((boxes1[..., 2:] + boxes1[..., :2]) / 2 - (boxes2[..., :2] + boxes2[..., 2:]) / 2) ** 2
    return 1 - iou + (apart[..., 0] + apart[..., 1]) / diagonal, iou
