"""What the loop does, beside the plainest loop; what it leaves behind; and what it says when something goes wrong."""

from __future__ import annotations

import os
import resource
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from multiweight.catalogue._file import preset_digest, read_header
from multiweight.errors import DatasetError, RecipeError, TrainingError, TrainingStoppedError
from multiweight.evaluate import evaluate
from multiweight.models import shufflenet_v2_x0_5
from multiweight.predict import Predictor
from multiweight.train import Recipe, as_toml, engine, override, recipe_hash
from multiweight.train.checkpoints import Checkpoints
from multiweight.train.distributed import Group, StopSignals
from multiweight.train.logs import read_lines
from multiweight.train.pictures import Pictures
from multiweight.transforms import finish
from tests.train.runs import PLAIN, RECIPE, assert_same, make_pictures, outcome, run

ALONE = Group(0, 1, torch.device("cpu"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def done(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run with a little of everything."""
    return run(tmp_path_factory.mktemp("done") / "run", pictures)


def short(*settings: str, recipe: Recipe = PLAIN) -> Recipe:
    return override(recipe, ["epochs=1", "schedule.warmup_epochs=0", *settings])


def test_is_the_plain_loop(tmp_path: Path, pictures: Path) -> None:
    """Without what the recipe leaves out it is five lines of PyTorch, bit for bit."""
    recipe = short("optimizer.weight_decay=0", "optimizer.clip_norm=none", "label_smoothing=0", "schedule.update=step")
    run(tmp_path / "run", pictures, recipe)
    torch.manual_seed(recipe.seed)
    model = shufflenet_v2_x0_5(num_classes=4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
    losses = []
    for batch in Pictures(pictures, recipe, ALONE, 0).loader.epoch(0):
        loss = F.cross_entropy(
            model(finish(batch.pictures, None, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))), batch.targets
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    ours = [line["loss"] for line in read_lines(tmp_path / "run") if line["event"] == "step"]
    assert ours[:1] == losses[:1]
    # torch's cosine multiplies from step to step; ours is computed anew, and differs in the last bit.
    assert ours == pytest.approx(losses, rel=1e-4)


def test_result_knows_what_it_is(done: Any, pictures: Path) -> None:
    for path, metrics in ((done.path, done.metrics), (done.last, done.last_metrics)):
        header = read_header(path)
        assert header is not None
        assert (header.variant, header.labels, header.license) == (
            RECIPE.variant,
            ("blue", "green", "grey", "red"),
            "none",
        )
        assert header.metrics == {pictures.name: metrics}
        assert header.recipe is not None
        assert (header.recipe["text"], header.recipe["sha256"]) == (as_toml(RECIPE), recipe_hash(RECIPE))
        assert header.recipe["data"] == {"name": pictures.name, "train": 48, "val": 16}
        (measured,) = header.measured
        assert (measured["split"], measured["pictures"], measured["resolution"]) == ("val", 16, 16)
        assert measured["preset_digest"] == preset_digest(header.preset)
        assert header.versions["torch"] == torch.__version__
        assert header.parent is None
        # Of the tensors in the file, which are of 16 bits: measured again it is the same.
        again = evaluate(path, data=pictures, device="cpu")
        assert {key: again.figures[key] for key in metrics} == metrics
    assert done.steps == 18
    assert done.curves.exists()
    prediction = Predictor(done.path, device="cpu")(pictures / "val" / "red" / "0.png")
    assert prediction.label in ("blue", "green", "grey", "red")


def test_fine_tuning(tmp_path: Path, pictures: Path, done: Any) -> None:
    data = tmp_path / "two"
    for part in ("train", "val"):
        for name in ("red", "blue"):
            shutil.copytree(pictures / part / name, data / part / name)
    recipe = short('fine_tuning.freeze=["conv1.*", "stage2.*"]', "fine_tuning.trunk_rate=0.1", "batch_size=8")
    result = run(tmp_path / "run", data, recipe, weights=done.path)
    header = read_header(result.path)
    assert header is not None
    assert header.parent is not None
    assert header.parent["name"] == "best.safetensors"
    assert header.labels == ("blue", "red")
    (said,) = [line["text"] for line in read_lines(tmp_path / "run") if line["event"] == "note"]
    assert "new head: fc for 2 classes instead of 4" in said
    before, after = (shufflenet_v2_x0_5(weights=str(path)).state_dict() for path in (done.path, result.path))
    same = {key.split(".")[0] for key in before if before[key].equal(after[key])}
    assert same == {"conv1", "stage2"}


def test_number_that_is_none(tmp_path: Path, pictures: Path) -> None:
    recipe = override(PLAIN, ["optimizer.learning_rate=1e30", "optimizer.clip_norm=none", "schedule.warmup_epochs=0"])
    with pytest.raises(TrainingError) as error:
        run(tmp_path / "run", pictures, recipe, checkpoint_every=1)
    text = str(error.value)
    for said in ("The loss is nan at step", "parameters hold", "learning rate was 9.9", "optimizer.clip_norm=1"):
        assert said in text
    for step in Checkpoints(tmp_path / "run" / "checkpoints").steps():
        assert f"at step {step + 1}" in text, "what is written is from before"


def test_worker_that_dies(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends the run with a checkpoint, from which it goes on as if nothing had happened."""
    run(tmp_path / "whole", pictures, PLAIN)
    plain_step = engine._Run._step

    def step(self: Any, shares: Any) -> Any:
        if self.step == 7:
            for process in self.pictures.loader._readers._pool._processes.values():
                os.kill(process.pid, signal.SIGKILL)
        return plain_step(self, shares)

    monkeypatch.setattr(engine._Run, "_step", step)
    with pytest.raises(TrainingError, match=r"worker.*died(.|\n)*SIGKILL(.|\n)*state after step \d+ is in .*--resume"):
        run(tmp_path / "run", pictures, PLAIN, workers=1)
    monkeypatch.undo()
    assert Checkpoints(tmp_path / "run" / "checkpoints").steps()[-1] > 6
    run(tmp_path / "run", pictures, PLAIN, resume=True)
    assert_same(outcome(tmp_path / "run"), outcome(tmp_path / "whole"))


def test_worker_that_dies_of_the_signal_that_stops_the_run(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM to a group of processes reaches those that read pictures too."""
    plain_step = engine._Run._step

    def step(self: Any, shares: Any) -> Any:
        loss = plain_step(self, shares)
        if self.step == 6:
            monkeypatch.setattr(engine._Run, "_read", lambda self: None)  # it comes after the flag was looked at
            for process in self.pictures.loader._readers._pool._processes.values():
                os.kill(process.pid, signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
        return loss

    monkeypatch.setattr(engine._Run, "_step", step)
    with pytest.raises(TrainingStoppedError, match=r"SIGTERM after step \d+, with a checkpoint"):
        run(tmp_path / "run", pictures, PLAIN, workers=1)
    assert Checkpoints(tmp_path / "run" / "checkpoints").steps()[-1] > 6


def test_folder_that_holds_a_run(pictures: Path, done: Any, tmp_path: Path) -> None:
    output = done.path.parent
    with pytest.raises(TrainingError, match="holds a run.*--resume"):
        run(output, pictures)
    changed = override(RECIPE, ["optimizer.learning_rate=0.1", "ema.every=1"])
    with pytest.raises(TrainingError, match=r"learning_rate was 0.05 and is 0.1; ema.every was 2 and is 1\."):
        run(output, pictures, changed, resume=True)
    with pytest.raises(TrainingError, match="weights was 'none' and is"):
        run(output, pictures, resume=True, weights=done.path)
    with pytest.raises(TrainingError, match="data was .* and is"):
        run(output, make_pictures(tmp_path / "more", train=13), resume=True)
    run(output, pictures, resume=True)
    newest = Checkpoints(output / "checkpoints").path(18)
    newest.write_bytes(newest.read_bytes()[:-1000])
    with pytest.raises(TrainingError, match=r"000018.pt is damaged.*go on from the one after step 12"):
        run(output, pictures, resume=True)


def test_disk_that_is_full(tmp_path: Path, pictures: Path) -> None:
    """What there was stays, and the run can go on from it."""
    output = tmp_path / "run"
    plain_save = Checkpoints.save
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def save(self: Any, step: int, state: Any) -> Path:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000 if step == 12 else limits[0], limits[1]))
        return plain_save(self, step, state)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", save)
        try:
            with pytest.raises(TrainingError) as error:
                run(output, pictures, PLAIN)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
    for said in ("after step 12 could not be written", "File too large", "the one after step 6 is whole", "--resume"):
        assert said in str(error.value)
    assert [path.name for path in (output / "checkpoints").iterdir()] == ["step_000000006.pt"]
    assert run(output, pictures, PLAIN, resume=True).steps == 18


def test_pictures_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_pictures(tmp_path / "data")
    broken = [data / "train" / "red" / "3.png", data / "val" / "blue" / "1.png"]
    for path in broken:
        path.write_bytes(b"no picture")
    result = run(tmp_path / "run", data, short())
    assert [source for source, _ in result.unreadable] == sorted(map(str, broken))
    assert "2 pictures could not be read" in capsys.readouterr().err
    header = read_header(result.path)
    assert header is not None
    assert (header.measured[0]["pictures"], header.measured[0]["unreadable"]) == (15, 1)


@pytest.mark.parametrize("amp", ["bf16", "fp16"])
def test_precision(tmp_path: Path, pictures: Path, amp: str) -> None:
    # Of 16 pixels a stride of 2 meets one: there torch 2.13 does not write all gradients of bf16, channels last.
    sizes = ("augmentation.crop_size=32", "evaluation.crop_size=32", "evaluation.resize_size=32")
    recipe = short(f"precision.amp={amp}", "precision.channels_last=true", "accumulate=2", *sizes)
    result = run(tmp_path / "run", pictures, recipe)
    losses = [line["loss"] for line in read_lines(tmp_path / "run") if line["event"] == "step"]
    assert all(0 < loss < 10 for loss in losses)
    assert result.steps == len(losses) == 6


def test_auxiliary_heads_count() -> None:
    """In training GoogLeNet and Inception give a tuple; heads that are not there are `None`."""
    one, other = torch.randn(2, 4, 3)
    targets = torch.tensor([0, 1, 2, 0])
    batch = engine.Batch(torch.zeros(4, 3, 2, 2, dtype=torch.uint8), targets, None, targets, ())
    fake: Any = engine._Run.__new__(engine._Run)
    fake.recipe, fake.group = replace(PLAIN, label_smoothing=0.0), ALONE
    fake.parts = type("Parts", (), {"model": staticmethod(lambda pictures: (one, other, None))})
    assert fake._loss(batch) == F.cross_entropy(one, targets) + 0.3 * F.cross_entropy(other, targets)


def test_what_cannot_begin(tmp_path: Path, pictures: Path) -> None:
    (tmp_path / "file").touch()
    cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (TrainingError, "cannot be used here", {"device": "cuda:99"}),
        (TrainingError, "cannot be made", {"output": tmp_path / "file" / "run"}),
        (DatasetError, "no folder", {"data": "nowhere"}),
        (TrainingError, "not divided.*train and val", {"data": pictures / "train"}),
        (RecipeError, "conv9", {"recipe": override(PLAIN, ['fine_tuning.freeze=["conv9"]'])}),
    ]
    for kind, text, changed in cases:
        given = {"recipe": PLAIN, "data": pictures, "output": tmp_path / "run", "device": "cpu", **changed}
        if "conv9" in text:
            given["weights"] = "ShuffleNet_V2_X0_5_Weights.DIGITS_V1"
        with pytest.raises(kind, match=text):
            engine.train(**given, progress=False)
    assert not list((tmp_path / "run").glob("*"))
    with pytest.raises(TrainingError, match="batch_size, 8, must be a multiple of the 3 shares"):
        Pictures(pictures, PLAIN, Group(0, 3, ALONE.device), 0)


def test_signals_in_another_process() -> None:
    """A process that reads pictures and inherits the handlers ends on SIGTERM."""
    with StopSignals() as signals:
        child = os.fork()
        if not child:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 128 + signal.SIGTERM
        assert not signals.received
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.received == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
