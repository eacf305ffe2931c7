"""What is particular to ShuffleNet V2 that can be quantized."""

import pytest
import torch

from multiweight.models import get_model, list_models, quantization


@pytest.mark.parametrize("variant", list_models(include="quantized_shufflenet*"))
def test_channels_are_the_plain_variants(variant, quantized):
    with torch.device("meta"):
        for quantize in (False, True):
            network = get_model(variant, quantize=quantize, num_classes=7)
            assert isinstance(network, quantization.QuantizableShuffleNetV2)
            plain = get_model(variant.removeprefix("quantized_"), num_classes=7)
            assert repr(network).partition("\n")[2] == repr(plain).partition("\n")[2]
    assert len(quantized) == 1


def test_units_are_not_to_be_chosen():
    with pytest.raises(TypeError, match="has no argument 'inverted_residual'. It takes weights, progress, quantize, "):
        quantization.shufflenet_v2_x0_5(inverted_residual=torch.nn.Identity)
