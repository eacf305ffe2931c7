"""Every variant is torchvision's, bit for bit and live: tensors, random draws, answers and gradients."""

import inspect
from functools import partial
from importlib import import_module

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight import models
from multiweight.models import get_model, get_model_builder
from tests.models.support import EACH_VARIANT, GIANTS, VARIANTS, side_of
from tests.reference import torchvision


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
        # torchvision's MNASNet has a private name for its block.
        [(name, type(module).__name__.lstrip("_")) for name, module in network.named_modules()]
        for network in (ours, expected)
    ]
    assert structure[0] == structure[1]
    assert_same_tensors(ours.state_dict().items(), expected.state_dict().items())


def flat(answer):
    """A network's answer as a list of tensors: auxiliary outputs make it a tuple."""
    return [answer] if isinstance(answer, torch.Tensor) else [each for each in answer if each is not None]


def assert_same_answers(ours, expected, pictures):
    with torch.no_grad():
        for given, wanted in zip(flat(ours.eval()(pictures)), flat(expected.eval()(pictures)), strict=True):
            assert torch.equal(given, wanted)


def assert_same_training(ours, expected, pictures):
    """The same answers in training, the same random draws, the same running means, the same gradients.

    The expected network's parameters are let go once it has answered, which spares gigabytes.
    """
    answers, draws = [], []
    for network in (expected, ours):
        torch.manual_seed(11)
        answers.append(flat(network.train()(pictures)))
        draws.append(torch.rand(1))
        sum(each.logsumexp(1).sum() for each in answers[-1]).backward()
        answers[-1] = [each.detach() for each in answers[-1]]
        if network is expected:
            for parameter in network.parameters():
                parameter.data = torch.empty(0)
    assert torch.equal(*draws)
    assert len(answers[0]) == len(answers[1])
    assert all(map(torch.equal, *answers))
    assert_same_tensors(ours.named_buffers(), expected.named_buffers())
    for (name, one), (_, other) in zip(ours.named_parameters(), expected.named_parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None), name
        assert one.grad is None or torch.equal(one.grad, other.grad), name


RESNET = {"zero_init_residual": True, "norm_layer": partial(nn.GroupNorm, 4)}
OPTIONS = {
    "AlexNet": {"dropout": 0.2},
    "ConvNeXt": {"stochastic_depth_prob": 0.3, "layer_scale": 0.1},
    "DenseNet": {"bn_size": 2, "drop_rate": 0.2, "memory_efficient": True},
    "EfficientNet": {"dropout": 0.1, "stochastic_depth_prob": 0.4, "norm_layer": partial(nn.BatchNorm2d, eps=0.1)},
    "GoogLeNet": {"aux_logits": False, "transform_input": True, "init_weights": True, "dropout": 0.1},
    "Inception3": {"aux_logits": False, "transform_input": True, "init_weights": False, "dropout": 0.1},
    "MNASNet": {"dropout": 0.1},
    "MaxVit": {"mlp_dropout": 0.1, "attention_dropout": 0.2, "norm_layer": partial(nn.BatchNorm2d, eps=0.1)},
    "MobileNetV2": {"width_mult": 0.5, "round_nearest": 4, "dropout": 0.1, "norm_layer": partial(nn.GroupNorm, 4)},
    "MobileNetV3": {"width_mult": 0.5, "reduced_tail": True, "dilated": True, "dropout": 0.1},
    "RegNet": {"norm_layer": partial(nn.BatchNorm2d, eps=0.1), "activation": nn.SiLU},
    "ResNet": RESNET | {"replace_stride_with_dilation": [False, True, True]},
    "ShuffleNetV2": {},
    "SqueezeNet": {"dropout": 0.1},
    "SwinTransformer": {"dropout": 0.1, "attention_dropout": 0.2},
    "VGG": {"init_weights": False, "dropout": 0.1},
    "VisionTransformer": {"dropout": 0.1, "attention_dropout": 0.2, "representation_size": 24},
}
"""Options of each network away from their defaults, as far as torchvision's builders take them."""


def options_for(variant):
    """Every option of the variant away from its default, as far as the variant can have it."""
    network = inspect.signature(get_model_builder(variant)).return_annotation
    options = {"num_classes": 50, **OPTIONS[network]}
    if variant in ("resnet18", "resnet34"):
        del options["replace_stride_with_dilation"]
    if variant in ("resnet50", "resnet101", "resnet152"):
        options |= {"groups": 2, "width_per_group": 16}
    if variant.startswith(("efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_v2")):
        del options["norm_layer"]
    if network == "VisionTransformer":
        # A few patches are enough to tell networks apart.
        options["image_size"] = 3 * int(variant.rpartition("_")[2])
    return options


def takes_any_size(variant):
    return not variant.startswith("vit_")


def pictures_for(variant, *, training):
    """Two pictures, small where the variant takes small ones, and of two sides where it takes those."""
    side = side_of(variant, training)
    width = side if side > 64 or variant.startswith(("vgg", "alexnet")) else side - 11
    return torch.rand(2, 3, side, width, generator=torch.Generator().manual_seed(3))


@pytest.mark.filterwarnings("ignore:The default weight initialization of:FutureWarning")  # torchvision's
@pytest.mark.parametrize("variant", EACH_VARIANT)
def test_variant_is_torchvisions(variant):
    ours, drawn = outcome(get_model, variant)
    expected, expected_drawn = outcome(torchvision().models.get_model, variant)
    assert torch.equal(drawn, expected_drawn)
    assert_same_networks(ours, expected)
    if variant in GIANTS and not takes_any_size(variant):
        return  # the next test compares their answers on smaller pictures
    assert_same_answers(ours, expected, pictures_for(variant, training=False))
    assert_same_training(ours, expected, pictures_for(variant, training=True))


@pytest.mark.filterwarnings("ignore:The default weight initialization of:FutureWarning")  # torchvision's
@pytest.mark.parametrize("variant", EACH_VARIANT)
def test_variant_with_options_is_torchvisions(variant):
    options = options_for(variant)
    if variant in GIANTS and takes_any_size(variant):
        options = {"num_classes": 50}  # compared in the test before
    ours, drawn = outcome(get_model, variant, **options)
    expected, expected_drawn = outcome(torchvision().models.get_model, variant, **options)
    assert torch.equal(drawn, expected_drawn)
    assert_same_networks(ours, expected)
    side = options.get("image_size")
    pictures = pictures_for(variant, training=True) if side is None else torch.rand(2, 3, side, side)
    assert_same_answers(ours, expected, pictures)
    assert_same_training(ours, expected, pictures)


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
    # torchvision asks for the weight of what has none.
    assume(not (arguments["zero_init_residual"] and arguments["norm_layer"] is nn.Identity))
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


FAMILIES = [
    *("alexnet", "convnext", "densenet", "efficientnet", "googlenet", "inception", "maxvit", "mnasnet", "mobilenetv2"),
    *("mobilenetv3", "regnet", "resnet", "shufflenetv2", "squeezenet", "swin_transformer", "vgg", "vision_transformer"),
]
PUBLIC = [
    (family, name)
    for family in FAMILIES
    for name, value in vars(import_module(f"multiweight.models.{family}")).items()
    if inspect.isclass(value) and issubclass(value, nn.Module) and value.__module__ == f"multiweight.models.{family}"
]


@pytest.mark.parametrize(("family", "name"), PUBLIC)
def test_parameters_are_torchvisions(family, name):
    """Every block that torchvision has too is constructed with the same parameters in the same order."""
    reference = import_module(f"{torchvision().__name__}.models.{family}")
    if not hasattr(reference, name):
        assert name.startswith("_") or (family, name) in OURS
        return
    ours, expected = (
        inspect.signature(getattr(module, name).__init__).parameters
        for module in (import_module(f"multiweight.models.{family}"), reference)
    )
    named = [
        [each.name for each in one.values() if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
        for one in (ours, expected)
    ]
    assert named[0] == named[1]


OURS = {("mnasnet", "InvertedResidual")}
"""Public blocks that torchvision does not have."""


def test_names_are_torchvisions():
    """All that torchvision.models has is here, and nothing that it has not."""
    reference = vars(torchvision().models)
    expected = {name for name in reference if not name.startswith("_")}
    assert {name for name in models.__all__ if not name.startswith("_")} == expected
    assert all(name in reference for name in models.__all__)
