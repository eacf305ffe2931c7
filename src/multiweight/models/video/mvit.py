"""Multiscale Vision Transformers, first and second version: attention whose queries, keys and values are pooled.

Papers:
    Multiscale Vision Transformers, https://arxiv.org/abs/2104.11227
    MViTv2: Improved Multiscale Vision Transformers for Classification and Detection, https://arxiv.org/abs/2112.01526

Shapes: N clips, T × H × W patches, L = 1 + T H W positions (first the class's, then the patches), C channels, D
channels of a head.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypedDict, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue.video.mvit import MViT_V1_B_Weights, MViT_V2_S_Weights
from multiweight.errors import InputError
from multiweight.layers import MLP, StochasticDepth
from multiweight.models._builder import build, builder

__all__ = [
    "MSBlockConfig",
    "MViT",
    "MViTOptions",
    "MViT_V1_B_Weights",
    "MViT_V2_S_Weights",
    "MultiscaleAttention",
    "MultiscaleBlock",
    "Pool",
    "PositionalEncoding",
    "mvit_v1_b",
    "mvit_v2_s",
]


class MSBlockConfig:
    """The numbers of one block. Kernels and strides are of time, height and width; empty where nothing is pooled.

    Args:
        num_heads: Attention heads.
        input_channels: Channels that come in.
        output_channels: Channels that come out.
        kernel_q: Kernel of the pooling of the queries, in patches.
        kernel_kv: The same for keys and values.
        stride_q: Step of the pooling of the queries, by which the block's patches become fewer.
        stride_kv: The same for keys and values.
    """

    def __init__(
        self,
        num_heads: int,
        input_channels: int,
        output_channels: int,
        kernel_q: list[int],
        kernel_kv: list[int],
        stride_q: list[int],
        stride_kv: list[int],
    ) -> None:
        self.num_heads = num_heads
        self.input_channels = input_channels
        self.output_channels = output_channels
        self.kernel_q = kernel_q
        self.kernel_kv = kernel_kv
        self.stride_q = stride_q
        self.stride_kv = stride_kv


class Pool(nn.Module):
    """Pools the patches of a clip, and lets the class's position pass.

    Args:
        pool: Pools `(N, C, T, H, W)`.
        norm: Normalises what comes out, the class's position included.
        activation: Follows the norm.
        norm_before_pool: Whether norm and activation see the patches, `(N, C, T, H, W)`, before they are pooled.
    """

    def __init__(
        self,
        pool: nn.Module,
        norm: nn.Module | None,
        activation: nn.Module | None = None,
        norm_before_pool: bool = False,
    ) -> None:
        super().__init__()
        self.pool = pool
        layers = [layer for layer in (norm, activation) if layer is not None]
        self.norm_act = nn.Sequential(*layers) if layers else None
        self.norm_before_pool = norm_before_pool

    def forward(self, x: Tensor, thw: tuple[int, int, int]) -> tuple[Tensor, tuple[int, int, int]]:
        """Pools positions.

        Args:
            x: `(N, heads, L, D)`, or `(N, L, C)`.
            thw: How many patches the clip has along time, height and width.

        Returns:
            The pooled positions, and how many patches these are along time, height and width.
        """
        has_heads = x.ndim == 4
        if not has_heads:
            x = x.unsqueeze(1)
        n, heads, _, channels = x.shape
        patches = x[:, :, 1:].transpose(2, 3).reshape(n * heads, channels, thw[0], thw[1], thw[2]).contiguous()
        if self.norm_before_pool and self.norm_act is not None:
            patches = self.norm_act(patches)
        patches = self.pool(patches)
        thw = (patches.shape[2], patches.shape[3], patches.shape[4])
        patches = patches.reshape(n, heads, channels, thw[0] * thw[1] * thw[2]).transpose(2, 3)
        x = torch.cat((x[:, :, :1], patches), 2)  # (N, heads, L, D)
        if not self.norm_before_pool and self.norm_act is not None:
            x = self.norm_act(x)
        return (x if has_heads else x.squeeze(1)), thw


def _rows(table: Tensor, queries: int, keys: int) -> Tensor:
    """The rows of a table of offsets along an axis, for each pair of positions there.

    Args:
        table: A row for each offset, `(offsets, D)`.
        queries: How many queries the axis has.
        keys: How many keys.

    Returns:
        `(queries, keys, D)`.
    """
    offsets = 2 * max(queries, keys) - 1
    if table.shape[0] != offsets:
        table = F.interpolate(table.T.unsqueeze(0), size=offsets, mode="linear").squeeze(0).T
    # Where there are fewer queries than keys, or the other way round, the fewer stand further apart.
    of_queries = torch.arange(queries, device=table.device)[:, None] * max(keys / queries, 1.0)
    of_keys = (torch.arange(keys, device=table.device)[None] + (1.0 - keys)) * max(queries / keys, 1.0)
    return table[(of_queries - of_keys).long()]


class MultiscaleAttention(nn.Module):
    """Attention with pooled queries, keys and values (figure 3 of the first paper, figure 2 of the second).

    Args:
        input_size: How many patches come in along time, height and width.
        embed_dim: Channels that come in.
        output_dim: Channels that come out.
        num_heads: Attention heads.
        kernel_q: Kernel of the pooling of the queries; empty where they are not pooled.
        kernel_kv: The same for keys and values.
        stride_q: Step of the pooling of the queries.
        stride_kv: The same for keys and values.
        residual_pool: Whether the pooled queries are added to the result (equation 5 of the second paper).
        residual_with_cls_embed: Whether this is so for the class's position too.
        rel_pos_embed: Whether the similarities depend on the offset between two patches.
        dropout: Probability that an element of the result is zeroed in training.
        norm_layer: Makes a normalisation from a number of channels.
    """

    def __init__(
        self,
        input_size: list[int],
        embed_dim: int,
        output_dim: int,
        num_heads: int,
        kernel_q: list[int],
        kernel_kv: list[int],
        stride_q: list[int],
        stride_kv: list[int],
        residual_pool: bool,
        residual_with_cls_embed: bool,
        rel_pos_embed: bool,
        dropout: float = 0.0,
        norm_layer: Callable[..., nn.Module] = nn.LayerNorm,
    ) -> None:
        super().__init__()
        self.embed_dim = embed_dim
        self.output_dim = output_dim
        self.num_heads = num_heads
        self.head_dim = output_dim // num_heads
        self.scaler = 1.0 / math.sqrt(self.head_dim)
        self.residual_pool = residual_pool
        self.residual_with_cls_embed = residual_with_cls_embed

        self.qkv = nn.Linear(embed_dim, 3 * output_dim)
        last: list[nn.Module] = [nn.Linear(output_dim, output_dim)]
        if dropout > 0.0:
            last.append(nn.Dropout(dropout, inplace=True))
        self.project = nn.Sequential(*last)
        self.pool_q = self._pool(kernel_q, stride_q, norm_layer)
        self.pool_k = self._pool(kernel_kv, stride_kv, norm_layer)
        self.pool_v = self._pool(kernel_kv, stride_kv, norm_layer)

        self.rel_pos_h: nn.Parameter | None = None
        self.rel_pos_w: nn.Parameter | None = None
        self.rel_pos_t: nn.Parameter | None = None
        if rel_pos_embed:
            # Sides are taken for as long as the longer one, both pooled as the height is, and time for not pooled, as
            # the published networks do it. Where a table turns out not to fit, it is interpolated.
            steps = [stride[1] if stride else 1 for stride in (stride_q, stride_kv)]
            side = max(max(input_size[1:]) // step for step in steps)
            self.rel_pos_h = self._offsets(2 * side - 1)
            self.rel_pos_w = self._offsets(2 * side - 1)
            self.rel_pos_t = self._offsets(2 * input_size[0] - 1)

    def _pool(self, kernel: list[int], stride: list[int], norm_layer: Callable[..., nn.Module]) -> Pool | None:
        if math.prod(kernel) == 1 and math.prod(stride) == 1:
            return None
        size, step, around = ((each[0], each[1], each[2]) for each in (kernel, stride, [side // 2 for side in kernel]))
        width = self.head_dim
        return Pool(nn.Conv3d(width, width, size, step, around, groups=width, bias=False), norm_layer(width))

    def _offsets(self, count: int) -> nn.Parameter:
        table = nn.Parameter(torch.empty(count, self.head_dim))
        nn.init.trunc_normal_(table, std=0.02)
        return table

    def forward(self, x: Tensor, thw: tuple[int, int, int]) -> tuple[Tensor, tuple[int, int, int]]:
        """Lets each position look at all others.

        Args:
            x: `(N, L, embed_dim)`.
            thw: How many patches the clip has along time, height and width.

        Returns:
            `(N, L, output_dim)`, and how many patches these are along time, height and width.
        """
        n, length, _ = x.shape
        qkv = self.qkv(x).reshape(n, length, 3, self.num_heads, self.head_dim)
        queries, keys, values = qkv.transpose(1, 3).unbind(2)  # (N, heads, L, D) each
        of_queries, of_keys = thw, thw
        if self.pool_k is not None:
            keys, of_keys = self.pool_k(keys, thw)
        if self.pool_v is not None:
            values = self.pool_v(values, thw)[0]
        if self.pool_q is not None:
            queries, of_queries = self.pool_q(queries, thw)

        similarity = torch.matmul(self.scaler * queries, keys.transpose(2, 3))  # (N, heads, L of queries, L of keys)
        along, down, across = self.rel_pos_t, self.rel_pos_h, self.rel_pos_w
        if along is not None and down is not None and across is not None:
            t, h, w = of_queries
            patches = queries[:, :, 1:].reshape(n, self.num_heads, t, h, w, self.head_dim)
            # Equation 4 of the second paper, an axis a line: (N, heads, T, H, W, keys along the axis) each.
            by_rows = torch.einsum("nathwd,hkd->nathwk", patches, _rows(down, h, of_keys[1]))
            by_columns = torch.einsum("nathwd,wkd->nathwk", patches, _rows(across, w, of_keys[2]))
            by_frames = torch.einsum("nathwd,tkd->nathwk", patches, _rows(along, t, of_keys[0]))
            position = by_rows[..., None, :, None] + by_columns[..., None, None, :] + by_frames[..., :, None, None]
            similarity[:, :, 1:, 1:] += position.flatten(5).flatten(2, 4)
        x = torch.matmul(similarity.softmax(-1), values)  # (N, heads, L of queries, D)
        if self.residual_pool:
            if self.residual_with_cls_embed:
                x += queries
            else:
                x[:, :, 1:] += queries[:, :, 1:]
        return self.project(x.transpose(1, 2).flatten(2)), of_queries


class MultiscaleBlock(nn.Module):
    """Pooled attention, then an MLP, each with a norm before it and the identity, pooled alike, beside it.

    Args:
        input_size: How many patches come in along time, height and width.
        cnf: The block's numbers.
        residual_pool: See `MultiscaleAttention`.
        residual_with_cls_embed: See `MultiscaleAttention`.
        rel_pos_embed: See `MultiscaleAttention`.
        proj_after_attn: Whether the attention changes the number of channels, as in the second version; if not, the
            MLP does.
        dropout: Probability that an element is zeroed in training.
        stochastic_depth_prob: Probability that a sample passes by in training.
        norm_layer: Makes a normalisation from a number of channels.
    """

    def __init__(
        self,
        input_size: list[int],
        cnf: MSBlockConfig,
        residual_pool: bool,
        residual_with_cls_embed: bool,
        rel_pos_embed: bool,
        proj_after_attn: bool,
        dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
        norm_layer: Callable[..., nn.Module] = nn.LayerNorm,
    ) -> None:
        super().__init__()
        self.proj_after_attn = proj_after_attn
        self.pool_skip = None
        if math.prod(cnf.stride_q) > 1:
            kernel = [step + 1 if step > 1 else step for step in cnf.stride_q]
            self.pool_skip = Pool(nn.MaxPool3d(kernel, cnf.stride_q, [side // 2 for side in kernel]), None)  # pyright: ignore[reportArgumentType]
        middle = cnf.output_channels if proj_after_attn else cnf.input_channels
        self.norm1 = norm_layer(cnf.input_channels)
        self.norm2 = norm_layer(middle)
        self.attn = MultiscaleAttention(
            input_size,
            cnf.input_channels,
            middle,
            cnf.num_heads,
            cnf.kernel_q,
            cnf.kernel_kv,
            cnf.stride_q,
            cnf.stride_kv,
            residual_pool,
            residual_with_cls_embed,
            rel_pos_embed,
            dropout,
            norm_layer,
        )
        self.mlp = MLP(middle, [4 * middle, cnf.output_channels], activation_layer=nn.GELU, dropout=dropout)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.project = None
        if cnf.input_channels != cnf.output_channels:
            self.project = nn.Linear(cnf.input_channels, cnf.output_channels)

    def forward(self, x: Tensor, thw: tuple[int, int, int]) -> tuple[Tensor, tuple[int, int, int]]:
        """One block.

        Args:
            x: `(N, L, C)`.
            thw: How many patches the clip has along time, height and width.

        Returns:
            `(N, L, C)`, and how many patches these are along time, height and width.
        """
        normed = self.norm1(x)
        branch, pooled = self.attn(normed, thw)
        if self.proj_after_attn and self.project is not None:
            x = self.project(normed)
        if self.pool_skip is not None:
            x = self.pool_skip(x, thw)[0]
        x = x + self.stochastic_depth(branch)
        normed = self.norm2(x)
        if not self.proj_after_attn and self.project is not None:
            x = self.project(normed)
        return x + self.stochastic_depth(self.mlp(normed)), pooled


class PositionalEncoding(nn.Module):
    """Puts the class's position before the patches and, where attention does not know it, adds where each is.

    Args:
        embed_size: Channels.
        spatial_size: How many patches a frame has along height and width.
        temporal_size: How many patches the clip has along time.
        rel_pos_embed: Whether attention knows the offsets between patches, so that nothing is added here.
    """

    def __init__(self, embed_size: int, spatial_size: tuple[int, int], temporal_size: int, rel_pos_embed: bool) -> None:
        super().__init__()
        self.spatial_size = spatial_size
        self.temporal_size = temporal_size
        self.class_token = nn.Parameter(torch.zeros(embed_size))
        self.spatial_pos: nn.Parameter | None = None
        self.temporal_pos: nn.Parameter | None = None
        self.class_pos: nn.Parameter | None = None
        if not rel_pos_embed:
            self.spatial_pos = nn.Parameter(torch.zeros(spatial_size[0] * spatial_size[1], embed_size))
            self.temporal_pos = nn.Parameter(torch.zeros(temporal_size, embed_size))
            self.class_pos = nn.Parameter(torch.zeros(embed_size))

    def forward(self, x: Tensor) -> Tensor:
        """From patches `(N, T H W, C)` to positions `(N, 1 + T H W, C)`."""
        x = torch.cat((self.class_token.expand(x.shape[0], 1, -1), x), 1)
        of_frame, of_time, of_class = self.spatial_pos, self.temporal_pos, self.class_pos
        if of_frame is not None and of_time is not None and of_class is not None:
            of_patches = (of_time[:, None] + of_frame).flatten(0, 1)  # (T H W, C)
            x = x + torch.cat((of_class[None], of_patches))
        return x


class MViT(nn.Module):
    """Blocks of pooled attention, in which patches become fewer and channels more; scores from the class's position.

    Args:
        spatial_size: Height and width of the clips, in pixels.
        temporal_size: How many frames they have.
        block_setting: The blocks' numbers, in order.
        residual_pool: Whether the pooled queries are added to what the attention gives.
        residual_with_cls_embed: Whether this is so for the class's position too.
        rel_pos_embed: Whether the attention depends on the offset between two patches. If not, where a patch is is
            added to it before the first block.
        proj_after_attn: Whether the attention changes the number of channels; if not, the MLP before it does.
        dropout: Probability that an input of the last layer is zeroed in training.
        attention_dropout: Probability that an element of a branch of a block is zeroed in training.
        stochastic_depth_prob: Probability that a sample passes by the last block in training; it grows linearly from
            0 at the first.
        num_classes: How many scores come out.
        block: Makes a block; takes what `MultiscaleBlock`, the default, does.
        norm_layer: Makes a normalisation of the last dimension from its size; layer norm with eps 1e-6 unless given.
        patch_embed_kernel: Frames, height and width that a patch sees, in pixels.
        patch_embed_stride: Distance between two patches, in frames and pixels.
        patch_embed_padding: Zeros around the clip, in frames and pixels.

    Raises:
        ValueError: If the setting is empty.
    """

    def __init__(
        self,
        spatial_size: tuple[int, int],
        temporal_size: int,
        block_setting: Sequence[MSBlockConfig],
        residual_pool: bool,
        residual_with_cls_embed: bool,
        rel_pos_embed: bool,
        proj_after_attn: bool,
        dropout: float = 0.5,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
        num_classes: int = 400,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        patch_embed_kernel: tuple[int, int, int] = (3, 7, 7),
        patch_embed_stride: tuple[int, int, int] = (2, 4, 4),
        patch_embed_padding: tuple[int, int, int] = (1, 3, 3),
    ) -> None:
        super().__init__()
        if not block_setting:
            raise ValueError("block_setting takes at least one MSBlockConfig; got none.")
        make_block = block or MultiscaleBlock
        norm = norm_layer or partial(nn.LayerNorm, eps=1e-6)

        clip = (temporal_size, *spatial_size)
        size = [pixels // step for pixels, step in zip(clip, patch_embed_stride, strict=True)]
        channels = block_setting[0].input_channels
        self.conv_proj = nn.Conv3d(
            3, channels, patch_embed_kernel, stride=patch_embed_stride, padding=patch_embed_padding
        )
        self.pos_encoding = PositionalEncoding(channels, (size[1], size[2]), size[0], rel_pos_embed)
        self.blocks = nn.ModuleList()
        steps = max(len(block_setting) - 1, 1)
        for number, cnf in enumerate(block_setting):
            self.blocks.append(
                make_block(
                    input_size=size,
                    cnf=cnf,
                    residual_pool=residual_pool,
                    residual_with_cls_embed=residual_with_cls_embed,
                    rel_pos_embed=rel_pos_embed,
                    proj_after_attn=proj_after_attn,
                    dropout=attention_dropout,
                    stochastic_depth_prob=stochastic_depth_prob * number / steps,
                    norm_layer=norm,
                )
            )
            if cnf.stride_q:
                size = [patches // step for patches, step in zip(size, cnf.stride_q, strict=True)]
        channels = block_setting[-1].output_channels
        self.norm = norm(channels)
        self.head = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(channels, num_classes))
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """From clips `(N, 3, T, H, W)` to scores `(N, num_classes)`; of pictures `(N, 3, H, W)` for a single frame.

        Raises:
            InputError: If the clips have another size than the network; also a ValueError.
        """
        if x.ndim == 4:
            x = x.unsqueeze(2)
        if not torch.jit.is_scripting():  # pyright: ignore[reportPrivateImportUsage]
            self._check(x)
        x = self.conv_proj(x).flatten(2).transpose(1, 2)  # (N, T H W, C)
        x = self.pos_encoding(x)  # (N, L, C)
        height, width = self.pos_encoding.spatial_size
        thw = (self.pos_encoding.temporal_size, height, width)
        for block in self.blocks:
            x, thw = block(x, thw)
        x = self.norm(x)[:, 0]  # (N, C)
        return self.head(x)

    def _check(self, x: Tensor) -> None:
        step = self.conv_proj.stride
        height, width = self.pos_encoding.spatial_size
        expected = (self.pos_encoding.temporal_size, height, width)
        given = [
            (size + 2 * int(around) - side) // by + 1
            for size, around, side, by in zip(
                x.shape[2:], self.conv_proj.padding, self.conv_proj.kernel_size, step, strict=False
            )
        ]
        if x.ndim != 5 or tuple(given) != expected:
            frames, rows, columns = (patches * by for patches, by in zip(expected, step, strict=True))
            raise InputError(
                f"This MViT takes clips of {frames} frames of {rows}×{columns} pixels, (N, 3, {frames}, {rows}, "
                f"{columns}); got {tuple(x.shape)}. Build it with other temporal_size and spatial_size for others."
            )


def _initialise(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            if module.weight is not None:
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
        elif isinstance(module, PositionalEncoding):
            for parameter in module.parameters():
                nn.init.trunc_normal_(parameter, std=0.02)


class MViTOptions(TypedDict, total=False):
    """What a builder of this family passes on to `MViT`, where each is explained."""

    spatial_size: tuple[int, int]
    temporal_size: int
    residual_pool: bool
    residual_with_cls_embed: bool
    rel_pos_embed: bool
    proj_after_attn: bool
    dropout: float
    attention_dropout: float
    stochastic_depth_prob: float
    num_classes: int
    block: Callable[..., nn.Module] | None
    norm_layer: Callable[..., nn.Module] | None
    patch_embed_kernel: tuple[int, int, int]
    patch_embed_stride: tuple[int, int, int]
    patch_embed_padding: tuple[int, int, int]


_DEPTHS = (1, 2, 11, 2)
"""Blocks of the four stages: table 2 of the first paper, MViT-B, and table 1 of the second, MViTv2-S."""


def _stages() -> list[tuple[int, bool, bool]]:
    """Of each block the number of its stage, whether it is the first and whether it is the last there."""
    return [(stage, place == 0, place == depth - 1) for stage, depth in enumerate(_DEPTHS) for place in range(depth)]


def _first_version() -> list[MSBlockConfig]:
    """The last MLP of a stage doubles the channels; queries are only pooled in the first block of a stage."""
    setting: list[MSBlockConfig] = []
    for stage, first, last in _stages():
        channels = 96 * 2**stage
        out = 2 * channels if last and stage < 3 else channels
        pooled = first and stage > 0
        step = 8 // 2**stage
        kernel_q, stride_q = ([3, 3, 3], [1, 2, 2]) if pooled else ([], [])
        setting.append(MSBlockConfig(2**stage, channels, out, kernel_q, [3, 3, 3], stride_q, [1, step, step]))
    return setting


def _second_version() -> list[MSBlockConfig]:
    """The first attention of a stage doubles the channels; queries are pooled in every block."""
    setting: list[MSBlockConfig] = []
    for stage, first, _ in _stages():
        channels = 96 * 2**stage
        narrower = first and stage > 0
        into = channels // 2 if narrower else channels
        stride_q = [1, 2, 2] if narrower else [1, 1, 1]
        step = 8 // 2**stage
        setting.append(MSBlockConfig(2**stage, into, channels, [3, 3, 3], [3, 3, 3], stride_q, [1, step, step]))
    return setting


_CLIP: dict[str, Any] = {"spatial_size": (224, 224), "temporal_size": 16, "stochastic_depth_prob": 0.2}
_FIRST = dict.fromkeys(("residual_pool", "residual_with_cls_embed", "rel_pos_embed", "proj_after_attn"), False)
_SECOND = {**dict.fromkeys(_FIRST, True), "residual_with_cls_embed": False}


@builder(MViT_V1_B_Weights, MViTOptions)
def mvit_v1_b(
    *, weights: MViT_V1_B_Weights | str | None = None, progress: bool = True, **options: Unpack[MViTOptions]
) -> MViT:
    """MViT-B, 16 frames."""
    given = {**_CLIP, **_FIRST, **options}
    return build(MViT, weights, progress, block_setting=_first_version(), **given)


@builder(MViT_V2_S_Weights, MViTOptions)
def mvit_v2_s(
    *, weights: MViT_V2_S_Weights | str | None = None, progress: bool = True, **options: Unpack[MViTOptions]
) -> MViT:
    """MViTv2-S, 16 frames."""
    given = {**_CLIP, **_SECOND, **options}
    return build(MViT, weights, progress, block_setting=_second_version(), **given)
