"""What is particular to EfficientNet."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.models.efficientnet import (
    EfficientNet,
    FusedMBConv,
    FusedMBConvConfig,
    MBConv,
    MBConvConfig,
    efficientnet_b0,
    efficientnet_b5,
    efficientnet_v2_s,
)
from tests.models.twins import assert_twins


def test_all_options_are_torchvisions():
    options = {"dropout": 0.6, "stochastic_depth_prob": 0.8, "num_classes": 5, "norm_layer": partial(nn.GroupNorm, 2)}
    assert_twins("efficientnet", lambda family: family.efficientnet_b0(**options))


STAGE = st.fixed_dictionaries(
    {
        "expand_ratio": st.sampled_from([1, 4, 1.7]),
        "kernel": st.sampled_from([3, 5]),
        "stride": st.integers(1, 2),
        "out_channels": st.sampled_from([8, 16, 20]),
        "num_layers": st.integers(1, 3),
    }
)


@settings(max_examples=15, deadline=None)
@given(
    stages=st.lists(st.tuples(st.sampled_from(["MBConvConfig", "FusedMBConvConfig"]), STAGE), min_size=1, max_size=3),
    scale=st.fixed_dictionaries({"width_mult": st.floats(0.3, 2), "depth_mult": st.floats(0.3, 2)}),
    dropout=st.floats(0, 0.9),
    stochastic_depth_prob=st.floats(0, 1),
    last_channel=st.none() | st.integers(1, 20),
)
def test_any_stages_are_torchvisions(stages, scale, **arguments):
    def make(family):
        setting, channels = [], 8
        for kind, stage in stages:
            scaling = scale if kind == "MBConvConfig" else {}
            setting.append(getattr(family, kind)(input_channels=channels, **stage, **scaling))
            # Fused stages do not round, and so the next one has what this one gives, whatever that is.
            setting[-1].input_channels, channels = channels, setting[-1].out_channels
        return family.EfficientNet(setting, num_classes=3, **arguments)

    assert_twins("efficientnet", make, size=(3, 3, 20, 17))


def test_compound_scaling_multiplies_and_rounds():
    scaled = MBConvConfig(6, 5, 2, 40, 112, 3, width_mult=1.1, depth_mult=1.2)
    assert (scaled.input_channels, scaled.out_channels, scaled.num_layers) == (48, 120, 4)
    assert "out_channels=120, num_layers=4" in repr(scaled)
    assert scaled == MBConvConfig(6, 5, 2, 48, 120, 4)
    assert scaled.block is MBConv
    assert FusedMBConvConfig(4, 3, 2, 20, 36, 3).out_channels == 36


def test_a_block_is_left_out_more_often_the_deeper_it_is():
    with torch.device("meta"):
        network = efficientnet_v2_s(stochastic_depth_prob=0.4)
    blocks = [each for each in network.modules() if isinstance(each, MBConv | FusedMBConv)]
    assert [each.stochastic_depth.p for each in blocks] == [0.4 * number / 40 for number in range(40)]


@pytest.mark.parametrize("build", [efficientnet_b0, efficientnet_b5, efficientnet_v2_s])
def test_none_is_the_variants_own(build):
    with torch.device("meta"):
        assert repr(build(norm_layer=None, dropout=None, last_channel=None)) == repr(build())


@pytest.mark.parametrize("build", [efficientnet_b0, efficientnet_b5, efficientnet_v2_s])
def test_norm_and_last_channel_may_be_given(build):
    with torch.device("meta"):
        network = build(norm_layer=partial(nn.BatchNorm2d, eps=0.5), last_channel=64)
    assert {each.eps for each in network.modules() if isinstance(each, nn.BatchNorm2d)} == {0.5}
    assert network.features[-1].out_channels == network.classifier[-1].in_features == 64


def test_another_block_may_be_given_and_settings_used_again():
    seen = []

    class Block(MBConv):
        def __init__(self, cnf, stochastic_depth_prob, norm_layer):
            super().__init__(cnf, stochastic_depth_prob, norm_layer)
            seen.append((cnf.input_channels, cnf.out_channels, cnf.stride, stochastic_depth_prob))

    setting = [MBConvConfig(1, 3, 2, 8, 16, 3, block=Block), FusedMBConvConfig(4, 3, 2, 16, 24, 2, block=FusedMBConv)]
    for _ in range(2):
        EfficientNet(setting, dropout=0.1, stochastic_depth_prob=0.5)
        assert seen == [(8, 16, 2, 0.0), (16, 16, 1, 0.1), (16, 16, 1, 0.2)]
        seen.clear()


def test_the_identity_runs_beside_the_block_where_it_fits():
    x = torch.rand(2, 8, 6, 4)
    for block, config in ((MBConv, MBConvConfig), (FusedMBConv, FusedMBConvConfig)):
        for stride, out, fits in ((1, 8, True), (2, 8, False), (1, 16, False)):
            network = block(config(4, 3, stride, 8, out, 1), 0.0, nn.BatchNorm2d).eval()
            nn.init.zeros_(network.block[-1][1].weight)
            assert torch.equal(network(x), x if fits else torch.zeros(2, out, 6 // stride, 4 // stride))


@pytest.mark.parametrize(("block", "config"), [(MBConv, MBConvConfig), (FusedMBConv, FusedMBConvConfig)])
@pytest.mark.parametrize("stride", [0, 3])
def test_another_stride_is_an_error(block, config, stride):
    with pytest.raises(ValueError, match=f"stride must be 1 or 2; got {stride}"):
        block(config(4, 3, stride, 8, 8, 1), 0.0, nn.BatchNorm2d)


@pytest.mark.parametrize(
    ("setting", "error"),
    [([], ValueError), ([(1, 3)], TypeError), (MBConvConfig(1, 3, 1, 8, 8, 1), TypeError)],
    ids=["empty", "tuples", "no list"],
)
def test_a_network_takes_a_list_of_stages(setting, error):
    with pytest.raises(error, match="inverted_residual_setting takes .*; got "):
        EfficientNet(setting, dropout=0.2)
