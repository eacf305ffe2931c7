"""The tensors of other publishers' files under our names: tables of patterns, a family each.

Tensors are found by name, never by their order: a safetensors file has none. What no pattern knows keeps its name, and
the network then refuses it as unexpected. No value is changed; what a file leaves out because it follows from the
architecture (Swin's tables, biases that are zero) is added.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import torch
from torch import Tensor

State = dict[str, Tensor]
Rules = Sequence[tuple[str, str | Callable[[re.Match[str]], str]]]
"""Patterns of whole names and what stands for them; the first that fits is taken."""


def renamed(state: Mapping[str, Tensor], architecture: str) -> State:
    """A file's tensors as the variant names them that the architecture is.

    Args:
        state: The tensors by their publisher's names. It is left as it is, and so are the tensors.
        architecture: `PUBLISHER/NAME`, one of `catalogue._architectures.FITS`.
    """
    for pattern, rename in _FAMILIES.items():
        if re.fullmatch(pattern, architecture):
            return rename(state, architecture)
    return dict(state)


def _by(rules: Rules, state: Mapping[str, Tensor]) -> State:
    return {_name(rules, key): tensor for key, tensor in state.items()}


def _name(rules: Rules, key: str) -> str:
    for pattern, replacement in rules:
        if match := re.fullmatch(pattern, key):
            return match.expand(replacement) if isinstance(replacement, str) else replacement(match)
    return key


def _vgg(state: Mapping[str, Tensor], architecture: str) -> State:
    ours = _by(_VGG, state)
    # timm's linear layers are convolutions over all of the picture.
    return {
        key: value.flatten(1) if key.startswith("classifier.") and value.ndim == 4 else value
        for key, value in ours.items()
    }


_VGG: Rules = (
    (r"pre_logits\.fc1\.(\w+)", r"classifier.0.\1"),
    (r"pre_logits\.fc2\.(\w+)", r"classifier.3.\1"),
    (r"head\.fc\.(\w+)", r"classifier.6.\1"),
)


def _regnet(state: Mapping[str, Tensor], architecture: str) -> State:
    return _by(_REGNET, state)


def _block_of_regnet(match: re.Match[str]) -> str:
    stage, block, part, rest = match[1], int(match[2]), match[3], match[4]
    return f"trunk_output.block{stage}.block{stage}-{block - 1}.{_PARTS_OF_REGNET[part]}.{rest}"


_PARTS_OF_REGNET = {
    **{f"conv{i}.conv": f"f.{part}.0" for i, part in enumerate("abc", start=1)},
    **{f"conv{i}.bn": f"f.{part}.1" for i, part in enumerate("abc", start=1)},
    "se": "f.se",
    "downsample.conv": "proj.0",
    "downsample.bn": "proj.1",
}
_REGNET: Rules = (
    (r"stem\.conv\.(\w+)", r"stem.0.\1"),
    (r"stem\.bn\.(\w+)", r"stem.1.\1"),
    (r"s(\d)\.b(\d+)\.(conv[123]\.(?:conv|bn)|se|downsample\.(?:conv|bn))\.(.+)", _block_of_regnet),
    (r"head\.fc\.(\w+)", r"fc.\1"),
)

# The layers of timm's blocks of mobile networks, each with the batch norm behind it, in the order in which they are
# run; the squeeze-and-excitation is there or not.
_EXPANDING = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("se", ""), ("conv_pwl", "bn3"))
_SEPARABLE = (("conv_dw", "bn1"), ("se", ""), ("conv_pw", "bn2"))
_SQUEEZE = {"conv_reduce": "fc1", "conv_expand": "fc2"}


def _mobile(
    state: Mapping[str, Tensor],
    place: Callable[[int, int], str],
    layer: Callable[[int, int, bool], str],
    rules: Rules,
) -> State:
    """Renames a network of inverted residuals.

    Args:
        state: The file's tensors.
        place: From a block's stage and number to our name of it.
        layer: From the number of a layer in its block, that of all of them, and whether it is the layer's norm, to our
            name of it.
        rules: What is outside of the blocks.
    """

    def of_block(match: re.Match[str]) -> str:
        stage, number, part, rest = int(match[1]), int(match[2]), match[3], match[4]
        prefix = f"blocks.{stage}.{number}."
        kind = _EXPANDING if f"{prefix}conv_pwl.weight" in state else _SEPARABLE
        layers = [pair for pair in kind if pair[0] != "se" or f"{prefix}se.conv_reduce.weight" in state]
        for index, (convolution, norm) in enumerate(layers):
            if part in (convolution, norm):
                ours = f"{place(stage, number)}.{layer(index, len(layers), part == norm)}"
                if part == "se":
                    inner, _, tensor = rest.partition(".")
                    return f"{ours.removesuffix('.0')}.{_SQUEEZE[inner]}.{tensor}"
                return f"{ours}.{rest}"
        return match[0]

    return _by((*rules, (r"blocks\.(\d)\.(\d+)\.(\w+)\.(.+)", of_block)), state)


def _outside(stem: tuple[str, str], head: tuple[str, str], classifier: str) -> Rules:
    names = {"conv_stem": stem[0], "bn1": stem[1], "conv_head": head[0], "bn2": head[1], "classifier": classifier}
    return tuple((rf"{theirs}\.(\w+)", rf"{ours}.\1") for theirs, ours in names.items())


def _numbered(index: int, count: int, norm: bool) -> str:
    """A block is a sequence of convolutions with their norms."""
    return f"{index}.{int(norm)}"


def _unwrapped_last(index: int, count: int, norm: bool) -> str:
    """As `_numbered`, but that the last convolution and its norm are not in a sequence of their own."""
    return f"{index + norm}" if index == count - 1 else f"{index}.{int(norm)}"


def _three_apart(index: int, count: int, norm: bool) -> str:
    """A block is one sequence of convolutions, norms and activations."""
    return f"{3 * index + norm}"


def _in_one_row(depths: Sequence[int]) -> Callable[[int, int], int]:
    """The number of a block in the network, where they are not grouped by stage."""
    starts = [0, *accumulate(depths)]
    return lambda stage, number: starts[stage] + number


def _efficientnet(state: Mapping[str, Tensor], architecture: str) -> State:
    rules = _outside(("features.0.0", "features.0.1"), ("features.8.0", "features.8.1"), "classifier.1")
    return _mobile(state, lambda stage, number: f"features.{stage + 1}.{number}.block", _numbered, rules)


def _mobilenetv2(state: Mapping[str, Tensor], architecture: str) -> State:
    row = _in_one_row((1, 2, 3, 4, 3, 3, 1))
    rules = _outside(("features.0.0", "features.0.1"), ("features.18.0", "features.18.1"), "classifier.1")
    return _mobile(state, lambda stage, number: f"features.{row(stage, number) + 1}.conv", _unwrapped_last, rules)


def _mobilenetv3(state: Mapping[str, Tensor], architecture: str) -> State:
    depths = (1, 2, 3, 4, 2, 3) if "large" in architecture else (1, 2, 3, 2, 3)
    row, last = _in_one_row(depths), sum(depths) + 1
    rules = (
        (rf"blocks\.{len(depths)}\.0\.conv\.(\w+)", rf"features.{last}.0.\1"),
        (rf"blocks\.{len(depths)}\.0\.bn1\.(\w+)", rf"features.{last}.1.\1"),
        *_outside(("features.0.0", "features.0.1"), ("classifier.0", ""), "classifier.3"),
    )
    ours = _mobile(state, lambda stage, number: f"features.{row(stage, number) + 1}.block", _numbered, rules)
    # timm's first linear layer is a 1×1 convolution.
    return {key: value.flatten(1) if key == "classifier.0.weight" else value for key, value in ours.items()}


def _mnasnet(state: Mapping[str, Tensor], architecture: str) -> State:
    def place(stage: int, number: int) -> str:
        return "layers" if stage == 0 else f"layers.{stage + 7}.{number}.layers"

    def layer(index: int, count: int, norm: bool) -> str:
        # The first block is not one of ours: its two convolutions stand behind the stem's.
        return _three_apart(index + (count == 2), count, norm)

    rules = _outside(("layers.0", "layers.1"), ("layers.14", "layers.15"), "classifier.1")
    return _mobile(state, place, layer, rules)


def _convnext(state: Mapping[str, Tensor], architecture: str) -> State:
    ours = _by(_CONVNEXT, state)
    return {key: value.reshape(-1, 1, 1) if key.endswith(".layer_scale") else value for key, value in ours.items()}


def _block_of_convnext(match: re.Match[str]) -> str:
    block = f"features.{2 * int(match[1]) + 1}.{match[2]}"
    if match[3] == "gamma":
        return f"{block}.layer_scale"
    layer, _, tensor = match[3].rpartition(".")
    return f"{block}.block.{_LAYERS_OF_CONVNEXT.get(layer, layer)}.{tensor}"


_LAYERS_OF_CONVNEXT = {"conv_dw": "0", "norm": "2", "mlp.fc1": "3", "mlp.fc2": "5"}
_CONVNEXT: Rules = (
    (r"stem\.(\d)\.(\w+)", r"features.0.\1.\2"),
    (r"stages\.(\d)\.blocks\.(\d+)\.(.+)", _block_of_convnext),
    (r"stages\.(\d)\.downsample\.(.+)", lambda match: f"features.{2 * int(match[1])}.{match[2]}"),
    (r"head\.norm\.(\w+)", r"classifier.0.\1"),
    (r"head\.fc\.(\w+)", r"classifier.2.\1"),
)


def _vit(state: Mapping[str, Tensor], architecture: str) -> State:
    ours = _by(_VIT, state)
    if architecture == "timm/vit_base_patch16_224_miil":
        for key, weight in list(ours.items()):
            if key.endswith(".in_proj_weight"):
                ours.setdefault(key.replace("_weight", "_bias"), weight.new_zeros(len(weight)))
    return ours


_VIT: Rules = (
    (r"cls_token", "class_token"),
    (r"pos_embed", "encoder.pos_embedding"),
    (r"patch_embed\.proj\.(\w+)", r"conv_proj.\1"),
    (r"blocks\.(\d+)\.norm([12])\.(\w+)", r"encoder.layers.encoder_layer_\1.ln_\2.\3"),
    (r"blocks\.(\d+)\.attn\.qkv\.(\w+)", r"encoder.layers.encoder_layer_\1.self_attention.in_proj_\2"),
    (r"blocks\.(\d+)\.attn\.proj\.(\w+)", r"encoder.layers.encoder_layer_\1.self_attention.out_proj.\2"),
    (r"blocks\.(\d+)\.mlp\.fc1\.(\w+)", r"encoder.layers.encoder_layer_\1.mlp.0.\2"),
    (r"blocks\.(\d+)\.mlp\.fc2\.(\w+)", r"encoder.layers.encoder_layer_\1.mlp.3.\2"),
    (r"norm\.(\w+)", r"encoder.ln.\1"),
    (r"head\.(\w+)", r"heads.head.\1"),
)


def _swin(state: Mapping[str, Tensor], architecture: str) -> State:
    # The original files have a stage end with what timm's begin with.
    first = 1 if "layers.0.downsample.reduction.weight" in state else 0
    rules: Rules = (
        (r"patch_embed\.proj\.(\w+)", r"features.0.0.\1"),
        (r"patch_embed\.norm\.(\w+)", r"features.0.2.\1"),
        (r"layers\.(\d)\.downsample\.(.+)", lambda match: f"features.{2 * (int(match[1]) + first)}.{match[2]}"),
        (r"layers\.(\d)\.blocks\.(\d+)\.(.+)", _block_of_swin),
        (r"head\.fc\.(\w+)", r"head.\1"),
    )
    # Tables that follow from the size of a window: ours are made anew.
    ours = _by(rules, {key: value for key, value in state.items() if not _TABLE_OF_SWIN.search(key)})
    window = int(match[1]) if (match := re.search(r"window(\d+)", architecture)) else 0
    index, offsets = _pairs(window), _log_offsets(window)
    for key in [key for key in ours if key.endswith("attn.qkv.weight")]:
        attention = key.removesuffix("qkv.weight")
        ours[f"{attention}relative_position_index"] = index
        if f"{attention}q_bias" in ours:  # the second version, whose keys have no bias
            queries, values = ours.pop(f"{attention}q_bias"), ours.pop(f"{attention}v_bias")
            ours[f"{attention}qkv.bias"] = torch.cat([queries, torch.zeros_like(queries), values])
            ours[f"{attention}relative_coords_table"] = offsets
    return ours


def _block_of_swin(match: re.Match[str]) -> str:
    rest = match[3].replace("mlp.fc1.", "mlp.0.").replace("mlp.fc2.", "mlp.3.")
    return f"features.{2 * int(match[1]) + 1}.{match[2]}.{rest}"


_TABLE_OF_SWIN = re.compile(r"\.(relative_position_index|relative_coords_table|attn_mask|k_bias)$")


def _pairs(window: int) -> Tensor:
    """For each pair of positions in a window the number of the offset between them, `(L * L,)`."""
    down = torch.arange(window).repeat_interleave(window)
    across = torch.arange(window).repeat(window)
    rows, columns = (place[:, None] - place + window - 1 for place in (down, across))
    return (rows * (2 * window - 1) + columns).flatten()


def _log_offsets(window: int) -> Tensor:
    """The offsets on the logarithmic scale of the second version, `(1, 2 window - 1, 2 window - 1, 2)`."""
    offsets = torch.arange(1 - window, window, dtype=torch.float32) / (window - 1) * 8
    offsets = offsets.sign() * (offsets.abs() + 1).log2() / math.log2(8)
    return torch.stack(torch.meshgrid(offsets, offsets, indexing="ij"), -1)[None]


_FAMILIES: Mapping[str, Callable[[Mapping[str, Tensor], str], State]] = {
    r"timm/vgg\w+": _vgg,
    r"timm/regnet[xy]_\w+": _regnet,
    r"timm/efficientnet_b\d": _efficientnet,
    r"timm/mobilenetv2_100": _mobilenetv2,
    r"timm/mobilenetv3_\w+": _mobilenetv3,
    r"timm/mnasnet_100": _mnasnet,
    r"timm/convnext_\w+": _convnext,
    r"timm/(vit|deit)_\w+": _vit,
    r"timm/swin(v2)?_\w+": _swin,
}
"""What renames the files of an architecture; those of ResNet, DenseNet and Inception have our names."""
