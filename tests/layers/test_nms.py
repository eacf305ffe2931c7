"""Suppression is the greedy loop's, whatever the boxes, the scores and the threshold."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.layers import batched_nms, nms
from tests import reference

ODD = [float("nan"), float("inf"), -float("inf"), 1e30, 3.0e38]


def boxes_of(numbers, dtype=torch.float32):
    return torch.tensor(numbers, dtype=dtype).reshape(-1, 4)


@st.composite
def scenes(draw, sides):
    boxes = draw(st.lists(st.tuples(sides, sides, sides, sides), max_size=24))
    # Few different scores, so that many are equal.
    scores = draw(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=len(boxes), max_size=len(boxes)))
    return boxes_of(boxes), torch.tensor(scores)


@settings(deadline=None)
@given(scenes(st.integers(0, 9)), st.sampled_from([0, 0.125, 0.25, 0.5, 0.75, 1]))
def test_small_whole_numbers(scene, threshold):
    """Ties, duplicates, boxes without area and inside out, IoUs just at the threshold."""
    assert torch.equal(nms(*scene, threshold), reference.nms(*scene, threshold))


@settings(deadline=None)
@given(scenes(st.integers(0, 9) | st.sampled_from(ODD)), st.sampled_from([0, 0.5]))
def test_odd_numbers(scene, threshold):
    assert torch.equal(nms(*scene, threshold), reference.nms(*scene, threshold))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.floats(-0.5, 1.5), st.sampled_from([100, 127, 128, 129, 400]))
def test_many_boxes_of_float64(seed, threshold, count):
    """More than one block; the density differs with the seed."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator, dtype=torch.float64) * (10 + seed % 300)
    sides = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 50
    boxes, scores = torch.cat((corners, corners + sides), 1), torch.rand(count, generator=generator)
    assert torch.equal(nms(boxes, scores, threshold), reference.nms(boxes, scores, threshold))


def test_a_long_chain_across_blocks():
    """Each box suppresses the next, so that every second one stays."""
    start = torch.arange(1000.0)
    boxes = torch.stack((start, torch.zeros(1000), start + 3, torch.ones(1000)), 1)
    assert torch.equal(nms(boxes, -start, 0.4), torch.arange(0, 1000, 2))


def test_greater_not_equal():
    boxes = boxes_of([[0, 0, 2, 1], [0, 0, 1, 1]])  # IoU 0.5
    scores = torch.tensor([1.0, 0.5])
    assert nms(boxes, scores, 0.5).tolist() == [0, 1]
    assert nms(boxes, scores, 0.49999997).tolist() == [0]


def test_the_threshold_is_not_rounded_up():
    """0.6 in float32 is a little more than 0.6: an IoU of that is greater than the threshold."""
    boxes = boxes_of([[0, 0, 5, 1], [0, 0, 3, 1]])
    assert float(np.float32(3) / np.float32(5)) > 0.6
    assert nms(boxes, torch.tensor([1.0, 0.5]), 0.6).tolist() == [0]


@pytest.mark.parametrize("number", ODD)
def test_a_box_that_is_none_stays_and_suppresses_nothing(number):
    boxes = boxes_of([[0, 0, number, number], [0, 0, 4, 4], [0, 0, 4, 4]])
    assert nms(boxes, torch.tensor([3.0, 2.0, 1.0]), 0.5).tolist() == [0, 1]


def test_boxes_without_area_stay():
    boxes = boxes_of([[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 2, 2]])
    assert nms(boxes, torch.tensor([1.0, 2.0, 3.0]), 0.0).tolist() == [2, 1, 0]


def test_a_score_of_nan_is_the_highest():
    boxes = boxes_of([[0, 0, 4, 4], [0, 0, 4, 4]])
    assert nms(boxes, torch.tensor([9.0, torch.nan]), 0.5).tolist() == [1]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32])
def test_dtypes(dtype):
    generator = torch.Generator().manual_seed(0)
    corners = torch.randint(0, 100, (200, 2), generator=generator)
    boxes = torch.cat((corners, corners + torch.randint(1, 40, (200, 2), generator=generator)), 1)
    scores = torch.randperm(200, generator=generator)
    expected = reference.nms(boxes.float(), scores.float(), 0.5)
    assert torch.equal(nms(boxes.to(dtype), scores.to(dtype), 0.5), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(nms(boxes.to(dtype), scores, 0.5), expected)


def test_gradients_are_let_alone():
    boxes = boxes_of([[0, 0, 4, 4], [0, 0, 4, 5]]).requires_grad_()
    scores = torch.tensor([1.0, 2.0], requires_grad=True)
    kept = nms(boxes, scores, 0.5)
    assert not kept.requires_grad
    scores[kept].sum().backward()
    assert scores.grad.tolist() == [0, 1]


@pytest.mark.parametrize("count", [0, 1])
def test_none_and_one(count):
    boxes, scores = torch.rand(count, 4), torch.rand(count)
    for kept in (nms(boxes, scores, 0.5), batched_nms(boxes, scores, torch.zeros(count, dtype=torch.int64), 0.5)):
        assert kept.dtype == torch.int64
        assert kept.tolist() == list(range(count))


@pytest.mark.parametrize(
    ("boxes", "scores", "text"),
    [((3, 5), (3,), r"\(N, 4\); got \(3, 5\)"), ((4,), (1,), r"got \(4,\)"), ((3, 4), (2,), r"got \(2,\) for 3 boxes")],
)
def test_wrong_shapes_get_a_sentence(boxes, scores, text):
    with pytest.raises(ValueError, match=text):
        nms(torch.zeros(boxes), torch.zeros(scores), 0.5)
    with pytest.raises(ValueError, match=text):
        batched_nms(torch.zeros(boxes), torch.zeros(scores), torch.zeros(scores), 0.5)


def test_every_box_needs_a_category():
    with pytest.raises(ValueError, match=r"Categories are \(N,\), one a box; got \(2,\) for 3 boxes"):
        batched_nms(torch.zeros(3, 4), torch.zeros(3), torch.zeros(2), 0.5)


class Suppressed(torch.nn.Module):
    def forward(self, boxes, scores, categories):
        # Three selections, three sizes of which an exported graph does not know that they are one.
        good = scores > 0.1
        best = batched_nms(boxes[good], scores[good], categories[good], 0.5)[:50]
        return nms(boxes, scores, 0.3), boxes[good][best], scores[good][best]


def test_exported_for_any_number_of_boxes():
    def scene(count):
        generator = torch.Generator().manual_seed(count)
        corners = torch.rand(count, 2, generator=generator) * 100
        boxes = torch.cat((corners, corners + torch.rand(count, 2, generator=generator) * 30), 1)
        return boxes, torch.rand(count, generator=generator), torch.randint(0, 4, (count,), generator=generator)

    some = {0: torch.export.Dim.DYNAMIC}
    program = torch.export.export(Suppressed(), scene(40), dynamic_shapes=(some, some, some)).module()
    for count in (0, 1, 300, 1500):
        for got, expected in zip(program(*scene(count)), Suppressed()(*scene(count)), strict=True):
            assert torch.equal(got, expected)


@pytest.mark.parametrize("operator", ["nms", "batched_nms"])
def test_the_operator_keeps_torchs_rules(operator):
    arguments = [torch.rand(5, 4), torch.rand(5), *([torch.zeros(5)] if operator == "batched_nms" else []), 0.5]
    torch.library.opcheck(getattr(torch.ops.multiweight, operator), tuple(arguments))
