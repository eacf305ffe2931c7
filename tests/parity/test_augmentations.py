"""The augmentations equal torchvision's bit for bit, and leave torch's random numbers where torchvision does."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from multiweight import transforms as ours
from multiweight.transforms import training
from tests.reference import torchvision

NEAREST, BILINEAR, BICUBIC = "nearest", "bilinear", "bicubic"
FILLS = (None, 0, 127.6, [7], [1.5, 200, 3])
POLICIES = {
    "trivial_augment_wide": "TrivialAugmentWide",
    "rand_augment": "RandAugment",
    "auto_augment": "AutoAugment",
    "augmix": "AugMix",
}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def theirs():
    return torchvision().transforms


def v2():
    torchvision()
    from torchvision.transforms import v2

    return v2


def mode(name):
    return theirs().InterpolationMode(name)


def picture(height=11, width=14, kind="RGB"):
    """Smooth, with noise: neither flat nor of all values."""
    rng = np.random.default_rng(height * 100 + width)
    large = Image.fromarray(rng.integers(20, 230, (4, 5, 3), dtype=np.uint8)).resize((width, height), 3)
    noise = rng.integers(-9, 10, (height, width, 3))
    return Image.fromarray((np.asarray(large) + noise).clip(0, 255).astype(np.uint8)).convert(kind)


def tensor(height=11, width=14, kind="RGB"):
    return theirs().PILToTensor()(picture(height, width, kind))


def batch(number=2):
    return torch.stack([tensor() // (1 + place) for place in range(number)])


KINDS = {
    "RGB": picture,
    "L": lambda: picture(kind="L"),
    "tensor": tensor,
    "grey tensor": lambda: tensor(kind="L"),
    "batch": batch,
}


def same(result, expected):
    if isinstance(expected, tuple):
        return len(result) == len(expected) and all(map(same, result, expected))
    if isinstance(expected, Image.Image):
        return result.mode == expected.mode and np.array_equal(np.asarray(result), np.asarray(expected))
    if isinstance(expected, torch.Tensor):
        return result.dtype == expected.dtype and torch.equal(result, expected)
    return result == expected


def assert_same_draws(mine, their, *given, seeds=range(40)):
    for seed in seeds:
        torch.manual_seed(seed)
        expected = their(*given)
        state = torch.get_rng_state()
        torch.manual_seed(seed)
        assert same(mine(*given), expected), seed
        assert torch.equal(torch.get_rng_state(), state), seed


OPERATIONS = (
    *("Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate"),
    *("Brightness", "Color", "Contrast", "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize"),
)


def interpolations(kind):
    return (NEAREST, BILINEAR) if "t" in kind else (NEAREST, BILINEAR, BICUBIC)


@pytest.mark.parametrize("kind", KINDS)
def test_every_operation_at_every_magnitude(kind, monkeypatch):
    wanted = {}
    monkeypatch.setattr(torch, "randint", lambda high, size, **_: torch.full(size, wanted[high]))
    for interpolation, fill in itertools.product(interpolations(kind), FILLS):
        if kind in ("L", "grey tensor") and fill == FILLS[-1]:
            continue
        mine = ours.TrivialAugmentWide(interpolation=interpolation, fill=fill)
        their = theirs().TrivialAugmentWide(interpolation=mode(interpolation), fill=fill)
        for number, name in enumerate(OPERATIONS):
            if not 1 <= number <= 5 and (interpolation, fill) != (NEAREST, None):
                continue  # colours know neither
            for magnitude, negative in itertools.product(range(31) if fill is None else (7, 30), range(2)):
                wanted.update({14: number, 31: magnitude, 2: negative})
                given = KINDS[kind]()
                assert same(mine(given), their(given)), (name, magnitude, negative, interpolation, fill)
                if name in ("Identity", "AutoContrast", "Equalize"):
                    break


SIDES = st.integers(1, 40)


@settings(deadline=None, max_examples=20)
@given(SIDES, SIDES, st.sampled_from(["TrivialAugmentWide", "RandAugment", "AutoAugment"]), st.integers(0, 2**31))
def test_policies_of_pictures_of_every_size(height, width, policy, seed):
    mine, their = getattr(ours, policy)(interpolation=BILINEAR), getattr(theirs(), policy)(interpolation=mode(BILINEAR))
    assert_same_draws(mine, their, picture(height, width), seeds=range(seed, seed + 8))
    assert_same_draws(mine, their, tensor(height, width), seeds=range(seed, seed + 8))


@pytest.mark.parametrize("policy", ["TrivialAugmentWide", "RandAugment", "AutoAugment"])
@pytest.mark.parametrize(
    "values",
    [
        np.zeros((6, 7, 3), np.uint8),
        np.full((6, 7, 3), 255, np.uint8),
        np.arange(126, dtype=np.uint8).reshape(6, 7, 3) // 64 * 255,
        np.array([[[0, 5, 255]] * 3] * 700, np.uint8),
    ],
    ids=["black", "white", "two values", "three channels"],
)
def test_policies_of_flat_pictures(policy, values):
    mine, their = getattr(ours, policy)(), getattr(theirs(), policy)()
    for given_ in (Image.fromarray(values), torch.from_numpy(values).permute(2, 0, 1)):
        assert_same_draws(mine, their, given_, seeds=range(60))


@pytest.mark.parametrize("bins", [2, 10, 31, 40])
def test_bins_and_magnitudes(bins):
    mine, their = ours.TrivialAugmentWide(bins), theirs().TrivialAugmentWide(bins)
    assert_same_draws(mine, their, picture())
    for operations, magnitude in ((0, 1), (1, bins - 1), (3, bins // 2)):
        mine = ours.RandAugment(operations, magnitude, bins, BILINEAR)
        their = theirs().RandAugment(operations, magnitude, bins, mode(BILINEAR))
        assert_same_draws(mine, their, picture())
        assert_same_draws(mine, their, tensor())


@pytest.mark.parametrize("policy", ours.AutoAugmentPolicy)
def test_auto_augment(policy):
    for interpolation, fill in ((NEAREST, None), (BILINEAR, 128)):
        mine = ours.AutoAugment(policy, interpolation, fill)
        their = theirs().AutoAugment(theirs().AutoAugmentPolicy(policy.value), mode(interpolation), fill)
        assert_same_draws(mine, their, picture(), seeds=range(150))
        assert_same_draws(mine, their, tensor(), seeds=range(60))
    assert repr(ours.AutoAugment(theirs().AutoAugmentPolicy(policy.value))) == repr(ours.AutoAugment(policy))


@pytest.mark.parametrize("kind", KINDS)
def test_augmix(kind):
    for arguments in (
        {},
        {"severity": 10, "chain_depth": 2, "alpha": 0.3},
        {"severity": 1, "mixture_width": 1, "all_ops": False, "fill": 9.5},
        {"interpolation": NEAREST, "fill": [3]},
    ):
        their = {**arguments, "interpolation": mode(arguments.get("interpolation", BILINEAR))}
        assert_same_draws(ours.AugMix(**arguments), theirs().AugMix(**their), KINDS[kind](), seeds=range(25))


SCALES = st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(sorted)
RATIOS = st.tuples(st.floats(0.1, 6), st.floats(0.1, 6)).map(sorted)


@settings(deadline=None, max_examples=25)
@given(st.integers(8, 40), st.integers(8, 40), SCALES, RATIOS, st.sampled_from([NEAREST, BILINEAR, BICUBIC]))
def test_random_resized_crop(height, width, scale, ratio, interpolation):
    for size in (12, [9, 14]):
        mine = ours.RandomResizedCrop(size, scale, ratio, interpolation)
        their = theirs().RandomResizedCrop(size, scale, ratio, mode(interpolation))
        for given_ in (picture(height, width), tensor(height, width), tensor(height, width).float()):
            assert_same_draws(mine, their, given_, seeds=range(4))
    assert_same_draws(
        lambda one: ours.RandomResizedCrop.get_params(one, scale, ratio),
        lambda one: theirs().RandomResizedCrop.get_params(one, scale, ratio),
        picture(height, width),
        seeds=range(4),
    )


@pytest.mark.parametrize("p", [0, 0.3, 1])
def test_random_horizontal_flip(p):
    for given_ in (picture(), tensor(), batch().float()):
        assert_same_draws(ours.RandomHorizontalFlip(p), theirs().RandomHorizontalFlip(p), given_)


@settings(deadline=None, max_examples=25)
@given(
    SIDES,
    SIDES,
    SCALES,
    RATIOS,
    st.sampled_from([0, 0.5, (1, 2.5, -3), "random"]),
    st.sampled_from([0.4, 1]),
    st.booleans(),
)
def test_random_erasing(height, width, scale, ratio, value, p, inplace):
    mine, their = (of.RandomErasing(p, scale, ratio, value, inplace) for of in (ours, theirs()))
    for dtype in (torch.float32, torch.float64):
        pictures = torch.rand(2, 3, height, width, dtype=dtype)
        for given_ in (pictures, pictures[0]):
            assert_same_draws(lambda one: mine(one.clone()), lambda one: their(one.clone()), given_, seeds=range(6))


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 6), SIDES, SIDES, st.floats(0.05, 4), st.integers(1, 9))
def test_mixing(number, height, width, alpha, classes):
    generator = torch.Generator().manual_seed(number)
    pictures = torch.rand(number, 3, height, width, generator=generator)
    targets = torch.randint(classes, (number,), generator=generator)
    before = pictures.clone()
    mixes = [getattr(v2(), name)(alpha=alpha, num_classes=classes) for name in ("MixUp", "CutMix")]
    seeds = range(6)
    assert_same_draws(ours.MixUp(alpha=alpha, num_classes=classes), mixes[0], pictures, targets, seeds=seeds)
    assert_same_draws(ours.CutMix(alpha=alpha, num_classes=classes), mixes[1], pictures, targets, seeds=seeds)
    soft = torch.rand(number, classes, generator=generator)
    assert_same_draws(ours.MixUp(alpha=alpha), v2().MixUp(alpha=alpha, num_classes=None), pictures, soft, seeds=seeds)
    for mixup, cutmix, their in ((alpha, 0, mixes[0]), (0, alpha, mixes[1]), (alpha, alpha, v2().RandomChoice(mixes))):
        assert_same_draws(
            lambda *given_, both=(mixup, cutmix): training.mix(*given_, classes=classes, mixup=both[0], cutmix=both[1]),
            their,
            pictures,
            targets,
            seeds=seeds,
        )
    assert torch.equal(pictures, before)


@pytest.mark.parametrize(
    ("policy", "interpolation"),
    # AugMix is for tensors, which torchvision does not turn with bicubic interpolation.
    [
        pair
        for pair in itertools.product(["none", *POLICIES], [NEAREST, BILINEAR, BICUBIC])
        if pair != ("augmix", BICUBIC)
    ],
)
def test_training_picture_and_finish_are_the_published_chain(policy, interpolation):
    of, way = theirs(), mode(interpolation)
    arguments = {"rand_augment": {"magnitude": 7}, "augmix": {"severity": 7}}.get(policy, {})
    policies = [getattr(of, POLICIES[policy])(**arguments, interpolation=way)] if policy != "none" else []
    chain = of.Compose(
        [
            of.RandomResizedCrop(24, (0.3, 0.9), (0.5, 1.5), way),
            of.RandomHorizontalFlip(0.4),
            *policies,
            of.PILToTensor(),
            of.ConvertImageDtype(torch.float),
            of.Normalize(MEAN, STD),
            of.RandomErasing(0.5),
        ]
    )
    mine = ours.TrainingPicture(
        crop_size=24,
        scale=(0.3, 0.9),
        ratio=(0.5, 1.5),
        interpolation=interpolation,
        horizontal_flip=0.4,
        policy=policy,
        magnitude=7,
        random_erasing=0.5,
    )
    pictures = [picture(30 + place, 60 - place) for place in range(50)]
    torch.manual_seed(1)
    expected = torch.stack([chain(each) for each in pictures])
    state = torch.get_rng_state()
    torch.manual_seed(1)
    made, erased = map(torch.stack, zip(*map(mine, pictures), strict=True))
    assert torch.equal(torch.get_rng_state(), state)
    assert (made.dtype, erased.dtype, erased.shape) == (torch.uint8, torch.int64, (50, 4))
    assert 10 < (erased[:, 2] > 0).sum() < 40
    assert torch.equal(ours.finish(made, erased, MEAN, STD), expected)
