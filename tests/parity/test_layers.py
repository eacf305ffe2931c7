"""The shared blocks equal torchvision's: same seed, same tensors, same answers, same random draws."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from multiweight import layers
from tests.reference import torchvision

CASES = {
    "Conv2dNormActivation": [
        (4, 8),
        (4, 8, 1),
        (4, 8, 5, 2, None, 4),
        (4, 8, 3, 1, 0, 1, None),
        (4, 8, 3, 1, None, 1, nn.BatchNorm2d, nn.SiLU, 2),
        (4, 8, 3, 1, None, 1, nn.BatchNorm2d, None),
        (4, 8, 3, 1, None, 1, None, nn.Sigmoid, 1, None),
        (4, 8, 3, 1, None, 1, nn.BatchNorm2d, nn.ReLU, 1, False, True),
    ],
    "SqueezeExcitation": [(4, 2), (4, 8, nn.SiLU), (4, 2, nn.ReLU, nn.Hardsigmoid)],
    "MLP": [
        (6, [8]),
        (6, [8, 4]),
        (6, [8, 4, 3], nn.LayerNorm, nn.GELU),
        (6, [8, 4], None, nn.ReLU, True, False, 0.3),
    ],
    "Permute": [([0, 2, 3, 1],), ([3, 2, 1, 0],)],
    "StochasticDepth": [(0.0, "row"), (0.3, "row"), (0.3, "batch"), (1.0, "batch")],
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("name", "arguments"), [(name, case) for name, cases in CASES.items() for case in cases])
def test_block_equals_torchvisions(name, arguments, training):
    outcomes = []
    for source in (layers, torchvision().ops):
        torch.manual_seed(0)
        block = getattr(source, name)(*arguments).train(training)
        x = torch.randn(3, 5, 7, 6) if name == "MLP" else torch.randn(3, 4, 7, 6)
        outcomes.append((block.state_dict(), block(x), torch.rand(1), repr(block)))
    (state, answer, after, text), (expected_state, expected, expected_after, expected_text) = outcomes
    assert list(state) == list(expected_state)
    assert all(torch.equal(state[key], expected_state[key]) for key in state)
    assert torch.equal(answer, expected)
    assert torch.equal(after, expected_after)
    assert text == expected_text


@pytest.mark.parametrize(("p", "mode"), [(1.5, "row"), (-0.1, "row"), (0.5, "column")])
def test_stochastic_depth_refuses_nonsense(p, mode):
    with pytest.raises(ValueError, match=r"got '?(1.5|-0.1|column)"):
        layers.stochastic_depth(torch.zeros(1), p, mode)


@given(st.floats(1, 5000), st.integers(1, 64), st.none() | st.integers(1, 64))
def test_widths_are_torchvisions(width, divisor, least):
    reference = torchvision().models._utils._make_divisible
    assert layers.make_divisible(width, divisor, least) == reference(width, divisor, least)
