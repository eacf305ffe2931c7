import copy
import inspect
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from multiweight import catalogue
from multiweight.errors import InputError, InputTypeError
from multiweight.transforms import VideoClassification
from tests.transforms.pictures import MODES, in_mode, noise, picture, pixels, scripted, tensor

SMALL = VideoClassification(crop_size=(12, 14), resize_size=(16, 20))
SHORT = VideoClassification(crop_size=(12, 12), resize_size=(16,))
FRAMES = [Image.fromarray(np.roll(pixels(), shift, axis=1)) for shift in range(4)]


def test_the_spec_of_the_same_name_builds_it():
    spec = catalogue.VideoClassification(crop_size=(112, 112), resize_size=(128, 171))
    assert repr(spec()) == repr(VideoClassification(crop_size=(112, 112), resize_size=(128, 171)))
    with pytest.raises(TypeError, match=r"no argument 'crop'. Did you mean crop_size\?"):
        spec(crop=1)


def test_defaults_are_the_specs():
    settings = catalogue.VideoClassification(crop_size=(1, 1), resize_size=(1, 1)).settings()
    parameters = inspect.signature(VideoClassification).parameters
    assert list(parameters) == list(settings)
    assert all(parameters[name].default == settings[name] for name in ("mean", "std", "interpolation"))
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters.values())


@pytest.mark.parametrize(
    "preset",
    [SMALL, SHORT, VideoClassification(crop_size=9, resize_size=11, mean=[0.1], std=(1, 2, 3), interpolation=0)],
)
def test_repr_shows_every_setting_and_makes_an_equal_preset(preset):
    text = repr(preset)
    assert all(f"{name}=" in text for name in inspect.signature(VideoClassification).parameters)
    again = eval(text, {"VideoClassification": VideoClassification})
    assert repr(again) == text
    for copied in (again, copy.deepcopy(preset), pickle.loads(pickle.dumps(preset))):
        assert torch.equal(copied(FRAMES), preset(FRAMES))


def test_describe_says_every_setting():
    text = VideoClassification(crop_size=(7, 8), resize_size=(9, 10), mean=[0.1], std=[0.9]).describe()
    for part in ("9 by 10 pixels", "7 by 8", "(0.1,)", "(0.9,)", "bilinear", "[0, 1]", "(..., 3, T, 7, 8)"):
        assert part in text
    assert "short side" not in text
    assert "short side of every frame to 16 pixels" in SHORT.describe()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            {"crop_size": (1, 2, 3), "resize_size": 9},
            ValueError,
            r"a height and a width, or one length; got \(1, 2, 3\)",
        ),
        ({"crop_size": (), "resize_size": 9}, ValueError, r"crop_size takes a height and a width"),
        ({"crop_size": 9, "resize_size": (9, 0)}, ValueError, "resize_size must be at least 1 pixel; got 0"),
        ({"crop_size": "9", "resize_size": 9}, TypeError, "crop_size is one whole number of pixels; got '9'"),
        ({"crop_size": 9}, TypeError, "resize_size"),
        (
            {"crop_size": 9, "resize_size": 9, "interpolation": "lanczos"},
            ValueError,
            "resized as tensors, .*got lanczos",
        ),
        ({"crop_size": 9, "resize_size": 9, "std": (1, 0, 1)}, ValueError, "std is divided by"),
    ],
)
def test_arguments_that_cannot_be(arguments, error, text):
    with pytest.raises(error, match=text):
        VideoClassification(**arguments)


def test_shapes():
    assert SMALL(FRAMES).shape == (3, 4, 12, 14)
    assert SMALL(torch.zeros(5, 3, 20, 30)).shape == (3, 5, 12, 14)
    assert SMALL(torch.zeros(2, 5, 3, 20, 30)).shape == (2, 3, 5, 12, 14)
    assert SMALL(torch.zeros(0, 5, 3, 20, 30)).shape == (0, 3, 5, 12, 14)
    assert VideoClassification(crop_size=9, resize_size=4)(torch.zeros(2, 3, 20, 30)).shape == (3, 2, 9, 9)


@pytest.mark.parametrize("mode", MODES)
def test_modes_of_frames(mode):
    made, expected = in_mode(mode)
    assert torch.equal(SMALL([made, made]), SMALL([expected, expected]))


def test_arrays():
    array = np.stack([np.asarray(frame) for frame in FRAMES])
    expected = SMALL(torch.from_numpy(array).permute(0, 3, 1, 2))
    alpha = np.concatenate([array, array[..., :1]], axis=-1)
    for same in (
        array,
        alpha,
        array.astype(np.uint16) * 257,
        FRAMES,
        [torch.from_numpy(a).movedim(-1, 0) for a in array],
    ):
        assert torch.equal(SMALL(same), expected)
    assert torch.equal(SMALL(array[..., :1]), SMALL([Image.fromarray(frame[..., 0]) for frame in array]))
    assert torch.equal(SMALL(array[None])[0], expected)


def test_channels_last_frames():
    video = torch.rand(2, 4, 20, 30, 3).movedim(-1, -3)
    assert torch.equal(SMALL(video), SMALL(video.contiguous()))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (torch.zeros(3, 20, 20), r"\(T, 3, H, W\) or \(N, T, 3, H, W\); got \[3, 20, 20\]. It looks like a picture"),
        (torch.zeros(3, 5, 20, 20), r"got \[3, 5, 20, 20\]. It looks like \(..., 3, T, H, W\): transpose"),
        (torch.zeros(5, 20, 20, 3), "movedim"),
        (torch.zeros(5, 1, 20, 20), "grey"),
        (torch.zeros(1, 1, 5, 3, 20, 20), r"got \[1, 1, 5, 3, 20, 20\]"),
        (torch.zeros(20), r"got \[20\]"),
        (torch.zeros(0, 3, 20, 20), r"no frames: .*\[0, 3, 20, 20\]"),
        (torch.zeros(5, 3, 20, 0), "no pixels"),
        (torch.zeros(5, 3, 20, 20, dtype=torch.int32), "got torch.int32"),
        (np.zeros((5, 20, 20), np.uint8), r"\(T, H, W, 3\) .*got \(5, 20, 20\). It looks grey"),
        (np.zeros((20, 20, 3), np.uint8), r"got \(20, 20, 3\)"),
        (np.zeros((5, 3, 20, 20), np.uint8), "moveaxis"),
        (np.zeros((0, 20, 20, 3), np.uint8), "no frames"),
        ([], "no frames: the list is empty"),
        ([picture(20, 30), picture(20, 31)], r"first is \[3, 20, 30\], torch.uint8; frame 1 is \[3, 20, 31\]"),
        ([tensor(), tensor().float()], "frame 1 is .*torch.float32"),
        ([torch.zeros(1, 3, 20, 20)], r"Frame 0 of the list is \[1, 3, 20, 20\]; a frame is \(3, H, W\)"),
        ([torch.zeros(1, 20, 20)], r"got \[1, 1, 20, 20\]"),
        (["a.jpg"], "Got a str, which is no picture"),
    ],
)
def test_videos_that_cannot_be(given, text):
    with pytest.raises(InputError, match=text):
        SMALL(given)


@pytest.mark.parametrize(
    ("given", "text"),
    [(picture(), "one picture: put it in a list"), ("video.mp4", "Got a str.*Predictor"), (7, "Got a int")],
)
def test_what_is_no_video(given, text):
    with pytest.raises(InputTypeError, match=text):
        SMALL(given)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    "preset",
    [SMALL, SHORT, VideoClassification(crop_size=(12, 20), resize_size=(16,), interpolation="bicubic")],
    ids=repr,
)
def test_scripts_and_exports_for_all_sizes(preset, dtype):
    names = {0: "batch", 1: "frames", 3: "height", 4: "width"}
    dynamic = {dim: torch.export.Dim(name) for dim, name in names.items()}
    program = torch.export.export(preset, (noise((2, 4, 3, 20, 30), dtype),), dynamic_shapes=(dynamic,)).module()
    script = scripted(preset)
    for batch, frames, height, width in [(1, 4, 20, 30), (3, 1, 30, 20), (2, 2, 16, 20), (2, 3, 16, 16)]:
        video = noise((batch, frames, 3, height, width), dtype)
        assert torch.equal(program(video), preset(video))
        assert torch.equal(script(video), preset(video))
        assert torch.equal(script(video[0]), preset(video[0]))
