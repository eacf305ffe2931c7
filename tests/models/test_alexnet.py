"""What is particular to AlexNet."""

import pytest
import torch

from multiweight.models.alexnet import AlexNet


@pytest.fixture(scope="module")
def network():
    return AlexNet(num_classes=3)


@pytest.mark.parametrize("size", [(63, 63), (64, 200), (300, 63)])
def test_pictures_of_any_size_become_six_by_six_features(network, size):
    pictures = torch.rand(1, 3, *size)
    assert network.avgpool(network.features(pictures)).shape == (1, 256, 6, 6)
    assert network(pictures).shape == (1, 3)


def test_dropout_is_active_in_training_only(network):
    features = torch.rand(2, 256 * 6 * 6)
    classifier = AlexNet(num_classes=3, dropout=1.0).classifier
    # With all features of a layer zeroed, nothing of the picture comes through.
    assert torch.equal(*classifier(features))
    assert not torch.equal(*classifier.eval()(features))
