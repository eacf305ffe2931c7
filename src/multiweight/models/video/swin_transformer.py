"""Video Swin Transformer: attention inside of windows of frames and patches.

Paper: Video Swin Transformer, https://arxiv.org/abs/2106.13230

Shapes: N clips, T × H × W frames and pixels, or patches of them, C channels (last, inside the network), B windows of
all clips together, L positions in a window.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TypedDict, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue.video.swin_transformer import Swin3D_B_Weights, Swin3D_S_Weights, Swin3D_T_Weights
from multiweight.errors import InputError
from multiweight.layers import relative_position_index
from multiweight.models._builder import build, builder
from multiweight.models.swin_transformer import PatchMerging, SwinTransformerBlock

__all__ = [
    "PatchEmbed3d",
    "ShiftedWindowAttention3d",
    "Swin3D_B_Weights",
    "Swin3D_S_Weights",
    "Swin3D_T_Weights",
    "SwinTransformer3d",
    "SwinTransformer3dOptions",
    "shifted_window_attention_3d",
    "swin3d_b",
    "swin3d_s",
    "swin3d_t",
]


def _partition(x: Tensor, window: list[int], along: int, down: int, across: int) -> Tensor:
    """Cuts `(N, T, H, W, C)` into windows `(B, L, C)`, so many along, down and across."""
    n, channels = x.shape[0], x.shape[4]
    x = x.reshape(n, along, window[0], down, window[1], across, window[2], channels)
    x = x.permute(0, 1, 3, 5, 2, 4, 6, 7)  # (N, windows along, down, across, T, H, W of a window, C)
    return x.reshape(n * along * down * across, window[0] * window[1] * window[2], channels)


def _join(windows: Tensor, window: list[int], n: int, along: int, down: int, across: int) -> Tensor:
    """Puts windows `(B, L, C)` together again, to `(N, T, H, W, C)`."""
    channels = windows.shape[2]
    x = windows.reshape(n, along, down, across, window[0], window[1], window[2], channels)
    x = x.permute(0, 1, 4, 2, 5, 3, 6, 7)
    return x.reshape(n, along * window[0], down * window[1], across * window[2], channels)


def _forbidden(window: list[int], shift: list[int], along: int, down: int, across: int, device: torch.device) -> Tensor:
    """Which pairs of a window only meet because the clip was rolled: `(B / N, L, L)`."""
    rolled_along = torch.arange(along * window[0], device=device) >= along * window[0] - shift[0]
    rolled_down = torch.arange(down * window[1], device=device) >= down * window[1] - shift[1]
    rolled_across = torch.arange(across * window[2], device=device) >= across * window[2] - shift[2]
    # Which of the eight parts that the roll has moved a position comes from.
    origin = 4 * rolled_along[:, None, None].int() + 2 * rolled_down[:, None].int() + rolled_across.int()
    origin = _partition(origin[None, ..., None], window, along, down, across)  # (B / N, L, 1)
    return origin != origin.transpose(1, 2)


def _window_and_shift(size: list[int], window: list[int], shift: list[int]) -> tuple[list[int], list[int]]:
    """Along an axis that is not longer than the window, the window is the axis, and is not shifted."""
    fitting: list[int] = []
    shifts: list[int] = []
    for axis in range(3):
        short = size[axis] <= window[axis]
        fitting.append(size[axis] if short else window[axis])
        shifts.append(0 if short else shift[axis])
    return fitting, shifts


def shifted_window_attention_3d(
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
    training: bool = True,
) -> Tensor:
    """Attention inside of windows, which are shifted against the clip (section 3.2 of the paper).

    Args:
        input: Features `(N, T, H, W, C)`.
        qkv_weight: Weights `(3 C, C)` that make queries, keys and values.
        proj_weight: Weights `(C, C)` of the last layer.
        relative_position_bias: `(1, heads, L, L)`, added to the similarities.
        window_size: Frames, height and width of a window.
        num_heads: Attention heads.
        shift_size: How far the windows are shifted along, down and right.
        attention_dropout: Probability that an attention weight is zeroed in training.
        dropout: Probability that an element of the result is zeroed in training.
        qkv_bias: Biases `(3 C,)` of the first layer.
        proj_bias: Biases `(C,)` of the last layer.
        training: Whether dropout acts.

    Returns:
        Features of the shape of the input.
    """
    frames, height, width = input.shape[1], input.shape[2], input.shape[3]
    # Whole windows, counted rather than measured afterwards: torch.export follows such sizes through the network.
    along = (frames + window_size[0] - 1) // window_size[0]
    down = (height + window_size[1] - 1) // window_size[1]
    across = (width + window_size[2] - 1) // window_size[2]
    missing = [along * window_size[0] - frames, down * window_size[1] - height, across * window_size[2] - width]
    x = F.pad(input, (0, 0, 0, missing[2], 0, missing[1], 0, missing[0]))
    shifted = shift_size[0] > 0 or shift_size[1] > 0 or shift_size[2] > 0
    if shifted:
        x = torch.roll(x, shifts=(-shift_size[0], -shift_size[1], -shift_size[2]), dims=(1, 2, 3))
    windows = _partition(x, window_size, along, down, across)  # (B, L, C)
    n, length, channels = windows.shape

    qkv = F.linear(windows, qkv_weight, qkv_bias).reshape(n, length, 3, num_heads, channels // num_heads)
    queries, keys, values = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, L, C / heads) each
    similarity = (queries * (channels // num_heads) ** -0.5).matmul(keys.transpose(-2, -1))
    similarity = similarity + relative_position_bias  # (B, heads, L, L)
    if shifted:
        forbidden = _forbidden(window_size, shift_size, along, down, across, x.device)  # (B / N, L, L)
        mask = x.new_zeros(forbidden.shape).masked_fill(forbidden, -100.0)[:, None]
        similarity = similarity.reshape(input.shape[0], -1, num_heads, length, length) + mask
        similarity = similarity.flatten(0, 1)
    weights = F.dropout(similarity.softmax(-1), attention_dropout, training)

    windows = weights.matmul(values).transpose(1, 2).reshape(n, length, channels)
    windows = F.dropout(F.linear(windows, proj_weight, proj_bias), dropout, training)
    x = _join(windows, window_size, input.shape[0], along, down, across)
    if shifted:
        x = torch.roll(x, shifts=(shift_size[0], shift_size[1], shift_size[2]), dims=(1, 2, 3))
    return F.pad(x, (0, 0, 0, -missing[2], 0, -missing[1], 0, -missing[0])).contiguous()


class ShiftedWindowAttention3d(nn.Module):
    """Attention inside of windows of frames and patches, with a bias for each offset between two positions.

    Args:
        dim: Channels.
        window_size: Frames, height and width of a window.
        shift_size: How far the windows are shifted along, down and right.
        num_heads: Attention heads.
        qkv_bias: Whether the layer that makes queries, keys and values has a bias.
        proj_bias: Whether the last layer has one.
        attention_dropout: Probability that an attention weight is zeroed in training.
        dropout: Probability that an element of the result is zeroed in training.

    Raises:
        ValueError: If `window_size` or `shift_size` are not three numbers, or `num_heads` does not divide `dim`.
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
        if len(window_size) != 3 or len(shift_size) != 3:
            raise ValueError(f"window_size and shift_size take three numbers each; got {window_size} and {shift_size}.")
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
        offsets = math.prod(2 * size - 1 for size in self.window_size)
        self.relative_position_bias_table = nn.Parameter(torch.empty(offsets, self.num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def define_relative_position_index(self) -> None:
        """Makes the numbers of the offsets between all pairs of positions, `(L, L)`."""
        self.relative_position_index: Tensor
        self.register_buffer("relative_position_index", relative_position_index(*self.window_size))

    def get_relative_position_bias(self, window_size: list[int]) -> Tensor:
        """The bias of each pair of positions of a window that may be smaller than the network's, `(1, heads, L, L)`.

        The positions of a smaller window are taken for the first ones of a full window. Where only frames are fewer
        that is what they are; where height or width is, it is how the published networks answer.
        """
        length = window_size[0] * window_size[1] * window_size[2]
        index = self.relative_position_index[:length, :length].flatten()
        bias = self.relative_position_bias_table[index].view(length, length, -1)
        return bias.permute(2, 0, 1).contiguous().unsqueeze(0)

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, T, H, W, C)` to the same shape."""
        window, shift = _window_and_shift([x.shape[1], x.shape[2], x.shape[3]], self.window_size, self.shift_size)
        return shifted_window_attention_3d(
            x,
            self.qkv.weight,
            self.proj.weight,
            self.get_relative_position_bias(window),
            window,
            self.num_heads,
            shift,
            self.attention_dropout,
            self.dropout,
            self.qkv.bias,
            self.proj.bias,
            self.training,
        )


class PatchEmbed3d(nn.Module):
    """Cuts a clip into patches and makes features of each. Zeros fill the last patches where they are not whole.

    Args:
        patch_size: Frames, height and width of a patch.
        in_channels: Channels of the clip.
        embed_dim: Channels that come out.
        norm_layer: Makes a normalisation from a number of channels; none unless given.
    """

    def __init__(
        self,
        patch_size: list[int],
        in_channels: int = 3,
        embed_dim: int = 96,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.tuple_patch_size = (patch_size[0], patch_size[1], patch_size[2])
        self.proj = nn.Conv3d(in_channels, embed_dim, self.tuple_patch_size, stride=self.tuple_patch_size)
        self.norm = nn.Identity() if norm_layer is None else norm_layer(embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """From clips `(N, 3, T, H, W)` to `(N, T', H', W', C)` patches."""
        along, down, across = self.tuple_patch_size
        x = F.pad(x, (0, -x.shape[4] % across, 0, -x.shape[3] % down, 0, -x.shape[2] % along))
        x = self.proj(x)  # (N, C, T', H', W')
        return self.norm(x.permute(0, 2, 3, 4, 1))


class SwinTransformer3d(nn.Module):
    """Stages of window attention, each with half the height and width and twice the channels of the one before.

    Args:
        patch_size: Frames, height and width of the patches that the first stage sees, in pixels.
        embed_dim: Channels of the first stage.
        depths: How many blocks each stage has. Every second one has shifted windows.
        num_heads: Attention heads of each stage.
        window_size: Frames, height and width of a window, in patches.
        mlp_ratio: Size between the two layers of a block's MLP, in channels.
        dropout: Probability that an element is zeroed in training.
        attention_dropout: The same for the attention weights.
        stochastic_depth_prob: Probability that a sample passes by the last block in training; it grows linearly from
            0 at the first.
        num_classes: How many scores come out.
        norm_layer: Makes a normalisation from a number of channels; layer norm unless given.
        block: Makes a block; takes what `SwinTransformerBlock` does, which is, with `ShiftedWindowAttention3d`, the
            default.
        downsample_layer: Makes what stands between two stages, from the channels and `norm_layer`.
        patch_embed: Makes the first layer; takes what `PatchEmbed3d`, the default, does.

    Raises:
        ValueError: If there are not as many `num_heads` as `depths`, or they do not divide the channels.
    """

    def __init__(
        self,
        patch_size: list[int],
        embed_dim: int,
        depths: list[int],
        num_heads: list[int],
        window_size: list[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.1,
        num_classes: int = 400,
        norm_layer: Callable[..., nn.Module] | None = None,
        block: Callable[..., nn.Module] | None = None,
        downsample_layer: Callable[..., nn.Module] = PatchMerging,
        patch_embed: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if len(depths) != len(num_heads):
            raise ValueError(f"depths and num_heads take one number a stage; got {depths} and {num_heads}.")
        self.num_classes = num_classes
        block = block or partial(SwinTransformerBlock, attn_layer=ShiftedWindowAttention3d)
        norm = norm_layer or partial(nn.LayerNorm, eps=1e-5)

        self.patch_embed = (patch_embed or PatchEmbed3d)(patch_size=patch_size, embed_dim=embed_dim, norm_layer=norm)
        self.pos_drop = nn.Dropout(dropout)
        shifts = ([0, 0, 0], [size // 2 for size in window_size])
        steps = max(sum(depths) - 1, 1)
        number = 0
        channels = embed_dim
        layers: list[nn.Module] = []
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
        self.num_features = channels
        self.norm = norm(channels)
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.head = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """From clips `(N, 3, T, H, W)` to scores `(N, num_classes)`.

        Raises:
            InputError: If the clips have another number of dimensions; also a ValueError.
        """
        if not torch.jit.is_scripting() and x.ndim != 5:  # pyright: ignore[reportPrivateImportUsage]
            raise InputError(f"SwinTransformer3d takes clips of shape (N, 3, T, H, W); got {tuple(x.shape)}.")
        x = self.pos_drop(self.patch_embed(x))  # (N, T/2, H/4, W/4, C)
        x = self.norm(self.features(x))  # (N, T/2, H/32, W/32, 8 C)
        x = self.avgpool(x.permute(0, 4, 1, 2, 3))  # (N, 8 C, 1, 1, 1)
        return self.head(x.flatten(1))


class SwinTransformer3dOptions(TypedDict, total=False):
    """What a builder of this family passes on to `SwinTransformer3d`, where each is explained."""

    mlp_ratio: float
    dropout: float
    attention_dropout: float
    stochastic_depth_prob: float
    num_classes: int
    norm_layer: Callable[..., nn.Module] | None
    block: Callable[..., nn.Module] | None
    downsample_layer: Callable[..., nn.Module]
    patch_embed: Callable[..., nn.Module] | None


def _build(
    embed_dim: int,
    depths: list[int],
    weights: WeightsEnum | str | None,
    progress: bool,
    options: SwinTransformer3dOptions,
) -> SwinTransformer3d:
    """The variant with these channels and blocks: patches of 2×4×4, windows of 8×7×7, 32 channels a head."""
    heads = [embed_dim * 2**stage // 32 for stage in range(len(depths))]
    variant = ([2, 4, 4], embed_dim, depths, heads, [8, 7, 7])
    return build(SwinTransformer3d, weights, progress, *variant, **options)


@builder(Swin3D_T_Weights, SwinTransformer3dOptions)
def swin3d_t(
    *,
    weights: Swin3D_T_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[SwinTransformer3dOptions],
) -> SwinTransformer3d:
    """Video Swin-T."""
    return _build(96, [2, 2, 6, 2], weights, progress, options)


@builder(Swin3D_S_Weights, SwinTransformer3dOptions)
def swin3d_s(
    *,
    weights: Swin3D_S_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[SwinTransformer3dOptions],
) -> SwinTransformer3d:
    """Video Swin-S."""
    return _build(96, [2, 2, 18, 2], weights, progress, options)


@builder(Swin3D_B_Weights, SwinTransformer3dOptions)
def swin3d_b(
    *,
    weights: Swin3D_B_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[SwinTransformer3dOptions],
) -> SwinTransformer3d:
    """Video Swin-B."""
    return _build(128, [2, 2, 18, 2], weights, progress, options)
