"""What is particular to VGG."""

import pytest
import torch
from torch import nn

from multiweight.catalogue import WeightsEnum
from multiweight.errors import MismatchError
from multiweight.models import vgg
from multiweight.models.vgg import VGG, VGG16_Weights, cfgs, make_layers, vgg16
from tests.reference import torchvision


@pytest.fixture
def file(monkeypatch):
    """What every entry's file holds: the tensors of VGG-16."""
    with torch.device("meta"):
        layout = vgg16().state_dict()
    # Each made of one number, and therefore small.
    tensors = {key: torch.tensor(0.5).expand(tensor.shape) for key, tensor in layout.items()}
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, *, progress=True, check_hash=True: tensors)
    return tensors


def test_columns_are_torchvisions():
    assert cfgs == torchvision().models.vgg.cfgs


@pytest.mark.parametrize(("column", "layers"), [("A", 11), ("B", 13), ("D", 16), ("E", 19)])
def test_a_variant_is_named_for_its_layers_with_weights(column, layers):
    with torch.device("meta"):
        for name in (f"vgg{layers}", f"vgg{layers}_bn"):
            network = getattr(vgg, name)()
            assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in network.modules()) == layers
            assert repr(network.features) == repr(make_layers(cfgs[column], batch_norm=name.endswith("_bn")))


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("cfg", [[], [4], ["M", 5, "M"], [4, 4, "M", 6]])
def test_any_layers_are_torchvisions(cfg, batch_norm):
    outcomes = []
    for make in (make_layers, torchvision().models.vgg.make_layers):
        torch.manual_seed(0)
        outcomes.append((make(cfg, batch_norm=batch_norm), torch.rand(1)))
    (layers, drawn), (expected, expected_drawn) = outcomes
    assert repr(layers) == repr(expected)
    assert torch.equal(drawn, expected_drawn)
    for key, tensor in expected.state_dict().items():
        assert torch.equal(layers.state_dict()[key], tensor)


@pytest.mark.parametrize("init_weights", [False, True])
def test_ones_own_features_are_initialised_if_asked(init_weights):
    features = nn.Sequential(nn.Conv2d(3, 512, 3), nn.BatchNorm2d(512), nn.Conv2d(512, 512, 1, bias=False))
    nn.init.constant_(features[1].weight, 7.0)
    before = features[2].weight.clone()
    network = VGG(features, num_classes=2, init_weights=init_weights)
    assert network.features is features
    assert bool((features[1].weight == 1).all()) == init_weights
    assert torch.equal(features[2].weight, before) != init_weights
    assert bool(features[0].bias.any()) != init_weights
    assert (network.classifier[-1].weight.std().item() == pytest.approx(0.01, rel=0.05)) == init_weights


@pytest.mark.parametrize("options", [{}, {"init_weights": True}, {"init_weights": False}, {"num_classes": 1000}])
def test_with_weights_it_does_not_matter_what_initialisation_was_asked_for(file, options):
    state = torch.get_rng_state()
    network = vgg16(weights=VGG16_Weights.IMAGENET1K_V1, **options)
    assert torch.equal(torch.get_rng_state(), state)
    assert all((tensor == 0.5).all() for tensor in network.state_dict().values())


def test_features_alone_are_a_whole_network(file):
    """That file has no labels, but all the tensors, and must have them."""
    assert VGG16_Weights.IMAGENET1K_FEATURES.meta["categories"] is None
    network = vgg16(weights="IMAGENET1K_FEATURES")
    assert network.classifier[-1].out_features == 1000
    assert all((tensor == 0.5).all() for tensor in network.state_dict().values())
    assert {*vgg16(weights="IMAGENET1K_FEATURES", num_classes=21).load_report.new} == {
        "classifier.6.weight",
        "classifier.6.bias",
    }
    for key in [key for key in file if key.startswith("classifier.")]:
        del file[key]
    with pytest.raises(MismatchError, match=r"6 missing: classifier.0.weight"):
        vgg16(weights="IMAGENET1K_FEATURES")


def test_other_weights_than_features_have_their_labels(file):
    assert len(vgg16(weights="IMAGENET1K_V1").load_report.labels) == 1000
    assert vgg16(weights="IMAGENET1K_V1", num_classes=21).load_report.labels is None
