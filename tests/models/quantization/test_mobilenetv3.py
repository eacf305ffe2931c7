"""What is particular to MobileNetV3 that can be quantized."""

import pytest
import torch

from multiweight import models
from multiweight.models.quantization import QuantizableMobileNetV3, mobilenet_v3_large


@pytest.mark.parametrize(
    "options", [{}, {"width_mult": 0.5, "reduced_tail": True}, {"dilated": True, "num_classes": 3}], ids=str
)
def test_options_vary_the_network_as_they_do_the_plain_one(options, quantized):
    with torch.device("meta"):
        plain = models.mobilenet_v3_large(**options)
        for quantize in (False, True):
            network = mobilenet_v3_large(quantize=quantize, **options)
            assert isinstance(network, QuantizableMobileNetV3)
            assert repr(network).partition("\n")[2] == repr(plain).partition("\n")[2]
    assert len(quantized) == 1


def test_of_the_small_one_nothing_is_published():
    assert "mobilenet_v3_small" not in models.quantization.__all__
    assert len(models.get_model_weights("quantized_mobilenet_v3_small")) == 0


def test_the_class_takes_settings_as_the_plain_one_does():
    block = models.mobilenetv3.InvertedResidualConfig(16, 3, 16, 8, True, "HS", 2, 1, 1.0)
    network = QuantizableMobileNetV3([block], 16, num_classes=3)
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 3)
