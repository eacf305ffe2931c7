"""Parts of networks that give what comes out of some of their modules."""

import copy
import threading
from functools import partial

import pytest
import torch
from torch import nn

import multiweight
from multiweight.errors import InputError
from multiweight.models import get_model, resnet18
from tests.models.support import inputs_of, small, tensors_in
from tests.models.test_adapting import FAMILIES

OTHERS = {
    "lraspp_mobilenet_v3_small": ["backbone.4", "classifier.cbr"],
    "r3d_18": ["stem", "layer3.0.conv1"],
    "s3d": ["features.2", "features.5"],
    "mvit_v2_s": ["conv_proj", "norm"],
    "raft_small": ["feature_encoder.layer2", "context_encoder"],
    "ssdlite320_mobilenet_v3_large": ["backbone.features.0", "backbone.extra.1"],
}


def parts_of(variant, network):
    """Modules at three depths."""
    if variant in OTHERS:
        return OTHERS[variant]
    called = []
    hooks = [
        module.register_forward_hook(lambda module, given, output, name=name: called.append(name))
        for name, module in network.named_modules()
        if name and not isinstance(module, nn.ModuleList | nn.ReLU | nn.ReLU6 | nn.GELU | nn.Dropout)
    ]
    network(*inputs_of(variant))
    for hook in hooks:
        hook.remove()
    once = [name for name in called if called.count(name) == 1 and name.count(".") < 3]
    return [once[len(once) // 5], once[len(once) // 2], once[-len(once) // 3]]


@pytest.fixture(scope="module", params=[*FAMILIES.values(), *OTHERS])
def part(request):
    variant = request.param
    torch.manual_seed(0)
    network = get_model(variant, weights=None, **small(variant)).eval().requires_grad_(False)
    names = list(dict.fromkeys(parts_of(variant, network)))
    return variant, network, names, multiweight.features(network, names)


@torch.no_grad()
def test_gives_what_comes_out_of_its_modules(part):
    variant, network, names, features = part
    heard = {}

    def hear(module, given, output, *, name):
        # Copied, as the next module may write into it; and not given back, which would be taken for the output.
        heard.setdefault(name, copy.deepcopy(output))

    hooks = [network.get_submodule(name).register_forward_hook(partial(hear, name=name)) for name in names]
    network(*inputs_of(variant))
    for hook in hooks:
        hook.remove()
    given = features(*inputs_of(variant))
    assert list(given) == names
    for name in names:
        for one, other in zip(tensors_in(given[name]), tensors_in(heard[name]), strict=True):
            assert torch.equal(one, other), name
    assert not any(module._forward_hooks for module in network.modules())


def test_what_comes_after_is_not_computed(part):
    variant, network, _, features = part
    if variant in FAMILIES.values() and variant != "vit_b_16":  # which looks at the size of the picture
        assert sum(each.numel() for each in features.parameters()) < sum(each.numel() for each in network.parameters())
    shared = {each.data_ptr() for each in network.parameters()}
    assert all(each.data_ptr() in shared for each in features.parameters())


@pytest.mark.parametrize("variant", ["resnet18", "mobilenet_v2", "swin_t", "mvit_v2_s"])
@torch.no_grad()
def test_can_be_exported(variant):
    torch.manual_seed(0)
    network = get_model(variant, weights=None, **small(variant)).eval()
    features = multiweight.features(network, parts_of(variant, network)[:2])
    inputs = inputs_of(variant)
    given = torch.export.export(features, inputs).module()(*inputs)
    expected = features(*inputs)
    assert given.keys() == expected.keys()
    for name in given:
        torch.testing.assert_close(tensors_in(given[name]), tensors_in(expected[name]))


def test_is_a_module_as_any_other():
    network = resnet18().eval()
    features = multiweight.features(network, {"layer2": "fine", "layer4.1.bn2": "coarse"})
    x = torch.rand(2, 3, 64, 64)
    given = features(x)
    assert [(name, *each.shape) for name, each in given.items()] == [("fine", 2, 128, 8, 8), ("coarse", 2, 512, 2, 2)]
    given["coarse"].sum().backward()
    assert network.conv1.weight.grad is not None
    assert network.fc.weight.grad is None
    assert torch.equal(copy.deepcopy(features)(x)["coarse"], given["coarse"])
    features.train()
    assert network.bn1.training
    assert not torch.equal(features(x)["fine"], given["fine"])


def test_two_threads_hear_their_own(monkeypatch):
    network = get_model("raft_small", weights=None).eval()
    features = multiweight.features(network, ["feature_encoder.layer2"])
    assert type(features).__name__ == "_Stopped"
    found, expected = {}, {}
    inputs = {number: inputs_of("raft_small", seed=number)[:2] for number in range(4)}

    @torch.no_grad()
    def work(number):
        found[number] = features(*inputs[number])["feature_encoder.layer2"]

    threads = [threading.Thread(target=work, args=(number,)) for number in inputs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with torch.no_grad():
        expected = {number: features(*given)["feature_encoder.layer2"] for number, given in inputs.items()}
    assert all(torch.equal(found[number], expected[number]) for number in inputs)


def test_what_cannot_be_is_refused():
    network = resnet18()
    with pytest.raises(InputError, match="ResNet has no module 'layer5'. Did you mean layer"):
        multiweight.features(network, ["layer5"])
    with pytest.raises(InputError, match="at least one module of ResNet"):
        multiweight.features(network, [])
    with pytest.raises(InputError, match="takes a list of names; got the text 'layer4'"):
        multiweight.features(network, "layer4")
    network.unused = nn.Linear(2, 2)
    with pytest.raises(InputError, match="ResNet never called its module 'unused'"):
        multiweight.features(network, ["unused"])(torch.rand(1, 3, 64, 64))
