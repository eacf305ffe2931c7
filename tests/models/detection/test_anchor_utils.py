import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.errors import InputError
from multiweight.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from multiweight.models.detection.image_list import ImageList
from tests.models.detection.single_stage import theirs

DTYPES = [torch.float32, torch.float64, torch.bfloat16]


def inputs(levels, dtype=torch.float32, height=100, width=133):
    sizes = [(13, 17), (7, 9), (3, 5)][:levels]
    maps = [torch.zeros(2, 4, *size, dtype=dtype) for size in sizes]
    return ImageList(torch.zeros(2, 3, height, width), [(height, width), (height - 9, 80)]), maps


def assert_same_boxes(given, expected):
    for boxes, others in zip(given, expected, strict=True):
        assert boxes.dtype == others.dtype
        assert torch.equal(boxes, others)


numbers = st.floats(1, 200, width=32)
shapes = st.one_of(
    st.lists(st.lists(numbers, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple),
    st.lists(numbers, min_size=1, max_size=3).map(tuple),
)
ratios = st.lists(st.floats(0.125, 5, width=32), min_size=1, max_size=3).map(tuple)


@settings(deadline=None, max_examples=40)
@given(shapes, ratios, st.sampled_from(DTYPES))
def test_anchors_are_torchvisions(sizes, ratios, dtype):
    generator, other = (module(sizes, ratios) for module in (AnchorGenerator, theirs("anchor_utils").AnchorGenerator))
    assert generator.num_anchors_per_location() == other.num_anchors_per_location()
    assert (generator.sizes, generator.aspect_ratios) == (other.sizes, other.aspect_ratios)
    assert_same_boxes(generator(*inputs(len(sizes), dtype)), other(*inputs(len(sizes), dtype)))
    assert_same_boxes(generator.cell_anchors, other.cell_anchors)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.floats(0.5, 4), max_size=2), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(DTYPES),
)
def test_default_boxes_are_torchvisions(aspect_ratios, steps, scales, clip, dtype):
    levels = len(aspect_ratios)
    options = {
        "aspect_ratios": aspect_ratios,
        "min_ratio": 0.2,
        "steps": [8, 15, 33][:levels] if steps else None,
        "scales": [0.1, 0.4, 0.7, 1.2][: levels + 1] if scales else None,
        "clip": clip,
    }
    generator, other = (
        module(**options) for module in (DefaultBoxGenerator, theirs("anchor_utils").DefaultBoxGenerator)
    )
    assert generator.num_anchors_per_location() == other.num_anchors_per_location()
    assert list(generator.scales) == list(other.scales)
    assert repr(generator) == repr(other)
    assert_same_boxes(generator(*inputs(levels, dtype)), other(*inputs(levels, dtype)))


def test_anchors_lie_around_the_places_of_a_map():
    generator = AnchorGenerator(((10,),), ((1.0,),))
    (boxes,) = generator.grid_anchors([[2, 3]], [[8, 4]])
    assert boxes[0].tolist() == [-5, -5, 5, 5]
    assert boxes[1].tolist() == [-1, -5, 9, 5]  # the next column, 4 pixels on
    assert boxes[3].tolist() == [-5, 3, 5, 13]  # the next row, 8 pixels down


def test_anchors_of_pictures_are_their_own():
    one, other = AnchorGenerator()(*inputs(1))
    one.zero_()
    assert other.any()


@pytest.mark.parametrize("generator", [AnchorGenerator((8, 16), (1.0, 2.0)), DefaultBoxGenerator([[2], [2, 3]])])
def test_copies_make_the_same_boxes(generator):
    before = generator(*inputs(2))
    for clone in (copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))):
        assert_same_boxes(clone(*inputs(2)), before)
    assert not generator.state_dict()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: AnchorGenerator(((8,), (16,)), ((1.0,),)), "as many feature maps; got 2 and 1"),
        (lambda: DefaultBoxGenerator([[2], [2]], steps=[8]), "steps must be one for each of the 2 feature maps; got 1"),
        (lambda: DefaultBoxGenerator([[2], [2]], scales=[0.1, 0.2]), "and one more; got 2"),
    ],
)
def test_mistakes_are_sentences(call, text):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize("generator", [AnchorGenerator(), DefaultBoxGenerator([[2]])])
def test_another_number_of_maps_is_a_sentence(generator):
    with pytest.raises(InputError, match="for 1 feature maps"):
        generator(*inputs(2))
