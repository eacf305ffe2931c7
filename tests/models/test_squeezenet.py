"""What is particular to SqueezeNet."""

import pytest
import torch
from torch import nn

from multiweight.models.squeezenet import Fire, SqueezeNet, squeezenet1_0, squeezenet1_1


def test_a_fire_module_squeezes_and_expands():
    fire = Fire(6, 2, 3, 5)
    assert fire.squeeze.out_channels == 2
    assert fire(torch.rand(1, 6, 4, 7)).shape == (1, 8, 4, 7)


@pytest.mark.parametrize(("build", "halved_after"), [(squeezenet1_0, [4, 8]), (squeezenet1_1, [3, 5])])
def test_a_maximum_halves_the_picture_after_the_fire_modules_of_the_version(build, halved_after):
    fires = 1
    found = []
    for layer in build().features[3:]:
        fires += isinstance(layer, Fire)
        if isinstance(layer, nn.MaxPool2d):
            found.append(fires)
    assert found == halved_after
    assert fires == 9


@pytest.mark.parametrize("version", ["1.0", "1_2", "", None])
def test_another_version_is_an_error(version):
    with pytest.raises(ValueError, match="has the versions '1_0' and '1_1'; got ") as caught:
        SqueezeNet(version)
    assert repr(version) in str(caught.value)


def test_the_last_convolution_starts_small():
    network = SqueezeNet()
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert all(not module.bias.any() for module in convolutions)
    assert convolutions[-1].weight.std().item() == pytest.approx(0.01, rel=0.02)


def test_scores_are_never_negative():
    """The last convolution is followed by a ReLU, and then by the mean over the picture."""
    network = SqueezeNet(num_classes=4).eval()
    nn.init.constant_(network.classifier[1].bias, -9.0)
    assert not network(torch.rand(2, 3, 40, 50)).any()
