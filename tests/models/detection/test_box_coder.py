import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.errors import InputError
from multiweight.models.detection.box_coder import BoxCoder, BoxLinearCoder, encode_boxes
from tests.models.detection.single_stage import theirs


def boxes(count, seed, dtype=torch.float32):
    numbers = torch.rand(count, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 100
    return torch.cat((numbers[:, :2], numbers[:, :2] + numbers[:, 2:] + 0.5), 1).to(dtype)


def codes(*shape, seed, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype) * 3


WEIGHTS = [(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)]
DTYPES = [torch.float32, torch.float64, torch.bfloat16]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=3).filter(any),
    st.integers(1, 3),
    st.sampled_from(WEIGHTS),
    st.sampled_from(DTYPES),
    st.integers(0, 99),
)
def test_coder_is_torchvisions(counts, classes, weights, dtype, seed):
    coder, other = BoxCoder(weights), theirs("box_coder").BoxCoder(weights)
    references = [boxes(count, seed + index, dtype) for index, count in enumerate(counts)]
    proposals = [boxes(count, seed + index + 9, dtype) for index, count in enumerate(counts)]
    encoded, expected = coder.encode(references, proposals), other.encode(references, proposals)
    assert [len(each) for each in encoded] == counts
    assert all(map(torch.equal, encoded, expected))
    given = codes(sum(counts), 4 * classes, seed=seed, dtype=dtype)
    assert torch.equal(coder.decode(given, proposals), other.decode(given, proposals))
    flat = torch.cat(proposals)
    assert torch.equal(coder.decode_single(given, flat), other.decode_single(given, flat))
    assert coder.decode(given, proposals).shape == (sum(counts), classes, 4)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 20), st.booleans(), st.sampled_from(DTYPES), st.integers(0, 99))
def test_linear_coder_is_torchvisions(count, normalise, dtype, seed):
    coder, other = BoxLinearCoder(normalise), theirs("box_coder").BoxLinearCoder(normalise)
    anchors, objects = boxes(count, seed, dtype), boxes(count, seed + 1, dtype)
    assert torch.equal(coder.encode(anchors, objects), other.encode(anchors, objects))
    given = codes(count, 4, seed=seed, dtype=dtype)
    assert torch.equal(coder.decode(given, anchors), other.decode(given, anchors))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_decoding_undoes_encoding(weights):
    coder, objects, anchors = BoxCoder(weights), boxes(50, 1, torch.float64), boxes(50, 2, torch.float64)
    back = coder.decode_single(coder.encode_single(objects, anchors), anchors)
    torch.testing.assert_close(back, objects)
    assert torch.equal(
        encode_boxes(objects, anchors, torch.tensor(weights).double()), coder.encode_single(objects, anchors)
    )


@pytest.mark.parametrize("normalise", [True, False])
def test_linear_decoding_undoes_encoding(normalise):
    coder, objects, anchors = BoxLinearCoder(normalise), boxes(50, 1, torch.float64), boxes(50, 2, torch.float64)
    torch.testing.assert_close(coder.decode(coder.encode(anchors, objects), anchors), objects)


def test_linear_codes_are_distances_of_sides():
    anchor, other = torch.tensor([[0.0, 0.0, 10.0, 20.0]]), torch.tensor([[1.0, 2.0, 9.0, 15.0]])
    assert BoxLinearCoder(normalize_by_size=False).encode(anchor, other).tolist() == [[4, 8, 4, 5]]
    assert BoxLinearCoder().encode(anchor, other)[0].tolist() == pytest.approx([0.4, 0.4, 0.4, 0.25])


def test_sizes_are_bounded():
    anchor, wild = torch.tensor([[0.0, 0.0, 16.0, 16.0]]), torch.tensor([[0.0, 0.0, 1e4, 1e4]])
    side = BoxCoder((1.0, 1.0, 1.0, 1.0)).decode_single(wild, anchor)
    assert (side[0, 2] - side[0, 0]).item() == pytest.approx(1000)
    narrow = BoxCoder((1.0, 1.0, 1.0, 1.0), bbox_xform_clip=math.log(2)).decode_single(wild, anchor)
    assert (narrow[0, 2] - narrow[0, 0]).item() == pytest.approx(32)


def test_no_boxes_keep_their_classes():
    coder = BoxCoder(WEIGHTS[0])
    assert coder.decode(torch.zeros(0, 12), [torch.zeros(0, 4)]).shape == (0, 3, 4)
    assert coder.encode([torch.zeros(0, 4)], [torch.zeros(0, 4)])[0].shape == (0, 4)


def test_one_tensor_of_boxes_is_a_sentence():
    with pytest.raises(InputError, match="list of boxes"):
        BoxCoder(WEIGHTS[0]).decode(torch.zeros(2, 4), torch.zeros(2, 4))
