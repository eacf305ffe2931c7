"""What is particular to Swin Transformer."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from torch import nn

from multiweight.layers.relative_position import relative_position_index
from multiweight.models import swin_transformer
from multiweight.models.swin_transformer import (
    PatchMerging,
    PatchMergingV2,
    ShiftedWindowAttention,
    ShiftedWindowAttentionV2,
    SwinTransformer,
    SwinTransformerBlock,
    SwinTransformerBlockV2,
    shifted_window_attention,
    swin_v2_t,
)
from tests.models.twins import assert_same_tensors, assert_twins
from tests.reference import torchvision

BUILDERS = [name for name in swin_transformer.__all__ if name.startswith("swin_")]
SMALL = {"patch_size": [2, 3], "embed_dim": 8, "depths": [2, 3], "num_heads": [2, 4], "window_size": [3, 4]}
VERSIONS = ["", "V2"]


def swin(family, version, **options):
    block = getattr(family, f"SwinTransformerBlock{version}")
    merging = getattr(family, f"PatchMerging{version}")
    return family.SwinTransformer(**{**SMALL, "block": block, "downsample_layer": merging, **options})


@pytest.mark.parametrize("variant", BUILDERS)
def test_settings_without_tensors_are_torchvisions(variant):
    """Channels, heads, numbers of blocks, the stochastic depth of every block; windows, which no repr shows."""
    with torch.device("meta"):
        ours, expected = getattr(swin_transformer, variant)(), getattr(torchvision().models, variant)()
    assert repr(ours) == repr(expected)

    def windows(network):
        attentions = [module for module in network.modules() if hasattr(module, "shift_size")]
        return [(module.window_size, module.shift_size, module.num_heads) for module in attentions]

    assert windows(ours) == windows(expected) != []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dropout": 0.2, "attention_dropout": 0.3, "stochastic_depth_prob": 0.6},
        {"mlp_ratio": 1.5, "num_classes": 5, "norm_layer": partial(nn.LayerNorm, eps=0.1)},
        {"window_size": [2, 2], "depths": [3, 1]},
    ],
    ids=str,
)
def test_any_option_is_torchvisions(version, options):
    assert_twins("swin_transformer", lambda family: swin(family, version, **options))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "size", [(24, 48), (25, 49), (4, 60), (60, 6), (4, 6), (2, 3)], ids=["even", "odd", "flat", "high", "small", "one"]
)
def test_pictures_of_any_size_are_torchvisions(version, size):
    """Windows that do not fill the picture, and pictures that do not fill a window."""
    assert_twins("swin_transformer", lambda family: swin(family, version), (2, 3, *size))


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 2), st.integers(1, 11), st.integers(1, 11)),
    window=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    shift=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    heads=st.integers(1, 3),
    biases=st.booleans(),
    cosine=st.booleans(),
    dropout=st.sampled_from([0.0, 0.4]),
)
def test_the_attention_function_is_torchvisions(size, window, shift, heads, biases, cosine, dropout):
    shift = [min(pair) for pair in zip(shift, (side - 1 for side in window), strict=True)]
    channels, length = 4 * heads, window[0] * window[1]
    tensors = [torch.randn(*size, channels), torch.randn(3 * channels, channels), torch.randn(channels, channels)]
    tensors += [torch.randn(1, heads, length, length)]
    named = {}
    if biases:
        named.update(qkv_bias=torch.randn(3 * channels), proj_bias=torch.randn(channels))
    if cosine:
        named.update(logit_scale=4 * torch.randn(heads, 1, 1))
    outcomes = []
    for function in (shifted_window_attention, torchvision().models.swin_transformer.shifted_window_attention):
        inputs = [tensor.clone().requires_grad_() for tensor in tensors]
        inputs_by_name = {name: tensor.clone().requires_grad_() for name, tensor in named.items()}
        torch.manual_seed(0)
        answer = function(*inputs, list(window), heads, shift, dropout, dropout, **inputs_by_name)
        answer.square().sum().backward()
        gradients = [tensor.grad for tensor in (*inputs, *inputs_by_name.values())]
        outcomes.append(enumerate([answer, torch.rand(1), *gradients]))
    assert_same_tensors(*outcomes)


@settings(max_examples=30, deadline=None)
@given(window=st.tuples(st.integers(2, 9), st.integers(2, 9)))
@pytest.mark.parametrize("version", VERSIONS)
def test_the_tables_of_any_window_are_torchvisions(version, window):
    name = f"ShiftedWindowAttention{version}"
    arguments = (2, list(window), [0, 0], 1)
    ours = getattr(swin_transformer, name)(*arguments)
    expected = getattr(torchvision().models.swin_transformer, name)(*arguments)
    assert_same_tensors(ours.named_buffers(), expected.named_buffers())


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_an_offset_has_one_number_and_a_number_one_offset(size):
    places = torch.cartesian_prod(*map(torch.arange, size)).reshape(-1, len(size))
    offsets = (places[:, None] - places).flatten(0, 1).tolist()
    numbers = relative_position_index(*size).flatten().tolist()
    assert (
        len(set(zip(map(tuple, offsets), numbers, strict=True))) == len(set(numbers)) == len(set(map(tuple, offsets)))
    )
    assert set(numbers) == set(range(torch.tensor(size).mul(2).sub(1).prod()))


def test_every_block_has_tables_of_its_own():
    """Formats that refuse tensors with common memory can save a new network."""
    assert len(save(swin(swin_transformer, "V2").state_dict())) > 0


def test_a_bias_of_keys_is_no_part_of_the_cosine():
    attention = ShiftedWindowAttentionV2(8, [2, 2], [1, 1], 2)
    x = torch.rand(1, 4, 4, 8)
    assert attention.qkv.bias[8:16].eq(0).all()
    assert attention.qkv.bias[:8].ne(0).all()
    before = attention(x)
    with torch.no_grad():
        attention.qkv.bias[8:16] = 5.0
    assert torch.equal(attention(x), before)
    attention(x).square().sum().backward()
    assert attention.qkv.bias.grad[8:16].eq(0).all()
    assert attention.qkv.bias.grad[16:].ne(0).all()


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_scripted_network_takes_pictures_of_any_size(version):
    network = swin(swin_transformer, version).eval()
    scripted = torch.jit.script(network)
    for size in ((24, 48), (25, 49), (4, 60), (4, 6)):
        pictures = torch.rand(2, 3, *size)
        with torch.no_grad():
            assert torch.equal(scripted(pictures), network(pictures))


def test_a_single_block_has_no_stochastic_depth():
    network = SwinTransformer([4, 4], 8, [1], [2], [3, 3], stochastic_depth_prob=0.5)
    assert network.features[1][0].stochastic_depth.p == 0.0


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"num_heads": [2]}, r"one number a stage; got \[2, 3\] and \[2\]"),
        ({"num_heads": [3, 4]}, "dim must be a multiple of num_heads; got 8 and 3"),
        ({"window_size": [3]}, r"take two numbers each; got \[3\] and \[0, 0\]"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        SwinTransformer(**{**SMALL, **wrong})


def test_the_second_version_has_its_own_parts():
    with torch.device("meta"):
        network = swin_v2_t(block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2)
    assert not any(type(module) in (ShiftedWindowAttention, PatchMerging) for module in network.modules())
    with pytest.raises(ValueError, match=r"swin_v2_t has block=.*V2'>; got block=.*SwinTransformerBlock'>"):
        swin_v2_t(block=SwinTransformerBlock)
