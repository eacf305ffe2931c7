"""Operations on boxes: four numbers a box, in pixels.

Boxes are corners (x1, y1, x2, y2) unless a format is given: left, top, right, bottom; x grows to the right, y
downwards. Everything works on any device and under autocast, and is differentiable where its input is. Areas and what
follows from them are computed in float32 at least, so that 16-bit boxes do not overflow.

What a box without area, a NaN or an infinity gives follows from the formulas: two boxes without area have an IoU of
NaN (0/0), a box without area and one with area 0, a NaN makes NaN of what is computed from it.

Generalised IoU: https://arxiv.org/abs/1902.09630; distance and complete IoU: https://arxiv.org/abs/1911.08287.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_FORMATS = ("xyxy", "xywh", "cxcywh")


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Writes boxes in another format.

    Args:
        boxes: Boxes (…, 4).
        in_fmt: What they are: `"xyxy"` corners, `"xywh"` top left corner and size, `"cxcywh"` centre and size.
        out_fmt: What they are to be.

    Returns:
        A new tensor (…, 4) of the same dtype.

    Raises:
        ValueError: If a format is another.
    """
    for given in (in_fmt, out_fmt):
        _check_format(given)
    if in_fmt == out_fmt:
        return boxes.clone()
    corners = boxes if in_fmt == "xyxy" else torch.stack(_corners(boxes, in_fmt), dim=-1)
    if out_fmt == "xyxy":
        return corners
    x1, y1, x2, y2 = corners.unbind(-1)
    place = (x1, y1) if out_fmt == "xywh" else ((x1 + x2) / 2, (y1 + y2) / 2)
    return torch.stack((*place, x2 - x1, y2 - y1), dim=-1)


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """The area of each box, negative where exactly one of its sides is.

    Args:
        boxes: Boxes (…, 4).
        fmt: Their format: `"xyxy"`, `"xywh"` or `"cxcywh"`.

    Returns:
        Areas (…), in square pixels.

    Raises:
        ValueError: If the format is another.
    """
    _check_format(fmt)
    boxes = _wide(boxes)
    if fmt == "xyxy":
        return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return boxes[..., 2] * boxes[..., 3]


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """Intersection over union of each box of one set with each of the other.

    Args:
        boxes1: Boxes (…, N, 4).
        boxes2: Boxes (…, M, 4).
        fmt: The format of both: `"xyxy"`, `"xywh"` or `"cxcywh"`.

    Returns:
        IoU (…, N, M), from 0 to 1; NaN where both boxes have no area.

    Raises:
        ValueError: If the format is another.
    """
    inter, union = _intersection_and_union(boxes1, boxes2, fmt)
    return inter / union


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """IoU less the share of the smallest enclosing box that neither box covers.

    Args:
        boxes1: Boxes (…, N, 4).
        boxes2: Boxes (…, M, 4).

    Returns:
        Generalised IoU (…, N, M), from -1 to 1.
    """
    inter, union = _intersection_and_union(boxes1, boxes2)
    width, height = _enclosing_sides(boxes1, boxes2)
    enclosing = width * height
    return inter / union - (enclosing - union) / enclosing


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """IoU less the squared distance of the centres, in units of the enclosing box's diagonal.

    Args:
        boxes1: Boxes (…, N, 4).
        boxes2: Boxes (…, M, 4).
        eps: Added to the squared diagonal, in square pixels.

    Returns:
        Distance IoU (…, N, M), from -1 to 1.
    """
    return _distance_iou(_wide(boxes1), _wide(boxes2), eps)[0]


def complete_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """Distance IoU less a penalty for differing proportions.

    The penalty's weight is a constant to the gradient, as in the paper.

    Args:
        boxes1: Boxes (…, N, 4).
        boxes2: Boxes (…, M, 4).
        eps: Keeps divisions by zero away.

    Returns:
        Complete IoU (…, N, M).
    """
    boxes1, boxes2 = _wide(boxes1), _wide(boxes2)
    distance, iou = _distance_iou(boxes1, boxes2, eps)
    angles1 = torch.atan((boxes1[..., 2] - boxes1[..., 0]) / (boxes1[..., 3] - boxes1[..., 1]))
    angles2 = torch.atan((boxes2[..., 2] - boxes2[..., 0]) / (boxes2[..., 3] - boxes2[..., 1]))
    difference = 4 / math.pi**2 * torch.pow(angles1[..., :, None] - angles2[..., None, :], 2)  # (…, N, M)
    with torch.no_grad():
        weight = difference / (1 - iou + difference + eps)
    return distance - weight * difference


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Moves what lies outside of a picture to its border.

    Args:
        boxes: Boxes (…, 4).
        size: (height, width) of the picture, in pixels.

    Returns:
        Boxes (…, 4) with 0 ≤ x ≤ width and 0 ≤ y ≤ height; a NaN stays.
    """
    height, width = size
    x = boxes[..., 0::2].clamp(min=0, max=width)
    y = boxes[..., 1::2].clamp(min=0, max=height)
    return torch.stack((x, y), dim=-1).reshape(boxes.shape)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """Finds the boxes whose sides both have a length.

    Args:
        boxes: Boxes (N, 4).
        min_size: The least length of a side, in pixels.

    Returns:
        Indices (K,) of the boxes that stay, int64, rising; a box with a NaN does not.
    """
    sides = boxes[..., 2:] - boxes[..., :2]
    return torch.where((sides >= min_size).all(-1))[0]


def masks_to_boxes(masks: Tensor) -> Tensor:
    """The smallest box around each mask.

    Args:
        masks: Masks (N, H, W): what is not 0 belongs to the object.

    Returns:
        Boxes (N, 4), float32, whose right and bottom are the last column and row of the object, not the ones after:
        a mask of one pixel gives a box without area. A mask without a pixel gives zeros.
    """
    if masks.numel() == 0:
        return torch.zeros((masks.shape[0], 4), device=masks.device)
    inside = masks != 0
    x1, x2 = _first_and_last(inside.any(dim=1))
    y1, y2 = _first_and_last(inside.any(dim=2))
    return torch.stack((x1, y1, x2, y2), dim=1).float()


def _first_and_last(present: Tensor) -> tuple[Tensor, Tensor]:
    """Where each row (N, L) is first and last true; 0 and 0 where it never is."""
    present = present.to(torch.uint8)
    first = present.argmax(dim=1)
    last = present.shape[1] - 1 - present.flip(1).argmax(dim=1)
    return first, last * present.any(dim=1)


def _check_format(given: str) -> None:
    if given not in _FORMATS:
        raise ValueError(f"A box's format is one of {', '.join(_FORMATS)}; got '{given}'.")


def _wide(boxes: Tensor) -> Tensor:
    """At least 32 bits, of the same kind."""
    if boxes.is_floating_point():
        return boxes if boxes.dtype in (torch.float32, torch.float64) else boxes.float()
    return boxes if boxes.dtype in (torch.int32, torch.int64) else boxes.int()


def _corners(boxes: Tensor, fmt: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x, y, width, height = boxes.unbind(-1)
    if fmt == "xyxy":
        return x, y, width, height
    if fmt == "xywh":
        return x, y, x + width, y + height
    return x - 0.5 * width, y - 0.5 * height, x + 0.5 * width, y + 0.5 * height


def _intersection_and_union(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> tuple[Tensor, Tensor]:
    areas1, areas2 = box_area(boxes1, fmt), box_area(boxes2, fmt)
    left1, top1, right1, bottom1 = (side[..., :, None] for side in _corners(boxes1, fmt))  # (…, N, 1)
    left2, top2, right2, bottom2 = (side[..., None, :] for side in _corners(boxes2, fmt))  # (…, 1, M)
    width = _wide(torch.minimum(right1, right2) - torch.maximum(left1, left2)).clamp(min=0)
    height = _wide(torch.minimum(bottom1, bottom2) - torch.maximum(top1, top2)).clamp(min=0)
    inter = width * height  # (…, N, M)
    return inter, areas1[..., :, None] + areas2[..., None, :] - inter


def _enclosing_sides(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    left1, top1, right1, bottom1 = (side[..., :, None] for side in boxes1.unbind(-1))
    left2, top2, right2, bottom2 = (side[..., None, :] for side in boxes2.unbind(-1))
    width = _wide(torch.maximum(right1, right2) - torch.minimum(left1, left2)).clamp(min=0)
    height = _wide(torch.maximum(bottom1, bottom2) - torch.minimum(top1, top2)).clamp(min=0)
    return width, height  # (…, N, M) each


def _distance_iou(boxes1: Tensor, boxes2: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Distance IoU and IoU, (…, N, M) each."""
    iou = box_iou(boxes1, boxes2)
    width, height = _enclosing_sides(boxes1, boxes2)
    diagonal = width**2 + height**2 + eps
    centres1 = ((boxes1[..., :2] + boxes1[..., 2:]) / 2)[..., :, None, :]  # (…, N, 1, 2)
    centres2 = ((boxes2[..., :2] + boxes2[..., 2:]) / 2)[..., None, :, :]  # (…, 1, M, 2)
    apart = (centres1 - centres2) ** 2
    return iou - (apart[..., 0] + apart[..., 1]) / diagonal, iou
