"""The embedded weights for pages of digits: they are what they say, and score what they claim on held-out scans."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from multiweight import Predictor, store
from multiweight.catalogue import get_weight
from multiweight.data import open_dataset
from multiweight.models.segmentation import lraspp_mobilenet_v3_small

ROOT = Path(__file__).parents[3]
ENTRY = get_weight("LRASPP_MobileNet_V3_Small_Weights.DIGIT_PAGES_V1")
EXAMPLES = sorted((ROOT / "examples/pages").glob("*.png"))


@pytest.fixture(scope="module")
def examples():
    """Imports a module of the folder of examples by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "examples")
        yield importlib.import_module


@pytest.fixture(scope="module")
def pages(examples):
    """The module that composes pages."""
    return examples("digit_pages")


@pytest.fixture(scope="module")
def training(examples):
    """The training script, as a module."""
    return examples("train_digit_pages")


@pytest.fixture(scope="module")
def held_out(pages):
    return pages.scans(held_out=True)


def test_the_claim_can_be_measured_again(training, held_out, pages):
    measured_on = [pages.compose(held_out, seed) for seed in training.HELD_OUT_SEEDS]
    assert len(measured_on) == 200
    measured = training.measure(lraspp_mobilenet_v3_small(weights=ENTRY), measured_on)
    (claimed,) = ENTRY.meta["metrics"].values()
    # Another processor rounds otherwise, which may turn the class of pixels between two digits.
    assert measured == {
        "miou": pytest.approx(claimed["miou"], abs=0.1),
        "pixel_acc": pytest.approx(claimed["pixel_acc"], abs=0.02),
    }


def test_the_preset_is_the_one_of_the_training(training):
    assert repr(ENTRY.transforms()) == repr(training.PRESET)


def test_the_split_is_the_one_of_the_scans_alone(pages, held_out):
    for part, split in ((held_out, "val"), (pages.scans(held_out=False), "train")):
        scans = open_dataset("digits", split)
        assert [f"{number}" in scans.source(index) for index, number in enumerate(part.numbers)] == [True] * len(scans)
        assert part.digits.tolist() == [scans.target(index) for index in range(len(scans))]


def test_a_page_shows_what_it_says(pages, held_out):
    for seed in range(20):
        page = pages.compose(held_out, seed)
        assert page.picture.shape == (pages.HEIGHT, pages.WIDTH, 3)
        assert page.truth.shape == (pages.HEIGHT, pages.WIDTH)
        assert page.picture.dtype == page.truth.dtype == np.uint8
        assert set(np.unique(page.truth)) == {0} | {digit + 1 for digit in page.digits}
        places = np.searchsorted(held_out.numbers, page.scans)
        assert np.array_equal(held_out.numbers[places], page.scans)
        assert np.array_equal(held_out.digits[places], page.digits)
        # Ink is darker than paper, if not by the same on every page.
        assert page.picture[page.truth > 0].mean() < page.picture[page.truth == 0].mean() - 40


def test_a_seed_says_everything_about_a_page(pages, held_out):
    first, again, other = (pages.compose(held_out, seed) for seed in (7, 7, 8))
    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.truth, again.truth)
    assert first[2:] == again[2:] != other[2:]
    assert not np.array_equal(first.picture, other.picture)


def test_pages_for_training_have_other_seeds(training, pages):
    assert not {*pages.EXAMPLES} & {*training.HELD_OUT_SEEDS}
    assert max(*pages.EXAMPLES, *training.HELD_OUT_SEEDS) < training.FIRST_TRAINING_SEED


def test_the_file_is_small_and_whole():
    path = store.local_path(ENTRY.url)
    assert path.stat().st_size < 4_000_000
    checked = store.verify(ENTRY.value, name=str(ENTRY))
    assert checked.ok
    assert checked.sha256 == ENTRY.sha256
    assert ENTRY.meta["file_size"] == pytest.approx(path.stat().st_size / 2**20, abs=5e-4)
    assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float16, torch.int64}


def test_the_network_is_one_of_32_bits():
    model = lraspp_mobilenet_v3_small(weights="DIGIT_PAGES_V1")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert all(tensor.isfinite().all() for tensor in model.state_dict().values())


def test_the_meta_is_as_complete_as_any():
    assert ENTRY.meta["categories"] == ("__background__", *"0123456789")
    for key in ("recipe", "license", "dataset", "split"):
        assert ENTRY.meta[key]
    assert (ROOT / ENTRY.meta["recipe"]).exists()
    assert type(ENTRY).DEFAULT is ENTRY


def test_the_examples_are_pages_of_held_out_scans(pages, held_out):
    assert [int(file.stem[:4]) for file in EXAMPLES] == sorted(pages.EXAMPLES)
    assert sum(file.stat().st_size for file in EXAMPLES) < 60_000
    for file in EXAMPLES:
        page = pages.compose(held_out, int(file.stem[:4]))
        assert file.stem[5:] == "".join(map(str, page.digits))
        picture = np.asarray(Image.open(file))
        # One step of the paper's 32 where another processor rounds otherwise, and then of few pixels.
        assert abs(picture.astype(int) - page.picture).max() <= 8
        assert (picture != page.picture).mean() < 0.001


def test_the_examples_are_read(pages, held_out):
    truth = np.stack([pages.compose(held_out, int(file.stem[:4])).truth for file in EXAMPLES])
    right = np.stack([answer.classes for answer in Predictor(ENTRY)(EXAMPLES)]) == truth
    assert right.mean() > 0.97
    assert right[truth > 0].mean() > 0.88


def test_the_script_trains(tmp_path, training, monkeypatch):
    """A few steps of it, which is enough to see that it runs from scans to file."""
    monkeypatch.setattr(training, "STEPS", 3)
    monkeypatch.setattr(training, "HELD_OUT_SEEDS", range(1000, 1002))
    monkeypatch.setattr(sys, "argv", ["train_digit_pages.py", "--output", str(tmp_path / "pages.safetensors")])
    training.main()
    tensors = load_file(tmp_path / "pages.safetensors")
    lraspp_mobilenet_v3_small(num_classes=11, weights_backbone=None).load_state_dict(tensors)


def test_the_example_pages_can_be_written_again(tmp_path, pages, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["digit_pages.py", "--output", str(tmp_path)])
    pages.main()
    assert sorted(file.name for file in tmp_path.iterdir()) == [file.name for file in EXAMPLES]


def test_the_demo_says_how_many_are_found():
    ran = subprocess.run(
        [sys.executable, str(ROOT / "examples/pages.py")], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stderr
    assert "of 24 found" in ran.stdout
    assert "claimed for" in ran.stdout
