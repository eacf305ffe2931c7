"""What is particular to FCN, and to all networks with an auxiliary head."""

import inspect
from importlib import import_module

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.catalogue import WeightsEnum
from multiweight.models import resnet50, segmentation
from multiweight.models.segmentation import FCN, FCN_ResNet50_Weights, fcn_resnet50
from multiweight.models.segmentation.fcn import FCNHead
from tests.models.segmentation.parts import Features, Heads, Joined, tensors_like
from tests.models.twins import assert_same_tensors, assert_twins
from tests.reference import torchvision

WITH_AUXILIARY = [name for name in segmentation.__all__ if name.startswith(("fcn_", "deeplabv3_"))]
POSITIONS = ["weights", "progress", "num_classes", "aux_loss", "weights_backbone"]


def fcn(family, *, auxiliary):
    backbone = Features(out=(8, 4), aux=(4, 2)) if auxiliary else Features(out=(8, 4))
    return Joined(family.FCN(backbone, family.FCNHead(8, 5), family.FCNHead(4, 5) if auxiliary else None))


@pytest.mark.parametrize("auxiliary", [True, False])
def test_any_backbone_is_torchvisions(auxiliary):
    assert_twins("segmentation.fcn", lambda family: fcn(family, auxiliary=auxiliary))


@given(st.integers(4, 20), st.integers(1, 4))
@settings(max_examples=10, deadline=None)
def test_any_head_is_torchvisions(channels, num_classes):
    assert_twins("segmentation.fcn", lambda family: Heads(family.FCNHead(channels, num_classes), channels))


def test_every_pixel_gets_scores_whatever_the_size():
    network = FCN(Features(out=(4, 8)), FCNHead(4, 3)).eval()
    for size in ((1, 1), (2, 9), (8, 8), (33, 17)):
        answer = network(torch.rand(2, 3, *size))
        assert list(answer) == ["out"]
        assert answer["out"].shape == (2, 3, *size)


@pytest.mark.parametrize("variant", WITH_AUXILIARY)
def test_the_auxiliary_head_is_there_where_it_is_asked_for_and_with_weights(variant, monkeypatch):
    build = getattr(segmentation, variant)
    assert [*inspect.signature(build).parameters][:-1] == POSITIONS
    with torch.device("meta"):
        for aux_loss in (None, False, True):
            network = build(aux_loss=aux_loss, weights_backbone=None)
            assert (network.aux_classifier is not None) is bool(aux_loss)
            assert set(network.backbone.return_layers.values()) == ({"out", "aux"} if aux_loss else {"out"})
        monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: {})
        monkeypatch.setattr("multiweight.models._builder.assign", lambda model, state, source: None)
        for aux_loss in (None, True):
            assert build(weights="DEFAULT", aux_loss=aux_loss).aux_classifier is not None
        with pytest.raises(ValueError, match=r"Weights.COCO_WITH_VOC_LABELS_V1 have an auxiliary head.* got False"):
            build(weights="DEFAULT", aux_loss=False)
        with pytest.raises(ValueError, match="21 labels, so num_classes must be 21; got 5"):
            build(weights="DEFAULT", num_classes=5)


def test_with_weights_no_backbone_is_fetched(monkeypatch):
    asked = []

    def get_state_dict(self, **options):
        asked.append(self)
        return tensors_like(fcn_resnet50(aux_loss=True, weights_backbone=None))

    monkeypatch.setattr(WeightsEnum, "get_state_dict", get_state_dict)
    network = fcn_resnet50(weights="DEFAULT", weights_backbone="DEFAULT")
    assert asked == [FCN_ResNet50_Weights.DEFAULT]
    assert_same_tensors(network.state_dict(), tensors_like(network))


def test_with_a_pretrained_backbone_the_head_is_torchvisions(monkeypatch):
    """The backbone is drawn before it is loaded, so the same seed gives the same head as without."""
    state = tensors_like(resnet50())
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: dict(state))
    reference = import_module(f"{torchvision().__name__}.models._api")
    monkeypatch.setattr(reference.WeightsEnum, "get_state_dict", lambda self, *args, **options: state)
    networks = []
    for package in (segmentation, torchvision().models.segmentation):
        torch.manual_seed(0)
        networks.append((package.fcn_resnet50(num_classes=3, aux_loss=True), torch.rand(1)))
    (ours, drawn), (expected, expected_drawn) = networks
    assert torch.equal(drawn, expected_drawn)
    assert_same_tensors(ours.state_dict(), expected.state_dict())


def test_old_positions_keep_their_meaning():
    with torch.device("meta"), pytest.warns(UserWarning, match="'weights', 'progress', 'num_classes'"):
        network = fcn_resnet50(None, True, 7, True, None)
    assert network.aux_classifier[-1].out_channels == network.classifier[-1].out_channels == 7
