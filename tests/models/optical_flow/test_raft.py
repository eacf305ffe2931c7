"""What is particular to RAFT; that it is torchvision's, bit for bit and live."""

import copy
import inspect
import pickle
import threading

import pytest
import torch
from torch import nn

from multiweight.catalogue import WeightsEnum
from multiweight.errors import InputError, MismatchError
from multiweight.models import optical_flow
from multiweight.models.optical_flow import grids, raft, upsampling
from multiweight.models.optical_flow.raft import (
    RAFT,
    BottleneckBlock,
    ConvGRU,
    CorrBlock,
    FeatureEncoder,
    FlowHead,
    MaskPredictor,
    MotionEncoder,
    RecurrentBlock,
    ResidualBlock,
    UpdateBlock,
    raft_large,
    raft_small,
)
from tests.reference import torchvision

VARIANTS = ["raft_large", "raft_small"]


def reference():
    return torchvision().models.optical_flow.raft


def pair(height=128, width=128, n=1):
    """Noise and the noise that came of it when it moved."""
    first = torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(3)) * 2 - 1
    return first, first.roll((1, 2), (2, 3))


def seeded(make, module):
    torch.manual_seed(7)
    return make(module), torch.rand(1)


def assert_same_tensors(ours, expected):
    ours, expected = list(ours), list(expected)
    assert [key for key, _ in ours] == [key for key, _ in expected]
    for (key, one), (_, other) in zip(ours, expected, strict=True):
        assert (one is None) == (other is None), key
        assert one is None or torch.equal(one, other), key


def assert_twins(make, *inputs):
    """The same modules, tensors, draws, answers, running means and gradients as torchvision's.

    Args:
        make: From our module and torchvision's to a network.
        *inputs: What it takes.

    Returns:
        Our network, in evaluation.
    """
    (ours, drawn), (expected, expected_drawn) = seeded(make, raft), seeded(make, reference())
    assert torch.equal(drawn, expected_drawn)
    assert [(name, type(module).__name__) for name, module in ours.named_modules()] == [
        (name, type(module).__name__) for name, module in expected.named_modules()
    ]
    assert_same_tensors(ours.state_dict().items(), expected.state_dict().items())
    for training in (True, False):
        answers = []
        for network in (ours, expected):
            answer = network.train(training)(*inputs)
            answers.append([answer] if isinstance(answer, torch.Tensor) else list(answer))
            sum(each.square().mean() for each in answers[-1]).backward()
        assert len(answers[0]) == len(answers[1])
        assert all(map(torch.equal, *answers))
        assert_same_tensors(ours.named_buffers(), expected.named_buffers())
        gradients = [((name, each.grad) for name, each in network.named_parameters()) for network in (ours, expected)]
        assert_same_tensors(*gradients)
    return ours


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request):
    return request.param


@pytest.fixture(scope="module")
def network(variant):
    torch.manual_seed(0)
    return getattr(optical_flow, variant)().eval().requires_grad_(False)


def test_the_parts_can_be_given_by_name(variant):
    def make(module):
        parts = {
            "feature_encoder": module.FeatureEncoder(layers=(8, 8, 8, 12, 20), norm_layer=nn.BatchNorm2d),
            "corr_block": module.CorrBlock(num_levels=3, radius=2),
            "mask_predictor": module.MaskPredictor(
                in_channels=128 if variant == "raft_large" else 96, hidden_size=4, multiplier=1.0
            ),
        }
        return getattr(module, variant)(**parts, update_block=None)

    network = assert_twins(make, *pair(64, 72), 2)
    assert network.corr_block.num_levels == 3


def whole(module):
    """A RAFT made part by part, with everything away from its default."""
    state, corr = 6, module.CorrBlock(num_levels=2, radius=1)
    encoder = {"block": module.BottleneckBlock, "strides": (1, 2, 2, 2)}
    return module.RAFT(
        feature_encoder=module.FeatureEncoder(layers=(8, 8, 8, 8, 9), norm_layer=None, **encoder),
        context_encoder=module.FeatureEncoder(layers=(8, 8, 8, 8, 11), norm_layer=nn.BatchNorm2d, **encoder),
        corr_block=corr,
        update_block=module.UpdateBlock(
            motion_encoder=module.MotionEncoder(
                in_channels_corr=corr.out_channels, corr_layers=(5,), flow_layers=(4, 3), out_channels=7
            ),
            recurrent_block=module.RecurrentBlock(input_size=12, hidden_size=state, kernel_size=(3,), padding=(1,)),
            flow_head=module.FlowHead(in_channels=state, hidden_size=5),
        ),
    )


def test_any_raft_is_torchvisions():
    assert_twins(whole, *pair(32, 40, n=3), 3)


@pytest.mark.parametrize(
    ("make", "sizes"),
    [
        (lambda m: m.ResidualBlock(8, 8, norm_layer=nn.BatchNorm2d), [(2, 8, 9, 7)]),
        (lambda m: m.ResidualBlock(8, 8, norm_layer=None, always_project=True), [(2, 8, 9, 7)]),
        (lambda m: m.ResidualBlock(8, 12, norm_layer=nn.InstanceNorm2d, stride=2), [(2, 8, 9, 7)]),
        (lambda m: m.BottleneckBlock(8, 8, norm_layer=nn.InstanceNorm2d), [(2, 8, 9, 7)]),
        (lambda m: m.BottleneckBlock(8, 12, norm_layer=nn.BatchNorm2d, stride=2), [(2, 8, 9, 7)]),
        (lambda m: m.FeatureEncoder(), [(1, 3, 16, 24)]),
        (lambda m: m.MotionEncoder(in_channels_corr=5), [(2, 2, 9, 7), (2, 5, 9, 7)]),
        (
            lambda m: m.ConvGRU(input_size=5, hidden_size=4, kernel_size=(1, 3), padding=(0, 1)),
            [(2, 4, 9, 7), (2, 5, 9, 7)],
        ),
        (lambda m: m.RecurrentBlock(input_size=5, hidden_size=4), [(2, 4, 9, 7), (2, 5, 9, 7)]),
        (lambda m: m.FlowHead(in_channels=5, hidden_size=4), [(2, 5, 9, 7)]),
        (lambda m: m.MaskPredictor(in_channels=5, hidden_size=4), [(2, 5, 9, 7)]),
    ],
)
def test_every_block_is_torchvisions(make, sizes):
    random = torch.Generator().manual_seed(1)
    assert_twins(make, *[torch.rand(size, generator=random) - 0.5 for size in sizes])


@pytest.mark.parametrize(
    "block",
    [
        *(
            ResidualBlock,
            BottleneckBlock,
            FeatureEncoder,
            MotionEncoder,
            ConvGRU,
            RecurrentBlock,
            FlowHead,
            UpdateBlock,
        ),
        *(MaskPredictor, CorrBlock, RAFT),
    ],
)
def test_parameters_are_torchvisions(block):
    parameters = inspect.signature(block).parameters.values()
    expected = inspect.signature(getattr(reference(), block.__name__)).parameters.values()
    assert [(each.name, each.kind) for each in parameters] == [(each.name, each.kind) for each in expected]
    for ours, theirs in zip(parameters, expected, strict=True):
        assert ours.default == theirs.default or ours.default.__name__ == theirs.default.__name__


@pytest.mark.parametrize("levels", [1, 2, 4])
@pytest.mark.parametrize("radius", [1, 4])
def test_looks_are_torchvisions(levels, radius):
    random = torch.Generator().manual_seed(levels)
    first, second = (torch.rand(2, 12, 16, 19, generator=random) - 0.5 for _ in range(2))
    places = torch.rand(2, 2, 16, 19, generator=random) * 30 - 5
    looks = []
    for module in (raft, reference()):
        block = module.CorrBlock(num_levels=levels, radius=radius)
        block.build_pyramid(first, second)
        looks.append(block.index_pyramid(centroids_coords=places))
        assert looks[-1].shape == (2, block.out_channels, 16, 19)
        assert looks[-1].is_contiguous()
    assert torch.equal(*looks)


def test_a_look_is_the_correlation_with_what_is_around():
    first, second = torch.rand(1, 4, 4, 5), torch.rand(1, 4, 4, 5)
    block = CorrBlock(num_levels=1, radius=1)
    pyramid = block.build_pyramid(first, second)
    looks = block.index_pyramid(grids.make_coords_grid(1, 4, 5), pyramid)
    padded = nn.functional.pad(second, [1, 1, 1, 1])
    for x in range(3):  # to the right, the slower one
        for y in range(3):
            expected = (first * padded[..., y : y + 4, x : x + 5]).sum(1) / 2
            torch.testing.assert_close(looks[:, 3 * x + y], expected)


def test_grids_are_torchvisions():
    theirs = torchvision().models.optical_flow._utils
    assert torch.equal(grids.make_coords_grid(2, 3, 5), theirs.make_coords_grid(2, 3, 5))
    img, places = torch.rand(2, 3, 6, 7), torch.rand(2, 4, 5, 2) * 10 - 2
    for align_corners in (True, False):
        for mode in ("bilinear", "nearest"):
            for rows in (6, 1):
                options = {"mode": mode, "align_corners": align_corners}
                expected = theirs.grid_sample(img[:, :, :rows], places, **options)
                assert torch.equal(grids.grid_sample(img[:, :, :rows], places, **options), expected)


def test_values_at_places_in_pixels():
    img = torch.arange(12.0).view(1, 1, 3, 4)
    places = torch.tensor([[[[0.0, 0.0], [3.0, 2.0], [1.5, 1.0], [-1.0, 0.0]]]])
    assert grids.grid_sample(img, places, align_corners=True).flatten().tolist() == pytest.approx([0, 11, 5.5, 0])
    assert grids.grid_sample(img.bfloat16(), places, align_corners=True).dtype == torch.float32


@pytest.mark.parametrize("factor", [2, 8])
def test_upsampling_is_torchvisions(factor):
    theirs = torchvision().models.optical_flow._utils
    flow = torch.rand(2, 2, 4, 5)
    mask = torch.randn(2, 9 * factor**2, 4, 5)
    for given in (None, mask):
        expected = theirs.upsample_flow(flow, given, factor)
        assert torch.equal(upsampling.upsample_flow(flow, given, factor), expected)


def test_upsampling_takes_the_vector_that_the_mask_says():
    flow = torch.rand(1, 2, 4, 5)
    mask = torch.zeros(1, 9, 64, 4, 5)
    mask[:, 4] = 100  # the middle of the nine
    expected = 8 * flow.repeat_interleave(8, 2).repeat_interleave(8, 3)
    torch.testing.assert_close(upsampling.upsample_flow(flow, mask.view(1, 576, 4, 5)), expected)


def test_the_number_of_steps(network):
    flows = network(*pair(n=2), num_flow_updates=3)
    assert [flow.shape for flow in flows] == [(2, 2, 128, 128)] * 3
    assert torch.equal(network(*pair(n=2), 1)[0], flows[0])
    assert network(*pair(), 0) == []


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ((1, 3, 128, 128), (1, 3, 128, 136), r"one shape; got \[1, 3, 128, 128\] and \[1, 3, 128, 136\]"),
        ((2, 3, 128, 128), (1, 3, 128, 128), "one shape"),
        ((3, 128, 128), (3, 128, 128), r"batches of pictures \(N, 3, H, W\)"),
        ((1, 3, 130, 129), (1, 3, 130, 129), "multiples of 8 pixels; got 130 by 129. .*pad_to_multiple"),
        ((1, 3, 120, 128), (1, 3, 120, 128), "at least 128 by 128 pixels; got 120 by 128"),
        ((1, 3, 128, 8), (1, 3, 128, 8), "at least 128 by 128 pixels; got 128 by 8"),
    ],
)
def test_pictures_that_cannot_be(network, first, second, text):
    with pytest.raises(InputError, match=text):
        network(torch.zeros(first), torch.zeros(second))


def test_features_that_cannot_be():
    block = CorrBlock(num_levels=3)
    with pytest.raises(InputError, match=r"one shape; got \[1, 4, 16, 16\] and \[1, 4, 16, 17\]"):
        block.build_pyramid(torch.zeros(1, 4, 16, 16), torch.zeros(1, 4, 16, 17))
    with pytest.raises(InputError, match="at least 8 by 8 pixels, so pictures of 64 by 64; the features are 9 by 7"):
        block.build_pyramid(torch.zeros(1, 4, 9, 7), torch.zeros(1, 4, 9, 7))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: FeatureEncoder(layers=(1, 2, 3)), r"five numbers of channels; got 3: \(1, 2, 3\)"),
        (lambda: MotionEncoder(in_channels_corr=1, corr_layers=()), "one or two numbers of channels; got 0"),
        (lambda: MotionEncoder(in_channels_corr=1, flow_layers=(1,)), r"flow_layers are two .*got 1: \(1,\)"),
        (lambda: RecurrentBlock(input_size=1, hidden_size=1, kernel_size=(3,)), "one a unit; got 1 and 2"),
        (lambda: RecurrentBlock(input_size=1, hidden_size=1, kernel_size=(), padding=()), "got 0 and 0"),
        (lambda: raft_small(update_block=nn.Identity()), "hidden_state_size; this Identity has none"),
    ],
)
def test_parts_that_cannot_be(make, text):
    with pytest.raises(ValueError, match=text):
        make()


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (
            {"feature_encoder": FeatureEncoder(strides=(1, 1, 2, 2))},
            "feature_encoder .* eighth .* 16 by 16; got 32 by 32",
        ),
        ({"context_encoder": FeatureEncoder(strides=(2, 2, 2, 2))}, "context_encoder .* 16 by 16; got 8 by 8"),
        ({"context_encoder": FeatureEncoder(layers=(64, 64, 96, 128, 96))}, "96 channels; .* more than the 96 of the"),
    ],
)
def test_encoders_that_do_not_fit(part, text):
    with pytest.raises(ValueError, match=text):
        raft_small(**part)(*pair(), 1)


def test_unknown_parts_are_refused():
    with pytest.raises(TypeError, match=r"has no argument 'corr_blok'. Did you mean corr_block\?"):
        raft_small(corr_blok=None)


class OldCorrBlock(nn.Module):
    """As torchvision's: it keeps what it built, and is not handed it."""

    def __init__(self):
        super().__init__()
        self.block = CorrBlock(num_levels=2, radius=3)
        self.out_channels = self.block.out_channels

    def build_pyramid(self, fmap1, fmap2):
        self.kept = self.block.build_pyramid(fmap1, fmap2)

    def index_pyramid(self, centroids_coords):
        return self.block.index_pyramid(centroids_coords, self.kept)


def test_a_block_of_torchvisions_kind_serves_too():
    torch.manual_seed(0)
    old = raft_small(corr_block=OldCorrBlock()).eval()
    torch.manual_seed(0)
    new = raft_small(corr_block=CorrBlock(num_levels=2, radius=3)).eval()
    with torch.no_grad():
        assert all(map(torch.equal, old(*pair(), 2), new(*pair(), 2)))
    torch.manual_seed(0)
    theirs = raft_small(corr_block=reference().CorrBlock(num_levels=2, radius=3)).eval()
    with torch.no_grad():
        assert all(map(torch.equal, theirs(*pair(), 2), new(*pair(), 2)))


def test_nothing_is_kept_of_a_call(network):
    before = len(pickle.dumps(network))
    network(*pair(), 1)
    assert network.corr_block.corr_pyramid == []
    assert len(pickle.dumps(network)) == before
    training = copy.deepcopy(network).requires_grad_(True)
    training(*pair(), 1)
    copy.deepcopy(training)  # not with tensors of the graph in it


def test_one_network_serves_several_threads():
    network = raft_small().eval().requires_grad_(False)
    pairs = [pair(128, 128 + 8 * number) for number in range(3)]
    expected = [network(*each, 2) for each in pairs]
    answers = {}

    def work(number):
        for _ in range(2):
            answers[number] = network(*pairs[number], 2)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, flows in enumerate(expected):
        assert all(map(torch.equal, answers[number], flows))


def test_copies_and_pickles(network):
    expected = network(*pair(), 1)[0]
    for again in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(again(*pair(), 1)[0], expected)


def test_dtypes(network):
    first, second = pair()
    expected = network(first, second, 2)
    doubles = copy.deepcopy(network).double()(first.double(), second.double(), 2)
    assert {flow.dtype for flow in doubles} == {torch.float64}
    halves = copy.deepcopy(network).bfloat16()(first.bfloat16(), second.bfloat16(), 2)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = network(first, second, 2)
    assert {flow.dtype for flow in (*halves, *mixed)} == {torch.float32}
    for flows, error in ((doubles, 1e-4), (halves, 0.03), (mixed, 0.03)):
        for flow, wanted in zip(flows, expected, strict=True):
            assert (flow - wanted).norm() / wanted.norm() < error


def test_gradients_reach_everything_but_the_places():
    network = whole(raft).train()
    network(*pair(32, 40), 2)[-1].sum().backward()
    assert all(each.grad is not None for each in network.parameters())


def test_parts_that_do_not_fit_the_weights(monkeypatch):
    expected = raft_small().state_dict()
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: expected)
    raft_small(weights="DEFAULT", corr_block=CorrBlock(radius=3))
    with pytest.raises(MismatchError, match="misshapen: update_block"):
        raft_small(weights="DEFAULT", corr_block=CorrBlock(radius=2))


def test_options_are_none_for_the_variants_own():
    torch.manual_seed(0)
    network = raft_large(feature_encoder=None, mask_predictor=None)
    torch.manual_seed(0)
    assert_same_tensors(network.state_dict().items(), raft_large().state_dict().items())
