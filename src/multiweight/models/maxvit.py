"""MaxViT.

Paper: MaxViT: Multi-Axis Vision Transformer, https://arxiv.org/abs/2204.01697

Shapes: N pictures, C channels, H × W pixels, B windows of a picture, L positions in a window.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Unpack

import numpy as np
import torch
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue.maxvit import MaxVit_T_Weights
from multiweight.layers import Conv2dNormActivation, SqueezeExcitation, StochasticDepth
from multiweight.layers.relative_position import relative_position_index
from multiweight.models._adapting import AdaptingOptions, resized_bias_table, window_of
from multiweight.models._builder import build, builder, fixed

__all__ = [
    "MBConv",
    "MaxVit",
    "MaxVitBlock",
    "MaxVitLayer",
    "MaxVitOptions",
    "MaxVit_T_Weights",
    "PartitionAttentionLayer",
    "RelativePositionalMultiHeadAttention",
    "SwapAxes",
    "WindowDepartition",
    "WindowPartition",
    "maxvit_t",
]


class MBConv(nn.Module):
    """The inverted bottleneck of MobileNet with squeeze and excitation and a norm before it (appendix A.1).

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that come out.
        expansion_ratio: Channels inside, in channels that come out.
        squeeze_ratio: Channels between the two layers of squeeze and excitation, in channels that come out.
        stride: 1 or 2; height and width are divided by it.
        activation_layer: Makes an activation.
        norm_layer: Makes a normalisation from a number of channels.
        p_stochastic_dropout: Probability that a sample passes by in training.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion_ratio: float,
        squeeze_ratio: float,
        stride: int,
        activation_layer: Callable[..., nn.Module],
        norm_layer: Callable[..., nn.Module],
        p_stochastic_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.proj: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            fit = nn.Conv2d(in_channels, out_channels, 1)
            halve = [nn.AvgPool2d(3, stride, padding=1)] if stride == 2 else []
            self.proj = nn.Sequential(*halve, fit)
        width = int(out_channels * expansion_ratio)
        of_block = partial(Conv2dNormActivation, activation_layer=activation_layer, norm_layer=norm_layer, inplace=None)
        squeeze = int(out_channels * squeeze_ratio)
        self.stochastic_depth = StochasticDepth(p_stochastic_dropout, "row") if p_stochastic_dropout else nn.Identity()
        self.layers = nn.Sequential(
            OrderedDict(
                pre_norm=norm_layer(in_channels),
                conv_a=of_block(in_channels, width, 1),
                conv_b=of_block(width, width, 3, stride, groups=width),
                squeeze_excitation=SqueezeExcitation(width, squeeze, activation=nn.SiLU),
                conv_c=nn.Conv2d(width, out_channels, 1),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_channels, H, W)` to `(N, out_channels, H / stride, W / stride)`."""
        return self.proj(x) + self.stochastic_depth(self.layers(x))


class RelativePositionalMultiHeadAttention(nn.Module):
    """Attention among the positions of a window, with a bias for each offset between two of them.

    Similarities are scaled by the root of all channels, not of a head's: so the published weights were trained.

    Args:
        feat_dim: Channels.
        head_dim: Channels of a head.
        max_seq_len: How many positions a window has: the square of its side.

    Raises:
        ValueError: If `head_dim` does not divide `feat_dim`, or `max_seq_len` is no square.
    """

    def __init__(self, feat_dim: int, head_dim: int, max_seq_len: int) -> None:
        super().__init__()
        if feat_dim % head_dim:
            raise ValueError(f"feat_dim must be a multiple of head_dim; got {feat_dim} and {head_dim}.")
        self.n_heads = feat_dim // head_dim
        self.head_dim = head_dim
        self.size = math.isqrt(max_seq_len)
        if self.size**2 != max_seq_len:
            raise ValueError(f"max_seq_len must be a square; got {max_seq_len}.")
        self.max_seq_len = max_seq_len
        self.scale_factor = feat_dim**-0.5
        self.to_qkv = nn.Linear(feat_dim, 3 * feat_dim)
        self.merge = nn.Linear(feat_dim, feat_dim)
        self.relative_position_index: Tensor
        self.register_buffer("relative_position_index", relative_position_index(self.size, self.size))
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * self.size - 1) ** 2, self.n_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def get_relative_positional_bias(self) -> Tensor:
        """The bias of each pair of positions, `(1, heads, L, L)`."""
        bias = self.relative_position_bias_table[self.relative_position_index]  # (L, L, heads)
        return bias.permute(2, 0, 1).contiguous().unsqueeze(0)

    def _of_heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.n_heads, self.head_dim)).permute(0, 1, 3, 2, 4)  # (N, B, heads, L, C / heads)

    def forward(self, x: Tensor) -> Tensor:
        """From windows `(N, B, L, C)` to the same shape."""
        queries, keys, values = self.to_qkv(x).chunk(3, dim=-1)
        queries, values = self._of_heads(queries), self._of_heads(values)
        keys = self._of_heads(keys) * self.scale_factor
        similarity = torch.einsum("nbhid,nbhjd->nbhij", queries, keys) + self.get_relative_positional_bias()
        out = torch.einsum("nbhij,nbhjd->nbhid", similarity.softmax(-1), values)
        return self.merge(out.permute(0, 1, 3, 2, 4).flatten(3))


class SwapAxes(nn.Module):
    """Swaps two dimensions.

    Args:
        a: The one.
        b: The other.
    """

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.a = a
        self.b = b

    def forward(self, x: Tensor) -> Tensor:
        """The input, with the two swapped."""
        return x.swapaxes(self.a, self.b)


class WindowPartition(nn.Module):
    """Cuts features into square windows."""

    def forward(self, x: Tensor, p: int) -> Tensor:
        """From `(N, C, H, W)` to `(N, H / p * W / p, p * p, C)`."""
        n, channels, height, width = x.shape
        x = x.reshape(n, channels, height // p, p, width // p, p).permute(0, 2, 4, 3, 5, 1)
        return x.reshape(n, (height // p) * (width // p), p * p, channels)


class WindowDepartition(nn.Module):
    """Puts square windows together again."""

    def forward(self, x: Tensor, p: int, h_partitions: int, w_partitions: int) -> Tensor:
        """From `(N, h_partitions * w_partitions, p * p, C)` to `(N, C, h_partitions * p, w_partitions * p)`."""
        n, _, _, channels = x.shape
        x = x.reshape(n, h_partitions, w_partitions, p, p, channels).permute(0, 5, 1, 3, 2, 4)
        return x.reshape(n, channels, h_partitions * p, w_partitions * p)


class PartitionAttentionLayer(nn.Module):
    """Attention among neighbours, or among positions spread evenly, and an MLP (figure 3 of the paper).

    Args:
        in_channels: Channels.
        head_dim: Channels of an attention head.
        partition_size: Side of a window, or of the grid.
        partition_type: `"window"`: a position sees its neighbours in a window (block attention). `"grid"`: it sees
            one position of each cell (grid attention).
        grid_size: Height and width of the features.
        mlp_ratio: Size between the two layers of the MLP, in channels.
        activation_layer: Makes the activation of the MLP.
        norm_layer: Not used: these norms are layer norms, whatever the convolutions have.
        attention_dropout: Probability that an element of the attention's result is zeroed in training.
        mlp_dropout: The same for the MLP's result.
        p_stochastic_dropout: Probability that a sample passes by in training.

    Raises:
        ValueError: If `partition_type` is another, the sizes do not divide one another, or a grid is not square.
    """

    def __init__(
        self,
        in_channels: int,
        head_dim: int,
        partition_size: int,
        partition_type: str,
        grid_size: tuple[int, int],
        mlp_ratio: int,
        activation_layer: Callable[..., nn.Module],
        norm_layer: Callable[..., nn.Module],
        attention_dropout: float,
        mlp_dropout: float,
        p_stochastic_dropout: float,
    ) -> None:
        super().__init__()
        if partition_type not in ("window", "grid"):
            raise ValueError(f"partition_type is 'window' or 'grid'; got {partition_type!r}.")
        if grid_size[0] % partition_size or grid_size[1] % partition_size:
            raise ValueError(f"partition_size must divide grid_size; got {partition_size} and {grid_size}.")
        if partition_type == "grid" and grid_size[0] != grid_size[1]:
            raise ValueError(f"Grid attention takes as many rows as columns of features; got grid_size={grid_size}.")
        self.n_heads = in_channels // head_dim
        self.head_dim = head_dim
        self.n_partitions = grid_size[0] // partition_size
        self.partition_type = partition_type
        self.grid_size = grid_size
        windows = partition_type == "window"
        # Cells of g × g, and p × p of them; or rather, for windows, the other way round.
        self.p, self.g = (partition_size, self.n_partitions) if windows else (self.n_partitions, partition_size)
        self.partition_op = WindowPartition()
        self.departition_op = WindowDepartition()
        self.partition_swap = nn.Identity() if windows else SwapAxes(-2, -3)
        self.departition_swap = nn.Identity() if windows else SwapAxes(-2, -3)
        self.attn_layer = nn.Sequential(
            nn.LayerNorm(in_channels),
            RelativePositionalMultiHeadAttention(in_channels, head_dim, partition_size**2),
            nn.Dropout(attention_dropout),
        )
        self.mlp_layer = nn.Sequential(
            nn.LayerNorm(in_channels),
            nn.Linear(in_channels, in_channels * mlp_ratio),
            activation_layer(),
            nn.Linear(in_channels * mlp_ratio, in_channels),
            nn.Dropout(mlp_dropout),
        )
        self.stochastic_dropout = StochasticDepth(p_stochastic_dropout, "row")

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, C, H, W)` to the same shape."""
        height, width = self.grid_size
        torch._assert(
            x.shape[2] == height and x.shape[3] == width,
            f"The network's input_size leads to {height} x {width} features here; got {x.shape[2]} x {x.shape[3]}.",
        )
        x = self.partition_swap(self.partition_op(x, self.p))  # (N, B, L, C)
        x = x + self.stochastic_dropout(self.attn_layer(x))
        x = x + self.stochastic_dropout(self.mlp_layer(x))
        return self.departition_op(self.departition_swap(x), self.p, height // self.p, width // self.p)


class MaxVitLayer(nn.Module):
    """A convolution, attention in windows, attention in a grid (figure 2 of the paper).

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that come out.
        squeeze_ratio: See `MBConv`.
        expansion_ratio: See `MBConv`.
        stride: 1 or 2; height and width are divided by it.
        norm_layer: Makes a normalisation from a number of channels, in the convolution.
        activation_layer: Makes an activation.
        head_dim: Channels of an attention head.
        mlp_ratio: Size between the two layers of an MLP, in channels.
        mlp_dropout: Probability that an element of an MLP's result is zeroed in training.
        attention_dropout: The same for the attention's result.
        p_stochastic_dropout: Probability that a sample passes by a part in training.
        partition_size: Side of a window and of the grid.
        grid_size: Height and width of the features, behind the convolution.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        squeeze_ratio: float,
        expansion_ratio: float,
        stride: int,
        norm_layer: Callable[..., nn.Module],
        activation_layer: Callable[..., nn.Module],
        head_dim: int,
        mlp_ratio: int,
        mlp_dropout: float,
        attention_dropout: float,
        p_stochastic_dropout: float,
        partition_size: int,
        grid_size: tuple[int, int],
    ) -> None:
        super().__init__()

        def attention(partition_type: str) -> PartitionAttentionLayer:
            return PartitionAttentionLayer(
                out_channels,
                head_dim,
                partition_size,
                partition_type,
                grid_size,
                mlp_ratio,
                activation_layer,
                nn.LayerNorm,
                attention_dropout,
                mlp_dropout,
                p_stochastic_dropout,
            )

        self.layers = nn.Sequential(
            OrderedDict(
                MBconv=MBConv(
                    in_channels,
                    out_channels,
                    expansion_ratio,
                    squeeze_ratio,
                    stride,
                    activation_layer,
                    norm_layer,
                    p_stochastic_dropout,
                ),
                window_attention=attention("window"),
                grid_attention=attention("grid"),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_channels, H, W)` to `(N, out_channels, H / stride, W / stride)`."""
        return self.layers(x)


def _halved(size: tuple[int, int]) -> tuple[int, int]:
    """What a 3×3 convolution with stride 2 and padding 1 makes of a height and width."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


class MaxVitBlock(nn.Module):
    """A stage: `MaxVitLayer`s, the first of which halves height and width.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that come out.
        squeeze_ratio: See `MBConv`.
        expansion_ratio: See `MBConv`.
        norm_layer: Makes a normalisation from a number of channels, in the convolutions.
        activation_layer: Makes an activation.
        head_dim: Channels of an attention head.
        mlp_ratio: Size between the two layers of an MLP, in channels.
        mlp_dropout: Probability that an element of an MLP's result is zeroed in training.
        attention_dropout: The same for the attention's result.
        partition_size: Side of a window and of the grid.
        input_grid_size: Height and width of the features that come in.
        n_layers: How many layers.
        p_stochastic: For each layer, the probability that a sample passes by a part of it in training.

    Raises:
        ValueError: If `p_stochastic` has not `n_layers` numbers.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        squeeze_ratio: float,
        expansion_ratio: float,
        norm_layer: Callable[..., nn.Module],
        activation_layer: Callable[..., nn.Module],
        head_dim: int,
        mlp_ratio: int,
        mlp_dropout: float,
        attention_dropout: float,
        partition_size: int,
        input_grid_size: tuple[int, int],
        n_layers: int,
        p_stochastic: Sequence[float],
    ) -> None:
        super().__init__()
        if len(p_stochastic) != n_layers:
            raise ValueError(f"p_stochastic takes one number a layer, {n_layers}; got {p_stochastic}.")
        self.grid_size = _halved(input_grid_size)
        self.layers = nn.ModuleList(
            MaxVitLayer(
                out_channels if number else in_channels,
                out_channels,
                squeeze_ratio,
                expansion_ratio,
                1 if number else 2,
                norm_layer,
                activation_layer,
                head_dim,
                mlp_ratio,
                mlp_dropout,
                attention_dropout,
                p,
                partition_size,
                self.grid_size,
            )
            for number, p in enumerate(p_stochastic)
        )

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_channels, H, W)` to `(N, out_channels, H / 2, W / 2)`."""
        for layer in self.layers:
            x = layer(x)
        return x


class MaxVit(nn.Module):
    """MaxViT for classification (figure 2 of the paper).

    Args:
        input_size: Height and width of the pictures, in pixels.
        stem_channels: Channels of the two convolutions in front.
        partition_size: Side of a window and of the grid.
        block_channels: Channels of each stage.
        block_layers: How many layers each stage has.
        head_dim: Channels of an attention head.
        stochastic_depth_prob: Probability that a sample passes by the parts of the last layer in training; it grows
            linearly from 0 at the first.
        norm_layer: Makes a normalisation from a number of channels, in the convolutions; batch norm with the
            momentum and epsilon of the authors' TensorFlow code unless given.
        activation_layer: Makes an activation.
        squeeze_ratio: Channels inside squeeze and excitation, in channels of the stage.
        expansion_ratio: Channels inside `MBConv`, in channels of the stage.
        mlp_ratio: Size between the two layers of an MLP, in channels.
        mlp_dropout: Probability that an element of an MLP's result is zeroed in training.
        attention_dropout: The same for the attention's result.
        num_classes: How many scores come out.

    Raises:
        ValueError: If `input_size` is not square, the height or width that a stage sees is no multiple of
            `partition_size`, the stages' channels are none of `head_dim`, or there are not as many `block_layers` as
            `block_channels`.
    """

    stem_name = "stem.0.0"
    head_name = "classifier.5"

    def __init__(
        self,
        input_size: tuple[int, int],
        stem_channels: int,
        partition_size: int,
        block_channels: Sequence[int],
        block_layers: Sequence[int],
        head_dim: int,
        stochastic_depth_prob: float,
        norm_layer: Callable[..., nn.Module] | None = None,
        activation_layer: Callable[..., nn.Module] = nn.GELU,
        squeeze_ratio: float = 0.25,
        expansion_ratio: float = 4,
        mlp_ratio: int = 4,
        mlp_dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        if len(block_channels) != len(block_layers):
            raise ValueError(
                f"block_channels and block_layers take one number a stage; got {block_channels} and {block_layers}."
            )
        norm = norm_layer or partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)
        sizes = [_halved((input_size[0], input_size[1]))]  # behind the stem and every stage
        for _ in block_layers:
            sizes.append(_halved(sizes[-1]))
        if any(side % partition_size for size in sizes[1:] for side in size):
            stages = ", ".join(f"{height} × {width}" for height, width in sizes[1:])
            raise ValueError(
                f"With input_size={tuple(input_size)} the stages see {stages} features; every number must be a "
                f"multiple of partition_size={partition_size}."
            )
        self.partition_size = partition_size
        self.stem = nn.Sequential(
            Conv2dNormActivation(
                3, stem_channels, 3, stride=2, norm_layer=norm, activation_layer=activation_layer, inplace=None
            ),
            Conv2dNormActivation(stem_channels, stem_channels, 3, norm_layer=None, activation_layer=None),
        )
        self.blocks = nn.ModuleList()
        rates: list[float] = np.linspace(0, stochastic_depth_prob, sum(block_layers)).tolist()
        channels = stem_channels
        for width, layers, size in zip(block_channels, block_layers, sizes[:-1], strict=True):
            block = MaxVitBlock(
                channels,
                width,
                squeeze_ratio,
                expansion_ratio,
                norm,
                activation_layer,
                head_dim,
                mlp_ratio,
                mlp_dropout,
                attention_dropout,
                partition_size,
                size,
                layers,
                rates[:layers],
            )
            self.blocks.append(block)
            channels, rates = width, rates[layers:]
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.LayerNorm(channels),
            nn.Linear(channels, channels),
            nn.Tanh(),
            nn.Linear(channels, num_classes, bias=False),
        )
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def resized(self, state: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor, str]]:
        """The tables of positions of a file for this network's windows; see `Resizable`."""
        for path, part in self.named_modules():
            if not isinstance(part, RelativePositionalMultiHeadAttention):
                continue
            own, biases = f"{path}.relative_position_index", f"{path}.relative_position_bias_table"
            if own in state and biases in state and state[own].shape != part.relative_position_index.shape:
                before = math.isqrt(len(state[own]))
                how = f"for windows of {before} × {before} positions, and now of {part.size} × {part.size}"
                yield own, relative_position_index(part.size, part.size), how
                yield biases, resized_bias_table(state[biases], part.size), how

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, C, H/32, W/32)`, before anything is pooled."""
        x = self.stem(x)  # (N, C, H/2, W/2)
        for block in self.blocks:
            x = block(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        return self.classifier(self.forward_features(x))


class MaxVitOptions(AdaptingOptions, total=False):
    """What a builder of this family passes on to `MaxVit`, where each is explained.

    The `input_size` is 224 × 224 unless given; with weights it is the entry's `meta["min_size"]`.

    Attributes:
        image_size: Height and width of the pictures, in pixels, a multiple of 32, in the place of `input_size`. Windows
            and grid grow with it, as those of the authors' networks for 384 pixels do, and with weights the tables of
            positions are interpolated.
    """

    image_size: int

    input_size: tuple[int, int]
    stochastic_depth_prob: float
    norm_layer: Callable[..., nn.Module] | None
    activation_layer: Callable[..., nn.Module]
    squeeze_ratio: float
    expansion_ratio: float
    mlp_ratio: int
    mlp_dropout: float
    attention_dropout: float
    num_classes: int


def _sized(variant: str, weights: WeightsEnum | str | None, options: MaxVitOptions) -> dict[str, Any]:
    """The options with the size of pictures and of windows that they, or the weights, say."""
    given: dict[str, Any] = {**options}
    if (side := given.pop("image_size", None)) is not None:
        exact = fixed(f"{variant} for image_size={side}", given, input_size=(side, side))
        return {**exact, "partition_size": window_of(side, 224), "resize": side}
    if isinstance(weights, WeightsEnum) and "input_size" not in weights.arguments:
        given = fixed(str(weights), given, input_size=weights.meta["min_size"])
    return {"input_size": (224, 224), "partition_size": 7, **given}


@builder(MaxVit_T_Weights, MaxVitOptions)
def maxvit_t(
    *, weights: MaxVit_T_Weights | str | None = None, progress: bool = True, **options: Unpack[MaxVitOptions]
) -> MaxVit:
    """MaxViT-T (table 1 of the paper)."""
    given: dict[str, Any] = {"stochastic_depth_prob": 0.2, **_sized("maxvit_t", weights, options)}
    stages = {"block_channels": [64, 128, 256, 512], "block_layers": [2, 2, 5, 2]}
    return build(MaxVit, weights, progress, stem_channels=64, head_dim=32, **stages, **given)
