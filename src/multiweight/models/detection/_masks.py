"""The masks of Mask R-CNN: from objects to what the head is taught, and from its answers to masks of pictures.

Paper: Mask R-CNN, section 3, https://arxiv.org/abs/1703.06870

Shapes: R regions, M × M places of a region's mask, G objects, L classes, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from multiweight.layers import roi_align

__all__ = [
    "expand_boxes",
    "expand_masks",
    "maskrcnn_inference",
    "maskrcnn_loss",
    "paste_mask_in_image",
    "paste_masks_in_image",
    "project_masks_on_boxes",
]


def project_masks_on_boxes(gt_masks: Tensor, boxes: Tensor, matched_idxs: Tensor, M: int) -> Tensor:  # noqa: N803
    """What a region should answer: the part of its object's mask that lies in it.

    Args:
        gt_masks: `(G, H, W)`, the objects' masks in the picture.
        boxes: `(R, 4)`, the regions, in pixels.
        matched_idxs: `(R,)`, the object of each region.
        M: Height and width of the answer.

    Returns:
        `(R, M, M)`, in `[0, 1]`.
    """
    regions = torch.cat([matched_idxs[:, None].to(boxes), boxes], dim=1)  # (R, 5): every mask is a picture of its own
    return roi_align(gt_masks[:, None].to(boxes), regions, (M, M), 1.0)[:, 0]


def maskrcnn_loss(
    mask_logits: Tensor,
    proposals: Sequence[Tensor],
    gt_masks: Sequence[Tensor],
    gt_labels: Sequence[Tensor],
    mask_matched_idxs: Sequence[Tensor],
) -> Tensor:
    """How far the masks of the objects' own classes are from the objects' masks; other classes do not count.

    Args:
        mask_logits: `(R, L, M, M)`, of all pictures.
        proposals: For each picture its regions, `(r, 4)` in pixels.
        gt_masks: For each picture its objects' masks, `(G, H, W)`.
        gt_labels: For each picture its objects' labels, `(G,)`.
        mask_matched_idxs: For each picture the objects of its regions, `(r,)`.

    Returns:
        The mean binary cross-entropy; 0 where there are no regions.
    """
    if mask_logits.shape[0] == 0:
        # Keeps the head in the graph, with gradients of zero.
        return mask_logits.sum() * 0
    side = mask_logits.shape[-1]
    labels = torch.cat([known[match] for known, match in zip(gt_labels, mask_matched_idxs, strict=True)])
    wanted = torch.cat(
        [
            project_masks_on_boxes(masks, boxes, match, side)
            for masks, boxes, match in zip(gt_masks, proposals, mask_matched_idxs, strict=True)
        ]
    )  # (R, M, M)
    return F.binary_cross_entropy_with_logits(_of_classes(mask_logits, labels), wanted)


def maskrcnn_inference(x: Tensor, labels: Sequence[Tensor]) -> list[Tensor]:
    """The masks of the regions' own classes.

    Args:
        x: `(R, L, M, M)`, logits of all pictures.
        labels: For each picture the labels of its regions, `(r,)`.

    Returns:
        For each picture `(r, 1, M, M)`: how probably each place belongs to the object.
    """
    # Only these are needed, of many classes.
    masks = _of_classes(x, torch.cat(list(labels))).sigmoid()[:, None]
    return [masks] if len(labels) == 1 else list(masks.split([each.shape[0] for each in labels]))


def _of_classes(masks: Tensor, labels: Tensor) -> Tensor:
    """From masks `(R, L, M, M)` of all classes those of one class each, `(R, M, M)`."""
    return masks[torch.arange(labels.shape[0], device=labels.device), labels]


def expand_boxes(boxes: Tensor, scale: float) -> Tensor:
    """Boxes `(R, 4)` with the same centres and `scale` times as wide and high."""
    left, top, right, bottom = boxes.unbind(1)
    half_width, half_height = (right - left) * 0.5 * scale, (bottom - top) * 0.5 * scale
    x, y = (right + left) * 0.5, (bottom + top) * 0.5
    return torch.stack((x - half_width, y - half_height, x + half_width, y + half_height), dim=1)


def expand_masks(mask: Tensor, padding: int) -> tuple[Tensor, float]:
    """Masks with a margin of zeros, so that they end in zero when they are enlarged.

    Args:
        mask: `(R, 1, M, M)`.
        padding: The margin's width.

    Returns:
        `(R, 1, M + 2 padding, M + 2 padding)`, and how many times as wide that is.
    """
    side = mask.shape[-1]
    return F.pad(mask, (padding,) * 4), float(side + 2 * padding) / side


def paste_mask_in_image(mask: Tensor, box: Tensor, im_h: int, im_w: int) -> Tensor:
    """One mask enlarged to its box, in a picture of zeros.

    Args:
        mask: `(M, M)`.
        box: `(4,)` of whole pixels; the pixels at the right and bottom sides belong to it.
        im_h: The picture's height in pixels.
        im_w: Its width.

    Returns:
        `(H, W)`.
    """
    picture = mask.new_zeros(im_h, im_w)
    left, top, right, bottom = (int(side) for side in box.tolist())
    width, height = max(right - left + 1, 1), max(bottom - top + 1, 1)
    x1, x2 = max(left, 0), min(left + width, im_w)
    y1, y2 = max(top, 0), min(top + height, im_h)
    if x1 < x2 and y1 < y2:
        enlarged = F.interpolate(mask[None, None], size=(height, width), mode="bilinear", align_corners=False)[0, 0]
        picture[y1:y2, x1:x2] = enlarged[y1 - top : y2 - top, x1 - left : x2 - left]
    return picture


def paste_masks_in_image(masks: Tensor, boxes: Tensor, img_shape: Sequence[int], padding: int = 1) -> Tensor:
    """The masks of regions as masks of their picture.

    Args:
        masks: `(R, 1, M, M)`, in `[0, 1]`.
        boxes: `(R, 4)`, the regions, in pixels of the picture.
        img_shape: The picture's height and width in pixels.
        padding: How many places of zeros each mask gets around it first.

    Returns:
        `(R, 1, H, W)`, in `[0, 1]`; 0 outside of the region.
    """
    height, width = img_shape
    padded, scale = expand_masks(masks, padding)
    # Rounded towards zero.
    corners = expand_boxes(boxes, scale).to(torch.int64)  # (R, 4)
    if torch.compiler.is_exporting():
        return _pasted_at_once(padded, corners, height, width)
    pictures = [
        paste_mask_in_image(mask[0], box, height, width) for mask, box in zip(padded, corners.cpu(), strict=True)
    ]
    return torch.stack(pictures)[:, None] if pictures else masks.new_zeros(0, 1, height, width)


def _pasted_at_once(masks: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
    """`paste_mask_in_image` of masks `(R, 1, M, M)` in boxes `(R, 4)`, without a loop over them: `(R, 1, H, W)`.

    Linear interpolation is a product with a matrix on either side, here one of every row of the picture and one of
    every column, which are zero outside of the box.
    """
    left, top, right, bottom = boxes.unbind(1)
    rows = _interpolation(top, bottom, height, masks)  # (R, H, M)
    columns = _interpolation(left, right, width, masks)  # (R, W, M)
    return (rows @ masks[:, 0] @ columns.mT)[:, None]


def _interpolation(first: Tensor, last: Tensor, length: int, masks: Tensor) -> Tensor:
    """For every pixel of a line, how much each place of a mask, laid from pixel `first` to `last`, adds to it.

    Args:
        first: `(R,)` of int64.
        last: `(R,)` of int64.
        length: Of the line, in pixels.
        masks: `(R, 1, M, M)`.

    Returns:
        `(R, length, M)`.
    """
    side = masks.shape[-1]
    pixels = torch.arange(length, device=masks.device) - first[:, None]  # (R, length), from the first on
    count = (last - first + 1).clamp(min=1)[:, None]
    places = ((pixels + 0.5) * (side / count) - 0.5).clamp(0, side - 1).to(masks.dtype)
    distances = (places[:, :, None] - torch.arange(side, device=masks.device)).abs()
    inside = (pixels >= 0) & (pixels < count)
    return (1 - distances).clamp(min=0) * inside[:, :, None]
