"""What is particular to MaxViT."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.models import maxvit
from multiweight.models.maxvit import (
    MaxVit,
    MaxVit_T_Weights,
    MaxVitBlock,
    PartitionAttentionLayer,
    RelativePositionalMultiHeadAttention,
    SwapAxes,
    WindowDepartition,
    WindowPartition,
    maxvit_t,
)
from tests.models.twins import assert_twins
from tests.reference import torchvision

SMALL = {
    "input_size": (48, 48),
    "stem_channels": 4,
    "partition_size": 3,
    "block_channels": [6, 12],
    "block_layers": [1, 2],
    "head_dim": 3,
    "stochastic_depth_prob": 0.4,
    "num_classes": 5,
}


def test_settings_without_tensors_are_torchvisions():
    """Channels, numbers of layers, epsilons, the stochastic depth of every part."""
    with torch.device("meta"):
        assert repr(maxvit_t()) == repr(torchvision().models.maxvit_t())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mlp_dropout": 0.2, "attention_dropout": 0.3},
        {"squeeze_ratio": 0.5, "expansion_ratio": 1.5, "mlp_ratio": 2, "activation_layer": nn.SiLU},
        {"norm_layer": partial(nn.BatchNorm2d, eps=0.1)},
        {"stem_channels": 6, "block_channels": [6], "block_layers": [1]},
    ],
    ids=str,
)
def test_any_option_is_torchvisions(options):
    assert_twins("maxvit", lambda family: family.MaxVit(**{**SMALL, **options}), (4, 3, 48, 48))


@pytest.mark.parametrize("size", [(47, 48), (45, 46)])
def test_pictures_that_lead_to_the_same_features_are_taken(size):
    assert_twins("maxvit", lambda family: family.MaxVit(**SMALL), (2, 3, *size))


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
def test_a_picture_of_another_size_is_refused():
    network = MaxVit(**SMALL).eval()
    text = "input_size leads to 12 x 12 features here; got 24 x 6"
    with pytest.raises(AssertionError, match=text):
        network(torch.rand(1, 3, 96, 24))
    with pytest.raises(torch.jit.Error, match=text):
        torch.jit.script(network)(torch.rand(1, 3, 96, 24))


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"input_size": (48, 40)}, r"\(48, 40\) the stages see 12 × 10, 6 × 5 features; .* of partition_size=3"),
        ({"input_size": (48, 96)}, r"as many rows as columns of features; got grid_size=\(12, 24\)"),
        ({"head_dim": 4}, "feat_dim must be a multiple of head_dim; got 6 and 4"),
        ({"block_layers": [1]}, r"one number a stage; got \[6, 12\] and \[1\]"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        MaxVit(**{**SMALL, **wrong})


def test_parts_refuse_what_does_not_go_together():
    with pytest.raises(ValueError, match="max_seq_len must be a square; got 8"):
        RelativePositionalMultiHeadAttention(4, 2, 8)
    rest = (1, nn.GELU, nn.LayerNorm, 0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="partition_type is 'window' or 'grid'; got 'row'"):
        PartitionAttentionLayer(4, 2, 3, "row", (6, 6), *rest)
    with pytest.raises(ValueError, match=r"partition_size must divide grid_size; got 4 and \(6, 6\)"):
        PartitionAttentionLayer(4, 2, 4, "window", (6, 6), *rest)
    with pytest.raises(ValueError, match=r"one number a layer, 2; got \[0.1\]"):
        MaxVitBlock(4, 4, 0.25, 4, nn.BatchNorm2d, nn.GELU, 2, 1, 0.0, 0.0, 3, (12, 12), 2, [0.1])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 2), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_windows_hold_neighbours_and_grids_do_not(n, channels, p, down, across):
    x = torch.rand(n, channels, p * down, p * across)
    windows = WindowPartition()(x, p)
    assert torch.equal(windows[:, 0], x[:, :, :p, :p].flatten(2).transpose(1, 2))
    assert torch.equal(WindowDepartition()(windows, p, down, across), x)
    # What has the same place in every window is p pixels apart.
    grid = SwapAxes(-2, -3)(windows)
    assert torch.equal(grid[:, 0], x[:, :, ::p, ::p].flatten(2).transpose(1, 2))


@pytest.mark.parametrize("partition_type", ["window", "grid"])
def test_attention_stays_inside_of_its_partition(partition_type):
    layer = PartitionAttentionLayer(4, 2, 3, partition_type, (6, 6), 1, nn.GELU, nn.LayerNorm, 0.0, 0.0, 0.0)
    x = torch.rand(1, 4, 6, 6, requires_grad=True)
    layer(x)[0, :, 0, 0].sum().backward()
    seen = x.grad[0].ne(0).any(0)
    expected = torch.zeros(6, 6, dtype=torch.bool)
    if partition_type == "window":
        expected[:3, :3] = True
    else:
        expected[::2, ::2] = True
    assert torch.equal(seen, expected)


def test_weights_decide_on_the_size_of_pictures(monkeypatch):
    monkeypatch.setattr(maxvit, "build", lambda *_, **options: options)
    assert maxvit_t()["input_size"] == (224, 224)
    assert maxvit_t(input_size=(448, 448), stochastic_depth_prob=0.5)["stochastic_depth_prob"] == 0.5
    entry = MaxVit_T_Weights.IMAGENET1K_V1
    options = maxvit_t(weights=entry, mlp_dropout=0.1)
    assert options.items() >= {"input_size": (224, 224), "mlp_dropout": 0.1, "stochastic_depth_prob": 0.2}.items()
    with pytest.raises(ValueError, match=r"IMAGENET1K_V1 has input_size=\(224, 224\); got input_size=\(448, 448\)"):
        maxvit_t(weights=entry, input_size=(448, 448))
