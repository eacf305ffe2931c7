"""Region pooling and non-maximum suppression, beside torchvision's Python kernel and greedy loops."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from benchmarks.harness import OURS, Row, Section, interleaved, timed
from multiweight.layers import MultiScaleRoIAlign, batched_nms, nms, roi_align
from multiweight.models.detection import fasterrcnn_resnet50_fpn, roi_heads, rpn
from tests.reference import torchvision


def sections() -> list[Section]:
    """The two operations that detectors spend their time in after the network."""
    torch.set_num_threads(1)
    with torch.inference_mode():
        return [_pooling(), _suppression(), _whole()]


def _pooling() -> Section:
    torchvision()
    kernel = sys.modules["torchvision.ops.roi_align"]._roi_align.__wrapped__
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 256, 200, 200, generator=generator)
    start = torch.rand(512, 2, generator=generator) * 600
    ends = start + 10 + torch.rand(512, 2, generator=generator) * 150
    rois = torch.cat((torch.zeros(512, 1), start, ends), 1)
    exact = kernel(features.double(), rois.double(), 0.25, 7, 7, 2, False)
    rows: list[Row] = []
    for what, memory_format in (("channels-last", torch.channels_last), ("contiguous", torch.contiguous_format)):
        given = features.contiguous(memory_format=memory_format)
        errors = [
            float((pooled - exact).abs().max())
            for pooled in (roi_align(given, rois, 7, 0.25, 2), kernel(given, rois, 0.25, 7, 7, 2, False))
        ]
        sides = {
            OURS: timed(lambda given=given: roi_align(given, rois, 7, 0.25, 2), repeats=5),
            "torchvision's Python": timed(lambda given=given: kernel(given, rois, 0.25, 7, 7, 2, False)),
        }
        note = f"largest error {errors[0]:.1e}, theirs {errors[1]:.1e}"
        rows.append(Row(f"{what} features", "ms", interleaved(sides, rounds=3), note))
    about = (
        "512 regions of a map of 256 channels and 200×200 pixels, 7×7 cells, 2×2 points each; one thread, medians of "
        "interleaved rounds. Errors are against float64."
    )
    return Section("RoIAlign", about, rows)


def _suppression() -> Section:
    rows: list[Row] = []
    for kind in ("random", "clustered", "sparse"):
        for count in (4000, 300):
            boxes, scores = _boxes(kind, count)
            kept = nms(boxes, scores, 0.5)
            assert torch.equal(kept, _greedy_numpy(boxes, scores, 0.5))
            assert torch.equal(kept, _greedy_torch(boxes, scores, 0.5))
            given, repeats = (boxes, scores, 0.5), 1 if count > 1000 else 5
            sides = {
                OURS: timed(lambda given=given: nms(*given), repeats=5),
                "numpy loop": timed(lambda given=given: _greedy_numpy(*given), repeats=repeats),
                "torch loop": timed(lambda given=given: _greedy_torch(*given), repeats=repeats),
            }
            rows.append(Row(f"{count} {kind} boxes, {len(kept)} stay", "ms", interleaved(sides, rounds=7)))
    boxes, scores = _boxes("random", 5000)
    categories = torch.randint(0, 90, (5000,), generator=torch.Generator().manual_seed(0))
    peer = torchvision().ops.batched_nms
    assert torch.equal(batched_nms(boxes, scores, categories, 0.5), peer(boxes, scores, categories, 0.5))
    sides = {OURS: timed(lambda: batched_nms(boxes, scores, categories, 0.5))}
    rows.append(Row("5000 random boxes of 90 categories", "ms", interleaved(sides, rounds=7)))
    about = "IoU threshold 0.5, identical indices; one thread, medians of interleaved rounds."
    return Section("Non-maximum suppression", about, rows)


def _whole() -> Section:
    """A detector with random weights: it proposes and keeps as many boxes as it may."""
    torch.manual_seed(0)
    model = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None).eval()
    pictures = [torch.rand(3, 800, 800)]
    spent = 0.0

    def counted(work: Callable[..., object]) -> Callable[..., object]:
        def measured(*arguments: object) -> object:
            nonlocal spent
            start = time.perf_counter()
            result = work(*arguments)
            spent += time.perf_counter() - start
            return result

        return measured

    def share() -> float:
        nonlocal spent
        spent, start = 0.0, time.perf_counter()
        model(pictures)
        return 100 * spent / (time.perf_counter() - start)

    with (
        patch.object(MultiScaleRoIAlign, "forward", counted(MultiScaleRoIAlign.forward)),
        patch.object(rpn, "batched_nms", counted(batched_nms)),
        patch.object(roi_heads, "batched_nms", counted(batched_nms)),
    ):
        figures = interleaved({OURS: share}, rounds=5)
    row = Row("pooling and suppression together", "%", figures, f"{len(model(pictures)[0]['boxes'])} detections")
    about = "Share of the time of fasterrcnn_resnet50_fpn on a picture of 800×800 pixels; one thread, median."
    return Section("Detectors outside of the network", about, [row])


def _boxes(kind: str, count: int) -> tuple[Tensor, Tensor]:
    """Boxes anywhere, around 40 objects, or small ones on a large picture."""
    generator = torch.Generator().manual_seed(0)
    start, sides = torch.rand(2, count, 2, generator=generator)
    if kind == "random":
        start, sides = start * 700, sides * 190 + 10
    elif kind == "sparse":
        start, sides = start * 3000, sides * 40 + 5
    else:
        objects = torch.rand(40, 4, generator=generator)[torch.randint(0, 40, (count,), generator=generator)]
        start, sides = objects[:, :2] * 700 + start * 50, objects[:, 2:] * 150 + 20 + sides * 30
    return torch.cat((start, start + sides), 1), torch.rand(count, generator=generator)


def _greedy_numpy(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    left, top, right, bottom = boxes.numpy().T
    areas = (right - left) * (bottom - top)
    order, kept = np.argsort(-scores.numpy(), kind="stable"), []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        width = np.maximum(0, np.minimum(right[best], right[order]) - np.maximum(left[best], left[order]))
        height = np.maximum(0, np.minimum(bottom[best], bottom[order]) - np.maximum(top[best], top[order]))
        inter = width * height
        order = order[inter / (areas[best] + areas[order] - inter) <= threshold]
    return torch.from_numpy(np.array(kept))


def _greedy_torch(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    left, top, right, bottom = boxes.unbind(1)
    areas = (right - left) * (bottom - top)
    order, kept = scores.argsort(descending=True, stable=True), []
    while order.numel():
        best, order = order[0], order[1:]
        kept.append(best)
        width = (torch.minimum(right[best], right[order]) - torch.maximum(left[best], left[order])).clamp(min=0)
        height = (torch.minimum(bottom[best], bottom[order]) - torch.maximum(top[best], top[order])).clamp(min=0)
        inter = width * height
        order = order[inter / (areas[best] + areas[order] - inter) <= threshold]
    return torch.stack(kept)
