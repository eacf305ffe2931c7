"""Points: to places of heat maps and back."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.errors import InputError
from multiweight.models.detection import keypoint_rcnn, roi_heads
from tests.models.detection.support import theirs

POINTS, SIDE = 3, 6


def regions(count, seed):
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 2, generator=generator) * 20
    boxes = torch.cat((low, low + torch.rand(count, 2, generator=generator) * 30 + 0.3), dim=1)
    keypoints = torch.rand(count, POINTS, 3, generator=generator) * 50
    if count:
        keypoints[0, 0, :2] = boxes[0, 2:]  # on the corner
    keypoints[..., 2] = (keypoints[..., 2] > 20).float()
    return boxes, keypoints, torch.randn(count, POINTS, SIDE, SIDE, generator=generator)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 4), st.integers(0, 2**31))
def test_places_and_points_are_torchvisions(count, seed):
    boxes, keypoints, maps = regions(count, seed)
    reference = theirs()[0].roi_heads
    for arguments, name in (
        ((keypoints, boxes, SIDE), "keypoints_to_heatmap"),
        ((maps, boxes), "heatmaps_to_keypoints"),
        ((maps, [boxes[:1], boxes[1:]]), "keypointrcnn_inference"),
    ):
        for one, other in zip(getattr(roi_heads, name)(*arguments), getattr(reference, name)(*arguments), strict=True):
            pairs = zip(one, other, strict=True) if isinstance(one, list) else [(one, other)]
            assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in pairs), name
    matches = [torch.arange(count)]
    loss, expected = (
        module.keypointrcnn_loss(maps, [boxes], [keypoints], matches) for module in (roi_heads, reference)
    )
    torch.testing.assert_close(loss, expected)


def test_the_highest_place_is_the_point():
    maps = torch.zeros(1, 1, SIDE, SIDE)
    maps[0, 0, 2, 4] = 5.0
    points, scores = roi_heads.heatmaps_to_keypoints(maps, torch.tensor([[10.0, 20, 10 + SIDE, 20 + SIDE]]))
    assert points.tolist() == [[[14.5, 22.5, 1.0]]]
    assert scores.tolist() == [[5.0]]


def test_operator_is_the_function():
    boxes, _, maps = regions(3, 0)
    torch.library.opcheck(torch.ops.multiweight.heatmaps_to_keypoints.default, (maps, boxes),
                          test_utils=("test_schema", "test_faketensor"))  # fmt: skip
    given_points, expected = torch.ops.multiweight.heatmaps_to_keypoints(maps, boxes), roi_heads.heatmaps_to_keypoints
    assert all(map(torch.equal, given_points, expected(maps, boxes)))


def test_invisible_points_are_no_loss_with_gradients():
    boxes, keypoints, maps = regions(2, 1)
    keypoints[..., 2] = 0
    loss = roi_heads.keypointrcnn_loss(maps.requires_grad_(), [boxes], [keypoints], [torch.arange(2)])
    loss.backward()
    assert loss == 0
    assert maps.grad is not None


def test_mistakes_are_sentences():
    boxes, keypoints, maps = regions(2, 1)
    with pytest.raises(InputError, match=r"square, \(R, K, S, S\); got \[2, 3, 6, 5\]"):
        roi_heads.keypointrcnn_loss(maps[..., :5], [boxes], [keypoints], [torch.arange(2)])
    with pytest.raises(InputError, match="finds 3 points of an object; the targets have 2"):
        roi_heads.keypointrcnn_loss(maps, [boxes], [keypoints[:, :2]], [torch.arange(2)])


def test_predictor_gives_four_times_the_size():
    predictor = keypoint_rcnn.KeypointRCNNPredictor(5, POINTS)
    assert predictor(torch.rand(2, 5, 3, 3)).shape == (2, POINTS, 12, 12)
    assert predictor.out_channels == POINTS
