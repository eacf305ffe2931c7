"""Whether a network answers as its file says: the same input everywhere, every form of a network, and every change."""

import copy
import math
from unittest.mock import patch

import pytest
import torch
from torch import nn

from multiweight import check_probe, get_model, load, probe_inputs, quantize, save
from multiweight.catalogue import get_weight, read_header
from multiweight.errors import HeaderError, ProbeError
from multiweight.models import mobilenet_v2
from multiweight.probe import take_probe
from tests.models.support import small

DIGITS = get_weight("MobileNet_V2_Weights.DIGITS_V1")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "digits.safetensors"
    save(mobilenet_v2(weights=DIGITS), path)
    return path


@pytest.fixture
def model(path):
    return load(path)[0]


def hashed(number):
    for factor, shift in ((0x6C8E9CF5, 15), (0x5851F42D, 13)):
        number = (number + 0x9E3779B9) * factor % 2**32
        number ^= number >> shift
    return (number >> 11) % 256


def test_the_input_is_as_documented_and_the_same_in_every_dtype(path):
    (given,) = probe_inputs(path)
    assert given.shape == tuple(read_header(path).probe["inputs"][0])
    expected = torch.tensor([-2 + 4 * hashed(number) / 256 for number in range(given.numel())], dtype=torch.float64)
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        assert torch.equal(probe_inputs(path, dtype=dtype)[0].double().flatten(), expected)
    assert expected.unique().numel() == 256
    assert abs(expected.mean()) < 0.1
    numbers = expected.view(3, -1)
    assert torch.corrcoef(torch.cat([numbers, numbers.roll(1, 1)])).triu(1).abs().max() < 0.1


FORMS = {
    "as it is": lambda model, path: model,
    "training": lambda model, path: model.train(),
    "float64": lambda model, path: model.double(),
    "float16": lambda model, path: model.half(),
    "bfloat16": lambda model, path: model.bfloat16(),
    "channels last": lambda model, path: model.to(memory_format=torch.channels_last),
    "compiled": lambda model, path: torch.compile(model, backend="eager"),
    "exported": lambda model, path: torch.export.export(model, probe_inputs(path)),
    "exported, its module": lambda model, path: torch.export.export(model, probe_inputs(path)).module(),
    "quantized": lambda model, path: quantize(model, [torch.rand(4, 3, 64, 64) * 4 - 2]),
    "a function": lambda model, path: lambda x: model(x).numpy(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_network_is_asked(form, model, path):
    result = check_probe(FORMS[form](model, path), path)
    assert result.same, str(result)
    assert result.same_largest
    assert result.difference < {"float16": 5e-3, "bfloat16": 3e-2, "quantized": 0.1}.get(form, 5e-6)
    assert "the same answers: they differ by" in str(result)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_what_changes_the_answers_is_found(dtype, model, path):
    def nudged(model):
        with torch.no_grad():
            model.classifier[1].bias += 1
        return model

    def blunted(model):
        model.features[2].conv[0][2] = nn.Identity()
        return model

    for change in (nudged, blunted, lambda model: nn.Sequential(model, nn.Softmax(1))):
        changed = change(copy.deepcopy(model))
        result = check_probe(changed if dtype is None else changed.to(dtype), path)
        assert not result.same, str(result)
        assert "OTHER ANSWERS" in str(result)
    assert check_probe(nn.Sequential(model, nn.Hardtanh(-math.inf, math.inf)), path).same
    assert math.isinf(check_probe(lambda x: model(x) * math.nan, path).difference)


def test_asking_changes_nothing(model, path):
    model.train()
    model.features[3].eval()
    modes = [module.training for module in model.modules()]
    broken = nn.Sequential(model, nn.Linear(3, 3))
    random = torch.get_rng_state()
    check_probe(model, path)
    with pytest.raises(ProbeError):
        check_probe(broken, path)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random)
    assert all(each.grad is None for each in model.parameters())


def test_what_cannot_be_compared_is_said(model, path):
    with pytest.raises(ProbeError, match=r"input of \(1, 3, .*\) cannot go through the network: "):
        check_probe(nn.Conv2d(5, 5, 1), path)
    with pytest.raises(ProbeError, match=r"answers with \[\[1, 20\]\], and did with \[\[1, 10\]\]"):
        check_probe(lambda x: torch.cat([model(x)] * 2, 1), path)
    with pytest.raises(HeaderError, match=r"DIGITS_V1 has no probe. Files that multiweight.save writes have one"):
        check_probe(model, DIGITS)


def test_detectors_are_asked_by_their_heads(tmp_path):
    variant = "ssdlite320_mobilenet_v3_large"
    save(get_model(variant, **small(variant)), path := tmp_path / "detector.safetensors")
    network, entry = load(path, probe=True)
    assert check_probe(network.bfloat16(), entry).difference > 0
    with pytest.raises(HeaderError, match="detector's heads, which function has not"):
        check_probe(lambda pictures: pictures, entry)
    assert "absent" in take_probe(nn.Identity(), entry.value.transforms, variant=variant)


def test_quantized_networks_answer_alike_with_and_without_kernels(tmp_path, model):
    eight_bits = quantize(model, [torch.rand(4, 3, 64, 64) * 4 - 2])
    save(eight_bits, path := tmp_path / "int8.safetensors")
    with patch("multiweight.layers.quantized.kernels.available", return_value=False):
        _, entry = load(path, probe=True)
    assert check_probe(load(path)[0], entry).tolerance == 0.2
