"""What builders do around their networks: loading without initialisation, and what does not fit."""

import hashlib
import os
import threading
from collections import OrderedDict
from typing import Unpack

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.catalogue import ImageClassification, Weights, WeightsEnum
from multiweight.errors import MismatchError, WeightsFileError
from multiweight.models import ResNet18_Weights, ShuffleNetV2, resnet18
from multiweight.models._builder import assign, build, builder, fixed, without_initialisation
from multiweight.models.shufflenetv2 import ShuffleNetV2Options
from multiweight.store.paths import local_path
from tests.models.support import tensors_of, without_files

SHAPE = [1, 1, 1], [4, 8, 8, 8, 16]


def tiny(num_classes=3):
    return ShuffleNetV2(*SHAPE, num_classes=num_classes)


@pytest.fixture
def published(tmp_path):
    """A variant of three classes with weights in a file: its builder, its network and its file."""
    torch.manual_seed(1)
    network, path = tiny(), tmp_path / "tiny.pth"
    torch.save(network.state_dict(), path)

    class Tiny_Weights(WeightsEnum, variant="tiny"):
        LAB_V1 = Weights(path.as_uri(), ImageClassification(crop_size=64), {"categories": ["a", "b", "c"]})
        DEFAULT = LAB_V1

    @builder(Tiny_Weights, ShuffleNetV2Options)
    def tiny_net(
        *, weights: Tiny_Weights | str | None = None, progress: bool = True, **options: Unpack[ShuffleNetV2Options]
    ) -> ShuffleNetV2:
        """A network for tests."""
        return build(ShuffleNetV2, weights, progress, *SHAPE, **options)

    return tiny_net, network, path


def test_a_file_becomes_a_network_and_no_random_number_is_drawn(published):
    tiny_net, network, _ = published
    before = torch.get_rng_state()
    built = tiny_net(weights="DEFAULT", progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    pictures = torch.rand(2, 3, 64, 64)
    assert torch.equal(built(pictures), network(pictures))
    assert torch.equal(built.eval()(pictures), network.eval()(pictures))


def test_training_it_does_not_write_into_the_file(published):
    tiny_net, _, path = published
    before = hashlib.sha256(path.read_bytes()).digest()
    built, untouched = tiny_net(weights="DEFAULT"), tiny_net(weights="DEFAULT")
    optimiser = torch.optim.SGD(built.parameters(), lr=1.0, momentum=0.9)
    for _ in range(2):
        optimiser.zero_grad()
        built(torch.rand(4, 3, 64, 64)).logsumexp(1).sum().backward()
        optimiser.step()
    for key, tensor in untouched.state_dict().items():
        if not key.endswith("num_batches_tracked") and tensor.numel() > 8:
            assert not torch.equal(built.state_dict()[key], tensor), key
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_the_file_may_be_replaced_while_the_network_lives(published):
    tiny_net, network, path = published
    built = tiny_net(weights="DEFAULT")
    other = path.with_suffix(".new")
    torch.save(tiny().state_dict(), other)
    os.replace(other, path)
    pictures = torch.rand(2, 3, 64, 64)
    assert torch.equal(built(pictures), network(pictures))


def test_labels_give_the_number_of_classes(published):
    tiny_net, *_ = published
    assert tiny_net(weights="DEFAULT").fc.out_features == 3
    assert tiny_net(weights="DEFAULT", num_classes=3).fc.out_features == 3
    assert tiny_net(num_classes=5).fc.out_features == 5
    assert tiny_net(weights="DEFAULT", num_classes=None).fc.out_features == 3


def test_an_error_names_the_entry_and_the_file(published):
    tiny_net, _, path = published
    torch.save(tiny(num_classes=4).state_dict(), path)
    with pytest.raises(MismatchError) as caught:
        tiny_net(weights="DEFAULT")
    assert str(caught.value).splitlines() == [
        f"Tiny_Weights.LAB_V1 ({path}) does not fit the network.",
        "  2 misshapen: fc.weight (4, 16) instead of (3, 16), fc.bias (4,) instead of (3,)",
    ]
    assert isinstance(caught.value, WeightsFileError)


def test_a_published_file_that_does_not_fit_is_named_by_its_place_in_the_cache(monkeypatch):
    without_files(monkeypatch)
    entry = ResNet18_Weights.DEFAULT
    with pytest.raises(MismatchError) as caught:
        resnet18(weights=entry, norm_layer=nn.Identity)
    first, second = str(caught.value).splitlines()
    assert first == f"ResNet18_Weights.IMAGENET1K_V1 ({local_path(entry.url)}) does not fit the network."
    assert second == "  100 unexpected: bn1.weight, bn1.bias, bn1.running_mean, …"


def test_the_given_default_dtype_and_device_hold(monkeypatch):
    without_files(monkeypatch)
    torch.set_default_dtype(torch.float64)
    try:
        built = resnet18(weights="DEFAULT")
    finally:
        torch.set_default_dtype(torch.float32)
    expected = tensors_of("resnet18")
    for key, tensor in built.state_dict().items():
        assert tensor.dtype == (torch.int64 if key.endswith("tracked") else torch.float64)
        assert torch.equal(tensor, expected[key].to(tensor.dtype))
    with torch.device("meta"):
        built = resnet18(weights="DEFAULT")
    assert all(tensor.is_meta for tensor in built.state_dict().values())


def test_build_takes_no_names():
    with pytest.raises(TypeError, match="not the name 'DEFAULT'"):
        build(tiny, "DEFAULT", True)


def test_fixed_values_may_be_said_but_not_changed():
    options = {"num_classes": 3, "groups": 32}
    assert fixed("resnext", options, groups=32, width=4) == {"num_classes": 3, "groups": 32, "width": 4}
    assert options == {"num_classes": 3, "groups": 32}
    with pytest.raises(ValueError, match="resnext has groups=16; got groups=32"):
        fixed("resnext", options, groups=16)


def test_tensors_are_taken_and_not_copied():
    network, state = tiny(), tiny().state_dict()
    given = dict(state)
    assign(network, state, source="x")
    for key, tensor in network.state_dict().items():
        assert tensor.data_ptr() == state[key].data_ptr(), key
    assert all(state[key] is given[key] for key in given | state)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_networks_dtypes_stay(dtype):
    network, state = tiny(), tiny().to(dtype).state_dict()
    assign(network, state, source="x")
    for key, tensor in network.state_dict().items():
        assert tensor.dtype == (torch.int64 if key.endswith("tracked") else torch.float32)
        assert torch.equal(tensor, state[key].to(tensor.dtype))


@pytest.mark.parametrize("as_parameters", [True, False])
def test_what_of_the_network_is_frozen_stays_so(as_parameters):
    network = tiny()
    network.conv1.requires_grad_(False)
    state = tiny().state_dict()
    if as_parameters:
        state = {
            key: nn.Parameter(tensor, requires_grad=True) if tensor.is_floating_point() else tensor
            for key, tensor in state.items()
        }
    assign(network, state, source="x")
    for name, parameter in network.named_parameters():
        assert parameter.requires_grad is not name.startswith("conv1")
    assert not any(buffer.requires_grad or isinstance(buffer, nn.Parameter) for buffer in network.buffers())


def test_files_older_than_the_counters_of_batch_normalisation_fit():
    """Published files of torch 0.3 have none; torch fills them in where the file does not say its version."""
    network, state = tiny(), tiny().state_dict()
    old = {key: tensor for key, tensor in state.items() if not key.endswith("num_batches_tracked")}
    assign(network, old, source="x")
    assert all(value == 0 for key, value in network.state_dict().items() if key.endswith("tracked"))
    versioned = OrderedDict(old)
    versioned._metadata = state._metadata
    with pytest.raises(MismatchError, match="missing: .*num_batches_tracked"):
        assign(tiny(), versioned, source="x")


KEYS = list(tiny().state_dict())
SOME = st.sets(st.sampled_from([key for key in KEYS if not key.endswith("tracked")]), max_size=6)


@settings(max_examples=50, deadline=None)
@given(missing=SOME, misshapen=SOME, unexpected=st.sets(st.from_regex(r"[a-z]{1,5}\.x", fullmatch=True), max_size=6))
def test_what_does_not_fit_is_counted_and_the_first_few_are_named(missing, misshapen, unexpected):
    misshapen = misshapen - missing
    state = {key: tensor for key, tensor in tiny().state_dict().items() if key not in missing}
    for key in misshapen:
        state[key] = state[key][None]
    for key in unexpected:
        state[key] = torch.zeros(1)
    if not (missing or misshapen or unexpected):
        assign(tiny(), state, source="the file")
        return
    with pytest.raises(MismatchError) as caught:
        assign(tiny(), state, source="the file")
    first, *lines = str(caught.value).splitlines()
    assert first == "the file does not fit the network."
    said = {line.split()[1].rstrip(":"): line for line in lines}
    groups = {"missing": missing, "unexpected": unexpected, "misshapen": misshapen}
    assert set(said) == {what for what, keys in groups.items() if keys}
    for what, line in said.items():
        in_order = [key for key in [*KEYS, *unexpected] if key in groups[what]]
        assert line.startswith(f"  {len(in_order)} {what}: ")
        assert sum(f" {key}" in line for key in in_order) == min(3, len(in_order))
        assert line.endswith(", …") == (len(in_order) > 3)


class Layers(nn.Module):
    """Everything that a constructor does with tensors."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.full((50, 50), 1e30))
        self.norm = nn.BatchNorm2d(4)
        self.register_buffer("table", torch.empty(3).fill_(2.0).add_(torch.linspace(0, 1, 3)))
        nn.init.trunc_normal_(self.weight, std=0.02)
        nn.init.trunc_normal_(self.weight, std=100.0)
        nn.init.kaiming_normal_(self.weight)
        nn.init.xavier_uniform_(self.weight)
        nn.init.normal_(self.weight[:2])
        nn.init.orthogonal_(self.weight[:4])
        self.kept = nn.Parameter(torch.full((2, 3), 7.0))
        nn.init.normal_(self.kept)
        nn.init.kaiming_uniform_(self.kept)
        nn.init.xavier_normal_(self.kept)
        nn.init.constant_(self.kept, 3.0)
        nn.init.ones_(self.kept)
        with torch.no_grad():
            self.kept.uniform_().zero_()


def test_without_initialisation_nothing_is_drawn_and_tables_are_real():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with without_initialisation():
        network = Layers()
    assert torch.equal(torch.get_rng_state(), before)
    assert network.table.tolist() == [2.0, 2.5, 3.0]
    assert network.norm.running_var.tolist() == [1.0] * 4
    assert network.norm.running_mean.tolist() == [0.0] * 4
    assert (network.kept == 7.0).all()


def test_initialisation_is_off_for_one_thread_and_only_within():
    inside, done = threading.Event(), threading.Event()
    outside = []

    def other():
        inside.wait(10)
        outside.append(nn.init.constant_(nn.Parameter(torch.zeros(3)), 5.0).tolist())
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with pytest.raises(ZeroDivisionError), without_initialisation():  # noqa: PT012
        assert nn.init.constant_(nn.Parameter(torch.zeros(3)), 5.0).tolist() == [0.0] * 3
        inside.set()
        done.wait(10)
        1 / 0  # noqa: B018
    thread.join()
    assert outside == [[5.0] * 3]
    assert nn.init.constant_(nn.Parameter(torch.zeros(3)), 5.0).tolist() == [5.0] * 3
