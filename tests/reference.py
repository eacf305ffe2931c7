"""torchvision's Python code as the reference, where its compiled extension may not load."""

import math
import re
import sys
import warnings
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch

_libraries = []  # a torch.library.Library lives as long as the object


@lru_cache(maxsize=1)
def torchvision() -> ModuleType:
    """Imports torchvision; where its extension does not load, with names for the operators it would have defined."""
    package = Path(find_spec("torchvision").submodule_search_locations[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return import_module("torchvision")
        except RuntimeError as error:
            if "operator torchvision::" not in str(error):
                raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        _libraries.append(library)
        text = (package / "_meta_registrations.py").read_text()
        for pair in sorted(set(re.findall(r'register_meta\("(\w+)"\)|"torchvision::(\w+)"', text))):
            name = "".join(pair)
            library.define(_SCHEMAS.get(name, f"{name}(Tensor x) -> Tensor"))
        library.impl("nms", nms, "CPU")
        library.impl("roi_align", roi_align, "CompositeImplicitAutograd")
        package = import_module("torchvision")
    # Its Python code asks whether the extension is there before it calls an operator; these two are there now.
    for name in ("boxes", "roi_align"):
        module = sys.modules[f"torchvision.ops.{name}"]
        module._assert_has_ops = lambda: None
        module._has_ops = lambda: True
    return package


_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align": "roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, "
    "int sampling_ratio, bool aligned) -> Tensor",
}


def roi_align(
    features: torch.Tensor,
    rois: torch.Tensor,
    spatial_scale: float,
    height: int,
    width: int,
    sampling_ratio: int,
    aligned: bool,
) -> torch.Tensor:
    """RoIAlign as its definition reads: the mean of the features at regular points of every cell of every region."""
    pooled = [features.new_zeros(0, features.shape[1], height, width)]
    for index, *box in rois.tolist():
        left, top, right, bottom = (side * spatial_scale - 0.5 * aligned for side in box)
        wide, high = right - left, bottom - top
        if not aligned:
            wide, high = max(wide, 1.0), max(high, 1.0)
        across = sampling_ratio if sampling_ratio > 0 else math.ceil(wide / width)
        down = sampling_ratio if sampling_ratio > 0 else math.ceil(high / height)
        if across < 1 or down < 1:
            pooled.append(features.new_zeros(1, features.shape[1], height, width))
            continue
        xs = left + (torch.arange(width * across, dtype=torch.float64) + 0.5) * (wide / width / across)
        ys = top + (torch.arange(height * down, dtype=torch.float64) + 0.5) * (high / height / down)
        picture = features[int(index)]
        rows = _hats(ys, picture.shape[1]).to(features.dtype)
        columns = _hats(xs, picture.shape[2]).to(features.dtype)
        samples = rows @ picture @ columns.T  # (C, height * down, width * across)
        pooled.append(samples.unflatten(2, (width, across)).unflatten(1, (height, down)).mean((2, 4))[None])
    return torch.cat(pooled)


def _hats(places: torch.Tensor, length: int) -> torch.Tensor:
    """The weight of each pixel at each place, in linear interpolation: nothing is further out than one pixel."""
    inside = (places >= -1) & (places <= length)
    distance = (places.clamp(0, length - 1)[:, None] - torch.arange(length)).abs()
    return (1 - distance).clamp(min=0) * inside[:, None]


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Non-maximum suppression as its definition reads: the best box stays, what overlaps it too much goes."""
    left = scores.argsort(descending=True, stable=True).tolist()
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while left:
        best, *rest = left
        kept.append(best)
        others = torch.tensor(rest, dtype=torch.long)
        sides = torch.minimum(boxes[best, 2:], boxes[others, 2:]) - torch.maximum(boxes[best, :2], boxes[others, :2])
        common = sides.clamp(min=0).prod(1)
        overlap = common / (areas[best] + areas[others] - common)
        left = others[~(overlap.double() > iou_threshold)].tolist()
    return torch.tensor(kept, dtype=torch.long)
