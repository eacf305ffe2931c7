"""What is particular to GoogLeNet."""

import copy
import pickle

import pytest
import torch
from torch import nn

from multiweight.catalogue import WeightsEnum
from multiweight.errors import MismatchError
from multiweight.models.googlenet import (
    BasicConv2d,
    GoogLeNet,
    GoogLeNet_Weights,
    GoogLeNetOutputs,
    Inception,
    InceptionAux,
    googlenet,
)
from tests.reference import torchvision


@pytest.fixture
def file(monkeypatch):
    """What the entry's file holds: tensors for the auxiliary heads, too."""
    tensors = GoogLeNet(init_weights=False).state_dict()
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, *, progress=True, check_hash=True: tensors)
    return tensors


def assert_same(ours, expected):
    """The same answers: tensors, or named tuples of tensors."""
    if isinstance(expected, torch.Tensor):
        assert torch.equal(ours, expected)
        return
    assert type(ours).__name__ == type(expected).__name__
    assert ours._fields == expected._fields
    for mine, other in zip(ours, expected, strict=True):
        assert mine is other is None or torch.equal(mine, other)


@pytest.mark.parametrize(
    "options",
    [{}, {"aux_logits": True}, {"aux_logits": False}, {"transform_input": False, "init_weights": True}],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:The auxiliary heads of:UserWarning")
def test_with_weights_it_is_what_the_file_is_for(file, options):
    """The published network has no heads and takes pictures as TensorFlow had them."""
    before = list(file)
    state = torch.get_rng_state()
    network = googlenet(weights="DEFAULT", **options)
    assert torch.equal(torch.get_rng_state(), state)
    assert list(file) == before
    aux = options.get("aux_logits", False)
    assert (network.aux_logits, network.aux1 is not None, network.aux2 is not None) == (aux, aux, aux)
    assert network.transform_input is options.get("transform_input", True)
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, file[key])
    assert len(network.state_dict()) == (len(file) if aux else len(file) - 20)


def test_answers_with_weights_are_torchvisions(file):
    ours = googlenet(weights="DEFAULT")
    expected = torchvision().models.GoogLeNet(aux_logits=False, transform_input=True, init_weights=False)
    expected.load_state_dict(ours.state_dict())
    pictures = torch.rand(2, 3, 64, 64)
    assert torch.equal(ours.eval()(pictures), expected.eval()(pictures))


def test_one_is_told_that_the_heads_are_not_trained(file):
    with pytest.warns(UserWarning, match="The auxiliary heads of GoogLeNet_Weights.IMAGENET1K_V1 are not") as caught:
        googlenet(weights=GoogLeNet_Weights.DEFAULT, aux_logits=True)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("change", ["missing: fc.bias", "unexpected: aux3.fc1.bias", "missing: aux1.fc1.bias"])
@pytest.mark.filterwarnings("ignore:The auxiliary heads of:UserWarning")
def test_only_the_heads_tensors_may_be_too_many(file, change):
    what, _, key = change.partition(": ")
    file.pop(key) if what == "missing" else file.update({key: torch.zeros(1)})
    with pytest.raises(MismatchError, match=f"1 {change}"):
        googlenet(weights="DEFAULT", aux_logits=key.startswith("aux1"))


def test_a_file_without_heads_fits(file):
    for key in [key for key in file if key.startswith("aux")]:
        del file[key]
    assert googlenet(weights="DEFAULT").state_dict().keys() == file.keys()


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("aux_logits", [False, True])
@torch.no_grad()
def test_training_gives_the_heads_scores_too(aux_logits):
    network = GoogLeNet(num_classes=4, aux_logits=aux_logits, init_weights=False)
    expected = torchvision().models.GoogLeNet(num_classes=4, aux_logits=aux_logits, init_weights=False)
    expected.load_state_dict(network.state_dict())
    scripted = torch.jit.script(copy.deepcopy(network))
    pictures = torch.rand(2, 3, 40, 40)
    answers = []
    for each in (network, expected, scripted):
        torch.manual_seed(0)
        answers.append(each(pictures))
    assert isinstance(answers[0], GoogLeNetOutputs if aux_logits else torch.Tensor)
    assert_same(answers[0], answers[1])
    # TorchScript has one type for what a network returns.
    assert_same(answers[2], answers[0] if aux_logits else GoogLeNetOutputs(answers[0], None, None))


def test_outputs_are_pickled():
    outputs = GoogLeNetOutputs(torch.ones(1), None, torch.zeros(1))
    assert_same(pickle.loads(pickle.dumps(outputs)), outputs)


@pytest.mark.filterwarnings("ignore:The default weight initialization of GoogleNet:FutureWarning")
@pytest.mark.parametrize("init_weights", [None, False, True])
def test_initial_tensors_are_torchvisions_and_no_warning_is_given(init_weights, recwarn):
    torch.manual_seed(0)
    ours = GoogLeNet(num_classes=4, init_weights=init_weights), torch.rand(1)
    assert not recwarn.list
    torch.manual_seed(0)
    expected = torchvision().models.GoogLeNet(num_classes=4, init_weights=init_weights), torch.rand(1)
    assert torch.equal(ours[1], expected[1])
    state, expected_state = ours[0].state_dict(), expected[0].state_dict()
    assert list(state) == list(expected_state)
    assert all(torch.equal(state[key], expected_state[key]) for key in state)


def test_pictures_are_normalised_anew():
    network = GoogLeNet(num_classes=4, aux_logits=False, init_weights=False).eval()
    raw = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    expected = network((raw - 0.5) / 0.5)
    network.transform_input = True
    torch.testing.assert_close(network((raw - mean) / std), expected)


@pytest.mark.parametrize("blocks", [[], [BasicConv2d, Inception]])
def test_another_number_of_blocks_is_an_error(blocks):
    with pytest.raises(ValueError, match="blocks takes three: a convolution, an Inception module and a head; got "):
        GoogLeNet(blocks=blocks)


def test_blocks_may_be_given():
    made = []

    def conv(*args, **kwargs):
        made.append("conv")
        return BasicConv2d(*args, **kwargs)

    def head(in_channels, num_classes, dropout):
        made.append((in_channels, num_classes, dropout))
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(in_channels, num_classes))

    network = googlenet(num_classes=4, blocks=[conv, Inception, head], dropout_aux=0.1, init_weights=False)
    assert made == ["conv"] * 3 + [(512, 4, 0.1), (528, 4, 0.1)]
    assert [tuple(each.shape) for each in network(torch.rand(2, 3, 32, 32))] == [(2, 4)] * 3


@pytest.mark.parametrize("block", [Inception, InceptionAux])
def test_a_block_may_have_other_convolutions(block):
    conv = nn.Conv2d
    made = block(8, 2, 3, 4, 5, 6, 7, conv) if block is Inception else block(8, 2, conv)
    assert not any(isinstance(module, BasicConv2d | nn.BatchNorm2d) for module in made.modules())
    assert made(torch.rand(1, 8, 9, 9)).shape == ((1, 2 + 4 + 6 + 7, 9, 9) if block is Inception else (1, 2))
