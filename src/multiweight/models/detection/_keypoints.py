"""The points of Keypoint R-CNN: from points to what the head is taught, and from its heat maps to points.

Paper: Mask R-CNN, section 5, https://arxiv.org/abs/1703.06870

Shapes: R regions, K points of an object, S × S places of a region's heat map, G objects.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from multiweight.errors import InputError

__all__ = ["heatmaps_to_keypoints", "keypointrcnn_inference", "keypointrcnn_loss", "keypoints_to_heatmap"]


def keypoints_to_heatmap(keypoints: Tensor, rois: Tensor, heatmap_size: int) -> tuple[Tensor, Tensor]:
    """The places of regions' heat maps in which points lie.

    Args:
        keypoints: `(R, K, 3)`: x and y in pixels, and whether the point is visible (more than 0).
        rois: `(R, 4)`, the regions, in pixels.
        heatmap_size: S.

    Returns:
        The number of the place, counted row by row, and whether there is one (1: the point is visible and in the
        region) or not (0, with place 0): `(R, K)` of int64 both.
    """
    x, x_inside = _places(keypoints[..., 0], rois[:, 0, None], rois[:, 2, None], heatmap_size)
    y, y_inside = _places(keypoints[..., 1], rois[:, 1, None], rois[:, 3, None], heatmap_size)
    valid = (x_inside & y_inside & (keypoints[..., 2] > 0)).long()
    return (y * heatmap_size + x) * valid, valid


def _places(points: Tensor, first: Tensor, last: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """In which of `size` parts from `first` to `last` `(R, 1)` points `(R, K)` lie, and whether they lie in one."""
    places = ((points - first) * (size / (last - first))).floor().long()
    # The last part has both its ends.
    places = torch.where(points == last, size - 1, places)
    return places, (places >= 0) & (places < size)


def keypointrcnn_loss(
    keypoint_logits: Tensor,
    proposals: Sequence[Tensor],
    gt_keypoints: Sequence[Tensor],
    keypoint_matched_idxs: Sequence[Tensor],
) -> Tensor:
    """How improbable the heat maps hold the places of the visible points.

    Args:
        keypoint_logits: `(R, K, S, S)`, of all pictures.
        proposals: For each picture its regions, `(r, 4)` in pixels.
        gt_keypoints: For each picture its objects' points, `(G, K, 3)`.
        keypoint_matched_idxs: For each picture the objects of its regions, `(r,)`.

    Returns:
        The mean cross-entropy over all places of a map; 0 where there is no visible point in a region.

    Raises:
        InputError: If the maps are not square, or of another number of points than the objects have.
    """
    points, height, width = keypoint_logits.shape[1:]
    if height != width:
        raise InputError(f"Heat maps are square, (R, K, S, S); got {list(keypoint_logits.shape)}.")
    wanted, valid = [], []
    for boxes, keypoints, match in zip(proposals, gt_keypoints, keypoint_matched_idxs, strict=True):
        if keypoints.shape[1] != points:
            raise InputError(f"The network finds {points} points of an object; the targets have {keypoints.shape[1]}.")
        places, there = keypoints_to_heatmap(keypoints[match], boxes, height)
        wanted.append(places.flatten())
        valid.append(there.flatten())
    counted = torch.cat(valid).nonzero()[:, 0]
    if len(counted) == 0:
        # Keeps the head in the graph, with gradients of zero.
        return keypoint_logits.sum() * 0
    logits = keypoint_logits.flatten(0, 1).flatten(1)  # (R K, S S)
    return F.cross_entropy(logits[counted], torch.cat(wanted)[counted])


def heatmaps_to_keypoints(maps: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
    """The points at which heat maps are highest, once these are enlarged to their regions.

    Args:
        maps: `(R, K, S, S)`.
        rois: `(R, 4)`, the regions, in pixels.

    Returns:
        `(R, K, 3)`: x and y in pixels, at the middle of a pixel of the region, and 1; and `(R, K)`: the values there.
    """
    if torch.compiler.is_exporting():
        return torch.ops.multiweight.heatmaps_to_keypoints(maps, rois)
    return _heatmaps_to_keypoints(maps, rois)


def _heatmaps_to_keypoints(maps: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
    count, dtype = maps.shape[1], _wide(maps)
    sizes = (rois[:, 2:] - rois[:, :2]).clamp(min=1)  # (R, 2), width and height
    whole = sizes.ceil()
    found, scores = [], []
    for heat, (columns, rows), step, corner in zip(
        maps, whole.long().tolist(), sizes / whole, rois[:, :2], strict=True
    ):
        large = F.interpolate(heat[:, None], size=(rows, columns), mode="bicubic", align_corners=False)  # (K, 1, h, w)
        score, place = large.flatten(1).max(dim=1)  # (K,)
        middles = torch.stack((place % columns, place // columns), dim=1).to(dtype) + 0.5  # (K, 2)
        found.append(middles * step + corner)
        scores.append(score)
    if not found:
        return maps.new_zeros(0, count, 3, dtype=dtype), maps.new_zeros(0, count, dtype=dtype)
    points = torch.stack(found).to(dtype)
    return torch.cat((points, torch.ones_like(points[..., :1])), dim=-1), torch.stack(scores).to(dtype)


def _wide(maps: Tensor) -> torch.dtype:
    """The dtype of points: at least 32 bits, as 16 do not tell the pixels of a large picture apart."""
    return torch.promote_types(maps.dtype, torch.float32)


# How large a map gets depends on values, for which a graph of tensors has no loop: in an exported program it is one
# operator.
_library = torch.library.Library("multiweight", "FRAGMENT")
_library.define("heatmaps_to_keypoints(Tensor maps, Tensor rois) -> (Tensor, Tensor)")
_library.impl("heatmaps_to_keypoints", _heatmaps_to_keypoints, "CompositeExplicitAutograd")


@torch.library.register_fake("multiweight::heatmaps_to_keypoints", lib=_library)
def _(maps: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
    regions, count = maps.shape[:2]
    return maps.new_empty(regions, count, 3, dtype=_wide(maps)), maps.new_empty(regions, count, dtype=_wide(maps))


def keypointrcnn_inference(x: Tensor, boxes: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The points of regions.

    Args:
        x: `(R, K, S, S)`, the heat maps of all pictures.
        boxes: For each picture its regions, `(r, 4)` in pixels.

    Returns:
        For each picture `(r, K, 3)`, x and y in pixels and 1; and `(r, K)`, the heat maps' values there.
    """
    maps = [x] if len(boxes) == 1 else x.split([each.shape[0] for each in boxes])
    answers = [heatmaps_to_keypoints(each, regions) for each, regions in zip(maps, boxes, strict=True)]
    return [points for points, _ in answers], [scores for _, scores in answers]
