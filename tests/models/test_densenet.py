"""What is particular to DenseNet."""

import re

import pytest
import torch

from multiweight.errors import MismatchError
from multiweight.models._builder import assign
from multiweight.models.densenet import DenseNet, _DenseLayer
from tests.reference import torchvision

SMALL = {"growth_rate": 4, "block_config": (2, 3), "num_init_features": 6, "num_classes": 5}


def in_old_layout(state, *, counters):
    """The state dict as files have it that were published when names of modules could have dots."""
    old = {re.sub(r"\.(norm|conv)([12])\.", r".\1.\2.", key): tensor for key, tensor in state.items()}
    assert sum("denselayer" in key and re.search(r"\.(norm|conv)\.[12]\.", key) is not None for key in old) == 5 * 12
    return {key: tensor for key, tensor in old.items() if counters or "num_batches_tracked" not in key}


@pytest.fixture
def trained():
    """A network whose tensors are no initial ones."""
    network = DenseNet(**SMALL)
    for _ in range(3):
        network(torch.rand(2, 3, 40, 40))
    return network.eval()


@pytest.mark.parametrize("counters", [False, True], ids=["before torch 0.4.1", "since"])
def test_files_in_the_old_layout_fit(trained, counters):
    pictures = torch.rand(2, 3, 40, 40)
    state = in_old_layout(trained.state_dict(), counters=counters)
    keys = list(state)
    network = DenseNet(**SMALL).eval()
    assign(network, state, source="an old file")
    assert torch.equal(network(pictures), trained(pictures))
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert list(state) == keys


def test_the_old_layout_fits_by_torchs_own_way_and_where_it_is_part_of_more(trained):
    pictures = torch.rand(2, 3, 40, 40)
    wrapper = torch.nn.ModuleDict({"backbone": DenseNet(**SMALL).eval()})
    state = in_old_layout(trained.state_dict(), counters=True)
    wrapper.load_state_dict({f"backbone.{key}": tensor for key, tensor in state.items()})
    assert torch.equal(wrapper["backbone"](pictures), trained(pictures))


def test_what_is_missing_in_an_old_file_is_missed(trained):
    state = in_old_layout(trained.state_dict(), counters=True)
    del state["features.denseblock1.denselayer2.conv.2.weight"]
    with pytest.raises(MismatchError, match=r"1 missing: features.denseblock1.denselayer2.conv2.weight"):
        assign(DenseNet(**SMALL), state, source="an old file")


def test_any_densenet_is_torchvisions():
    for options in (SMALL, {**SMALL, "bn_size": 1, "drop_rate": 0.3}, {**SMALL, "block_config": (1, 1, 2)}):
        outcomes = []
        for network in (DenseNet, torchvision().models.DenseNet):
            torch.manual_seed(0)
            network = network(**options)
            outcomes.append((network.state_dict(), repr(network), network(torch.rand(2, 3, 40, 40)), torch.rand(1)))
        ours, expected = outcomes
        assert list(ours[0]) == list(expected[0])
        assert all(torch.equal(ours[0][key], expected[0][key]) for key in ours[0])
        assert ours[1] == expected[1]
        assert torch.equal(ours[2], expected[2])
        assert torch.equal(ours[3], expected[3])


def test_a_layer_takes_one_tensor_or_several():
    layer = _DenseLayer(6, growth_rate=2, bn_size=4, drop_rate=0).eval()
    x = torch.rand(1, 6, 5, 5)
    assert layer(x).shape == (1, 2, 5, 5)
    assert torch.equal(layer(x), layer(list(x.split([1, 2, 3], dim=1))))


def kept_for_the_gradients(network, pictures):
    """How many elements of tensors a forward pass keeps, and what it gives."""
    sizes = {}

    def keep(tensor):
        sizes[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        scores = network(pictures)
    return sum(sizes.values()), scores


def test_memory_efficiency_changes_memory_and_nothing_else():
    pictures = torch.rand(2, 3, 48, 48)
    outcomes = []
    for memory_efficient in (False, True):
        torch.manual_seed(0)
        network = DenseNet(4, (12,), 6, num_classes=5, memory_efficient=memory_efficient, drop_rate=0.2)
        kept, scores = kept_for_the_gradients(network, pictures)
        scores.square().sum().backward()
        outcomes.append((kept, scores, [parameter.grad for parameter in network.parameters()]))
    (kept, scores, gradients), (kept_less, same_scores, same_gradients) = outcomes
    assert kept_less < 0.6 * kept
    assert torch.equal(scores, same_scores)
    assert all(torch.equal(*pair) for pair in zip(gradients, same_gradients, strict=True))


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
def test_a_scripted_network_says_that_it_cannot_save_memory_in_training():
    network = DenseNet(**SMALL, memory_efficient=True).eval()
    scripted = torch.jit.script(network)
    pictures = torch.rand(1, 3, 40, 40)
    with torch.no_grad():
        assert torch.equal(scripted(pictures), network(pictures))
    with pytest.raises(torch.jit.Error, match="cannot train with memory_efficient=True"):
        scripted(pictures)
