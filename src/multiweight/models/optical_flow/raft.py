"""RAFT: a flow that is corrected step by step, each time by what the pictures look like where it points.

Paper: RAFT: Recurrent All-Pairs Field Transforms for Optical Flow, https://arxiv.org/abs/2003.12039

Shapes: N pairs of pictures, C channels, H × W pixels of the pictures, h × w = H/8 × W/8 of the features.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypedDict, Unpack, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue.optical_flow.raft import Raft_Large_Weights, Raft_Small_Weights
from multiweight.errors import InputError
from multiweight.layers import Conv2dNormActivation
from multiweight.models._builder import build, builder
from multiweight.models.optical_flow.grids import grid_sample, make_coords_grid
from multiweight.models.optical_flow.upsampling import upsample_flow

__all__ = [
    "RAFT",
    "BottleneckBlock",
    "ConvGRU",
    "CorrBlock",
    "FeatureEncoder",
    "FlowHead",
    "MaskPredictor",
    "MotionEncoder",
    "RAFTOptions",
    "Raft_Large_Weights",
    "Raft_Small_Weights",
    "RecurrentBlock",
    "ResidualBlock",
    "UpdateBlock",
    "raft_large",
    "raft_small",
]

Norm = Callable[..., nn.Module] | None


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut.

    The convolutions have biases, although norms follow: the batch norms of RAFT are frozen in most of its training.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that come out.
        norm_layer: Makes a norm from the number of channels; `None` leaves it out.
        stride: Of the first convolution.
        always_project: Whether the shortcut is a convolution without a stride too.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, norm_layer: Norm, stride: int = 1, always_project: bool = False
    ) -> None:
        super().__init__()
        self.convnormrelu1 = Conv2dNormActivation(
            in_channels, out_channels, 3, stride, norm_layer=norm_layer, bias=True
        )
        self.convnormrelu2 = Conv2dNormActivation(out_channels, out_channels, 3, norm_layer=norm_layer, bias=True)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or always_project:
            self.downsample = _projection(in_channels, out_channels, stride, norm_layer)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_channels, H, W)` to `(N, out_channels, H/stride, W/stride)`."""
        return self.relu(self.downsample(x) + self.convnormrelu2(self.convnormrelu1(x)))


class BottleneckBlock(nn.Module):
    """A 3×3 convolution of a quarter of the channels between two 1×1 ones, and a shortcut; with biases too.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that come out.
        norm_layer: Makes a norm from the number of channels; `None` leaves it out.
        stride: Of the 3×3 convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, *, norm_layer: Norm, stride: int = 1) -> None:
        super().__init__()
        narrow = out_channels // 4
        self.convnormrelu1 = Conv2dNormActivation(in_channels, narrow, 1, norm_layer=norm_layer, bias=True)
        self.convnormrelu2 = Conv2dNormActivation(narrow, narrow, 3, stride, norm_layer=norm_layer, bias=True)
        self.convnormrelu3 = Conv2dNormActivation(narrow, out_channels, 1, norm_layer=norm_layer, bias=True)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1:
            self.downsample = _projection(in_channels, out_channels, stride, norm_layer)

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_channels, H, W)` to `(N, out_channels, H/stride, W/stride)`."""
        return self.relu(self.downsample(x) + self.convnormrelu3(self.convnormrelu2(self.convnormrelu1(x))))


def _projection(in_channels: int, out_channels: int, stride: int, norm_layer: Norm) -> nn.Module:
    return Conv2dNormActivation(
        in_channels, out_channels, 1, stride, norm_layer=norm_layer, activation_layer=None, bias=True
    )


class FeatureEncoder(nn.Module):
    """From a picture to features of an eighth of its size; RAFT has one for both pictures and one for the context.

    Args:
        block: Makes a block: `ResidualBlock` or `BottleneckBlock`.
        layers: Channels of the five parts: the first convolution, three pairs of blocks, the last convolution.
        strides: Of the first convolution and of the three pairs.
        norm_layer: Makes a norm from the number of channels; `None` leaves it out.

    Attributes:
        output_dim: Channels of the features.
        downsample_factor: How many times smaller they are.

    Raises:
        ValueError: If there are not five layers.
    """

    def __init__(
        self,
        *,
        block: Callable[..., nn.Module] = ResidualBlock,
        layers: Sequence[int] = (64, 64, 96, 128, 256),
        strides: Sequence[int] = (2, 1, 2, 2),
        norm_layer: Norm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        if len(layers) != 5:
            raise ValueError(f"layers are five numbers of channels; got {len(layers)}: {tuple(layers)}.")
        self.convnormrelu = Conv2dNormActivation(3, layers[0], 7, strides[0], norm_layer=norm_layer, bias=True)
        self.layer1 = self._pair(block, layers[0], layers[1], strides[1], norm_layer)
        self.layer2 = self._pair(block, layers[1], layers[2], strides[2], norm_layer)
        self.layer3 = self._pair(block, layers[2], layers[3], strides[3], norm_layer)
        self.conv = nn.Conv2d(layers[3], layers[4], 1)
        self.output_dim = layers[4]
        self.downsample_factor = 2 ** sum(stride == 2 for stride in strides)
        self._initialise()

    @staticmethod
    def _pair(
        block: Callable[..., nn.Module], in_channels: int, out_channels: int, stride: int, norm_layer: Norm
    ) -> nn.Sequential:
        return nn.Sequential(
            block(in_channels, out_channels, norm_layer=norm_layer, stride=stride),
            block(out_channels, out_channels, norm_layer=norm_layer, stride=1),
        )

    def _initialise(self) -> None:
        # Otherwise than layers.initialise: biases stay as torch makes them, and group norms too.
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d)) and module.affine:
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to features `(N, output_dim, h, w)`."""
        x = self.convnormrelu(x)  # (N, layers[0], H/2, W/2)
        x = self.layer1(x)
        x = self.layer2(x)  # (N, layers[2], H/4, W/4)
        x = self.layer3(x)  # (N, layers[3], h, w)
        return self.conv(x)


class MotionEncoder(nn.Module):
    """Features of the flow so far and of what the pictures look like where it points (appendix A).

    Args:
        in_channels_corr: Channels of the correlations.
        corr_layers: Channels of the one or two convolutions of the correlations.
        flow_layers: Channels of the two convolutions of the flow.
        out_channels: Channels that come out, with two for the flow itself.

    Raises:
        ValueError: If there are not so many layers.
    """

    def __init__(
        self,
        *,
        in_channels_corr: int,
        corr_layers: Sequence[int] = (256, 192),
        flow_layers: Sequence[int] = (128, 64),
        out_channels: int = 128,
    ) -> None:
        super().__init__()
        if len(flow_layers) != 2:
            raise ValueError(f"flow_layers are two numbers of channels; got {len(flow_layers)}: {tuple(flow_layers)}.")
        if len(corr_layers) not in (1, 2):
            raise ValueError(
                f"corr_layers are one or two numbers of channels; got {len(corr_layers)}: {tuple(corr_layers)}."
            )
        self.convcorr1 = Conv2dNormActivation(in_channels_corr, corr_layers[0], 1, norm_layer=None)
        self.convcorr2: nn.Module = nn.Identity()
        if len(corr_layers) == 2:
            self.convcorr2 = Conv2dNormActivation(corr_layers[0], corr_layers[1], 3, norm_layer=None)
        self.convflow1 = Conv2dNormActivation(2, flow_layers[0], 7, norm_layer=None)
        self.convflow2 = Conv2dNormActivation(flow_layers[0], flow_layers[1], 3, norm_layer=None)
        self.conv = Conv2dNormActivation(corr_layers[-1] + flow_layers[1], out_channels - 2, 3, norm_layer=None)
        self.out_channels = out_channels

    def forward(self, flow: Tensor, corr_features: Tensor) -> Tensor:
        """From the flow `(N, 2, h, w)` and correlations `(N, in_channels_corr, h, w)` to `(N, out_channels, h, w)`."""
        corr = self.convcorr2(self.convcorr1(corr_features))
        moved = self.convflow2(self.convflow1(flow))
        return torch.cat([self.conv(torch.cat([corr, moved], dim=1)), flow], dim=1)


class ConvGRU(nn.Module):
    """A gated recurrent unit with convolutions for its matrices (equations 3 to 6).

    Args:
        input_size: Channels of the input.
        hidden_size: Channels of the state.
        kernel_size: Of the convolutions.
        padding: Zeros around what they see, which keep the size.
    """

    def __init__(
        self,
        *,
        input_size: int,
        hidden_size: int,
        kernel_size: int | tuple[int, int],
        padding: int | tuple[int, int],
    ) -> None:
        super().__init__()
        channels = hidden_size + input_size
        self.convz = nn.Conv2d(channels, hidden_size, kernel_size, padding=padding)
        self.convr = nn.Conv2d(channels, hidden_size, kernel_size, padding=padding)
        self.convq = nn.Conv2d(channels, hidden_size, kernel_size, padding=padding)

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        """From the state `(N, hidden_size, h, w)` and the input `(N, input_size, h, w)` to the next state."""
        both = torch.cat([h, x], dim=1)
        update = torch.sigmoid(self.convz(both))
        reset = torch.sigmoid(self.convr(both))
        proposed = torch.tanh(self.convq(torch.cat([reset * h, x], dim=1)))
        return (1 - update) * h + update * proposed


def _unchanged(h: Tensor, x: Tensor) -> Tensor:
    return h


class RecurrentBlock(nn.Module):
    """One recurrent unit, or two after each other: one that sees along rows and one along columns.

    Args:
        input_size: Channels of the input.
        hidden_size: Channels of the state.
        kernel_size: Of each unit.
        padding: Of each unit.

    Raises:
        ValueError: If there are not one or two units, or not as many kernels as paddings.
    """

    def __init__(
        self,
        *,
        input_size: int,
        hidden_size: int,
        kernel_size: Sequence[int | tuple[int, int]] = ((1, 5), (5, 1)),
        padding: Sequence[int | tuple[int, int]] = ((0, 2), (2, 0)),
    ) -> None:
        super().__init__()
        if len(kernel_size) != len(padding) or len(kernel_size) not in (1, 2):
            raise ValueError(
                "kernel_size and padding are one or two values each, one a unit; "
                f"got {len(kernel_size)} and {len(padding)}."
            )
        units = [
            ConvGRU(input_size=input_size, hidden_size=hidden_size, kernel_size=kernel, padding=around)
            for kernel, around in zip(kernel_size, padding, strict=True)
        ]
        self.convgru1 = units[0]
        # Not an Identity where there is one unit: that would be a module that torchvision's networks do not have.
        self.convgru2 = units[1] if len(units) == 2 else _unchanged
        self.hidden_size = hidden_size

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        """From the state `(N, hidden_size, h, w)` and the input `(N, input_size, h, w)` to the next state."""
        return self.convgru2(self.convgru1(h, x), x)


class FlowHead(nn.Module):
    """How to correct the flow, from the state.

    Args:
        in_channels: Channels of the state.
        hidden_size: Channels between the two convolutions.
    """

    def __init__(self, *, in_channels: int, hidden_size: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, hidden_size, 3, padding=1)
        self.conv2 = nn.Conv2d(hidden_size, 2, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_channels, h, w)` to `(N, 2, h, w)`, in pixels of the features."""
        return self.conv2(self.relu(self.conv1(x)))


class UpdateBlock(nn.Module):
    """One step: what to remember and how to correct the flow.

    Args:
        motion_encoder: Makes features of the flow and the correlations; a `MotionEncoder`.
        recurrent_block: Makes the next state of the state and these features; a `RecurrentBlock`.
        flow_head: Makes the correction of the state; a `FlowHead`.

    Attributes:
        hidden_state_size: Channels of the state.
    """

    def __init__(self, *, motion_encoder: nn.Module, recurrent_block: RecurrentBlock, flow_head: nn.Module) -> None:
        super().__init__()
        self.motion_encoder = motion_encoder
        self.recurrent_block = recurrent_block
        self.flow_head = flow_head
        self.hidden_state_size = recurrent_block.hidden_size

    def forward(
        self, hidden_state: Tensor, context: Tensor, corr_features: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        """From state, context, correlations and flow `(N, …, h, w)` to the next state and the correction."""
        motion = self.motion_encoder(flow, corr_features)
        hidden_state = self.recurrent_block(hidden_state, torch.cat([context, motion], dim=1))
        return hidden_state, self.flow_head(hidden_state)


class MaskPredictor(nn.Module):
    """The weights with which `upsample_flow` averages, from the state (section 3.3, appendix A).

    Args:
        in_channels: Channels of the state.
        hidden_size: Channels between the two convolutions.
        multiplier: What the result is multiplied by, so that less of the gradient goes this way.
    """

    def __init__(self, *, in_channels: int, hidden_size: int, multiplier: float = 0.25) -> None:
        super().__init__()
        self.convrelu = Conv2dNormActivation(in_channels, hidden_size, 3, norm_layer=None)
        # For each of the 8 × 8 pixels under one of the features, a weight of each of the 9 vectors around.
        self.conv = nn.Conv2d(hidden_size, 8 * 8 * 9, 1)
        self.multiplier = multiplier

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_channels, h, w)` to `(N, 576, h, w)`."""
        return self.multiplier * self.conv(self.convrelu(x))


class CorrBlock(nn.Module):
    """How alike every pixel of one picture is to every pixel of the other, and a look at it around given places.

    The correlations are kept at several sizes, each half of the one before, so that the same number of them sees
    near and far (section 3.2; the neighbourhood is a square, as in the authors' code, not the paper's diamond).

    Args:
        num_levels: How many sizes.
        radius: How far a look goes from its place, in pixels of each size.

    Attributes:
        out_channels: Channels of what a look gives.
        corr_pyramid: What `build_pyramid` made last; empty after `RAFT` has used it.
    """

    # Not as text, which torch.jit does not read, and without which it does not know what an empty list is of.
    __annotations__ = {"corr_pyramid": list[Tensor]}

    def __init__(self, *, num_levels: int = 4, radius: int = 4) -> None:
        super().__init__()
        self.num_levels = num_levels
        self.radius = radius
        self.corr_pyramid: list[Tensor] = []
        self.out_channels = num_levels * (2 * radius + 1) ** 2

    def build_pyramid(self, fmap1: Tensor, fmap2: Tensor) -> list[Tensor]:
        """Correlates the features of two pictures.

        Args:
            fmap1: `(N, C, h, w)`, of the first picture.
            fmap2: Likewise, of the second.

        Returns:
            Correlations `(N h w, 1, h', w')`, where h' × w' is h × w and its halves.

        Raises:
            InputError: If the two are not of one shape, or so small that one of the halves would be a single pixel.
        """
        n, channels, h, w = fmap1.shape
        if list(fmap1.shape) != list(fmap2.shape):
            raise InputError(
                f"The features of two pictures are of one shape; got {list(fmap1.shape)} and {list(fmap2.shape)}."
            )
        least = 2**self.num_levels
        if h < least or w < least:
            raise InputError(
                f"Correlations at {self.num_levels} sizes need features of at least {least} by {least} pixels, so "
                f"pictures of {8 * least} by {8 * least}; the features are {h} by {w}."
            )
        # The largest tensor of all: divided in place.
        alike = torch.matmul(fmap1.reshape(n, channels, h * w).transpose(1, 2), fmap2.reshape(n, channels, h * w))
        alike = alike.div_(math.sqrt(channels)).view(n * h * w, 1, h, w)
        pyramid = [alike]
        for _ in range(self.num_levels - 1):
            alike = F.avg_pool2d(alike, kernel_size=2, stride=2)
            pyramid.append(alike)
        self.corr_pyramid = pyramid
        return pyramid

    def index_pyramid(self, centroids_coords: Tensor, pyramid: list[Tensor] | None = None) -> Tensor:
        """The correlations around places of the second picture, one place for each pixel of the first.

        Args:
            centroids_coords: `(N, 2, h, w)`, x and y in pixels of the features.
            pyramid: What `build_pyramid` returned; if not given, what it made last.

        Returns:
            `(N, out_channels, h, w)`.
        """
        if pyramid is None:
            pyramid = self.corr_pyramid
        n, _, h, w = centroids_coords.shape
        places = centroids_coords.permute(0, 2, 3, 1).reshape(n * h * w, 1, 1, 2)
        steps = torch.arange(-self.radius, self.radius + 1, device=places.device, dtype=places.dtype)
        around = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), dim=-1)  # (side, side, 2)
        looks: list[Tensor] = []
        for alike in pyramid:
            look = grid_sample(alike, places + around, align_corners=True)  # (N h w, 1, side, side)
            looks.append(look.reshape(n, h, w, around.shape[0] * around.shape[1]))
            places = places / 2
        return torch.cat(looks, dim=-1).permute(0, 3, 1, 2).contiguous()


class RAFT(nn.Module):
    """RAFT: features of both pictures, correlated once; then one small step after another, each a better flow.

    Args:
        feature_encoder: Makes features `(N, C, h, w)` of pictures; a `FeatureEncoder`.
        context_encoder: Makes of the first picture the state to begin with and the context, together.
        corr_block: A `CorrBlock`, or what has `build_pyramid(fmap1, fmap2)` and `index_pyramid(centroids_coords)` as
            it does. Only one whose `index_pyramid` takes a `pyramid` can serve several threads at once.
        update_block: An `UpdateBlock`, or what has its `hidden_state_size` and takes and gives the same.
        mask_predictor: Makes of the state the weights to upsample with, `(N, 576, h, w)`; without it flows are
            interpolated.

    Raises:
        ValueError: If the update block does not say its `hidden_state_size`.
    """

    __constants__ = ("_takes_pyramid",)

    def __init__(
        self,
        *,
        feature_encoder: nn.Module,
        context_encoder: nn.Module,
        corr_block: nn.Module,
        update_block: nn.Module,
        mask_predictor: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.feature_encoder = feature_encoder
        self.context_encoder = context_encoder
        self.corr_block = cast("CorrBlock", corr_block)
        self.update_block = cast("UpdateBlock", update_block)
        self.mask_predictor = mask_predictor
        if not hasattr(update_block, "hidden_state_size"):
            raise ValueError(
                f"update_block must have an attribute hidden_state_size; this {type(update_block).__name__} has none."
            )
        self._takes_pyramid = "pyramid" in inspect.signature(self.corr_block.index_pyramid).parameters
        self._least_side = 8 * 2 ** getattr(corr_block, "num_levels", 0)

    def forward(self, image1: Tensor, image2: Tensor, num_flow_updates: int = 12) -> list[Tensor]:
        """Finds where the pixels of one picture are in another.

        Args:
            image1: `(N, 3, H, W)`, from -1 to 1; sides are multiples of 8 and, with a correlation at 4 sizes, at
                least 128.
            image2: The pictures after them, of the same shape.
            num_flow_updates: How many steps.

        Returns:
            The flow after each step, `(N, 2, H, W)`: by how many pixels each of `image1` moves to the right and down.
            The last is the best. 32-bit floats at least.

        Raises:
            InputError: If the pictures are not of one shape, or their sides cannot be.
        """
        self._check(image1, image2)
        n, h, w = image1.shape[0], image1.shape[2] // 8, image1.shape[3] // 8
        fmaps = self.feature_encoder(torch.cat([image1, image2], dim=0))  # (2 N, C, h, w)
        # Not chunk, which would tie an exported program to the number of pairs.
        fmap1, fmap2 = fmaps.narrow(0, 0, n), fmaps.narrow(0, n, n)
        context_out = self.context_encoder(image1)
        self._check_features(fmap1, "feature_encoder", h, w)
        self._check_features(context_out, "context_encoder", h, w)
        hidden_state_size = self.update_block.hidden_state_size
        context_size = context_out.shape[1] - hidden_state_size
        if context_size < 1:
            raise ValueError(
                f"The context_encoder gives {context_out.shape[1]} channels; there must be more than the "
                f"{hidden_state_size} of the state."
            )
        hidden_state, context = torch.split(context_out, [hidden_state_size, context_size], dim=1)
        hidden_state, context = torch.tanh(hidden_state), F.relu(context)

        pyramid = self.corr_block.build_pyramid(fmap1, fmap2)
        dtype = torch.float64 if fmap1.dtype == torch.float64 else torch.float32
        start = make_coords_grid(n, h, w, fmap1.device, dtype)  # (N, 2, h, w)
        places = start
        flows: list[Tensor] = []
        for _ in range(num_flow_updates):
            # No gradient goes back through the places, as in the paper.
            places = places.detach()
            if self._takes_pyramid:
                corr_features = self.corr_block.index_pyramid(places, pyramid)
            else:
                corr_features = self.corr_block.index_pyramid(centroids_coords=places)
            hidden_state, delta = self.update_block(
                hidden_state, context, corr_features.to(context.dtype), (places - start).to(context.dtype)
            )
            places = places + delta
            up_mask = None if self.mask_predictor is None else self.mask_predictor(hidden_state)
            flows.append(upsample_flow(places - start, up_mask))
        if self._takes_pyramid:
            # Else the largest tensors would outlive the call, and be copied and saved with the network.
            self.corr_block.corr_pyramid = []
        return flows

    def _check(self, image1: Tensor, image2: Tensor) -> None:
        if image1.dim() != 4 or list(image1.shape) != list(image2.shape):
            raise InputError(
                "Takes two batches of pictures (N, 3, H, W) of one shape; "
                f"got {list(image1.shape)} and {list(image2.shape)}."
            )
        h, w = image1.shape[2], image1.shape[3]
        if h % 8 != 0 or w % 8 != 0:
            raise InputError(
                f"Sides are multiples of 8 pixels; got {h} by {w}. "
                "multiweight.transforms.optical_flow.pad_to_multiple adds what is missing."
            )
        if h < self._least_side or w < self._least_side:
            raise InputError(f"Pictures are at least {self._least_side} by {self._least_side} pixels; got {h} by {w}.")

    def _check_features(self, features: Tensor, encoder: str, h: int, w: int) -> None:
        if features.shape[2] != h or features.shape[3] != w:
            raise ValueError(
                f"The {encoder} must give features of an eighth of the picture's size, {h} by {w}; "
                f"got {features.shape[2]} by {features.shape[3]}."
            )


class _Design(NamedTuple):
    """What makes a variant."""

    block: Callable[..., nn.Module]
    feature_layers: tuple[int, ...]
    context_layers: tuple[int, ...]
    context_norm: Norm
    radius: int
    corr_layers: tuple[int, ...]
    flow_layers: tuple[int, ...]
    motion_channels: int
    hidden_state_size: int
    kernel_size: tuple[int | tuple[int, int], ...]
    padding: tuple[int | tuple[int, int], ...]
    flow_head_size: int
    masked: bool

    def update_block(self, corr_channels: int) -> UpdateBlock:
        """The step of the variant, for so many channels of correlations."""
        state = self.hidden_state_size
        motion = MotionEncoder(
            in_channels_corr=corr_channels,
            corr_layers=self.corr_layers,
            flow_layers=self.flow_layers,
            out_channels=self.motion_channels,
        )
        recurrent = RecurrentBlock(
            input_size=motion.out_channels + self.context_layers[-1] - state,
            hidden_size=state,
            kernel_size=self.kernel_size,
            padding=self.padding,
        )
        head = FlowHead(in_channels=state, hidden_size=self.flow_head_size)
        return UpdateBlock(motion_encoder=motion, recurrent_block=recurrent, flow_head=head)


_LARGE = _Design(
    block=ResidualBlock,
    feature_layers=(64, 64, 96, 128, 256),
    context_layers=(64, 64, 96, 128, 256),
    context_norm=nn.BatchNorm2d,
    radius=4,
    corr_layers=(256, 192),
    flow_layers=(128, 64),
    motion_channels=128,
    hidden_state_size=128,
    kernel_size=((1, 5), (5, 1)),
    padding=((0, 2), (2, 0)),
    flow_head_size=256,
    masked=True,
)
_SMALL = _Design(
    block=BottleneckBlock,
    feature_layers=(32, 32, 64, 96, 128),
    context_layers=(32, 32, 64, 96, 160),
    context_norm=None,
    radius=3,
    corr_layers=(96,),
    flow_layers=(64, 32),
    motion_channels=82,
    hidden_state_size=96,
    kernel_size=(3,),
    padding=(1,),
    flow_head_size=128,
    masked=False,
)


class RAFTOptions(TypedDict, total=False):
    """Parts of `RAFT`, where each is explained, in place of the variant's own; `None` is the variant's own."""

    feature_encoder: nn.Module | None
    context_encoder: nn.Module | None
    corr_block: nn.Module | None
    update_block: nn.Module | None
    mask_predictor: nn.Module | None


def _raft(
    design: _Design,
    *,
    feature_encoder: nn.Module | None = None,
    context_encoder: nn.Module | None = None,
    corr_block: nn.Module | None = None,
    update_block: nn.Module | None = None,
    mask_predictor: nn.Module | None = None,
) -> RAFT:
    # In this order, in which random numbers are drawn.
    if feature_encoder is None:
        feature_encoder = FeatureEncoder(block=design.block, layers=design.feature_layers, norm_layer=nn.InstanceNorm2d)
    if context_encoder is None:
        context_encoder = FeatureEncoder(
            block=design.block, layers=design.context_layers, norm_layer=design.context_norm
        )
    if corr_block is None:
        corr_block = CorrBlock(num_levels=4, radius=design.radius)
    if update_block is None:
        update_block = design.update_block(corr_block.out_channels)  # pyright: ignore[reportArgumentType]
    if mask_predictor is None and design.masked:
        mask_predictor = MaskPredictor(in_channels=design.hidden_state_size, hidden_size=256)
    return RAFT(
        feature_encoder=feature_encoder,
        context_encoder=context_encoder,
        corr_block=corr_block,
        update_block=update_block,
        mask_predictor=mask_predictor,
    )


@builder(Raft_Large_Weights, RAFTOptions)
def raft_large(
    *, weights: Raft_Large_Weights | str | None = None, progress: bool = True, **options: Unpack[RAFTOptions]
) -> RAFT:
    """RAFT, as the paper has it."""
    return build(_raft, weights, progress, _LARGE, **options)


@builder(Raft_Small_Weights, RAFTOptions)
def raft_small(
    *, weights: Raft_Small_Weights | str | None = None, progress: bool = True, **options: Unpack[RAFTOptions]
) -> RAFT:
    """The small RAFT: a fifth of the parameters, flows that are interpolated."""
    return build(_raft, weights, progress, _SMALL, **options)
