"""What is particular to GoogLeNet that can be quantized."""

import sys

import pytest
import torch

from multiweight.models.quantization import GoogLeNet_QuantizedWeights, QuantizableGoogLeNet, googlenet


@pytest.fixture
def built(monkeypatch):
    """The options of every network that was built."""
    built = []

    class Network(QuantizableGoogLeNet):
        def __init__(self, **options):
            built.append(options)
            super().__init__(**options)

    monkeypatch.setattr(sys.modules[QuantizableGoogLeNet.__module__], "QuantizableGoogLeNet", Network)
    with torch.device("meta"):
        yield built


def test_random_tensors_come_with_heads_unless_they_are_quantized(built, quantized):
    googlenet()
    googlenet(aux_logits=False, transform_input=True)
    googlenet(quantize=True, dropout=0.1)
    assert built == [
        {"aux_logits": True},
        {"aux_logits": False, "transform_input": True},
        {"aux_logits": False, "dropout": 0.1},
    ]


@pytest.mark.filterwarnings("ignore:The auxiliary heads of:UserWarning")
@pytest.mark.parametrize("quantize", [False, True])
def test_weights_want_pictures_as_tensorflow_had_them_and_have_no_heads(built, quantized, loaded, quantize):
    googlenet(weights="DEFAULT", quantize=quantize, init_weights=True)
    googlenet(weights="DEFAULT", quantize=quantize, aux_logits=False, transform_input=False)
    common = {"aux_logits": False, "init_weights": False, "num_classes": 1000}
    assert built == [{**common, "transform_input": True}, {**common, "transform_input": False}]
    if not quantize:
        googlenet(weights="DEFAULT", aux_logits=True)
        assert built[-1]["aux_logits"]
        assert [ignore for *_, ignore in loaded] == [("aux1.", "aux2.")] * 2 + [()]


def test_one_is_told_that_the_heads_are_not_trained(built, loaded):
    with pytest.warns(UserWarning, match="The auxiliary heads of GoogLeNet_Weights.IMAGENET1K_V1 are not") as caught:
        googlenet(weights="DEFAULT", aux_logits=True)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("weights", [None, GoogLeNet_QuantizedWeights.DEFAULT])
def test_a_quantized_network_has_no_heads(built, quantized, weights):
    with pytest.raises(ValueError, match="A quantized network only infers, so it has no auxiliary heads"):
        googlenet(weights=weights, quantize=True, aux_logits=True)
    assert built == quantized == []


def test_blocks_are_not_to_be_chosen():
    with pytest.raises(TypeError, match="has no argument 'blocks'"):
        googlenet(blocks=None)
