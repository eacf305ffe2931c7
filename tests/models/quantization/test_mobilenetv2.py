"""What is particular to MobileNetV2 that can be quantized."""

import pytest
import torch
from torch import nn

from multiweight import models
from multiweight.models.quantization import QuantizableMobileNetV2, mobilenet_v2


def test_activations_are_not_cut_off_at_six():
    network, plain = (build(num_classes=3).eval() for build in (mobilenet_v2, models.mobilenet_v2))
    network.load_state_dict(plain.state_dict())
    assert not any(isinstance(module, nn.ReLU6) for module in network.modules())
    assert sum(type(module) is nn.ReLU for module in network.modules()) == 35
    pictures = torch.rand(2, 3, 32, 32)
    assert torch.equal(network(pictures), plain(pictures))
    for one in (network, plain):
        with torch.no_grad():
            one.features[0][1].bias.fill_(7.0)
    assert plain.features[0](pictures).max() == 6
    assert network.features[0](pictures).max() > 6
    assert not torch.equal(network(pictures), plain(pictures))


def test_the_class_takes_what_the_plain_one_does():
    network = QuantizableMobileNetV2(3, width_mult=0.25, inverted_residual_setting=[[6, 8, 1, 2]])
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 3)
    assert not any(isinstance(module, nn.ReLU6) for module in network.modules())


def test_blocks_are_not_to_be_chosen():
    with pytest.raises(TypeError, match="has no argument 'block'. Did you mean|has no argument 'block'. It takes"):
        mobilenet_v2(block=nn.Identity)
