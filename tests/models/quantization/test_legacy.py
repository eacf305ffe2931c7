"""Old and new calls of what can be quantized: what they mean, what they warn of, and which are contradictions."""

import warnings

import pytest
import torch

from multiweight import models
from multiweight.catalogue import WeightsEnum
from multiweight.errors import UnknownWeightsError
from multiweight.models import ResNet18_Weights, ResNet50_Weights, get_model, get_model_weights
from multiweight.models.quantization import ResNet18_QuantizedWeights, ResNet50_QuantizedWeights, resnet50
from tests.models.support import FACTS, QUANTIZED
from tests.models.test_legacy import COMMON, LOADS, LOADS_NONE, OURS, POSITIONAL, PRETRAINED, Network, heard
from tests.reference import torchvision

V1, V2 = ResNet50_QuantizedWeights.IMAGENET1K_FBGEMM_V1, ResNet50_QuantizedWeights.IMAGENET1K_FBGEMM_V2
QUANTIZED_LOADS = LOADS.replace("ResNet50_Weights.IMAGENET1K", "ResNet50_QuantizedWeights.IMAGENET1K_FBGEMM").replace(
    "ResNet50_Weights", "ResNet50_QuantizedWeights"
)
ALL_POSITIONAL = (
    "Using 'weights', 'progress', and 'quantize' as positional parameter(s) is deprecated. Please use keyword "
    "parameter(s) instead."
)

# Each call on a line of its own, for the warnings must point at it.
WITH_QUANTIZE = [
    (lambda build, _: build(quantize=True), None, []),
    (lambda build, _: build(weights=None, quantize=True), None, []),
    (lambda build, _: build(weights="DEFAULT", quantize=True), V2, []),
    (lambda build, enum: build(weights=enum.IMAGENET1K_FBGEMM_V1, quantize=True), V1, []),
    (lambda build, _: build(weights="IMAGENET1K_FBGEMM_V1", quantize=True), V1, []),
    (lambda build, _: build(pretrained=True, quantize=True), V1, [PRETRAINED, QUANTIZED_LOADS]),
    (lambda build, _: build(quantize=True, pretrained=False), None, [PRETRAINED, LOADS_NONE]),
    (lambda build, _: build(weights=True, quantize=True), V1, [QUANTIZED_LOADS]),
    (lambda build, _: build(True, quantize=True), V1, [POSITIONAL, QUANTIZED_LOADS]),
    (lambda build, enum: build(enum.IMAGENET1K_FBGEMM_V2, quantize=True), V2, [POSITIONAL]),
    (lambda build, _: build(True, False, True), V1, [ALL_POSITIONAL, QUANTIZED_LOADS]),
]
OUR_QUANTIZE = [
    (lambda build, enum: build(weights=enum.DEFAULT), V2, []),
    (lambda build, enum: build(enum.DEFAULT), V2, [POSITIONAL]),
    (lambda build, enum: build(weights=enum.IMAGENET1K_FBGEMM_V1.value, quantize=True), V1, []),
    (lambda build, _: build(weights="resnet50_quantizedweights.imagenet1k-fbgemm", quantize=True), V2, []),
    (lambda build, enum: build(pretrained=True, weights=enum.IMAGENET1K_FBGEMM_V1, quantize=1), V1, None),
    (lambda *_: get_model("Quantized_ResNet50", weights="DEFAULT", quantize=True), V2, []),
    (lambda *_: get_model("quantized_resnet50", weights=V1), V1, []),
]


@pytest.fixture
def asked(monkeypatch, quantized):
    """The entries whose tensors were asked for."""
    monkeypatch.setattr(models.quantization.resnet, "QuantizableResNet", Network)
    asked = []
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, *, progress=True: asked.append(self) or {})
    return asked


@pytest.mark.parametrize(
    ("call", "entry", "texts"), [*COMMON, *(each for each in OURS if "get_model" not in each[0].__code__.co_names)]
)
def test_without_quantize_a_call_means_what_it_means_in_floating_point(asked, quantized, call, entry, texts):
    _, caught = heard(call, resnet50, ResNet50_Weights)
    assert asked == ([] if entry is None else [entry])
    assert quantized == []
    assert [str(each.message) for each in caught] == texts


@pytest.mark.parametrize(("call", "entry", "texts"), [*WITH_QUANTIZE, *OUR_QUANTIZE])
def test_what_a_call_with_quantize_means_and_warns_of(asked, quantized, call, entry, texts):
    _, caught = heard(call, resnet50, ResNet50_QuantizedWeights)
    assert [weights for weights, *_ in quantized] == [entry]
    assert asked == []
    if texts is not None:
        assert [str(each.message) for each in caught] == texts
    for each in caught:
        assert each.category is UserWarning
        assert (each.filename, each.lineno) == (__file__, call.__code__.co_firstlineno)


@pytest.mark.parametrize(("call", "entry", "texts"), [*COMMON, *WITH_QUANTIZE])
def test_it_is_what_torchvision_means_and_warns_of(monkeypatch, call, entry, texts):
    reference = torchvision().models
    loaded = []
    monkeypatch.setattr(
        reference.WeightsEnum, "get_state_dict", lambda self, *args, **kwargs: loaded.append(str(self)) or {}
    )
    monkeypatch.setattr(reference.quantization.resnet, "QuantizableResNet", Network)
    monkeypatch.setattr(reference.quantization.resnet, "quantize_model", lambda model, backend: None)
    enum = reference.ResNet50_Weights if entry not in (V1, V2) else reference.quantization.ResNet50_QuantizedWeights
    _, caught = heard(call, reference.quantization.resnet50, enum)
    assert loaded == ([] if entry is None else [str(entry)])
    since = " since 0.13 and may be removed in the future"
    assert [str(each.message).replace(since, "") for each in caught] == texts


@pytest.mark.parametrize("variant", QUANTIZED)
def test_pretrained_means_the_first_published_weights(variant, quantized, loaded):
    first = next(iter(get_model_weights(variant)))
    with warnings.catch_warnings(record=True) as caught, torch.device("meta"):
        warnings.simplefilter("always")
        get_model(variant, pretrained=True)
        get_model(variant, pretrained=True, quantize=True)
    legacy = FACTS[variant]["legacy_default"]["weights"][1].removeprefix("callable:")
    assert [str(entry) for entry, *_ in loaded] == [legacy]
    assert [entry for entry, *_ in quantized] == [first]
    assert first.name in ("IMAGENET1K_FBGEMM_V1", "IMAGENET1K_QNNPACK_V1")
    said = [str(each.message) for each in caught if "Arguments other" in str(each.message)]
    assert len(said) == 2
    for text, entry in zip(said, (legacy, str(first)), strict=True):
        assert f"passing `weights={entry}`. You can also use `weights={entry.partition('.')[0]}.DEFAULT`" in text


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: resnet50(weights=ResNet50_Weights.DEFAULT, quantize=True),
            "an entry of ResNet50_QuantizedWeights.* got ResNet50_Weights.IMAGENET1K_V2, an entry of another variant",
        ),
        (
            lambda: resnet50(weights=V2, quantize=False),
            "an entry of ResNet50_Weights.* got ResNet50_QuantizedWeights.IMAGENET1K_FBGEMM_V2, an entry of another",
        ),
        (lambda: resnet50(weights=str(V2)), "not an entry of ResNet50_Weights; it belongs to another variant"),
        (lambda: resnet50(weights=ResNet18_QuantizedWeights.DEFAULT), "an entry of ResNet50_QuantizedWeights"),
        (lambda: resnet50(weights=ResNet18_Weights.DEFAULT), "an entry of ResNet50_Weights"),
        (lambda: models.resnet50(weights=V2), "an entry of ResNet50_Weights"),
        (
            lambda: resnet50(pretrained=True, weights=None, quantize=True),
            "pretrained=True, which means weights=ResNet50_QuantizedWeights.IMAGENET1K_FBGEMM_V1, and weights=None",
        ),
        (lambda: resnet50(quantise=True), "has no argument 'quantise'. Did you mean quantize"),
        (lambda: resnet50(bananas=1), "It takes weights, progress, quantize, num_classes, .*backend"),
        (lambda: models.resnet50(backend="fbgemm"), "has no argument 'backend'"),
    ],
)
def test_contradictions_and_mistakes_are_type_errors(asked, quantized, call, text):
    with pytest.raises(TypeError, match=text):
        call()
    assert asked == quantized == []


def test_a_name_of_the_other_enum_is_an_error(asked, quantized):
    for name, quantize in (("IMAGENET1K_FBGEMM_V2", False), ("IMAGENET1K_V2", True)):
        with pytest.raises(UnknownWeightsError, match=f"has no entry '{name}'. Did you mean IMAGENET1K_"):
            resnet50(weights=name, quantize=quantize)
