"""Region pooling is what its definition says, in memory that does not depend on the regions' sizes."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.layers import roi_align
from tests import reference

# 1/37 keeps places off the edge of the map, where the value jumps and the last bit decides.
places = st.integers(-200, 400).map(lambda number: number / 8 + 1 / 37)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 1), places, places, places, places), max_size=6),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.sampled_from([0.25, 0.3, 1.0]),
    st.integers(-1, 5),
    st.booleans(),
    st.booleans(),
)
def test_equals_the_definition(regions, size, scale, ratio, aligned, channels_last):
    """Boxes inside, outside, across the border, inside out, without area."""
    features = torch.randn(2, 3, 9, 14, generator=torch.Generator().manual_seed(0))
    if channels_last:
        features = features.contiguous(memory_format=torch.channels_last)
    rois = torch.tensor(regions, dtype=torch.float64).reshape(-1, 5)
    expected = reference.roi_align(features.double(), rois, scale, *size, ratio, aligned)
    got = roi_align(features, rois, size, scale, ratio, aligned)
    assert got.dtype == torch.float32
    assert got.shape == expected.shape
    assert (got - expected).abs().amax().item() < 2e-6 if len(rois) else True
    assert torch.allclose(roi_align(features.double(), rois, size, scale, ratio, aligned), expected, atol=1e-12)


@pytest.mark.parametrize("ratio", [2, -1])
def test_exact_far_from_the_corner(ratio):
    """A place in float32 would be off by 6e-5 here."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 2, 4, 1400, generator=generator)
    start = torch.rand(50, 2, generator=generator) * torch.tensor([1300.0, 2])
    rois = torch.cat((torch.zeros(50, 1), start, start + torch.rand(50, 2, generator=generator) * 90), 1)
    expected = reference.roi_align(features.double(), rois.double(), 1.0, 7, 7, ratio, True)
    assert (roi_align(features, rois, 7, 1.0, ratio, True) - expected).abs().max() < 2e-6


@pytest.mark.parametrize("ratio", [1, 3, 0])
@pytest.mark.parametrize("aligned", [False, True])
def test_gradients(ratio, aligned):
    features = torch.randn(2, 2, 6, 8, dtype=torch.float64, requires_grad=True)
    boxes = [
        torch.tensor([[1.2, 0.7, 9.1, 8.3], [-4.0, -3.1, 30.2, 21.7], [5.5, 5.5, 5.5, 5.5]], dtype=torch.float64),
        torch.tensor([[3.3, 2.2, 14.9, 11.1]], dtype=torch.float64),
    ]
    assert torch.autograd.gradcheck(lambda given: roi_align(given, boxes, (3, 2), 0.5, ratio, aligned), features)


@pytest.mark.parametrize("ratio", [2, -1])
def test_boxes_get_no_gradient(ratio):
    boxes = torch.tensor([[0.0, 1, 1, 5, 5]], requires_grad=True)
    assert not roi_align(torch.rand(1, 2, 8, 8), boxes, 3, 1.0, ratio).requires_grad
    features = torch.rand(1, 2, 8, 8, requires_grad=True)
    roi_align(features, boxes, 3, 1.0, ratio).sum().backward()
    assert boxes.grad is None
    assert features.grad.sum() == pytest.approx(2 * 9)


@pytest.mark.parametrize("ratio", [2, 5, -1])
@pytest.mark.parametrize("kept", [[], [1]])
def test_pictures_without_boxes(ratio, kept):
    features = torch.rand(2, 3, 8, 8)
    boxes = [torch.rand(0, 4), torch.tensor([[1.0, 1, 6, 6]])[: len(kept)]]
    got = roi_align(features, boxes, (2, 5), 1.0, ratio)
    assert got.shape == (len(kept), 3, 2, 5)
    rois = torch.tensor([[1.0, 1, 1, 6, 6]])[: len(kept)]
    assert torch.equal(got, roi_align(features, rois, (2, 5), 1.0, ratio))


@pytest.mark.parametrize("ratio", [2, -1])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_places_that_are_none_give_zeros(ratio, number):
    box = torch.tensor([[0, 1, number, 5, abs(number)]])
    assert roi_align(torch.ones(1, 2, 8, 8), box, 3, 1.0, ratio).abs().sum() == 0


@pytest.mark.parametrize("ratio", [2, -1])
def test_huge_boxes_are_defined_and_cheap(ratio):
    """Only the points inside the map are looked at: a cell of 1e9 pixels would have as many."""
    boxes = torch.tensor([[0, -1e10, -1e10, 1e10, 1e10], [0, 1e30, 1e30, 3e38, 3e38]])
    got = roi_align(torch.ones(1, 1, 8, 8), boxes, 7, 1.0, ratio)
    assert got.isfinite().all()
    assert got.abs().max() < 1e-6 if ratio < 0 else True


def test_many_regions_of_every_size_make_several_rounds():
    """More points than are listed at a time, for regions that are padded to each other's size."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 2, 120, 150, generator=generator, dtype=torch.float64)
    start = torch.rand(150, 2, generator=generator, dtype=torch.float64) * 100
    ends = start + torch.rand(150, 2, generator=generator, dtype=torch.float64) ** 4 * 120
    rois = torch.cat((torch.randint(0, 2, (150, 1), generator=generator), start, ends), 1)
    expected = reference.roi_align(features, rois, 1.0, 3, 4, -1, False)
    given = features.requires_grad_()
    got = roi_align(given, rois, (3, 4), 1.0, -1)
    assert torch.allclose(got, expected, atol=1e-12)
    weights = torch.randn(expected.shape, generator=generator, dtype=torch.float64)
    (own,) = torch.autograd.grad((got * weights).sum(), given)
    other = features.detach().requires_grad_()
    loss = (reference.roi_align(other, rois, 1.0, 3, 4, -1, False) * weights).sum()
    assert torch.allclose(own, torch.autograd.grad(loss, other)[0], atol=1e-12)


@pytest.mark.parametrize("ratio", [2, -1])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_16_bit_features_are_pooled_in_float32(ratio, dtype):
    features = torch.randn(1, 4, 20, 20, generator=torch.Generator().manual_seed(0)).to(dtype)
    boxes = torch.tensor([[0, 1.3, 2.7, 17.9, 15.1]])
    expected = roi_align(features.float(), boxes, 7, 1.0, ratio).to(dtype)
    assert torch.equal(roi_align(features, boxes, 7, 1.0, ratio), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(roi_align(features, boxes, 7, 1.0, ratio), expected)
        assert roi_align(features.float(), boxes, 7, 1.0, ratio).dtype == torch.float32


def test_the_memory_format_changes_nothing():
    features = torch.randn(2, 5, 30, 40)
    boxes = torch.tensor([[0, 3.0, 4, 25, 20], [1, 0, 0, 39, 29]])
    for ratio in (2, -1):
        other = features.contiguous(memory_format=torch.channels_last)
        assert torch.equal(roi_align(features, boxes, 7, 1.0, ratio), roi_align(other, boxes, 7, 1.0, ratio))


@pytest.mark.parametrize(
    ("features", "boxes", "text"),
    [
        (torch.zeros(3, 8, 8), torch.zeros(1, 5), r"\(N, C, H, W\); got \(3, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8), torch.zeros(1, 4), r"\(K, 5\).*got \(1, 4\)"),
        (torch.zeros(1, 3, 8, 8), [torch.zeros(1, 5)], r"\(K, 4\); got \(1, 5\)"),
        (torch.zeros(1, 3, 8, 8), [], "no picture"),
        (torch.zeros(1, 3, 8, 8), [torch.zeros(1, 4)] * 2, "2 pictures were given for 1"),
    ],
)
def test_wrong_shapes_get_a_sentence(features, boxes, text):
    with pytest.raises(ValueError, match=text):
        roi_align(features, boxes, 7)


def test_whole_numbers_are_no_features():
    with pytest.raises(TypeError, match=r"floating-point numbers; got torch\.int64"):
        roi_align(torch.zeros(1, 3, 8, 8, dtype=torch.int64), torch.zeros(1, 5), 7)


class Pooled(torch.nn.Module):
    def __init__(self, ratio):
        super().__init__()
        self.ratio = ratio

    def forward(self, features, boxes):
        return roi_align(features, boxes, (7, 5), 0.25, self.ratio)


@pytest.mark.parametrize("ratio", [2, -1])
def test_exported_for_any_number_of_regions_and_any_size(ratio):
    def scene(height, width, count):
        generator = torch.Generator().manual_seed(count)
        start = torch.rand(count, 2, generator=generator) * 60
        boxes = torch.cat((start, start + torch.rand(count, 2, generator=generator) * 60), 1)
        return torch.randn(2, 3, height, width, generator=generator), [boxes, boxes[1:] + 3]

    free = torch.export.Dim.DYNAMIC
    shapes = ({2: free, 3: free}, [{0: free}, {0: free}])
    program = torch.export.export(Pooled(ratio), scene(20, 30, 7), dynamic_shapes=shapes).module()
    for other in (scene(33, 17, 1), scene(9, 50, 40)):
        assert torch.equal(program(*other), Pooled(ratio)(*other))


def test_the_operator_keeps_torchs_rules():
    features = torch.rand(1, 30, 2, requires_grad=True)  # maps of 5 × 6 pixels
    corners = torch.tensor([[0.0, 0, 4, 4], [1, 1, 9, 3]])
    lengths = torch.tensor([5, 5]), torch.tensor([6, 6])
    arguments = (features, torch.tensor([0, 0]), corners, torch.ones(2), *lengths, 3, 2, False)
    torch.library.opcheck(torch.ops.multiweight.pool_adaptively.default, arguments)


MEMORY = """
import resource, torch
from multiweight.layers import roi_align
torch.set_num_threads(1)
features = torch.ones(1, 256, 400, 400)
boxes = torch.tensor([[0.0, 0, 0, 400, 400], [0, 10, 20, 300, 390], [0, 0, 0, 5, 400]]).repeat(10, 1)
roi_align(features[:, :, :10, :10], boxes[:1] / 40, 7)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert abs(roi_align(features, boxes, 7) - 1).max() < 2e-6
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_large_map_needs_little_memory():
    """The map has 156 MiB itself; torchvision's Python kernel would need 10 GB for a channel."""
    run = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 150
