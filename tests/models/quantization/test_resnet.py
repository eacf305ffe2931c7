"""What is particular to ResNet and ResNeXt that can be quantized."""

import pytest
import torch

from multiweight.models import quantization
from multiweight.models.quantization import QuantizableResNet
from multiweight.models.resnet import BasicBlock, Bottleneck


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_the_class_takes_blocks_and_layers_as_the_plain_one_does(block):
    network = QuantizableResNet(block, [1, 1, 1, 1], num_classes=3)
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 3)


@pytest.mark.parametrize(("variant", "groups", "width"), [("resnext101_32x8d", 32, 8), ("resnext101_64x4d", 64, 4)])
@pytest.mark.parametrize("quantize", [False, True])
def test_groups_belong_to_the_variant(variant, groups, width, quantize, quantized):
    build = getattr(quantization, variant)
    with torch.device("meta"):
        network = build(quantize=quantize, groups=groups)
    assert (network.groups, network.base_width) == (groups, width)
    with pytest.raises(ValueError, match=f"{variant} has width_per_group={width}; got width_per_group=5"):
        build(quantize=quantize, width_per_group=5)
    assert len(quantized) == quantize
