"""Any classifier becomes an 8-bit network: what is quantized, what stays in float, and how much is lost."""

import copy
import math
import pickle
import warnings
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight import models, quantize
from multiweight.errors import InputError
from multiweight.layers.quantized import (
    Quantize,
    QuantizedConv2d,
    QuantizedLayer,
    QuantizedLinear,
    QuantizedSum,
    Requantize,
    kernels,
)
from multiweight.models._builder import without_initialisation
from multiweight.models.quantization._calibration import Histogram
from multiweight.models.quantization._graph import assemble, regions
from tests.models.support import VARIANTS

# One of each family, with the side of its pictures in pixels.
FAMILIES = {
    "alexnet": 64,
    "convnext_tiny": 64,
    "densenet121": 64,
    "efficientnet_b0": 64,
    "googlenet": 64,
    "inception_v3": 107,
    "maxvit_t": 224,
    "mnasnet0_5": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "regnet_y_400mf": 64,
    "resnet18": 64,
    "shufflenet_v2_x0_5": 64,
    "squeezenet1_1": 64,
    "swin_t": 64,
    "vgg11_bn": 32,
    "vit_b_32": 224,
}
WITH_EXPONENTIALS = {"convnext_tiny", "efficientnet_b0", "maxvit_t", "swin_t", "vit_b_32"}
"""SiLU and GELU are computed to the last bit by neither arithmetic."""


def lively(network, pictures):
    """Lets pictures matter: each batch norm knows what comes to it.

    Its bias keeps most values above 0: where many are cut off, a random network is chaotic, and its answers change
    altogether when nothing but its input is rounded.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
        nn.init.constant_(norm.bias, 1.5)
    if norms:
        with torch.no_grad():
            network.train()(pictures)
    return network.eval()


def with_a_narrow_head(network):
    """The same, without the 120 million numbers between linear layers which take most of the time."""
    into = None
    for place, layer in enumerate(network.classifier):
        if isinstance(layer, nn.Linear):
            out = 64 if layer.out_features == 4096 else layer.out_features
            network.classifier[place] = nn.Linear(into or layer.in_features, out)
            into = out
    return network


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in FAMILIES])
def made(request):
    """A network with random weights, pictures, its quantized form, and the answers of both."""
    variant, side = request.param, FAMILIES[request.param]
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GoogLeNet and Inception v3 say how long they take
        options = {"aux_logits": False} if variant in ("googlenet", "inception_v3") else {}
        network = models.get_model(variant, weights=None, **options)
    if variant in ("alexnet", "vgg11_bn"):
        network = with_a_narrow_head(network)
    if variant == "vit_b_32":  # whose last layer begins with zeros
        nn.init.normal_(network.heads.head.weight, std=0.1)
    pictures = torch.randn(2 if side == 224 else 6, 3, side, side)
    lively(network, pictures)
    quantized = quantize(network, [pictures])
    with torch.inference_mode():
        return variant, network, pictures, quantized, network(pictures), quantized(pictures)


def decibels(expected, given):
    return float(10 * torch.log10(expected.var() / (expected - given).var()))


def test_the_answers_are_nearly_the_networks(made):
    _, _, _, quantized, expected, given = made
    assert decibels(expected, given) > 15  # measured from 17 (Inception v3) to 46 (AlexNet)
    # Of what depends on the picture; measured from 12 (Inception v3) to 31 (ConvNeXt).
    assert decibels(expected - expected.mean(0), given - given.mean(0)) > 10
    assert not quantized.training
    assert given.dtype == torch.float32


def test_both_arithmetics_give_the_same_answers(made):
    variant, _, pictures, quantized, expected, given = made
    expected, fast = expected[:1], given[:1]
    plain = quantized(pictures[:1].clone().requires_grad_()).detach()
    if variant in WITH_EXPONENTIALS:
        # Measured: equal, but for MaxViT with 1/5 of what is lost to the network in float.
        assert (fast - plain).square().mean() < 0.5 * (fast - expected).square().mean()
    elif variant == "squeezenet1_1":  # ends with means of real values
        torch.testing.assert_close(fast, plain, rtol=1e-6, atol=1e-6)
    else:
        assert torch.equal(fast, plain)


def test_what_can_be_is_quantized_and_nothing_else(made):
    variant, network, _, quantized, _, _ = made
    left = {
        name: module
        for name, module in quantized.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and "Attention" not in type(module).__name__
    }
    within_attention = [name for name, module in quantized.named_modules() if "Attention" in type(module).__name__]
    assert all(any(name.startswith(f"{parent}.") for parent in within_attention) for name in left)
    assert bool(within_attention) == (variant in ("maxvit_t", "swin_t", "vit_b_32"))
    weighted = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    ours = [m for m in quantized.modules() if isinstance(m, QuantizedConv2d | QuantizedLinear)]
    assert len(ours) >= len(weighted) - len(left)
    # A batch norm is left only where real values come in, every layer norm is.
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in quantized.modules())
    assert norms == (11 if variant == "maxvit_t" else 0)
    layer_norms = [sum(isinstance(m, nn.LayerNorm) for m in each.modules()) for each in (network, quantized)]
    assert layer_norms[0] == layer_norms[1]
    kinds = {
        each.dtype for module in quantized.modules() if isinstance(module, QuantizedLayer) for each in module.buffers()
    }
    assert kinds == {torch.int8, torch.int32, torch.float32}
    for each in quantized.state_dict().values():
        assert type(each) is torch.Tensor
        assert each.layout == torch.strided
        assert each.dtype in (torch.int8, torch.int32, torch.float32, torch.int64)  # the last one counts and points


def test_the_tensors_make_the_same_network_again(made):
    _, network, pictures, quantized, _, given = made
    copied = copy.deepcopy(network)  # of which parts may be replaced
    again = assemble(copied, list(regions(copied))).eval()
    again.load_state_dict(quantized.state_dict(), assign=True)
    with torch.inference_mode():
        assert torch.equal(again(pictures), given)


def test_residual_sums_and_activations_are_computed_with_the_convolutions():
    for variant, sums in (("resnet18", 8), ("mobilenet_v2", 10), ("efficientnet_b0", 9)):
        network = models.get_model(variant, weights=None).eval()
        quantized = quantize(network, [torch.randn(1, 3, 64, 64)])
        layers = list(quantized.modules())
        assert not any(isinstance(layer, QuantizedSum) for layer in layers)
        adding = [layer for layer in layers if isinstance(layer, QuantizedConv2d) and layer.adds]
        assert len(adding) == sums
        assert all(layer.overwrites for layer in adding)
        assert sum(isinstance(layer, Quantize) for layer in layers) == 1
        assert all(layer.gated for layer in layers if isinstance(layer, Requantize))


class Made(nn.Module):
    """Some modules, and a function that says what is done with them."""

    def __init__(self, function, *parts):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x):
        return self.function(self.parts, x)


def conv(into, out, side=3, **options):
    return nn.Conv2d(into, out, side, padding=side // 2, **options)


def half_needed(parts, x):
    x = parts[0](x)
    one, other = x.chunk(2, 1)
    return parts[2](torch.cat([parts[1](x) + x, one], 1)), other


def part_comes_in(parts, x):
    x = parts[0](x)
    one, _ = x.chunk(2, 1)
    return parts[2](parts[1](one) + x)


def half_in_float(parts, x):
    one, other = parts[0](x).chunk(2, 1)
    return parts[1](one) + other.sin()


def used_twice(parts, x):
    first, module, last = parts
    return last(module(first(x)) + module(first(x).sin()))


def by_one_name(parts, x):
    return parts[2](parts[1](y := parts[0](x)) + y)


def pixel_onto_many(parts, x):
    return parts[2]((y := parts[0](x)) + parts[1](F.adaptive_avg_pool2d(y, 1)))


def many_onto_pixel(parts, x):
    return parts[2](parts[1](F.adaptive_avg_pool2d(y := parts[0](x), 1)) + y)


def gated(parts, x):
    return parts[2]((y := parts[0](x)) * parts[3](parts[1](y)))


CONSTRUCTS = {
    "a sum with what comes in": Made(by_one_name, conv(3, 64), conv(64, 64), conv(64, 4)),
    "a sum with what comes in, by channel": Made(by_one_name, conv(3, 64), conv(64, 64, groups=64), conv(64, 4)),
    "a sum with what is needed again": Made(
        lambda parts, x: parts[2](torch.cat([y := parts[0](x), parts[1](y) + y, y], 1)),
        *(conv(3, 8), conv(8, 8), conv(24, 4)),
    ),
    "a sum with what is needed again in part": Made(half_needed, conv(3, 64), conv(64, 64), conv(96, 4)),
    "a sum with what comes in in part": Made(part_comes_in, conv(3, 64), conv(32, 64), conv(64, 4)),
    "a sum of wide pictures": Made(
        lambda parts, x: parts[1](parts[0](z := x.repeat(1, 8, 1, 1)) + z), conv(24, 24), conv(24, 4)
    ),
    "a sum with itself": Made(lambda parts, x: parts[1]((y := parts[0](x)) + y), conv(3, 8), conv(8, 4)),
    "a sum turned round": Made(
        lambda parts, x: parts[2](parts[0](x).permute(0, 1, 3, 2) + parts[1](x)), conv(3, 8), conv(3, 8), conv(8, 4)
    ),
    "a sum with a factor": Made(
        lambda parts, x: parts[2](torch.add(parts[0](x), parts[1](x), alpha=3)), conv(3, 8), conv(3, 8), conv(8, 4)
    ),
    "a pixel onto many": Made(pixel_onto_many, conv(3, 8), conv(8, 8, 1), conv(8, 4)),
    "many onto a pixel": Made(many_onto_pixel, conv(3, 8), conv(8, 8, 1), conv(8, 4)),
    "a mean onto many": Made(
        lambda parts, x: parts[1]((y := parts[0](x)) + F.adaptive_avg_pool2d(y, 1)), conv(3, 8), conv(8, 4)
    ),
    "the same twice in one": Made(
        lambda parts, x: parts[1](torch.cat([y := parts[0](x), y], 1)), conv(3, 8), conv(16, 4)
    ),
    "gates of channels": Made(
        lambda parts, x: parts[2]((y := parts[0](x)) * parts[1](F.adaptive_avg_pool2d(y, 1)).sigmoid()),
        *(conv(3, 8), conv(8, 8, 1), conv(8, 4)),
    ),
    "gates of pixels": Made(gated, conv(3, 8), conv(8, 1), conv(8, 4), nn.Sigmoid()),
    "gates of all": Made(gated, conv(3, 8), conv(8, 8), conv(8, 4), nn.Sigmoid()),
    "in place": Made(by_one_name, conv(3, 8), nn.Sequential(nn.ReLU(inplace=True), conv(8, 8)), conv(8, 4)),
    "in place, by a function": Made(
        lambda parts, x: parts[2](parts[1](F.relu(y := parts[0](x), inplace=True)) + y),
        conv(3, 8),
        conv(8, 8),
        conv(8, 4),
    ),
    "half in float": Made(half_in_float, conv(3, 16), conv(8, 8)),
    "a pool in two places": Made(used_twice, conv(3, 8), nn.MaxPool2d(3, 1, 1), conv(8, 4)),
    "a layer in two places": Made(lambda parts, x: parts[1](parts[0](parts[0](x))), conv(3, 3), conv(3, 4)),
    "flattened by a module": nn.Sequential(conv(3, 8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 144, 10)),
    "flattened by view": Made(
        lambda parts, x: parts[1](parts[0](x).view(x.size(0), -1)), conv(3, 8), nn.Linear(1152, 10)
    ),
    "norms that know nothing": nn.Sequential(conv(3, 8), nn.BatchNorm2d(8, track_running_stats=False), conv(8, 4)),
    "norms without weights": nn.Sequential(conv(3, 8), nn.BatchNorm2d(8, affine=False), nn.ReLU(), conv(8, 4)),
    "norms alone": nn.Sequential(conv(3, 8), nn.ReLU(), nn.BatchNorm2d(8), nn.ReLU(), conv(8, 4)),
    "indices": Made(
        lambda parts, x: parts[1](F.max_pool2d(parts[0](x), 2, return_indices=True)[0]), conv(3, 8), conv(8, 4)
    ),
    "tiny pictures": nn.Sequential(
        *(layer for _ in range(6) for layer in (conv(3, 3), nn.MaxPool2d(2, 2, ceil_mode=True)))
    ),
    "padding by name": nn.Sequential(nn.Conv2d(3, 8, 3, padding="same"), conv(8, 4)),
    "padding and nothing else": nn.Sequential(nn.Conv2d(3, 8, 2, padding=3), nn.Conv2d(8, 8, 1, padding=2, groups=8)),
    "two answers by name": Made(
        lambda parts, x: {"first": (y := parts[0](x)), "second": parts[1](y)}, conv(3, 8), conv(8, 4)
    ),
    "tokens": Made(lambda parts, x: parts[1](F.relu(parts[0](x.flatten(2)))), nn.Linear(144, 32), nn.Linear(32, 8)),
}


def leaves(answer):
    if isinstance(answer, torch.Tensor):
        return answer.flatten()
    return torch.cat([leaves(each) for each in (answer.values() if isinstance(answer, dict) else answer)])


def assert_quantized_right(network, x, least=20):
    """Both arithmetics agree, twice, and with the network in float."""
    with torch.no_grad():
        expected = leaves(network(x)).clone()
    quantized = quantize(network, [x])
    with torch.no_grad():
        first, second = leaves(quantized(x)), leaves(quantized(x))
    assert torch.equal(first, second)
    assert torch.equal(first, leaves(quantized(x.clone().requires_grad_())).detach())
    assert decibels(expected, first) > least


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_what_networks_are_made_of_is_quantized_right(name):
    torch.manual_seed(0)
    network = CONSTRUCTS[name].eval()
    assert_quantized_right(network, torch.randn(4, 3, 12, 12))


class Drawn(nn.Module):
    """A network that is drawn, step by step: each takes what some earlier ones gave."""

    WIDTH = 8
    PARTS = {  # noqa: RUF012
        "conv": lambda width: conv(width, width),
        "pixelwise": lambda width: conv(width, width, 1),
        "by_channel": lambda width: conv(width, width, groups=width),
        "narrow": lambda width: conv(2 * width, width, 1),
        "norm": nn.BatchNorm2d,
        "relu": lambda _: nn.ReLU(),
        "relu_": lambda _: nn.ReLU(inplace=True),
        "relu6": lambda _: nn.ReLU6(),
        "hardswish": lambda _: nn.Hardswish(),
        "gate": lambda _: nn.Sigmoid(),
        "max": lambda _: nn.MaxPool2d(3, 1, 1),
        "mean": lambda _: nn.AvgPool2d(3, 1, 1),
        "pool": lambda _: nn.AdaptiveAvgPool2d(1),
    }
    STEPS = {  # noqa: RUF012
        **{name: lambda part, x, y, name=name: part(name)(x) for name in ("conv", "pixelwise", "by_channel", "norm")},
        **{name: lambda part, x, y, name=name: part(name)(x) for name in ("relu", "relu6", "hardswish", "max", "mean")},
        "conv and norm": lambda part, x, y: part("norm")(part("conv")(x)),
        "conv and hardswish": lambda part, x, y: part("hardswish")(part("conv")(x)),
        "conv, changed in place": lambda part, x, y: changed(part("conv")(x), part("relu_")),
        "sum": lambda part, x, y: x + y,
        "sum with a conv": lambda part, x, y: part("conv")(x) + y,
        "cat": lambda part, x, y: part("narrow")(torch.cat([x, y], 1)),
        "gates of channels": lambda part, x, y: x * part("gate")(part("pixelwise")(part("pool")(y))),
        "gates of all": lambda part, x, y: part("gate")(y) * x,
        "pixel onto many": lambda part, x, y: x + part("pixelwise")(part("pool")(y)),
        "halves": lambda part, x, y: torch.cat([*reversed(halves(x))], 1),
        "half and part": lambda part, x, y: torch.cat([halves(x)[1], y[:, :4]], 1),
        "in float": lambda part, x, y: torch.tanh(x),
        "turned": lambda part, x, y: x.permute(0, 1, 3, 2),
        "in float, with a sum": lambda part, x, y: x * 0.5 + y,
        "function": lambda part, x, y: F.relu(x),
    }

    def __init__(self, steps, shared):
        super().__init__()
        self.steps, self.shared = steps, shared
        self.parts = nn.ModuleDict({"first": conv(3, self.WIDTH), "last": nn.Linear(self.WIDTH * 64, 10)})

    def part(self, number, name):
        """The part of a step; those without weights are one for all steps, if they are shared."""
        weightless = name in ("relu", "hardswish", "max", "mean", "pool", "gate")
        key = name if self.shared and weightless else f"{name}_{number}"
        if key not in self.parts:
            self.parts[key] = self.PARTS[name](self.WIDTH)
        return self.parts[key]

    def forward(self, x):
        values = [self.parts["first"](x)]
        for number, (step, *places) in enumerate(self.steps):
            taken = [values[place % len(values)] for place in places]
            values.append(self.STEPS[step](lambda name, number=number: self.part(number, name), *taken))
        return self.parts["last"](values[-1].flatten(1))


def changed(x, in_place):
    in_place(x)
    return x


def halves(x):
    one, other = x.chunk(2, 1)
    return one, other


steps = st.tuples(st.sampled_from(sorted(Drawn.STEPS)), st.integers(0, 7), st.integers(0, 7))


@given(st.lists(steps, min_size=1, max_size=8), st.booleans(), st.integers(0, 2**16))
@settings(deadline=None, max_examples=60)
def test_any_network_of_these_parts_is_quantized_right(steps, shared, seed):
    torch.manual_seed(seed)
    network, x = Drawn(steps, shared), torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        network(x)  # which makes its parts
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    assert_quantized_right(network.eval(), x)


@pytest.mark.parametrize("stepwise", [False, True])
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_scale_for_a_whole_weight_and_rounding_at_every_step_lose_more(stepwise, per_channel):
    torch.manual_seed(0)
    network, x = models.resnet18(weights=None), torch.randn(8, 3, 64, 64)
    with torch.no_grad():
        network(x)
    network.eval()
    quantized = quantize(network, [(x, None)], per_channel=per_channel, stepwise=stepwise)
    scale = quantized.get_submodule("layer1.0.conv1").weight_scale
    assert (len(scale.unique()) > 1) == per_channel
    best = quantize(network, [x])
    with torch.inference_mode():
        lost = [(form(x) - network(x)).square().mean() for form in (best, quantized)]
    assert lost[0] <= lost[1] * 1.5


@pytest.mark.parametrize("variant", ["resnet18", "vit_b_32"])  # all of one is quantized, parts of the other
def test_the_network_and_the_random_state_are_left_alone(variant):
    side = FAMILIES[variant]
    network = models.get_model(variant, weights=None)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    modules, pictures = list(network.modules()), torch.rand(1, 3, side, side)
    with torch.no_grad():
        answer = copy.deepcopy(network).eval()(pictures)
    state = torch.get_rng_state()
    quantize(network, [pictures])
    assert torch.equal(torch.get_rng_state(), state)
    assert network.training
    assert all(one is other for one, other in zip(network.modules(), modules, strict=True))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in modules)
    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    with torch.no_grad():
        assert torch.equal(network.eval()(pictures), answer)


def test_what_cannot_be_quantized_is_refused():
    network = models.resnet18(weights=None).eval()
    with pytest.raises(InputError, match="got none"):
        quantize(network, [])
    with pytest.raises(InputError, match="not finite"):
        quantize(network, [torch.full((1, 3, 64, 64), math.nan)])
    with pytest.raises(InputError, match="no convolution and no linear layer"):
        quantize(nn.Sequential(nn.ReLU(), nn.LayerNorm(3)), [torch.zeros(1, 3)])
    for size in (0, 1):
        constant = quantize(network, [torch.zeros(1 + size, 3, 32, 32)])
        assert constant(torch.zeros(1, 3, 32, 32)).isfinite().all()


def test_every_other_variant_is_converted():
    """Without numbers: in one that is made without tensors, every layer finds its place."""
    for variant in set(VARIANTS) - set(FAMILIES):
        with torch.device("meta"), without_initialisation():
            network = models.get_model(variant, weights=None).eval()
        count = sum(isinstance(module, nn.Conv2d | nn.Linear) for module in network.modules())
        layers = [layer for part in regions(network) for layer in part.quantized.modules()]
        attention = "swin" in variant or "vit" in variant
        assert sum(isinstance(layer, QuantizedConv2d | QuantizedLinear) for layer in layers) >= count * (
            0.35 if attention else 0.9
        ), variant


values = st.lists(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=40).map(torch.tensor), min_size=1, max_size=6
)


@given(values)
@settings(deadline=None, max_examples=150)
def test_a_histogram_loses_no_value_and_its_range_is_no_worse_than_the_widest(batches):
    histogram = Histogram()
    for batch in batches:
        histogram.add(batch)
    everything = torch.cat(batches).double()
    if everything.abs().max() < 1e-31:
        assert histogram.numbers() == (1.0, 0)
        return
    # Zeros before the first batch that has something else are not counted, as they need no bin.
    first = next(place for place, batch in enumerate(batches) if batch.any())
    assert int(histogram._counts.sum()) == sum(map(len, batches[first:]))
    assert (histogram.least, histogram.most) == (everything.min(), everything.max())
    scale, zero = histogram.numbers()
    assert scale > 0
    assert 0 <= zero <= 255
    low, high = min(float(everything.min()), 0.0), max(float(everything.max()), 0.0)
    widest = (high - low) / 255

    def lost(scale, zero):
        kept = ((everything / scale).round() + zero).clamp(0, 255) - zero
        return float((kept * scale - everything).square().mean().sqrt())

    # Values are known to half a bin, of which there are 1,024 at least, in each of the two losses that are compared.
    assert lost(scale, zero) <= lost(widest, round(-low / widest)) + 2 * (high - low) / 2000


@given(values, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_the_order_of_batches_hardly_matters(batches, random):
    forth, back = Histogram(), Histogram()
    for batch in batches:
        forth.add(batch)
    random.shuffle(batches)
    for batch in batches:
        back.add(batch)
    assume(forth.most > 0 or forth.least < 0)
    assert (forth.least, forth.most) == (back.least, back.most)
    # Where bins end is known to a rounding of float32.
    assert forth.numbers()[0] == pytest.approx(back.numbers()[0], rel=0.05)


@pytest.mark.parametrize("value", [1.0, -1.0, 1e-6, -3e4, 0.37])
def test_a_constant_is_kept(value):
    histogram = Histogram()
    histogram.add(torch.full((1000,), value))
    histogram.add(torch.empty(0))
    scale, zero = histogram.numbers()
    number = min(255, max(0, round(value / scale) + zero))
    assert (number - zero) * scale == pytest.approx(value, rel=1 / 200)
    assert zero == (0 if value > 0 else 255)


def test_nothing_and_zeros_have_a_scale():
    histogram = Histogram()
    assert histogram.numbers() == (1.0, 0)
    histogram.add(torch.empty(0))
    histogram.add(torch.zeros(5))
    assert histogram.numbers() == (1.0, 0)
    with pytest.raises(InputError, match="not finite"):
        histogram.add(torch.tensor([1.0, math.inf]))


def test_a_histogram_cuts_off_what_is_rare():
    histogram, generator = Histogram(), torch.Generator().manual_seed(0)
    for _ in range(3):
        histogram.add(torch.randn(1_000_000, generator=generator))
    histogram.add(torch.tensor([60.0]))
    scale, zero = histogram.numbers()
    assert -6 < -zero * scale < -3
    assert scale * (255 - zero) < 40
    histogram.add(torch.empty(0))
    assert histogram.numbers() == (scale, zero)


@pytest.mark.skipif(not kernels.available(), reason="this processor has no VNNI")
def test_one_network_serves_pictures_of_any_size_and_number():
    torch.manual_seed(0)
    quantized = quantize(models.mobilenet_v2(weights=None).eval(), [torch.randn(2, 3, 64, 64)])
    for batch, side in ((1, 64), (5, 64), (1, 96), (1, 64), (2, 33)):
        x = torch.randn(batch, 3, side, side)
        assert torch.equal(quantized(x), quantized(x.clone().requires_grad_()).detach())


def test_the_network_is_copied_pickled_and_watched_as_any_other():
    torch.manual_seed(0)
    x = torch.randn(1, 3, 64, 64)
    quantized = quantize(models.shufflenet_v2_x0_5(weights=None).eval(), [x])
    expected = quantized(x)
    for again in (copy.deepcopy(quantized), pickle.loads(pickle.dumps(quantized))):
        assert torch.equal(again(x), expected)
        again.fc.bias.add_(1)
        again.fc.forget()
        torch.testing.assert_close(again(x), expected + 1)
    assert torch.equal(quantized(x), expected)
    seen = []
    hook = quantized.get_submodule("conv1.0").register_forward_hook(lambda module, inputs, output: seen.append(output))
    quantized(x)
    hook.remove()
    assert len(seen) == 1
    assert repr(quantized).startswith("QuantizedShuffleNetV2(")
    assert torch.equal(quantized(x=x), expected)
    with pytest.raises(TypeError, match="takes 1 inputs; got 2"):
        quantized(x, x)
    quantized.fc = nn.Linear(1024, 3)
    assert quantized.get_submodule("fc").out_features == 3


def lively_network(variant):
    return lively(models.get_model(variant, weights=None), torch.randn(2, 3, 32, 32))


EXPORTED = {
    **{variant: partial(lively_network, variant) for variant in ("resnet18", "mobilenet_v2", "swin_t")},
    **{name: CONSTRUCTS[name].eval for name in ("gates of channels", "a pixel onto many")},
}


# Last, as exporting imports so much that all after it is slower.
@pytest.mark.parametrize("name", EXPORTED)
def test_the_network_can_be_exported_for_any_number_of_pictures(name):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 32, 32)
    quantized = quantize(EXPORTED[name](), [x])
    # The others take longer to export so.
    shapes = None if name in ("mobilenet_v2", "swin_t") else ({0: torch.export.Dim("pictures")},)
    program = torch.export.export(quantized, (x,), dynamic_shapes=shapes, strict=False)
    assert not [node for node in program.graph.nodes if "onednn" in str(node.target)]
    runs = program.module()
    for count in (2, 3)[: 2 if shapes else 1]:
        some = torch.randn(count, 3, 32, 32)
        assert torch.equal(runs(some), quantized(some.clone().requires_grad_()).detach())
        assert name == "swin_t" or torch.equal(runs(some), quantized(some))
