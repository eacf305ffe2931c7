"""The classification preset gives what torchvision's gives, bit for bit, live."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from multiweight.catalogue import InterpolationMode
from multiweight.transforms import ImageClassification, _pictures
from tests.reference import torchvision

OF_TENSORS = ["nearest", "nearest-exact", "bilinear", "bicubic"]
PRESETS = st.fixed_dictionaries(
    {
        "crop_size": st.integers(1, 80) | st.just(56),
        # With a power of two the short side can be resized in part, with other sizes it cannot.
        "resize_size": st.sampled_from([16, 32, 58, 64]) | st.integers(1, 90),
        "interpolation": st.sampled_from(InterpolationMode),
    }
)
SIDES = st.integers(1, 150)
SIZES = st.tuples(SIDES, SIDES) | st.tuples(st.integers(1, 4), st.integers(1, 400)).flatmap(st.permutations)


def pixels(height, width, seed=0):
    """Noise, uint8 (H, W, 3): every pixel that is off by one shows."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def both(preset):
    """Ours and torchvision's, with the same arguments."""
    reference = torchvision().transforms._presets.ImageClassification
    mode = torchvision().transforms.InterpolationMode(preset.get("interpolation", "bilinear"))
    return ImageClassification(**preset), reference(**{**preset, "interpolation": mode})


def assert_same(preset, picture):
    ours, reference = both(preset)
    result, expected = ours(picture), reference(picture)
    assert result.dtype == expected.dtype == torch.float32
    assert torch.equal(result, expected)


@settings(deadline=None, max_examples=200)
@given(preset=PRESETS, size=SIZES, seed=st.integers(0, 2**16))
@example(preset={"crop_size": 224}, size=(375, 500), seed=0)
@example(preset={"crop_size": 224}, size=(500, 375), seed=0)
@example(preset={"crop_size": 224, "resize_size": 232}, size=(500, 375), seed=0)
@example(preset={"crop_size": 224, "interpolation": "bicubic"}, size=(400, 600), seed=0)
@example(preset={"crop_size": 224}, size=(256, 256), seed=0)
@example(preset={"crop_size": 64, "resize_size": 50}, size=(100, 80), seed=0)
@example(preset={"crop_size": 50, "resize_size": 64}, size=(1300, 400), seed=0)
def test_pictures(preset, size, seed):
    array = pixels(*size, seed)
    picture = Image.fromarray(array)
    assert_same(preset, picture)
    assert (np.asarray(picture) == array).all()


@settings(deadline=None, max_examples=60)
@given(preset=PRESETS, size=SIZES, seed=st.integers(0, 2**16))
def test_arrays_are_the_pictures_of_their_pixels(preset, size, seed):
    array = pixels(*size, seed)
    kept = array.copy()
    ours, reference = both(preset)
    assert torch.equal(ours(array), reference(Image.fromarray(array)))
    assert (array == kept).all()


@settings(deadline=None, max_examples=60)
@given(
    size=SIZES,
    resized=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    crop=st.integers(1, 80),
    mode=st.sampled_from(OF_TENSORS),
    seed=st.integers(0, 2**16),
)
def test_squashed(size, resized, crop, mode, seed):
    """Height and width, for which torchvision has no preset, only the parts of one."""
    functional = torchvision().transforms.functional
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    array = pixels(*size, seed)
    for img in (Image.fromarray(array), torch.from_numpy(array).movedim(-1, 0)):
        mode_of_theirs = torchvision().transforms.InterpolationMode(mode)
        expected = functional.center_crop(functional.resize(img, list(resized), mode_of_theirs, antialias=True), [crop])
        if isinstance(img, Image.Image):
            expected = functional.pil_to_tensor(expected)
        expected = functional.normalize(functional.convert_image_dtype(expected, torch.float), mean, std)
        ours = ImageClassification(crop_size=crop, resize_size=resized, interpolation=mode)
        assert torch.equal(ours(img), expected)


@pytest.mark.parametrize("short", [32, 58])
@pytest.mark.parametrize("width", range(40, 60))
def test_pictures_about_twice_as_high_as_wide(width, short):
    # Where Pillow 13 changes the order of its passes.
    for height in range(2 * width - 4, 2 * width + 5):
        assert_same({"crop_size": 30, "resize_size": short}, Image.fromarray(pixels(height, width)))


@pytest.mark.parametrize(("name", "value"), [("_COPY", 300), ("_STRIP", 2000), ("_ORDER_IS_KNOWN", False)])
@pytest.mark.parametrize("size", [(120, 60), (90, 67), (67, 90), (300, 2), (2, 300), (50, 50)])
def test_every_way_of_resizing(monkeypatch, name, value, size):
    monkeypatch.setattr(_pictures, name, value)
    for short in (32, 58):
        assert_same({"crop_size": 30, "resize_size": short}, Image.fromarray(pixels(*size)))


def as_dtype(array, dtype):
    return array if dtype == torch.uint8 else (array.double() / 255).to(dtype)


@settings(deadline=None, max_examples=200)
@given(
    preset=PRESETS,
    mode=st.sampled_from(OF_TENSORS),
    antialias=st.sampled_from([True, False, None]),
    size=SIZES,
    batch=st.none() | st.integers(0, 3),
    dtype=st.sampled_from([torch.uint8, torch.float32, torch.float64, torch.float16, torch.bfloat16]),
    channels_last=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_tensors(preset, mode, antialias, size, batch, dtype, channels_last, seed):
    img = as_dtype(torch.from_numpy(pixels(size[0], size[1] * (batch or 1), seed)).movedim(-1, 0), dtype)
    if batch is not None:
        img = torch.stack(img.split(size[1], dim=-1))[:batch]
    if not channels_last:
        img = img.contiguous()
    kept = img.clone()
    assert_same({**preset, "interpolation": mode, "antialias": antialias}, img)
    assert torch.equal(img, kept)


@pytest.mark.parametrize("leading", [(2, 3), (1, 2, 2), (0, 2)])
@pytest.mark.parametrize("size", [(50, 70), (32, 32)])
def test_more_leading_dimensions_than_torchvision_takes(leading, size):
    img = torch.randint(0, 256, (*leading, 3, *size), dtype=torch.uint8)
    ours, reference = both({"crop_size": 30, "resize_size": 32})
    expected = reference(img.flatten(0, -4)).reshape(*leading, 3, 30, 30)
    assert torch.equal(ours(img), expected)


@pytest.mark.parametrize("size", [(50, 70), (32, 32)])
def test_values_that_are_no_numbers(size):
    img = torch.rand(3, *size)
    img[:, 16, 16] = torch.tensor([torch.nan, torch.inf, -torch.inf])
    ours, reference = both({"crop_size": 30, "resize_size": 32})
    torch.testing.assert_close(ours(img), reference(img), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("mean", [(0.4, 0.5, 0.6), (0.5,), (0.0, 0.0, 0.0)])
@pytest.mark.parametrize("std", [(0.2, 0.3, 0.4), (0.25,), (-1.0, 1.0, 1e-30)])
def test_mean_and_std(mean, std):
    preset = {"crop_size": 30, "resize_size": 32, "mean": mean, "std": std}
    picture = Image.fromarray(pixels(40, 50))
    assert_same(preset, picture)
    assert_same(preset, torch.from_numpy(pixels(40, 50)).movedim(-1, 0))


@pytest.mark.parametrize("antialias", [False, None])
def test_pillow_always_filters(antialias):
    ours, reference = both({"crop_size": 30, "resize_size": 32, "antialias": antialias})
    picture = Image.fromarray(pixels(90, 70))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Anti-alias option", UserWarning)
        warnings.filterwarnings("ignore", "antialias=False", UserWarning)
        assert torch.equal(ours(picture), reference(picture))


def test_the_settings_read_as_torchvisions():
    ours, reference = both({"crop_size": 30, "resize_size": 32})
    for name in ("crop_size", "resize_size", "mean", "std", "antialias"):
        assert getattr(ours, name) == getattr(reference, name)
    assert ours.interpolation.value == reference.interpolation.value


@pytest.mark.parametrize("mode", InterpolationMode)
def test_torchvisions_enum_is_understood(mode):
    given_mode = torchvision().transforms.InterpolationMode(mode.value)
    assert ImageClassification(crop_size=30, interpolation=given_mode).interpolation is mode
