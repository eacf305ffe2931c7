"""The embedded 8-bit weights for digits: they are what they say, and lose next to nothing of their parents' score."""

import subprocess
import sys

import pytest
import torch

from multiweight import Predictor, quantize_weights, store
from multiweight.catalogue import get_weight, read_header
from multiweight.catalogue._file import preset_digest
from multiweight.data import open_dataset
from multiweight.evaluate import evaluate
from multiweight.models import get_model

EMBEDDED = [get_weight(f"{enum}_QuantizedWeights.DIGITS_INT8_V2") for enum in ("ShuffleNet_V2_X0_5", "MobileNet_V2")]
PARENTS = [
    get_weight(f"{enum}_Weights.DIGITS_V{number}")
    for enum in ("ShuffleNet_V2_X0_5", "MobileNet_V2")
    for number in (1, 2)
]
SCAN = 100 / 360
"""What one of the held-out scans counts, in points."""


@pytest.mark.parametrize("entry", EMBEDDED, ids=str)
def test_the_claim_can_be_measured_again_and_is_within_half_a_point_of_the_parent(entry):
    measurement = evaluate(entry, data="digits", device="cpu", progress=False)
    assert measurement.counts.total == 360
    (claim,) = (claim for claim in measurement.claims if claim.key == "acc@1")
    # The parent's features are floats, which another processor may round the other way; whole numbers it may not.
    assert abs(claim.difference) <= 1.01 * SCAN
    ((_, of_parent),) = entry.meta.unquantized.meta["metrics"].items()
    assert abs(claim.claimed - of_parent["acc@1"]) <= 0.5


@pytest.mark.parametrize("entry", EMBEDDED, ids=str)
def test_the_file_says_what_the_entry_says(entry):
    path, parent = store.local_path(entry.url), entry.meta.unquantized
    header = read_header(path)
    assert header.variant == type(entry).variant
    assert header.arguments == dict(entry.arguments)
    assert header.labels == entry.meta["categories"]
    assert header.preset == entry.transforms
    assert header.metrics == {name: dict(figures) for name, figures in entry.meta["metrics"].items()}
    assert header.parent == {"name": str(parent), "sha256": parent.sha256}
    assert header.quantization["metrics"] == {name: dict(kept) for name, kept in parent.meta["metrics"].items()}
    assert header.measured[0]["preset_digest"] == preset_digest(entry.transforms)
    assert (header.num_params, header.license) == (entry.meta["num_params"], entry.meta["license"])
    assert store.verify(entry.value, name=str(entry)).sha256 == entry.sha256
    assert entry.meta["file_size"] == pytest.approx(path.stat().st_size / 2**20, abs=5e-4)
    assert path.stat().st_size < store.local_path(parent.url).stat().st_size * 0.6


@pytest.mark.parametrize("parent", PARENTS, ids=str)
def test_quantizing_again_keeps_the_accuracy_and_gives_the_same_weights(parent, tmp_path):
    done = quantize_weights(parent, data="digits", output=tmp_path / "int8.safetensors", progress=False)
    before, after = done.before.figures["acc@1"], done.after.figures["acc@1"]
    assert done.pictures == 1000
    # One scan at most where the documented figures are from; ranges, and so near ties, differ between processors.
    assert abs(after - before) <= 2.01 * SCAN
    for entry in EMBEDDED:
        if entry.meta.unquantized is parent:
            new, old = (get_model(type(entry).variant, weights=each).state_dict() for each in (done.path, entry))
            assert new.keys() == old.keys()
            # Ranges follow from sums of floats, whose last bits differ from processor to processor; weights do not.
            assert all(torch.equal(new[key], old[key]) for key in new if new[key].dtype == torch.int8)
            torch.testing.assert_close(new, old, rtol=0.05, atol=3, check_dtype=True)


def test_quantized_prediction_runs_offline_in_a_process_of_its_own(tmp_path):
    dataset = open_dataset("digits", "val")
    for index in range(20):
        dataset.picture(index).save(tmp_path / f"{index:02}_{dataset.target(index)}.png")
    code = (
        "import sys, warnings; warnings.simplefilter('error')\n"
        "from multiweight import Predictor\n"
        "predictor = Predictor('ShuffleNet_V2_X0_5_QuantizedWeights.DIGITS_INT8_V2', top=1)\n"
        "print(*(answer.label for answer in predictor.stream(sys.argv[1:])))\n"
        "assert not {'torch._dynamo', 'sympy', 'torchvision'} & set(sys.modules), 'heavy'\n"
    )
    files = sorted(map(str, tmp_path.iterdir()))
    run = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    right = [answer == str(dataset.target(index)) for index, answer in enumerate(run.stdout.split())]
    assert sum(right) >= 19


def test_the_predictor_says_what_the_parent_says():
    dataset = open_dataset("digits", "val")
    pictures = [dataset.picture(index) for index in range(60)]
    for entry in EMBEDDED:
        ours, parents = (
            [answer.label for answer in Predictor(each, top=1).stream(pictures)]
            for each in (entry, entry.meta.unquantized)
        )
        assert sum(mine == other for mine, other in zip(ours, parents, strict=True)) >= 59
