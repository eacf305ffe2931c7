"""What is particular to ResNet, ResNeXt and Wide ResNet."""

from functools import partial

import pytest
import torch
from torch import nn

from multiweight.models import ResNet, get_model, list_models
from multiweight.models.resnet import BasicBlock, Bottleneck


@pytest.mark.parametrize("variant", ["resnet50", "resnext50_32x4d", "wide_resnet50_2"])
def test_the_stride_sits_on_the_3x3_convolution(variant):
    with torch.device("meta"):
        network = get_model(variant)
    strided = [
        (name.rpartition(".")[2], module.kernel_size)
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2) and "layer" in name and "downsample" not in name
    ]
    assert strided == [("conv2", (3, 3))] * 3


@pytest.mark.parametrize("dilated", [[False, False, True], [False, True, True], [True, True, True]])
def test_dilation_keeps_height_and_width(dilated):
    with torch.device("meta"):
        network = get_model("resnet50", replace_stride_with_dilation=dilated)
        features = nn.Sequential(*list(network.children())[:-2])(torch.empty(1, 3, 64, 96))
    kept = 2 ** sum(dilated)
    assert features.shape == (1, 2048, 2 * kept, 3 * kept)
    # The first block of a dilated stage looks as far as the stage before it.
    assert [block.conv2.dilation[0] for block in network.layer4] == [kept // 2, kept, kept]


@pytest.mark.parametrize("given", [[], [True], [False] * 4])
def test_dilation_of_other_than_three_stages_is_an_error(given):
    with pytest.raises(ValueError, match="takes None or three truth values; got"):
        get_model("resnet50", replace_stride_with_dilation=given)


@pytest.mark.parametrize("variant", ["resnet18", "resnet34"])
def test_basic_blocks_cannot_be_grouped_widened_or_dilated(variant):
    for options in ({"groups": 2}, {"width_per_group": 128}):
        with pytest.raises(ValueError, match="has groups=1 and base_width=64; got "):
            get_model(variant, **options)
    with pytest.raises(NotImplementedError, match="has dilation=1; got 2"):
        get_model(variant, replace_stride_with_dilation=[False, False, True])


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_zero_init_makes_every_block_the_identity(block):
    network = ResNet(block, [2, 1, 1, 1], num_classes=3, zero_init_residual=True).eval()
    x = torch.rand(1, 64 * block.expansion, 8, 8)
    assert torch.equal(network.layer1[1](x), x)


@pytest.mark.parametrize(
    "norm", [nn.Identity, partial(nn.BatchNorm2d, affine=False), partial(nn.GroupNorm, 4, affine=False)], ids=str
)
def test_normalisation_without_weights_needs_no_initial_ones(norm):
    network = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=3, zero_init_residual=True, norm_layer=norm).eval()
    assert not [key for key, _ in network.named_parameters() if "bn" in key]
    assert network(torch.rand(1, 3, 32, 32)).shape == (1, 3)


@pytest.mark.parametrize("variant", list_models(include=["resnext*", "wide_resnet*"]))
def test_what_makes_the_variant_may_be_said_but_not_changed(variant):
    with torch.device("meta"):
        network = get_model(variant)
        told = {"groups": network.groups, "width_per_group": network.base_width}
        told = told if variant.startswith("resnext") else {"width_per_group": network.base_width}
        assert repr(get_model(variant, **told)) == repr(network)
        for option, value in told.items():
            with pytest.raises(ValueError, match=f"{variant} has {option}={value}; got {option}={value + 1}"):
                get_model(variant, **{option: value + 1})
