"""Region pooling: the features inside a box, at a fixed size, by bilinear interpolation.

He et al., Mask R-CNN: https://arxiv.org/abs/1703.06870. A region is cut into cells; the value of a cell is the mean of
the features at a regular grid of points in it.

A point takes from two rows and two columns, so a cell is a weighted sum of a few pixels, the same for all channels.
With the channels of a pixel side by side in memory that is what `embedding_bag` computes: pixels are words, cells are
bags. Places and weights are formed in float64: at pixel 1,000 a float32 place is off by up to 6e-5, and so is what is
interpolated there.

Where every region has its own number of points (`sampling_ratio` of 0 or less) the work is a custom operator,
`multiweight::pool_adaptively`, because its steps depend on the numbers; else it is made of torch's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from multiweight.errors import InputError, InputTypeError

_TAPS = 1 << 19
"""Pixels and weights listed at a time where regions differ in their number of points: about 16 MiB with what they are
made from."""
_BAG = 64
"""Pixels summed up in one go."""
_COPIED = 1 << 23
"""Numbers brought into channels-last order at a time there: 32 MiB."""


def roi_align(
    input: Tensor,
    boxes: Tensor | Sequence[Tensor],
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Pools regions of feature maps to one size.

    A point further than one pixel outside of the map counts as 0; nearer ones have the value at the border. A region
    with a NaN or that is infinitely long gives zeros. Boxes get no gradient. 16-bit features are pooled in float32.

    Args:
        input: Feature maps (N, C, H, W), of any floating dtype and memory format; channels-last is the fastest.
        boxes: Corners (K_n, 4) of each picture, or regions (K, 5): the picture's index, then the corners.
        output_size: Cells a region: one number or (P, Q), along the height and the width.
        spatial_scale: Pixels of the map a pixel of the boxes: 0.25 where a map is a quarter of the picture's size.
        sampling_ratio: Points a cell along each axis. With 0 or less as many as the cell has pixels, rounded up.
        aligned: Whether a pixel's place is its centre. Without it, everything lies half a pixel further to the right
            and down, and a region is at least one pixel of the map wide and high.

    Returns:
        Regions (K, C, P, Q) in the features' dtype, channels-last in memory.

    Raises:
        InputError: If the features or boxes have another shape, or there are boxes of more pictures than there are.
        InputTypeError: If the features are not floating-point numbers.
    """
    height, width = (output_size, output_size) if isinstance(output_size, int) else output_size
    if input.ndim != 4:
        raise InputError(f"Feature maps are (N, C, H, W); got {tuple(input.shape)}.")
    if not input.is_floating_point():
        raise InputTypeError(f"Features are floating-point numbers; got {input.dtype}.")
    if isinstance(boxes, Tensor):
        if boxes.ndim != 2 or boxes.shape[1] != 5:
            raise InputError(f"Regions are (K, 5), the picture's index and the corners; got {tuple(boxes.shape)}.")
        pictures, corners = boxes[:, 0].detach().long(), boxes[:, 1:]
    else:
        if len(boxes) > input.shape[0]:
            raise InputError(f"Boxes of {len(boxes)} pictures were given for {input.shape[0]} feature maps.")
        pictures, corners = together(boxes)
    rows, columns = input.shape[2:]
    first = pictures * (rows * columns)
    cells = (height, width)
    return pool(pixels(input), first, corners, spatial_scale, rows, columns, cells, sampling_ratio, aligned).to(
        input.dtype
    )


def together(boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The boxes of several pictures in one tensor.

    Args:
        boxes: Corners (K_n, 4) of each picture.

    Returns:
        The picture's index (K,), int64, and the corners (K, 4).

    Raises:
        InputError: If there is no picture, or boxes have another shape.
    """
    if not boxes:
        raise InputError("Boxes are one tensor (K, 4) a picture; got no picture.")
    for of_one in boxes:
        if of_one.ndim != 2 or of_one.shape[1] != 4:
            raise InputError(f"The boxes of a picture are (K, 4); got {tuple(of_one.shape)}.")
    numbers = [of_one.new_full((of_one.shape[0],), number, dtype=torch.int64) for number, of_one in enumerate(boxes)]
    return torch.cat(numbers), torch.cat(list(boxes))


def pixels(features: Tensor) -> Tensor:
    """Feature maps (N, C, H, W) as pixels (N, H·W, C), in float32 at least; a view of them where they are that."""
    wide = features if features.dtype in (torch.float32, torch.float64) else features.float()
    return wide.flatten(2).transpose(1, 2)


def pool(
    pixels: Tensor,
    first: Tensor,
    corners: Tensor,
    scale: Tensor | float,
    rows: Tensor | int,
    columns: Tensor | int,
    cells: tuple[int, int],
    ratio: int,
    aligned: bool = False,
) -> Tensor:
    """Pools regions of maps whose pixels lie in one list; the maps may differ in size.

    Args:
        pixels: Pixels of all maps of each picture (N, L, C), map after map, row after row.
        first: Index of the first pixel of each region's map (K,), counted through all pictures.
        corners: Corners (K, 4), in pixels of the picture.
        scale: Pixels of the map a pixel of the picture, one or (K,).
        rows: Height of the map, one or (K,).
        columns: Width of the map, one or (K,).
        cells: Cells a region, (P, Q).
        ratio: Points a cell along each axis; 0 or less for as many as it has pixels.
        aligned: Whether a pixel's place is its centre.

    Returns:
        Regions (K, C, P, Q) in the pixels' dtype.
    """
    corners = corners.detach()
    if ratio <= 0:
        sizes = [size if isinstance(size, Tensor) else torch.full_like(first, size) for size in (rows, columns)]
        if not isinstance(scale, Tensor):
            scale = torch.full_like(first, scale, dtype=_precise(corners))
        return torch.ops.multiweight.pool_adaptively(pixels, first, corners, scale, *sizes, *cells, aligned)
    y = _taps(corners[:, 1], corners[:, 3], scale, cells[0], ratio, rows, aligned)
    x = _taps(corners[:, 0], corners[:, 2], scale, cells[1], ratio, columns, aligned)
    return _bags(pixels.contiguous().flatten(0, 1), first, columns, y, x)


def _taps(
    start: Tensor, end: Tensor, scale: Tensor | float, cells: int, ratio: int, length: Tensor | int, aligned: bool
) -> tuple[Tensor, Tensor]:
    """Which pixels the cells take along one axis, (K, P, 2·S), and how much of each."""
    start, size = _extent(start, end, scale, aligned, _precise(start))
    steps = (torch.arange(cells * ratio, device=start.device, dtype=start.dtype) + 0.5) / (cells * ratio)
    indices, weights = _hats(start[:, None] + size[:, None] * steps, length)  # (K, P·S, 2)
    shape = (start.shape[0], cells, 2 * ratio)
    return indices.view(shape), (weights / ratio).view(shape)


def _precise(places: Tensor) -> torch.dtype:
    # Apple's graphics processors have no float64.
    return torch.float32 if places.device.type == "mps" else torch.float64


def _extent(
    start: Tensor, end: Tensor, scale: Tensor | float, aligned: bool, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Where regions begin and how long they are (K,), in pixels of the map."""
    shift = 0.5 if aligned else 0.0
    scale = scale.to(dtype) if isinstance(scale, Tensor) else scale
    start = start.to(dtype) * scale - shift
    size = end.to(dtype) * scale - shift - start
    return start, size if aligned else size.clamp(min=1.0)


def _hats(places: Tensor, length: Tensor | int) -> tuple[Tensor, Tensor]:
    """The two pixels next to each place (K, …) and their shares, in a last dimension of 2."""
    if isinstance(length, Tensor):
        length = length.view(-1, *[1] * (places.ndim - 1))
    inside = (places >= -1.0) & (places <= length)
    # A NaN is not inside either; as an index it would be anywhere.
    places = _at_most(torch.where(inside, places, 0.0).clamp(min=0), length - 1)
    low = places.long()
    part = places - low
    shares = torch.stack((1 - part, part), dim=-1) * inside[..., None]
    return torch.stack((low, _at_most(low + 1, length - 1)), dim=-1), shares


def _at_most(values: Tensor, most: Tensor | int) -> Tensor:
    return torch.minimum(values, most) if isinstance(most, Tensor) else values.clamp(max=most)


def _bags(
    pixels: Tensor, first: Tensor, columns: Tensor | int, y: tuple[Tensor, Tensor], x: tuple[Tensor, Tensor]
) -> Tensor:
    """Sums up the pixels of each cell: (K, P, T) along the rows and (K, Q, U) along the columns to (K, C, P, Q)."""
    if isinstance(columns, Tensor):
        columns = columns[:, None, None]
    starts = first[:, None, None] + y[0] * columns  # (K, P, T)
    indices = starts[:, :, None, :, None] + x[0][:, None, :, None, :]  # (K, P, Q, T, U)
    across, down = (weights.to(pixels.dtype) for weights in (x[1], y[1]))
    weights = down[:, :, None, :, None] * across[:, None, :, None, :]
    taps = y[0].shape[2] * x[0].shape[2]
    if taps <= _BAG:
        pooled = F.embedding_bag(
            indices.reshape(-1, taps), pixels, mode="sum", per_sample_weights=weights.reshape(-1, taps)
        )  # (K·P·Q, C)
    else:
        # One float32 sum over thousands of pixels would lose two digits.
        cells = torch.arange(indices.shape[0] * indices.shape[1] * indices.shape[2], device=pixels.device)
        begins = cells[:, None] * taps + torch.arange(0, taps, _BAG, device=pixels.device)
        pooled = F.embedding_bag(
            indices.flatten(), pixels, begins.flatten(), mode="sum", per_sample_weights=weights.flatten()
        )
        pooled = pooled.view(*begins.shape, pixels.shape[1]).sum(1)
    return pooled.view(-1, y[0].shape[1], x[0].shape[1], pixels.shape[1]).permute(0, 3, 1, 2)


def _chunks(
    first: Tensor,
    corners: Tensor,
    scale: Tensor,
    rows: Tensor,
    columns: Tensor,
    cells: tuple[int, int],
    aligned: bool,
) -> Iterator[tuple[Tensor, tuple[Tensor, Tensor], tuple[Tensor, Tensor]]]:
    """Regions of about the same number of points together: their indices, and their taps along both axes."""
    if not len(first):
        return
    y = _Axis(corners[:, 1], corners[:, 3], scale, cells[0], rows, aligned)
    x = _Axis(corners[:, 0], corners[:, 2], scale, cells[1], columns, aligned)
    order = torch.argsort(y.points * (x.points.max() + 1) + x.points)
    for begin, end in _runs(y.points[order].tolist(), x.points[order].tolist(), cells[0] * cells[1]):
        chosen = order[begin:end]
        yield chosen, y.taps(chosen), x.taps(chosen)


def _runs(down: list[int], across: list[int], cells: int) -> Iterator[tuple[int, int]]:
    """Where to cut regions with these points a cell, so that padding them to the greatest in a run is cheap."""
    begin = needed = highest = widest = 0
    for number, (high, wide) in enumerate(zip(down, across, strict=True)):
        highest, widest = max(highest, high), max(widest, wide)
        padded = (number + 1 - begin) * highest * widest
        wasteful = padded > 1.5 * (needed + high * wide) and padded * cells > _TAPS // 16
        if number > begin and (wasteful or padded * cells > _TAPS):
            yield begin, number
            begin, needed, highest, widest = number, 0, high, wide
        needed += high * wide
    yield begin, len(down)


class _Axis:
    """The points of regions along one axis, where each has its own number of them.

    Attributes:
        points: How many points a cell of a region can have inside of the map, and two (K,).
    """

    def __init__(self, start: Tensor, end: Tensor, scale: Tensor, cells: int, length: Tensor, aligned: bool) -> None:
        # The number of points jumps where a region grows by a rounding error: it is found in the precision in which
        # it always was, the boxes' own.
        _, size = _extent(start, end, scale, aligned, start.dtype if start.dtype == torch.float64 else torch.float32)
        count = (size / cells).ceil()
        self.start, size = _extent(start, end, scale, aligned, _precise(start))
        known = (self.start.isfinite() & size.isfinite() & (count > 0)).to(size.dtype)
        self.count = torch.where(known > 0, count.to(size.dtype), 1.0)
        self.cell = torch.where(known > 0, size / cells, 0.0)
        self.known, self.cells, self.length = known, cells, length
        # Of a region that is far larger than the map, no cell has more points inside than these.
        reach = (length + 1) * self.count / self.cell.clamp(min=1e-30) + 2
        self.points = torch.minimum(self.count, reach).long() + 2

    def taps(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (K', P, T) of the chosen regions and their weights, each pixel once a cell."""
        points = int(self.points[chosen].max())
        start, cell, count, known, length = (
            value[chosen][:, None, None] for value in (self.start, self.cell, self.count, self.known, self.length)
        )
        begin = start + torch.arange(self.cells, device=start.device)[:, None] * cell  # (K', P, 1)
        step = (cell / count).clamp(min=1e-30)
        skipped = ((-1 - begin) / step - 1.5).ceil().clamp(min=0)
        skipped = torch.minimum(skipped, count)
        numbers = skipped + torch.arange(points, device=start.device)  # (K', P, T)
        places = begin + (numbers + 0.5) * step
        indices, shares = _hats(torch.where(numbers < count, places, torch.nan), length.flatten())
        shares = shares * (known / count)[..., None]
        lowest = torch.where(shares > 0, indices, length[..., None]).amin((-2, -1))[..., None]  # (K', P, 1)
        slots = (indices.flatten(2) - lowest).clamp(0, points - 1)
        weights = torch.zeros_like(places).scatter_add_(2, slots, shares.flatten(2))
        pixels = torch.minimum(lowest + torch.arange(points, device=start.device), length - 1)
        return pixels, weights


def _pool_adaptively(
    pixels: Tensor,
    first: Tensor,
    corners: Tensor,
    scale: Tensor,
    rows: Tensor,
    columns: Tensor,
    height: int,
    width: int,
    aligned: bool,
) -> Tensor:
    channels = pixels.shape[2]
    pooled = pixels.new_zeros(first.shape[0], height, width, channels).permute(0, 3, 1, 2)
    # Features of the ordinary memory format are copied; all channels at once would double what they need.
    some = channels if pixels.is_contiguous() else max(1, _COPIED // max(1, pixels.shape[0] * pixels.shape[1]))
    for begin in range(0, channels, some):
        part = pixels[..., begin : begin + some].contiguous().flatten(0, 1)
        for chosen, y, x in _chunks(first, corners, scale, rows, columns, (height, width), aligned):
            pooled[chosen, begin : begin + some] = _bags(part, first[chosen], columns[chosen], y, x)
    return pooled


def _pool_adaptively_backward(
    gradient: Tensor,
    first: Tensor,
    corners: Tensor,
    scale: Tensor,
    rows: Tensor,
    columns: Tensor,
    pictures: int,
    length: int,
    aligned: bool,
) -> Tensor:
    _, channels, height, width = gradient.shape
    total = gradient.new_zeros(pictures * length, channels)
    for chosen, y, x in _chunks(first, corners, scale, rows, columns, (height, width), aligned):
        with torch.enable_grad():
            zeros = torch.zeros_like(total, requires_grad=True)
            pooled = _bags(zeros, first[chosen], columns[chosen], y, x)
        total += torch.autograd.grad(pooled, zeros, gradient[chosen])[0]
    return total.view(pictures, length, channels)


def _fake_pool(pixels: Tensor, first: Tensor, *rest: Any) -> Tensor:
    height, width = rest[4:6]
    return pixels.new_empty(first.shape[0], height, width, pixels.shape[2]).permute(0, 3, 1, 2)


def _fake_backward(gradient: Tensor, *rest: Any) -> Tensor:
    pictures, length = rest[5:7]
    return gradient.new_empty(pictures, length, gradient.shape[1])


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    pixels, *where, _, _, aligned = inputs
    ctx.save_for_backward(*where)
    ctx.known = (*pixels.shape[:2], aligned)


def _backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    of_pixels = torch.ops.multiweight.pool_adaptively_backward(gradient, *ctx.saved_tensors, *ctx.known)
    return of_pixels, *[None] * 8


_where = "Tensor first, Tensor corners, Tensor scale, Tensor rows, Tensor columns"
_backward_where = f"Tensor gradient, {_where}, SymInt pictures, SymInt length, bool aligned"
_library = torch.library.Library("multiweight", "FRAGMENT")
_library.define(f"pool_adaptively(Tensor pixels, {_where}, SymInt height, SymInt width, bool aligned) -> Tensor")
_library.define(f"pool_adaptively_backward({_backward_where}) -> Tensor")
for _name, _kernel, _fake in (
    ("pool_adaptively", _pool_adaptively, _fake_pool),
    ("pool_adaptively_backward", _pool_adaptively_backward, _fake_backward),
):
    _library.impl(_name, _kernel, "CompositeExplicitAutograd")
    torch.library.register_fake(f"multiweight::{_name}", _fake, lib=_library)
torch.library.register_autograd("multiweight::pool_adaptively", _backward, setup_context=_remember, lib=_library)
