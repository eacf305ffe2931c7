import copy
import inspect
import pickle

import pytest
import torch
from PIL import Image

from multiweight import transforms
from multiweight.errors import InputError, InputTypeError
from multiweight.transforms import (
    AugMix,
    AutoAugment,
    AutoAugmentPolicy,
    CutMix,
    MixUp,
    RandAugment,
    RandomErasing,
    RandomHorizontalFlip,
    RandomResizedCrop,
    TrivialAugmentWide,
)
from tests.transforms.pictures import picture, tensor

OF_PICTURES = [
    RandomResizedCrop(8, interpolation="bicubic"),
    RandomHorizontalFlip(0.25),
    TrivialAugmentWide(10, fill=[1, 2, 3]),
    RandAugment(3, 5, 20, "bilinear"),
    AutoAugment("svhn", fill=7),
    AugMix(5, 2, 2, 0.5, False),
]
ALL = [*OF_PICTURES, RandomErasing(0.25, value="random"), MixUp(alpha=0.2, num_classes=4), CutMix(num_classes=4)]

TURNING = 7
"""A seed that makes TrivialAugmentWide turn a picture."""


def called(transform, seed=0):
    torch.manual_seed(seed)
    if isinstance(transform, MixUp | CutMix):
        return transform(torch.rand(4, 3, 6, 5), torch.arange(4))[0]
    if isinstance(transform, RandomErasing):
        return transform(torch.rand(3, 20, 30))
    return transform(tensor())


@pytest.mark.parametrize("transform", ALL, ids=lambda each: type(each).__name__)
def test_copies_and_pickles_do_the_same_and_say_every_setting(transform):
    for twin in (copy.deepcopy(transform), pickle.loads(pickle.dumps(transform))):
        assert repr(twin) == repr(transform)
        for seed in range(10):
            assert torch.equal(called(twin, seed), called(transform, seed))
    for name in list(inspect.signature(type(transform)).parameters):
        assert f"{name}=" in repr(transform)


@pytest.mark.parametrize("transform", OF_PICTURES, ids=lambda each: type(each).__name__)
def test_the_kind_is_kept_and_what_was_given_too(transform):
    given, pixels = picture(), tensor()
    before, kept = given.copy(), pixels.clone()
    for seed in range(20):
        torch.manual_seed(seed)
        made = transform(given)
        assert isinstance(made, Image.Image)
        assert made.mode == "RGB"
        torch.manual_seed(seed)
        assert transform(pixels.expand(2, -1, -1, -1)).shape == (2, 3, made.height, made.width)
    assert given.tobytes() == before.tobytes()
    assert torch.equal(pixels, kept)


@pytest.mark.parametrize("transform", OF_PICTURES, ids=lambda each: type(each).__name__)
def test_what_is_no_picture(transform):
    for wrong in ("photo.jpg", None, torch.zeros(3)):
        with pytest.raises(InputTypeError):
            transform(wrong)


def test_policies_take_bytes_of_one_or_three_channels():
    for wrong in (torch.zeros(3, 8, 8), torch.zeros(2, 8, 8, dtype=torch.uint8)):
        with pytest.raises(InputTypeError, match=r"\(..., 3, H, W\) of uint8; got torch"):
            TrivialAugmentWide()(wrong)


def test_a_crop_of_hardly_any_pixels_has_one():
    for ratio in ((50, 60), (0.01, 0.02)):
        assert RandomResizedCrop(4, ratio=ratio)(picture(3, 3)).size == (4, 4)


def test_what_tensors_cannot():
    with pytest.raises(InputError, match="lanczos"):
        RandomResizedCrop(4, interpolation="lanczos")(tensor())
    torch.manual_seed(TURNING)
    with pytest.raises(InputError, match="nearest or bilinear interpolation; got bicubic"):
        TrivialAugmentWide(interpolation="bicubic")(tensor())


def test_fills_of_another_number_of_channels():
    for given in (picture(), tensor()):
        torch.manual_seed(TURNING)
        with pytest.raises(ValueError, match="fill takes 1 number or 3"):
            TrivialAugmentWide(fill=[1, 2])(given)


def test_auto_augment_knows_its_policies():
    assert {policy.value for policy in AutoAugmentPolicy} == {"imagenet", "cifar10", "svhn"}
    assert AutoAugment("cifar10").policy is AutoAugmentPolicy.CIFAR10
    with pytest.raises(ValueError, match="no policy 'imagenet1k'. Did you mean imagenet"):
        AutoAugment("imagenet1k")


@pytest.mark.parametrize("mixing", [MixUp(num_classes=4), CutMix(num_classes=4)], ids=["mixup", "cutmix"])
def test_mixing_refuses_what_is_no_batch(mixing):
    for pictures, targets in (
        (torch.zeros(3, 6, 5), torch.arange(3)),
        (torch.zeros(4, 3, 6, 5, dtype=torch.uint8), torch.arange(4)),
        (torch.zeros(4, 3, 6, 5), torch.arange(3)),
        (torch.zeros(4, 3, 6, 5), torch.zeros(4)),
    ):
        with pytest.raises(InputTypeError, match="Mixing"):
            mixing(pictures, targets)
    with pytest.raises(ValueError, match="num_classes must be given"):
        type(mixing)()(torch.zeros(4, 3, 6, 5), torch.arange(4))


def test_random_erasing_refuses_what_it_cannot_erase():
    for wrong in (picture(), torch.zeros(6, 5)):
        with pytest.raises(InputTypeError, match=r"tensor \(..., C, H, W\); got"):
            RandomErasing()(wrong)
    with pytest.raises(ValueError, match="value takes 1 number or 3"):
        RandomErasing(1, value=(1, 2))(torch.zeros(3, 8, 8))


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: RandomResizedCrop(0), ValueError, "size must be at least 1"),
        (lambda: RandomResizedCrop(8, scale=1), TypeError, "scale takes .* two numbers"),
        (lambda: RandomResizedCrop(8, scale=(0.9, 0.1)), ValueError, "scale .* smaller one first"),
        (lambda: RandomResizedCrop(8, ratio=(0, 1)), ValueError, "ratio takes two numbers above 0"),
        (lambda: RandomResizedCrop(8, ratio=(1, float("inf"))), ValueError, "ratio"),
        (lambda: RandomHorizontalFlip(1.5), ValueError, "p is a probability, from 0 to 1; got 1.5"),
        (lambda: RandomHorizontalFlip("0.5"), TypeError, "p is a probability"),
        (lambda: RandomErasing(-1), ValueError, "p is a probability"),
        (lambda: RandomErasing(scale=(0.5, 1.5)), ValueError, "no more than 1"),
        (lambda: RandomErasing(value="noise"), ValueError, "'noise'"),
        (lambda: RandomErasing(value=None), TypeError, "value takes"),
        (lambda: TrivialAugmentWide(1), ValueError, "num_magnitude_bins must be at least 2"),
        (lambda: TrivialAugmentWide(31.0), TypeError, "num_magnitude_bins is a whole number"),
        (lambda: TrivialAugmentWide(interpolation="lanczos"), ValueError, "nearest, bilinear, bicubic; got lanczos"),
        (lambda: AutoAugment(fill="black"), TypeError, "fill takes a number"),
        (lambda: RandAugment(magnitude=31), ValueError, "magnitude must be less than num_magnitude_bins, 31; got 31"),
        (lambda: RandAugment(num_ops=-1), ValueError, "num_ops"),
        (lambda: AugMix(severity=11), ValueError, "severity must be from 1 to 10; got 11"),
        (lambda: AugMix(alpha=0), ValueError, "alpha is a number above 0"),
        (lambda: AugMix(interpolation="bicubic"), ValueError, "nearest, bilinear; got bicubic"),
        (lambda: MixUp(alpha=0), ValueError, "alpha is a number above 0; got 0"),
        (lambda: CutMix(alpha="1"), TypeError, "alpha"),
        (lambda: CutMix(num_classes=0), ValueError, "num_classes"),
    ],
)
def test_arguments_that_cannot_be_used(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_every_augmentation_is_exported():
    for transform in ALL:
        assert type(transform).__name__ in transforms.__all__
