import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.models.detection.anchor_utils import DefaultBoxGenerator
from multiweight.models.detection.dense import best_of_each_class
from multiweight.models.detection.ssd import SSD
from multiweight.models.vgg import cfgs, make_layers
from tests.models.detection.single_stage import (
    CLASSES,
    Backbone,
    ManyChannels,
    assert_same_detections,
    ours,
    pictures,
    small,
    targets,
    theirs,
)


@pytest.mark.parametrize("highres", [False, True])
def test_extractor_is_torchvisions(highres):
    extractors = []
    for modules in (ours, theirs):
        torch.manual_seed(2)
        extractors.append(modules("ssd").SSDFeatureExtractorVGG(make_layers(cfgs["D"]), highres))
    one, other = (extractor.state_dict() for extractor in extractors)
    assert list(one) == list(other)
    assert all(torch.equal(one[key], other[key]) for key in one)
    if highres:  # of pictures of 512 pixels, which are slow
        maps, expected = (extractor.to("meta")(torch.empty(1, 3, 512, 512, device="meta")) for extractor in extractors)
    else:
        picture = torch.rand(1, 3, 300, 300)
        with torch.no_grad():
            maps, expected = (extractor(picture) for extractor in extractors)
        assert all(torch.equal(maps[key], expected[key]) for key in maps)
    assert list(maps) == list(expected)
    assert [features.shape[1] for features in maps.values()] == extractors[0].out_channels
    assert [features.shape[2] for features in maps.values()] == (
        [64, 32, 16, 8, 6, 4, 1] if highres else [38, 19, 10, 5, 3, 1]
    )


class Silent(Backbone):
    """A backbone that does not tell its channels."""

    out_channels = property()


def test_channels_are_found_by_calling_the_backbone():
    boxes = DefaultBoxGenerator([[2], [2, 3], [2]], steps=[8, 16, 32])
    backbone = Silent()
    assert not hasattr(backbone, "out_channels")
    network = SSD(backbone, boxes, (96, 64), CLASSES)
    assert backbone.training
    expected = SSD(ManyChannels(), boxes, (96, 64), CLASSES).state_dict()
    assert {key: tensor.shape for key, tensor in network.state_dict().items()} == {
        key: tensor.shape for key, tensor in expected.items()
    }


def test_another_number_of_maps_is_a_sentence():
    with pytest.raises(ValueError, match="gives 3 maps; anchor_generator has aspect_ratios for 2"):
        SSD(ManyChannels(), DefaultBoxGenerator([[2], [2]]), (96, 64), CLASSES)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 40), st.integers(1, 6), st.sampled_from([0.2, 0.5, 1.0]), st.integers(1, 12), st.integers(0, 99))
def test_best_of_each_class(rows, classes, threshold, most, seed):
    scores = torch.rand(rows, classes, generator=torch.Generator().manual_seed(seed))
    found_rows, found_columns = best_of_each_class(scores, threshold, most)
    expected = []
    for column in range(1, classes):
        order = sorted(range(rows), key=lambda row: -scores[row, column].item())
        expected += [(row, column) for row in order if scores[row, column] > threshold][:most]
    assert list(zip(found_rows.tolist(), found_columns.tolist(), strict=True)) == expected


def test_operator_keeps_its_promises():
    """The fake kernel, the schema and the dispatch of the custom operator, as torch checks them."""
    scores = torch.rand(20, 4)
    torch.library.opcheck(torch.ops.multiweight.best_of_each_class.default, (scores, 0.5, 3))


def test_classes_can_be_replaced():
    """How the network is taught other classes: labels are then checked against these."""
    networks = []
    for modules in (ours, theirs):
        network = small("SSD", modules)
        torch.manual_seed(3)
        anchors = network.anchor_generator.num_anchors_per_location()
        network.head.classification_head = modules("ssd").SSDClassificationHead([64] * 3, anchors, 9)
        networks.append(network)
    one, other = networks
    assert_same_detections(one(pictures()), other(pictures()))
    many = [target | {"labels": target["labels"] + 4} for target in targets()]
    losses = [network.train()(pictures(), many) for network in networks]
    assert losses[0] == losses[1]
