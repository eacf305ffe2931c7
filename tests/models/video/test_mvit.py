"""What is particular to multiscale vision transformers."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.models.video import mvit, mvit_v1_b, mvit_v2_s
from multiweight.models.video.mvit import MSBlockConfig, MViT, Pool
from tests.models.twins import assert_same_tensors, assert_twins
from tests.reference import torchvision

FIRST = [
    (1, 8, 16, [], [3, 3, 3], [], [1, 4, 4]),
    (2, 16, 16, [3, 3, 3], [3, 3, 3], [1, 2, 2], [1, 2, 2]),
    (2, 16, 32, [], [], [], []),
    (4, 32, 32, [3, 3, 3], [3, 3, 3], [2, 2, 2], [1, 1, 1]),
]
SECOND = [
    (1, 8, 8, [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 4, 4]),
    (2, 8, 16, [3, 3, 3], [3, 3, 3], [1, 2, 2], [1, 2, 2]),
    (2, 16, 16, [], [], [], []),
    (4, 16, 32, [1, 3, 3], [3, 3, 3], [2, 2, 2], [1, 1, 1]),
]
SIZE = {"spatial_size": (32, 32), "temporal_size": 4}
PLAIN = dict.fromkeys(("residual_pool", "residual_with_cls_embed", "rel_pos_embed", "proj_after_attn"), False)


def network_of(family, rows, **options):
    blocks = [family.MSBlockConfig(*row) for row in rows]
    return family.MViT(**{"block_setting": blocks, "num_classes": 3, **SIZE, **PLAIN, **options})


@pytest.mark.parametrize("variant", ["mvit_v1_b", "mvit_v2_s"])
def test_settings_without_tensors_are_torchvisions(variant):
    """Kernels and strides of every pooling, stochastic depth, heads, scale."""
    networks = []
    for package in (mvit, torchvision().models.video.mvit):
        with torch.device("meta"):
            networks.append(getattr(package, variant)())
    assert repr(networks[0]) == repr(networks[1])
    names = ("num_heads", "head_dim", "scaler", "embed_dim", "output_dim", "residual_pool", "residual_with_cls_embed")
    numbers = [[[getattr(block.attn, name) for name in names] for block in network.blocks] for network in networks]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("residual", [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("rows", [FIRST, SECOND], ids=["first", "second"])
def test_any_kind_is_torchvisions(rows, relative, residual):
    options = {
        "residual_pool": residual[0],
        "residual_with_cls_embed": residual[1],
        "rel_pos_embed": relative,
        "proj_after_attn": rows is SECOND,
    }
    assert_twins("video.mvit", lambda family: network_of(family, rows, **options), (2, 3, 4, 32, 32))


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.1, "attention_dropout": 0.2, "stochastic_depth_prob": 0.5},
        {"norm_layer": partial(nn.LayerNorm, eps=0.1), "num_classes": 7},
        {"norm_layer": partial(nn.LayerNorm, elementwise_affine=False)},
        {"spatial_size": (52, 76), "temporal_size": 6},
        {"patch_embed_kernel": (1, 5, 5), "patch_embed_stride": (1, 4, 2), "patch_embed_padding": (0, 2, 2)},
    ],
    ids=str,
)
@pytest.mark.parametrize("rows", [FIRST, SECOND], ids=["first", "second"])
def test_any_option_is_torchvisions(rows, options):
    """Sizes that a stride does not divide too: then the tables of offsets are stretched."""
    given = {"rel_pos_embed": rows is SECOND, "proj_after_attn": rows is SECOND, "residual_pool": True, **options}
    size = {**SIZE, **options}
    clips = (2, 3, size["temporal_size"], *size["spatial_size"])
    assert_twins("video.mvit", lambda family: network_of(family, rows, **given), clips)


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(2, 4), st.integers(4, 9), st.integers(4, 9)),
    stride_q=st.sampled_from([[], [1, 1, 1], [1, 2, 2], [2, 1, 2]]),
    stride_kv=st.sampled_from([[], [1, 1, 1], [1, 2, 2], [2, 3, 1]]),
    kernel=st.sampled_from([[1, 1, 1], [3, 3, 3], [1, 3, 5]]),
    heads=st.integers(1, 2),
    residual=st.booleans(),
)
def test_any_attention_is_torchvisions(size, stride_q, stride_kv, kernel, heads, residual):
    kernels = [kernel if stride else [] for stride in (stride_q, stride_kv)]
    outcomes = []
    x = torch.rand(2, 1 + size[0] * size[1] * size[2], 6)
    for family in (mvit, torchvision().models.video.mvit):
        torch.manual_seed(0)
        attention = family.MultiscaleAttention(
            list(size), 6, 4 * heads, heads, *kernels, stride_q, stride_kv, True, residual, True
        )
        answer, thw = attention(x, size)
        answer.square().sum().backward()
        outcomes.append((thw, [("answer", answer), *((key, each.grad) for key, each in attention.named_parameters())]))
    (ours, tensors), (expected, others) = outcomes
    assert tuple(ours) == tuple(expected)
    assert_same_tensors(tensors, others)


@pytest.mark.parametrize("before", [True, False])
def test_any_pooling_is_torchvisions(before):
    x = torch.randn(2, 3, 1 + 2 * 4 * 6, 8)
    for parts in ((None, None), (None, nn.ReLU()), (nn.BatchNorm3d(8) if before else nn.LayerNorm(8), nn.ReLU())):
        ours, expected = (
            family.Pool(nn.MaxPool3d((1, 2, 2)), *parts, norm_before_pool=before).eval()
            for family in (mvit, torchvision().models.video.mvit)
        )
        for positions in (x, x[:, 0]):
            answer, thw = ours(positions, (2, 4, 6))
            other, others_thw = expected(positions, (2, 4, 6))
            assert thw == tuple(others_thw) == (2, 2, 3)
            assert torch.equal(answer, other)


def test_pooling_lets_the_class_pass():
    x = torch.randn(2, 1 + 4 * 4, 8)
    pooled, _ = Pool(nn.AvgPool3d((1, 2, 2)), None)(x, (1, 4, 4))
    assert pooled.shape == (2, 1 + 2 * 2, 8)
    assert torch.equal(pooled[:, 0], x[:, 0])


def test_pictures_are_clips_of_one_frame():
    def make(family):
        rows = [(1, 8, 8, [], [1, 3, 3], [], [1, 2, 2]), (2, 8, 16, [1, 3, 3], [1, 3, 3], [1, 2, 2], [1, 1, 1])]
        embed = {"patch_embed_kernel": (1, 7, 7), "patch_embed_stride": (1, 4, 4), "patch_embed_padding": (0, 3, 3)}
        return network_of(family, rows, temporal_size=1, proj_after_attn=True, **embed)

    network = assert_twins("video.mvit", make, (2, 3, 32, 32))
    pictures = torch.rand(2, 3, 32, 32)
    assert torch.equal(network(pictures), network(pictures.unsqueeze(2)))


@pytest.mark.parametrize("shape", [(2, 3, 8, 224, 224), (2, 3, 16, 224, 200), (2, 3, 224, 224), (3, 16, 224)], ids=str)
@pytest.mark.parametrize("build", [mvit_v1_b, mvit_v2_s])
def test_clips_of_another_size_are_refused_in_a_sentence(build, shape):
    with torch.device("meta"), pytest.raises(ValueError, match=r"takes clips of 16 frames of 224×224 pixels.*got \("):
        build()(torch.empty(shape))


@pytest.mark.parametrize("build", [mvit_v1_b, mvit_v2_s])
def test_a_variant_can_be_built_for_clips_of_another_size(build):
    with torch.device("meta"):
        network = build(spatial_size=(96, 128), temporal_size=8, num_classes=5).eval()
        assert network(torch.empty(2, 3, 8, 96, 128)).shape == (2, 5)


def test_a_setting_without_blocks_is_refused():
    with pytest.raises(ValueError, match="at least one MSBlockConfig"):
        network_of(mvit, [])


def test_one_block_has_no_stochastic_depth():
    network = MViT(block_setting=[MSBlockConfig(1, 8, 8, [], [], [], [])], stochastic_depth_prob=0.5, **SIZE, **PLAIN)
    assert network.blocks[0].stochastic_depth.p == 0.0
