"""What is particular to Inception v3."""

import copy
import pickle

import pytest
import torch
from torch import nn

from multiweight.catalogue import WeightsEnum
from multiweight.errors import MismatchError
from multiweight.models import inception
from multiweight.models.inception import BasicConv2d, Inception3, InceptionAux, InceptionOutputs, inception_v3
from tests.reference import torchvision

BLOCKS = ("InceptionA", "InceptionB", "InceptionC", "InceptionD", "InceptionE")


@pytest.fixture
def file(monkeypatch):
    """What the entry's file holds: tensors for the auxiliary head, too."""
    tensors = Inception3(init_weights=False).state_dict()
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, *, progress=True, check_hash=True: tensors)
    return tensors


@pytest.mark.parametrize(
    "options",
    [{}, {"aux_logits": True}, {"aux_logits": False}, {"transform_input": False, "init_weights": True}],
    ids=str,
)
def test_with_weights_it_is_what_the_file_is_for(file, options):
    """The published network has its head and takes pictures as TensorFlow had them."""
    before = list(file)
    state = torch.get_rng_state()
    network = inception_v3(weights="DEFAULT", **options)
    assert torch.equal(torch.get_rng_state(), state)
    assert list(file) == before
    aux = options.get("aux_logits", True)
    assert (network.aux_logits, network.AuxLogits is not None) == (aux, aux)
    assert network.transform_input is options.get("transform_input", True)
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, file[key])
    assert len(network.state_dict()) == (len(file) if aux else len(file) - 14)


@pytest.mark.parametrize(
    ("change", "aux_logits"),
    [("missing: AuxLogits.fc.bias", True), ("missing: fc.bias", False), ("unexpected: Aux.fc.bias", False)],
)
def test_only_the_heads_tensors_may_be_too_many(file, change, aux_logits):
    what, _, key = change.partition(": ")
    file.pop(key) if what == "missing" else file.update({key: torch.zeros(1)})
    with pytest.raises(MismatchError, match=f"1 {change}"):
        inception_v3(weights="DEFAULT", aux_logits=aux_logits)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@torch.no_grad()
def test_training_gives_the_heads_scores_too():
    options = {"num_classes": 4, "transform_input": True, "init_weights": False}
    network = Inception3(**options)
    expected = torchvision().models.Inception3(**options)
    expected.load_state_dict(network.state_dict())
    scripted = torch.jit.script(copy.deepcopy(network))
    pictures = torch.rand(2, 3, 299, 299)
    answers = []
    for each in (network, expected, scripted):
        torch.manual_seed(0)
        answers.append(each(pictures))
    assert isinstance(answers[0], InceptionOutputs)
    assert {each._fields for each in answers} == {("logits", "aux_logits")}
    for ours, theirs, of_script in zip(*answers, strict=True):
        assert torch.equal(ours, theirs)
        assert torch.equal(ours, of_script)


def test_training_with_the_head_turned_off_gives_one_tensor():
    """Both ways in which torchvision's users do it."""
    network = Inception3(num_classes=4, init_weights=False)
    network.aux_logits = False
    network.AuxLogits = None
    pictures = torch.rand(2, 3, 75, 75)
    for each in (network, Inception3(num_classes=4, aux_logits=False, init_weights=False)):
        assert each(pictures).shape == (2, 4)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@torch.no_grad()
def test_scripted_it_has_one_type_of_answer():
    network = Inception3(num_classes=4, init_weights=False).eval()
    pictures = torch.rand(2, 3, 75, 75)
    answer = torch.jit.script(network)(pictures)
    assert torch.equal(answer.logits, network(pictures))
    assert answer.aux_logits is None


def test_outputs_are_pickled():
    outputs = pickle.loads(pickle.dumps(InceptionOutputs(torch.ones(1), None)))
    assert isinstance(outputs, InceptionOutputs)
    assert torch.equal(outputs.logits, torch.ones(1))
    assert outputs.aux_logits is None


@pytest.mark.filterwarnings("ignore:The default weight initialization of inception_v3:FutureWarning")
@pytest.mark.parametrize("init_weights", [None, False])
def test_initial_tensors_are_torchvisions_and_no_warning_is_given(init_weights, recwarn):
    torch.manual_seed(0)
    ours = Inception3(num_classes=4, init_weights=init_weights), torch.rand(1)
    assert not recwarn.list
    torch.manual_seed(0)
    expected = torchvision().models.Inception3(num_classes=4, init_weights=init_weights), torch.rand(1)
    assert torch.equal(ours[1], expected[1])
    state, expected_state = ours[0].state_dict(), expected[0].state_dict()
    assert list(state) == list(expected_state)
    assert all(torch.equal(state[key], expected_state[key]) for key in state)


@pytest.mark.parametrize("name", [*BLOCKS, "InceptionAux"])
def test_a_block_is_torchvisions_and_may_have_other_convolutions(name):
    extra = {"InceptionA": (8,), "InceptionC": (12,), "InceptionAux": (5,)}.get(name, ())
    x = torch.rand(1, 16, 17, 17)
    for conv_block in (None, nn.Conv2d):
        outcomes = []
        for module in (inception, torchvision().models.inception):
            torch.manual_seed(0)
            block = getattr(module, name)(16, *extra, conv_block=conv_block).eval()
            outcomes.append((repr(block), block(x)))
        (text, answer), (expected_text, expected) = outcomes
        assert text == expected_text
        assert torch.equal(answer, expected)
        assert ("BasicConv2d" in text) == (conv_block is None)


@pytest.mark.parametrize("given", [0, 6, 8])
def test_another_number_of_blocks_is_an_error(given):
    with pytest.raises(ValueError, match=f"inception_blocks takes seven: .* got {given}"):
        Inception3(inception_blocks=[BasicConv2d] * given)


def test_blocks_may_be_given_and_say_how_they_start():
    class Head(InceptionAux):
        def __init__(self, in_channels, num_classes):
            super().__init__(in_channels, num_classes)
            self.fc.stddev = 0.5

    blocks = [BasicConv2d, *(getattr(inception, name) for name in BLOCKS), Head]
    network = Inception3(inception_blocks=blocks)
    assert isinstance(network.AuxLogits, Head)
    assert network.AuxLogits.fc.weight.std().item() == pytest.approx(0.5, rel=0.01)
    assert network.fc.weight.std().item() == pytest.approx(0.1, rel=0.01)
