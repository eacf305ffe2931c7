from functools import partial

import pytest
import torch
from torch import nn

from multiweight.models import mobilenet_v3_large, mobilenet_v3_small
from multiweight.models.detection.ssdlite import ssdlite320_mobilenet_v3_large
from tests.models.detection.single_stage import ours, theirs

NORM = partial(nn.BatchNorm2d, eps=0.001)


def assert_same_tensors(one, other):
    one, other = one.state_dict(keep_vars=True), other.state_dict(keep_vars=True)
    assert list(one) == list(other)
    for key, tensor in one.items():
        assert torch.equal(tensor, other[key]), key
        assert tensor.requires_grad == other[key].requires_grad, key


@pytest.mark.parametrize(
    ("build", "stages"), [(mobilenet_v3_small, 0), (mobilenet_v3_small, 6), (mobilenet_v3_large, 2)]
)
def test_extractor_is_torchvisions(build, stages):
    extractors = []
    for modules in (ours, theirs):
        torch.manual_seed(2)
        extractors.append(modules("ssdlite")._mobilenet_extractor(build(), stages, NORM).eval())
    assert_same_tensors(*extractors)
    with torch.no_grad():
        maps, expected = (extractor(torch.ones(1, 3, 320, 320)) for extractor in extractors)
    assert list(maps) == list(expected)
    assert all(torch.equal(maps[key], expected[key]) for key in maps)
    assert [features.shape[1] for features in maps.values()] == extractors[0].out_channels


@pytest.mark.parametrize("options", [{"width_mult": 0.5}, {"width_mult": 0.1, "min_depth": 24}])
def test_extra_layers_can_be_narrow(options):
    extractors = []
    for modules in (ours, theirs):
        torch.manual_seed(2)
        layers = mobilenet_v3_small().features
        extractors.append(modules("ssdlite").SSDLiteFeatureExtractorMobileNet(layers, 9, NORM, **options))
    assert_same_tensors(*extractors)


def test_head_is_torchvisions():
    heads = []
    for modules in (ours, theirs):
        torch.manual_seed(2)
        heads.append(modules("ssdlite").SSDLiteHead([8, 6], [6, 4], 5, NORM).eval())
    assert_same_tensors(*heads)
    maps = [torch.rand(2, 8, 4, 3), torch.rand(2, 6, 2, 2)]
    answers, expected = (head(maps) for head in heads)
    assert list(answers) == list(expected)
    assert all(torch.equal(answers[key], expected[key]) for key in answers)


def test_tail_is_reduced_where_the_backbone_is_not_pretrained():
    network = ssdlite320_mobilenet_v3_large(weights_backbone=None)
    assert network.backbone.out_channels == [672, 480, 512, 256, 256, 128]
    norm = next(module for module in network.backbone.modules() if isinstance(module, nn.BatchNorm2d))
    assert (norm.eps, norm.momentum) == (0.001, 0.03)


def test_mistakes_are_sentences():
    with pytest.raises(ValueError, match="c4_pos=3 keeps height and width"):
        ours("ssdlite").SSDLiteFeatureExtractorMobileNet(mobilenet_v3_small().features, 3, NORM)
    with pytest.raises(ValueError, match="trainable_layers must be from 0 to 6; got 7"):
        ours("ssdlite")._mobilenet_extractor(mobilenet_v3_small(), 7, NORM)
