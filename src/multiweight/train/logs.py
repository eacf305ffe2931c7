"""What a run leaves behind while it goes: JSON lines, TensorBoard, progress on a terminal, a picture of its curves."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch import Tensor

from multiweight.errors import MissingExtraError

LINES = "log.jsonl"
"""The file of the JSON lines, in the run's folder."""

CURVES = "curves.png"
"""The picture of the learning curves."""

FLUSH_SECONDS = 2.0
"""How long figures wait, at most until the next step, before they are written."""

Figure = float | int | Tensor


class Log:
    """The figures of a run, in its folder and on the terminal.

    `log.jsonl` has an object a line: `"event"` (`"step"`, `"epoch"` or `"note"`), `"step"` (how many optimizer steps
    were done), `"time"` (seconds since 1970), and the figures by name; a note has a `"text"`. What is not a finite
    number is `null`. TensorBoard's events have the same figures, in the folder `tensorboard`.

    Figures may be tensors of one element. They are read when they are written, so that a step waits for no device. A
    killed process loses what waited, never what a checkpoint needs if `flush` came before it: a run that is resumed
    cuts the lines back to the checkpoint's step, so that each step is there once.

    Args:
        output: The run's folder; `None` writes and shows nothing, for all processes but the first.
        epochs: Epochs of the run.
        steps_per_epoch: Optimizer steps in an epoch.
        batch_size: Pictures an optimizer step, over all processes.
        resume_step: How many steps the checkpoint has with which the run goes on; `None` for a new run.
        every: Steps between two lines; `None` is at most a hundred lines an epoch.
        tensorboard: Whether there are TensorBoard's events; `None` is where it is installed.
        progress: Whether to show a bar, on a terminal.

    Raises:
        MissingExtraError: If TensorBoard is asked for and not installed.
        OSError: If the files cannot be written.
    """

    def __init__(
        self,
        output: str | Path | None,
        *,
        epochs: int,
        steps_per_epoch: int,
        batch_size: int,
        resume_step: int | None = None,
        every: int | None = None,
        tensorboard: bool | None = None,
        progress: bool = True,
    ) -> None:
        self.output = None if output is None else Path(output)
        self.steps_per_epoch, self.batch_size = steps_per_epoch, batch_size
        self.every = every or max(1, steps_per_epoch // 100)
        self._step = resume_step or 0
        self._waiting: list[dict[str, Any]] = []
        self._events = self._bar = None
        if self.output is None:
            return
        self.output.mkdir(parents=True, exist_ok=True)
        path = self.output / LINES
        if resume_step is None:
            path.unlink(missing_ok=True)
        elif path.exists():
            _cut(path, resume_step)
        with ExitStack() as stack:
            self._file = stack.enter_context(path.open("ab"))
            if tensorboard is not False:
                self._events = _event_writer(self.output / "tensorboard", resume_step, required=tensorboard is True)
            if self._events is not None:
                stack.callback(self._events.close)
            if progress and sys.stderr is not None and sys.stderr.isatty():
                self._bar = _Bar(epochs * steps_per_epoch, self._step)
                stack.callback(self._bar.close)
            self._open = stack.pop_all()
        self._flushed = self._since = time.monotonic()
        self._since_step = self._step

    def step(self, step: int, figures: Mapping[str, Figure]) -> None:
        """Takes the figures of an optimizer step.

        Args:
            step: How many steps were done, this one included.
            figures: By name: `loss` and `learning_rate`, which the terminal shows, and others.
        """
        if self.output is None:
            return
        self._step = step
        if step % self.every == 0:
            # Tensors of the graph would keep all of it alive.
            values = {name: value.detach() if isinstance(value, Tensor) else value for name, value in figures.items()}
            self._wait("step", (step - 1) // self.steps_per_epoch, values)
        if time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self._write()

    def epoch(self, epoch: int, figures: Mapping[str, Figure]) -> None:
        """Takes the figures of an epoch that is over, and writes all that waits.

        Args:
            epoch: Its number, from 0.
            figures: By name. Those with `acc@` or `loss` in it are in the picture of the curves.
        """
        if self.output is None:
            return
        self._wait("epoch", epoch, dict(figures))
        self._write()

    def say(self, text: str) -> None:
        """Writes a note, which is also shown on standard error, wherever that goes.

        Args:
            text: One or several lines.
        """
        if self.output is None:
            return
        self._wait("note", self._step // self.steps_per_epoch, {"text": text})
        if self._bar is not None:
            self._bar.say(text)
        elif sys.stderr is not None:
            print(text, file=sys.stderr, flush=True)  # noqa: T201

    def flush(self) -> None:
        """Writes all that waits to the disk; to be called before a checkpoint is written."""
        if self.output is None:
            return
        self._write()
        os.fsync(self._file.fileno())
        if self._events is not None:
            self._events.flush()

    def close(self) -> None:
        """Writes all that waits, and ends the bar."""
        if self.output is None:
            return
        if not self._file.closed:
            self.flush()
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self, event: str, epoch: int, figures: dict[str, Any]) -> None:
        self._waiting.append({"event": event, "epoch": epoch, "step": self._step, "time": time.time(), **figures})

    def _write(self) -> None:
        lines = [{name: _plain(value) for name, value in line.items()} for line in self._waiting]
        self._waiting.clear()
        # One write of whole lines: a killed process leaves at most the last one torn.
        self._file.write("".join(json.dumps(line, allow_nan=False) + "\n" for line in lines).encode())
        self._file.flush()
        now = time.monotonic()
        if self._events is not None:
            for line in lines:
                _add_event(self._events, line)
        if self._bar is not None:
            speed = (self._step - self._since_step) * self.batch_size / max(now - self._since, 1e-9)
            self._bar.show(self._step, self.steps_per_epoch, lines, speed)
            self._since, self._since_step = now, self._step
        self._flushed = now


def read_lines(output: str | Path) -> list[dict[str, Any]]:
    """The lines of a run's log, in order; a torn last one is left out.

    Args:
        output: The run's folder.

    Raises:
        OSError: If there is no log.
    """
    with (Path(output) / LINES).open("rb") as file:
        return [line for raw in file if (line := _parsed(raw)) is not None]


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """A line as an object; `None` for what a killed process or a full disk left of one."""
    try:
        line = json.loads(raw) if raw.endswith(b"\n") else None
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _cut(path: Path, step: int) -> None:
    """Cuts a log off after its last whole line of a step up to this one."""
    end = 0
    with path.open("r+b") as file:
        for raw in file:
            line = _parsed(raw)
            if line is None or line.get("step", math.inf) > step:
                break
            end += len(raw)
        file.truncate(end)


def _plain(value: Any) -> Any:
    """A figure as JSON has it."""
    if isinstance(value, Tensor):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _event_writer(folder: Path, resume_step: int | None, *, required: bool) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        if required:
            raise MissingExtraError('TensorBoard is not installed: pip install "multiweight[train]"') from error
        return None
    return SummaryWriter(str(folder), purge_step=None if resume_step is None else resume_step + 1)


def _add_event(events: Any, line: dict[str, Any]) -> None:
    event = line["event"]
    if event == "note":
        events.add_text("note", line["text"], line["step"], walltime=line["time"])
        return
    for name, value in line.items():
        if name not in ("event", "epoch", "step", "time") and isinstance(value, (int, float)):
            events.add_scalar(f"{event}/{name}", value, line["step"], walltime=line["time"])


class _Bar:
    """A run's progress on a terminal's standard error."""

    def __init__(self, steps: int, done: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("training", total=steps, completed=done, figures="")
        self._figures: dict[str, str] = {}
        self._progress.start()

    def show(self, step: int, steps_per_epoch: int, lines: list[dict[str, Any]], speed: float) -> None:
        for line in lines:
            if line["event"] == "step":
                for name, short in (("loss", "loss"), ("learning_rate", "rate")):
                    if line.get(name) is not None:
                        self._figures[short] = f"{line[name]:.4g}"
            elif line["event"] == "epoch":
                self._figures |= {
                    name: f"{value:.2f}" for name, value in line.items() if "acc@" in name and value is not None
                }
        if speed:
            self._figures["pictures/s"] = f"{speed:.0f}"
        self._progress.update(
            self._task,
            completed=step,
            description=f"epoch {max(step - 1, 0) // steps_per_epoch + 1}",
            figures="  ".join(f"{name} {value}" for name, value in self._figures.items()),
        )

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()


def curves(output: str | Path) -> Path:
    """Draws a run's learning curves from its log: losses, accuracies and the learning rate over the epochs.

    Args:
        output: The run's folder, which gets `curves.png`.

    Returns:
        The picture.

    Raises:
        MissingExtraError: If matplotlib is not installed.
        OSError: If there is no log, or the picture cannot be written.
        ValueError: If the log has no figures.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as Picture
    except ImportError as error:
        raise MissingExtraError('Learning curves need matplotlib: pip install "multiweight[train]"') from error
    lines = read_lines(output)
    panels = _panels(lines)
    if not panels:
        raise ValueError(f"{Path(output) / LINES} has no figures to draw.")
    picture = Picture(figsize=(8, 2.6 * len(panels) + 0.4), dpi=130, layout="constrained")
    FigureCanvasAgg(picture)
    grid = picture.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axes, (title, series) in zip(grid, panels, strict=True):
        axes.set_ylabel(title)
        axes.grid(color="#ececec", linewidth=0.6)
        axes.set_axisbelow(True)
        for name, (x, y, of_epochs) in series.items():
            if title == "learning rate":
                # A step's rate is that of the stretch which ends with it.
                axes.plot(x, y, linewidth=1.2, drawstyle="steps-pre")
            elif of_epochs:
                label = f"{name}, at best {max(y):.2f}" if "acc@" in name else name
                axes.plot(x, y, label=label, linewidth=1.4, marker="o" if len(x) <= 30 else None, markersize=3)
            else:
                axes.plot(x, y, label=name, linewidth=0.6, color="#b4b4b4", zorder=1)
        if title != "learning rate":
            axes.legend(fontsize=8, frameon=False)
    grid[-1].set_xlabel("epochs")
    path = Path(output) / CURVES
    partial = path.with_name(f".{path.name}")
    picture.savefig(partial, format="png")
    partial.replace(path)
    return path


_Series = dict[str, tuple[list[float], list[float], bool]]


def _panels(lines: list[dict[str, Any]]) -> list[tuple[str, _Series]]:
    """What to draw above each other: a title, and for each name where, how high, and whether once an epoch."""
    ends = {line["epoch"]: line["step"] for line in lines if line["event"] == "epoch" and line["step"]}
    # Steps in an epoch, from any that is over, else all that there are count as one.
    a_step = max([step / (epoch + 1) for epoch, step in ends.items()], default=0) or max(
        [line["step"] for line in lines], default=1
    )
    found: dict[str, _Series] = {"loss": {}, "accuracy (%)": {}, "learning rate": {}}
    for line in lines:
        if line["event"] == "note":
            continue
        of_epochs = line["event"] == "epoch"
        for name, value in line.items():
            title = "loss" if "loss" in name else "accuracy (%)" if "acc@" in name else None
            title = "learning rate" if name == "learning_rate" else title
            if title is None or value is None or (of_epochs and title == "learning rate"):
                continue
            shown = name if of_epochs or title == "learning rate" else f"{name}, steps"
            x, y, _ = found[title].setdefault(shown.replace("_", " "), ([], [], of_epochs))
            x.append(line["step"] / a_step)
            y.append(value)
    return [(title, series) for title, series in found.items() if series]
