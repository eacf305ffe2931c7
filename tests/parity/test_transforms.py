"""The single steps equal torchvision's, on pictures and tensors, and in a chain the preset."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from multiweight.catalogue import InterpolationMode
from multiweight.errors import InputTypeError
from multiweight.transforms import ImageClassification
from multiweight.transforms import transforms as ours
from tests.reference import torchvision

SIDE = st.integers(1, 60)


def theirs():
    return torchvision().transforms.transforms


def picture(height, width, mode="RGB"):
    values = np.random.default_rng(height * 100 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


def tensor(height, width, dtype=torch.uint8, leading=()):
    values = torch.randint(
        0, 256, (*leading, 3, height, width), generator=torch.Generator().manual_seed(height + width)
    )
    return values.to(torch.uint8) if dtype == torch.uint8 else values.to(dtype) / 255


def same(result, expected):
    if isinstance(result, Image.Image):
        assert result.mode == expected.mode
        result, expected = np.asarray(result), np.asarray(expected)
        assert np.array_equal(result, expected)
    else:
        assert result.dtype == expected.dtype
        assert torch.equal(result, expected)


@settings(deadline=None)
@given(SIDE, SIDE, SIDE | st.lists(SIDE, min_size=1, max_size=2), st.sampled_from(["nearest", "bilinear", "bicubic"]))
def test_resize(height, width, size, mode):
    expected = theirs().Resize(size, torchvision().transforms.InterpolationMode(mode))
    for given_ in (picture(height, width), picture(height, width, "L"), tensor(height, width)):
        same(ours.Resize(size, mode)(given_), expected(given_))
    batch = tensor(height, width, torch.float32, (2,))
    same(ours.Resize(size, InterpolationMode(mode))(batch), expected(batch))


@settings(deadline=None)
@given(SIDE, SIDE, SIDE | st.lists(SIDE, min_size=1, max_size=2))
def test_center_crop(height, width, size):
    for given_ in (picture(height, width), tensor(height, width), tensor(height, width, torch.float32, (2, 1))):
        same(ours.CenterCrop(size)(given_), theirs().CenterCrop(size)(given_))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "CMYK", "1", "I", "F"])
def test_pil_to_tensor(mode):
    same(ours.PILToTensor()(picture(5, 7, mode)), theirs().PILToTensor()(picture(5, 7, mode)))


DTYPES = (torch.uint8, torch.float32, torch.float64, torch.float16)


@pytest.mark.parametrize(
    ("source", "target"),
    # 255.999 is 256 in 16 bits, so torchvision's white wraps around to black there.
    [pair for pair in itertools.product(DTYPES, DTYPES) if pair != (torch.float16, torch.uint8)],
)
def test_convert_image_dtype(source, target):
    given_ = tensor(16, 16, source)
    same(ours.ConvertImageDtype(target)(given_), theirs().ConvertImageDtype(target)(given_))


def test_white_stays_white_in_half_precision():
    assert ours.ConvertImageDtype(torch.uint8)(torch.ones(3, 1, 1, dtype=torch.half)).unique().tolist() == [255]


def test_normalize():
    given_ = tensor(9, 7, torch.float32, (2,))
    before = given_.clone()
    arguments = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    same(ours.Normalize(*arguments)(given_), theirs().Normalize(*arguments)(given_))
    assert torch.equal(given_, before)
    assert ours.Normalize(*arguments, inplace=True)(given_) is given_


def test_the_chain_is_the_preset():
    chain = ours.Compose(
        [
            ours.Resize([64]),
            ours.CenterCrop(56),
            ours.PILToTensor(),
            ours.ConvertImageDtype(torch.float),
            ours.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    given_ = picture(90, 120)
    same(chain(given_), ImageClassification(crop_size=56, resize_size=64)(given_))
    assert [line.strip().partition("(")[0] for line in repr(chain).splitlines()] == [
        *("Compose", "Resize", "CenterCrop", "PILToTensor", "ConvertImageDtype", "Normalize"),
        ")",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ours.Resize(4)("photo.jpg"),
        lambda: ours.CenterCrop(4)(torch.zeros(3)),
        lambda: ours.PILToTensor()(torch.zeros(3, 4, 4)),
        lambda: ours.ConvertImageDtype(torch.float)(torch.zeros(3, 4, 4, dtype=torch.int64)),
        lambda: ours.Normalize([0.5], [0.5])(torch.zeros(3, 4, 4, dtype=torch.uint8)),
    ],
)
def test_what_is_no_picture_is_refused(wrong):
    with pytest.raises(InputTypeError, match="got a"):
        wrong()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ours.Resize([1, 2, 3]),
        lambda: ours.Resize(0),
        lambda: ours.CenterCrop(-1),
        lambda: ours.ConvertImageDtype(torch.int64),
        lambda: ours.Normalize([0.5], [0.0]),
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="got"):
        wrong()
