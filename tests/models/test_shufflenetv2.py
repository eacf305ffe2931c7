"""What is particular to ShuffleNet V2."""

import pytest
import torch

from multiweight.models import ShuffleNetV2, get_model
from multiweight.models.shufflenetv2 import InvertedResidual, channel_shuffle


def test_channel_shuffle_deals_the_groups_out():
    channels = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert channel_shuffle(channels, 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    assert channel_shuffle(channels, 3).flatten().tolist() == [0, 2, 4, 1, 3, 5]


def test_half_of_the_channels_pass_by():
    unit = InvertedResidual(8, 8, 1).eval()
    x = torch.rand(1, 8, 5, 5)
    assert torch.equal(unit(x)[:, ::2], x[:, :4])


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_stride_divides_height_and_width(stride):
    assert InvertedResidual(8, 8, stride)(torch.rand(2, 8, 12, 6)).shape == (2, 8, 12 // stride, 6 // stride)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((8, 8, 0), "stride must be 1, 2 or 3; got 0"),
        ((8, 8, 4), "stride must be 1, 2 or 3; got 4"),
        ((8, 16, 1), "got 8 and 16"),
        ((9, 9, 1), "got 9 and 9"),
    ],
)
def test_impossible_units_are_errors(arguments, text):
    with pytest.raises(ValueError, match=text):
        InvertedResidual(*arguments)


@pytest.mark.parametrize(
    ("repeats", "channels", "text"),
    [
        ([4, 8], [24, 48, 96, 192, 1024], r"stages_repeats takes three numbers; got \[4, 8\]"),
        ([4, 8, 4], [24, 48, 96, 192], "stages_out_channels takes five numbers; got"),
    ],
)
def test_impossible_networks_are_errors(repeats, channels, text):
    with pytest.raises(ValueError, match=text):
        ShuffleNetV2(repeats, channels)


def test_another_unit_may_be_given():
    made = []

    class Unit(InvertedResidual):
        def __init__(self, inp, oup, stride):
            super().__init__(inp, oup, stride)
            made.append((inp, oup, stride))

    network = get_model("shufflenet_v2_x0_5", inverted_residual=Unit)
    assert made == [
        *[(24, 48, 2), *[(48, 48, 1)] * 3],
        *[(48, 96, 2), *[(96, 96, 1)] * 7],
        *[(96, 192, 2), *[(192, 192, 1)] * 3],
    ]
    assert network.state_dict().keys() == get_model("shufflenet_v2_x0_5").state_dict().keys()
