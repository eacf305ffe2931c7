"""The embedded weights for digits: they are what they say, and score what they claim on the held-out scans."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from multiweight import Predictor, store
from multiweight.catalogue import get_weight
from multiweight.catalogue._file import read_header
from multiweight.data import open_dataset
from multiweight.evaluate import evaluate
from multiweight.train import as_toml, load_recipe, recipe_of
from multiweight.train.pictures import preset_of

ROOT = Path(__file__).parents[2]
ENTRIES = [
    get_weight(f"{enum}.DIGITS_V{number}")
    for enum in ("ShuffleNet_V2_X0_5_Weights", "MobileNet_V2_Weights")
    for number in (1, 2)
]
SCAN = 100 / 360
"""What one of the scans counts, in points."""

every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=str)


@every_entry
def test_the_claim_can_be_measured_again(entry):
    measurement = evaluate(entry, data="digits", device="cpu", progress=False)
    assert measurement.counts.total == 360
    assert measurement.dataset in entry.meta["metrics"]
    # Another processor may round a near tie the other way, in float16's wider steps more often.
    claims = {claim.key: claim for claim in measurement.claims}
    assert claims.keys() == {"acc@1", "acc@5"}
    assert all(abs(claim.difference) <= 1.01 * SCAN for claim in claims.values())
    assert claims["acc@1"].claimed >= 96


@every_entry
def test_the_file_is_small_and_whole(entry):
    path = store.local_path(entry.url)
    assert path.stat().st_size < 2_000_000
    checked = store.verify(entry.value, name=str(entry))
    assert checked.ok
    assert checked.sha256 == entry.sha256
    assert entry.meta["file_size"] == pytest.approx(path.stat().st_size / 2**20, abs=5e-4)


@every_entry
def test_the_file_says_what_the_entry_says(entry):
    header = read_header(store.local_path(entry.url))
    assert header.variant == type(entry).variant
    assert header.arguments == dict(entry.arguments)
    assert header.labels == entry.meta["categories"] == tuple("0123456789")
    assert header.preset == entry.transforms
    assert header.metrics == {name: dict(figures) for name, figures in entry.meta["metrics"].items()}
    assert (header.license, header.num_params) == (entry.meta["license"], entry.meta["num_params"])


@every_entry
def test_the_file_is_of_the_entrys_recipe_and_of_seed_0(entry):
    said = read_header(store.local_path(entry.url)).recipe
    recipe = load_recipe(entry.recipe)
    assert said["text"] == as_toml(recipe)
    assert recipe_of(said["text"], name=said["name"]) == recipe
    assert said["seed"] == recipe.seed == 0
    assert said["data"] == {"name": "UCI digits", "train": 1437, "val": 360}
    assert preset_of(recipe) == entry.transforms


@every_entry
def test_the_meta_is_as_complete_as_any(entry):
    for key in ("license", "dataset", "split"):
        assert entry.meta[key]
    page = (ROOT / entry.meta["recipe"]).read_text(encoding="utf-8")
    for name in (str(entry), entry.recipe):
        assert f"`{name}`" in page
    assert type(entry).DEFAULT.name.startswith("IMAGENET1K")


@every_entry
def test_the_page_has_the_figures_of_the_seed_that_ships(entry):
    page = (ROOT / entry.meta["recipe"]).read_text(encoding="utf-8")
    row = rf"^\| {type(entry).variant} {entry.name.removeprefix('DIGITS_')} \| ([\d.]+) \|"
    (figure,) = re.findall(row, page, re.MULTILINE)
    assert float(figure) == round(entry.meta["acc@1"], 2)


def test_the_examples_are_held_out_scans_and_are_recognised():
    files = sorted((ROOT / "examples/digits").glob("*.png"))
    assert len(files) == 50
    held_out = open_dataset("digits", "val")
    for file in files:
        number, digit = int(file.stem[:4]), int(file.stem[-1])
        assert number % 5 == 0
        assert held_out.target(number // 5) == digit
        scan = held_out.picture(number // 5).convert("L")
        assert list(Image.open(file).get_flattened_data()) == list(scan.get_flattened_data())
    answers = Predictor("ShuffleNet_V2_X0_5_Weights.DIGITS_V2", top=1)(files)
    right = sum(answer.label == file.stem[-1] for answer, file in zip(answers, files, strict=True))
    assert right >= 0.9 * len(files)


def test_the_demo_says_how_many_are_right():
    ran = subprocess.run(
        [sys.executable, str(ROOT / "examples/digits.py")], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stderr
    assert "of 50 scans right" in ran.stdout


def test_the_steps_of_the_ablation_lead_from_one_recipe_to_the_other(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")
    import ablate_digits

    steps = ablate_digits.ladder(*ablate_digits.ends("shufflenet_v2_x0_5"))
    first, *_, last = steps.values()
    assert first == load_recipe("shufflenet_v2_x0_5_digits_v1")
    assert last == load_recipe("shufflenet_v2_x0_5_digits_v2")
    page = (ROOT / "docs/digits.md").read_text(encoding="utf-8")
    places = [page.index(f"+ {title} |") for title in [*steps][1:]]
    assert places == sorted(places)
