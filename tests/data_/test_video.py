"""Videos of every kind: the frames asked for, in order, and no others; and what is no video says so."""

import importlib
import io
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from multiweight.data import clips_of, frames_in, open_video
from multiweight.data import video as module
from multiweight.errors import InputError, InputTypeError, MissingExtraError
from tests.predict.videos import CODECS, encoded_video, number_of, quarter_turned, steps
from tests.reference import torchvision


@pytest.fixture(scope="module")
def files():
    """The same forty frames in every container."""
    return {container: encoded_video(steps(40), container) for container in CODECS}


@pytest.mark.parametrize("container", CODECS)
def test_frames_of_a_file_in_any_order(files, container):
    with open_video(files[container]) as video:
        assert len(video) == 40
        assert video.frame_rate == 25
        assert video.source is None
        frames = list(video.frames(range(40)))
        assert all(frame.shape == (3, 48, 64) and frame.dtype == torch.uint8 for frame in frames)
        assert [number_of(frame) for frame in frames] == list(range(40))
        order = [39, 3, 17, 17, 38, 0, 12, 13, 11, 24]
        for index, frame in zip(order, video.frames(order), strict=True):
            assert torch.equal(frame, frames[index])
        clip = video.clip([5, 30, 5, 2])
        assert torch.equal(clip, torch.stack([frames[index] for index in (5, 30, 5, 2)]))
        with pytest.raises(IndexError, match="no frame 40; there are 40"):
            next(video.frames([40]))


def test_where_a_file_may_be(files, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(files["mp4"])
    with open(path, "rb") as opened:
        for source in (path, str(path), path.as_uri(), io.BytesIO(files["mp4"]), files["mp4"], opened):
            with open_video(source) as video:
                assert number_of(next(video.frames([21]))) == 21
                assert (video.source is None) == isinstance(source, bytes | io.BytesIO)
        assert not opened.closed


def test_only_what_is_needed_is_decoded(monkeypatch):
    """A frame late in a long video costs a group of frames, and as much memory as one."""
    decoded = 0
    place = module._File._place

    def counting(self, frame):
        nonlocal decoded
        decoded += 1
        return place(self, frame)

    monkeypatch.setattr(module._File, "_place", counting)
    with open_video(encoded_video(steps(240), group=12)) as video:
        assert number_of(video.clip([230])[0]) == round(5 * 230 % 256 / 5)
        assert decoded <= 24
        decoded = 0
        assert [number_of(frame) for frame in video.frames([0, 2, 4, 120])] == [0, 2, 4, round(5 * 120 % 256 / 5)]
        assert decoded <= 5 + 2 * 24


def test_a_video_that_was_filmed_upright_is_upright():
    left = np.zeros((32, 64, 3), np.uint8)
    left[:, :32] = 255  # what is at the left is at the top, turned clockwise
    with open_video(quarter_turned(encoded_video([left] * 3))) as video:
        (frame,) = video.frames([1])
    assert frame.shape == (3, 64, 32)
    assert frame[:, :28].float().mean() > 240
    assert frame[:, 36:].float().mean() < 15


def damaged(files):
    """Data that is no whole video, with what the error says."""
    noise = [np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8) for number in range(40)]
    ready = encoded_video(noise, "mp4", options={"movflags": "faststart"})
    return {
        "nothing": (b"", r"empty \(0 bytes\)"),
        "text": (b"Dear reader, I am not a video.\n" * 200, "not a video in a known format"),
        "a picture": (encoded_picture(), "not a video in a known format"),
        "half, index at the end": (files["mp4"][: len(files["mp4"]) // 2], "not a video in a known format"),
        "half, index at the start": (ready[: len(ready) // 2], "cut short"),
        "half an AVI": (files["avi"][: len(files["avi"]) // 2], "cut short|damaged"),
        "a playlist": (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///a.ts\n#EXT-X-ENDLIST\n", "not a video"),
    }


def encoded_picture():
    file = io.BytesIO()
    Image.new("RGB", (40, 40)).save(file, "PNG")
    return file.getvalue()


def test_what_is_no_video_says_so(files, tmp_path):
    for name, (data, text) in damaged(files).items():
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(data)
        with pytest.raises(InputError, match=text) as caught:
            open_video(path)
        assert str(caught.value).startswith(str(path)), name
    with pytest.raises(InputError, match=r"none\.mp4: there is no such file"):
        open_video(tmp_path / "none.mp4")
    for wrong in (7, None, object()):
        with pytest.raises(InputTypeError, match="expected a path"):
            open_video(wrong)


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.8, 0.95, 0.99])
def test_a_file_that_is_cut_anywhere_is_noticed(keep):
    data = encoded_video(
        [np.random.default_rng(n).integers(0, 256, (48, 64, 3), dtype=np.uint8) for n in range(20)],
        options={"movflags": "faststart"},
    )
    with pytest.raises(InputError, match="cut short"):
        open_video(data[: int(len(data) * keep)])


def test_bytes_that_changed_inside_are_an_input_error(files):
    """Whatever the decoder makes of it, nothing but our errors comes out."""
    generator = np.random.default_rng(0)
    for container in ("mp4", "matroska", "avi"):
        for _ in range(8):
            data = bytearray(files[container])
            for at in generator.integers(0, len(data), 12):
                data[at] = generator.integers(0, 256)
            try:
                with open_video(bytes(data)) as video:
                    assert video.clip(range(0, len(video), 7)).shape[1] == 3
            except InputError as error:
                assert "a video: " in str(error)


def test_a_playlist_opens_no_other_file(files, tmp_path):
    (tmp_path / "a.ts").write_bytes(files["mpegts"])
    (tmp_path / "list.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{tmp_path}/a.ts\n#EXT-X-ENDLIST\n"
    )
    (tmp_path / "list.ffconcat").write_text(f"ffconcat version 1.0\nfile {tmp_path}/a.ts\n")
    for name in ("list.m3u8", "list.ffconcat"):
        with pytest.raises(InputError, match="not a video in a known format"):
            open_video(tmp_path / name)


def test_a_video_without_pictures(tmp_path):
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.rate = 8000
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    with pytest.raises(InputError, match="it holds no video"):
        open_video(file.getvalue())


def test_a_folder_of_frames_is_in_natural_order(tmp_path):
    for number in range(12):
        Image.fromarray(steps(12)[number]).save(tmp_path / f"frame{number}.png")
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "sub").mkdir()
    assert [path.name for path in frames_in(tmp_path)] == [f"frame{number}.png" for number in range(12)]
    with open_video(tmp_path, frame_rate=29.97) as video:
        assert video.source == str(tmp_path)
        assert video.frame_rate == Fraction(29.97)
        assert [number_of(frame) for frame in video.frames(range(12))] == list(range(12))
    with pytest.raises(InputError, match="sub: a folder without pictures"):
        open_video(tmp_path / "sub")
    (tmp_path / "frame3.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"frame3\.png: empty"):
        open_video(tmp_path).clip([2, 3])


def test_names_with_numbers_sort_as_numbers(tmp_path):
    names = [
        "0.png",
        "1.png",
        "01.png",
        "2.PNG",
        "10.png",
        "a9.png",
        "a10.png",
        "A11.png",
        "b1-2.png",
        "b1-10.png",
        "b2.png",
    ]
    for name in names:
        (tmp_path / name).touch()
    assert {path.name for path in frames_in(tmp_path)} == set(names)
    listed = [path.name for path in frames_in(tmp_path)]
    assert [name for name in listed if name != "01.png"] == [name for name in names if name != "01.png"]
    assert abs(listed.index("01.png") - listed.index("1.png")) == 1


def test_lists_arrays_and_tensors():
    frames = np.stack(steps(6))
    floats = frames.astype("float32") / 255
    tensor = torch.from_numpy(frames)
    for source in (
        list(frames),
        [Image.fromarray(frame) for frame in frames],
        tuple(tensor.permute(0, 3, 1, 2)),
        frames,
        frames.transpose(0, 3, 1, 2),
        frames[..., :1],
        tensor,
        tensor.permute(0, 3, 1, 2),
    ):
        with open_video(source) as video:
            assert (len(video), video.source, video.frame_rate) == (6, None, None)
            assert [number_of(frame) for frame in video.frames(range(6))] == list(range(6))
            assert video.clip([4, 1]).shape == (2, 3, 48, 64)
    for source in (floats, torch.from_numpy(floats)):
        assert open_video(source).clip([3]).allclose(torch.tensor(15 / 255))
    # Where both sides could be the channels, arrays have them last and tensors first.
    assert open_video(np.zeros((2, 3, 8, 3), np.uint8)).clip([0]).shape == (1, 3, 3, 8)
    assert open_video(torch.zeros(2, 3, 8, 3)).clip([0]).shape == (1, 3, 8, 3)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ([], "no frames: the list is empty"),
        (np.zeros((4, 4, 3)), r"\(T, H, W, 3\) or \(T, 3, H, W\); got \(4, 4, 3\)"),
        (torch.zeros(2, 5, 8, 8), r"got \(2, 5, 8, 8\)"),
        (np.zeros((0, 8, 8, 3)), r"no pixels: its shape is \(0, 8, 8, 3\)"),
    ],
)
def test_arrays_that_are_no_video(source, text):
    with pytest.raises(InputError, match=text):
        open_video(source)


def test_frames_must_be_alike():
    with pytest.raises(InputError, match=r"frame 0 is 4x4 \(uint8\), frame 2 is 5x4 \(uint8\)"):
        open_video([np.zeros((4, 4, 3), np.uint8)] * 2 + [np.zeros((4, 5, 3), np.uint8)]).clip([2, 0, 1])
    with pytest.raises(InputError, match="frame 1: a int object: expected a path"):
        open_video([np.zeros((4, 4, 3), np.uint8), 7]).clip([0, 1])


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), "fast"])
def test_frame_rates_are_positive(rate):
    with pytest.raises(ValueError, match="frame_rate is a positive number of frames a second; got"):
        open_video([np.zeros((4, 4, 3), np.uint8)], frame_rate=rate)


@pytest.mark.parametrize(
    "rate", [Fraction(30), Fraction(25), Fraction(24), Fraction(30000, 1001), Fraction(60), Fraction(10)]
)
@pytest.mark.parametrize(("length", "frame_rate", "clips"), [(16, 15, 5), (16, 7.5, 5), (32, 15, 12), (128, 15, 1)])
def test_clips_are_those_of_the_published_figures(rate, length, frame_rate, clips):
    """torchvision's resampling and its sampler of evenly spaced clips, for a ten-second video and others."""
    reference = torchvision().datasets.video_utils.VideoClips
    sampler = importlib.import_module("torchvision.datasets.samplers").UniformClipSampler
    for count in (int(10 * rate), int(20 * rate) + 3, 1000):
        pts, _ = reference.compute_clips_for_video(torch.arange(count), length, 1, float(rate), frame_rate)
        if not len(pts):
            continue

        found = object.__new__(reference)
        found.clips = [pts]
        wanted = [pts[at].tolist() for at in sampler(found, clips)]
        ours = clips_of(count, rate, length=length, frame_rate=frame_rate, clips=clips)
        # theirs repeats a clip where there are too few
        assert [list(clip.frames) for clip in ours for _ in range(clip.weight)] == wanted


def test_a_short_video_begins_again():
    (clip,) = clips_of(3, None, length=8, frame_rate=15, clips=5)
    assert clip == ((0, 1, 2, 0, 1, 2, 0, 1), 5)
    (clip,) = clips_of(1, Fraction(60), length=2, frame_rate=15, clips=1)
    assert clip == ((0, 0), 1)
    first, second = clips_of(5, None, length=4, clips=4)
    assert (first, second) == (((0, 1, 2, 3), 3), ((1, 2, 3, 4), 1))
    # Few frames a second are shown several times each.
    (clip,) = clips_of(4, Fraction(5), length=6, frame_rate=15)
    assert clip.frames == (0, 0, 0, 1, 1, 1)


def test_without_the_extra_files_say_what_to_install(files, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r'pip install "multiweight\[video\]"'):
        open_video(files["mp4"])
    assert len(open_video(np.zeros((2, 4, 4, 3), np.uint8))) == 2


def test_pyav_is_imported_when_it_is_needed():
    code = "import sys, multiweight.data, multiweight.predict; print('av' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.stdout == "False\n", run.stderr
