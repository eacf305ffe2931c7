"""Non-maximum suppression: of boxes that overlap much, the one with the best score stays.

The result is that of the greedy loop, to the last box: the boxes are visited by falling score, the earlier one first
where scores are equal; a box goes when its IoU with one that stayed is greater than the threshold. The IoU is computed
as `intersection / (area + area - intersection)` in the boxes' precision, float32 at least.

The loop takes a block of boxes at a time: those of the block that stay are found from its own matrix of overlaps, with
its rows as the bits of whole numbers; then they meet all the boxes after the block at once, and what they suppress is
left out from there on.

Both operations are custom operators, `multiweight::nms` and `multiweight::batched_nms`, so that `torch.export` takes
them although the size of their result depends on the numbers.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from multiweight.errors import InputError

_PAIRS = 1 << 16
"""Overlaps computed at a time on a processor: as many as its cache holds."""


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Finds the boxes that stay.

    A box with a NaN or of infinite area neither suppresses nor is suppressed, and nor does one without area. A score
    of NaN counts as the highest.

    Args:
        boxes: Corners (N, 4), in pixels, in any dtype.
        scores: Scores (N,), in any dtype.
        iou_threshold: Boxes go whose IoU is greater than this.

    Returns:
        Indices (K,) of the boxes that stay, int64, by falling score.

    Raises:
        InputError: If the shapes are others.
    """
    _check(boxes, scores)
    return torch.ops.multiweight.nms(boxes, scores, iou_threshold)


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """Finds the boxes that stay when only boxes of the same category suppress each other.

    Up to 1,000 boxes (25,000 where they are not on the CPU) the categories are moved apart and go through one
    suppression, above that each goes alone. The two can differ where an IoU is on the threshold within rounding; which
    one is taken is as in torchvision, and so the results are the same. With the first one, a NaN or an infinity in any
    box keeps all. With the second one, boxes of equal scores come in any order.

    Args:
        boxes: Corners (N, 4), in pixels, in any dtype.
        scores: Scores (N,), in any dtype.
        idxs: Category (N,) of each box, a whole number.
        iou_threshold: Boxes go whose IoU is greater than this.

    Returns:
        Indices (K,) of the boxes that stay, int64, by falling score.

    Raises:
        InputError: If the shapes are others.
    """
    _check(boxes, scores)
    _check_one_a_box(idxs, boxes, "Categories")
    return torch.ops.multiweight.batched_nms(boxes, scores, idxs, iou_threshold)


def _check(boxes: Tensor, scores: Tensor) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise InputError(f"Boxes are (N, 4); got {tuple(boxes.shape)}.")
    _check_one_a_box(scores, boxes, "Scores")


def _check_one_a_box(numbers: Tensor, boxes: Tensor, what: str) -> None:
    # While a graph is exported, two sizes that depend on the numbers cannot be compared.
    if numbers.ndim != 1 or (not torch.compiler.is_compiling() and numbers.shape[0] != boxes.shape[0]):
        raise InputError(f"{what} are (N,), one a box; got {tuple(numbers.shape)} for {boxes.shape[0]} boxes.")


@torch.no_grad()
def _nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    order = scores.argsort(descending=True, stable=True)
    boxes = _wide(boxes)[order]
    return order[_staying(_sides(boxes), _floor(iou_threshold, boxes.dtype))]


@torch.no_grad()
def _batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    boxes = _wide(boxes)
    if boxes.numel() == 0:
        return torch.empty(0, dtype=torch.int64, device=boxes.device)
    if boxes.numel() <= (4000 if boxes.device.type == "cpu" else 100_000):
        apart = idxs.to(boxes) * (boxes.max() + 1)
        return _nms(boxes + apart[:, None], scores, iou_threshold)
    order = scores.argsort(descending=True, stable=True)
    order = order[idxs[order].argsort(stable=True)]
    sides = _sides(boxes[order])
    threshold = _floor(iou_threshold, boxes.dtype)
    keep = torch.zeros_like(scores, dtype=torch.bool)
    start = 0
    for count in idxs[order].unique_consecutive(return_counts=True)[1].tolist():
        keep[order[start : start + count][_staying(sides[:, start : start + count], threshold)]] = True
        start += count
    kept = torch.where(keep)[0]
    # Not the stable sort, because torchvision's is not: with it, equal scores would come in another order.
    return kept[scores[kept].sort(descending=True)[1]]


def _wide(boxes: Tensor) -> Tensor:
    return boxes if boxes.dtype in (torch.float32, torch.float64) else boxes.float()


def _floor(threshold: float, dtype: torch.dtype) -> float:
    """The greatest number of the dtype that is not above the threshold.

    A comparison of a float32 tensor with a Python number rounds the number first, and may round it up.
    """
    if dtype == torch.float64:
        return threshold
    rounded = np.float32(threshold)
    # As Python numbers: numpy, too, would round the threshold before it compares.
    return float(rounded if float(rounded) <= threshold else np.nextafter(rounded, np.float32(-np.inf)))


def _sides(boxes: Tensor) -> Tensor:
    """Boxes (N, 4) as rows of x1, y1, x2, y2 and area (5, N)."""
    x1, y1, x2, y2 = boxes.unbind(1)
    return torch.stack((x1, y1, x2, y2, (x2 - x1) * (y2 - y1)))


def _staying(sides: Tensor, threshold: float) -> Tensor:
    """Indices of the boxes that stay, rising, among boxes that come by falling score."""
    on_processor = sides.device.type == "cpu"
    block = 128 if on_processor else 1024
    stay, left = [], None
    while True:
        first = sides[:, :block]
        stays = torch.from_numpy(_settled(_covers(first, first, threshold).cpu().numpy())).to(sides.device)
        stay.append(stays if left is None else left[stays])
        if sides.shape[1] <= block:
            return stay[0] if len(stay) == 1 else torch.cat(stay)
        rest, keepers = sides[:, block:], first[:, stays]
        rows = max(1, _PAIRS // rest.shape[1]) if on_processor else block
        gone = torch.zeros(rest.shape[1], dtype=torch.uint8, device=sides.device)
        for part in keepers.split(rows, dim=1):
            # The greatest of bytes: forty times faster than `any` of truth values.
            gone |= _covers(part, rest, threshold).view(torch.uint8).amax(0)
        alive = torch.where(gone == 0)[0]
        left = alive + block if left is None else left[block:][alive]
        sides = rest[:, alive]


def _covers(boxes: Tensor, others: Tensor, threshold: float) -> Tensor:
    """Whether the IoU of each box (5, N) with each other (5, M) is above the threshold, (N, M)."""
    x1, y1, x2, y2, areas = boxes[:, :, None]
    left, top, right, bottom, other_areas = others
    low = torch.maximum(x1, left)
    width = torch.minimum(x2, right).sub_(low).clamp_(min=0)
    torch.maximum(y1, top, out=low)
    height = torch.minimum(y2, bottom).sub_(low).clamp_(min=0)
    inter = width.mul_(height)
    union = torch.add(areas, other_areas, out=height).sub_(inter)
    return inter.div_(union) > threshold


def _settled(covers: np.ndarray) -> np.ndarray:
    """Indices of the boxes of a block that stay, from its matrix of overlaps."""
    rows = np.packbits(covers, axis=1, bitorder="little")
    width = rows.shape[1]
    lines = rows.tobytes()
    gone, stay = 0, []
    for number in range(len(covers)):
        if not gone >> number & 1:
            stay.append(number)
            gone |= int.from_bytes(lines[number * width : (number + 1) * width], "little")
    return np.array(stay, dtype=np.int64)


def _some(boxes: Tensor, *_: object) -> Tensor:
    """What is known of the result before it is computed: its dtype, its device, one dimension."""
    return boxes.new_empty(torch.library.get_ctx().new_dynamic_size(), dtype=torch.int64)


_library = torch.library.Library("multiweight", "FRAGMENT")
_library.define("nms(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")
_library.define("batched_nms(Tensor boxes, Tensor scores, Tensor idxs, float iou_threshold) -> Tensor")
for _name, _kernel in (("nms", _nms), ("batched_nms", _batched_nms)):
    _library.impl(_name, _kernel, "CompositeExplicitAutograd")
    torch.library.register_fake(f"multiweight::{_name}", _some, lib=_library)
