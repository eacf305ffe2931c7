"""Losses are differentiable, 0 where the answer is right, and defined where there is nothing to learn from."""

import pytest
import torch

from multiweight import layers

BOX_LOSSES = ["generalized_box_iou_loss", "distance_box_iou_loss", "complete_box_iou_loss"]


def pairs(count=6):
    generator = torch.Generator().manual_seed(0)
    start = torch.rand(2, count, 2, generator=generator, dtype=torch.float64) * 10
    boxes = torch.cat((start, start + 1 + torch.rand(2, count, 2, generator=generator, dtype=torch.float64) * 10), 2)
    return boxes[0], boxes[1]


@pytest.mark.parametrize("name", BOX_LOSSES)
def test_box_losses(name):
    loss = getattr(layers, name)
    boxes, others = pairs()
    assert loss(boxes, boxes, "sum").item() == pytest.approx(0, abs=1e-6)
    apart = loss(boxes, others + 100)
    assert (apart > 1).all()
    assert loss(boxes, others, "mean").item() == pytest.approx(loss(boxes, others).sum().item() / 6)
    assert loss(boxes.half(), others.half()).dtype == torch.float32
    assert loss(boxes[0], others[0]).shape == ()
    given = boxes.requires_grad_()
    loss(given, others + 100, "sum").backward()
    assert given.grad.isfinite().all()
    if name != "complete_box_iou_loss":  # whose weight is a constant to the gradient
        assert torch.autograd.gradcheck(lambda given: loss(given, others), boxes)


@pytest.mark.parametrize("name", BOX_LOSSES)
def test_no_boxes_cost_nothing(name):
    none = torch.zeros(0, 4, requires_grad=True)
    for reduction in ("mean", "sum"):
        loss = getattr(layers, name)(none, torch.zeros(0, 4), reduction)
        assert loss.item() == 0
        loss.backward()


def test_focal_loss():
    scores = torch.tensor([-3.0, 0, 2, 8], dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([0.0, 1, 1, 1], dtype=torch.float64)
    probability = torch.where(targets == 1, scores.sigmoid(), 1 - scores.sigmoid())
    expected = -((1 - probability) ** 3) * probability.log()
    assert torch.allclose(layers.sigmoid_focal_loss(scores, targets, -1, 3), expected)
    weighed = expected * torch.tensor([0.8, 0.2, 0.2, 0.2])
    assert torch.allclose(layers.sigmoid_focal_loss(scores, targets, 0.2, 3, "sum"), weighed.sum())
    assert torch.autograd.gradcheck(lambda given: layers.sigmoid_focal_loss(given, targets), scores)


@pytest.mark.parametrize("alpha", [-0.5, 1.5])
def test_alpha_is_a_share(alpha):
    with pytest.raises(ValueError, match=f"got {alpha}"):
        layers.sigmoid_focal_loss(torch.zeros(1), torch.zeros(1), alpha)


@pytest.mark.parametrize("name", [*BOX_LOSSES, "sigmoid_focal_loss"])
def test_other_reductions_get_a_sentence(name):
    with pytest.raises(ValueError, match="'none', 'mean' or 'sum'; got 'max'"):
        getattr(layers, name)(torch.zeros(1, 4), torch.zeros(1, 4), reduction="max")
