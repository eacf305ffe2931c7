"""The pyramid's extra levels, its older files and its mistakes."""

import pytest
import torch
from torch import nn

from multiweight.layers import ExtraFPNBlock, FeaturePyramidNetwork, FrozenBatchNorm2d, LastLevelMaxPool, LastLevelP6P7


def features():
    return {name: torch.rand(1, channels, size, size + 1) for name, channels, size in (("a", 4, 17), ("b", 6, 9))}


@pytest.mark.parametrize(
    ("extra", "sizes"),
    [(None, [17, 9]), (LastLevelMaxPool(), [17, 9, 5]), (LastLevelP6P7(6, 5), [17, 9, 5, 3])],
)
def test_levels(extra, sizes):
    names = ["a", "b", "pool"] if isinstance(extra, LastLevelMaxPool) else ["a", "b", "p6", "p7"]
    levels = FeaturePyramidNetwork([4, 6], 5, extra)(features())
    assert list(levels) == names[: len(sizes)]
    assert [level.shape[2] for level in levels.values()] == sizes
    assert {level.shape[1] for level in levels.values()} == {5}


def test_files_of_the_first_version_load():
    network = FeaturePyramidNetwork([4, 6], 5)
    old = {}
    for key, value in network.state_dict().items():
        blocks, index, _, kind = key.split(".")
        old[f"{blocks}.{index}.{kind}"] = value
    assert set(old) != set(network.state_dict())
    other = FeaturePyramidNetwork([4, 6], 5)
    other.load_state_dict(old)
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in network.state_dict().items())


def test_mistakes_get_sentences():
    with pytest.raises(ValueError, match=r"in_channels_list is \[4, 0\]"):
        FeaturePyramidNetwork([4, 0], 5)
    with pytest.raises(TypeError, match="ExtraFPNBlock or None; got ReLU"):
        FeaturePyramidNetwork([4], 5, nn.ReLU())
    with pytest.raises(NotImplementedError, match="ExtraFPNBlock says nowhere"):
        FeaturePyramidNetwork([4, 6], 5, ExtraFPNBlock())(features())


def test_frozen_norm_is_a_norm_in_evaluation():
    learning = nn.BatchNorm2d(4, eps=0.1)
    for tensor in (*learning.parameters(), learning.running_mean, learning.running_var):
        nn.init.uniform_(tensor, 0.5, 2)
    frozen = FrozenBatchNorm2d(4, eps=0.1)
    assert not list(frozen.parameters())
    # The count of batches is passed over.
    frozen.load_state_dict(learning.state_dict())
    x = torch.randn(2, 4, 5, 5)
    assert torch.allclose(frozen.train()(x), learning.eval()(x), atol=1e-6)
    assert repr(frozen) == "FrozenBatchNorm2d(4, eps=0.1)"
