"""Box and mask operations: what they are defined to give, at the edges too."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight import layers

coordinates = st.integers(-20, 40)
box_lists = st.lists(st.tuples(coordinates, coordinates, coordinates, coordinates), max_size=8)


@settings(deadline=None)
@given(box_lists, st.sampled_from(["xyxy", "xywh", "cxcywh"]), st.sampled_from(["xyxy", "xywh", "cxcywh"]))
def test_formats_convert_into_each_other(numbers, one, other):
    boxes = torch.tensor(numbers, dtype=torch.float64).reshape(-1, 4)
    converted = layers.box_convert(boxes, one, other)
    assert torch.equal(layers.box_convert(converted, other, one), boxes)
    assert torch.equal(layers.box_area(converted, other), layers.box_area(boxes, one))
    assert converted.data_ptr() != boxes.data_ptr() or not len(boxes)


@settings(deadline=None)
@given(box_lists, box_lists)
def test_iou_is_counted_pixels(first, second):
    """Boxes of whole numbers cover whole pixels, which can be counted."""
    boxes1, boxes2 = (torch.tensor(numbers, dtype=torch.float32).reshape(-1, 4) for numbers in (first, second))
    places = torch.arange(-20.0, 40) + 0.5

    def covered(boxes):
        across = (places > boxes[:, 0:1]) & (places < boxes[:, 2:3])
        down = (places > boxes[:, 1:2]) & (places < boxes[:, 3:4])
        return (down[:, :, None] & across[:, None, :]).flatten(1)

    def proper(boxes):
        return (boxes[:, 2:] > boxes[:, :2]).all(1)

    one, other = covered(boxes1)[:, None], covered(boxes2)[None]
    expected = (one & other).sum(2) / (one | other).sum(2)
    got = layers.box_iou(boxes1, boxes2)
    assert got.shape == (len(first), len(second))
    known = proper(boxes1)[:, None] & proper(boxes2)
    assert torch.allclose(got[known], expected[known])
    sizes = [layers.box_convert(boxes, "xyxy", "xywh") for boxes in (boxes1, boxes2)]
    assert torch.allclose(layers.box_iou(*sizes, fmt="xywh"), got, equal_nan=True)
    better = layers.generalized_box_iou(boxes1, boxes2)[known]
    assert ((better <= got[known] + 1e-6) & (better >= -1)).all()


@pytest.mark.parametrize("name", ["box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou"])
def test_edges_of_overlaps(name):
    overlap = getattr(layers, name)
    assert overlap(torch.zeros(0, 4), torch.rand(3, 4)).shape == (0, 3)
    box = torch.tensor([[0.0, 0, 2, 2]])
    assert overlap(box, box).item() == pytest.approx(1)
    assert overlap(box, torch.tensor([[0, 0, torch.nan, 2]])).isnan().all()
    assert overlap(box.expand(5, 1, 4), box.expand(5, 3, 4)).shape == (5, 1, 3)
    large = torch.tensor([[0.0, 0, 300, 300]], dtype=torch.float16)
    assert overlap(large, large).item() == pytest.approx(1)
    if name != "complete_box_iou":  # whose penalty has a weight that is a constant to the gradient
        numbers = torch.rand(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        boxes = numbers + torch.tensor([0.0, 0, 1, 1])
        others = boxes.flip(0) + 0.1
        assert torch.autograd.gradcheck(lambda given: overlap(given, others), boxes.requires_grad_())


def test_boxes_without_area():
    point, box = torch.tensor([[1.0, 1, 1, 1]]), torch.tensor([[0.0, 0, 2, 2]])
    assert layers.box_iou(point, point).isnan().all()
    assert layers.box_iou(point, box).item() == 0


def test_clipped_to_the_picture():
    boxes = torch.tensor([[[-5.0, -1, 30, 40], [3, 4, 5, 6]], [[50, 60, 70, 80], [0, torch.nan, 1e30, torch.inf]]])
    expected = torch.tensor([[[0.0, 0, 20, 10], [3, 4, 5, 6]], [[20, 10, 20, 10], [0, torch.nan, 20, 10]]])
    assert torch.equal(layers.clip_boxes_to_image(boxes, (10, 20)).nan_to_num(-1), expected.nan_to_num(-1))
    assert layers.clip_boxes_to_image(torch.zeros(0, 4), (10, 20)).shape == (0, 4)


def test_small_boxes_are_found():
    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1.9, 5], [0, 0, torch.nan, 9], [5, 5, 4, 9], [1, 1, 3, 3]])
    assert layers.remove_small_boxes(boxes, 2).tolist() == [0, 4]
    assert layers.remove_small_boxes(torch.zeros(0, 4), 1).tolist() == []


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8)), max_size=4), st.sampled_from([torch.bool, torch.float])
)
def test_boxes_around_masks(pixels, dtype):
    mask = torch.zeros(7, 9, dtype=dtype)
    for y, x in pixels:
        mask[y, x] = 1
    rows, columns = zip(*pixels, strict=True) if pixels else ([0], [0])
    boxes = layers.masks_to_boxes(torch.stack((mask, torch.zeros_like(mask))))
    assert boxes.tolist() == [[min(columns), min(rows), max(columns), max(rows)], [0, 0, 0, 0]]
    assert boxes.dtype == torch.float32


def test_no_masks():
    assert layers.masks_to_boxes(torch.zeros(0, 5, 5)).shape == (0, 4)


@pytest.mark.parametrize("call", [
    lambda boxes: layers.box_convert(boxes, "xyxy", "yxyx"),
    lambda boxes: layers.box_area(boxes, "yxyx"),
    lambda boxes: layers.box_iou(boxes, boxes, "yxyx"),
])  # fmt: skip
def test_other_formats_get_a_sentence(call):
    with pytest.raises(ValueError, match="one of xyxy, xywh, cxcywh; got 'yxyx'"):
        call(torch.zeros(1, 4))


class Everything(torch.nn.Module):
    def forward(self, picture, boxes, masks):
        clipped = layers.clip_boxes_to_image(boxes, picture.shape[-2:])
        kept = clipped[layers.remove_small_boxes(clipped, 5.0)]
        return kept, layers.box_iou(kept, boxes), layers.masks_to_boxes(masks)


def test_exported():
    def scene(height, width, count):
        boxes = layers.box_convert(
            torch.rand(count, 4, generator=torch.Generator().manual_seed(count)) * 50, "xywh", "xyxy"
        )
        return torch.zeros(3, height, width), boxes, torch.rand(count, 9, 11) > 0.9

    free = torch.export.Dim.DYNAMIC
    shapes = ({1: free, 2: free}, {0: free}, {0: free})
    program = torch.export.export(Everything(), scene(40, 50, 8), dynamic_shapes=shapes).module()
    other = scene(30, 70, 15)
    for got, expected in zip(program(*other), Everything()(*other), strict=True):
        assert torch.equal(got, expected)
