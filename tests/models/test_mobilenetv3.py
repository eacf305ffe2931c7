"""What is particular to MobileNetV3."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.catalogue import WeightsEnum
from multiweight.errors import MismatchError
from multiweight.models.mobilenetv3 import (
    InvertedResidual,
    InvertedResidualConfig,
    MobileNetV3,
    mobilenet_v3_large,
    mobilenet_v3_small,
)
from tests.models.twins import assert_twins

BUILDERS = [mobilenet_v3_large, mobilenet_v3_small]


@pytest.mark.parametrize("variant", ["mobilenet_v3_large", "mobilenet_v3_small"])
@pytest.mark.parametrize(
    "options",
    [
        {"width_mult": 0.75, "dilated": True, "num_classes": 5},
        {"reduced_tail": True, "dropout": 0.6, "norm_layer": partial(nn.GroupNorm, 2)},
    ],
    ids=str,
)
def test_any_option_is_torchvisions(variant, options):
    assert_twins("mobilenetv3", lambda family: getattr(family, variant)(**options))


BLOCK = st.fixed_dictionaries(
    {
        "kernel": st.sampled_from([3, 5]),
        "expanded_channels": st.integers(8, 40),
        "out_channels": st.sampled_from([8, 16, 20]),
        "use_se": st.booleans(),
        "activation": st.sampled_from(["HS", "RE"]),
        "stride": st.integers(1, 2),
        "dilation": st.integers(1, 3),
    }
)


@settings(max_examples=15, deadline=None)
@given(blocks=st.lists(BLOCK, min_size=1, max_size=3), width_mult=st.floats(0.5, 2), last=st.integers(1, 30))
def test_any_blocks_are_torchvisions(blocks, width_mult, last):
    def make(family):
        setting, channels = [], 16
        for block in blocks:
            setting.append(family.InvertedResidualConfig(input_channels=channels, width_mult=width_mult, **block))
            channels = block["out_channels"]
        return family.MobileNetV3(setting, last, num_classes=3)

    assert_twins("mobilenetv3", make)


@pytest.mark.parametrize("build", BUILDERS)
def test_dilation_keeps_a_sixteenth_of_height_and_width(build):
    with torch.device("meta"):
        pictures = torch.empty(1, 3, 64, 96)
        plain, dilated = (build(dilated=dilated).features(pictures) for dilated in (False, True))
    assert plain.shape[2:] == (2, 3)
    assert dilated.shape == (*plain.shape[:2], 4, 6)


@pytest.mark.parametrize("build", BUILDERS)
def test_reducing_halves_the_tail(build):
    with torch.device("meta"):
        plain, reduced = build(), build(reduced_tail=True)
    channels = [[layer.out_channels for layer in network.features] for network in (plain, reduced)]
    assert channels[1][:-4] == channels[0][:-4]
    assert channels[1][-4:] == [number // 2 for number in channels[0][-4:]]
    assert reduced.classifier[0].out_features == plain.classifier[0].out_features // 2


@pytest.mark.parametrize(("build", "marked"), [(mobilenet_v3_large, [2, 4, 7, 13]), (mobilenet_v3_small, [1, 2, 4, 9])])
def test_blocks_that_make_the_picture_smaller_are_marked(build, marked):
    with torch.device("meta"):
        for network in (build(), build(dilated=True)):
            assert [i for i, layer in enumerate(network.features) if getattr(layer, "_is_cn", False)] == marked


def test_a_published_file_fits_dilated_but_not_narrowed(monkeypatch):
    tensors = mobilenet_v3_small().state_dict()
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, *, progress=True, check_hash=True: tensors)
    network = mobilenet_v3_small(weights="DEFAULT", dilated=True)
    assert all(torch.equal(tensor, tensors[key]) for key, tensor in network.state_dict().items())
    for options in ({"width_mult": 0.5}, {"reduced_tail": True}):
        with pytest.raises(MismatchError, match="misshapen"):
            mobilenet_v3_small(weights="DEFAULT", **options)


def config(**changes):
    arguments = {"input_channels": 16, "kernel": 3, "expanded_channels": 16, "out_channels": 16, "use_se": True}
    arguments |= {"activation": "RE", "stride": 1, "dilation": 1, "width_mult": 1.0}
    return InvertedResidualConfig(**arguments | changes)


def test_a_block_is_made_of_what_its_numbers_say():
    block = InvertedResidual(config(expanded_channels=64, kernel=5, activation="HS"), nn.BatchNorm2d)
    expand, depthwise, excitation, project = block.block
    assert [type(layers[-1]) for layers in (expand, depthwise, project)] == [nn.Hardswish, nn.Hardswish, nn.BatchNorm2d]
    assert (depthwise[0].groups, depthwise[0].kernel_size) == (64, (5, 5))
    assert excitation.fc1.out_channels == 16
    assert isinstance(excitation.scale_activation, nn.Hardsigmoid)
    assert len(InvertedResidual(config(use_se=False), nn.BatchNorm2d).block) == 2


@pytest.mark.parametrize("stride", [0, 3])
def test_another_stride_is_an_error(stride):
    with pytest.raises(ValueError, match=f"stride must be 1 or 2; got {stride}"):
        InvertedResidual(config(stride=stride), nn.BatchNorm2d)


@pytest.mark.parametrize(
    ("setting", "error"), [([], ValueError), ([(16, 3)], TypeError), ({config()}, TypeError), (config(), TypeError)]
)
def test_a_network_takes_a_list_of_configurations(setting, error):
    with pytest.raises(error, match=r"inverted_residual_setting takes .* InvertedResidualConfig; got "):
        MobileNetV3(setting, 64)
