"""Any classifier becomes an 8-bit network: what is quantized, what stays in float, and how much is lost."""

import copy
import math
import pickle
import warnings

import pytest
import torch
from hypothesis import given, settings
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


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in FAMILIES])
def made(request):
    """A network with random weights, pictures, and its quantized form."""
    variant, side = request.param, FAMILIES[request.param]
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GoogLeNet and Inception v3 say how long they take
        options = {"aux_logits": False} if variant in ("googlenet", "inception_v3") else {}
        network = models.get_model(variant, weights=None, **options)
    pictures = torch.randn(4, 3, side, side)
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        with torch.no_grad():  # batch norms that have seen something
            network.train()(pictures)
    if variant == "vit_b_32":  # whose last layer begins with zeros
        nn.init.normal_(network.heads.head.weight, std=0.1)
    network.eval()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    quantized = quantize(network, [pictures])
    assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())
    return variant, network, pictures, quantized


def test_the_answers_are_nearly_the_networks(made):
    _, network, pictures, quantized = made
    with torch.inference_mode():
        expected, given = network(pictures), quantized(pictures)
    # In decibels; measured from 22 (ResNet) to 48 (GoogLeNet).
    assert 10 * torch.log10(expected.var() / (expected - given).var()) > 15
    assert not quantized.training
    assert given.dtype == torch.float32


def test_both_arithmetics_give_the_same_answers(made):
    variant, _, pictures, quantized = made
    with torch.inference_mode():
        fast = quantized(pictures[:1])
    plain = quantized(pictures[:1].clone().requires_grad_()).detach()
    if variant in WITH_EXPONENTIALS:
        assert (fast - plain).abs().max() < 0.1 * fast.std()
    elif variant == "squeezenet1_1":  # ends with means of real values
        torch.testing.assert_close(fast, plain, rtol=1e-6, atol=1e-6)
    else:
        assert torch.equal(fast, plain)


def test_what_can_be_is_quantized_and_nothing_else(made):
    variant, network, _, quantized = made
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
    # A batch norm is left only where real values come in.
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in quantized.modules())
    assert norms == (11 if variant == "maxvit_t" else 0)
    kinds = {
        each.dtype for module in quantized.modules() if isinstance(module, QuantizedLayer) for each in module.buffers()
    }
    assert kinds == {torch.int8, torch.int32, torch.float32}
    assert not any(each.is_quantized for each in quantized.state_dict().values())


def test_the_tensors_make_the_same_network_again(made):
    variant, network, pictures, quantized = made
    if variant in ("maxvit_t", "vit_b_32"):
        pictures = pictures[:1]
    copied = copy.deepcopy(network)  # of which parts may be replaced
    again = assemble(copied, list(regions(copied))).eval()
    again.load_state_dict(quantized.state_dict(), assign=True)
    with torch.inference_mode():
        assert torch.equal(again(pictures), quantized(pictures))


@pytest.mark.parametrize("variant", ["resnet18", "mobilenet_v2", "swin_t"])
def test_the_network_can_be_exported_and_compiled(variant):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 64, 64)
    quantized = quantize(models.get_model(variant, weights=None).eval(), [x])
    expected = quantized(x.clone().requires_grad_()).detach()
    program = torch.export.export(quantized, (x,), strict=False)
    assert torch.equal(program.module()(x), expected)
    assert not [node for node in program.graph.nodes if "onednn" in str(node.target)]


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


class _Reused(nn.Module):
    """A sum whose second operand is needed again afterwards."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))

    def forward(self, x):
        x = self.first(x)
        y = self.second(x) + x
        return self.third(torch.cat([y, x, x - y][:2], 1)[:, :3])


def test_what_is_needed_again_is_not_overwritten():
    torch.manual_seed(0)
    network, x = _Reused().eval(), torch.randn(2, 3, 9, 9)
    quantized = quantize(network, [x])
    adding = [layer for layer in quantized.modules() if isinstance(layer, QuantizedConv2d) and layer.adds]
    assert [layer.overwrites for layer in adding] == [False]
    assert torch.equal(quantized(x), quantized(x.clone().requires_grad_()).detach())


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


def test_a_trained_mode_and_the_random_state_are_left_alone():
    network = models.resnet18(weights=None)
    state = torch.get_rng_state()
    quantize(network, [torch.zeros(1, 3, 64, 64) + 0.5])
    assert network.training
    assert torch.equal(torch.get_rng_state(), state)


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


def test_every_variant_is_converted():
    """Without numbers: on one that is made without tensors, every layer finds its place."""
    for variant in VARIANTS:
        with torch.device("meta"):
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
    # Values before the first one that is not 0 are not counted, as they need no bin.
    assert int(histogram._counts.sum()) <= len(everything)
    assert int(histogram._counts.sum()) >= int((everything != 0).sum())
    scale, zero = histogram.numbers()
    assert scale > 0
    assert 0 <= zero <= 255
    low, high = min(float(everything.min()), 0.0), max(float(everything.max()), 0.0)
    widest = (high - low) / 255

    def lost(scale, zero):
        kept = ((everything / scale).round() + zero).clamp(0, 255) - zero
        return float((kept * scale - everything).square().sum())

    # Counts are known to half a bin, of which there are 1,024 at least.
    slack = len(everything) * ((high - low) / 1000) ** 2
    assert lost(scale, zero) <= lost(widest, round(-low / widest)) + slack


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
    with pytest.raises(TypeError, match="takes 1 inputs; got 2"):
        quantized(x, x)
    quantized.fc = nn.Linear(1024, 3)
    assert quantized.get_submodule("fc").out_features == 3
