"""What is particular to MobileNetV2."""

from functools import partial

import pytest
import torch
from torch import nn

from multiweight.models.mobilenetv2 import InvertedResidual, MobileNetV2, mobilenet_v2
from tests.models.twins import assert_twins

SHORT = [[1, 16, 1, 1], [3, 24, 2, 2], [2, 24, 1, 2]]


@pytest.mark.parametrize(
    "options",
    [
        {"width_mult": 0.35},
        {"width_mult": 1.4, "round_nearest": 1},
        {"inverted_residual_setting": SHORT, "num_classes": 5, "dropout": 0.7},
        {"inverted_residual_setting": SHORT, "norm_layer": partial(nn.GroupNorm, 2)},
        {"inverted_residual_setting": SHORT, "norm_layer": nn.Identity},
    ],
    ids=str,
)
def test_any_option_is_torchvisions(options):
    assert_twins("mobilenetv2", lambda family: family.mobilenet_v2(**options))


@pytest.mark.parametrize(("width_mult", "channels"), [(0.5, 1280), (1.0, 1280), (1.4, 1792)])
def test_multipliers_below_one_spare_the_last_convolution(width_mult, channels):
    network = MobileNetV2(num_classes=3, width_mult=width_mult, inverted_residual_setting=SHORT)
    assert network.last_channel == network.features[-1].out_channels == channels
    assert network.features[0].out_channels == round(32 * width_mult / 8) * 8


def test_the_identity_runs_beside_the_block_where_it_fits():
    x = torch.rand(2, 8, 6, 4)
    for arguments, fits in (((8, 8, 1, 6), True), ((8, 8, 2, 6), False), ((8, 16, 1, 1), False)):
        block = InvertedResidual(*arguments).eval()
        nn.init.zeros_(block.conv[-1].weight)
        assert block.use_res_connect is fits
        assert torch.equal(block(x), x if fits else torch.zeros_like(block(x)))


def test_blocks_that_make_the_picture_smaller_are_marked():
    with torch.device("meta"):
        features = mobilenet_v2().features
    marked = [index for index, layer in enumerate(features) if getattr(layer, "_is_cn", False)]
    assert marked == [2, 4, 7, 14]


@pytest.mark.parametrize("stride", [0, 3])
def test_another_stride_is_an_error(stride):
    with pytest.raises(ValueError, match=f"stride must be 1 or 2; got {stride}"):
        InvertedResidual(8, 8, stride, 6)


@pytest.mark.parametrize("setting", [[], [[1, 16, 1]], [[1, 16, 1, 1], [6, 24, 2]]], ids=str)
def test_stages_of_other_than_four_numbers_are_an_error(setting):
    with pytest.raises(ValueError, match=r"takes stages \(t, c, n, s\); got \["):
        MobileNetV2(inverted_residual_setting=setting)


def test_another_block_may_be_given():
    made = []

    class Block(InvertedResidual):
        def __init__(self, inp, oup, stride, expand_ratio, norm_layer):
            super().__init__(inp, oup, stride, expand_ratio, norm_layer)
            made.append((inp, oup, stride, expand_ratio, norm_layer))

    MobileNetV2(inverted_residual_setting=SHORT, block=Block)
    assert made == [
        (32, 16, 1, 1, nn.BatchNorm2d),
        (16, 24, 2, 3, nn.BatchNorm2d),
        (24, 24, 1, 3, nn.BatchNorm2d),
        (24, 24, 2, 2, nn.BatchNorm2d),
    ]
