"""What a detector does to pictures and answers, live against torchvision's."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.errors import InputError, InputTypeError
from multiweight.models.detection.image_list import ImageList
from multiweight.models.detection.transform import GeneralizedRCNNTransform, resize_boxes, resize_keypoints
from tests.models.detection.support import pictures, targets_for, theirs

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
sides = st.integers(8, 70)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.tuples(sides, sides), min_size=1, max_size=3),
    min_size=st.integers(20, 60) | st.lists(st.integers(20, 60), min_size=1, max_size=3),
    max_size=st.integers(60, 90),
    options=st.sampled_from([{}, {"size_divisible": 16}, {"fixed_size": (30, 41)}, {"_skip_resize": True}]),
    training=st.booleans(),
)
def test_pictures_and_targets_are_torchvisions(sizes, min_size, max_size, options, training):
    images = pictures(*sizes)
    given_targets = targets_for(images, objects=[number % 3 for number in range(len(images))])
    found = []
    for transform in (GeneralizedRCNNTransform, theirs()[0].transform.GeneralizedRCNNTransform):
        torch.manual_seed(0)
        each = transform(min_size, max_size, MEAN, STD, **options).train(training)
        batch, targets = each(images, given_targets)
        found.append((batch, targets, torch.rand(1), each(images)[1], repr(each)))
    (batch, targets, drawn, none, text), (expected, wanted, expected_drawn, _, expected_text) = found
    assert torch.equal(batch.tensors, expected.tensors)
    assert batch.image_sizes == [tuple(size) for size in expected.image_sizes]
    assert torch.equal(drawn, expected_drawn)
    assert none is None
    assert text == expected_text or not isinstance(min_size, int)
    for one, other in zip(targets, wanted, strict=True):
        assert list(one) == list(other)
        assert all(torch.equal(one[key], other[key]) and one[key].dtype == other[key].dtype for key in one)


@settings(max_examples=40, deadline=None)
@given(st.tuples(sides, sides), st.tuples(sides, sides), st.integers(0, 3), st.integers(0, 2**31))
def test_answers_are_torchvisions(seen, original, count, seed):
    generator = torch.Generator().manual_seed(seed)
    low, extent = (torch.rand(count, 2, generator=generator) * 0.5 for _ in range(2))
    answer = {
        "boxes": torch.cat((low, low + extent), dim=1) * torch.tensor(seen[::-1] * 2),
        "masks": torch.rand(count, 1, 5, 5, generator=generator),
        "keypoints": torch.rand(count, 4, 3, generator=generator) * 60,
    }
    found = [
        transform(40, 60, MEAN, STD).eval().postprocess([dict(answer)], [seen], [original])[0]
        for transform in (GeneralizedRCNNTransform, theirs()[0].transform.GeneralizedRCNNTransform)
    ]
    for key, expected in found[1].items():
        assert torch.equal(found[0][key], expected), key


def test_in_training_answers_stay():
    result = [{"boxes": torch.rand(2, 4)}]
    assert GeneralizedRCNNTransform(40, 60, MEAN, STD).train().postprocess(result, [(1, 1)], [(2, 2)]) is result


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_pictures_keep_their_dtype(dtype):
    batch, _ = GeneralizedRCNNTransform(40, 60, MEAN, STD).eval()([pictures((30, 50))[0].to(dtype)])
    assert batch.tensors.dtype == dtype
    assert batch.tensors.shape == (1, 3, 64, 64)


def test_boxes_and_points_grow_with_the_picture():
    assert resize_boxes(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), (10, 20), (20, 60)).tolist() == [[3.0, 4.0, 9.0, 8.0]]
    points = resize_keypoints(torch.tensor([[[1.0, 2.0, 1.0]]]), (10, 20), (20, 60))
    assert points.tolist() == [[[3.0, 4.0, 1.0]]]


def test_a_grey_picture_is_three_equal_channels():
    transform, (image,) = GeneralizedRCNNTransform(40, 60, MEAN, STD).eval(), pictures((30, 50))
    batch, expected = transform([image[:1]])[0], transform([image[:1].expand(3, -1, -1)])[0]
    assert torch.equal(batch.tensors, expected.tensors)


def test_mistakes_are_sentences():
    transform = GeneralizedRCNNTransform(40, 60, MEAN, STD).eval()
    with pytest.raises(InputError, match=r"1 × 900 pixels, resized to sides of at most 40 and 60, has none left"):
        transform([torch.rand(3, 1, 900)])
    with pytest.raises(InputTypeError, match=r"floats from 0 to 1; got torch\.uint8"):
        transform.normalize(torch.zeros(3, 4, 4, dtype=torch.uint8))
    with pytest.raises(TypeError, match="unexpected keyword argument 'antialias'"):
        GeneralizedRCNNTransform(40, 60, MEAN, STD, antialias=True)


def test_image_list_moves():
    images = ImageList(torch.zeros(1, 3, 4, 5), [(4, 5)])
    moved = images.to(torch.device("meta"))
    assert moved.tensors.is_meta
    assert moved.image_sizes == [(4, 5)]
