import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight import catalogue
from multiweight.errors import InputError
from multiweight.transforms import OpticalFlow
from multiweight.transforms.optical_flow import pad_to_multiple, unpad
from tests.transforms.pictures import MODES, NO_PICTURES, in_mode, noise, picture, pixels, scripted, tensor

PRESET = OpticalFlow()


def test_the_spec_of_the_same_name_builds_it():
    assert isinstance(catalogue.OpticalFlow()(), OpticalFlow)
    with pytest.raises(TypeError, match=r"OpticalFlow\(\) has no argument 'resize_size'. It takes none"):
        catalogue.OpticalFlow()(resize_size=800)


def test_it_shows_and_describes_itself():
    assert repr(PRESET) == "OpticalFlow()"
    assert "[-1, 1]" in PRESET.describe()
    assert not PRESET.state_dict()
    for again in (copy.deepcopy(PRESET), pickle.loads(pickle.dumps(PRESET))):
        assert torch.equal(again(picture(), picture())[1], PRESET(picture(), picture())[1])


@pytest.mark.parametrize("mode", MODES)
def test_modes_of_pictures(mode):
    made, expected = in_mode(mode)
    for ours, other in zip(PRESET(made, picture()), PRESET(expected, picture()), strict=True):
        assert torch.equal(ours, other)
    assert torch.equal(PRESET(picture(), made)[1], PRESET(expected, picture())[0])


def test_values_are_from_minus_1_to_1():
    edges = np.array([[[0, 51, 255]]], np.uint8)
    first, second = PRESET(edges, 255 - edges)
    assert first.flatten().tolist() == pytest.approx([-1, -0.6, 1])
    assert second.flatten().tolist() == pytest.approx([1, 0.6, -1])


def test_pictures_of_different_kinds():
    expected = PRESET(tensor(), tensor())[0]
    for kind in (picture(), pixels(), tensor(), pixels().astype(np.uint16) * 257):
        assert torch.equal(PRESET(kind, tensor())[0], expected)
        assert torch.equal(PRESET(tensor(), kind)[1], expected)


@pytest.mark.parametrize(("given", "text"), NO_PICTURES)
def test_what_cannot_be(given, text):
    for pair in ((given, picture()), (picture(), given)):
        with pytest.raises(InputError, match=text):
            PRESET(*pair)


def test_two_pictures_of_one_size():
    with pytest.raises(InputError, match=r"one size; as tensors they are \[3, 20, 30\] and \[3, 20, 31\]"):
        PRESET(picture(20, 30), picture(20, 31))
    with pytest.raises(InputError, match=r"\[1, 3, 20, 30\] and \[3, 20, 30\]"):
        PRESET(tensor()[None], tensor())
    with pytest.raises(TypeError, match="img2"):
        PRESET(picture())


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_scripts_and_exports_for_all_sizes(dtype):
    dynamic = {0: torch.export.Dim("batch"), 2: torch.export.Dim("height"), 3: torch.export.Dim("width")}
    pair = (noise((2, 3, 20, 30), dtype), noise((2, 3, 20, 30), dtype))
    program = torch.export.export(PRESET, pair, dynamic_shapes=(dynamic, dynamic)).module()
    script = scripted(PRESET)
    for batch, height, width in [(1, 20, 30), (3, 30, 20), (2, 1, 9)]:
        pair = (noise((batch, 3, height, width), dtype), noise((batch, 3, height, width), dtype))
        for again in (program, script):
            assert all(map(torch.equal, again(*pair), PRESET(*pair)))


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    multiple=st.sampled_from([1, 2, 8, 8, 8, 13]),
    batch=st.none() | st.integers(1, 2),
)
def test_padding_and_back(height, width, multiple, batch):
    leading = () if batch is None else (batch,)
    first, second = (torch.rand(*leading, 3, height, width) for _ in range(2))
    padded, other, padding = pad_to_multiple(first, second, multiple)
    left, right, top, bottom = padding
    assert padded.shape == other.shape == (*leading, 3, height + top + bottom, width + left + right)
    assert padded.shape[-1] % multiple == padded.shape[-2] % multiple == 0
    assert max(top + bottom, left + right) < multiple
    assert 0 <= right - left <= 1
    assert 0 <= bottom - top <= 1
    assert torch.equal(unpad(padded, padding), first)
    assert torch.equal(unpad(other, padding), second)
    rows = (torch.arange(height + top + bottom) - top).clamp(0, height - 1)
    columns = (torch.arange(width + left + right) - left).clamp(0, width - 1)
    assert torch.equal(padded, first[..., rows[:, None], columns])


def test_sintels_pictures_are_padded_as_by_the_authors():
    *_, padding = pad_to_multiple(*[torch.empty(1, 3, 436, 1024, device="meta")] * 2)
    assert padding == (0, 0, 2, 2)


@pytest.mark.parametrize(
    ("first", "second", "multiple", "text"),
    [
        (torch.zeros(3, 9, 9), torch.zeros(3, 9, 10), 8, "one size"),
        (torch.zeros(3, 9, 9), torch.zeros(3, 9, 9), 0, "at least 1 pixel; got 0"),
        (torch.zeros(1, 1, 3, 9, 9), torch.zeros(1, 1, 3, 9, 9), 8, r"\(3, H, W\) or \(N, 3, H, W\)"),
        (torch.zeros(3, 9, 9, dtype=torch.uint8), torch.zeros(3, 9, 9, dtype=torch.uint8), 8, "floats.*got.*uint8"),
    ],
)
def test_what_cannot_be_padded(first, second, multiple, text):
    with pytest.raises(ValueError, match=text):
        pad_to_multiple(first, second, multiple)
