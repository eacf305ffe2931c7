"""What can be quantized is torchvision's in floating point, live: tensors, random draws, answers and gradients."""

import inspect
from importlib import import_module

import pytest
import torch

from multiweight import models
from multiweight.catalogue import WeightsEnum
from multiweight.models import get_model, get_model_builder
from tests.models.support import QUANTIZED, each
from tests.parity.test_models import (
    OPTIONS,
    assert_same_answers,
    assert_same_tensors,
    assert_same_training,
    outcome,
    pictures_for,
)
from tests.reference import torchvision

pytestmark = [
    pytest.mark.filterwarnings("ignore:The default weight initialization of:FutureWarning"),  # torchvision's
    pytest.mark.filterwarnings("ignore:auxiliary heads in the pretrained:UserWarning"),  # torchvision's
    pytest.mark.filterwarnings("ignore:The auxiliary heads of:UserWarning"),
]


def reference(variant, **options):
    """torchvision's network."""
    network = torchvision().models.get_model(variant, **options)
    if variant == "quantized_googlenet":
        # It gives the answers of its two auxiliary heads each under the name of the other; the plain one does not.
        outputs = network.eager_outputs
        network.eager_outputs = lambda x, aux1, aux2: outputs(x, aux2, aux1)
    return network


def networks(variant, **options):
    """The network of each, seeded, with the same tensors or the test fails."""
    expected, expected_drawn = outcome(reference, variant, **options)
    ours, drawn = outcome(get_model, variant, **options)
    assert torch.equal(drawn, expected_drawn)
    assert_same_tensors(ours.state_dict().items(), expected.state_dict().items())
    assert ours.training
    assert expected.training
    return ours, expected


@pytest.mark.parametrize("variant", each(QUANTIZED))
def test_variant_in_floating_point_is_torchvisions(variant):
    ours, expected = networks(variant)
    assert_same_answers(ours, expected, pictures_for(variant, training=False))
    assert_same_training(ours, expected, pictures_for(variant, training=True))


ONE_A_FAMILY = [
    *("quantized_googlenet", "quantized_inception_v3", "quantized_mobilenet_v2", "quantized_mobilenet_v3_large"),
    *("quantized_resnet18", "quantized_shufflenet_v2_x0_5"),
]


@pytest.mark.parametrize("variant", each(ONE_A_FAMILY))
def test_variant_with_options_is_torchvisions(variant):
    network = inspect.signature(get_model_builder(variant)).return_annotation.partition(" ")[0]
    options = {"num_classes": 50, **OPTIONS[network.removeprefix("Quantizable")], "backend": "qnnpack"}
    if variant == "quantized_resnet18":
        del options["replace_stride_with_dilation"]
    ours, expected = networks(variant, **options)
    pictures = pictures_for(variant, training=False)
    assert_same_answers(ours, expected, pictures)
    assert_same_training(ours, expected, pictures)


@pytest.mark.parametrize("options", [{}, {"aux_logits": True}, {"transform_input": False}], ids=str)
@pytest.mark.parametrize("variant", each(["quantized_googlenet", "quantized_inception_v3"]))
def test_with_weights_in_floating_point_it_is_torchvisions(variant, options, monkeypatch):
    """Its auxiliary heads above all, which are in the file."""
    torch.manual_seed(0)
    state = get_model(variant.removeprefix("quantized_")).state_dict()
    for enum in (WeightsEnum, torchvision().models.WeightsEnum):
        monkeypatch.setattr(enum, "get_state_dict", lambda self, **kwargs: dict(state))
    ours = get_model(variant, weights="DEFAULT", **options)
    expected = reference(variant, weights="DEFAULT", **options)
    assert_same_tensors(ours.state_dict().items(), expected.state_dict().items())
    assert ours.aux_logits is expected.aux_logits is ("aux_logits" in options)
    assert_same_answers(ours, expected, pictures_for(variant, training=False))
    assert_same_training(ours, expected, pictures_for(variant, training="aux_logits" in options))


def test_names_are_torchvisions():
    """All public names of torchvision's package are here, and nothing that it has not."""
    ours, expected = vars(models.quantization), vars(torchvision().models.quantization)
    # That quantizes by torch.ao, which is on its way out.
    names = {name for name in expected if not name.startswith("_")} - {"utils"}
    assert {name for name in ours if not name.startswith("_")} == set(models.quantization.__all__) == names


@pytest.mark.parametrize(
    "module", ["googlenet", "inception", "mobilenet", "mobilenetv2", "mobilenetv3", "resnet", "shufflenetv2"]
)
def test_modules_offer_what_torchvisions_do(module):
    ours, expected = (
        set(import_module(f"{package}.models.quantization.{module}").__all__)
        for package in ("multiweight", torchvision().__name__)
    )
    assert expected <= ours
    assert all(name.endswith("Options") for name in ours - expected)
