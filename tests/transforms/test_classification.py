import copy
import inspect
import io
import pickle
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from multiweight import catalogue, transforms
from multiweight.errors import InputError, InputTypeError, MultiweightWarning
from multiweight.transforms import ImageClassification, InterpolationMode

SMALL = ImageClassification(crop_size=12, resize_size=16)


def pixels(height=20, width=30):
    return np.random.default_rng(height + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def picture(height=20, width=30):
    return Image.fromarray(pixels(height, width))


def tensor(height=20, width=30):
    return torch.from_numpy(pixels(height, width)).permute(2, 0, 1)


def test_the_spec_of_the_same_name_builds_it():
    spec = catalogue.ImageClassification(crop_size=224, resize_size=232)
    assert repr(spec()) == repr(ImageClassification(crop_size=224, resize_size=232))
    squashing = catalogue.ImageClassification(crop_size=224, resize_size=(232, 240))()
    assert squashing.resize_size == [232, 240]
    assert "resize_size=(232, 240)" in repr(squashing)
    assert "to 232 by 240 pixels" in squashing.describe()
    assert repr(spec(crop_size=400, antialias=None)) == repr(
        ImageClassification(crop_size=400, resize_size=232, antialias=None)
    )
    with pytest.raises(TypeError, match="no argument 'crop'"):
        spec(crop=1)


def test_defaults_are_the_specs():
    spec = catalogue.ImageClassification(crop_size=224)
    parameters = inspect.signature(ImageClassification).parameters
    assert {name: parameters[name].default for name in parameters if name != "crop_size"} == {
        name: value for name, value in spec.settings().items() if name != "crop_size"
    }
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters.values())


def test_the_enum_is_the_catalogues():
    assert transforms.InterpolationMode is catalogue.InterpolationMode


@pytest.mark.parametrize(
    "preset",
    [
        ImageClassification(crop_size=224),
        ImageClassification(crop_size=31, resize_size=7, mean=(0.1, 0.2, 0.3), std=[1], interpolation="lanczos"),
        ImageClassification(crop_size=8, interpolation="nearest-exact", antialias=None),
    ],
)
def test_repr_shows_every_setting_and_makes_an_equal_preset(preset):
    text = repr(preset)
    assert all(f"{name}=" in text for name in inspect.signature(ImageClassification).parameters)
    again = eval(text, {"ImageClassification": ImageClassification})
    assert repr(again) == text
    assert torch.equal(again(picture()), preset(picture()))


def test_describe_says_every_setting():
    preset = ImageClassification(crop_size=31, resize_size=7, mean=(0.1, 0.2, 0.3), std=[0.9], interpolation="bicubic")
    for part in ("31 by 31", "7 pixels", "(0.1, 0.2, 0.3)", "(0.9,)", "bicubic", "black", "[0, 1]"):
        assert part in preset.describe()
    assert "black" not in SMALL.describe()


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        (InterpolationMode.BICUBIC, InterpolationMode.BICUBIC),
        ("bicubic", InterpolationMode.BICUBIC),
        ("NEAREST_EXACT", InterpolationMode.NEAREST_EXACT),
        (Image.Resampling.NEAREST, InterpolationMode.NEAREST),
        (Image.Resampling.BILINEAR, InterpolationMode.BILINEAR),
        (Image.Resampling.BICUBIC, InterpolationMode.BICUBIC),
        (Image.Resampling.BOX, InterpolationMode.BOX),
        (Image.Resampling.HAMMING, InterpolationMode.HAMMING),
        (Image.Resampling.LANCZOS, InterpolationMode.LANCZOS),
        (3, InterpolationMode.BICUBIC),
    ],
)
def test_interpolation_in_every_spelling(given, mode):
    assert ImageClassification(crop_size=12, interpolation=given).interpolation is mode


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            {"crop": 224, "crop_size": 224},
            TypeError,
            r"no argument 'crop'. Did you mean crop_size\? It takes crop_size,",
        ),
        ({"crop_size": 224, "size": 1}, TypeError, "resize_size"),
        ({"crop_size": [224]}, TypeError, r"crop_size is one whole number of pixels; got \[224\]"),
        ({"crop_size": True}, TypeError, "got True"),
        ({"crop_size": 22.4}, TypeError, "got 22.4"),
        ({"crop_size": 0}, ValueError, "at least 1 pixel; got 0"),
        ({"crop_size": 224, "resize_size": -1}, ValueError, "resize_size must be at least 1"),
        ({"crop_size": 224, "mean": 0.5}, TypeError, "mean takes 3 numbers, one a channel; got 0.5"),
        ({"crop_size": 224, "mean": "abc"}, TypeError, "got 'abc'"),
        ({"crop_size": 224, "mean": (0.5, 0.5)}, ValueError, "got 2"),
        ({"crop_size": 224, "mean": (0.5, 0.5, float("nan"))}, ValueError, "mean takes finite numbers"),
        ({"crop_size": 224, "std": (1, 0, 1)}, ValueError, "std is divided by"),
        ({"crop_size": 224, "std": (1, 1e-50, 1)}, ValueError, "std is divided by"),
        ({"crop_size": 224, "interpolation": "bilinaer"}, ValueError, r"Did you mean bilinear\?"),
        ({"crop_size": 224, "interpolation": "?"}, ValueError, "nearest, nearest-exact, bilinear"),
        ({"crop_size": 224, "interpolation": 99}, ValueError, "constant 99"),
        ({"crop_size": 224, "interpolation": None}, TypeError, "got None"),
        ({"crop_size": 224, "interpolation": True}, TypeError, "got True"),
        ({"crop_size": 224, "antialias": "yes"}, TypeError, "antialias is True, False or None; got 'yes'"),
    ],
)
def test_arguments_that_cannot_be(arguments, error, text):
    with pytest.raises(error, match=text):
        ImageClassification(**arguments)


def test_arguments_have_names():
    with pytest.raises(TypeError, match="positional"):
        ImageClassification(224)
    with pytest.raises(TypeError, match="crop_size"):
        ImageClassification()


def test_numpy_integers_are_sizes():
    assert repr(ImageClassification(crop_size=np.int64(12), resize_size=np.uint8(16))) == repr(SMALL)


def in_mode(mode):
    """The same noise as a picture of the mode, made by Pillow, and what it is as RGB."""
    converted = {"La": "LA", "RGBa": "RGBA"}.get(mode, mode)
    made = picture().convert("RGBA").convert("PA") if mode == "PA" else picture().convert(converted)
    expected = made.convert("RGB")
    return made.convert(mode), expected


@pytest.mark.parametrize("mode", ["1", "L", "P", "PA", "LA", "La", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV", "F"])
def test_modes_of_pictures(mode):
    made, expected = in_mode(mode)
    assert made.mode == mode
    before = made.tobytes()
    assert torch.equal(SMALL(made), SMALL(expected))
    assert made.tobytes() == before
    assert made.mode == mode


def test_lab_pictures():
    grey = SMALL(Image.new("LAB", (20, 20), (255, 128, 128)))
    torch.testing.assert_close(grey, SMALL(Image.new("RGB", (20, 20), "white")), rtol=0, atol=0.03)


def test_transparency_is_left_out():
    transparent = picture().convert("RGBA")
    transparent.putalpha(0)
    assert torch.equal(SMALL(transparent), SMALL(picture()))


@pytest.mark.parametrize("transparency", [3, bytes(range(256))])
def test_palettes_with_transparency(transparency):
    palette = picture().convert("P")
    expected = SMALL(palette.convert("RGB"))
    palette.info["transparency"] = transparency
    assert torch.equal(SMALL(palette), expected)


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I"])
def test_sixteen_bits_are_scaled(mode):
    eight = pixels()[..., 0]
    expected = SMALL(Image.fromarray(eight))
    # 257 stretches 8 bits to 16; 128 more or less rounds to the same.
    for off in (0, -128, 128):
        wide = (eight.astype(np.int32) * 257 + off).clip(0, 65535)
        if mode == "I":
            made = Image.fromarray(wide)
        else:
            order = ">" if mode == "I;16B" else "<"
            made = Image.frombytes(mode, eight.shape[::-1], wide.astype(f"{order}u2").tobytes())
        assert made.mode == mode
        assert torch.equal(SMALL(made), expected)


def test_what_is_beyond_sixteen_bits_is_clipped():
    made = Image.fromarray(np.array([[-5, 0], [65535, 2**31 - 1]], dtype=np.int32))
    expected = Image.fromarray(np.array([[0, 0], [255, 255]], dtype=np.uint8))
    assert torch.equal(SMALL(made), SMALL(expected))


def test_lazily_opened_files():
    file = io.BytesIO()
    picture().save(file, "PNG")
    assert torch.equal(SMALL(Image.open(file)), SMALL(picture()))


def test_arrays():
    array = pixels()
    expected = SMALL(picture())
    assert torch.equal(SMALL(array), expected)
    assert torch.equal(SMALL(np.asfortranarray(array)), expected)
    assert torch.equal(SMALL(array[::-1, ::-1]), SMALL(Image.fromarray(array[::-1, ::-1].copy())))
    assert torch.equal(SMALL(np.dstack([array, array[..., 0]])), expected)
    read_only = array.copy()
    read_only.flags.writeable = False
    assert torch.equal(SMALL(read_only), expected)
    assert torch.equal(SMALL(array.astype(np.uint16) * 257), expected)
    assert torch.equal(SMALL((array.astype(">u2") * 257).astype(">u2")), expected)


def test_grey_arrays():
    grey = pixels()[..., 0]
    expected = SMALL(Image.fromarray(grey))
    assert torch.equal(SMALL(grey), expected)
    assert torch.equal(SMALL(grey[..., None]), expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
def test_arrays_of_floats_are_as_tensors(dtype):
    array = (pixels() / 255).astype(dtype)
    kept = array.copy()
    expected = SMALL(torch.from_numpy(array.astype(array.dtype.newbyteorder("="))).permute(2, 0, 1))
    assert torch.equal(SMALL(array), expected)
    assert (array == kept).all()
    array.flags.writeable = False
    assert torch.equal(SMALL(array), expected)
    assert SMALL(array[:1, :1]).shape == (3, 12, 12)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (torch.zeros(1, 20, 20), r"\(..., 3, H, W\); got \[1, 20, 20\]. It looks like a grey"),
        (torch.zeros(2, 4, 20, 20), "alpha"),
        (torch.zeros(20, 21, 3), r"got \[20, 21, 3\]. .*movedim"),
        (torch.zeros(5, 20, 21, 3), "movedim"),
        (torch.zeros(2, 20, 20), r"got \[2, 20, 20\]"),
        (torch.zeros(20, 20), r"got \[20, 20\]. It looks like a grey"),
        (torch.zeros(3), r"got \[3\]"),
        (torch.tensor(0.0), r"got \[\]"),
        (torch.zeros(3, 0, 20), r"no pixels: .*\[3, 0, 20\]"),
        (torch.zeros(2, 3, 20, 0), "no pixels"),
        (torch.zeros(3, 20, 20, dtype=torch.int64), "uint8 .* or floats .*; got torch.int64"),
        (torch.zeros(3, 20, 20, dtype=torch.bool), "got torch.bool"),
        (torch.zeros(3, 20, 20, dtype=torch.complex64), "got torch.complex64"),
        (np.zeros((3, 20, 21), np.uint8), r"\(H, W, 3\); got \(3, 20, 21\). .*transpose"),
        (np.zeros((2, 20, 20, 3), np.uint8), "batch"),
        (np.zeros((20, 20, 2), np.uint8), r"got \(20, 20, 2\)"),
        (np.zeros(3, np.uint8), r"got \(3,\)"),
        (np.zeros((0, 20, 3), np.uint8), "no pixels"),
        (np.zeros((20, 20, 3), np.int64), "uint8 .*; got int64"),
        (np.zeros((20, 20, 3), np.bool_), "got bool"),
        (np.full((20, 20, 3), 255.0), "from 0 to 1; got values up to 255"),
        (np.full((20, 20, 3), np.nan), "got values up to nan"),
        (Image.new("RGB", (0, 20)), "no pixels: it is 0 by 20"),
        (Image.new("L", (20, 0)), "no pixels"),
    ],
)
def test_pictures_that_cannot_be(given, text):
    with pytest.raises(InputError, match=text) as caught:
        SMALL(given)
    assert not isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("photo.jpg", "Got a str, which is no picture. .*PIL.Image.open"),
        (b"\x89PNG", "Got a bytes.*PIL.Image.open"),
        (io.BytesIO(), "Got a BytesIO.*PIL.Image.open"),
        ([picture()], "Got a list.*one by one"),
        (None, "Got a NoneType"),
        (7, r"Got a int.*tensor \(..., 3, H, W\)"),
    ],
)
def test_what_is_no_picture(given, text):
    with pytest.raises(InputTypeError, match=text):
        SMALL(given)


@pytest.mark.parametrize("mode", ["box", "hamming", "lanczos"])
def test_filters_that_tensors_do_not_have(mode):
    preset = ImageClassification(crop_size=12, resize_size=16, interpolation=mode)
    assert preset(picture()).shape == (3, 12, 12)
    with pytest.raises(InputError, match=f"{mode} interpolation; PIL pictures can"):
        preset(tensor())


def test_antialias_off_is_said_to_have_no_effect_on_pictures():
    preset = ImageClassification(crop_size=12, resize_size=16, antialias=False)
    with pytest.warns(MultiweightWarning, match="no effect on a PIL picture") as caught:
        assert torch.equal(preset(picture()), SMALL(picture()))
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings(action="error"):
        assert not torch.equal(preset(tensor()), SMALL(tensor()))
        ImageClassification(crop_size=12, antialias=None)(picture())


def test_results_are_new_and_contiguous():
    img = tensor(16, 16).float()
    for given in (img, picture(16, 16)):
        result = ImageClassification(crop_size=16, resize_size=16)(given)
        result.zero_()
    assert torch.equal(img, tensor(16, 16).float())
    assert SMALL(picture()).is_contiguous()


def test_nothing_to_save_and_everything_to_copy():
    assert not SMALL.state_dict()
    for again in (copy.deepcopy(SMALL), pickle.loads(pickle.dumps(SMALL))):
        assert repr(again) == repr(SMALL)
        assert torch.equal(again(picture()), SMALL(picture()))
        assert torch.equal(again(tensor()), SMALL(tensor()))


def test_gradients_flow_to_the_picture():
    img = torch.rand(3, 20, 30, requires_grad=True)
    SMALL(img).sum().backward()
    assert img.grad is not None
    assert img.grad.abs().sum() > 0


def test_it_goes_where_the_tensor_is():
    assert SMALL(torch.empty(2, 3, 20, 30, dtype=torch.uint8, device="meta")).device.type == "meta"


def test_in_a_chain_of_modules():
    chain = torch.nn.Sequential(SMALL, torch.nn.Flatten())
    assert chain(tensor()).shape == (3, 144)


@pytest.mark.parametrize("size", [(3000, 2), (2, 3001), (3001, 2), (3, 3000), (3000, 3)])
def test_long_thin_pictures_are_not_blown_up(monkeypatch, size):
    largest = 0
    resize = Image.Image.resize

    def watched(self, *args, **kwargs):
        nonlocal largest
        result = resize(self, *args, **kwargs)
        largest = max(largest, result.width * result.height)
        return result

    monkeypatch.setattr(transforms._pictures, "_STRIP", 1 << 20)
    monkeypatch.setattr(Image.Image, "resize", watched)
    # As a whole, the resized picture has at least 16 million pixels.
    assert ImageClassification(crop_size=224)(Image.new("RGB", size)).shape == (3, 224, 224)
    assert 0 < largest <= 1 << 20


PRESETS = [
    ImageClassification(crop_size=12, resize_size=16),
    ImageClassification(crop_size=16, resize_size=16, interpolation="bicubic"),
    ImageClassification(crop_size=19, resize_size=16, interpolation="bicubic", antialias=False),
    ImageClassification(crop_size=20, resize_size=16, antialias=None),
    ImageClassification(crop_size=12, resize_size=16, interpolation="nearest"),
    ImageClassification(crop_size=12, resize_size=16, interpolation="nearest-exact"),
]
SIZES = [(1, 20, 30), (3, 30, 20), (2, 16, 16), (2, 12, 12), (4, 1, 9), (1, 9, 1), (1, 1, 1), (2, 17, 200), (1, 19, 20)]


def noise(shape, dtype):
    values = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(sum(shape)))
    return values.to(dtype) if dtype == torch.uint8 else (values / 255).to(dtype)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("preset", PRESETS, ids=repr)
def test_scripts(preset):
    file = io.BytesIO()
    scripted = torch.jit.script(preset)
    torch.jit.save(scripted, file)
    file.seek(0)
    loaded = torch.jit.load(file)
    for batch, height, width in SIZES:
        for leading in ((), (batch,), (batch, 2)):
            for dtype in (torch.uint8, torch.float32, torch.float64, torch.float16):
                img = noise((*leading, 3, height, width), dtype)
                assert torch.equal(scripted(img), preset(img))
                assert torch.equal(loaded(img), preset(img))


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
def test_scripted_it_also_says_what_is_wrong():
    scripted = torch.jit.script(SMALL)
    with pytest.raises(torch.jit.Error, match=re.escape("(..., 3, H, W); got [1, 20, 20]")):
        scripted(torch.zeros(1, 20, 20))


def exported(preset, example):
    dynamic = {0: torch.export.Dim("batch"), 2: torch.export.Dim("height"), 3: torch.export.Dim("width")}
    return torch.export.export(preset, (example,), dynamic_shapes=(dynamic,))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float16])
@pytest.mark.parametrize("preset", PRESETS, ids=repr)
def test_one_exported_program_takes_every_size(preset, dtype):
    program = exported(preset, noise((2, 3, 20, 30), dtype)).module()
    for batch, height, width in SIZES:
        img = noise((batch, 3, height, width), dtype)
        assert torch.equal(program(img), preset(img))


@pytest.mark.parametrize("example", [(2, 3, 16, 16), (2, 3, 30, 20), (4, 3, 9, 12)])
def test_the_size_it_is_exported_with_does_not_matter(example):
    program = exported(SMALL, noise(example, torch.uint8)).module()
    for batch, height, width in SIZES:
        img = noise((batch, 3, height, width), torch.uint8)
        assert torch.equal(program(img), SMALL(img))


def test_an_exported_program_can_be_saved(tmp_path):
    torch.export.save(exported(SMALL, noise((2, 3, 20, 30), torch.uint8)), tmp_path / "preset.pt2")
    program = torch.export.load(tmp_path / "preset.pt2").module()
    img = noise((3, 3, 40, 25), torch.uint8)
    assert torch.equal(program(img), SMALL(img))


def test_compiles_once_for_all_sizes():
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph

    compiled = torch.compile(SMALL, backend=backend, dynamic=True, fullgraph=True)
    for height, width in [(20, 30), (30, 20), (40, 41), (17, 90)]:
        img = noise((2, 3, height, width), torch.uint8)
        assert torch.equal(compiled(img), SMALL(img))
    assert len(graphs) == 1


def test_importing_it_brings_in_nothing_heavy():
    script = "import sys, multiweight.transforms; print(*{'torch._dynamo', 'sympy', 'torchvision'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
