"""From a coarse flow to one for every pixel: section 3.3 and appendix B of https://arxiv.org/abs/2003.12039."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def upsample_flow(flow: Tensor, up_mask: Tensor | None = None, factor: int = 8) -> Tensor:
    """Enlarges a flow, and its vectors with it.

    Without a mask it is interpolated. With one every fine vector is an average of the 9 coarse ones around it, with
    weights of its own.

    Args:
        flow: `(N, 2, H, W)`, in coarse pixels.
        up_mask: `(N, 9 factor², H, W)`; the weights are its softmax over the 9.
        factor: How many times finer.

    Returns:
        `(N, 2, factor H, factor W)`, in fine pixels.
    """
    n, channels, h, w = flow.shape
    if up_mask is None:
        size = [h * factor, w * factor]
        return factor * F.interpolate(flow, size=size, mode="bilinear", align_corners=True)
    weights = up_mask.view(n, 1, 9, factor, factor, h, w).softmax(dim=2)
    around = F.unfold(factor * flow, kernel_size=3, padding=1).view(n, channels, 9, 1, 1, h, w)
    fine = (weights * around).sum(dim=2)  # (N, 2, factor, factor, H, W)
    return fine.permute(0, 1, 4, 2, 5, 3).reshape(n, channels, h * factor, w * factor)
