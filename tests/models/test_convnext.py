"""What is particular to ConvNeXt."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.models import convnext
from multiweight.models.convnext import CNBlockConfig, ConvNeXt, LayerNorm2d
from tests.models.twins import assert_twins
from tests.reference import torchvision

BUILDERS = [name for name in convnext.__all__ if name.startswith("convnext_")]
STAGES = [(4, 6, 2), (6, 8, 1), (8, None, 2)]


@pytest.mark.parametrize("variant", BUILDERS)
def test_settings_without_tensors_are_torchvisions(variant):
    """Channels, numbers of blocks, the stochastic depth of every block."""
    with torch.device("meta"):
        assert repr(getattr(convnext, variant)()) == repr(getattr(torchvision().models, variant)())


@pytest.mark.parametrize("stages", [STAGES, [(4, None, 3)], [(4, 8, 1), (8, 12, 1)]], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {},
        # The initial factor is so small that hardly anything of the blocks would show.
        {"layer_scale": 0.5, "num_classes": 5},
        {"layer_scale": 2, "stochastic_depth_prob": 0.7},
        {"layer_scale": 0.5, "norm_layer": partial(nn.GroupNorm, 2)},
    ],
    ids=str,
)
def test_any_option_is_torchvisions(stages, options):
    def make(family):
        return family.ConvNeXt([family.CNBlockConfig(*stage) for stage in stages], **options)

    assert_twins("convnext", make, (4, 3, 35, 64))


def test_another_block_is_taken():
    def make(family):
        block = partial(family.CNBlock, norm_layer=partial(nn.LayerNorm, eps=0.5))
        settings = [family.CNBlockConfig(*stage) for stage in STAGES]
        return family.ConvNeXt(settings, layer_scale=0.5, block=block)

    assert_twins("convnext", make)


def test_a_single_block_has_no_stochastic_depth():
    network = ConvNeXt([CNBlockConfig(4, None, 1)], stochastic_depth_prob=0.5)
    assert network.features[1][0].stochastic_depth.p == 0.0


@pytest.mark.parametrize("stages", [[], None])
def test_no_stages_are_refused(stages):
    with pytest.raises(ValueError, match=r"at least one CNBlockConfig; got (\[\]|None)"):
        ConvNeXt(stages)


def test_other_stages_are_refused():
    with pytest.raises(TypeError, match=r"takes CNBlockConfigs; got \(4, None, 1\)"):
        ConvNeXt([CNBlockConfig(4, 4, 1), (4, None, 1)])


@settings(max_examples=20, deadline=None)
@given(
    size=st.tuples(*[st.integers(1, 6)] * 4),
    memory_format=st.sampled_from([torch.contiguous_format, torch.channels_last]),
    affine=st.booleans(),
)
def test_the_norm_sees_the_channels_of_each_pixel_alone(size, memory_format, affine):
    x = torch.rand(size).contiguous(memory_format=memory_format)
    norm = LayerNorm2d(size[1], eps=1e-6, elementwise_affine=affine)
    expected = (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + 1e-6).sqrt()
    torch.testing.assert_close(norm(x), expected, rtol=1e-4, atol=1e-4)
