"""What is particular to Inception v3 that can be quantized."""

import sys

import pytest
import torch

from multiweight.models.quantization import Inception_V3_QuantizedWeights, QuantizableInception3, inception_v3


@pytest.fixture
def built(monkeypatch):
    """The options of every network that was built."""
    built = []

    class Network(QuantizableInception3):
        def __init__(self, **options):
            built.append(options)
            super().__init__(**options)

    monkeypatch.setattr(sys.modules[QuantizableInception3.__module__], "QuantizableInception3", Network)
    with torch.device("meta"):
        yield built


def test_random_tensors_come_with_a_head_unless_they_are_quantized(built, quantized):
    inception_v3()
    inception_v3(aux_logits=False, transform_input=True)
    inception_v3(quantize=True, dropout=0.1)
    assert built == [
        {"aux_logits": True},
        {"aux_logits": False, "transform_input": True},
        {"aux_logits": False, "dropout": 0.1},
    ]


@pytest.mark.parametrize("quantize", [False, True])
def test_weights_want_pictures_as_tensorflow_had_them_and_have_no_head(built, quantized, loaded, quantize):
    """The plain network has its head with weights, too; this one has it where it is asked for, as in torchvision."""
    inception_v3(weights="DEFAULT", quantize=quantize, init_weights=True)
    inception_v3(weights="DEFAULT", quantize=quantize, aux_logits=False, transform_input=False)
    common = {"aux_logits": False, "init_weights": False, "num_classes": 1000}
    assert built == [{**common, "transform_input": True}, {**common, "transform_input": False}]
    if not quantize:
        inception_v3(weights="DEFAULT", aux_logits=True)
        assert built[-1]["aux_logits"]
        assert [ignore for *_, ignore in loaded] == [("AuxLogits.",)] * 2 + [()]


@pytest.mark.parametrize("weights", [None, Inception_V3_QuantizedWeights.DEFAULT])
def test_a_quantized_network_has_no_head(built, quantized, weights):
    with pytest.raises(ValueError, match="A quantized network only infers, so it has no auxiliary heads"):
        inception_v3(weights=weights, quantize=True, aux_logits=True)
    assert built == quantized == []


def test_blocks_are_not_to_be_chosen():
    with pytest.raises(TypeError, match="has no argument 'inception_blocks'"):
        inception_v3(inception_blocks=None)
