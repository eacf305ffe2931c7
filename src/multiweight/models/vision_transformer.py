"""Vision Transformer (ViT).

Papers:
    An Image is Worth 16×16 Words: Transformers for Image Recognition at Scale, https://arxiv.org/abs/2010.11929
    Early Convolutions Help Transformers See Better (the convolutional stem), https://arxiv.org/abs/2106.14881
    Revisiting Weakly Supervised Pre-Training of Visual Perception Models (the SWAG weights),
        https://arxiv.org/abs/2201.08371

Shapes: N pictures, H × W pixels, C channels or the size of a token, L tokens: one a patch, and the class token.
"""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue.vision_transformer import (
    ViT_B_16_Weights,
    ViT_B_32_Weights,
    ViT_H_14_Weights,
    ViT_L_16_Weights,
    ViT_L_32_Weights,
)
from multiweight.layers import MLP, Conv2dNormActivation
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = [
    "ConvStemConfig",
    "Encoder",
    "EncoderBlock",
    "MLPBlock",
    "ViT_B_16_Weights",
    "ViT_B_32_Weights",
    "ViT_H_14_Weights",
    "ViT_L_16_Weights",
    "ViT_L_32_Weights",
    "VisionTransformer",
    "VisionTransformerOptions",
    "interpolate_embeddings",
    "vit_b_16",
    "vit_b_32",
    "vit_h_14",
    "vit_l_16",
    "vit_l_32",
]

_LAYER_NORM = partial(nn.LayerNorm, eps=1e-6)


class ConvStemConfig(NamedTuple):
    """One convolution of a convolutional stem.

    Attributes:
        out_channels: Channels that come out.
        kernel_size: Side of the kernel, in pixels.
        stride: What height and width are divided by.
        norm_layer: Makes the normalisation from a number of channels.
        activation_layer: Makes the activation.
    """

    out_channels: int
    kernel_size: int
    stride: int
    norm_layer: Callable[..., nn.Module] = nn.BatchNorm2d
    activation_layer: Callable[..., nn.Module] = nn.ReLU


class MLPBlock(MLP):
    """The MLP of an encoder block: two linear layers with a GELU between them (section 3.1 of the paper).

    Files in which the layers are called `linear_1` and `linear_2`, not 0 and 3, are read too.

    Args:
        in_dim: Size of a token.
        mlp_dim: Size between the layers.
        dropout: Probability that an element is zeroed in training.
    """

    _version = 2  # Since the layers have numbers, not names.

    def __init__(self, in_dim: int, mlp_dim: int, dropout: float) -> None:
        super().__init__(in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, dropout=dropout)
        for module in self.children():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.normal_(module.bias, std=1e-6)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        if local_metadata.get("version", 1) < 2:
            for old, new in (("linear_1", "0"), ("linear_2", "3")):
                for name in ("weight", "bias"):
                    if (key := f"{prefix}{old}.{name}") in state_dict:
                        state_dict[f"{prefix}{new}.{name}"] = state_dict.pop(key)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


class EncoderBlock(nn.Module):
    """Self-attention, then an MLP, each with a norm before it and the identity beside it (figure 1, right).

    Args:
        num_heads: How many attention heads share a token.
        hidden_dim: Size of a token.
        mlp_dim: Size between the two layers of the MLP.
        dropout: Probability that an element is zeroed in training, after the attention and each layer of the MLP.
        attention_dropout: The same for the attention weights.
        norm_layer: Makes a normalisation from the size of a token.
    """

    def __init__(
        self,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Callable[..., nn.Module] = _LAYER_NORM,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(hidden_dim, num_heads, attention_dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """From tokens `(N, L, C)` to tokens of the same shape."""
        normed = self.ln_1(x)
        attended = self.self_attention(normed, normed, normed, need_weights=False)[0]
        x = self.dropout(attended) + x
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """Position embeddings and the blocks of the transformer.

    Args:
        seq_length: How many tokens a picture has.
        num_layers: How many blocks.
        num_heads: Attention heads of a block.
        hidden_dim: Size of a token.
        mlp_dim: Size between the two layers of a block's MLP.
        dropout: Probability that an element is zeroed in training.
        attention_dropout: The same for the attention weights.
        norm_layer: Makes a normalisation from the size of a token.
    """

    def __init__(
        self,
        seq_length: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Callable[..., nn.Module] = _LAYER_NORM,
    ) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, seq_length, hidden_dim))
        nn.init.normal_(self.pos_embedding, std=0.02)
        self.dropout = nn.Dropout(dropout)
        blocks: OrderedDict[str, nn.Module] = OrderedDict()
        for number in range(num_layers):
            blocks[f"encoder_layer_{number}"] = EncoderBlock(
                num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer
            )
        self.layers = nn.Sequential(blocks)
        self.ln = norm_layer(hidden_dim)

    def forward(self, x: Tensor) -> Tensor:
        """From tokens `(N, L, C)` to tokens of the same shape."""
        torch._assert(x.dim() == 3, f"Tokens have the shape (N, L, C); got {x.shape}.")
        x = x + self.pos_embedding
        return self.ln(self.layers(self.dropout(x)))


class VisionTransformer(nn.Module):
    """A transformer whose words are the patches of a picture.

    Args:
        image_size: Height and width of the pictures, in pixels.
        patch_size: Height and width of a patch, in pixels.
        num_layers: How many blocks the encoder has.
        num_heads: Attention heads of a block.
        hidden_dim: Size of a token.
        mlp_dim: Size between the two layers of a block's MLP.
        dropout: Probability that an element is zeroed in training.
        attention_dropout: The same for the attention weights.
        num_classes: How many scores come out.
        representation_size: Size of a hidden layer of the head, as in pre-training; none unless given.
        norm_layer: Makes a normalisation from the size of a token.
        conv_stem_configs: Convolutions that cut the picture into patches, instead of a single one. Their strides
            multiply to the patch size.

    Raises:
        ValueError: If the sizes do not go together: `patch_size` in `image_size`, `num_heads` in `hidden_dim`, the
            strides of `conv_stem_configs` and `patch_size`.
    """

    stem_name = "conv_proj"
    head_name = "heads.head"

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
        representation_size: int | None = None,
        norm_layer: Callable[..., nn.Module] = _LAYER_NORM,
        conv_stem_configs: Sequence[ConvStemConfig] | None = None,
    ) -> None:
        super().__init__()
        if image_size % patch_size:
            raise ValueError(f"image_size must be a multiple of patch_size; got {image_size} and {patch_size}.")
        if hidden_dim % num_heads:
            raise ValueError(f"hidden_dim must be a multiple of num_heads; got {hidden_dim} and {num_heads}.")
        self.image_size = image_size
        self.patch_size = patch_size
        self.hidden_dim = hidden_dim
        self.mlp_dim = mlp_dim
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.num_classes = num_classes
        self.representation_size = representation_size
        self.norm_layer = norm_layer

        if conv_stem_configs is None:
            self.conv_proj = nn.Conv2d(3, hidden_dim, patch_size, stride=patch_size)
        else:
            self.conv_proj = _conv_stem(conv_stem_configs, patch_size, hidden_dim)
            self.stem_name = "conv_proj.conv_bn_relu_0.0" if len(conv_stem_configs) else "conv_proj.conv_last"
        self.class_token = nn.Parameter(torch.zeros(1, 1, hidden_dim))
        self.seq_length = (image_size // patch_size) ** 2 + 1
        self.encoder = Encoder(
            self.seq_length, num_layers, num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer
        )
        head: OrderedDict[str, nn.Module] = OrderedDict()
        if representation_size is None:
            head["head"] = nn.Linear(hidden_dim, num_classes)
        else:
            head["pre_logits"] = nn.Linear(hidden_dim, representation_size)
            head["act"] = nn.Tanh()
            head["head"] = nn.Linear(representation_size, num_classes)
        self.heads = nn.Sequential(head)
        self._initialise()

    def _initialise(self) -> None:
        if isinstance(self.conv_proj, nn.Conv2d):
            _keep_variance(self.conv_proj)
        else:
            last = self.conv_proj.get_submodule("conv_last")
            assert isinstance(last, nn.Conv2d)
            assert last.bias is not None
            nn.init.normal_(last.weight, std=math.sqrt(2 / last.out_channels))
            nn.init.zeros_(last.bias)
        *hidden, head = (layer for layer in self.heads if isinstance(layer, nn.Linear))
        for layer in hidden:
            _keep_variance(layer)
        # Training starts from equal scores (appendix D.1 of the ViT paper: the head is zero for fine-tuning).
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)

    def _process_input(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the tokens of their patches `(N, L - 1, C)`."""
        size, height, width = self.image_size, x.shape[2], x.shape[3]
        torch._assert(
            height == size and width == size,
            f"The network is built for pictures of {size} x {size} pixels; got {height} x {width}.",
        )
        return self.conv_proj(x).flatten(2).permute(0, 2, 1)

    def resized(self, state: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor, str]]:
        """The position embeddings of a file for this network's size; see `Resizable`."""
        name = "encoder.pos_embedding"
        if (given := state.get(name)) is not None and given.shape != self.encoder.pos_embedding.shape:
            fitted = interpolate_embeddings(self.image_size, self.patch_size, OrderedDict({name: given}))[name]
            before, after = math.isqrt(given.shape[1] - 1), self.image_size // self.patch_size
            yield name, fitted, f"interpolated from {before} × {before} patches to {after} × {after}"

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to all tokens that the encoder gives, the class token first, `(N, L, C)`."""
        x = self._process_input(x)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], dim=1)
        return self.encoder(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, image_size, image_size)` to scores `(N, num_classes)`."""
        return self.heads(self.forward_features(x)[:, 0])


def _conv_stem(configs: Sequence[ConvStemConfig], patch_size: int, hidden_dim: int) -> nn.Sequential:
    if (stride := math.prod(config.stride for config in configs)) != patch_size:
        raise ValueError(f"The strides of conv_stem_configs must multiply to patch_size={patch_size}; got {stride}.")
    stem: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for number, config in enumerate(configs):
        stem[f"conv_bn_relu_{number}"] = Conv2dNormActivation(
            channels,
            config.out_channels,
            config.kernel_size,
            config.stride,
            norm_layer=config.norm_layer,
            activation_layer=config.activation_layer,
        )
        channels = config.out_channels
    stem["conv_last"] = nn.Conv2d(channels, hidden_dim, 1)
    return nn.Sequential(stem)


def _keep_variance(layer: nn.Conv2d | nn.Linear) -> None:
    """Initial weights with which the output varies as the input does (LeCun's), and no bias."""
    assert layer.bias is not None
    nn.init.trunc_normal_(layer.weight, std=math.sqrt(1 / layer.weight[0].numel()))
    nn.init.zeros_(layer.bias)


def interpolate_embeddings(
    image_size: int,
    patch_size: int,
    model_state: OrderedDict[str, Tensor],
    interpolation_mode: str = "bicubic",
    reset_heads: bool = False,
) -> OrderedDict[str, Tensor]:
    """Fits the position embeddings of a state dict to pictures of another size (section 3.2 of the paper).

    Args:
        image_size: Height and width of the new pictures, in pixels.
        patch_size: Height and width of a patch, in pixels; the weights' own.
        model_state: The state dict of a `VisionTransformer`. It is left as it is.
        interpolation_mode: As in `torch.nn.functional.interpolate`.
        reset_heads: Leave the head out, to train a new one.

    Returns:
        A state dict for a `VisionTransformer` with this `image_size`. All other tensors are the given ones.

    Raises:
        ValueError: If the embeddings are not those of a class token and a square of patches.
    """
    state = copy.copy(model_state)  # With the versions of the modules, an attribute of it.
    if reset_heads:
        for key in [key for key in state if key.startswith("heads")]:
            del state[key]

    embeddings = state["encoder.pos_embedding"]  # (1, L, C)
    given = tuple(embeddings.shape)
    side = math.isqrt(given[1] - 1) if len(given) == 3 and given[1] > 0 else 0
    if given[0] != 1 or side * side != given[1] - 1:
        raise ValueError(f"Position embeddings have the shape (1, 1 + patches a side squared, C); got {given}.")
    new_side = image_size // patch_size
    if new_side != side:
        class_token, patches = embeddings.split([1, side * side], dim=1)
        patches = patches.permute(0, 2, 1).unflatten(2, (side, side))  # (1, C, side, side)
        # Nearest neighbours and the mean over areas have no corners to align.
        corners = True if interpolation_mode in ("bilinear", "bicubic") else None
        patches = F.interpolate(patches, size=new_side, mode=interpolation_mode, align_corners=corners)
        state["encoder.pos_embedding"] = torch.cat([class_token, patches.flatten(2).permute(0, 2, 1)], dim=1)
    return state


class VisionTransformerOptions(AdaptingOptions, total=False):
    """What a builder of this family passes on to `VisionTransformer`, where each is explained.

    The `image_size` is 224 without weights; with weights it is the entry's `meta["min_size"]`, and the position
    embeddings are interpolated to another one.
    """

    image_size: int
    dropout: float
    attention_dropout: float
    num_classes: int
    representation_size: int | None
    norm_layer: Callable[..., nn.Module]
    conv_stem_configs: Sequence[ConvStemConfig] | None


# Table 1 of the paper.
_BASE = {"num_layers": 12, "hidden_dim": 768, "mlp_dim": 3072, "num_heads": 12}
_LARGE = {"num_layers": 24, "hidden_dim": 1024, "mlp_dim": 4096, "num_heads": 16}
_HUGE = {"num_layers": 32, "hidden_dim": 1280, "mlp_dim": 5120, "num_heads": 16}


def _build(
    size: dict[str, int],
    patch_size: int,
    weights: WeightsEnum | str | None,
    progress: bool,
    options: VisionTransformerOptions,
) -> VisionTransformer:
    exact: dict[str, Any] = {"image_size": 224, **options}
    if isinstance(weights, WeightsEnum):
        exact = {"image_size": weights.meta["min_size"][0], **options}
    resize = options.get("image_size")
    return build(VisionTransformer, weights, progress, patch_size=patch_size, resize=resize, **size, **exact)


@builder(ViT_B_16_Weights, VisionTransformerOptions)
def vit_b_16(
    *, weights: ViT_B_16_Weights | str | None = None, progress: bool = True, **options: Unpack[VisionTransformerOptions]
) -> VisionTransformer:
    """ViT-B/16: the base size, patches of 16×16 pixels."""
    return _build(_BASE, 16, weights, progress, options)


@builder(ViT_B_32_Weights, VisionTransformerOptions)
def vit_b_32(
    *, weights: ViT_B_32_Weights | str | None = None, progress: bool = True, **options: Unpack[VisionTransformerOptions]
) -> VisionTransformer:
    """ViT-B/32: the base size, patches of 32×32 pixels."""
    return _build(_BASE, 32, weights, progress, options)


@builder(ViT_L_16_Weights, VisionTransformerOptions)
def vit_l_16(
    *, weights: ViT_L_16_Weights | str | None = None, progress: bool = True, **options: Unpack[VisionTransformerOptions]
) -> VisionTransformer:
    """ViT-L/16: the large size, patches of 16×16 pixels."""
    return _build(_LARGE, 16, weights, progress, options)


@builder(ViT_L_32_Weights, VisionTransformerOptions)
def vit_l_32(
    *, weights: ViT_L_32_Weights | str | None = None, progress: bool = True, **options: Unpack[VisionTransformerOptions]
) -> VisionTransformer:
    """ViT-L/32: the large size, patches of 32×32 pixels."""
    return _build(_LARGE, 32, weights, progress, options)


@builder(ViT_H_14_Weights, VisionTransformerOptions)
def vit_h_14(
    *, weights: ViT_H_14_Weights | str | None = None, progress: bool = True, **options: Unpack[VisionTransformerOptions]
) -> VisionTransformer:
    """ViT-H/14: the huge size, patches of 14×14 pixels."""
    return _build(_HUGE, 14, weights, progress, options)
