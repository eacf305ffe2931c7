"""What predictions of the dense tasks and of videos hold: checked, in values that JSON has, failed ones loud."""

import copy
import json
import math
import pickle
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.errors import InputError, UnknownNameError
from multiweight.predict import Detection, Detections, FlowField, Prediction, SegmentationMap, VideoLabels
from multiweight.predict._rle import decode_mask

HEIGHT, WIDTH = 30, 40
BOXES = np.array([[1.25, 2, 20, 12.5], [10, 5, 39.999, 30], [0, 0, 0, 0]], np.float32)
SCORES = np.array([0.9, 0.5, 0.1], np.float32)


def soft_masks():
    """Probabilities, `(3, 1, H, W)`; those of the first are just at the bound, or just below."""
    masks = np.zeros((3, 1, HEIGHT, WIDTH), np.float32)
    masks[0, 0, 2:12, 1:20], masks[0, 0, 12] = 0.5, 0.4999
    masks[1, 0, 5:30, 10:40] = 0.99
    return masks


def detections(**changes):
    fields = {
        "source": "a.jpg",
        "boxes": BOXES,
        "scores": SCORES,
        "labels": ("dog", "person", "dog"),
        "indices": np.array([18, 1, 18]),
        "size": (HEIGHT, WIDTH),
    }
    return Detections(**fields | changes)


def with_keypoints(**changes):
    points = np.zeros((3, 2, 3), np.float32)
    points[:, :, 0], points[:, :, 1], points[0, :, 2] = 3.14159, 2.71828, 1
    fields = {"keypoints": points, "keypoint_names": ("nose", "tail"), "keypoint_scores": np.full((3, 2), 7.654321)}
    return detections(**fields | changes)


def segmentation(**changes):
    classes = np.zeros((4, 5), np.int64)
    classes[0, :3], classes[3] = 2, 1
    fields = {"source": "a.jpg", "classes": classes, "labels": ("__background__", "dog", "cat", "bus")}
    return SegmentationMap(**fields | changes)


def video(**changes):
    fields = {
        "labels": ("juggling", "yoga"),
        "probabilities": (0.75, 0.125),
        "indices": (3, 9),
        "clips": ((0, 15), (16, 31)),
        "per_clip": ((1.0, 0.0), (0.5, 0.25)),
    }
    return VideoLabels("a.mp4", **fields | changes)


def flow(**changes):
    return FlowField(**{"source": "a.jpg", "flow": np.stack([np.full((4, 5), 3.0), np.full((4, 5), -4.0)])} | changes)


def good():
    return [
        detections(),
        detections(masks=soft_masks()),
        with_keypoints(),
        detections(boxes=[], scores=[], labels=(), indices=[], masks=np.zeros((0, HEIGHT, WIDTH)), keypoints=[]),
        segmentation(),
        segmentation(probabilities=np.full((4, 5), 0.25)),
        video(),
        flow(),
    ]


@pytest.mark.parametrize("result", good(), ids=lambda result: type(result).__name__)
def test_every_result(result):
    """The contract: a source, no error, JSON of finite numbers, one line of text, copies that are equal, no writing."""
    assert result.ok
    assert result.error is None
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert json.loads(text)["source"] == result.source
    assert "-0.0" not in re.findall(r"-?[\d.]+", text)
    assert str(result).startswith(f"{result.source}: ")
    assert str(result) in repr(result) or isinstance(result, Prediction)
    assert len(repr(result)) < 300
    for same in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert same == result
    assert result != flow(flow=np.ones((2, 7, 7)))
    assert result != "text"
    for name in ("source", "error"):
        with pytest.raises(AttributeError):
            setattr(result, name, None)
    with pytest.raises((AttributeError, TypeError)):  # CPython 3.11 stumbles over its own message
        result.other = 1


ASKED = {
    Detections: [len, list, lambda r: r[0], lambda r: r[:1], lambda r: r.above(0.5)],
    SegmentationMap: [lambda r: r.size, lambda r: r.share, lambda r: r.mask("dog")],
    VideoLabels: [lambda r: r.label, lambda r: r.probability],
    FlowField: [lambda r: r.size, lambda r: r.magnitude, lambda r: r.save("never written.flo")],
    Prediction: [lambda r: r.label, lambda r: r.probability],
}


@pytest.mark.parametrize("kind", ASKED, ids=lambda kind: kind.__name__)
def test_a_failed_result_raises_its_error_when_it_is_asked(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = InputError("b.jpg: empty (0 bytes).")
    failed = kind("b.jpg", error=error)
    assert not failed.ok
    assert str(failed) == "failed: b.jpg: empty (0 bytes)."
    assert failed.to_dict() == {"source": "b.jpg", "error": "b.jpg: empty (0 bytes)."}
    repr(failed)
    for ask in [*ASKED[kind], lambda r: r.draw(), lambda r: r.draw(np.zeros((9, 9, 3), np.uint8))]:
        with pytest.raises(InputError) as caught:
            ask(failed)
        assert caught.value is error
    assert not list(tmp_path.iterdir())
    assert str(pickle.loads(pickle.dumps(failed)).error) == str(error)


def test_detections_are_a_sequence():
    found = with_keypoints(masks=soft_masks())
    assert len(found) == 3
    first, second, third = found
    assert isinstance(first, Detection)
    assert (first.label, second.label, third.label) == ("dog", "person", "dog")
    assert first.score == pytest.approx(0.9)
    assert second.index == 1
    assert np.array_equal(first.box, BOXES[0])
    assert first.mask.shape == (HEIGHT, WIDTH)
    assert first.keypoints.shape == (2, 3)
    assert first.keypoint_names == ("nose", "tail")
    assert str(found[-1]) == "dog 10.0%"
    assert repr(first) == "<Detection: dog 90.0% at [1.2, 2.0, 20.0, 12.5]>"
    with pytest.raises(IndexError):
        found[3]
    assert found[1:].labels == ("person", "dog")
    assert found[::-1].above(0.4).labels == ("person", "dog")


def test_above_is_greater_and_keeps_all_that_belongs_together():
    found = with_keypoints(masks=soft_masks())
    few = found.above(0.5)
    assert few == found[:1]
    assert few.boxes.shape == (1, 4)
    assert few.masks.shape == (1, HEIGHT, WIDTH)
    assert few.keypoint_scores.shape == (1, 2)
    assert few.size == found.size
    assert few.source == found.source
    none = found.above(0.95)
    assert len(none) == 0
    assert not list(none)
    assert str(none) == "a.jpg: nothing found"
    assert none.to_dict() == {"source": "a.jpg", "size": [HEIGHT, WIDTH], "detections": []}


def test_soft_masks_belong_from_one_half_on():
    masks = detections(masks=soft_masks()).masks
    assert masks.dtype == bool
    assert masks.shape == (3, HEIGHT, WIDTH)
    assert np.array_equal(masks, soft_masks()[:, 0] >= 0.5)
    assert masks[0].sum() == 10 * 19
    assert np.array_equal(detections(masks=masks.astype(np.uint8)).masks, masks)


def test_detections_in_json():
    values = json.loads(json.dumps(with_keypoints(masks=soft_masks()).to_dict()))
    assert values["size"] == [HEIGHT, WIDTH]
    first, second, third = values["detections"]
    masks = soft_masks()[:, 0] >= 0.5
    for found, mask in zip((first, second, third), masks, strict=True):
        assert np.array_equal(decode_mask(found.pop("mask")), mask)
    assert first == {
        "label": "dog",
        "score": 0.9,
        "index": 18,
        "box": [1.25, 2.0, 20.0, 12.5],
        "keypoints": [
            {"name": "nose", "x": 3.14, "y": 2.72, "visible": 1, "score": 7.6543},
            {"name": "tail", "x": 3.14, "y": 2.72, "visible": 1, "score": 7.6543},
        ],
    }
    assert second["box"] == [10.0, 5.0, 40.0, 30.0]
    assert third["keypoints"][0]["visible"] == 0
    plain = with_keypoints(keypoint_names=(), keypoint_scores=None).to_dict()["detections"][0]["keypoints"][0]
    assert plain == {"x": 3.14, "y": 2.72, "visible": 1}
    assert "mask" not in detections().to_dict()["detections"][0]


def test_detections_read_well():
    assert str(detections()) == "a.jpg: dog 90.0%, person 50.0%, dog 10.0%"
    assert repr(detections(source=None)) == "<Detections: dog 90.0%, person 50.0%, dog 10.0%>"
    many = detections(boxes=np.zeros((9, 4)), scores=np.ones(9), labels=("cup",) * 9, indices=range(9))
    assert str(many) == "a.jpg: " + "cup 100.0%, " * 4 + "cup 100.0% and 4 more"


@pytest.mark.parametrize(
    "made",
    [
        lambda a: detections(boxes=a(BOXES), scores=a(SCORES), indices=a([18, 1, 18]), masks=a(soft_masks())),
        lambda a: with_keypoints(keypoints=a(np.ones((3, 2, 3))), keypoint_scores=a(np.ones((3, 2)))),
        lambda a: segmentation(classes=a([[0, 1], [2, 3]]), probabilities=a([[0.5, 0.25], [1.0, 0.0]])),
        lambda a: flow(flow=a(np.arange(24).reshape(2, 3, 4) / 8)),
    ],
)
def test_tensors_and_lists_are_arrays_in_the_end(made):
    expected = made(np.asarray)
    assert made(torch.tensor) == expected
    assert made(lambda values: np.asarray(values).tolist()) == expected
    assert made(lambda values: half(torch.tensor(values))) == made(lambda values: whole(half(torch.tensor(values))))


def half(tensor):
    """In bfloat16, which NumPy does not have, with a gradient, if the numbers are no indices."""
    return tensor.bfloat16().requires_grad_() if tensor.is_floating_point() else tensor


def whole(tensor):
    return tensor.float() if tensor.is_floating_point() else tensor


def test_a_picture_with_nothing_in_it():
    found = detections(boxes=[], scores=[], labels=[], indices=[])
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert found.indices.dtype == np.int64
    assert detections(boxes=torch.zeros(0, 4), scores=torch.zeros(0), labels=(), indices=torch.zeros(0).long()) == found


MISTAKES = [
    (lambda: detections(boxes=BOXES[:, :3]), ValueError, "boxes: expected an array of shape (N, 4), got (3, 3)."),
    (lambda: detections(boxes=BOXES[0]), ValueError, "boxes: expected an array of shape (N, 4), got (4,)."),
    (lambda: detections(boxes=BOXES > 1), TypeError, "boxes: expected floats or integers, got an array of bool."),
    (lambda: detections(boxes=BOXES[:, ::-1]), ValueError, "box 0 ends before it begins: [12.5, 20.0, 2.0, 1.25]"),
    (lambda: detections(boxes=BOXES * math.nan), ValueError, "boxes: expected finite numbers, got nan at [0, 0]."),
    (lambda: detections(scores=SCORES[:2]), ValueError, "scores: expected an array of shape (3,), got (2,)."),
    (lambda: detections(scores=SCORES / 0.0), ValueError, "scores: expected finite numbers, got inf at [0]."),
    (lambda: detections(labels=("dog",)), ValueError, "labels: expected 3, one a box; got 1."),
    (lambda: detections(indices=SCORES), TypeError, "indices: expected integers, got an array of float32."),
    (lambda: detections(size=(0, 5)), ValueError, "size: expected (height, width) of the picture"),
    (lambda: detections(size=(3, 4, 5)), ValueError, "got (3, 4, 5)"),
    (lambda: Detections("a.jpg"), ValueError, "size: expected (height, width)"),
    (
        lambda: detections(masks=soft_masks()[..., 1:]),
        ValueError,
        "masks: expected an array of shape (3, 30, 40), got (3, 30, 39).",
    ),
    (lambda: detections(masks=soft_masks() * 255), ValueError, "masks: expected values from 0 to 1, got 0 to 252.45."),
    (lambda: detections(masks=soft_masks() * math.nan), ValueError, "masks: expected finite numbers"),
    (
        lambda: with_keypoints(keypoint_names=("nose",)),
        ValueError,
        "keypoints: expected an array of shape (3, 1, 3), got (3, 2, 3).",
    ),
    (lambda: with_keypoints(keypoint_scores=SCORES), ValueError, "keypoint_scores: expected an array of shape (3, 2)"),
    (lambda: with_keypoints(keypoints=None), ValueError, "keypoint_scores: got some, but no keypoints."),
    (lambda: segmentation(classes=[[0, 4]]), ValueError, "classes: expected places among 4 labels, got 0 to 4."),
    (lambda: segmentation(classes=[[-1, 0]]), ValueError, "got -1 to 0."),
    (lambda: segmentation(classes=[[0.5]]), TypeError, "classes: expected integers, got an array of float64."),
    (lambda: segmentation(classes=[0, 1]), ValueError, "classes: expected an array of shape (H, W), got (2,)."),
    (lambda: SegmentationMap("a.jpg"), ValueError, "classes: expected some pixels"),
    (
        lambda: segmentation(probabilities=[[0.5]]),
        ValueError,
        "probabilities: expected an array of shape (4, 5), got (1, 1).",
    ),
    (lambda: segmentation(probabilities=np.full((4, 5), 1.5)), ValueError, "expected 0 to 1, got 1.5 to 1.5."),
    (lambda: video(clips=((0, 15),)), ValueError, "per_clip: expected one row for each of 1 clips, got 2."),
    (lambda: video(per_clip=((1.0,), (0.5,))), ValueError, "per_clip: expected 2 numbers a clip, one a label; got 1."),
    (lambda: flow(flow=np.zeros((3, 4, 5))), ValueError, "flow: expected an array of shape (2, H, W), got (3, 4, 5)."),
    (lambda: FlowField("a.jpg"), ValueError, "flow: expected some pixels"),
    (
        lambda: flow(flow=[[[0.0, math.inf]], [[0, 0]]]),
        ValueError,
        "flow: expected finite numbers, got inf at [0, 0, 1]",
    ),
]


@pytest.mark.parametrize(("make", "kind", "text"), MISTAKES, ids=[text[:40] for *_, text in MISTAKES])
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_mistakes_get_sentences(make, kind, text):
    with pytest.raises(kind, match=re.escape(text)):
        make()


def test_segmentation():
    mapped = segmentation()
    assert mapped.size == (4, 5)
    assert mapped.classes.dtype == np.uint8
    assert mapped.share == {"__background__": 12 / 20, "dog": 5 / 20, "cat": 3 / 20, "bus": 0.0}
    assert list(mapped.share) == ["__background__", "dog", "cat", "bus"]
    assert np.array_equal(mapped.mask("cat"), mapped.classes == 2)
    assert not mapped.mask("bus").any()
    with pytest.raises(UnknownNameError, match="There is no label 'dig'. Did you mean dog?"):
        mapped.mask("dig")
    assert str(mapped) == "a.jpg: __background__ 60.0%, dog 25.0%, cat 15.0%"


def test_labels_of_one_name_are_counted_together():
    mapped = segmentation(labels=("N/A", "dog", "N/A", "bus"))
    assert mapped.share == {"N/A": 15 / 20, "dog": 5 / 20, "bus": 0.0}
    assert mapped.mask("N/A").sum() == 15


def test_more_labels_than_a_byte_holds():
    labels = tuple(map(str, range(1000)))
    mapped = segmentation(classes=np.array([[999, 0]]), labels=labels)
    assert mapped.classes.dtype == np.int16
    assert mapped.share["999"] == 0.5
    assert segmentation(classes=np.array([[255, 0]]), labels=labels[:256]).classes.dtype == np.uint8


def test_segmentation_in_json():
    sure = np.linspace(0, 1, 20).reshape(4, 5)
    mapped = segmentation(probabilities=sure)
    segments = json.loads(json.dumps(mapped.to_dict()))["segments"]
    assert [(part["label"], part["index"], part["share"]) for part in segments] == [
        ("__background__", 0, 0.6),
        ("dog", 1, 0.25),
        ("cat", 2, 0.15),
    ]
    for part in segments:
        mask = decode_mask(part["mask"])
        assert np.array_equal(mask, mapped.mask(part["label"]))
        assert part["probability"] == pytest.approx(sure[mask].mean(), abs=1e-6)
    assert "probability" not in segmentation().to_dict()["segments"][0]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_segments_make_up_the_picture(height, width, count, seed):
    classes = np.random.default_rng(seed).integers(0, count, (height, width))
    values = segmentation(classes=classes, labels=tuple(map(str, range(count)))).to_dict()
    again = sum(decode_mask(part["mask"]) * part["index"] for part in values["segments"])
    assert np.array_equal(again, classes)
    assert sum(part["share"] for part in values["segments"]) == pytest.approx(1, abs=1e-3)


def test_video():
    seen = video()
    assert isinstance(seen, Prediction)
    assert seen.label == "juggling"
    assert str(seen) == "a.mp4: juggling 75.0%, yoga 12.5%"
    assert seen.to_dict() == {
        "source": "a.mp4",
        "predictions": [
            {"label": "juggling", "probability": 0.75, "index": 3},
            {"label": "yoga", "probability": 0.125, "index": 9},
        ],
        "clips": [
            {"frames": [0, 15], "probabilities": [1.0, 0.0]},
            {"frames": [16, 31], "probabilities": [0.5, 0.25]},
        ],
    }
    assert np.mean(seen.per_clip, 0).tolist() == list(seen.probabilities)


def test_flow():
    field = flow()
    assert field.size == (4, 5)
    assert field.flow.dtype == np.float32
    assert np.array_equal(field.magnitude, np.full((4, 5), 5, np.float32))
    assert field.to_dict() == {
        "source": "a.jpg",
        "size": [4, 5],
        "mean_flow": [3.0, -4.0],
        "mean_magnitude": 5.0,
        "max_magnitude": 5.0,
    }
    assert str(field) == "a.jpg: 5x4 pixels move by 5.00 pixels on average, by 5.00 at most"
    far = flow(flow=np.full((2, 1, 1), np.finfo(np.float32).max)).to_dict()
    assert json.dumps(far, allow_nan=False)


def read_flo(path):
    """A reader after the description of the format at vision.middlebury.edu."""
    data = path.read_bytes()
    assert np.frombuffer(data, "<f4", 1)[0] == 202021.25
    width, height = np.frombuffer(data, "<i4", 2, offset=4)
    return np.frombuffer(data, "<f4", offset=12).reshape(height, width, 2).transpose(2, 0, 1)


def test_flo_files(tmp_path):
    values = np.random.default_rng(0).normal(size=(2, 7, 5)).astype(np.float32)
    flow(flow=values).save(tmp_path / "a.flo")
    assert np.array_equal(read_flo(tmp_path / "a.flo"), values)
    assert (tmp_path / "a.flo").stat().st_size == 12 + 8 * 35
    flow(flow=values[:, ::-1, 2:]).save(str(tmp_path / "a.flo"))  # another layout in memory, over the first
    assert np.array_equal(read_flo(tmp_path / "a.flo"), values[:, ::-1, 2:])
