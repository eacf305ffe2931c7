"""`multiweight evaluate`: what it prints, writes and reports as its exit status, in one process and in two."""

import csv
import json
import os
import subprocess
import sys

import pytest

from multiweight.data import open_dataset
from multiweight.evaluate import confused_pairs, evaluate
from multiweight.models import ShuffleNet_V2_X0_5_Weights

DIGITS = "ShuffleNet_V2_X0_5_Weights.DIGITS_V1"
ENTRY = ShuffleNet_V2_X0_5_Weights.DIGITS_V1
CLAIMED_ON, CLAIM = next(iter(ENTRY.meta["metrics"].items()))
ON_DIGITS = ("--data", "digits", "--dataset", CLAIMED_ON)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """A folder of the first held-out scans, of which one is damaged."""
    root = tmp_path_factory.mktemp("scans")
    dataset = open_dataset("digits", "val")
    for index in range(60):
        folder = root / "val" / dataset.classes[dataset.target(index)]
        folder.mkdir(parents=True, exist_ok=True)
        dataset.picture(index).save(folder / f"{index:03}.png")
    (root / "val" / "3" / "999.png").write_bytes(b"\x89PNG")
    return root


def cells(result, title):
    """The numbers in the line of a table that begins with a title."""
    (line,) = [line for line in result.stdout.splitlines() if line.startswith(title)]
    return [float(cell) for cell in line.removeprefix(title).replace("%", "").split() if cell != "–"]


def test_measures_what_is_claimed(run, tmp_path):
    files = ["--record", str(tmp_path / "new.json"), "--draw", str(tmp_path), "--per-class", str(tmp_path / "c.csv")]
    result = run("evaluate", DIGITS.lower(), *ON_DIGITS, "--tolerance", "0.5", "--device", "cpu", *files)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == DIGITS
    assert f"{CLAIMED_ON}, val: 360 pictures of 10 classes. The classes are the entry's labels" in lines[1]
    for title, key in (("Acc@1", "acc@1"), ("Acc@5", "acc@5")):
        measured, claimed, difference = cells(result, title)
        assert claimed == CLAIM[key]
        assert difference == pytest.approx(measured - claimed, abs=1e-3)
    assert len(cells(result, "ECE")) == 1
    assert "images/s on cpu" in lines[-1]
    assert {"confusion.png", "reliability.png", "new.json", "c.csv"} <= set(os.listdir(tmp_path))
    (record,) = json.loads((tmp_path / "new.json").read_text())[DIGITS]
    assert record["metrics"]["acc@1"] == cells(result, "Acc@1")[0]
    rows = list(csv.DictReader((tmp_path / "c.csv").read_text().splitlines()))
    assert [row["label"] for row in rows] == list("0123456789")
    assert sum(int(row["pictures"]) for row in rows) == 360


def test_says_what_mistakes_cost(run, scans, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("evaluate", DIGITS, "--data", str(scans), "--sensitivity", "--classes", "0", "--record")
    assert result.exit_code == 0, result.output
    right = cells(result, "Acc@1")[0]
    assert cells(result, "BGR for RGB")[:2] == [right, 0]  # the scans are grey
    accuracy, cost, *_ = cells(result, "no normalisation")
    assert cost == pytest.approx(accuracy - right, abs=2e-3)
    assert cost < -20
    (record,) = json.loads((tmp_path / "measured.json").read_text())[DIGITS]
    costs = {each["mistake"]: each["metrics"] for each in record["sensitivity"]}
    assert costs["no normalisation"]["acc@1"] == accuracy


class TestTolerance:
    def test_is_kept_or_exit_status_1(self, run):
        arguments = ("evaluate", DIGITS, *ON_DIGITS, "--crop-size", str(ENTRY.transforms.crop_size * 3 // 4))
        result = run(*arguments, "--tolerance", "0.5", "--classes", "3")
        assert result.exit_code == 1
        assert "points from the claimed" in result.stderr
        assert "not the weights' own crop_size" in result.stdout
        assert "The worst 3 of 10 classes" in result.stdout
        assert run(*arguments, "--tolerance", "99", "--classes", "0").exit_code == 0

    def test_needs_a_claim(self, run):
        result = run("evaluate", DIGITS, "--data", "digits", "--dataset", "Other digits", "--tolerance", "0.5")
        assert result.exit_code == 2
        assert "claims no accuracy on 'Other digits', val; it claims figures on " in result.stderr


class TestUnusual:
    def test_unreadable_pictures_are_named(self, run, scans):
        result = run("evaluate", DIGITS, "--data", str(scans), "--classes", "0")
        assert result.exit_code == 0, result.output
        assert "1 pictures could not be read and are in no figure" in result.stderr
        assert "999.png" in result.stderr
        assert "val: 60 pictures" in result.stdout

    def test_order_alone_is_said_plainly(self, run, scans, tmp_path):
        for digit in range(10):
            os.symlink(scans / "val" / str(digit), tmp_path / f"folder {digit}")
        result = run("evaluate", DIGITS, "--data", str(tmp_path), "--classes", "0")
        assert result.exit_code == 0, result.output
        assert "Warning: The classes are matched with the labels by their order alone" in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "status", "text"),
        [
            (["resnet51", "--data", "digits"], 2, "Did you mean resnet"),
            ([DIGITS, "--data", "digitz"], 1, "digitz"),
            ([DIGITS, "--data", "digits", "--device", "abacus"], 1, "abacus"),
            ([DIGITS, "--data", "digits", "--record", __file__], 1, "is not a file of records"),
            (["raft_small", "--data", "digits"], 1, "is for optical flow"),
        ],
    )
    def test_what_cannot_be_measured(self, run, arguments, status, text):
        result = run("evaluate", *arguments)
        assert result.exit_code == status, result.output
        assert text in result.stderr


def test_two_processes_count_what_one_does(scans):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
            *("-m", "multiweight", "evaluate", DIGITS, "--data", str(scans), "--device", "cpu", "--batch-size", "5"),
            *("--format", "json"),
        ],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    together = json.loads(done.stdout)  # one process talks
    alone = evaluate(ENTRY, data=scans, progress=False)
    assert together["processes"] == 2
    assert together["pictures"] == alone.counts.total == 60
    assert together["metrics"] == alone.figures
    counted = [(each["label"], each["pictures"], each["top1"], each["top5"]) for each in together["per_class"]]
    assert counted == [(each.label, each.pictures, each.top1, each.top5) for each in alone.per_class()]
    labels = alone.labels
    confused = [(each["label"], each["taken_for"], each["times"]) for each in together["confused"]]
    assert confused == [(labels[right], labels[taken], times) for right, taken, times in confused_pairs(alone.counts)]
    for part, expected in zip(together["calibration"], alone.counts.bins(), strict=True):
        assert (part["count"], part["accuracy"]) == (expected.count, expected.accuracy)
        assert part["confidence"] == pytest.approx(expected.confidence, abs=1e-5)  # the outputs' last bits
    assert [(each["source"], each["reason"]) for each in together["failures"]] == alone.counts.failures
