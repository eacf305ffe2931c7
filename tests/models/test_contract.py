"""The contract of a variant. Every one of them goes through every test here."""

import ast
import copy
import inspect
import pickle
import re
import textwrap
import typing

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from multiweight import models
from multiweight.catalogue import WeightsEnum
from multiweight.models import get_model, get_model_builder, get_model_weights
from tests.models.support import EACH_VARIANT, FACTS, LAYOUTS, layout, network_of, side_of, tensors_of


@pytest.fixture(scope="module", params=EACH_VARIANT)
def variant(request):
    return request.param


@pytest.fixture(scope="module")
def model(variant):
    """A network with random tensors in eval mode. Tests leave it as it is."""
    torch.manual_seed(0)
    network = get_model(variant).eval().requires_grad_(False)
    for parameter in network.parameters():
        if not parameter.any():  # a head that starts at zero would make all networks of a kind equal
            nn.init.normal_(parameter, std=0.02)
    return network


@pytest.fixture(scope="module")
def pictures(variant):
    side = side_of(variant)
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def scores(model, pictures):
    return model(pictures)


def relative_error(given, expected):
    return ((given.double() - expected.double()).norm() / expected.double().norm()).item()


def test_the_facts_know_the_variant(variant):
    assert FACTS[variant]["weights_enum"] == get_model_weights(variant).__name__


def test_layout_is_the_published_one(variant, model):
    assert layout(model) == LAYOUTS[variant]


def test_every_entry_says_the_size_of_its_network(variant, monkeypatch):
    for entry in get_model_weights(variant):
        network = network_of(entry, monkeypatch)
        assert sum(parameter.numel() for parameter in network.parameters()) == entry.meta.num_params, entry
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, *entry.meta.size, device="meta"))
        # Two operations are one multiply-add; the published figures have three decimals.
        assert counter.get_total_flops() / 2e9 == pytest.approx(entry.meta.gflops, abs=0.001), entry


def test_every_entry_takes_its_smallest_picture(variant, monkeypatch):
    for entry in get_model_weights(variant):
        network = network_of(entry, monkeypatch)
        labels = 1000 if entry.meta.categories is None else len(entry.meta.categories)
        assert network(torch.empty(1, 3, *entry.meta.min_size, device="meta")).shape == (1, labels)


def test_scores_are_finite_and_one_a_label(variant, scores):
    assert scores.shape == (2, len(get_model_weights(variant).DEFAULT.meta["categories"]))
    assert scores.isfinite().all()
    assert not torch.equal(scores[0], scores[1])


FIXED = {
    models.DenseNet: {"growth_rate", "block_config", "num_init_features"},
    models.SqueezeNet: {"version"},
}
"""Parameters that have a default although every variant of the family sets them."""

ADDED = {models.MobileNetV3: {"width_mult", "reduced_tail", "dilated"}}
"""Options from which the builder computes what the network is told."""


def test_options_are_the_parameters_of_the_network(variant, model):
    """What the builder does not fix (what the network must be told) can be told it, under the same names."""
    builder = get_model_builder(variant)
    (options,) = typing.get_args(typing.get_type_hints(builder)["options"])
    parameters = inspect.signature(type(model)).parameters.values()
    known = set(options.__annotations__)
    optional = {each.name for each in parameters if each.default is not each.empty}
    assert optional - known == FIXED.get(type(model), set())
    assert known - {each.name for each in parameters} == ADDED.get(type(model), set())
    assert not options.__required_keys__


def test_builder_is_small_explained_and_typed(variant, model):
    builder = get_model_builder(variant)
    function = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(builder)))).body[0]
    assert ast.get_docstring(function)
    assert function.body[-1].end_lineno - function.body[1].lineno < 8
    signature = inspect.signature(builder)
    assert [each.kind.name for each in signature.parameters.values()] == ["KEYWORD_ONLY"] * 2 + ["VAR_KEYWORD"]
    assert list(signature.parameters)[:2] == ["weights", "progress"]
    hints = typing.get_type_hints(builder)
    assert hints["return"] is type(model)
    assert hints["weights"] == get_model_weights(variant) | str | None
    for part in ("Args:", "Raises:", get_model_weights(variant).__name__):
        assert part in builder.__doc__


def test_unknown_argument_is_refused_with_the_known_ones(variant):
    with pytest.raises(TypeError, match=r"has no argument 'num_clases'\. Did you mean num_classes") as caught:
        get_model(variant, num_clases=10)
    assert variant in str(caught.value)
    assert re.search(r"It takes weights, progress, (\w+, )*num_classes", str(caught.value))


def test_builder_is_public(variant, model):
    builder = get_model_builder(variant)
    assert models.__dict__[variant] is builder
    assert pickle.loads(pickle.dumps(builder)) is builder
    assert getattr(models, type(model).__name__) is type(model)
    assert getattr(models, get_model_weights(variant).__name__) is get_model_weights(variant)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Scripted .* network always returns:UserWarning")
def test_scripts(model, pictures, scores):
    answer = torch.jit.script(model)(pictures)
    # A script has one type of result: with auxiliary outputs it is a tuple in evaluation too.
    assert torch.equal(answer if isinstance(answer, torch.Tensor) else answer.logits, scores)


@pytest.fixture
def slow_attention():
    """Without the kernel that nn.MultiheadAttention has for evaluation: it rounds otherwise and is not exported."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(before)


def test_exports_with_any_number_of_pictures(model, pictures, slow_attention):
    program = torch.export.export(model, (pictures,), dynamic_shapes=({0: torch.export.Dim("N")},)).module()
    for count in (1, 2, 3):
        batch = pictures.repeat(2, 1, 1, 1)[:count]
        assert torch.equal(program(batch), model(batch))


BF16_ERROR = {"inception_v3": 0.03, "swin_v2_b": 0.03, "swin_v2_s": 0.03}
"""Networks that lose a little more than others in 8 bits of mantissa."""


def test_autocast(variant, model, pictures, scores):
    with torch.autocast("cpu", torch.bfloat16):
        answer = model(pictures)
    assert answer.dtype == torch.bfloat16
    assert relative_error(answer, scores) < BF16_ERROR.get(variant, 0.02)


def test_channels_last(model, pictures, scores):
    network = copy.deepcopy(model).to(memory_format=torch.channels_last)
    answer = network(pictures.to(memory_format=torch.channels_last))
    assert relative_error(answer, scores) < 5e-6


def test_double(model, pictures, scores):
    answer = copy.deepcopy(model).double()(pictures.double())
    assert answer.dtype == torch.float64
    assert relative_error(scores, answer) < 5e-6


def test_copies(model, pictures, scores):
    copied = copy.deepcopy(model)
    pairs = zip(copied.parameters(), model.parameters(), strict=True)
    assert all(one.data_ptr() != other.data_ptr() for one, other in pairs)
    assert torch.equal(copied(pictures), scores)


def test_pickles(variant, monkeypatch):
    network = network_of(get_model_weights(variant).DEFAULT, monkeypatch)
    again = pickle.loads(pickle.dumps(network))
    assert repr(again) == repr(network)
    assert layout(again) == layout(network)
    picture = torch.empty(1, 3, *get_model_weights(variant).DEFAULT.meta.min_size, device="meta")
    assert again(picture).shape == network(picture).shape


def test_with_weights_every_tensor_is_the_files(variant, monkeypatch):
    expected = tensors_of(variant, network_of(get_model_weights(variant).DEFAULT, monkeypatch))
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: expected)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    built = get_model(variant, weights="DEFAULT")
    assert torch.equal(torch.get_rng_state(), before)
    assert built.training
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in built.parameters())
    for key, tensor in built.state_dict().items():
        assert tensor.dtype == expected[key].dtype
        assert torch.equal(tensor, expected[key]), key
