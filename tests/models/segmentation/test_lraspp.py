"""What is particular to LR-ASPP."""

import inspect

import pytest
import torch

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue.mobilenetv3 import MobileNet_V3_Small_Weights
from multiweight.models import mobilenet_v3_small, segmentation
from multiweight.models.segmentation import LRASPP, lraspp_mobilenet_v3_small
from tests.models.segmentation.parts import Features, Joined, tensors_like
from tests.models.twins import assert_same_tensors, assert_twins
from tests.reference import torchvision

VARIANTS = [name for name in segmentation.__all__ if name.startswith("lraspp_")]


@pytest.mark.parametrize("inside", [(), (7,)], ids=["default", "others"])
def test_any_backbone_is_torchvisions(inside):
    def make(family):
        return Joined(family.LRASPP(Features(low=(4, 2), high=(6, 4)), 4, 6, 3, *inside))

    assert_twins("segmentation.lraspp", make)


def test_on_the_small_mobilenet_it_is_what_torchvision_makes_of_one():
    """torchvision has no builder for it, but the parts."""

    def make(family):
        if family.__name__.startswith("multiweight"):
            return Joined(family.lraspp_mobilenet_v3_small(num_classes=4, weights_backbone=None))
        return Joined(family._lraspp_mobilenetv3(torchvision().models.mobilenet_v3_small(dilated=True), 4))

    network = assert_twins("segmentation.lraspp", make, (2, 3, 64, 53)).network
    features = network.backbone(torch.rand(1, 3, 160, 96))
    assert features["low"].shape == (1, 24, 20, 12)
    assert features["high"].shape == (1, 576, 10, 6)


def test_the_small_one_can_start_from_a_pretrained_backbone(monkeypatch):
    asked, state = [], tensors_like(mobilenet_v3_small())

    def get_state_dict(self, **options):
        asked.append(self)
        return state

    monkeypatch.setattr(WeightsEnum, "get_state_dict", get_state_dict)
    torch.manual_seed(0)
    network = lraspp_mobilenet_v3_small()
    assert asked == [MobileNet_V3_Small_Weights.IMAGENET1K_V1]
    backbone = {key.removeprefix("features."): tensor for key, tensor in state.items() if key.startswith("features.")}
    assert_same_tensors(network.backbone.state_dict(), backbone)
    torch.manual_seed(0)
    assert_same_tensors(
        network.classifier.state_dict(), lraspp_mobilenet_v3_small(weights_backbone=None).classifier.state_dict()
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_there_is_no_auxiliary_head(variant):
    build = getattr(segmentation, variant)
    assert [*inspect.signature(build).parameters][:-1] == ["weights", "progress", "num_classes", "weights_backbone"]
    with torch.device("meta"):
        for aux_loss in (None, False):
            assert isinstance(build(weights_backbone=None, aux_loss=aux_loss, inter_channels=9), LRASPP)
        with pytest.raises(NotImplementedError, match="LR-ASPP has no auxiliary head.* got True"):
            build(weights_backbone=None, aux_loss=True)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
def test_one_program_takes_pictures_of_any_size():
    network = LRASPP(Features(low=(4, 8), high=(6, 16)), 4, 6, 3).eval()
    size = {0: torch.export.Dim("N"), 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    programs = [
        torch.jit.script(network),
        torch.export.export(network, (torch.rand(2, 3, 64, 80),), dynamic_shapes=(size,)).module(),
    ]
    with torch.no_grad():
        for shape in ((1, 3, 50, 97), (3, 3, 128, 64)):
            pictures = torch.rand(shape)
            for program in programs:
                assert torch.equal(program(pictures)["out"], network(pictures)["out"])
