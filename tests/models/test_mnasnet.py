"""What is particular to MNASNet."""

import warnings
from collections import OrderedDict

import pytest
import torch
from torch import nn

from multiweight.models._builder import assign
from multiweight.models.mnasnet import InvertedResidual, MNASNet
from tests.models.twins import assert_same_tensors, assert_twins
from tests.reference import torchvision

OLD = pytest.mark.filterwarnings("ignore:This state dict is of the first version of MNASNet:UserWarning")


def state_of(alpha, version):
    """A state dict as files of the version have it, with random tensors."""
    torch.manual_seed(0)
    state = torchvision().models.MNASNet(alpha, num_classes=4).state_dict()
    if version == 1:
        # Version 1 had the first two convolutions, and the block that reads them, as with alpha 1.
        full = torchvision().models.MNASNet(1.0).state_dict()
        first_block, out = "layers.8.0.", len(state["layers.8.0.layers.6.weight"])
        for key in state:
            if key.startswith((f"{first_block}layers.6.", f"{first_block}layers.7.")) and state[key].ndim:
                state[key] = full[key].new_empty(out, *full[key].shape[1:])
            elif key.startswith((first_block, *(f"layers.{number}." for number in range(8)))):
                state[key] = full[key]
    for key, tensor in state.items():
        if tensor.is_floating_point():
            state[key] = torch.rand(tensor.shape) / 5 + 0.1 * key.endswith("running_var")
    state._metadata[""]["version"] = version
    return state


@pytest.mark.parametrize("options", [{"alpha": 0.35}, {"alpha": 1.7, "dropout": 0.6}, {"alpha": 0.1, "num_classes": 5}])
def test_any_option_is_torchvisions(options):
    assert_twins("mnasnet", lambda family: family.MNASNet(**options))


@pytest.mark.filterwarnings("ignore:A new version of MNASNet model has been implemented:UserWarning")
@OLD
@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.3])
@pytest.mark.parametrize("version", [1, 2])
def test_files_of_both_versions_load_as_with_torchvision(alpha, version):
    state, pictures = state_of(alpha, version), torch.rand(2, 3, 40, 40)
    answers = []
    for network in (MNASNet(alpha, num_classes=4), torchvision().models.MNASNet(alpha, num_classes=4)):
        assert not any(network.load_state_dict(state))
        answers.append(network.eval()(pictures))
    assert torch.equal(*answers)
    assert not torch.equal(answers[0][0], answers[0][1])


def test_the_first_version_is_told_in_a_warning_at_the_callers_line():
    with pytest.warns(UserWarning, match="first version of MNASNet") as caught:
        MNASNet(0.5, num_classes=4).load_state_dict(state_of(0.5, 1))
    assert [each.filename for each in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MNASNet(1.0, num_classes=4).load_state_dict(state_of(1.0, 1))
        MNASNet(0.5, num_classes=4).load_state_dict(state_of(0.5, 2))


@OLD
@pytest.mark.parametrize("version", [1, 2])
def test_files_of_both_versions_are_assigned(version):
    """As builders do with an entry's file."""
    state, network = state_of(0.5, version), MNASNet(0.5, num_classes=4)
    assign(network, state, source="a file")
    assert_same_tensors(network.state_dict(), state)


@OLD
def test_a_network_of_the_first_version_stays_one_until_told_otherwise():
    old, new = state_of(0.5, 1), state_of(0.5, 2)
    network = MNASNet(0.5, num_classes=4)
    network.load_state_dict(old)
    saved = network.state_dict()
    assert saved._metadata[""]["version"] == 1
    again = MNASNet(0.5, num_classes=4)
    again.load_state_dict(saved)
    assert_same_tensors(again.state_dict(), old)
    again.load_state_dict(new)
    assert_same_tensors(again.state_dict(), new)
    assert again.state_dict()._metadata[""]["version"] == 2


@OLD
@pytest.mark.parametrize("assign", [False, True])
def test_the_old_stem_is_like_the_rest_of_the_network(assign):
    network = nn.ModuleDict({"backbone": MNASNet(0.5, num_classes=4).double().eval()})
    state = OrderedDict((f"backbone.{key}", tensor) for key, tensor in state_of(0.5, 1).items())
    state.update((key, tensor.double()) for key, tensor in state.items() if tensor.is_floating_point())
    state._metadata = {"backbone": {"version": 1}}
    network.load_state_dict(state, assign=assign)
    assert {tensor.dtype for tensor in network.parameters()} == {torch.float64}
    assert not any(module.training for module in network["backbone"].modules())
    assert_same_tensors(network.state_dict(), state)


@OLD
@pytest.mark.parametrize("version", [1, 2])
def test_a_file_that_does_not_say_its_version_is_told_by_its_stem(version):
    """A plain dict, as safetensors files give it; torchvision refuses them."""
    network = MNASNet(0.5, num_classes=4)
    network.load_state_dict(dict(state_of(0.5, version)))
    assert_same_tensors(network.state_dict(), state_of(0.5, version))
    assert network.state_dict()._metadata[""]["version"] == version


def test_tensors_of_another_width_are_an_error_not_a_version():
    with pytest.raises(RuntimeError, match="size mismatch for layers.0.weight"):
        MNASNet(0.5, num_classes=4).load_state_dict(dict(state_of(1.3, 2)))
    with pytest.raises(RuntimeError, match="Missing key"):
        MNASNet(0.5).load_state_dict({})


@pytest.mark.parametrize("version", [0, 3, "1"])
def test_another_version_is_an_error(version):
    state = state_of(0.5, 2)
    state._metadata[""]["version"] = version
    with pytest.raises(ValueError, match=f"versions 1 and 2; got one of version {version!r}"):
        MNASNet(0.5, num_classes=4).load_state_dict(state)


@pytest.mark.parametrize("alpha", [0.0, -1.0])
def test_no_width_is_an_error(alpha):
    with pytest.raises(ValueError, match=f"alpha must be positive; got {alpha}"):
        MNASNet(alpha)


@pytest.mark.parametrize(
    ("kernel_size", "stride", "text"), [(3, 3, "stride must be 1 or 2; got 3"), (4, 1, "must be 3 or 5; got 4")]
)
def test_impossible_blocks_are_errors(kernel_size, stride, text):
    with pytest.raises(ValueError, match=text):
        InvertedResidual(8, 8, kernel_size, stride, 6)
