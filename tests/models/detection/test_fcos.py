import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.models.detection.fcos import FCOS
from tests.models.detection.single_stage import CLASSES, Backbone, assert_same_training, ours, pictures, small, theirs


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("FCOSHead", (32, 1, 4)),
        ("FCOSHead", (32, 1, 4, 2)),
        ("FCOSClassificationHead", (8, 1, 4, 3, 0.2, nn.BatchNorm2d)),
        ("FCOSRegressionHead", (8, 1, 2, nn.BatchNorm2d)),
    ],
)
def test_heads_are_torchvisions(name, arguments):
    heads = []
    for modules in (ours, theirs):
        torch.manual_seed(2)
        heads.append(getattr(modules("fcos"), name)(*arguments).eval())
    one, other = (head.state_dict() for head in heads)
    assert list(one) == list(other)
    assert all(torch.equal(one[key], other[key]) for key in one)
    levels = [torch.rand(2, arguments[0], 6, 5), torch.rand(2, arguments[0], 3, 3)]
    answers = []
    for head in heads:
        answer = head(levels)
        answer = answer.values() if isinstance(answer, dict) else answer
        answers.append(answer if isinstance(answer, torch.Tensor) else torch.cat(list(answer), 2))
    assert torch.equal(*answers)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(*[st.integers(0, 60), st.integers(1, 90)] * 2), max_size=6), st.sampled_from([0.5, 1.5, 9.0]))
def test_training_is_torchvisions_for_any_objects(sides, radius):
    """Objects of all sizes, within one another, and none."""
    boxes = torch.tensor([[x, y, x + w, y + h] for x, w, y, h in sides], dtype=torch.float32).reshape(-1, 4)
    target = {"boxes": boxes, "labels": torch.arange(len(boxes)) % CLASSES}
    networks = [small("FCOS", modules, center_sampling_radius=radius) for modules in (ours, theirs)]
    # A second one with an object, so that there always is something to learn.
    some = {"boxes": torch.tensor([[5.0, 5.0, 50.0, 40.0]]), "labels": torch.tensor([2])}
    assert_same_training(*networks, pictures((100, 90), (64, 101)), [target, some])


def test_of_objects_around_a_place_the_smallest_is_taught():
    boxes = torch.tensor([[0.0, 0.0, 60.0, 60.0], [20.0, 20.0, 40.0, 40.0]])
    anchors = torch.tensor([[26.0, 26.0, 34.0, 34.0], [2.0, 2.0, 10.0, 10.0]])
    network = small("FCOS")
    # One level: no least and no greatest distance.
    assert network._match(boxes, anchors, [2]).tolist() == [1, -1]
    assert network._match(boxes[:1], anchors, [2]).tolist() == [0, -1]


def test_several_anchors_a_place_are_a_sentence():
    anchors = ours("anchor_utils").AnchorGenerator((8, 16, 32), (0.5, 1.0))
    with pytest.raises(ValueError, match="one anchor a place; anchor_generator makes 2"):
        FCOS(Backbone(), CLASSES, anchor_generator=anchors)
