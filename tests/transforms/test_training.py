import dataclasses
import inspect
import pickle

import numpy as np
import pytest
import torch

from multiweight.errors import InputError
from multiweight.train.recipe import Augmentation
from multiweight.transforms import TrainingPicture, finish, mix
from multiweight.transforms.geometry import crop_place
from tests.transforms.pictures import in_mode, picture

EVERYTHING = TrainingPicture(crop_size=16, policy="trivial_augment_wide", random_erasing=0.5)


def test_fields_and_defaults_are_the_recipes():
    recipe = {each.name: each.default for each in dataclasses.fields(Augmentation)}
    ours = inspect.signature(TrainingPicture).parameters
    assert {name for name in recipe if name not in ours} == {"mixup", "cutmix", "repetitions"}
    assert {name: ours[name].default for name in ours if name != "crop_size"} == {
        name: recipe[name] for name in ours if name != "crop_size"
    }
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in ours.values())


@pytest.mark.parametrize("policy", ["none", "trivial_augment_wide", "rand_augment", "auto_augment", "augmix"])
def test_the_seed_says_everything_in_another_process_too(policy):
    made = TrainingPicture(crop_size=16, policy=policy, random_erasing=0.5)
    twin = pickle.loads(pickle.dumps(made))
    for seed in range(5):
        torch.manual_seed(seed)
        pixels, erased = made(picture())
        assert (pixels.shape, pixels.dtype, erased.shape, erased.dtype) == ((3, 16, 16), torch.uint8, (4,), torch.int64)
        torch.manual_seed(seed)
        assert all(map(torch.equal, twin(picture()), (pixels, erased)))


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "I;16"])
def test_other_modes_are_converted(mode):
    given, as_rgb = in_mode(mode)
    for seed in range(10):
        torch.manual_seed(seed)
        pixels = EVERYTHING(given)[0]
        torch.manual_seed(seed)
        assert torch.equal(pixels, EVERYTHING(as_rgb)[0])


def test_what_never_happens_draws_nothing():
    quiet = TrainingPicture(crop_size=8, horizontal_flip=0)
    torch.manual_seed(3)
    crop_place(20, 30, quiet.scale, quiet.ratio)
    state = torch.get_rng_state()
    torch.manual_seed(3)
    quiet(picture(30, 20))
    assert torch.equal(torch.get_rng_state(), state)


def test_pixels_are_written_to_without_harm():
    given = picture(16, 16)
    unchanged = TrainingPicture(crop_size=16, scale=(1, 1), ratio=(1, 1), horizontal_flip=0)
    pixels, _ = unchanged(given)
    pixels.zero_()
    assert np.asarray(given).any()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"crop_size": 0}, ValueError, "crop_size must be at least 1 pixel"),
        ({"policy": "trivial_augment"}, ValueError, "no policy 'trivial_augment'. Did you mean trivial_augment_wide"),
        ({"policy": None}, ValueError, "no policy None"),
        ({"horizontal_flip": 2}, ValueError, "horizontal_flip is a probability"),
        ({"random_erasing": "0.1"}, TypeError, "random_erasing is a probability"),
        ({"flip": 0.5}, TypeError, "no argument 'flip'"),
        ({"policy": "rand_augment", "magnitude": 31}, ValueError, "magnitude must be less"),
        ({"policy": "augmix", "interpolation": "bicubic"}, ValueError, "nearest, bilinear; got bicubic"),
    ],
)
def test_arguments_that_cannot_be_used(arguments, error, text):
    with pytest.raises(error, match=text):
        TrainingPicture(**{"crop_size": 16, **arguments})


def test_finish_erases_to_the_mean_colour_and_leaves_the_bytes():
    pictures = torch.randint(0, 256, (3, 3, 8, 9), dtype=torch.uint8)
    before = pictures.clone()
    erased = torch.tensor([[0, 0, 0, 0], [1, 2, 3, 4], [0, 0, 8, 1]])
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    plain = finish(pictures, None, mean, std)
    expected = (pictures.double() / 255 - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    torch.testing.assert_close(plain.double(), expected, atol=1e-6, rtol=0)
    made = finish(pictures, erased, mean, std)
    assert torch.equal(pictures, before)
    assert made.dtype == torch.float32
    assert not made[1, :, 1:4, 2:6].any()
    assert not made[2, :, :, :1].any()
    changed = (made != plain).any(1)
    assert not changed[0].any()
    assert changed[1].sum() <= 12
    assert not changed[2, :, 1:].any()
    # As bytes in the memory format that graphics processors like.
    assert torch.equal(finish(pictures.to(memory_format=torch.channels_last), erased, mean, std), made)


def test_mix_gives_probabilities():
    pictures, targets = torch.rand(6, 3, 8, 8), torch.tensor([0, 1, 2, 3, 4, 0])
    same, hard = mix(pictures, targets, classes=5)
    assert same is pictures
    assert torch.equal(hard.argmax(1), targets)
    kinds = set()
    for seed in range(20):
        torch.manual_seed(seed)
        mixed, soft = mix(pictures, targets, classes=5, mixup=0.2, cutmix=1.0)
        torch.testing.assert_close(soft.sum(1), torch.ones(6))
        assert ((soft > 0).sum(1) <= 2).all()
        # Cutmix leaves pixels as they were in one of the two pictures.
        kinds.add(bool(((mixed == pictures) | (mixed == pictures.roll(1, 0))).all()))
    assert kinds == {True, False}


def test_mix_refuses_what_is_no_batch():
    with pytest.raises(InputError):
        mix(torch.zeros(3, 4, 4), torch.zeros(3, dtype=torch.int64), classes=2, mixup=1.0)
