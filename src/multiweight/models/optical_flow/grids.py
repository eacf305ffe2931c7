"""Places in a picture, in pixels: a grid of them, and the values there.

Shapes: N pictures, C channels, H × W pixels. A place is (x, y), from the centre of the first pixel.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def make_coords_grid(
    batch_size: int, h: int, w: int, device: torch.device | None = None, dtype: torch.dtype = torch.float32
) -> Tensor:
    """The place of every pixel.

    Args:
        batch_size: How many times, N.
        h: Height in pixels.
        w: Width in pixels.
        device: Where the tensor is; `None` means where torch puts new ones.
        dtype: Of floats.

    Returns:
        `(N, 2, H, W)`: x, then y.
    """
    y, x = torch.meshgrid(
        torch.arange(h, device=device, dtype=dtype), torch.arange(w, device=device, dtype=dtype), indexing="ij"
    )
    return torch.stack([x, y]).unsqueeze(0).repeat(batch_size, 1, 1, 1)


def grid_sample(
    img: Tensor, absolute_grid: Tensor, mode: str = "bilinear", align_corners: bool | None = None
) -> Tensor:
    """`torch.nn.functional.grid_sample` with places in pixels instead of from -1 to 1; outside is zero.

    Args:
        img: `(N, C, H, W)`. Pictures of one row are taken too; then y goes from -1 to 1.
        absolute_grid: `(N, H', W', 2)`, x and y of each place.
        mode: How values between pixels are made, see there.
        align_corners: With `True` the places are in pixels indeed; see there.

    Returns:
        `(N, C, H', W')`, in the dtype of the places.
    """
    h, w = img.shape[-2], img.shape[-1]
    x, y = absolute_grid.split([1, 1], dim=-1)
    x = 2 * x / (w - 1) - 1
    if h > 1:
        y = 2 * y / (h - 1) - 1
    # Half floats do not tell the places of a large picture from each other, so it is the picture that is converted.
    return F.grid_sample(img.to(absolute_grid.dtype), torch.cat([x, y], dim=-1), mode=mode, align_corners=align_corners)
