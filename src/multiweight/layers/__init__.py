"""Blocks that three families or more are made of."""

from multiweight.layers.conv import Conv2dNormActivation
from multiweight.layers.divisible import make_divisible
from multiweight.layers.mlp import MLP
from multiweight.layers.permute import Permute
from multiweight.layers.squeeze_excitation import SqueezeExcitation
from multiweight.layers.stochastic_depth import StochasticDepth, stochastic_depth

__all__ = [
    "MLP",
    "Conv2dNormActivation",
    "Permute",
    "SqueezeExcitation",
    "StochasticDepth",
    "make_divisible",
    "stochastic_depth",
]
