"""From anything that is a picture to a prediction: right, in order, in flat memory, whatever is wrong with some."""

import io
import itertools
import json
import pathlib
import pickle
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import multiweight
from multiweight.errors import InputError, InputTypeError, MultiweightError, UnknownWeightsError
from multiweight.predict import Prediction, Predictor, find_device
from tests.predict.colours import LABELS, Colour_Weights
from tests.predict.pictures import RGB, encoded, hostile_folder, picture


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The model is so small that torch's threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def predictor():
    return Predictor(Colour_Weights.RGB_V1, device="cpu", batch_size=4, workers=3)


def decoders():
    return [thread for thread in threading.enumerate() if thread.name.startswith("multiweight-decode")]


def every_kind(tmp_path, label):
    path = tmp_path / f"{label}.png"
    path.write_bytes(encoded(label, "PNG"))
    pixels = np.array(picture(label))
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    return {
        "str": str(path),
        "Path": path,
        "URL": path.as_uri(),
        "bytes": path.read_bytes(),
        "file object": io.BytesIO(path.read_bytes()),
        "PIL": picture(label),
        "PIL, opened": Image.open(path),
        "PIL, palette": picture(label).convert("P"),
        "array": pixels,
        "array of floats": pixels.astype("float32") / 255,
        "tensor": tensor,
        "tensor of floats": tensor / 255,
        "tensor with gradient": (tensor / 255).requires_grad_(),
    }


@pytest.mark.parametrize("label", LABELS)
def test_one_input_of_any_kind_gives_one_prediction(predictor, tmp_path, label):
    for kind, item in every_kind(tmp_path, label).items():
        prediction = predictor(item)
        assert isinstance(prediction, Prediction), kind
        assert prediction.ok, kind
        assert prediction.label == prediction.labels[0] == label, kind
        assert set(prediction.labels) == set(LABELS), kind
        assert [LABELS[index] for index in prediction.indices] == list(prediction.labels), kind
        assert prediction.probability == max(prediction.probabilities) > 0.9, kind
        assert sum(prediction.probabilities) == pytest.approx(1), kind
        named = kind in ("str", "Path", "URL", "PIL, opened")
        assert prediction.source == ((item.filename if kind == "PIL, opened" else str(item)) if named else None), kind


def test_several_inputs_give_a_list_in_order(predictor, tmp_path):
    wanted = [LABELS[number % 3] for number in range(11)]
    pictures = [picture(label) for label in wanted]
    arrays = np.stack([np.array(one) for one in pictures])  # (N, H, W, 3)
    tensors = torch.from_numpy(arrays).permute(0, 3, 1, 2)  # (N, 3, H, W)
    for inputs in (pictures, tuple(pictures), (one for one in pictures), arrays, tensors, list(arrays), list(tensors)):
        predictions = predictor(inputs)
        assert isinstance(predictions, list)
        assert [prediction.label for prediction in predictions] == wanted
    mixed = [item for label in LABELS for item in every_kind(tmp_path, label).values()]
    assert [prediction.label for prediction in predictor(mixed)] == [label for label in LABELS for _ in range(13)]
    assert predictor([]) == []
    assert predictor(arrays[:0]) == []


def test_the_answer_is_that_of_the_preset_and_the_model(predictor):
    weights = Colour_Weights.RGB_V1
    pixels = np.random.default_rng(1).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    with torch.inference_mode():
        scores = predictor.model(weights.transforms()(Image.fromarray(pixels)).unsqueeze(0)).softmax(-1)[0]
    prediction = predictor(pixels)
    assert not predictor.model.training
    assert prediction.probabilities == tuple(scores.sort(descending=True).values.tolist())
    assert prediction.indices == tuple(scores.argsort(descending=True).tolist())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from([*LABELS, "bad"]), max_size=25),
    st.integers(1, 9),
    st.integers(1, 4),
)
def test_batches_and_workers_do_not_change_the_answer(labels, batch_size, workers):
    predictor = Predictor(Colour_Weights.RGB_V1, device="cpu", batch_size=batch_size, workers=workers)
    inputs = [b"bad" if label == "bad" else encoded(label, width=30 + 7 * n) for n, label in enumerate(labels)]
    predictions = list(predictor.stream(inputs))
    assert [prediction.label if prediction.ok else "bad" for prediction in predictions] == labels
    for item, prediction in zip(inputs, predictions, strict=True):
        alone = predictor(item)
        assert alone.labels == prediction.labels
        assert alone.probabilities == pytest.approx(prediction.probabilities, abs=1e-5)


@pytest.mark.parametrize("top", [1, 2, 3, 1000])
def test_as_many_labels_as_asked_for_and_there_are(top):
    prediction = Predictor(Colour_Weights.RGB_V1, device="cpu", top=top)(picture("green"))
    assert len(prediction.labels) == len(prediction.probabilities) == len(prediction.indices) == min(top, 3)
    assert list(prediction.probabilities) == sorted(prediction.probabilities, reverse=True)
    assert prediction.label == "green"


@pytest.mark.parametrize("name", ["top", "batch_size", "workers"])
def test_numbers_start_at_one(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1; got 0"):
        Predictor(Colour_Weights.RGB_V1, **{name: 0})


def test_what_a_predictor_has(predictor):
    assert predictor.weights is Colour_Weights.RGB_V1
    assert predictor.labels == LABELS
    assert predictor.device == torch.device("cpu")
    assert type(predictor.preset).__name__ == "ImageClassification"
    assert repr(predictor) == "Predictor('Colour_Weights.RGB_V1', device='cpu', top=5)"
    assert multiweight.Predictor is Predictor
    assert multiweight.Prediction is Prediction


def test_unknown_weights_and_devices_say_what_there_is():
    with pytest.raises(UnknownWeightsError, match="Did you mean .*resnet50"):
        Predictor("resnet5O")
    with pytest.raises(TypeError, match="entry or its name, not 7"):
        Predictor(7)
    for device in ("nonsense", "cuda:99"):
        with pytest.raises(ValueError, match=f"The device '{device}' cannot be used here: "):
            Predictor(Colour_Weights.RGB_V1, device=device)
    assert find_device("cpu") == find_device(torch.device("cpu")) == torch.device("cpu")
    assert find_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


class Raises(io.BytesIO):
    """A file whose reader fails in its own way."""

    def read(self, *args):
        raise RuntimeError("no reading here")


def bad_inputs(tmp_path):
    """Inputs that cannot be used, with what their error says."""
    closed = io.BytesIO(encoded("red"))
    closed.close()
    lazily = Image.open(io.BytesIO(encoded("red", width=300, height=300)[:900]))
    return [
        (tmp_path / "none.jpg", "none.jpg: there is no such file"),
        (b"nonsense", "^8 bytes: not a picture"),
        (None, "a NoneType object: expected a path"),
        (7, "a int object: expected a path"),
        (Raises(), "RuntimeError: no reading here"),
        (closed, "closed file"),
        (lazily, "truncated"),
        (np.zeros((4, 4, 3), dtype=complex), "complex"),
        (np.zeros((0, 4, 3), dtype=np.uint8), "no pixels"),
        (np.zeros(5), r"expected one picture, got ndarray of shape \(5,\)"),
        (np.zeros((2, 4, 4, 3), dtype=np.uint8), r"expected one picture, got ndarray of shape \(2, 4, 4, 3\)"),
        (torch.zeros(1, 4, 4), r"\[1, 4, 4\]"),
        (torch.zeros(2, 3, 4, 4), r"expected one picture, got Tensor of shape \(2, 3, 4, 4\)"),
        (torch.full((3, 8, 8), float("nan")), "not finite numbers"),
        (torch.full((3, 8, 8), float("inf")), "not finite numbers"),
        (["a.jpg", "b.jpg"], "a list object: expected a path"),
        (Image.new("RGB", (6_000_000, 1)), "its shape is extreme"),
        (torch.zeros(3, 1, 200_000), "its shape is extreme"),
    ]


def test_a_bad_input_carries_its_error_and_stops_nothing(predictor, tmp_path):
    bad = bad_inputs(tmp_path)
    inputs = [item for wrong, _ in bad for item in (picture("red"), wrong, picture("blue"))]
    predictions = predictor(inputs)
    assert [prediction.label for prediction in predictions[::3]] == ["red"] * len(bad)
    assert [prediction.label for prediction in predictions[2::3]] == ["blue"] * len(bad)
    for (_, text), prediction in zip(bad, predictions[1::3], strict=True):
        assert not prediction.ok
        assert isinstance(prediction.error, InputError)
        assert prediction.labels == prediction.probabilities == prediction.indices == ()
        for ask in (lambda p=prediction: p.label, lambda p=prediction: p.probability):
            with pytest.raises(InputError, match=text):
                ask()


def test_one_bad_input_alone_carries_its_error(predictor, tmp_path):
    for item, text in bad_inputs(tmp_path):
        if getattr(item, "ndim", 3) == 4 or isinstance(item, list):
            continue  # alone, these are several
        prediction = predictor(item)
        with pytest.raises(InputError, match=text):
            _ = prediction.label


def test_a_failed_picture_is_not_kept_alive_by_its_error(predictor):
    kept = []

    class Unlucky(torch.nn.Module):
        def forward(self, given):
            kept.append(weakref.ref(given))
            raise RuntimeError("no luck")

    unlucky = Predictor(Colour_Weights.RGB_V1, device="cpu")
    unlucky.preset = Unlucky()
    prediction = unlucky(encoded("red"))
    assert str(prediction.error) == f"{len(encoded('red'))} bytes: RuntimeError: no luck"
    assert [reference() for reference in kept] == [None]


def test_stream_takes_inputs_as_they_are_needed_and_stops_when_closed(predictor):
    taken = 0

    def endless():
        nonlocal taken
        for label in itertools.cycle(LABELS):
            taken += 1
            yield picture(label)

    stream = predictor.stream(endless())
    assert taken == 0
    for number, label in zip(range(30), itertools.cycle(LABELS), strict=False):
        assert next(stream).label == label
        assert taken <= number + 2 * predictor.batch_size + predictor.workers
    assert decoders()
    stream.close()
    assert not decoders()
    assert list(stream) == []


def test_a_dropped_stream_ends_its_threads(predictor):
    stream = predictor.stream(picture("red") for _ in range(100))
    next(stream)
    del stream
    assert not decoders()


def test_what_the_iterable_raises_comes_after_the_results_before(predictor):
    def failing():
        for _ in range(7):
            yield picture("green")
        raise KeyError("the list is torn")

    stream, seen = predictor.stream(failing()), []
    with pytest.raises(KeyError, match="the list is torn"):
        seen.extend(prediction.label for prediction in stream)
    assert seen == ["green"] * 7
    assert not decoders()


@pytest.mark.parametrize("item", ["a.jpg", pathlib.Path("a.jpg"), b"a", picture("red"), np.zeros((4, 4, 3)), None, 7])
def test_stream_wants_several(predictor, item):
    with pytest.raises(InputTypeError, match="stream.. takes an iterable of pictures"):
        predictor.stream(item)


def test_decoding_is_parallel(predictor):
    """Each of three inputs waits until all three are being decoded."""
    together = threading.Barrier(3, timeout=20)

    class Meeting(io.BytesIO):
        def seek(self, *args):
            if args == (0,) and not self.met:
                self.met = True
                together.wait()
            return super().seek(*args)

        met = False

    assert [prediction.label for prediction in predictor([Meeting(encoded("blue")) for _ in range(3)])] == ["blue"] * 3


def test_order_is_kept_where_the_first_are_the_slowest(predictor):
    class Slow(io.BytesIO):
        def read(self, *args):
            time.sleep(0.01)
            return super().read(*args)

    inputs = [kind(encoded(label)) for _ in range(4) for label, kind in zip(LABELS, (Slow, bytes, bytes), strict=True)]
    assert [prediction.label for prediction in predictor(inputs)] == list(LABELS) * 4


def test_only_one_large_picture_is_decoded_at_a_time(monkeypatch):
    from multiweight.predict import _predictor as module

    monkeypatch.setattr(module, "_LARGE", 60 * 40 * 10)
    predictor = Predictor(Colour_Weights.RGB_V1, device="cpu", workers=4)
    busy, most = 0, 0
    guard = threading.Lock()
    preset = predictor.preset

    class Counting(torch.nn.Module):
        def forward(self, given):
            nonlocal busy, most
            if given.width > 100:
                with guard:
                    busy += 1
                    most = max(most, busy)
                time.sleep(0.01)
                with guard:
                    busy -= 1
            return preset(given)

    predictor.preset = Counting()
    inputs = [encoded("red", width=600, height=400), encoded("blue")] * 12
    assert [prediction.label for prediction in predictor(inputs)] == ["red", "blue"] * 12
    assert most == 1


def test_memory_is_flat_over_thousands_of_inputs():
    """What is alive while a stream runs does not depend on how long it is."""
    predictor = Predictor(Colour_Weights.RGB_V1, device="cpu", workers=2)
    alive: weakref.WeakSet = weakref.WeakSet()
    data = encoded("red", width=100, height=100)
    most = 0

    def inputs(count):
        for number in range(count):
            file = io.BytesIO(data if number % 5 else data[:300])
            alive.add(file)
            yield file

    failed = 0
    for number, prediction in enumerate(predictor.stream(inputs(3000))):
        failed += not prediction.ok
        if number % 50 == 0:
            most = max(most, len(alive))
    assert failed == 600
    assert most <= 2 * predictor.batch_size + 2 * predictor.workers


def test_a_preset_that_does_not_crop_gives_pictures_of_many_sizes():
    class AsItIs(torch.nn.Module):
        def forward(self, given):
            return torch.from_numpy(np.array(given)).permute(2, 0, 1) / 25.0

    predictor = Predictor(Colour_Weights.RGB_V1, device="cpu")
    predictor.preset = AsItIs()
    wanted = ["red", "red", "blue", "green", "blue", "red"]
    inputs = [picture(label, width=20 + 10 * (n % 2)) for n, label in enumerate(wanted)]
    assert [prediction.label for prediction in predictor(inputs)] == wanted


def test_a_model_whose_scores_are_not_the_labels_is_an_error(predictor):
    wrong = Predictor(Colour_Weights.RGB_V1, device="cpu")
    wrong.model = torch.nn.Flatten()
    with pytest.raises(ValueError, match=r"Colour_Weights.RGB_V1 gave Tensor of shape \(1, 1728\); .* \(1, 3\)"):
        wrong(picture("red"))
    assert not decoders()


def test_a_prediction_reads_well():
    good = Prediction("a.jpg", ("cat", "dog"), (0.75, 0.125), (3, 9))
    assert str(good) == "a.jpg: cat 75.0%, dog 12.5%"
    assert str(Prediction(None, ("cat",), (1.0,), (3,))) == "cat 100.0%"
    assert good.to_dict() == {
        "source": "a.jpg",
        "predictions": [
            {"label": "cat", "probability": 0.75, "index": 3},
            {"label": "dog", "probability": 0.125, "index": 9},
        ],
    }
    failed = Prediction("b.jpg", error=InputError("b.jpg: empty (0 bytes)."))
    assert str(failed) == "failed: b.jpg: empty (0 bytes)."
    assert json.loads(json.dumps(failed.to_dict())) == {"source": "b.jpg", "error": "b.jpg: empty (0 bytes)."}
    assert pickle.loads(pickle.dumps(good)) == good
    with pytest.raises(AttributeError):
        good.source = "c.jpg"


def test_hostile_pictures(predictor, tmp_path):
    """All good ones answered, each bad one named, in order, without a crash."""
    expected = hostile_folder(tmp_path / "pictures")
    paths = [tmp_path / "pictures" / name for name in expected]
    predictions = list(predictor.stream(iter(paths)))
    assert [prediction.source for prediction in predictions] == [str(path) for path in paths]
    for prediction, (name, label) in zip(predictions, expected.items(), strict=True):
        if label is None:
            assert isinstance(prediction.error, MultiweightError), name
            assert name in str(prediction.error), name
        elif label == "grey":
            assert max(prediction.probabilities) == pytest.approx(1 / 3, abs=0.01)
        else:
            assert prediction.label == label, name
            assert prediction.probability > 0.9, name


def test_hostile_pictures_in_bounded_memory(tmp_path):
    """In a process of its own, whose peak is measured.

    The bomb alone would be 700 MB, the extreme one 6 GB, four large ones at once 480 MB.
    """
    expected = hostile_folder(tmp_path / "pictures")
    script = """
import resource, sys
from multiweight import Predictor
from tests.predict.colours import Colour_Weights
from tests.predict.pictures import encoded
predictor = Predictor(Colour_Weights.RGB_V1, device="cpu", workers=4)
predictor(encoded("red"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
results = predictor(sys.argv[1:])
print(sum(result.ok for result in results), sum(not result.ok for result in results))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    paths = 4 * [str(tmp_path / "pictures" / name) for name in expected]
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *paths],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=pathlib.Path(__file__).parents[2],
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    counts, grown = run.stdout.splitlines()
    bad = sum(label is None for label in expected.values())
    assert counts == f"{4 * (len(expected) - bad)} {4 * bad}"
    assert int(grown) < 300, "MiB"


def test_the_colours_are_far_enough_apart():
    assert all(sorted(colour)[-1] - sorted(colour)[-2] > 150 for colour in RGB.values())
