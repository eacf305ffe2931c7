"""Swin Transformer, first and second version.

Papers:
    Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, https://arxiv.org/abs/2103.14030
    Swin Transformer V2: Scaling Up Capacity and Resolution, https://arxiv.org/abs/2111.09883

Shapes: N pictures, H × W pixels or patches, C channels (last, inside the network), B windows of all pictures
together, L positions in a window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue.swin_transformer import (
    Swin_B_Weights,
    Swin_S_Weights,
    Swin_T_Weights,
    Swin_V2_B_Weights,
    Swin_V2_S_Weights,
    Swin_V2_T_Weights,
)
from multiweight.layers import MLP, Permute, StochasticDepth
from multiweight.layers.relative_position import relative_position_index
from multiweight.models._adapting import AdaptingOptions, resized_bias_table, window_of
from multiweight.models._builder import build, builder, fixed

__all__ = [
    "PatchMerging",
    "PatchMergingV2",
    "ShiftedWindowAttention",
    "ShiftedWindowAttentionV2",
    "SwinTransformer",
    "SwinTransformerBlock",
    "SwinTransformerBlockV2",
    "SwinTransformerOptions",
    "Swin_B_Weights",
    "Swin_S_Weights",
    "Swin_T_Weights",
    "Swin_V2_B_Weights",
    "Swin_V2_S_Weights",
    "Swin_V2_T_Weights",
    "shifted_window_attention",
    "swin_b",
    "swin_s",
    "swin_t",
    "swin_v2_b",
    "swin_v2_s",
    "swin_v2_t",
]


def _merge(x: Tensor) -> Tensor:
    """Puts the channels of each 2×2 neighbours behind one another: `(…, H, W, C)` to `(…, H/2, W/2, 4 C)`."""
    height, width = x.shape[-3], x.shape[-2]
    x = F.pad(x, (0, 0, 0, width % 2, 0, height % 2))
    upper, lower = x[..., 0::2, :, :], x[..., 1::2, :, :]
    return torch.cat((upper[..., 0::2, :], lower[..., 0::2, :], upper[..., 1::2, :], lower[..., 1::2, :]), -1)


class PatchMerging(nn.Module):
    """Halves height and width and doubles the channels, between two stages (section 3.1 of the paper).

    Args:
        dim: Channels that come in.
        norm_layer: Makes a normalisation from a number of channels.
    """

    def __init__(self, dim: int, norm_layer: Callable[..., nn.Module] = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """From `(…, H, W, C)` to `(…, H / 2, W / 2, 2 C)`, halves rounded up."""
        return self.reduction(self.norm(_merge(x)))


class PatchMergingV2(nn.Module):
    """`PatchMerging` with the norm behind the linear layer, as everywhere in the second version.

    Args:
        dim: Channels that come in.
        norm_layer: Makes a normalisation from a number of channels.
    """

    def __init__(self, dim: int, norm_layer: Callable[..., nn.Module] = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """From `(…, H, W, C)` to `(…, H / 2, W / 2, 2 C)`, halves rounded up."""
        return self.norm(self.reduction(_merge(x)))


def _partition(x: Tensor, window_size: list[int]) -> Tensor:
    """Cuts `(N, H, W, C)` into windows `(B, L, C)`."""
    n, height, width, channels = x.shape
    down, across = height // window_size[0], width // window_size[1]
    x = x.reshape(n, down, window_size[0], across, window_size[1], channels).transpose(2, 3)
    return x.reshape(n * down * across, window_size[0] * window_size[1], channels)


def _join(windows: Tensor, window_size: list[int], height: int, width: int) -> Tensor:
    """Puts windows `(B, L, C)` together again, to `(N, H, W, C)`."""
    down, across = height // window_size[0], width // window_size[1]
    n, channels = windows.shape[0] // (down * across), windows.shape[2]
    x = windows.reshape(n, down, across, window_size[0], window_size[1], channels).transpose(2, 3)
    return x.reshape(n, height, width, channels)


def _forbidden(x: Tensor, window_size: list[int], shift: list[int]) -> Tensor:
    """Which pairs of a window of the shifted `(N, H, W, C)` only meet because it was rolled: `(B / N, L, L)`."""
    height, width = x.shape[1], x.shape[2]
    down = torch.arange(height, device=x.device) >= height - shift[0]
    across = torch.arange(width, device=x.device) >= width - shift[1]
    origin = 2 * down[:, None].int() + across.int()  # which of the four parts that the roll has moved
    origin = _partition(origin[None, :, :, None], window_size)  # (B / N, L, 1)
    return origin != origin.transpose(1, 2)


def shifted_window_attention(
    input: Tensor,
    qkv_weight: Tensor,
    proj_weight: Tensor,
    relative_position_bias: Tensor,
    window_size: list[int],
    num_heads: int,
    shift_size: list[int],
    attention_dropout: float = 0.0,
    dropout: float = 0.0,
    qkv_bias: Tensor | None = None,
    proj_bias: Tensor | None = None,
    logit_scale: Tensor | None = None,
    training: bool = True,
) -> Tensor:
    """Attention inside of windows, which are shifted against the picture (section 3.2 of the first paper).

    Args:
        input: Features `(N, H, W, C)`.
        qkv_weight: Weights `(3 C, C)` that make queries, keys and values.
        proj_weight: Weights `(C, C)` of the last layer.
        relative_position_bias: `(1, heads, L, L)`, added to the similarities.
        window_size: Height and width of a window.
        num_heads: Attention heads.
        shift_size: How far the windows are shifted down and right.
        attention_dropout: Probability that an attention weight is zeroed in training.
        dropout: Probability that an element of the result is zeroed in training.
        qkv_bias: Biases `(3 C,)` of the first layer. Those of the keys count as 0 with a `logit_scale`.
        proj_bias: Biases `(C,)` of the last layer.
        logit_scale: Logarithm of the factor of each head, `(heads, 1, 1)`: the similarity of the second version, the
            cosine (section 3.2 of the second paper). The scaled dot product unless given.
        training: Whether dropout acts.

    Returns:
        Features of the shape of the input.
    """
    height, width = input.shape[1], input.shape[2]
    x = F.pad(input, (0, 0, 0, -width % window_size[1], 0, -height % window_size[0]))
    padded_height, padded_width = x.shape[1], x.shape[2]
    # A window that sees a whole side needs no shift along it.
    shift = [
        0 if window_size[0] >= padded_height else shift_size[0],
        0 if window_size[1] >= padded_width else shift_size[1],
    ]
    shifted = shift[0] > 0 or shift[1] > 0
    if shifted:
        x = torch.roll(x, shifts=(-shift[0], -shift[1]), dims=(1, 2))
    windows = _partition(x, window_size)  # (B, L, C)
    n, length, channels = windows.shape

    if logit_scale is not None and qkv_bias is not None:
        of_queries, of_keys, of_values = qkv_bias.chunk(3)
        qkv_bias = torch.cat((of_queries, torch.zeros_like(of_keys), of_values))
    qkv = F.linear(windows, qkv_weight, qkv_bias).reshape(n, length, 3, num_heads, channels // num_heads)
    queries, keys, values = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, L, C / heads) each
    if logit_scale is not None:
        similarity = F.normalize(queries, dim=-1).matmul(F.normalize(keys, dim=-1).transpose(-2, -1))
        # The paper's temperature is at least 0.01.
        similarity = similarity * torch.clamp(logit_scale, max=math.log(1 / 0.01)).exp()
    else:
        similarity = (queries * (channels // num_heads) ** -0.5).matmul(keys.transpose(-2, -1))
    similarity = similarity + relative_position_bias  # (B, heads, L, L)
    if shifted:
        forbidden = _forbidden(x, window_size, shift)
        mask = x.new_zeros(forbidden.shape).masked_fill(forbidden, -100.0)[:, None]  # (B / N, 1, L, L)
        similarity = (similarity.unflatten(0, (-1, mask.shape[0])) + mask).flatten(0, 1)
    weights = F.dropout(similarity.softmax(-1), attention_dropout, training)

    windows = weights.matmul(values).transpose(1, 2).reshape(n, length, channels)
    windows = F.dropout(F.linear(windows, proj_weight, proj_bias), dropout, training)
    x = _join(windows, window_size, padded_height, padded_width)
    if shifted:
        x = torch.roll(x, shifts=(shift[0], shift[1]), dims=(1, 2))
    return x[:, :height, :width, :].contiguous()


class ShiftedWindowAttention(nn.Module):
    """Attention inside of windows, with a bias for each offset between two positions.

    Args:
        dim: Channels.
        window_size: Height and width of a window.
        shift_size: How far the windows are shifted down and right.
        num_heads: Attention heads.
        qkv_bias: Whether the layer that makes queries, keys and values has a bias.
        proj_bias: Whether the last layer has one.
        attention_dropout: Probability that an attention weight is zeroed in training.
        dropout: Probability that an element of the result is zeroed in training.

    Raises:
        ValueError: If `window_size` or `shift_size` are not two numbers, or `num_heads` does not divide `dim`.
    """

    def __init__(
        self,
        dim: int,
        window_size: list[int],
        shift_size: list[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError(f"window_size and shift_size take two numbers each; got {window_size} and {shift_size}.")
        if dim % num_heads:
            raise ValueError(f"dim must be a multiple of num_heads; got {dim} and {num_heads}.")
        self.window_size = window_size
        self.shift_size = shift_size
        self.num_heads = num_heads
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self.define_relative_position_bias_table()
        self.define_relative_position_index()

    def define_relative_position_bias_table(self) -> None:
        """Makes the biases: one for each offset and head."""
        offsets = (2 * self.window_size[0] - 1) * (2 * self.window_size[1] - 1)
        self.relative_position_bias_table = nn.Parameter(torch.empty(offsets, self.num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def define_relative_position_index(self) -> None:
        """Makes the numbers of the offsets between all pairs of positions, `(L * L,)`."""
        self.relative_position_index: Tensor
        self.register_buffer("relative_position_index", relative_position_index(*self.window_size).flatten())

    def _bias_of_pairs(self, bias_of_offsets: Tensor) -> Tensor:
        """From `(offsets, heads)` to `(1, heads, L, L)`."""
        length = self.window_size[0] * self.window_size[1]
        bias = bias_of_offsets[self.relative_position_index].view(length, length, -1)
        return bias.permute(2, 0, 1).contiguous().unsqueeze(0)

    def get_relative_position_bias(self) -> Tensor:
        """The bias of each pair of positions, `(1, heads, L, L)`."""
        return self._bias_of_pairs(self.relative_position_bias_table)

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, H, W, C)` to the same shape."""
        return shifted_window_attention(
            x,
            self.qkv.weight,
            self.proj.weight,
            self.get_relative_position_bias(),
            self.window_size,
            self.num_heads,
            self.shift_size,
            self.attention_dropout,
            self.dropout,
            self.qkv.bias,
            self.proj.bias,
            training=self.training,
        )


class ShiftedWindowAttentionV2(ShiftedWindowAttention):
    """Attention by the cosine, with biases that a small network makes of the offsets (figure 1 of the second paper).

    Args:
        dim: Channels.
        window_size: Height and width of a window.
        shift_size: How far the windows are shifted down and right.
        num_heads: Attention heads.
        qkv_bias: Whether the layer that makes queries, keys and values has a bias; that of the keys stays 0.
        proj_bias: Whether the last layer has one.
        attention_dropout: Probability that an attention weight is zeroed in training.
        dropout: Probability that an element of the result is zeroed in training.

    Raises:
        ValueError: If `window_size` or `shift_size` are not two numbers, or `num_heads` does not divide `dim`.
    """

    def __init__(
        self,
        dim: int,
        window_size: list[int],
        shift_size: list[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(dim, window_size, shift_size, num_heads, qkv_bias, proj_bias, attention_dropout, dropout)
        self.logit_scale = nn.Parameter(torch.full((num_heads, 1, 1), 10.0).log())
        self.cpb_mlp = nn.Sequential(nn.Linear(2, 512), nn.ReLU(inplace=True), nn.Linear(512, num_heads, bias=False))
        if qkv_bias:
            nn.init.zeros_(self.qkv.bias[dim : 2 * dim])

    def define_relative_position_bias_table(self) -> None:
        """Makes the offsets, on a logarithmic scale, `(1, 2 height - 1, 2 width - 1, 2)`."""
        self.relative_coords_table: Tensor
        self.register_buffer("relative_coords_table", _offsets(self.window_size, self.window_size))

    def get_relative_position_bias(self) -> Tensor:
        """The bias of each pair of positions, `(1, heads, L, L)`, between 0 and 16."""
        return 16 * self._bias_of_pairs(self.cpb_mlp(self.relative_coords_table).flatten(0, 2)).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, H, W, C)` to the same shape."""
        return shifted_window_attention(
            x,
            self.qkv.weight,
            self.proj.weight,
            self.get_relative_position_bias(),
            self.window_size,
            self.num_heads,
            self.shift_size,
            self.attention_dropout,
            self.dropout,
            self.qkv.bias,
            self.proj.bias,
            self.logit_scale,
            self.training,
        )


def _offsets(window_size: list[int], trained: list[int]) -> Tensor:
    """The offsets in a window `(1, 2 height - 1, 2 width - 1, 2)`, on the scale of windows of the trained size."""
    down, across = (_log_offsets(size, before) for size, before in zip(window_size, trained, strict=True))
    return torch.stack(torch.meshgrid(down, across, indexing="ij"), -1)[None]


def _log_offsets(size: int, trained: int) -> Tensor:
    """The offsets along a side of a window on the logarithmic scale of the paper's equation 4.

    They are first stretched to -8 to 8 for a window of the trained size, as the authors do; these give -1 to 1.
    """
    offsets = torch.arange(1 - size, size, dtype=torch.float32) / (trained - 1) * 8
    return offsets.sign() * (offsets.abs() + 1).log2() / math.log2(8)


class SwinTransformerBlock(nn.Module):
    """Window attention, then an MLP, each with a norm before it and the identity beside it (figure 3, b).

    Args:
        dim: Channels.
        num_heads: Attention heads.
        window_size: Height and width of a window.
        shift_size: How far the windows are shifted down and right.
        mlp_ratio: Size between the two layers of the MLP, in channels.
        dropout: Probability that an element is zeroed in training.
        attention_dropout: The same for the attention weights.
        stochastic_depth_prob: Probability that a sample passes by in training.
        norm_layer: Makes a normalisation from a number of channels.
        attn_layer: Makes the attention; takes what `ShiftedWindowAttention` does.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: list[int],
        shift_size: list[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
        norm_layer: Callable[..., nn.Module] = nn.LayerNorm,
        attn_layer: Callable[..., nn.Module] = ShiftedWindowAttention,
    ) -> None:
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(
            dim, window_size, shift_size, num_heads, attention_dropout=attention_dropout, dropout=dropout
        )
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(dim, [int(dim * mlp_ratio), dim], activation_layer=nn.GELU, dropout=dropout)
        for module in self.mlp:
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.normal_(module.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, H, W, C)` to the same shape."""
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        return x + self.stochastic_depth(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """The block of the second version: each norm stands behind what it was before (figure 1 of the second paper).

    Args:
        dim: Channels.
        num_heads: Attention heads.
        window_size: Height and width of a window.
        shift_size: How far the windows are shifted down and right.
        mlp_ratio: Size between the two layers of the MLP, in channels.
        dropout: Probability that an element is zeroed in training.
        attention_dropout: The same for the attention weights.
        stochastic_depth_prob: Probability that a sample passes by in training.
        norm_layer: Makes a normalisation from a number of channels.
        attn_layer: Makes the attention; takes what `ShiftedWindowAttentionV2` does.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: list[int],
        shift_size: list[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
        norm_layer: Callable[..., nn.Module] = nn.LayerNorm,
        attn_layer: Callable[..., nn.Module] = ShiftedWindowAttentionV2,
    ) -> None:
        super().__init__(
            dim,
            num_heads,
            window_size,
            shift_size,
            mlp_ratio,
            dropout,
            attention_dropout,
            stochastic_depth_prob,
            norm_layer,
            attn_layer,
        )

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, H, W, C)` to the same shape."""
        x = x + self.stochastic_depth(self.norm1(self.attn(x)))
        return x + self.stochastic_depth(self.norm2(self.mlp(x)))


class SwinTransformer(nn.Module):
    """Stages of window attention, each with half the height and width and twice the channels of the one before.

    Args:
        patch_size: Height and width of the patches that the first stage sees, in pixels.
        embed_dim: Channels of the first stage.
        depths: How many blocks each stage has. Every second one has shifted windows.
        num_heads: Attention heads of each stage.
        window_size: Height and width of a window.
        mlp_ratio: Size between the two layers of a block's MLP, in channels.
        dropout: Probability that an element is zeroed in training.
        attention_dropout: The same for the attention weights.
        stochastic_depth_prob: Probability that a sample passes by the last block in training; it grows linearly from
            0 at the first.
        num_classes: How many scores come out.
        norm_layer: Makes a normalisation from a number of channels; layer norm unless given.
        block: Makes a block; takes what `SwinTransformerBlock`, the default, does.
        downsample_layer: Makes what stands between two stages, from the channels and `norm_layer`.

    Raises:
        ValueError: If there are not as many `num_heads` as `depths`, or they do not divide the channels.
    """

    stem_name = "features.0.0"
    head_name = "head"

    def __init__(
        self,
        patch_size: list[int],
        embed_dim: int,
        depths: Sequence[int],
        num_heads: Sequence[int],
        window_size: list[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.1,
        num_classes: int = 1000,
        norm_layer: Callable[..., nn.Module] | None = None,
        block: Callable[..., nn.Module] | None = None,
        downsample_layer: Callable[..., nn.Module] = PatchMerging,
    ) -> None:
        super().__init__()
        if len(depths) != len(num_heads):
            raise ValueError(f"depths and num_heads take one number a stage; got {depths} and {num_heads}.")
        self.num_classes = num_classes
        block = block or SwinTransformerBlock
        norm = norm_layer or partial(nn.LayerNorm, eps=1e-5)

        patches = nn.Conv2d(3, embed_dim, (patch_size[0], patch_size[1]), stride=(patch_size[0], patch_size[1]))
        layers: list[nn.Module] = [nn.Sequential(patches, Permute([0, 2, 3, 1]), norm(embed_dim))]  # (N, H, W, C)
        shifts = ([0, 0], [size // 2 for size in window_size])
        steps = max(sum(depths) - 1, 1)
        number = 0
        channels = embed_dim
        for stage, (depth, heads) in enumerate(zip(depths, num_heads, strict=True)):
            if stage > 0:
                layers.append(downsample_layer(channels, norm))
                channels *= 2
            blocks: list[nn.Module] = []
            for position in range(depth):
                blocks.append(
                    block(
                        channels,
                        heads,
                        window_size=window_size,
                        shift_size=shifts[position % 2],
                        mlp_ratio=mlp_ratio,
                        dropout=dropout,
                        attention_dropout=attention_dropout,
                        stochastic_depth_prob=stochastic_depth_prob * number / steps,
                        norm_layer=norm,
                    )
                )
                number += 1
            layers.append(nn.Sequential(*blocks))
        self.features = nn.Sequential(*layers)
        self.norm = norm(channels)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def resized(self, state: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor, str]]:
        """The tables of positions of a file for this network's windows; see `Resizable`."""
        for path, part in self.named_modules():
            if not isinstance(part, ShiftedWindowAttention):
                continue
            own, side = f"{path}.relative_position_index", part.window_size[0]
            if own not in state or state[own].shape == part.relative_position_index.shape:
                continue
            before = math.isqrt(math.isqrt(len(state[own])))
            how = f"for windows of {before} × {before} positions, and now of {side} × {side}"
            yield own, relative_position_index(side, side).flatten(), how
            biases, offsets = f"{path}.relative_position_bias_table", f"{path}.relative_coords_table"
            if biases in state:
                yield biases, resized_bias_table(state[biases], side), how
            if offsets in state:
                # On the scale on which the small network was trained: what was the edge of a window stays where it was.
                yield offsets, _offsets([side, side], [before, before]), how

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, C, H/32, W/32)`, before anything is pooled."""
        x = self.norm(self.features(x))  # (N, H/32, W/32, C)
        return self.permute(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        x = self.avgpool(self.forward_features(x))  # (N, C, 1, 1)
        return self.head(self.flatten(x))


class SwinTransformerOptions(AdaptingOptions, total=False):
    """What the builders of this family can be told; those not explained here are explained at `SwinTransformer`.

    Attributes:
        image_size: Height and width of the pictures, in pixels, a multiple of 32. The windows grow with it, as those of
            the authors' networks for 384 pixels do, and with weights the tables of positions are interpolated. Without
            it the windows stay, and pictures may have any size.
    """

    image_size: int

    mlp_ratio: float
    dropout: float
    attention_dropout: float
    stochastic_depth_prob: float
    num_classes: int
    norm_layer: Callable[..., nn.Module] | None
    block: Callable[..., nn.Module] | None
    downsample_layer: Callable[..., nn.Module]


def _build(
    embed_dim: int,
    depths: list[int],
    stochastic_depth_prob: float,
    window_side: int,
    weights: WeightsEnum | str | None,
    progress: bool,
    options: SwinTransformerOptions | dict[str, Any],
) -> SwinTransformer:
    """The variant with these channels and blocks (section 3.3 of the first paper: patches of 4×4, 32 channels a head).

    The rate of stochastic depth (appendix A2.1) may be told otherwise.
    """
    heads = [embed_dim * 2**stage // 32 for stage in range(len(depths))]
    given: dict[str, Any] = {"stochastic_depth_prob": stochastic_depth_prob, **options}
    if (resize := given.pop("image_size", None)) is not None:
        window_side = window_of(resize, 32 * window_side)
    window = [window_side, window_side]
    return build(SwinTransformer, weights, progress, [4, 4], embed_dim, depths, heads, window, resize=resize, **given)


def _second(variant: str, options: SwinTransformerOptions) -> dict[str, Any]:
    return fixed(variant, options, block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2)


@builder(Swin_T_Weights, SwinTransformerOptions)
def swin_t(
    *, weights: Swin_T_Weights | str | None = None, progress: bool = True, **options: Unpack[SwinTransformerOptions]
) -> SwinTransformer:
    """Swin-T."""
    return _build(96, [2, 2, 6, 2], 0.2, 7, weights, progress, options)


@builder(Swin_S_Weights, SwinTransformerOptions)
def swin_s(
    *, weights: Swin_S_Weights | str | None = None, progress: bool = True, **options: Unpack[SwinTransformerOptions]
) -> SwinTransformer:
    """Swin-S."""
    return _build(96, [2, 2, 18, 2], 0.3, 7, weights, progress, options)


@builder(Swin_B_Weights, SwinTransformerOptions)
def swin_b(
    *, weights: Swin_B_Weights | str | None = None, progress: bool = True, **options: Unpack[SwinTransformerOptions]
) -> SwinTransformer:
    """Swin-B."""
    return _build(128, [2, 2, 18, 2], 0.5, 7, weights, progress, options)


@builder(Swin_V2_T_Weights, SwinTransformerOptions)
def swin_v2_t(
    *, weights: Swin_V2_T_Weights | str | None = None, progress: bool = True, **options: Unpack[SwinTransformerOptions]
) -> SwinTransformer:
    """SwinV2-T."""
    return _build(96, [2, 2, 6, 2], 0.2, 8, weights, progress, _second("swin_v2_t", options))


@builder(Swin_V2_S_Weights, SwinTransformerOptions)
def swin_v2_s(
    *, weights: Swin_V2_S_Weights | str | None = None, progress: bool = True, **options: Unpack[SwinTransformerOptions]
) -> SwinTransformer:
    """SwinV2-S."""
    return _build(96, [2, 2, 18, 2], 0.3, 8, weights, progress, _second("swin_v2_s", options))


@builder(Swin_V2_B_Weights, SwinTransformerOptions)
def swin_v2_b(
    *, weights: Swin_V2_B_Weights | str | None = None, progress: bool = True, **options: Unpack[SwinTransformerOptions]
) -> SwinTransformer:
    """SwinV2-B."""
    return _build(128, [2, 2, 18, 2], 0.5, 8, weights, progress, _second("swin_v2_b", options))
