"""Quantized layers: oneDNN's kernels and plain arithmetic give the same whole numbers, and these are the right ones."""

import copy
import itertools
import math
import pickle
import subprocess
import sys
import threading
import warnings
import weakref

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.layers.quantized import (
    Dequantize,
    Quantize,
    QuantizedAvgPool2d,
    QuantizedConv2d,
    QuantizedFunction,
    QuantizedLinear,
    QuantizedMaxPool2d,
    QuantizedReLU,
    QuantizedSum,
    Requantize,
    kernels,
)
from multiweight.layers.quantized.arithmetic import activate, conv2d_sums, linear_sums

with_kernels = pytest.mark.skipif(not kernels.available(), reason="this processor has no VNNI")

EXACT = ("none", "relu", "relu6", "hardswish")
"""The activations that are computed to the last bit in both ways."""


def whole(generator, *shape, low=0, high=256):
    """Bytes in channels-last order, as kernels take them."""
    numbers = torch.randint(low, high, shape, generator=generator, dtype=torch.int64).to(torch.uint8)
    return numbers.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else numbers


ORDERS = ("channels last", "channels first", "part of more channels", "part of a larger picture")
"""How bytes may lie in memory."""


def ordered(x, order):
    """The same bytes, in another order."""
    if order == "channels first":
        return x.clone(memory_format=torch.contiguous_format)
    if order == "part of more channels":
        return torch.cat([x, x], 1).contiguous(memory_format=torch.channels_last)[:, : x.shape[1]]
    if order == "part of a larger picture":
        return F.pad(x, (1, 1, 1, 1)).contiguous(memory_format=torch.channels_last)[:, :, 1:-1, 1:-1]
    return x


def random_weights(layer, generator, *, saturating=False):
    """Gives a layer weights whose results are spread over the numbers, or beyond them."""
    terms = layer.weight[0].numel()
    layer.weight.copy_(torch.randint(-128, 128, layer.weight.shape, generator=generator))
    spread = (10 if saturating else 1) / (terms**0.5 * 70)
    layer.weight_scale = (torch.rand(len(layer.weight), generator=generator) + 0.5) * spread
    layer.bias = torch.randn(len(layer.weight), generator=generator)
    return layer


def set_random_numbers(layer, generator, zero_points):
    """Gives every scale a value, and every zero point one, or 0."""
    for name, _ in list(layer.named_buffers()):
        if name.endswith("zero_point"):
            pair = name.removesuffix("zero_point")
            zero = int(torch.randint(0, 256, (), generator=generator)) if zero_points else 0
            scale = torch.rand((), generator=generator) * (0.08 if pair == "" else 0.03) + 0.005
            layer.set_numbers(pair, scale, zero)


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


channels = st.one_of(
    st.tuples(st.integers(1, 48), st.integers(1, 48), st.just(1)),
    st.builds(lambda groups, into, out: (groups * into, groups * out, groups), *[st.integers(1, 8)] * 3),
    st.integers(1, 48).map(lambda count: (count, count, count)),
)
"""How many come in, how many come out, and in how many groups; in the last line each is a group."""

convolutions = st.fixed_dictionaries(
    {
        "shape": channels,
        "kernel": pairs(1, 5),
        "stride": pairs(1, 3),
        "padding": pairs(0, 5),
        "dilation": pairs(1, 2),
        "activation": st.sampled_from(EXACT),
        "dequantized": st.booleans(),
        "zero_points": st.booleans(),
        "saturating": st.booleans(),
        "size": pairs(9, 20),
        "batch": st.integers(1, 3),
        "seed": st.integers(0, 2**16),
    }
)


def convolution(drawn, adds=False):
    into, out, groups = drawn["shape"]
    generator = torch.Generator().manual_seed(drawn["seed"])
    settings = drawn["kernel"], drawn["stride"], drawn["padding"], drawn["dilation"], groups
    activation = "relu" if adds and drawn["activation"] != "none" else drawn["activation"]
    told = {"activation": activation, "dequantized": drawn["dequantized"] and not adds, "adds": adds}
    layer = random_weights(QuantizedConv2d(into, out, *settings, **told), generator, saturating=drawn["saturating"])
    set_random_numbers(layer, generator, drawn["zero_points"])
    return layer, whole(generator, drawn["batch"], into, *drawn["size"]), generator


@with_kernels
@given(convolutions)
@settings(deadline=None, max_examples=120)
def test_convolutions_give_the_same_numbers_in_both_ways(drawn):
    layer, x, _ = convolution(drawn)
    fast, plain = layer(x), layer(x.float())
    assert fast.dtype == (torch.float32 if layer.dequantized else torch.uint8)
    assert torch.equal(fast.float(), plain)


@with_kernels
@given(convolutions, st.booleans(), st.sampled_from(ORDERS), st.sampled_from(ORDERS))
@settings(deadline=None, max_examples=100)
def test_a_sum_with_something_else_does_too_in_any_order_of_memory(drawn, overwrites, of_x, of_addend):
    layer, x, generator = convolution(drawn, adds=True)
    layer.overwrites = overwrites
    addend = ordered(whole(generator, *layer(x.float(), torch.zeros(1)).shape), of_addend)
    before = addend.clone()
    plain = layer(x.float(), addend.float())
    fast = layer(ordered(x, of_x), addend)
    assert torch.equal(fast.float(), plain)
    assert torch.equal(addend, before) or overwrites


@with_kernels
@given(convolutions, st.lists(st.booleans(), min_size=4, max_size=4))
@settings(deadline=None, max_examples=40)
def test_a_sum_of_one_number_with_many_does_too(drawn, single):
    layer, x, generator = convolution(drawn, adds=True)
    shape = layer(x.float(), torch.zeros(1)).shape
    addend = whole(generator, *[1 if one else size for one, size in zip(single, shape, strict=True)])
    assert torch.equal(layer(x, addend).float(), layer(x.float(), addend.float()))
    # And the other way round: what comes in is one pixel.
    pooled, many = QuantizedConv2d(8, 8, (1, 1), adds=True, overwrites=True), whole(generator, 2, 8, 5, 4)
    random_weights(pooled, generator)
    set_random_numbers(pooled, generator, zero_points=True)
    pixel = whole(generator, 2, 8, 1, 1)
    fast = pooled(pixel, many)
    assert fast.shape == many.shape
    assert torch.equal(fast.float(), pooled(pixel.float(), many.float()))


@with_kernels
@pytest.mark.parametrize(
    "layer",
    [
        QuantizedConv2d(64, 128, (1, 1), activation="silu"),
        QuantizedLinear(64, 512, activation="silu"),
        QuantizedLinear(64, 512, activation="gelu"),
        Requantize("silu"),
    ],
    ids=str,
)
def test_activations_with_an_exponential_differ_by_one_number_at_most_and_rarely(layer):
    generator = torch.Generator().manual_seed(3)
    x = whole(generator, 400, 64) if isinstance(layer, QuantizedLinear) else whole(generator, 4, 64, 20, 20)
    for _ in range(4):
        if hasattr(layer, "weight"):
            random_weights(layer, generator)
        set_random_numbers(layer, generator, zero_points=True)
        apart = (layer(x).float() - layer(x.float())).abs()
        assert apart.max() <= 1
        assert apart.mean() < 1e-4


@with_kernels
@given(
    st.sampled_from([(1,), (7,), (2, 5), (2, 3, 4)]),
    st.sampled_from([(16, 10), (64, 33), (300, 8)]),
    st.sampled_from(EXACT),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=80)
def test_linear_layers_give_the_same_numbers_in_both_ways(batch, features, activation, dequantized, zero_points, seed):
    generator = torch.Generator().manual_seed(seed)
    layer = random_weights(QuantizedLinear(*features, activation=activation, dequantized=dequantized), generator)
    set_random_numbers(layer, generator, zero_points)
    x = torch.randint(0, 256, (*batch, features[0]), generator=generator).to(torch.uint8)
    assert torch.equal(layer(x).float(), layer(x.float()))


@with_kernels
@given(
    st.sampled_from([None, (3, 24, 1, 1), (1, 24, 1, 1), (3, 1, 1, 1), (3, 1, 7, 5), (3, 24, 7, 5)]),
    st.sampled_from(EXACT),
    st.sampled_from(ORDERS),
    st.integers(0, 3),
    st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=120)
def test_other_scales_and_gates_give_the_same_numbers_in_both_ways(gates, activation, order, batch, seed):
    generator = torch.Generator().manual_seed(seed)
    layer = Requantize(activation, gated=gates is not None)
    set_random_numbers(layer, generator, zero_points=True)
    x = ordered(whole(generator, batch, 24, 7, 5), order)
    if gates:
        gate = torch.rand(gates, generator=generator)[:batch]
        gated = layer(x, gate)
        assert gated.shape == x.shape
        assert torch.equal(gated.float(), layer(x.float(), gate))
    else:
        assert torch.equal(layer(x).float(), layer(x.float()))
        flat = x.flatten(1).contiguous()
        assert torch.equal(layer(flat).float(), layer(flat.float()))


@given(
    st.sampled_from(["none", "relu"]),
    st.sampled_from([(1, 24, 7, 5), (2, 700, 31, 29), (3, 50), (7,)]),
    st.tuples(st.sampled_from(ORDERS), st.sampled_from(ORDERS)),
    st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=60)
def test_sums_are_those_of_torchs_engine(activation, shape, orders, seed):
    generator = torch.Generator().manual_seed(seed)
    layer = QuantizedSum(activation)
    set_random_numbers(layer, generator, zero_points=seed % 3 > 0)
    x, y = (
        ordered(each, order) if len(shape) == 4 else each
        for each, order in ((whole(generator, *shape), order) for order in orders)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's quantized dtypes are deprecated
        theirs = getattr(torch.ops.quantized, "add_relu" if activation == "relu" else "add")
        pairs = [
            torch._make_per_tensor_quantized_tensor(
                each.contiguous(), layer.numbers[f"{pair}scale"], layer.numbers[f"{pair}zero_point"]
            )
            for pair, each in (("input_", x), ("addend_", y))
        ]
        expected = theirs(*pairs, layer.numbers["scale"], layer.numbers["zero_point"]).int_repr()
    assert torch.equal(layer(x.float(), y.float()), expected.float())
    assert torch.equal(layer(x, y), expected)


@given(
    pairs(1, 5),
    pairs(1, 6),
    pairs(0, 2),
    pairs(1, 3),
    st.booleans(),
    pairs(1, 14),
    st.sampled_from(ORDERS),
)
@settings(deadline=None, max_examples=300)
def test_the_largest_in_a_window_is_torchs(kernel, stride, padding, dilation, ceil_mode, size, order):
    padding = tuple(min(around, side // 2) for around, side in zip(padding, kernel, strict=True))
    told = kernel, stride, padding, dilation, ceil_mode
    assume(
        all(1 + gap * (k - 1) <= side + 2 * p for k, p, gap, side in zip(kernel, padding, dilation, size, strict=True))
    )
    x = whole(torch.Generator().manual_seed(0), 2, 3, *size)
    expected = F.max_pool2d(x.float(), *told)
    assume(expected.isfinite().all())  # between dilated places there may be nothing but the picture
    assert torch.equal(QuantizedMaxPool2d(*told)(ordered(x, order)).float(), expected)
    assert torch.equal(QuantizedMaxPool2d(*told)(x.float()), expected)


@pytest.mark.parametrize(
    "pool",
    [
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveAvgPool2d((2, 3)),
        nn.AvgPool2d(3, 1, 1),
        nn.AvgPool2d((3, 2), 2, 1, ceil_mode=True, count_include_pad=False),
    ],
    ids=repr,
)
@pytest.mark.parametrize("gives", ["own", "same", "real"])
def test_means_are_of_the_real_values(pool, gives):
    layer = QuantizedAvgPool2d(pool, gives)
    layer.set_numbers("input_", 0.03, 41)
    if gives == "own":
        layer.set_numbers("", 0.02, 60)
    x = whole(torch.Generator().manual_seed(0), 2, 8, 7, 9)
    fast = layer(x)
    assert torch.equal(fast.float(), layer(x.float()))
    scale, zero = {"own": (0.02, 60), "same": (0.03, 41), "real": (1.0, 0)}[gives]
    real = pool((x.double() - 41) * 0.03)
    expected = real if gives == "real" else (real / scale + zero).clamp(0, 255)
    assert (fast - expected).abs().max() <= (1e-6 if gives == "real" else 0.5001)


def test_a_relu_alone_and_a_function_work_on_numbers():
    x = whole(torch.Generator().manual_seed(0), 2, 8, 3, 3)
    relu = QuantizedReLU()
    relu.set_numbers("input_", 0.1, 100)
    assert torch.equal(relu(x), x.clamp(min=100))
    assert torch.equal(relu(x.float()), x.float().clamp(min=100))
    function = QuantizedFunction(nn.Hardsigmoid())
    function.set_numbers("input_", 0.05, 100)
    function.set_numbers("", 1 / 256, 0)
    expected = (F.hardsigmoid((x.double() - 100) * 0.05) * 256).round().clamp(0, 255)
    assert torch.equal(function(x).double(), expected)
    assert torch.equal(function(x.float()).double(), expected)


@pytest.mark.parametrize("shape", [(2, 3, 9, 8), (2, 16, 5, 4), (3, 50), (7,)], ids=str)
def test_real_values_become_what_torch_makes_of_them(shape):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator) * 4
    x.view(-1)[:7] = torch.tensor([1e9, -1e9, 0.0, 0.05, -3e38, math.inf, -math.inf])
    quantize, dequantize = Quantize(), Dequantize()
    for scale, zero in ((0.0237, 113), (0.1, 0), (0.02, 255)):
        quantize.set_numbers("", scale, zero)
        dequantize.set_numbers("input_", scale, zero)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's quantized dtypes are deprecated
            theirs = torch.quantize_per_tensor(x, quantize.scale.item(), zero, torch.quint8)
            expected, real = theirs.int_repr(), theirs.dequantize()
        ours, plain = quantize(x), quantize(x.clone().requires_grad_())
        assert torch.equal(ours.float(), expected.float())
        assert torch.equal(plain.detach(), expected.float())
        assert torch.equal(dequantize(ours), real)


def test_values_half_way_go_to_the_even_number():
    quantize = Quantize()
    quantize.set_numbers("", 1.0, 0)
    x = torch.tensor([0.5, 1.5, 2.5, 254.5, 255.5, -0.5])
    for form in (x, x.clone().requires_grad_()):
        assert quantize(form).tolist() == [0, 2, 2, 254, 255, 0]


@pytest.mark.parametrize("terms", [9, 514, 515, 4608, 8224, 8225, 25088])
@pytest.mark.parametrize("sign", [-1, 1, 0])
def test_sums_are_exact_however_large(terms, sign):
    generator = torch.Generator().manual_seed(terms)
    x = torch.full((1, terms), 255) if sign else torch.randint(-255, 256, (1, terms), generator=generator)
    extreme = torch.full((2, terms), -128 if sign < 0 else 127)
    weight = extreme if sign else torch.randint(-128, 128, (2, terms), generator=generator)
    exact = (x.long() @ weight.long().T).float()
    assert torch.equal(linear_sums(x.float(), weight.to(torch.int8)), exact)
    picture, kernel = x.float().view(1, terms, 1, 1), weight.to(torch.int8).view(2, terms, 1, 1)
    assert torch.equal(conv2d_sums(picture, kernel, [1, 1], [0, 0], [1, 1], 1).flatten(1), exact)
    if terms % 9 == 0:  # the same terms as a larger window, in the order channel, row, column
        picture, kernel = picture.view(1, terms // 9, 3, 3), kernel.view(2, terms // 9, 3, 3)
        assert torch.equal(conv2d_sums(picture, kernel, [1, 1], [0, 0], [1, 1], 1).flatten(1), exact)
    for zero in (0, 200):
        conv = QuantizedConv2d(kernel.shape[1], 2, tuple(kernel.shape[2:]), dequantized=True)
        linear = QuantizedLinear(terms, 2, dequantized=True)
        numbers = x.clamp(min=0).to(torch.uint8)
        exact = ((numbers.long() - zero) @ weight.long().T).float()
        for layer in (conv, linear):
            layer.weight = weight.to(torch.int8).view(layer.weight.shape)
            layer.weight_scale, layer.bias = torch.ones(2), torch.zeros(2)
            layer.set_numbers("input_", 1.0, zero)
            given = numbers.view(picture.shape) if layer is conv else numbers
            assert torch.equal(layer(given.float()).flatten(1), exact)
            assert not kernels.available() or torch.equal(layer(given).flatten(1), exact)


def test_gradients_pass_through_roundings_and_stop_where_numbers_are_cut_off():
    generator = torch.Generator().manual_seed(0)
    conv = nn.Conv2d(4, 6, 3, padding=1)
    quantize, layer = Quantize(), QuantizedConv2d(4, 6, (3, 3), padding=(1, 1), activation="relu")
    quantize.set_numbers("", 0.02, 128)
    layer.set_numbers("input_", 0.02, 128)
    layer.set_numbers("", 0.02, 0)
    largest = conv.weight.detach().abs().amax((1, 2, 3))
    layer.weight_scale = largest / 127
    layer.weight = (conv.weight.detach() / layer.weight_scale.view(-1, 1, 1, 1)).round().to(torch.int8)
    layer.bias = conv.bias.detach()
    x = torch.randn(1, 4, 6, 6, generator=generator).clamp(-2, 2).requires_grad_()
    numbers = layer(quantize(x))
    # In steps of the output, of which one is worth 0.02.
    (numbers * 0.02).sum().backward()
    assert (numbers.detach() < 255).all()
    rounded = layer.weight * layer.weight_scale.view(-1, 1, 1, 1)
    y = ((x.detach() / 0.02).round() * 0.02).requires_grad_()
    F.conv2d(y, rounded, conv.bias.detach(), padding=1).relu().sum().backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-4, atol=1e-5)
    far = torch.full((1, 4, 6, 6), 50.0, requires_grad=True)
    layer(quantize(far)).sum().backward()
    assert not far.grad.any()
    layer.set_numbers("", 1e-7, 0)  # now nearly all that comes out is cut off
    near = torch.ones(1, 4, 6, 6, requires_grad=True)
    numbers = layer(quantize(near))
    cut_off = (numbers == 0) | (numbers == 255)
    assert cut_off.float().mean() > 0.99
    numbers[cut_off].sum().backward()
    assert not near.grad.any()


def test_quantize_chooses_what_suits_the_work():
    quantize, x = Quantize(), torch.randn(1, 3, 4, 4)
    fast = torch.uint8 if kernels.available() else torch.float32
    assert quantize(x).dtype == fast
    asking = x.clone().requires_grad_()
    assert quantize(asking).dtype == torch.float32
    with torch.no_grad():
        assert quantize(asking).dtype == fast
    with torch.inference_mode():
        assert quantize(asking).dtype == fast
    for half in (torch.float16, torch.bfloat16, torch.float64):
        assert quantize(x.to(half)).dtype == fast
    assert quantize(x).is_contiguous(memory_format=torch.channels_last) or fast == torch.float32


def test_without_the_kernels_the_numbers_are_the_same(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    conv = random_weights(QuantizedConv2d(3, 8, (3, 3), activation="relu"), generator)
    network = nn.Sequential(Quantize(), conv, QuantizedAvgPool2d(nn.AdaptiveAvgPool2d(1)), nn.Flatten(1))
    for layer in network[:3]:
        set_random_numbers(layer, generator, zero_points=True)
    x = torch.randn(2, 3, 9, 9, generator=generator)
    before = network(x).float()
    monkeypatch.setattr(kernels, "available", lambda: False)
    plain = network(x)
    assert plain.dtype == torch.float32
    assert torch.equal(before, plain)


def test_automatic_mixed_precision_changes_nothing():
    layer, x = some_layer()
    expected = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(x), expected)
        assert torch.equal(layer(x.float()), expected.float())


def some_layer(seed=0):
    generator = torch.Generator().manual_seed(seed)
    layer = random_weights(QuantizedConv2d(16, 32, (3, 3), padding=(1, 1), activation="relu"), generator)
    set_random_numbers(layer, generator, zero_points=True)
    return layer, whole(generator, 2, 16, 8, 8)


@pytest.mark.parametrize("assign", [False, True])
def test_new_tensors_change_the_answer_at_once(assign):
    layer, x = some_layer()
    other, _ = some_layer(1)
    first, wanted = layer(x), other(x)
    assert not torch.equal(first, wanted)
    layer.load_state_dict(other.state_dict(), assign=assign)
    assert torch.equal(layer(x), wanted)
    layer.set_numbers("", 0.5, 3)
    assert torch.equal(layer(x).float(), layer(x.float()))


def test_copies_and_pickles_answer_alike_and_share_nothing():
    layer, x = some_layer()
    expected = layer(x)
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(copied(x), expected)
        copied.load_state_dict(some_layer(1)[0].state_dict())
        assert not torch.equal(copied(x), expected)
        assert torch.equal(layer(x), expected)


def test_other_dtypes_are_for_the_rest_of_a_network():
    layer, x = some_layer()
    expected = layer(x)
    for change in (nn.Module.half, nn.Module.bfloat16, nn.Module.double, lambda module: module.to(torch.float16)):
        change(layer)
        assert {each.dtype for each in layer.buffers()} == {torch.int8, torch.int32, torch.float32}
        assert torch.equal(layer(x), expected)


def test_pictures_of_many_sizes_take_turns_and_one_packed_weight_is_kept():
    layer, _ = some_layer()
    generator = torch.Generator().manual_seed(5)
    inputs = [whole(generator, batch, 16, side, side) for batch, side in itertools.product((1, 3, 16), (5, 8, 30))]
    for x in inputs * 2:
        assert torch.equal(layer(x).float(), layer(x.float()))


@with_kernels
def test_of_the_orders_that_kernels_want_one_is_kept(monkeypatch):
    layer, _ = some_layer()
    made, pack = [], QuantizedConv2d.pack

    def watched(self, shape):
        packed = pack(self, shape)
        made.append(weakref.ref(packed))
        return packed

    monkeypatch.setattr(QuantizedConv2d, "pack", watched)
    generator = torch.Generator().manual_seed(5)
    inputs = [whole(generator, batch, 16, side, side) for batch, side in itertools.product((1, 3, 16), (5, 8, 30))]
    for x in inputs * 2:
        layer(x)
        assert sum(packed() is not None for packed in made) == 1
    copied = copy.deepcopy(layer)
    layer.set_numbers("", 0.5, 3)
    assert not any(packed() is not None for packed in made)
    for side in range(4, 100):  # of which no more is remembered than that they were there
        copied(whole(generator, 1, 16, side, 4))
    assert sum(packed() is not None for packed in made) == 1


def test_two_threads_share_a_layer():
    layer, _ = some_layer()
    generator = torch.Generator().manual_seed(5)
    inputs = [whole(generator, 1, 16, side, side) for side in range(4, 24)]
    expected = [copy.deepcopy(layer)(x) for x in inputs]
    wrong = []

    def work(order):
        for index in order:
            if not torch.equal(layer(inputs[index]), expected[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(range(start, 20, 1),)) for start in (0, 3, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_thread_may_begin_in_inference_mode():
    layer, generator, answers = QuantizedSum(), torch.Generator().manual_seed(0), []
    set_random_numbers(layer, generator, zero_points=True)
    x, y = whole(generator, 2, 8, 4, 4), whole(generator, 2, 8, 4, 4)

    def work():
        for mode in (torch.inference_mode, torch.no_grad, torch.enable_grad):
            with mode():
                answers.append(layer(x, y))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    expected = layer(x.float(), y.float())
    assert [torch.equal(answer.float(), expected) for answer in answers] == [True] * 3


def test_no_pictures_give_no_numbers():
    layer, x = some_layer()
    empty = x[:0]
    assert layer(empty).shape == layer(empty.float()).shape == (0, 32, 8, 8)
    assert Requantize(gated=True)(empty, torch.zeros(0, 16, 1, 1)).shape == empty.shape
    assert QuantizedMaxPool2d((2, 2), (2, 2))(empty).shape == (0, 16, 4, 4)
    assert QuantizedSum()(empty, empty).shape == empty.shape


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="activation is one of none, relu"):
        QuantizedConv2d(3, 3, (1, 1), activation="tanh")
    for told in ({"activation": "gelu"}, {"adds": True, "dequantized": True}, {"adds": True, "activation": "silu"}):
        with pytest.raises(ValueError, match="A convolution has no GELU"):
            QuantizedConv2d(3, 3, (1, 1), **told)
    with pytest.raises(ValueError, match="got 'gelu'"):
        Requantize("gelu")
    with pytest.raises(ValueError, match="'none' or 'relu'; got 'silu'"):
        QuantizedSum("silu")


def test_activations_are_torchs():
    x = torch.linspace(-5, 8, 1001)
    peers = {
        "none": lambda x: x,
        "relu": F.relu,
        "relu6": F.relu6,
        "hardswish": F.hardswish,
        "silu": F.silu,
        "gelu": F.gelu,
    }
    for name, peer in peers.items():
        torch.testing.assert_close(activate(x, name), peer(x), rtol=1e-6, atol=1e-6)


def test_nothing_that_is_deprecated_or_heavy_is_imported():
    code = (
        "import warnings; warnings.simplefilter('error')\n"
        "import sys, torch\n"
        "before = set(sys.modules)\n"
        "from multiweight.models.quantization import shufflenet_v2_x0_5\n"
        "shufflenet_v2_x0_5(weights='DIGITS_INT8_V2', quantize=True)(torch.rand(1, 3, 36, 36))\n"
        "heavy = 'torch.ao', 'torch._dynamo', 'sympy'\n"
        "new = {name for name in set(sys.modules) - before if name.startswith(heavy)}\n"
        "assert not new, sorted(new)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
