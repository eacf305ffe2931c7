"""What is particular to DeepLabV3."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.catalogue import WeightsEnum
from multiweight.models import mobilenet_v3_large, segmentation
from multiweight.models.segmentation import deeplabv3_mobilenet_v3_large
from multiweight.models.segmentation.deeplabv3 import ASPPPooling, DeepLabHead
from tests.models.segmentation.parts import Features, Heads, Joined, tensors_like
from tests.models.twins import assert_same_tensors, assert_twins
from tests.reference import torchvision


@settings(max_examples=6, deadline=None)
@given(rates=st.lists(st.integers(1, 5), max_size=4), channels=st.integers(1, 6), out=st.integers(1, 6))
def test_any_pyramid_is_torchvisions(rates, channels, out):
    assert_twins(
        "segmentation.deeplabv3", lambda family: Heads(family.ASPP(channels, rates, out), channels), (2, 3, 9, 8)
    )


@pytest.mark.parametrize("rates", [(), ([2, 4],)], ids=["default", "others"])
def test_any_head_is_torchvisions(rates):
    def make(family):
        return Joined(family.DeepLabV3(Features(out=(6, 4)), family.DeepLabHead(6, 3, *rates)))

    assert_twins("segmentation.deeplabv3", make)


def test_pooling_gives_every_position_the_same():
    pooled = ASPPPooling(4, 6).eval()(torch.rand(2, 4, 5, 7))
    assert pooled.shape == (2, 6, 5, 7)
    torch.testing.assert_close(pooled, pooled[:, :, :1, :1].expand_as(pooled))


def test_one_picture_of_one_position_is_refused_in_training():
    """The pooled branch has then a single value a channel, which batch norm cannot normalise."""
    head = DeepLabHead(4, 3)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        head(torch.rand(1, 4, 5, 5))
    assert head(torch.rand(2, 4, 5, 5)).shape == (2, 3, 5, 5)


def test_with_a_pretrained_mobilenet_the_heads_are_torchvisions(monkeypatch):
    state = tensors_like(mobilenet_v3_large())
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: dict(state))
    reference = torchvision().models.WeightsEnum
    monkeypatch.setattr(reference, "get_state_dict", lambda self, *args, **options: state)
    networks = []
    for package in (segmentation, torchvision().models.segmentation):
        torch.manual_seed(0)
        networks.append((package.deeplabv3_mobilenet_v3_large(num_classes=3, aux_loss=True), torch.rand(1)))
    (ours, drawn), (expected, expected_drawn) = networks
    assert torch.equal(drawn, expected_drawn)
    assert_same_tensors(ours.state_dict(), expected.state_dict())


def test_a_mobilenet_gives_a_16th_and_for_the_second_head_an_eighth():
    with torch.device("meta"):
        network = deeplabv3_mobilenet_v3_large(aux_loss=True, weights_backbone=None)
        features = network.backbone(torch.empty(1, 3, 160, 96))
    assert {name: tuple(each.shape) for name, each in features.items()} == {
        "aux": (1, 40, 20, 12),
        "out": (1, 960, 10, 6),
    }
