"""The operations of detectors equal torchvision's, bit for bit where there is no interpolation."""

import sys
from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight import layers
from tests.reference import torchvision


def scene(seed, count, *, rounded=False, spread=300.0):
    generator = torch.Generator().manual_seed(seed)
    start = torch.rand(count, 2, generator=generator) * spread
    boxes = torch.cat((start, start + torch.rand(count, 2, generator=generator) * 80 + 0.5), 1)
    scores = torch.rand(count, generator=generator)
    if rounded:
        boxes, scores = boxes.round(), (scores * 8).round()
    return boxes, scores, torch.randint(0, 6, (count,), generator=generator)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from([0, 1, 40, 999, 1000, 1001, 1400]), st.sampled_from([0.3, 0.5, 0.7]))
def test_batched_suppression_on_both_paths(seed, count, threshold):
    boxes, scores, categories = scene(seed, count, rounded=seed % 2 == 0, spread=600.0)
    ours, theirs = layers, torchvision().ops
    if count <= 1000:
        assert torch.equal(ours.nms(boxes, scores, threshold), theirs.nms(boxes, scores, threshold))
    expected = theirs.batched_nms(boxes, scores, categories, threshold)
    assert torch.equal(ours.batched_nms(boxes, scores, categories, threshold), expected)


def test_a_nan_among_batched_boxes():
    boxes, scores, categories = scene(0, 50)
    boxes[3, 2] = torch.nan
    expected = torchvision().ops.batched_nms(boxes, scores, categories, 0.3)
    assert torch.equal(layers.batched_nms(boxes, scores, categories, 0.3), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.int32, torch.int16])
@pytest.mark.parametrize(
    ("name", "more"),
    [
        *(("box_convert", (one, other)) for one in ("xyxy", "xywh", "cxcywh") for other in ("xyxy", "xywh", "cxcywh")),
        *(("box_area", (fmt,)) for fmt in ("xyxy", "xywh", "cxcywh")),
        ("clip_boxes_to_image", ((120, 200),)),
        ("remove_small_boxes", (20,)),
    ],
)
def test_operations_on_boxes(name, more, dtype):
    boxes = scene(1, 30)[0].to(dtype)
    got, expected = (getattr(source, name)(boxes, *more) for source in (layers, torchvision().ops))
    assert torch.equal(got, expected)
    assert got.dtype == expected.dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.int32])
@pytest.mark.parametrize(
    ("name", "more"),
    [
        *(("box_iou", (fmt,)) for fmt in ("xyxy", "xywh", "cxcywh")),
        ("generalized_box_iou", ()),
        ("distance_box_iou", ()),
        ("complete_box_iou", (1e-3,)),
    ],
)
def test_overlaps(name, more, dtype):
    one, other = scene(2, 20)[0].to(dtype), scene(3, 30)[0].to(dtype)
    one[3, 2:] = one[3, :2]
    got, expected = (getattr(source, name)(one, other, *more) for source in (layers, torchvision().ops))
    assert torch.allclose(got, expected, rtol=0, atol=0, equal_nan=True)
    assert got.dtype == expected.dtype


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32])
def test_masks(dtype):
    masks = (torch.rand(12, 30, 20, generator=torch.Generator().manual_seed(0)) > 0.99).to(dtype)
    masks[4] = 0
    assert torch.equal(layers.masks_to_boxes(masks), torchvision().ops.masks_to_boxes(masks))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("sigmoid_focal_loss", {}),
        ("sigmoid_focal_loss", {"alpha": -1, "gamma": 1.5}),
        ("generalized_box_iou_loss", {}),
        ("distance_box_iou_loss", {"eps": 1e-2}),
        ("complete_box_iou_loss", {"eps": 1e-2}),
    ],
)
def test_losses_and_their_gradients(name, more, reduction):
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(40, 4, generator=generator) * 3
    focal = name == "sigmoid_focal_loss"
    inputs = scores if focal else scene(4, 40, spread=60.0)[0]
    targets = (torch.rand(40, 4, generator=generator) > 0.7).float() if focal else scene(5, 40, spread=60.0)[0]
    outcomes = []
    for source in (layers, torchvision().ops):
        given = inputs.clone().requires_grad_()
        loss = getattr(source, name)(given, targets, reduction=reduction, **more)
        loss.sum().backward()
        outcomes.append((loss, given.grad))
    assert torch.equal(outcomes[0][0], outcomes[1][0])
    assert torch.allclose(outcomes[0][1], outcomes[1][1], atol=1e-6)


@pytest.mark.parametrize("ratio", [1, 2, 4])
@pytest.mark.parametrize("aligned", [False, True])
def test_pooling_equals_the_python_kernel(ratio, aligned):
    """Which does not know that points outside count as 0, hence boxes inside; in float64, for its places are exact."""
    torchvision()
    kernel = sys.modules["torchvision.ops.roi_align"]._roi_align.__wrapped__
    features = torch.randn(2, 8, 60, 80, generator=torch.Generator().manual_seed(0))
    boxes, _, pictures = scene(6, 40, spread=150.0)
    rois = torch.cat((pictures[:, None] % 2, boxes), 1)
    expected = kernel(features.double(), rois.double(), 0.25, 7, 5, ratio, aligned)
    assert (layers.roi_align(features, rois, (7, 5), 0.25, ratio, aligned) - expected).abs().max() < 2e-6


@pytest.mark.parametrize("ratio", [2, -1])
@pytest.mark.parametrize("names", [["0", "1", "2"], ["1"], ["2", "0"], "01"])
def test_pooling_from_a_pyramid(names, ratio):
    generator = torch.Generator().manual_seed(0)
    maps = OrderedDict((name, torch.randn(2, 4, 64 // 2**level, 96 // 2**level, generator=generator))
                       for level, name in enumerate(["0", "1", "2"]))  # fmt: skip
    boxes = [scene(7, 20)[0], scene(8, 0)[0]]
    outcomes = []
    for source in (layers, torchvision().ops):
        pooler = source.MultiScaleRoIAlign(names, (7, 5), ratio, canonical_scale=100, canonical_level=3)
        pooled = pooler(maps, boxes, [(256, 384), (200, 300)])
        mapper = pooler.map_levels
        settings = (pooler.scales, mapper.k_min, mapper.k_max, mapper.s0, mapper.lvl0, repr(pooler))
        outcomes.append((pooled, settings, mapper(boxes), pooler.output_size))
    assert (outcomes[0][0] - outcomes[1][0]).abs().max() < 5e-5  # torchvision's places are float32
    assert outcomes[0][1] == outcomes[1][1]
    assert torch.equal(outcomes[0][2], outcomes[1][2])
    assert outcomes[0][3] == outcomes[1][3]


@pytest.mark.parametrize("norm_layer", [None, nn.BatchNorm2d])
@pytest.mark.parametrize("extra", [None, "LastLevelMaxPool", "LastLevelP6P7", "LastLevelP6P7 of C5"])
def test_feature_pyramids(extra, norm_layer):
    outcomes = []
    for source in (layers, torchvision().ops.feature_pyramid_network):
        torch.manual_seed(0)
        block = None
        if extra is not None:
            name, _, deepest = extra.partition(" of ")
            block = getattr(source, name)(*([12, 6] if deepest else [6, 6] if name == "LastLevelP6P7" else []))
        network = source.FeaturePyramidNetwork([4, 8, 12], 6, block, norm_layer)
        maps = OrderedDict((name, torch.randn(2, 4 * (level + 1), 33 // 2**level, 29 // 2**level))
                           for level, name in enumerate(["a", "b", "c"]))  # fmt: skip
        outcomes.append((network.state_dict(), network(maps), torch.rand(1), str(network)))
    (state, levels, after, text), (expected_state, expected, expected_after, expected_text) = outcomes
    for got, wanted in ((state, expected_state), (levels, expected)):
        assert list(got) == list(wanted)
        assert all(torch.equal(got[key], wanted[key]) for key in got)
    assert torch.equal(after, expected_after)
    assert text == expected_text


def test_frozen_norm():
    generator = torch.Generator().manual_seed(0)
    outcomes = []
    tensors = [torch.rand(6, generator=generator) + 0.1 for _ in range(4)]
    x = torch.randn(2, 6, 9, 9, generator=generator)
    for source in (layers, torchvision().ops):
        norm = source.FrozenBatchNorm2d(6, 1e-3)
        keys = list(norm.state_dict())
        norm.load_state_dict({**dict(zip(keys, tensors, strict=True)), "num_batches_tracked": torch.tensor(3)})
        outcomes.append((keys, norm(x), repr(norm)))
    assert outcomes[0][0] == outcomes[1][0]
    assert torch.equal(outcomes[0][1], outcomes[1][1])
    assert outcomes[0][2] == outcomes[1][2]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Conv3dNormActivation", (4, 8)),
        ("Conv3dNormActivation", (4, 8, (1, 3, 3), (1, 2, 2), (0, 1, 1))),
        ("Conv3dNormActivation", (4, 8, (3, 1, 5), 1, None, 2, None, nn.SiLU, (1, 1, 2), None)),
        ("Conv3dNormActivation", (4, 8, 3, 1, None, 1, nn.BatchNorm3d, None, (1, 2, 1), True, True)),
        ("Conv2dNormActivation", (4, 8, (3, 5), (1, 2), None, 1, nn.BatchNorm2d, nn.ReLU, 2)),
        ("Conv2dNormActivation", (4, 8, 3, 1, "same")),
    ],
)
def test_convolutions(name, arguments):
    outcomes = []
    for source in (layers, torchvision().ops):
        torch.manual_seed(0)
        block = getattr(source, name)(*arguments)
        x = torch.randn(2, 4, 7, 8, 9) if name.startswith("Conv3d") else torch.randn(2, 4, 8, 9)
        outcomes.append((block.state_dict(), block(x), repr(block), block.out_channels))
    assert list(outcomes[0][0]) == list(outcomes[1][0])
    assert all(torch.equal(outcomes[0][0][key], outcomes[1][0][key]) for key in outcomes[0][0])
    assert torch.equal(outcomes[0][1], outcomes[1][1])
    assert outcomes[0][2:] == outcomes[1][2:]
