"""Blocks that three families or more are made of."""

from multiweight.layers.conv import Conv2dNormActivation
from multiweight.layers.divisible import make_divisible
from multiweight.layers.initialisation import initialise
from multiweight.layers.mlp import MLP
from multiweight.layers.permute import Permute
from multiweight.layers.relative_position import relative_position_index
from multiweight.layers.squeeze_excitation import SqueezeExcitation
from multiweight.layers.stochastic_depth import StochasticDepth, stochastic_depth

__all__ = [
    "MLP",
    "Conv2dNormActivation",
    "Permute",
    "SqueezeExcitation",
    "StochasticDepth",
    "initialise",
    "make_divisible",
    "relative_position_index",
    "stochastic_depth",
]
