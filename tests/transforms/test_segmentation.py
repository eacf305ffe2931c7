import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from multiweight import catalogue
from multiweight.errors import InputError, MultiweightWarning
from multiweight.transforms import SemanticSegmentation
from tests.transforms.pictures import MODES, NO_PICTURES, in_mode, noise, picture, pixels, scripted, tensor

SMALL = SemanticSegmentation(resize_size=16)
WHOLE = SemanticSegmentation(resize_size=None)


def test_the_spec_of_the_same_name_builds_it():
    spec = catalogue.SemanticSegmentation(resize_size=520)
    assert repr(spec()) == repr(SemanticSegmentation(resize_size=520))
    assert spec(resize_size=None).resize_size is None
    with pytest.raises(TypeError, match=r"no argument 'resize'. Did you mean resize_size\?"):
        spec(resize=1)


def test_defaults_are_the_specs():
    spec = catalogue.SemanticSegmentation(resize_size=520)
    parameters = inspect.signature(SemanticSegmentation).parameters
    assert {name: each.default for name, each in parameters.items() if name != "resize_size"} == {
        name: value for name, value in spec.settings().items() if name != "resize_size"
    }
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters.values())


@pytest.mark.parametrize(
    "preset",
    [
        SMALL,
        WHOLE,
        SemanticSegmentation(
            resize_size=7, mean=(0.1, 0.2, 0.3), std=[0.9], interpolation="nearest-exact", antialias=None
        ),
    ],
)
def test_repr_shows_every_setting_and_makes_an_equal_preset(preset):
    text = repr(preset)
    assert all(f"{name}=" in text for name in inspect.signature(SemanticSegmentation).parameters)
    again = eval(text, {"SemanticSegmentation": SemanticSegmentation})
    assert repr(again) == text
    for copied in (again, copy.deepcopy(preset), pickle.loads(pickle.dumps(preset))):
        assert torch.equal(copied(picture()), preset(picture()))


def test_describe_says_every_setting():
    preset = SemanticSegmentation(resize_size=7, mean=(0.1, 0.2, 0.3), std=[0.9], interpolation="bicubic")
    for part in ("7 pixels", "(0.1, 0.2, 0.3)", "(0.9,)", "bicubic", "[0, 1]"):
        assert part in preset.describe()
    assert "Keeps the size" in WHOLE.describe()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, TypeError, "resize_size"),
        ({"resize_size": [520]}, TypeError, r"resize_size is one whole number of pixels; got \[520\]"),
        ({"resize_size": 0}, ValueError, "at least 1 pixel; got 0"),
        ({"resize_size": 9, "mean": (1, 2)}, ValueError, "got 2"),
        ({"resize_size": 9, "std": (1, 0, 1)}, ValueError, "std is divided by"),
        ({"resize_size": 9, "interpolation": "bilinaer"}, ValueError, r"Did you mean bilinear\?"),
        ({"resize_size": 9, "antialias": "yes"}, TypeError, "antialias is True, False or None; got 'yes'"),
    ],
)
def test_arguments_that_cannot_be(arguments, error, text):
    with pytest.raises(error, match=text):
        SemanticSegmentation(**arguments)


@pytest.mark.parametrize("mode", MODES)
def test_modes_of_pictures(mode):
    made, expected = in_mode(mode)
    assert torch.equal(SMALL(made), SMALL(expected))


def test_sizes():
    assert SMALL(picture(20, 30)).shape == (3, 16, 24)
    assert SMALL(picture(31, 20)).shape == (3, 24, 16)
    assert SMALL(tensor(3, 9)).shape == (3, 16, 48)
    assert WHOLE(picture(20, 30)).shape == (3, 20, 30)
    assert SMALL(torch.zeros(2, 5, 3, 20, 30)).shape == (2, 5, 3, 16, 24)


def test_arrays():
    array = pixels()
    expected = SMALL(picture())
    for same in (array, np.dstack([array, array[..., 0]]), array.astype(np.uint16) * 257):
        assert torch.equal(SMALL(same), expected)
    assert torch.equal(SMALL(array[..., :1]), SMALL(Image.fromarray(array[..., 0])))
    floats = (array / 255).astype(np.float32)
    assert torch.equal(SMALL(floats), SMALL(torch.from_numpy(floats).permute(2, 0, 1)))


@pytest.mark.parametrize(("given", "text"), NO_PICTURES)
def test_what_cannot_be(given, text):
    with pytest.raises(InputError, match=text):
        SMALL(given)


def test_filters_that_tensors_do_not_have():
    preset = SemanticSegmentation(resize_size=16, interpolation="lanczos")
    assert preset(picture()).shape == (3, 16, 24)
    with pytest.raises(InputError, match="lanczos interpolation; PIL pictures can"):
        preset(tensor())
    assert SemanticSegmentation(resize_size=None, interpolation="lanczos")(tensor()).shape == (3, 20, 30)


def test_antialias_off_is_said_to_have_no_effect_on_pictures():
    preset = SemanticSegmentation(resize_size=16, antialias=False)
    with pytest.warns(MultiweightWarning, match="no effect on a PIL picture") as caught:
        assert torch.equal(preset(picture()), SMALL(picture()))
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings(action="error"):
        assert not torch.equal(preset(tensor()), SMALL(tensor()))
        SemanticSegmentation(resize_size=None, antialias=False)(picture())


def test_results_are_new():
    img = torch.rand(3, 16, 16)
    kept = img.clone()
    WHOLE(img).zero_()
    SMALL(img).zero_()
    assert torch.equal(img, kept)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    "preset",
    [SMALL, WHOLE, SemanticSegmentation(resize_size=16, interpolation="nearest", antialias=None)],
    ids=repr,
)
def test_scripts_and_exports_for_all_sizes(preset, dtype):
    dynamic = {0: torch.export.Dim("batch"), 2: torch.export.Dim("height"), 3: torch.export.Dim("width")}
    program = torch.export.export(preset, (noise((2, 3, 20, 30), dtype),), dynamic_shapes=(dynamic,)).module()
    script = scripted(preset)
    for batch, height, width in [(1, 20, 30), (3, 30, 20), (2, 16, 16), (2, 2, 9), (2, 17, 200)]:
        img = noise((batch, 3, height, width), dtype)
        assert torch.equal(program(img), preset(img))
        assert torch.equal(script(img), preset(img))
        assert torch.equal(script(img[0]), preset(img[0]))
