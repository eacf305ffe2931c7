import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from multiweight.errors import MissingExtraError
from multiweight.train import logs
from multiweight.train.logs import LINES, Log, curves, read_lines


def log_of(output, **options):
    return Log(output, **{"epochs": 4, "steps_per_epoch": 5, "batch_size": 8, "tensorboard": False, **options})


def run(output, steps, *, start=0, **options):
    """A run of so many steps, whose figures say where they are from."""
    with log_of(output, resume_step=start or None, **options) as log:
        for step in range(start + 1, steps + 1):
            log.step(step, {"loss": torch.tensor(step / 2, requires_grad=True), "learning_rate": 0.1})
            if step % 5 == 0:
                log.epoch(step // 5 - 1, {"loss": step / 2, "acc@1": 50.0 + step, "acc@5": torch.tensor(90.0)})


def places(output):
    return [(line["event"], line["epoch"], line["step"]) for line in read_lines(output)]


def expected(steps):
    return [
        place
        for step in range(1, steps + 1)
        for place in [("step", (step - 1) // 5, step), ("epoch", step // 5 - 1, step)][: 1 + (step % 5 == 0)]
    ]


def test_every_figure_is_a_line_once(tmp_path):
    before = time.time()
    run(tmp_path, 10)
    assert places(tmp_path) == expected(10)
    step, epoch = read_lines(tmp_path)[2], read_lines(tmp_path)[5]
    assert before <= step.pop("time") <= epoch.pop("time") <= time.time()
    assert step == {"event": "step", "epoch": 0, "step": 3, "loss": 1.5, "learning_rate": 0.1}
    assert epoch == {"event": "epoch", "epoch": 0, "step": 5, "loss": 2.5, "acc@1": 55.0, "acc@5": 90.0}


@settings(deadline=None, max_examples=30)
@given(killed=st.integers(0, 20), kept=st.integers(0, 20), torn=st.integers(0, 60))
def test_a_resumed_run_has_the_lines_of_one_never_interrupted(tmp_path_factory, killed, kept, torn):
    output = tmp_path_factory.mktemp("run")
    kept = min(kept, killed)
    run(output, killed)
    path = output / LINES
    if torn:
        path.write_bytes(
            path.read_bytes() + b'{"event": "step", "epoch": 3, "step": 19, "loss": 0.25, "time": 1}\n'[:torn]
        )
    with log_of(output, resume_step=kept):
        pass
    assert places(output) == expected(kept)
    if kept:
        run(output, 20, start=kept)
        assert places(output) == expected(20)


def test_a_damaged_line_ends_what_is_kept(tmp_path):
    run(tmp_path, 4)
    path = tmp_path / LINES
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\0\0\xff\n" + b"".join(lines[1:]))
    with log_of(tmp_path, resume_step=4):
        pass
    assert places(tmp_path) == expected(1)


def test_a_new_run_begins_its_own_log(tmp_path):
    run(tmp_path, 7)
    run(tmp_path, 2)
    assert places(tmp_path) == expected(2)


def test_resuming_without_a_log_begins_one(tmp_path):
    run(tmp_path, 8, start=5)
    assert [line["step"] for line in read_lines(tmp_path)] == [6, 7, 8]


KILLED = """
import os, signal, sys
from multiweight.train.logs import Log

log = Log(sys.argv[1], epochs=9, steps_per_epoch=1000, batch_size=8, every=1, tensorboard=False)
for step in range(1, 3001):
    log.step(step, {"loss": 1 / step})
    if step == 2500:
        log.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_flushed_survives_sigkill(tmp_path):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert ended.returncode == -signal.SIGKILL
    steps = [line["step"] for line in read_lines(tmp_path)]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= 2500


def test_figures_wait_and_are_written_after_a_while(tmp_path, monkeypatch):
    log = log_of(tmp_path)
    log.step(1, {"loss": 1.0})
    assert read_lines(tmp_path) == []
    monkeypatch.setattr(logs, "FLUSH_SECONDS", 0.0)
    log.step(2, {"loss": 1.0})
    assert [line["step"] for line in read_lines(tmp_path)] == [1, 2]
    log.close()
    log.close()


def test_there_are_at_most_a_hundred_lines_an_epoch_unless_asked(tmp_path):
    for every, lines in ((None, 100), (1, 1000), (250, 4)):
        with log_of(tmp_path, steps_per_epoch=1000, every=every) as log:
            for step in range(1, 1001):
                log.step(step, {"loss": 1.0})
        assert len(read_lines(tmp_path)) == lines


def test_what_is_no_number_is_null_and_the_file_stays_json(tmp_path):
    with log_of(tmp_path) as log:
        log.step(1, {"loss": torch.tensor(float("nan")), "learning_rate": float("inf")})
    (line,) = (tmp_path / LINES).read_text().splitlines()
    assert json.loads(line, parse_constant=pytest.fail)["loss"] is None
    assert json.loads(line)["learning_rate"] is None


def test_a_note_is_in_the_log_and_said_in_a_pipe_too(tmp_path, capfd):
    with log_of(tmp_path) as log:
        log.step(1, {"loss": 1.0})
        log.say("A new head.\nFor 3 [classes].")
    assert read_lines(tmp_path)[1]["text"] == "A new head.\nFor 3 [classes]."
    assert capfd.readouterr() == ("", "A new head.\nFor 3 [classes].\n")


def test_other_processes_write_and_say_nothing(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with log_of(None, tensorboard=True) as log:
        log.step(1, {"loss": 1.0})
        log.epoch(0, {"loss": 1.0})
        log.say("Nothing.")
        log.flush()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


class Terminal:
    """Standard error, as a terminal that keeps what it was told."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return True


def test_a_terminal_shows_where_the_run_is(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(logs, "FLUSH_SECONDS", 0.0)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with log_of(tmp_path) as log:
        for step in range(1, 6):
            log.step(step, {"loss": 2.5, "learning_rate": 0.125})
        log.epoch(0, {"acc@1": 81.25})
        log.say("Careful [here].")
        log.step(6, {"loss": 1.5})
    for shown in ("epoch 2", "loss 1.5", "rate 0.125", "acc@1 81.25", "pictures/s", "30%", "Careful [here]."):
        assert shown in terminal.text, shown
    terminal.text = ""
    with log_of(tmp_path, progress=False) as log:
        log.step(1, {"loss": 1.0})
    assert terminal.text == ""


def test_tensorboard_has_the_same_figures_and_is_cut_back_too(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(tmp_path, 12, tensorboard=None)
    run(tmp_path, 10, start=7, tensorboard=True)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {
        "step/loss", "step/learning_rate", "epoch/loss", "epoch/acc@1", "epoch/acc@5"
    }  # fmt: skip
    assert [(event.step, event.value) for event in events.Scalars("step/loss")] == [(n, n / 2) for n in range(1, 11)]
    assert [(event.step, event.value) for event in events.Scalars("epoch/acc@1")] == [(5, 55.0), (10, 60.0)]


def test_without_tensorboard_it_is_missed_only_where_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    run(tmp_path, 3, tensorboard=None)
    assert len(read_lines(tmp_path)) == 3
    assert not (tmp_path / "tensorboard").exists()
    with pytest.raises(MissingExtraError, match=r'pip install "multiweight\[train\]"'):
        log_of(tmp_path, tensorboard=True)


def test_curves_are_a_picture(tmp_path):
    run(tmp_path, 20)
    path = curves(tmp_path)
    assert path == tmp_path / "curves.png"
    with Image.open(path) as picture:
        assert picture.size[0] > 800
        assert len(picture.convert("RGB").getcolors(2**24)) > 20
    assert sorted(file.name for file in tmp_path.iterdir()) == ["curves.png", LINES]


def test_panels_have_the_figures_at_their_epochs(tmp_path):
    run(tmp_path, 10)
    with log_of(tmp_path, resume_step=10) as log:
        log.step(11, {"loss": float("nan")})
        log.say("A note with acc@1.")
    panels = dict(logs._panels(read_lines(tmp_path)))
    assert list(panels) == ["loss", "accuracy (%)", "learning rate"]
    assert panels["loss"]["loss"] == ([1.0, 2.0], [2.5, 5.0], True)
    x, y, _ = panels["loss"]["loss, steps"]
    assert (x, y) == ([step / 5 for step in range(1, 11)], [step / 2 for step in range(1, 11)])
    assert panels["accuracy (%)"]["acc@1"] == ([1.0, 2.0], [55.0, 60.0], True)
    assert panels["learning rate"]["learning rate"][1] == [0.1] * 10


def test_curves_need_figures_and_matplotlib(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        curves(tmp_path)
    with log_of(tmp_path) as log:
        log.say("Only this.")
    with pytest.raises(ValueError, match="no figures"):
        curves(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'pip install "multiweight\[train\]"'):
        curves(tmp_path)
