"""The contract of a variant that can be quantized, as far as its network in floating point does not keep it already."""

import inspect
import pickle
import typing

import pytest
import torch

from multiweight import models
from multiweight.models import get_model, get_model_builder, get_model_weights
from tests.models.support import QUANTIZED, each, layout
from tests.models.test_contract import (  # noqa: F401
    test_builder_is_public,
    test_builder_is_small_explained_and_typed,
    test_layout_is_the_published_one,
    test_the_facts_know_the_variant,
    test_unknown_argument_is_refused_with_the_known_ones,
)


@pytest.fixture(scope="module", params=each(QUANTIZED))
def variant(request):
    return request.param


@pytest.fixture(scope="module")
def model(variant):
    """A network without tensors, in floating point."""
    with torch.device("meta"):
        return get_model(variant)


def in_float(variant):
    """The builder of the network that it is in floating point."""
    return getattr(models, variant.removeprefix("quantized_"))


def known_to(builder):
    (options,) = typing.get_args(typing.get_type_hints(builder)["options"])
    assert not options.__required_keys__
    return {*inspect.signature(builder).parameters, *options.__annotations__}


def test_all_that_can_be_quantized_is_here():
    assert len(QUANTIZED) == 12
    entries = [entry for name in QUANTIZED for entry in get_model_weights(name)]
    assert sum(not entry.url.startswith("package://") for entry in entries) == 14


def test_options_are_those_in_floating_point_but_for_other_blocks(variant):
    blocks = {"block", "blocks", "inception_blocks", "inverted_residual"}
    builder = get_model_builder(variant)
    assert known_to(builder) == known_to(in_float(variant)) - blocks | {"quantize", "backend"}


def test_the_network_is_the_one_in_floating_point(variant, model):
    with torch.device("meta"):
        plain = in_float(variant)()
    assert type(model).__bases__ == (type(plain),)
    assert type(model).__name__ == f"Quantizable{type(plain).__name__}"
    assert model.training
    assert layout(model) == layout(plain)
    assert repr(pickle.loads(pickle.dumps(model))) == repr(model)
    names = {f"Quantizable{type(plain).__name__}": type(plain).__name__, "ReLU6": "ReLU"}
    kinds = [
        [names.get(type(module).__name__, type(module).__name__) for module in network.modules()]
        for network in (model, plain)
    ]
    assert kinds[0] == kinds[1]


def test_weights_are_those_of_the_network_that_is_asked_for(variant, quantized, loaded):
    enum = get_model_weights(variant)
    default = enum.DEFAULT
    origin = type(default.meta.unquantized)
    with torch.device("meta"):
        build = get_model_builder(variant)
        for entry in (default, str(default), "DEFAULT", default.name.lower()):
            build(weights=entry, quantize=True, progress=False)
        for entry in (origin.DEFAULT, str(origin.DEFAULT), "DEFAULT"):
            build(weights=entry, progress=False)
            build(weights=entry, quantize=False, progress=False)
        # What is quantized says so itself.
        get_model(variant, weights=default)
        assert build().training
    per_channel = default.meta.backend != "qnnpack"
    assert quantized == [(default, False, per_channel)] * 4 + [(default, True, per_channel)]
    assert [entry for entry, *_ in loaded] == [origin.DEFAULT] * 6


def test_the_backend_decides_how_random_weights_are_quantized(variant, model, quantized):
    usual = get_model_weights(variant).DEFAULT.meta.backend != "qnnpack"
    backends = {"fbgemm": True, "x86": True, "onednn": True, "qnnpack": False}
    with torch.device("meta"):
        get_model(variant, quantize=True)
        for backend in backends:
            get_model(variant, quantize=True, backend=backend, num_classes=3)
        assert layout(get_model(variant, backend="x86")) == layout(model)
    assert quantized == [(None, True, per_channel) for per_channel in (usual, *backends.values())]


def test_a_backend_that_is_none_or_is_not_the_entrys_is_refused(variant, quantized):
    default = get_model_weights(variant).DEFAULT
    other = {"fbgemm": "qnnpack", "qnnpack": "x86"}[default.meta.backend]
    for quantize in (True, False):
        with pytest.raises(
            ValueError, match=r"no backend 'fgbemm'. Did you mean fbgemm.* one of fbgemm, x86, onednn, "
        ):
            get_model(variant, quantize=quantize, backend="fgbemm")
    with pytest.raises(ValueError, match=f"{default} has backend={default.meta.backend}; got backend='{other}'"):
        get_model(variant, weights=default, quantize=True, backend=other)
    with pytest.raises(ValueError, match=f"{default} has 1000 labels, so num_classes must be 1000; got 3"):
        get_model(variant, weights=default, quantize=True, num_classes=3)
    assert quantized == []
