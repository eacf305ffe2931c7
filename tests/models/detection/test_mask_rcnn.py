"""Masks: pasted into pictures, cut out for the loss, read from old files."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.models.detection import _masks, mask_rcnn, roi_heads
from tests.models.detection.support import theirs

place = st.floats(-30, 60, width=32)


@settings(max_examples=60, deadline=None)
@given(
    boxes=st.lists(st.tuples(place, place, st.floats(0, 90), st.floats(0, 90)), max_size=4),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    side=st.integers(1, 9),
    padding=st.integers(0, 2),
)
def test_pasted_masks_are_torchvisions(boxes, shape, side, padding):
    boxes = torch.tensor([(x, y, x + w, y + h) for x, y, w, h in boxes], dtype=torch.float32).view(-1, 4)
    masks = torch.rand(len(boxes), 1, side, side, generator=torch.Generator().manual_seed(0))
    pasted = roi_heads.paste_masks_in_image(masks, boxes, shape, padding)
    inside = (boxes[:, 0] < shape[1] - 9) & (boxes[:, 1] < shape[0] - 9) & (boxes[:, 2:] > 9).all(1)
    expected = theirs()[0].roi_heads.paste_masks_in_image(masks[inside], boxes[inside], shape, padding)
    assert torch.equal(pasted[inside], expected)
    # And what an exported program does, which has no loop.
    padded, scale = _masks.expand_masks(masks, padding)
    corners = _masks.expand_boxes(boxes, scale).to(torch.int64)
    torch.testing.assert_close(_masks._pasted_at_once(padded, corners, *shape), pasted, atol=2e-5, rtol=0)


def test_a_box_outside_has_no_pixels():
    masks, boxes = torch.ones(2, 1, 4, 4), torch.tensor([[50.0, 50, 60, 60], [-20, -20, -10, -10]])
    assert not roi_heads.paste_masks_in_image(masks, boxes, (20, 30)).any()


def test_a_full_mask_fills_its_box():
    pasted = roi_heads.paste_masks_in_image(torch.ones(1, 1, 28, 28), torch.tensor([[5.0, 4, 15, 10]]), (20, 30))
    assert (pasted[0, 0, 5:10, 6:15] > 0.9).all()
    assert pasted.sum() < 11 * 17


def test_masks_of_the_own_classes():
    logits = torch.randn(3, 4, 2, 2)
    one, other = roi_heads.maskrcnn_inference(logits, [torch.tensor([2]), torch.tensor([0, 3])])
    assert torch.equal(one, logits[:1, 2:3].sigmoid())
    assert torch.equal(other, torch.stack((logits[1, :1], logits[2, 3:])).sigmoid())


def test_target_of_a_region_is_its_part_of_the_mask():
    mask = torch.zeros(2, 16, 16, dtype=torch.uint8)
    mask[1, :, 8:] = 1
    (part,) = roi_heads.project_masks_on_boxes(mask, torch.tensor([[4.0, 0, 12, 16]]), torch.tensor([1]), 4)
    assert part[:, 0].tolist() == [0.0] * 4
    assert part[:, 3].tolist() == [1.0] * 4


def test_no_region_is_no_loss_with_gradients():
    logits = torch.zeros(0, 3, 4, 4, requires_grad=True)
    loss = roi_heads.maskrcnn_loss(logits, [torch.zeros(0, 4)], [torch.zeros(1, 8, 8)], [torch.tensor([1])],
                                   [torch.zeros(0, dtype=torch.int64)])  # fmt: skip
    loss.backward()
    assert loss == 0
    assert logits.grad is not None


def test_head_takes_files_of_before():
    head = mask_rcnn.MaskRCNNHeads(3, (4, 5), 1)
    names = [f"mask_fcn{layer}.{kind}" for layer in (1, 2) for kind in ("weight", "bias")]
    shapes = [value.shape for value in head.state_dict().values()]
    head.load_state_dict({name: torch.ones(shape) for name, shape in zip(names, shapes, strict=True)})
    assert all((value == 1).all() for value in head.state_dict().values())


@pytest.mark.parametrize("dilation", [1, 2])
def test_head_keeps_the_size(dilation):
    assert mask_rcnn.MaskRCNNHeads(3, (4, 5), dilation)(torch.rand(2, 3, 7, 7)).shape == (2, 5, 7, 7)
