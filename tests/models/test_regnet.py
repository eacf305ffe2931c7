"""What is particular to RegNet."""

import inspect
import math
from functools import partial

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.models import regnet
from multiweight.models.regnet import AnyStage, BlockParams, RegNet, ResBottleneckBlock, SimpleStemIN
from tests.models.twins import assert_twins
from tests.reference import torchvision

BUILDERS = [name for name in regnet.__all__ if name.startswith("regnet_")]
NUMBERS = {
    "depth": 8,
    "w_0": 32,
    "w_a": 9.5,
    "w_m": 2.1,
    "group_width": 8,
    "bottleneck_multiplier": 1.0,
    "se_ratio": None,
}


@settings(max_examples=300, deadline=None)
@given(
    depth=st.integers(1, 40),
    w_0=st.integers(1, 60).map(lambda eighth: 8 * eighth),
    w_a=st.floats(0, 300) | st.integers(0, 300),
    w_m=st.floats(1.01, 5) | st.integers(2, 9),
    group_width=st.integers(1, 300),
    bottleneck_multiplier=st.sampled_from([1.0, 0.5, 0.25, 2.0, 4.0]),
    se_ratio=st.none() | st.floats(0, 1),
)
# In these a block lies halfway between two widths, and the last bit decides.
@example(**NUMBERS | {"w_a": 32, "w_m": 4})
@example(**NUMBERS | {"w_0": 200, "w_a": 200 * (math.sqrt(1.44) - 1), "w_m": 1.44})
@example(**NUMBERS | {"w_0": 536, "w_a": 53.60000000000005, "w_m": 1.21})
def test_the_numbers_of_any_regnet_are_torchvisions(**arguments):
    expected = torchvision().models.regnet.BlockParams.from_init_params(**arguments)
    assert vars(BlockParams.from_init_params(**arguments)) == vars(expected)


@pytest.mark.parametrize("variant", BUILDERS)
def test_a_variant_has_its_four_stages_on_any_device(variant):
    with torch.device("meta"):
        network = getattr(regnet, variant)()
    assert [name for name, _ in network.trunk_output.named_children()] == ["block1", "block2", "block3", "block4"]
    assert all(type(stage) is AnyStage for stage in network.trunk_output)
    assert any("se" in name for name, _ in network.named_modules()) is variant.startswith("regnet_y")
    assert network.fc.weight.is_meta


SMALL = {"depth": 4, "w_0": 8, "w_a": 9.5, "w_m": 2.1, "group_width": 4}


@pytest.mark.parametrize("numbers", [{}, {"se_ratio": 0.25}, {"bottleneck_multiplier": 0.5, "se_ratio": 0.3}], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {"num_classes": 5, "stem_width": 12},
        {"norm_layer": partial(nn.BatchNorm2d, eps=0.1), "activation": nn.SiLU},
        {"norm_layer": partial(nn.GroupNorm, 2), "activation": nn.Hardswish},
        {"norm_layer": nn.Identity},
    ],
    ids=str,
)
def test_any_option_is_torchvisions(numbers, options):
    def make(family):
        return family.RegNet(family.BlockParams.from_init_params(**SMALL, **numbers), **options)

    assert_twins("regnet", make)


@pytest.mark.parametrize("variant", ["regnet_y_400mf", "regnet_x_400mf"])
def test_a_builder_passes_its_options_on(variant):
    class Stem(SimpleStemIN):
        pass

    class Block(ResBottleneckBlock):
        pass

    with torch.device("meta"):
        network = getattr(regnet, variant)(stem_type=Stem, block_type=Block, stem_width=40, activation=nn.SiLU)
    assert type(network.stem) is Stem
    assert network.stem.out_channels == 40
    assert {type(block) for stage in network.trunk_output for block in stage} == {Block}
    assert not any(isinstance(each, nn.ReLU) for each in network.modules())


def test_stages_may_be_given_one_by_one():
    def make(family):
        params = family.BlockParams([1, 2], [8, 24], [4, 6], [1.0, 0.5], [2, 1], se_ratio=0.5)
        return family.RegNet(params, num_classes=3)

    network = assert_twins("regnet", make)
    assert [name for name, _ in network.trunk_output.block2.named_children()] == ["block2-0", "block2-1"]
    assert network.trunk_output(torch.rand(1, 32, 8, 8)).shape == (1, 24, 4, 4)


def test_a_shortcut_is_projected_only_where_it_must_be():
    arguments = (nn.BatchNorm2d, nn.ReLU, 4)
    assert ResBottleneckBlock(8, 8, 1, *arguments).proj is None
    assert ResBottleneckBlock(8, 8, 2, *arguments).proj is not None
    assert ResBottleneckBlock(8, 16, 1, *arguments).proj is not None
    assert [name for name, _ in ResBottleneckBlock(8, 8, 1, *arguments, se_ratio=0.0).f.named_children()] == [*"abc"]


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"w_0": 0}, {"w_0": 12}, {"w_a": -0.1}, {"w_m": 1}], ids=str)
def test_impossible_parameters_are_an_error(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=rf"A RegNet has .*; got .*{name}={value}"):
        BlockParams.from_init_params(**SMALL | wrong)


def test_lists_of_several_lengths_are_an_error():
    with pytest.raises(ValueError, match=r"one number for each stage .*; got BlockParams\(depths=\[1, 2\]"):
        BlockParams([1, 2], [8], [4], [1.0], [2])


def test_the_convolutions_start_by_what_they_put_out_in_all_groups():
    network = RegNet(BlockParams([2], [96], [2], [1.0], [2]))
    grouped = network.trunk_output[0][1].f.b[0]
    assert grouped.groups == 48
    assert grouped.weight.std().item() == pytest.approx(math.sqrt(2 / (9 * 96)), rel=0.1)


def test_no_argument_is_swallowed():
    assert not any(
        each.kind is inspect.Parameter.VAR_KEYWORD
        for function in (RegNet, BlockParams, BlockParams.from_init_params)
        for each in inspect.signature(function).parameters.values()
    )
