"""Videos through the predictor: the right clips, averaged, in flat memory; and the flow between frames."""

import io
import itertools
import json
import sys
import threading
import time
import weakref

import numpy as np
import pytest
import torch
from PIL import Image

from multiweight.data import clips_of, open_video
from multiweight.errors import InputError, InputTypeError, MissingExtraError
from multiweight.predict import FlowField, Predictor, VideoLabels
from tests.predict.scenes import COLOURS, Moods_Weights, Shifts_Weights, shifted, texture
from tests.predict.videos import encoded_video


def moods(**options):
    return Predictor(Moods_Weights.RGB_V1, device="cpu", **options)


def flow(**options):
    return Predictor(Shifts_Weights.V1, device="cpu", **options)


def coloured(*colours, each=10, width=48, height=32):
    """Frames of one colour after the other, as arrays."""
    frames = []
    for colour in colours:
        frame = np.full((height, width, 3), 30, np.uint8)
        frame[:, :, COLOURS.index(colour)] = 220
        frames += [frame] * each
    return frames


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("multiweight-decode")]


def every_kind(frames, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number}.png")
    (tmp_path / "clip.mp4").write_bytes(encoded_video(frames, rate=5))
    array = np.stack(frames)
    tensor = torch.from_numpy(array)
    return {
        "path": str(tmp_path / "clip.mp4"),
        "Path": tmp_path / "clip.mp4",
        "bytes": (tmp_path / "clip.mp4").read_bytes(),
        "file": io.BytesIO((tmp_path / "clip.mp4").read_bytes()),
        "folder": folder,
        "list of paths": sorted(folder.iterdir(), key=lambda path: int(path.stem)),
        "list of pictures": [Image.fromarray(frame) for frame in frames],
        "list of arrays": frames,
        "tuple of tensors": tuple(tensor.permute(0, 3, 1, 2)),
        "array": array,
        "array of floats": array.astype("float32") / 255,
        "tensor": tensor,
        "tensor, channels first": tensor.permute(0, 3, 1, 2),
    }


@pytest.mark.parametrize("colour", COLOURS)
def test_a_video_of_any_kind_gives_one_answer(colour, tmp_path):
    predictor = moods()
    kinds = every_kind(coloured(colour), tmp_path)
    for kind, item in kinds.items():
        answer = predictor(item)
        assert isinstance(answer, VideoLabels), kind
        assert answer.label == colour, kind
        assert answer.probability > 0.9, kind
        assert answer.source == (str(item) if kind in ("path", "Path", "folder") else None), kind
        assert answer.clips == ((0, 3), (3, 6), (6, 9)), kind
    answers = predictor(list(kinds.values()))
    assert [answer.label for answer in answers] == [colour] * len(kinds)
    assert not readers()


def test_the_answer_is_the_mean_of_the_clips(tmp_path):
    """Of what the preset and the model make of the clips that the entry was measured with."""
    weights = Moods_Weights.RGB_V1
    frames = coloured("red", "green", "green", "blue", each=17)
    path = tmp_path / "clip.mp4"
    path.write_bytes(encoded_video(frames, rate=25))
    for batch_size in (1, 2, 3, 7):
        predictor = moods(batch_size=batch_size, top=3)
        answer = predictor(path)
        with open_video(path) as video, torch.inference_mode():
            clips = clips_of(len(video), video.frame_rate, length=4, frame_rate=5, clips=3)
            assert [clip.frames for clip in clips] == [(0, 5, 10, 15), (25, 30, 35, 40), (50, 55, 60, 65)]
            batch = torch.stack([weights.transforms()(video.clip(clip.frames)) for clip in clips])
            each = predictor.model(batch).softmax(-1)
        assert answer.probabilities == pytest.approx(each.mean(0).sort(descending=True).values.tolist(), abs=1e-6)
        assert answer.clips == ((0, 15), (25, 40), (50, 65))
        for row, own in zip(answer.per_clip, each, strict=True):
            assert row == pytest.approx([float(own[index]) for index in answer.indices], abs=1e-6)
    assert answer.to_dict()["clips"][1]["frames"] == [25, 40]
    assert moods(clips=1)(path).label == "red"


def test_a_rate_for_what_has_none(tmp_path):
    frames = coloured("red", "blue", each=20)
    assert moods(clips=1)(frames).clips == ((0, 3),)
    assert moods(clips=1, frame_rate=25)(frames).clips == ((0, 15),)
    assert moods(clips=2, frame_rate=10)(np.stack(frames)).clips == ((0, 6), (32, 38))
    path = tmp_path / "clip.mp4"
    path.write_bytes(encoded_video(frames, rate=5))
    assert moods(clips=1, frame_rate=25)(path).clips == ((0, 3),), "a file knows its own"


def test_a_video_shorter_than_a_clip_begins_again():
    predictor = moods()
    answer = predictor(coloured("red", "green", each=1))
    assert answer.clips == ((0, 1),)
    (clip,) = predictor.model.clips
    means = clip.mean((2, 3))  # (3, T)
    assert means.argmax(0).tolist() == [0, 1, 0, 1]
    assert predictor(coloured("blue", each=1)).label == "blue"


def bad_videos(tmp_path):
    data = encoded_video(coloured("red"))
    (tmp_path / "void").mkdir()
    noise = [np.random.default_rng(number).integers(0, 256, (32, 48, 3), dtype=np.uint8) for number in range(20)]
    ready = encoded_video(noise, options={"movflags": "faststart"})
    return [
        (tmp_path / "none.mp4", "none.mp4: there is no such file"),
        (b"nonsense", "not a video in a known format"),
        (data[: len(data) // 2], "not a video in a known format|it holds no video"),
        (ready[: len(ready) // 2], "cut short"),
        (tmp_path / "void", "void: a folder without pictures"),
        (7, "expected a path"),
        (None, "expected a path"),
        (np.zeros((4, 4, 3), np.uint8), r"is \(T, H, W, 3\) or \(T, 3, H, W\); got \(4, 4, 3\)"),
        (torch.full((4, 3, 8, 8), float("nan")), "NaN or infinity"),
        ([Image.new("RGB", (9, 9)), Image.new("RGB", (8, 9))], "its frames differ"),
        (torch.zeros(4, 3, 1, 200_000), "its shape is extreme"),
    ]


def test_a_bad_video_stops_nothing(tmp_path):
    predictor = moods()
    bad = bad_videos(tmp_path)
    good = encoded_video(coloured("blue"))
    answers = predictor([item for wrong, _ in bad for item in (good, wrong)])
    assert [answer.label for answer in answers[::2]] == ["blue"] * len(bad)
    for (_, text), answer in zip(bad, answers[1::2], strict=True):
        assert isinstance(answer, VideoLabels)
        with pytest.raises(InputError, match=text):
            _ = answer.label
        assert "error" in json.loads(json.dumps(answer.to_dict()))
    for wrong, _ in bad:
        assert predictor(wrong).error is not None
    assert not readers()


def test_without_the_extra_a_file_says_what_to_install_and_frames_work(monkeypatch):
    data = encoded_video(coloured("red"))
    monkeypatch.setitem(sys.modules, "av", None)
    answers = moods()([data, coloured("green")])
    assert isinstance(answers[0].error, MissingExtraError)
    assert 'pip install "multiweight[video]"' in str(answers[0])
    assert answers[1].label == "green"


def test_a_stream_of_videos_is_taken_as_it_is_needed():
    predictor = moods()
    taken = 0

    def endless():
        nonlocal taken
        for colour in itertools.cycle(COLOURS):
            taken += 1
            yield coloured(colour)

    stream = predictor.stream(endless())
    assert taken == 0
    for number, colour in zip(range(8), itertools.cycle(COLOURS), strict=False):
        assert next(stream).label == colour
        assert taken == number + 2
    assert len(readers()) <= 2
    stream.close()
    assert not readers()

    def failing():
        yield coloured("red")
        raise KeyError("the list is torn")

    stream = predictor.stream(failing())
    assert next(stream).label == "red"
    with pytest.raises(KeyError, match="the list is torn"):
        next(stream)
    assert not readers()
    for one in ("a.mp4", coloured("red"), np.zeros((4, 8, 8, 3))):
        with pytest.raises(InputTypeError, match="takes an iterable of videos"):
            predictor.stream(one)


def test_clips_are_read_one_ahead_of_the_model(monkeypatch):
    """Memory is that of a few clips, however many there are."""
    predictor = moods(clips=40)
    alive: weakref.WeakSet = weakref.WeakSet()
    preset, most = predictor.preset, 0

    class Watched(torch.nn.Module):
        def forward(self, frames):
            nonlocal most
            clip = preset(frames)
            alive.add(clip.untyped_storage())
            most = max(most, len(alive))
            return clip

    predictor.preset = Watched()
    predictor.model.clips = type("Nothing", (list,), {"__iadd__": lambda self, more: self})()
    assert len(predictor(np.stack(coloured("red", each=100))).clips) == 40
    assert most <= 4


def test_the_next_clip_is_decoded_while_the_model_runs():
    predictor = moods()
    together = threading.Barrier(2, timeout=20)
    preset, model, seen = predictor.preset, predictor.model, 0

    class Meeting(torch.nn.Module):
        def forward(self, given):
            nonlocal seen
            seen += 1
            if seen == 2:
                together.wait()
            return preset(given)

    class Model(torch.nn.Module):
        first = True

        def forward(self, clips):
            if self.first:
                Model.first = False
                together.wait()
            return model(clips)

    predictor.preset, predictor.model = Meeting(), Model()
    assert predictor(coloured("green")).label == "green"


def scrolled(count, right=2, down=1, width=50, height=38):
    """Frames of a texture that moves."""
    first = texture(width, height)
    return [shifted(first, number * right, number * down) for number in range(count)]


def moves(fields):
    return [tuple(field.flow[:, 0, 0]) for field in fields]


def test_two_pictures_of_any_kind_give_one_field(tmp_path):
    predictor = flow()
    first, second = scrolled(2)
    for name, pixels in (("first.png", first), ("second.png", second)):
        Image.fromarray(pixels).save(tmp_path / name)
    paths = (tmp_path / "first.png", tmp_path / "second.png")
    pictures = (Image.fromarray(first), Image.fromarray(second))
    tensors = tuple(torch.from_numpy(pixels).permute(2, 0, 1) for pixels in (first, second))
    data = tuple(path.read_bytes() for path in paths)
    floats = tuple(pixels.astype("float32") / 255 for pixels in (first, second))
    pairs = [
        paths,
        list(paths),
        tuple(map(str, paths)),
        pictures,
        list(pictures),
        tensors,
        data,
        (first, second),
        floats,
    ]
    for pair in pairs:
        field = predictor(pair)
        assert isinstance(field, FlowField)
        assert field.flow.shape == (2, 38, 50)
        assert field.flow.dtype == np.float32
        assert (field.flow == np.array([2, 1])[:, None, None]).all()
        assert field.source == (str(paths[0]) if isinstance(pair[0], str | type(tmp_path)) else None)
    assert moves(predictor(pairs)) == [(2, 1)] * len(pairs)
    assert moves([predictor((second, first))]) == [(-2, -1)]


def test_a_video_gives_a_field_for_each_two_frames(tmp_path):
    frames = scrolled(5)
    for kind, item in every_kind(frames, tmp_path).items():
        if kind in ("path", "Path", "bytes", "file"):
            continue  # the colours of a file's pixels are shared by neighbours, which a texture does not bear
        fields = flow(batch_size=3)(item)
        assert isinstance(fields, list), kind
        assert moves(fields) == [(2, 1)] * 4, kind
        assert {field.source for field in fields} == {str(item) if kind == "folder" else None}
    fields = flow()(encoded_video(coloured("red", "green", each=2)))
    assert [field.flow.shape for field in fields] == [(2, 32, 48)] * 3
    streamed = list(flow().stream([(frames[0], frames[1]), np.stack(frames), (frames[1], frames[0])]))
    assert moves(streamed) == [(2, 1), *[(2, 1)] * 4, (-2, -1)]


@pytest.mark.parametrize("size", [(24, 24), (25, 31), (40, 24), (33, 47)])
def test_pictures_of_any_size_are_padded_and_unpadded(size):
    first, second = scrolled(2, -1, 3, *size)
    field = flow()((first, second))
    assert field.flow.shape == (2, size[1], size[0])
    assert moves([field]) == [(-1, 3)]


def test_bad_pairs_stop_nothing(tmp_path):
    first, second = scrolled(2)
    good = (first, second)
    bad = [
        (np.zeros((16, 64, 3), np.uint8), "64x16 pixels; Shifts_Weights.V1 wants at least 24x24"),
        (np.zeros((40, 50, 3), np.uint8), "of one size"),
        (b"nonsense", "not a picture"),
        (np.full((38, 50, 3), np.inf, np.float32), "inf"),
        (tmp_path / "none.png", r"none\.png: there is no such file"),
    ]
    pairs = [(wrong, wrong if "least" in text else second) for wrong, text in bad]
    results = flow()([pair for wrong in pairs for pair in (good, wrong)])
    assert moves(results[::2]) == [(2, 1)] * len(bad)
    for (_, text), result in zip(bad, results[1::2], strict=True):
        with pytest.raises(InputError, match=text):
            raise result.error
    for item, text in (
        (first, "expected two pictures or a video, got one picture"),
        ([first], "one frame; flow is between two"),
    ):
        (result,) = flow()(item)
        assert text in str(result.error)
    broken = [*scrolled(3), np.zeros((9, 9, 3), np.uint8), *scrolled(2)]
    fields = flow()(broken)
    assert [field.ok for field in fields] == [True, True, False]
    assert "a video, frames 2 and 3: " in str(fields[-1].error)


def test_the_frames_of_a_long_video_are_not_all_held():
    alive: weakref.WeakSet = weakref.WeakSet()
    most = 0

    class Frame:
        """A file object that is a picture."""

        def __init__(self, data):
            self.file = io.BytesIO(data)

        def read(self, *count):
            return self.file.read(*count)

        def seek(self, *place):
            return self.file.seek(*place)

    predictor = flow()
    preset = predictor.preset

    class Watched(torch.nn.Module):
        def forward(self, first, second):
            nonlocal most
            one, other = preset(first, second)
            alive.update([one.untyped_storage(), other.untyped_storage()])
            most = max(most, len(alive))
            return one, other

    predictor.preset = Watched()
    started = time.perf_counter()
    frames = np.stack(scrolled(60, width=24, height=24))
    assert sum(1 for _ in predictor.stream([frames])) == 59
    assert most <= 8
    assert time.perf_counter() - started < 30
