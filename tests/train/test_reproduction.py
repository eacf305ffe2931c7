"""What a weights file says of its training is enough to train it again."""

from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from multiweight.catalogue._file import entry_of_file, read_header
from multiweight.cli import main
from multiweight.errors import HeaderError
from multiweight.store.save import save_weights
from multiweight.train import reproduction
from multiweight.train.reproduction import reproduce
from tests.train.runs import RECIPE, make_pictures, run

SMALL = replace(RECIPE, epochs=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("data"), train=4, val=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory, data):
    """A run with a little of everything, by another seed than the recipe's own."""
    return run(tmp_path_factory.mktemp("runs") / "first", data, SMALL, seed=5)


def rewritten(made, path, **changes):
    """The file of a run with another header."""
    save_weights(load_file(made.last), path, replace(read_header(made.last), **changes))
    return path


def test_the_header_alone_gives_the_same_tensors(made, data, tmp_path):
    # Nothing but the file: not the recipe as an object, not the folder of the run.
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes(made.last.read_bytes())
    result = reproduce(alone, data=data, output=tmp_path / "again", device="cpu", progress=False)
    assert result.identical
    assert result.claimed == result.measured == made.last_metrics
    assert set(result.differences.values()) == {0.0}
    assert result.recipe == RECIPE.name
    assert result.versions == ()
    # A run that is over, as one that was stopped, is gone on with.
    options = {"data": data, "output": tmp_path / "again", "device": "cpu", "progress": False}
    assert reproduce(alone, resume=True, **options) == result
    again, first = load_file(result.path), load_file(alone)
    assert all(tensor.equal(first[name]) for name, tensor in again.items())
    assert read_header(result.path).recipe == read_header(alone).recipe


def test_as_many_threads_compute_as_the_first_time(made, data, tmp_path, monkeypatch):
    said = read_header(made.last).recipe
    assert said["threads"] == torch.get_num_threads() == 1
    seen = []
    monkeypatch.setattr(reproduction, "train", lambda *args, **options: seen.append(torch.get_num_threads()) or made)
    for threads in (2, 1):
        reproduce(rewritten(made, tmp_path / "file.safetensors", recipe={**said, "threads": threads}), data=data)
    assert seen == [2, 1]
    assert torch.get_num_threads() == 1
    for threads in (0, "many", True, 10**9):
        with pytest.raises(HeaderError, match="no number of threads"):
            reproduce(rewritten(made, tmp_path / "file.safetensors", recipe={**said, "threads": threads}), data=data)


def test_what_it_started_from_is_in_the_header_too(made, data, tmp_path):
    tuned = run(tmp_path / "tuned", data, SMALL, weights=str(made.last))
    assert read_header(tuned.last).parent["name"] == made.last.name
    options = {"data": data, "device": "cpu", "progress": False}
    assert reproduce(tuned.last, weights=made.last, **options).identical
    with pytest.raises(HeaderError, match=r"from the file last\.safetensors.*--weights"):
        reproduce(tuned.last, **options)
    with pytest.raises(HeaderError, match=f"that of .*{tuned.last.name} is"):
        reproduce(tuned.last, weights=tuned.last, **options)
    with pytest.raises(HeaderError, match="from random tensors"):
        reproduce(made.last, weights=tuned.last, **options)


def test_the_best_of_a_run_is_compared_with_the_best(made, data, tmp_path):
    (record,) = read_header(made.path).measured
    result = reproduce(made.path, data=data, device="cpu", progress=False)
    assert result.identical
    assert result.measured == record["metrics"]


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (None, "does not say how it was trained"),
        ({"name": "small"}, "does not say how it was trained"),
        ("other hash", "is not the one that it has the hash of"),
    ],
)
def test_a_file_that_does_not_say_enough(made, data, tmp_path, recipe, said):
    if recipe == "other hash":
        recipe = {**read_header(made.last).recipe, "sha256": "0" * 64}
    file = rewritten(made, tmp_path / "file.safetensors", recipe=recipe)
    with pytest.raises(HeaderError, match=said):
        reproduce(file, data=data, progress=False)


def test_data_that_are_not_built_in_must_be_given(made):
    with pytest.raises(HeaderError, match=r"--data"):
        reproduce(entry_of_file(made.last), progress=False)


class TestCommand:
    def test_prints_claim_and_result(self, made, data, tmp_path):
        arguments = ["reproduce", str(made.last), "--data", str(data), "--output", str(tmp_path / "again")]
        ran = CliRunner().invoke(main, [*arguments, "--device", "cpu", "--tolerance", "0"])
        assert ran.exit_code == 0, ran.output
        assert "equal, bit for bit" in ran.stdout
        claimed = f"{made.last_metrics['acc@1']:.3f} %"
        assert [line.split() for line in ran.stdout.splitlines() if line.startswith("Acc@1")] == [
            ["Acc@1", *claimed.split(), *claimed.split(), "+0.000"]
        ]
        assert str(tmp_path / "again") in ran.stdout

    def test_a_claim_that_was_too_good(self, made, data, tmp_path):
        (name,) = read_header(made.last).metrics
        claims = {name: {"acc@1": made.last_metrics["acc@1"] + 1.5, "acc@5": made.last_metrics["acc@5"]}}
        file = rewritten(made, tmp_path / "file.safetensors", metrics=claims)
        arguments = ["reproduce", str(file), "--data", str(data), "--device", "cpu", "--tolerance", "1"]
        ran = CliRunner().invoke(main, arguments)
        assert ran.exit_code == 1
        assert "-1.500" in ran.stdout
        assert "--tolerance is 1" in ran.stderr

    def test_wrong_usage(self, made):
        assert CliRunner().invoke(main, ["reproduce", str(made.last), "--resume"]).exit_code == 2
        assert CliRunner().invoke(main, ["reproduce", "no_such_network"]).exit_code == 2
