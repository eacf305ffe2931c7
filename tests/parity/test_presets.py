"""The presets of the other tasks give what torchvision's give, bit for bit, live."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from multiweight import transforms
from multiweight.catalogue import InterpolationMode
from tests.reference import torchvision

OF_TENSORS = ["nearest", "nearest-exact", "bilinear", "bicubic"]
DTYPES = [torch.uint8, torch.float32, torch.float64, torch.float16, torch.bfloat16]
SIDES = st.integers(1, 90)
SIZES = st.tuples(SIDES, SIDES) | st.tuples(st.integers(1, 4), st.integers(1, 300)).flatmap(st.permutations)
SEEDS = st.integers(0, 2**16)


def both(name, **arguments):
    """Ours and torchvision's, with the same arguments."""
    ours = getattr(transforms, name)(**arguments)
    if "interpolation" in arguments:
        mode = InterpolationMode(arguments["interpolation"]).value
        arguments["interpolation"] = torchvision().transforms.InterpolationMode(mode)
    return ours, getattr(torchvision().transforms._presets, name)(**arguments)


def pixels(height, width, seed=0):
    """Noise, uint8 (H, W, 3): every pixel that is off by one shows."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def tensors(shape, dtype, seed=0, channels_last=False):
    """Noise, (…, 3, H, W)."""
    *leading, height, width = shape
    values = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (*leading, height, width, 3), np.uint8))
    values = values.movedim(-1, -3)
    values = values if dtype == torch.uint8 else (values.double() / 255).to(dtype)
    return values if channels_last else values.contiguous()


def assert_same(presets, *given):
    kept = [as_array(each).copy() for each in given]
    result, expected = (preset(*given) for preset in presets)
    if isinstance(result, torch.Tensor):
        result, expected = (result,), (expected,)
    assert isinstance(result, tuple)
    for ours, reference in zip(result, expected, strict=True):
        assert ours.dtype == reference.dtype == torch.float32
        assert torch.equal(ours, reference)
    assert all(np.array_equal(as_array(each), before) for each, before in zip(given, kept, strict=True))


def as_array(given):
    return given.double().numpy() if isinstance(given, torch.Tensor) else np.array(given)


@settings(deadline=None, max_examples=100)
@given(
    short=st.none() | st.integers(1, 90),
    size=SIZES,
    mode=st.sampled_from(InterpolationMode),
    seed=SEEDS,
)
@example(short=520, size=(375, 500), mode=InterpolationMode.BILINEAR, seed=0)
@example(short=520, size=(641, 333), mode=InterpolationMode.BILINEAR, seed=0)
@example(short=64, size=(64, 90), mode=InterpolationMode.BICUBIC, seed=0)
def test_segmentation_of_pictures(short, size, mode, seed):
    presets = both("SemanticSegmentation", resize_size=short, interpolation=mode)
    array = pixels(*size, seed)
    assert_same(presets, Image.fromarray(array))
    assert torch.equal(presets[0](array), presets[1](Image.fromarray(array)))


@settings(deadline=None, max_examples=100)
@given(
    short=st.none() | st.integers(1, 90),
    size=SIZES,
    mode=st.sampled_from(OF_TENSORS),
    antialias=st.sampled_from([True, False, None]),
    leading=st.sampled_from([(), (1,), (3,)]),
    dtype=st.sampled_from(DTYPES),
    channels_last=st.booleans(),
    seed=SEEDS,
)
def test_segmentation_of_tensors(short, size, mode, antialias, leading, dtype, channels_last, seed):
    presets = both("SemanticSegmentation", resize_size=short, interpolation=mode, antialias=antialias)
    assert_same(presets, tensors((*leading, *size), dtype, seed, channels_last))


@settings(deadline=None, max_examples=60)
@given(size=SIZES, leading=st.sampled_from([(), (2,), (1, 2)]), dtype=st.sampled_from(DTYPES), seed=SEEDS)
def test_detection(size, leading, dtype, seed):
    presets = both("ObjectDetection")
    assert_same(presets, Image.fromarray(pixels(*size, seed)))
    assert_same(presets, tensors((*leading, *size), dtype, seed))


@settings(deadline=None, max_examples=60)
@given(
    size=SIZES,
    leading=st.sampled_from([(), (2,)]),
    dtypes=st.tuples(st.sampled_from(DTYPES), st.sampled_from(DTYPES)),
    channels_last=st.booleans(),
    seed=SEEDS,
)
def test_optical_flow(size, leading, dtypes, channels_last, seed):
    presets = both("OpticalFlow")
    pair = [tensors((*leading, *size), dtype, seed + i, channels_last) for i, dtype in enumerate(dtypes)]
    assert_same(presets, *pair)
    assert all(img.is_contiguous() for img in presets[0](*pair))
    pictures = [Image.fromarray(pixels(*size, seed + i)) for i in range(2)]
    assert_same(presets, *pictures)
    assert_same(presets, pictures[0], tensors(size, dtypes[0], seed))


@settings(deadline=None, max_examples=120)
@given(
    crop=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    resize=st.tuples(st.integers(1, 60)) | st.tuples(st.integers(1, 60), st.integers(1, 60)),
    mode=st.sampled_from(OF_TENSORS),
    leading=st.sampled_from([(1,), (3,), (1, 2), (2, 3)]),
    size=SIZES,
    dtype=st.sampled_from(DTYPES),
    seed=SEEDS,
)
@example((112, 112), (128, 171), "bilinear", (2,), (120, 160), torch.uint8, 0)
@example((224, 224), (256, 256), "bilinear", (1,), (256, 256), torch.uint8, 0)
@example((224, 224), (256,), "bilinear", (2,), (121, 161), torch.float32, 0)
@example((224, 224), (224,), "bilinear", (2,), (161, 121), torch.uint8, 0)
def test_videos(crop, resize, mode, leading, size, dtype, seed):
    presets = both("VideoClassification", crop_size=crop, resize_size=resize, interpolation=mode)
    video = tensors((*leading, *size), dtype, seed)
    assert_same(presets, video)


def test_frames_of_every_kind_are_the_video_of_their_pixels():
    ours, reference = both("VideoClassification", crop_size=(21, 30), resize_size=(32, 43))
    arrays = np.stack([pixels(41, 50, seed) for seed in range(5)])
    expected = reference(torch.from_numpy(arrays).permute(0, 3, 1, 2).contiguous())
    pictures = [Image.fromarray(array) for array in arrays]
    for video in (arrays, list(arrays), pictures, tuple(pictures), [*arrays[:2], *pictures[2:]]):
        assert torch.equal(ours(video), expected)
    assert torch.equal(ours(np.stack([arrays, arrays])), torch.stack([expected, expected]))
    floats = (arrays / 255).astype(np.float32)
    expected = reference(torch.from_numpy(floats).permute(0, 3, 1, 2).contiguous())
    assert torch.equal(ours(floats), expected)


@pytest.mark.parametrize("mean", [(0.4, 0.5, 0.6), (0.5,)])
@pytest.mark.parametrize("std", [(0.2, 0.3, 0.4), (0.25,)])
def test_mean_and_std(mean, std):
    picture = Image.fromarray(pixels(40, 50))
    assert_same(both("SemanticSegmentation", resize_size=30, mean=mean, std=std), picture)
    video = tensors((2, 40, 50), torch.uint8)
    assert_same(both("VideoClassification", crop_size=(9, 8), resize_size=(12, 13), mean=mean, std=std), video)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("SemanticSegmentation", {"resize_size": 520}),
        ("SemanticSegmentation", {"resize_size": None, "antialias": None}),
        ("VideoClassification", {"crop_size": (112, 113), "resize_size": (128, 171)}),
        ("VideoClassification", {"crop_size": (224, 224), "resize_size": (256,), "mean": (0.45, 0.45, 0.45)}),
        ("ObjectDetection", {}),
        ("OpticalFlow", {}),
    ],
)
def test_the_settings_read_as_torchvisions(name, arguments):
    ours, reference = both(name, **arguments)
    known = {key: value for key, value in vars(reference).items() if not key.startswith("_") and key != "training"}
    known.pop("interpolation", None)
    assert {key: getattr(ours, key) for key in known} == known
