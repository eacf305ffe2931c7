"""Every task through the same predictor: answers in the original picture's pixels, whatever its size and rotation."""

import io
import itertools
import json
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import multiweight
from multiweight.errors import InputError, InputTypeError
from multiweight.predict import Detections, FlowField, Predictor, SegmentationMap, VideoLabels
from multiweight.predict._tasks.segmentation import best_classes
from tests.predict import scenes
from tests.predict.scenes import (
    COLOURS,
    LABELS,
    POINTS,
    Boxes_Weights,
    Moods_Weights,
    Regions_Weights,
    Shifts_Weights,
    scene,
    shifted,
    texture,
)

SCENE = {"red": (10, 20, 40, 50, 255), "green": (60, 5, 90, 30, 200), "blue": (5, 60, 20, 80, 150)}


def boxes(**options):
    return Predictor(Boxes_Weights.RGB_V1, device="cpu", **options)


def regions(**options):
    return Predictor(Regions_Weights.RGB_V1, device="cpu", **options)


def png(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def rotated(pixels):
    """A file that holds a picture turned counter-clockwise and says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return png(np.rot90(pixels).copy(), exif=exif)


def every_kind(pixels, tmp_path):
    (tmp_path / "scene.png").write_bytes(png(pixels))
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    return [tmp_path / "scene.png", png(pixels), rotated(pixels), Image.fromarray(pixels), pixels, tensor, tensor / 255]


def test_detections_are_in_the_pixels_of_the_picture(tmp_path):
    pixels = scene(100, 90, **SCENE)
    predictor = boxes()
    for item in every_kind(pixels, tmp_path):
        found = predictor(item)
        assert isinstance(found, Detections)
        assert found.ok
        assert found.labels == COLOURS, "best first"
        assert found.indices.tolist() == [1, 2, 3]
        assert found.boxes.tolist() == [list(SCENE[colour][:4]) for colour in COLOURS]
        assert found.scores.tolist() == pytest.approx([SCENE[colour][4] / 255 for colour in COLOURS], abs=1e-6)
        assert found.size == (90, 100)
        assert found.masks is not None
        assert np.array_equal(found.masks, (pixels > 0).transpose(2, 0, 1))
        assert found.masks.dtype == bool
        assert found.keypoint_names == POINTS
        assert found.keypoints is not None
        assert found.keypoints[0].tolist() == [[25, 35, 1], [10, 20, 1]]
        assert found.keypoint_scores is not None
        assert found.keypoint_scores.tolist() == [[3, 3]] * 3
        assert (
            found.source == (str(item) if item == tmp_path / "scene.png" else None)
            if isinstance(item, type(tmp_path))
            else True
        )
    assert found.draw(pixels).size[0] >= 100


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({}, COLOURS),
        ({"threshold": 0}, COLOURS),
        ({"threshold": 0.7}, COLOURS[:2]),
        ({"threshold": 200 / 255 - 1e-6}, COLOURS[:2]),
        ({"threshold": 1}, COLOURS[:1]),
        ({"top": 1}, COLOURS[:1]),
        ({"top": 2, "threshold": 0.1}, COLOURS[:2]),
        ({"top": 1000}, COLOURS),
    ],
)
def test_the_threshold_and_the_limit_of_detections(options, labels):
    found = boxes(**options)(scene(100, 90, **SCENE))
    assert found.labels == labels
    assert len(found.boxes) == len(found.masks) == len(found.keypoints) == len(labels)


def test_where_nothing_is_there_are_no_detections():
    found = boxes()(scene(50, 40))
    assert found.ok
    assert (found.labels, found.boxes.shape, found.masks.shape) == ((), (0, 4), (0, 40, 50))
    assert json.loads(json.dumps(found.to_dict())) == {"source": None, "size": [40, 50], "detections": []}


def test_only_pictures_of_one_size_go_together():
    """A picture that is padded to the size of its neighbour has other features at its border."""
    predictor = boxes(batch_size=3, workers=1)
    sizes = [(40, 30), (40, 30), (50, 30), (40, 30), (40, 30), (40, 30), (40, 30)]
    found = list(predictor.stream(scene(*size, red=(1, 2, 11, 12, 255)) for size in sizes))
    assert [one.size for one in found] == [(height, width) for width, height in sizes]
    assert [[shape[::-1][:2] for shape in batch] for batch in predictor.model.batches] == [
        [(40, 30)] * 2,
        [(50, 30)],
        [(40, 30)] * 3,
        [(40, 30)],
    ]


@pytest.mark.parametrize(
    ("options", "least", "most"),
    [({}, 0.5, 100), ({"threshold": 0.01, "top": 200}, 0.05, 100), ({"threshold": 1, "top": 7}, 1, 7)],
)
def test_no_masks_are_made_for_what_is_left_out(monkeypatch, options, least, most):
    """Networks with heads for regions are told what is wanted, and give what is exactly at the threshold."""

    class TwoStages(scenes.Boxes):
        def __init__(self):
            super().__init__()
            self.roi_heads = SimpleNamespace(score_thresh=0.05, detections_per_img=100)

    monkeypatch.setattr(scenes, "Boxes", TwoStages)
    heads = boxes(**options).model.roi_heads
    assert heads.score_thresh == pytest.approx(least, abs=1e-9)
    assert heads.score_thresh < least or least == 0.05
    assert heads.detections_per_img == most


def test_masks_are_inside_from_one_half():
    predictor = boxes()
    found = predictor.model.found

    def soft(picture):
        output = found(picture)
        output["masks"] = output["masks"] * 0.5
        output["masks"][..., 0:30, :] *= 0.999
        return output

    predictor.model.found = soft
    masks = predictor(scene(100, 90, red=SCENE["red"])).masks
    assert masks[0, 30:50, 10:40].all()
    assert masks.sum() == 20 * 30


def test_segmentation_is_in_the_pixels_of_the_picture(tmp_path):
    pixels = scene(160, 90, red=(0, 0, 80, 90, 255), blue=(80, 45, 160, 90, 255))
    predictor = regions()
    for item in every_kind(pixels, tmp_path):
        found = predictor(item)
        assert isinstance(found, SegmentationMap)
        assert found.ok
        assert found.classes.shape == (90, 160)
        assert found.labels == LABELS
        assert found.classes[45, 20] == 1
        assert found.classes[20, 120] == 0
        assert found.classes[70, 120] == 3
        assert found.share["red"] == pytest.approx(0.5, abs=0.04)


def test_segmentation_is_the_best_of_the_enlarged_scores():
    predictor = regions(batch_size=3)
    pictures = [
        Image.fromarray(texture(70, 50)),
        Image.fromarray(texture(50, 120, 1)),
        Image.fromarray(texture(70, 50, 2)),
    ]
    for picture, found in zip(pictures, predictor(pictures), strict=True):
        with torch.inference_mode():
            scores = predictor.model(predictor.preset(picture)[None])["out"]
            full = F.interpolate(scores, size=(picture.height, picture.width), mode="bilinear", align_corners=False)[0]
        assert np.array_equal(found.classes, full.argmax(0).numpy())
        assert found.probabilities == pytest.approx(full.softmax(0).amax(0).numpy(), abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 300),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.sampled_from([0.1, 1.0, 30.0]),
    st.integers(0, 1000),
)
def test_class_by_class_is_the_same_as_at_once(classes, coarse, size, scale, seed):
    scores = torch.randn(classes, *coarse, generator=torch.Generator().manual_seed(seed)) * scale
    found, probabilities = best_classes(scores, size)
    full = F.interpolate(scores[None], size=size, mode="bilinear", align_corners=False)[0]
    assert found.dtype == (torch.uint8 if classes <= 256 else torch.int16)
    # One plane may be rounded otherwise than many at once.
    assert torch.allclose(full.gather(0, found.long()[None])[0], full.amax(0), atol=1e-5, rtol=1e-5)
    assert torch.allclose(probabilities, full.softmax(0).amax(0), atol=1e-4)


def test_of_equal_classes_the_first_counts():
    assert best_classes(torch.zeros(4, 2, 2), (3, 3))[0].unique().tolist() == [0]


@pytest.mark.parametrize("build", [boxes, regions])
def test_a_bad_picture_stops_nothing(build, tmp_path):
    predictor = build(batch_size=2)
    good = png(scene(64, 48, red=(8, 8, 40, 40, 255)))
    bad = [
        b"nonsense",
        tmp_path / "none.png",
        7,
        None,
        good[: len(good) // 2],
        np.zeros((2, 4, 4, 3), np.uint8),
        torch.full((3, 20, 20), float("nan")),
        np.full((20, 20, 3), np.inf, np.float32),
        torch.zeros(1, 9, 9),
    ]
    results = predictor([item for wrong in bad for item in (good, wrong)] + [good])
    assert all(result.ok for result in results[::2])
    assert [type(result) for result in results[1::2]] == [type(results[0])] * len(bad)
    for result in results[1::2]:
        assert isinstance(result.error, InputError)
        assert str(result) == f"failed: {result.error}"
        assert json.loads(json.dumps(result.to_dict()))["error"] == str(result.error)
        with pytest.raises(InputError):
            result.draw()


@pytest.mark.parametrize("build", [boxes, regions])
def test_streams_keep_order_and_end_their_threads(build):
    predictor = build(batch_size=2, workers=2)
    taken = 0

    def endless():
        nonlocal taken
        for colour in itertools.cycle(COLOURS):
            taken += 1
            yield png(scene(64, 48, **{colour: (8, 8, 40, 40, 255)}))

    stream = predictor.stream(endless())
    for number, colour in zip(range(9), itertools.cycle(COLOURS), strict=False):
        result = next(stream)
        present = result.labels if isinstance(result, Detections) else list(result.share)[:2]
        assert colour in present
        assert taken <= number + 2 * predictor.batch_size + predictor.workers
    stream.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("multiweight-decode")]
    with pytest.raises(InputTypeError, match="takes an iterable of pictures, not bytes object"):
        predictor.stream(b"one")


class Broken(torch.nn.Module):
    """Gives what it is told to."""

    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, *given):
        return self.output


@pytest.mark.parametrize(
    ("entry", "output"),
    [
        (Boxes_Weights.RGB_V1, torch.zeros(1, 4)),
        (Boxes_Weights.RGB_V1, []),
        (Boxes_Weights.RGB_V1, [{"boxes": torch.zeros(1, 4), "scores": torch.ones(1), "labels": torch.tensor([9])}]),
        (Regions_Weights.RGB_V1, torch.zeros(1, 3, 8, 8)),
        (Regions_Weights.RGB_V1, {"aux": torch.zeros(1, 4, 8, 8)}),
        (Moods_Weights.RGB_V1, torch.zeros(1, 4)),
        (Shifts_Weights.V1, torch.zeros(1, 3, 48, 64)),
        (Shifts_Weights.V1, []),
    ],
)
def test_a_model_that_is_not_of_its_task_is_an_error(entry, output):
    predictor = Predictor(entry, device="cpu")
    predictor.model = Broken(output)
    item = texture(64, 48)
    with pytest.raises(ValueError, match=f"The model of {entry} gave "):
        predictor((item, item) if predictor.task in ("optical_flow", "video") else item)


@pytest.mark.parametrize(
    ("entry", "output", "result"),
    [
        (
            Boxes_Weights.RGB_V1,
            [{"boxes": torch.full((1, 4), float("nan")), "scores": torch.ones(1), "labels": torch.ones(1).long()}],
            Detections,
        ),
        (Regions_Weights.RGB_V1, {"out": torch.full((1, 4, 8, 8), float("inf"))}, SegmentationMap),
        (Moods_Weights.RGB_V1, torch.full((1, 3), float("nan")), VideoLabels),
        (Shifts_Weights.V1, [torch.full((1, 2, 48, 64), float("nan"))], FlowField),
    ],
)
def test_answers_that_are_no_numbers_fail_the_input(entry, output, result):
    predictor = Predictor(entry, device="cpu")
    predictor.model = Broken(output)
    item = texture(64, 48)
    answer = predictor((item, item) if predictor.task in ("optical_flow", "video") else item)
    assert isinstance(answer, result)
    with pytest.raises(InputError, match="not finite numbers"):
        raise answer.error


@pytest.mark.parametrize(
    ("entry", "options", "text"),
    [
        (Regions_Weights.RGB_V1, {"top": 3}, "top is for classification and detection and video; Regions"),
        (Regions_Weights.RGB_V1, {"threshold": 0.3}, "threshold is for detection; Regions_Weights.RGB_V1 is for segm"),
        (Boxes_Weights.RGB_V1, {"clips": 2}, "clips is for video"),
        (Shifts_Weights.V1, {"frame_rate": 2}, "frame_rate is for video; Shifts_Weights.V1 is for optical_flow"),
        (Boxes_Weights.RGB_V1, {"threshold": 1.5}, "threshold is a score from 0 to 1; got 1.5"),
        (Boxes_Weights.RGB_V1, {"threshold": float("nan")}, "threshold is a score from 0 to 1; got nan"),
        (Moods_Weights.RGB_V1, {"clips": 0}, "clips must be at least 1; got 0"),
        (Moods_Weights.RGB_V1, {"frame_rate": 0}, "frame_rate is a positive number"),
    ],
)
def test_options_that_do_not_fit(entry, options, text):
    with pytest.raises(ValueError, match=text):
        Predictor(entry, device="cpu", **options)


def test_what_a_predictor_says_of_itself():
    assert repr(boxes()) == "Predictor('Boxes_Weights.RGB_V1', device='cpu', top=None, threshold=0.5)"
    assert repr(regions()) == "Predictor('Regions_Weights.RGB_V1', device='cpu')"
    moods = Predictor(Moods_Weights.RGB_V1, device="cpu")
    assert repr(moods) == "Predictor('Moods_Weights.RGB_V1', device='cpu', top=5, frame_rate=None, clips=3)"
    flow = Predictor(Shifts_Weights.V1, device="cpu")
    assert (flow.task, flow.labels, flow.top, flow.batch_size) == ("optical_flow", (), None, 1)
    assert (boxes().task, boxes().batch_size, regions().batch_size, moods.batch_size) == ("detection", 2, 4, 1)
    for name in ("Detection", "Detections", "SegmentationMap", "VideoLabels", "FlowField"):
        assert getattr(multiweight, name) is getattr(multiweight.predict, name)


def test_a_large_picture_is_worked_on_alone_and_an_extreme_one_refused():
    assert boxes()(Image.new("RGB", (6_000_000, 1))).ok, "it is not resized"
    assert "its shape is extreme" in str(regions()(Image.new("RGB", (6_000_000, 1))).error)
    assert "its shape is extreme" in str(regions()(torch.zeros(3, 1, 200_000)).error)


class Choosy(torch.nn.Module):
    """Refuses what is dark, as a network may."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, given, *more):
        if min(float(one.max()) for one in given) < 0.5:
            raise InputError("It is too dark.")
        return self.model(given, *more)


@pytest.mark.parametrize(
    "entry", [Boxes_Weights.RGB_V1, Regions_Weights.RGB_V1, Moods_Weights.RGB_V1, Shifts_Weights.V1]
)
def test_what_the_model_refuses_fails_alone(entry, tmp_path):
    predictor = Predictor(entry, device="cpu", batch_size=3)
    predictor.model = Choosy(predictor.model)
    dark = tmp_path / "dark.png"
    dark.write_bytes(png(np.zeros((48, 64, 3), np.uint8)))
    light = png(np.full((48, 64, 3), 250, np.uint8))
    of = (lambda one: [Image.open(one), Image.open(one)]) if predictor.task in ("video", "optical_flow") else Image.open
    results = predictor([of(io.BytesIO(light)), of(dark), of(io.BytesIO(light))])
    assert [result.ok for result in results] == [True, False, True]
    prefix = f"{dark}: " if results[1].source else ""
    assert str(results[1].error) == f"{prefix}It is too dark."


def test_shifts_are_found_where_the_pictures_are_scrolled():
    """The fake is a real, if poor, estimator: it would see a pair that is swapped, cropped or padded wrongly."""
    predictor = Predictor(Shifts_Weights.V1, device="cpu")
    picture = texture(61, 43)
    field = predictor((picture, shifted(picture, 3, -2)))
    assert isinstance(field, FlowField)
    assert field.flow.shape == (2, 43, 61)
    assert (field.flow[0] == 3).all()
    assert (field.flow[1] == -2).all()
