"""Every variant is torchvision's, bit for bit and live: tensors, random draws, answers and gradients."""

import inspect
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight import models
from multiweight.models import get_model, get_model_builder, list_models
from tests.reference import torchvision

VARIANTS = list_models(module="multiweight.models")


def theirs(ours):
    """torchvision's class or function of the same module and name."""
    module = ours.__module__.replace("multiweight", "torchvision")
    return getattr(getattr(torchvision().models, module.rpartition(".")[2]), ours.__name__)


def outcome(build, *args, **kwargs):
    """What a seeded construction gives: the network and the next random number, or the type of its error."""
    torch.manual_seed(7)
    try:
        network = build(*args, **kwargs)
    except (ValueError, NotImplementedError) as error:
        return type(error), None
    return network, torch.rand(1)


def assert_same_tensors(ours, expected):
    ours, expected = list(ours), list(expected)
    assert [key for key, _ in ours] == [key for key, _ in expected]
    for (key, tensor), (_, other) in zip(ours, expected, strict=True):
        assert tensor.dtype == other.dtype, key
        assert torch.equal(tensor, other), key


def assert_same_networks(ours, expected):
    """The same names and kinds of modules in the same order, and the same tensors."""
    structure = [
        [(name, type(module).__name__) for name, module in network.named_modules()] for network in (ours, expected)
    ]
    assert structure[0] == structure[1]
    assert_same_tensors(ours.state_dict().items(), expected.state_dict().items())


def assert_same_answers(ours, expected, pictures):
    with torch.no_grad():
        assert torch.equal(ours(pictures), expected(pictures))
        assert torch.equal(ours.eval()(pictures), expected.eval()(pictures))


def assert_same_training(ours, expected, pictures):
    """The same answers in training, the same running means, the same gradients."""
    answers = []
    for network in (ours, expected):
        answers.append(network.train()(pictures))
        answers[-1].logsumexp(1).sum().backward()
    assert torch.equal(*answers)
    assert_same_tensors(ours.named_buffers(), expected.named_buffers())
    gradients = [[(name, each.grad) for name, each in network.named_parameters()] for network in (ours, expected)]
    assert_same_tensors(*gradients)


def options_for(variant):
    """Every option of the variant away from its default, as far as the variant can have it."""
    network = inspect.signature(get_model_builder(variant)).return_annotation
    if network == "ShuffleNetV2":
        return {"num_classes": 7, "inverted_residual": partial(models.shufflenetv2.InvertedResidual)}
    options = {"num_classes": 7, "zero_init_residual": True, "norm_layer": partial(nn.GroupNorm, 4)}
    if variant not in ("resnet18", "resnet34"):
        options["replace_stride_with_dilation"] = [False, True, True]
    if variant in ("resnet50", "resnet101", "resnet152"):
        options |= {"groups": 2, "width_per_group": 16}
    return options


@pytest.mark.parametrize("variant", VARIANTS)
def test_variant_is_torchvisions(variant):
    ours, drawn = outcome(get_model, variant)
    expected, expected_drawn = outcome(torchvision().models.get_model, variant)
    assert torch.equal(drawn, expected_drawn)
    assert_same_networks(ours, expected)
    pictures = torch.rand(2, 3, 40, 33)
    assert_same_training(ours, expected, pictures)
    assert_same_answers(ours, expected, pictures)


@pytest.mark.parametrize("variant", VARIANTS)
def test_variant_with_options_is_torchvisions(variant):
    options = options_for(variant)
    ours, drawn = outcome(get_model, variant, **options)
    expected, expected_drawn = outcome(torchvision().models.get_model, variant, **options)
    assert torch.equal(drawn, expected_drawn)
    assert_same_networks(ours, expected)
    assert_same_answers(ours, expected, torch.rand(2, 3, 40, 33))


@pytest.mark.parametrize(
    ("variant", "option"),
    [(name, "width_per_group") for name in VARIANTS if name.startswith(("resnext", "wide"))]
    + [(name, "groups") for name in VARIANTS if name.startswith("resnext")],
)
def test_contradicting_a_variant_is_an_error_as_with_torchvision(variant, option):
    for build in (torchvision().models.get_model, get_model):
        with pytest.raises(ValueError, match=option if build is get_model else None):
            build(variant, **{option: 5})


NORMS = [
    None,
    nn.BatchNorm2d,
    nn.InstanceNorm2d,
    nn.Identity,
    partial(nn.GroupNorm, 2),
    partial(nn.BatchNorm2d, eps=0.1),
]


@settings(max_examples=12, deadline=None)
@given(
    block=st.sampled_from(["BasicBlock", "Bottleneck"]),
    layers=st.sampled_from([[1, 1, 1, 1], [2, 1, 2, 1], [1, 2, 1, 2]]),
    num_classes=st.integers(1, 9),
    zero_init_residual=st.booleans(),
    groups=st.sampled_from([1, 1, 2, 4]),
    width_per_group=st.sampled_from([64, 64, 16, 6]),
    replace_stride_with_dilation=st.none() | st.lists(st.booleans(), min_size=2, max_size=4),
    norm_layer=st.sampled_from(NORMS),
)
def test_any_resnet_is_torchvisions(block, **arguments):
    module = torchvision().models.resnet
    expected, expected_drawn = outcome(module.ResNet, getattr(module, block), **arguments)
    ours, drawn = outcome(models.ResNet, getattr(models.resnet, block), **arguments)
    if expected_drawn is None:
        assert ours is expected
        return
    assert torch.equal(drawn, expected_drawn)
    assert_same_networks(ours, expected)
    assert_same_answers(ours, expected, torch.rand(2, 3, 40, 33))


@settings(max_examples=20, deadline=None)
@given(
    stages_repeats=st.lists(st.integers(1, 3), min_size=2, max_size=4),
    stages_out_channels=st.lists(st.integers(1, 20).map(lambda half: 2 * half), min_size=4, max_size=6),
    num_classes=st.integers(1, 9),
)
def test_any_shufflenet_is_torchvisions(**arguments):
    expected, expected_drawn = outcome(torchvision().models.ShuffleNetV2, **arguments)
    ours, drawn = outcome(models.ShuffleNetV2, **arguments)
    if expected_drawn is None:
        assert ours is expected
        return
    assert torch.equal(drawn, expected_drawn)
    assert_same_networks(ours, expected)
    assert_same_answers(ours, expected, torch.rand(2, 3, 70, 65))


@settings(deadline=None)  # the first call imports torchvision
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(1, 3))
def test_channel_shuffle_is_torchvisions(groups, each, height, pictures):
    x = torch.rand(pictures, groups * each, height, 2)
    expected = torchvision().models.shufflenetv2.channel_shuffle(x, groups)
    answer = models.shufflenetv2.channel_shuffle(x, groups)
    assert torch.equal(answer, expected)
    assert answer.is_contiguous()


@pytest.mark.parametrize(
    "ours",
    [
        models.ResNet,
        models.resnet.BasicBlock,
        models.resnet.Bottleneck,
        models.resnet.conv1x1,
        models.resnet.conv3x3,
        models.ShuffleNetV2,
        models.shufflenetv2.InvertedResidual,
        models.shufflenetv2.InvertedResidual.depthwise_conv,
        models.shufflenetv2.channel_shuffle,
    ],
    ids=lambda each: each.__qualname__,
)
def test_parameters_are_torchvisions(ours):
    owner, _, method = ours.__qualname__.partition(".")
    expected = theirs(getattr(models, ours.__module__.rpartition(".")[2]).__dict__[owner])
    expected = getattr(expected, method) if method else expected
    plain = [
        [
            (each.name, getattr(each.default, "__name__", each.default))
            for each in inspect.signature(one).parameters.values()
        ]
        for one in (ours, expected)
    ]
    assert plain[0] == plain[1]


def test_names_are_torchvisions():
    """All that torchvision.models has of these families is here, and nothing that it has not."""
    reference = torchvision().models
    registry = {"get_model", "get_model_builder", "get_model_weights", "get_weight", "list_models"}
    families = {"resnet", "shufflenetv2"}
    expected = {name for family in families for name in getattr(reference, family).__all__}
    expected |= registry | families | {"Weights", "WeightsEnum"}
    assert set(models.__all__) == expected
    assert expected <= set(vars(reference))
