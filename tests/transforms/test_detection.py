import copy
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from multiweight import catalogue
from multiweight.errors import InputError
from multiweight.transforms import ObjectDetection
from tests.transforms.pictures import MODES, NO_PICTURES, in_mode, noise, picture, pixels, scripted, tensor

PRESET = ObjectDetection()


def test_the_spec_of_the_same_name_builds_it():
    assert isinstance(catalogue.ObjectDetection()(), ObjectDetection)
    with pytest.raises(TypeError, match=r"ObjectDetection\(\) has no argument 'resize_size'. It takes none"):
        catalogue.ObjectDetection()(resize_size=800)


def test_it_shows_and_describes_itself():
    assert repr(PRESET) == "ObjectDetection()"
    assert "[0, 1]" in PRESET.describe()
    assert not PRESET.state_dict()
    for again in (copy.deepcopy(PRESET), pickle.loads(pickle.dumps(PRESET))):
        assert torch.equal(again(picture()), PRESET(picture()))


@pytest.mark.parametrize("mode", MODES)
def test_modes_of_pictures(mode):
    made, expected = in_mode(mode)
    assert made.mode == mode
    assert torch.equal(PRESET(made), PRESET(expected))


def test_values_are_from_0_to_1():
    edges = np.array([[[0, 128, 255]]], np.uint8)
    assert PRESET(edges).flatten().tolist() == pytest.approx([0, 128 / 255, 1])
    assert torch.equal(PRESET(picture()), tensor() / 255)


def test_arrays():
    array = pixels()
    expected = PRESET(picture())
    for same in (array, np.asfortranarray(array), np.dstack([array, array[..., 0]]), array.astype(np.uint16) * 257):
        assert torch.equal(PRESET(same), expected)
    assert torch.equal(PRESET(array[..., 0]), PRESET(Image.fromarray(array[..., 0])))
    floats = (array / 255).astype(np.float32)
    assert torch.equal(PRESET(floats), torch.from_numpy(floats).permute(2, 0, 1))


def test_floats_are_taken_as_they_are():
    img = torch.rand(2, 3, 5, 6)
    assert PRESET(img) is img
    assert PRESET(img.double()).dtype == torch.float32


@pytest.mark.parametrize(("given", "text"), NO_PICTURES)
def test_what_cannot_be(given, text):
    with pytest.raises(InputError, match=text):
        PRESET(given)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16])
def test_scripts_and_exports_for_all_sizes(dtype):
    dynamic = {0: torch.export.Dim("batch"), 2: torch.export.Dim("height"), 3: torch.export.Dim("width")}
    program = torch.export.export(PRESET, (noise((2, 3, 20, 30), dtype),), dynamic_shapes=(dynamic,)).module()
    script = scripted(PRESET)
    for batch, height, width in [(1, 20, 30), (3, 30, 20), (2, 1, 9), (1, 1, 1)]:
        img = noise((batch, 3, height, width), dtype)
        assert torch.equal(program(img), PRESET(img))
        assert torch.equal(script(img), PRESET(img))
