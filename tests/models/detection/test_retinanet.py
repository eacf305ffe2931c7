from functools import partial

import pytest
import torch
from torch import nn

from multiweight.models.detection.retinanet import RetinaNetClassificationHead, RetinaNetHead, RetinaNetRegressionHead
from tests.models.detection.single_stage import assert_same_detections, ours, pictures, small, targets, theirs

HEADS = [
    ("RetinaNetHead", (8, 3, 4)),
    ("RetinaNetClassificationHead", (8, 3, 4)),
    ("RetinaNetClassificationHead", (8, 3, 4, 0.2)),
    ("RetinaNetRegressionHead", (8, 3)),
]


@pytest.mark.parametrize("norm_layer", [None, nn.BatchNorm2d, partial(nn.GroupNorm, 2)])
@pytest.mark.parametrize(("name", "arguments"), HEADS)
def test_heads_are_torchvisions(name, arguments, norm_layer):
    heads = []
    for modules in (ours, theirs):
        torch.manual_seed(2)
        heads.append(getattr(modules("retinanet"), name)(*arguments, norm_layer=norm_layer))
    one, other = (head.state_dict() for head in heads)
    assert list(one) == list(other)
    assert all(torch.equal(one[key], other[key]) for key in one)
    levels = [torch.rand(2, 8, 6, 5), torch.rand(2, 8, 3, 3)]
    answers = [head.eval()(levels) for head in heads]
    if name == "RetinaNetHead":
        assert list(answers[0]) == list(answers[1])
        answers = [torch.cat(list(answer.values()), 2) for answer in answers]
    assert torch.equal(*answers)
    assert answers[0].shape[:2] == (2, 3 * (30 + 9))


@pytest.mark.parametrize(
    "head", [RetinaNetHead(8, 3, 4), RetinaNetClassificationHead(8, 3, 4), RetinaNetRegressionHead(8, 3)]
)
def test_files_of_version_1_load(head):
    """Their convolutions were at 0, 2, 4 and 6, between the activations."""
    state = head.state_dict()
    old = {}
    for key, tensor in state.items():
        before, found, rest = key.partition("conv.")
        index, _, kind = rest.partition(".0.")
        old[f"{before}conv.{2 * int(index)}.{kind}" if found else key] = tensor + 1
    head.load_state_dict(dict(old))
    assert all(torch.equal(tensor, state[key]) for key, tensor in head.state_dict().items())
    assert not torch.equal(next(iter(old.values())), next(iter(state.values())) - 1)
    fresh = type(head)(*((8, 3) if isinstance(head, RetinaNetRegressionHead) else (8, 3, 4)))
    fresh.load_state_dict(head.state_dict())
    assert all(torch.equal(tensor, state[key]) for key, tensor in fresh.state_dict().items())


@pytest.mark.parametrize("loss", ["l1", "smooth_l1", "ciou", "diou", "giou"])
def test_losses_of_boxes_are_torchvisions(loss):
    losses = []
    for modules in (ours, theirs):
        network = small("RetinaNet", modules).train()
        network.head.regression_head._loss_type = loss
        losses.append(network(pictures(), targets())["bbox_regression"])
    assert torch.equal(*losses)


def test_unknown_loss_is_a_sentence():
    network = small("RetinaNet").train()
    network.head.regression_head._loss_type = "iou"
    with pytest.raises(ValueError, match="one of l1, smooth_l1, ciou, diou, giou; got 'iou'"):
        network(pictures(), targets())


def test_heads_can_be_replaced():
    """How the network is taught other classes: labels are then checked against these."""
    networks = []
    for modules in (ours, theirs):
        network = small("RetinaNet", modules)
        torch.manual_seed(3)
        network.head.classification_head = modules("retinanet").RetinaNetClassificationHead(64, 6, 9)
        networks.append(network)
    one, other = networks
    assert_same_detections(one(pictures()), other(pictures()))
    many = [target | {"labels": target["labels"] + 4} for target in targets()]
    losses = [network.train()(pictures(), many) for network in networks]
    assert losses[0] == losses[1]


def test_version_2_takes_parts():
    anchors = ours("anchor_utils").AnchorGenerator((16, 32, 64, 128, 256), (1.0,))
    network = ours("retinanet").retinanet_resnet50_fpn_v2(weights_backbone=None, anchor_generator=anchors)
    assert network.anchor_generator is anchors
    assert network.head.classification_head.num_anchors == 1
    assert network.head.regression_head._loss_type == "giou"
