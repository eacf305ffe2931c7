"""What is particular to the Swin Transformer for clips."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.models.video import SwinTransformer3d, swin_transformer
from multiweight.models.video.swin_transformer import (
    PatchEmbed3d,
    ShiftedWindowAttention3d,
    shifted_window_attention_3d,
)
from tests.models.twins import assert_same_tensors, assert_twins
from tests.reference import torchvision

BUILDERS = [name for name in swin_transformer.__all__ if name.startswith("swin3d_")]
SMALL = {
    "patch_size": [2, 2, 3],
    "embed_dim": 8,
    "depths": [2, 3],
    "num_heads": [2, 4],
    "window_size": [2, 3, 4],
}


@pytest.mark.parametrize("variant", BUILDERS)
def test_settings_without_tensors_are_torchvisions(variant):
    """Channels, heads, numbers of blocks, the stochastic depth of every block; windows, which no repr shows."""
    with torch.device("meta"):
        ours, expected = (
            getattr(package, variant)() for package in (swin_transformer, torchvision().models.video.swin_transformer)
        )
    assert repr(ours) == repr(expected)

    def windows(network):
        attentions = [module for module in network.modules() if hasattr(module, "shift_size")]
        return [(module.window_size, module.shift_size, module.num_heads) for module in attentions]

    assert windows(ours) == windows(expected) != []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dropout": 0.2, "attention_dropout": 0.3, "stochastic_depth_prob": 0.6},
        {"mlp_ratio": 1.5, "num_classes": 5, "norm_layer": partial(nn.LayerNorm, eps=0.1)},
        {"window_size": [3, 2, 2], "depths": [3, 1], "patch_size": [1, 4, 4]},
    ],
    ids=str,
)
def test_any_option_is_torchvisions(options):
    def make(family):
        return family.SwinTransformer3d(**{**SMALL, **options})

    assert_twins("video.swin_transformer", make, (2, 3, 7, 25, 34))


@pytest.mark.parametrize(
    "size",
    [(8, 24, 48), (9, 25, 49), (2, 24, 48), (12, 4, 40), (12, 30, 6), (4, 6, 9), (1, 1, 1)],
    ids=["even", "odd", "one frame", "flat", "high", "small", "one"],
)
def test_clips_of_any_size_are_torchvisions(size):
    """Windows that do not fill the clip, and clips that do not fill a window."""
    assert_twins("video.swin_transformer", lambda family: family.SwinTransformer3d(**SMALL), (2, 3, *size))


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 7), st.integers(1, 7)),
    window=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)),
    shift=st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3)),
    heads=st.integers(1, 3),
    biases=st.booleans(),
    dropout=st.sampled_from([0.0, 0.4]),
)
def test_the_attention_function_is_torchvisions(size, window, shift, heads, biases, dropout):
    shift = [min(pair) for pair in zip(shift, (side - 1 for side in window), strict=True)]
    channels, length = 4 * heads, window[0] * window[1] * window[2]
    tensors = [torch.randn(*size, channels), torch.randn(3 * channels, channels), torch.randn(channels, channels)]
    tensors += [torch.randn(1, heads, length, length)]
    named = {"qkv_bias": torch.randn(3 * channels), "proj_bias": torch.randn(channels)} if biases else {}
    outcomes = []
    reference = torchvision().models.video.swin_transformer.shifted_window_attention_3d
    for function in (shifted_window_attention_3d, reference):
        inputs = [tensor.clone().requires_grad_() for tensor in tensors]
        inputs_by_name = {name: tensor.clone().requires_grad_() for name, tensor in named.items()}
        torch.manual_seed(0)
        answer = function(*inputs, list(window), heads, shift, dropout, dropout, **inputs_by_name)
        answer.square().sum().backward()
        gradients = [tensor.grad for tensor in (*inputs, *inputs_by_name.values())]
        outcomes.append(enumerate([answer, torch.rand(1), *gradients]))
    assert_same_tensors(*outcomes)


@settings(max_examples=20, deadline=None)
@given(window=st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)))
def test_the_tables_of_any_window_are_torchvisions(window):
    ours, expected = (
        package.ShiftedWindowAttention3d(2, list(window), [0, 0, 0], 1)
        for package in (swin_transformer, torchvision().models.video.swin_transformer)
    )
    assert_same_tensors(ours.named_buffers(), expected.named_buffers())
    with torch.no_grad():
        expected.relative_position_bias_table.copy_(ours.relative_position_bias_table)
    smaller = [max(side - 1, 1) for side in window]
    assert torch.equal(ours.get_relative_position_bias(smaller), expected.get_relative_position_bias(smaller))


@settings(max_examples=20, deadline=None)
@given(st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)))
def test_patches_that_are_not_whole_are_filled(size):
    def make(family):
        return Flat(family.PatchEmbed3d([2, 3, 4], 3, 5, nn.LayerNorm))

    assert_twins("video.swin_transformer", make, (2, 3, *size))
    patches = PatchEmbed3d([2, 3, 4], 3, 5)(torch.rand(2, 3, *size))
    assert patches.shape == (2, *(-(-side // step) for side, step in zip(size, (2, 3, 4), strict=True)), 5)


class Flat(nn.Module):
    """Layers whose answer is made one row a clip."""

    def __init__(self, layers):
        super().__init__()
        self.layers = layers

    def forward(self, x):
        return self.layers(x).flatten(1)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
def test_a_scripted_network_takes_clips_of_any_size():
    network = SwinTransformer3d(**SMALL).eval()
    scripted = torch.jit.script(network)
    for size in ((8, 24, 48), (9, 25, 49), (12, 4, 40), (4, 6, 9)):
        clips = torch.rand(2, 3, *size)
        with torch.no_grad():
            assert torch.equal(scripted(clips), network(clips))


def test_an_exported_network_takes_longer_and_larger_clips():
    network = SwinTransformer3d(**{**SMALL, "depths": [2, 2]}).eval()
    auto = torch.export.Dim.AUTO
    size = {0: torch.export.Dim("N"), 2: auto, 3: auto, 4: auto}
    program = torch.export.export(network, (torch.rand(2, 3, 9, 25, 49),), dynamic_shapes=(size,)).module()
    for shape in ((1, 3, 12, 28, 58), (3, 3, 11, 31, 60)):
        clips = torch.rand(shape)
        with torch.no_grad():
            assert torch.equal(program(clips), network(clips))


def test_a_single_block_has_no_stochastic_depth():
    network = SwinTransformer3d([2, 4, 4], 8, [1], [2], [2, 3, 3], stochastic_depth_prob=0.5)
    assert network.features[0][0].stochastic_depth.p == 0.0


def test_pictures_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"takes clips of shape \(N, 3, T, H, W\); got \(2, 3, 9, 9\)"):
        SwinTransformer3d(**SMALL)(torch.rand(2, 3, 9, 9))


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"num_heads": [2]}, r"one number a stage; got \[2, 3\] and \[2\]"),
        ({"num_heads": [3, 4]}, "dim must be a multiple of num_heads; got 8 and 3"),
        ({"window_size": [3, 3]}, r"take three numbers each; got \[3, 3\] and \[0, 0, 0\]"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        SwinTransformer3d(**{**SMALL, **wrong})


def test_a_bias_has_one_number_for_each_head_and_offset():
    attention = ShiftedWindowAttention3d(8, [2, 3, 4], [0, 0, 0], 2)
    assert attention.relative_position_bias_table.shape == (3 * 5 * 7, 2)
    assert attention.get_relative_position_bias([2, 3, 4]).shape == (1, 2, 24, 24)
    assert attention.get_relative_position_bias([1, 3, 4]).shape == (1, 2, 12, 12)
