"""The loop that trains: from a recipe and pictures to a weights file that knows what it is.

All random numbers of a run come from the recipe's seed and a place: those of an augmentation from the epoch and the
picture's position in it, those of mixup, dropout and stochastic depth from the optimizer step and the share of its
pictures. So they are the same after resuming, and the same for the same shares, however many processes there are.
"""

from __future__ import annotations

import math
import signal
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from multiweight.catalogue import WeightsEnum
from multiweight.data import Batch
from multiweight.data.sampling import derived_seed
from multiweight.errors import MissingExtraError, MultiweightError, TrainingError, TrainingStoppedError, WorkerError
from multiweight.evaluate import measure
from multiweight.store.save import save_weights
from multiweight.train.averaging import mean_of
from multiweight.train.checkpoints import Checkpoints, check_same_run
from multiweight.train.diagnosis import not_a_number
from multiweight.train.distributed import Group, StopSignals, joined, seed_here
from multiweight.train.headers import header_of
from multiweight.train.logs import LINES, Log, curves
from multiweight.train.parts import Parts
from multiweight.train.pictures import Pictures
from multiweight.train.recipe import Recipe, as_toml, load_recipe, recipe_hash
from multiweight.train.starting import start, train_mode
from multiweight.transforms import finish, mix

BEST, LAST = "best.safetensors", "last.safetensors"
"""The weights files of a run."""

READ_EVERY = 10
"""Optimizer steps after which losses are read, and processes tell each other whether to stop."""

AUXILIARY = 0.3
"""What the loss of an auxiliary head counts, as in https://arxiv.org/abs/1409.4842."""

_AMP = {"none": None, "bf16": torch.bfloat16, "fp16": torch.float16}
_DTYPES = {"float32": torch.float32, "float16": torch.float16}


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """What a run ended with.

    Attributes:
        path: The weights file of the best measured top-1 accuracy, `best.safetensors`.
        metrics: Its accuracies in percent: `acc@1`, `acc@5`.
        last: The weights file of the end, `last.safetensors`.
        last_metrics: Its accuracies.
        steps: How many optimizer steps were made.
        unreadable: The pictures that could not be read, each with the reason.
        curves: The picture of the learning curves; `None` without matplotlib.
    """

    path: Path
    metrics: dict[str, float]
    last: Path
    last_metrics: dict[str, float]
    steps: int
    unreadable: tuple[tuple[str, str], ...]
    curves: Path | None


def train(
    recipe: Recipe | str | Path,
    *,
    data: str | Path,
    output: str | Path,
    weights: WeightsEnum | str | Path | None = None,
    resume: bool = False,
    device: str | torch.device | None = None,
    workers: int | None = None,
    checkpoint_every: int | None = None,
    keep: int = 3,
    seed: int | None = None,
    progress: bool = True,
) -> TrainingResult:
    """Trains a network by a recipe.

    A process that `torchrun` started trains with the others. SIGTERM and Ctrl-C end a step later, with a checkpoint.

    Args:
        recipe: The recipe, or what `load_recipe` takes: the name of one of ours, a `.toml`, an entry, a weights file.
        data: What `open_dataset` takes; its splits `train` and `val` are used.
        output: The run's folder.
        weights: What to start from, instead of random tensors: an entry of the recipe's variant, its name, a file.
        resume: Whether to go on from the newest checkpoint in the folder; where there is none, the run begins.
        device: Where to compute; `None` for CUDA if there is one, else the CPU.
        workers: Processes that read pictures, for each process that trains; `None` for none beside a CPU, and for its
            share of the processors, at most 16, beside a CUDA device.
        checkpoint_every: Optimizer steps between two checkpoints; there always is one after an epoch.
        keep: How many checkpoints to keep.
        seed: Instead of the recipe's.
        progress: Whether to show a bar, on a terminal.

    Returns:
        The weights files and what they are worth, the same in every process.

    Raises:
        TrainingError: If the folder holds another run, the loss is no number, or a process or the disk fails.
        TrainingStoppedError: If a signal came.
        RecipeError: If the recipe cannot be followed.
        DatasetError: If the data cannot be found.
    """
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe)
    if seed is not None:
        recipe = replace(recipe, seed=seed)
    with ExitStack() as stack:
        group = stack.enter_context(joined(device))
        signals = stack.enter_context(StopSignals())
        run = _Run(recipe, group, signals, data=data, output=Path(output), weights=weights, workers=workers, keep=keep)
        stack.enter_context(run.begin(resume=resume, progress=progress))
        stack.callback(run.pictures.loader.close)
        with run.kept_on_failure():
            run.train(checkpoint_every)
        return run.result()


class _Run:
    """A run, and where it is. Between two steps all of it is in `_state()`; random numbers follow from the place."""

    def __init__(
        self,
        recipe: Recipe,
        group: Group,
        signals: StopSignals,
        *,
        data: str | Path,
        output: Path,
        weights: WeightsEnum | str | Path | None,
        workers: int | None,
        keep: int,
    ) -> None:
        self.recipe, self.group, self.signals, self.output = recipe, group, signals, output
        self.checkpoints = Checkpoints(output / "checkpoints", keep)
        self.pictures = Pictures(data, recipe, group, group.readers if workers is None else workers)
        self.classes, self.steps_per_epoch = len(self.pictures.classes), self.pictures.loader.steps
        self.start = start(recipe, self.pictures.classes, weights, progress=group.is_first)
        self.parts = Parts(recipe, self.start, group, self.steps_per_epoch)
        self.epoch = self.done = 0
        """The epoch, and how many of its steps are made. When all are and it is measured, the next one begins."""
        self.losses: list[float] = []
        """Those of this epoch's steps; then those still on the device, with their step and learning rate."""
        self.unread: list[tuple[int, float, Tensor]] = []
        self.best: dict[str, float] = {}
        self.last: dict[str, float] = {}
        self.snapshots: list[dict[str, Tensor]] = []
        self.unreadable: dict[str, str] = {}
        self.log: Log

    @property
    def step(self) -> int:
        """How many optimizer steps are made."""
        return self.epoch * self.steps_per_epoch + self.done

    def begin(self, *, resume: bool, progress: bool) -> Log:
        """Goes on from the newest checkpoint or begins, if the folder allows it; gives the log, which is open."""
        state = self.group.first(lambda: self._found(resume))
        if state is not None:
            self._load_state(state)
        self.log = Log(
            self.output if self.group.is_first else None,
            epochs=self.recipe.epochs,
            steps_per_epoch=self.steps_per_epoch,
            batch_size=self.recipe.batch_size,
            resume_step=None if state is None else self.step,
            progress=progress,
        )
        self.log.say(self.start.report if state is None else f"Going on after step {self.step}.")
        return self.log

    def _found(self, resume: bool) -> dict[str, Any] | None:
        """The newest checkpoint in the folder, which is made if it is not there."""
        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"The folder {self.output} cannot be made: {error.strerror}.") from error
        if resume:
            return self.checkpoints.load()
        if self.checkpoints.steps() or any((self.output / name).exists() for name in (LINES, BEST, LAST)):
            raise TrainingError(f"{self.output} holds a run. Go on with it by --resume, or choose another folder.")
        return None

    def train(self, checkpoint_every: int | None) -> None:
        """All epochs that are left."""
        while self.epoch < self.recipe.epochs:
            self._epoch(checkpoint_every)
            self._measure()
            self.epoch, self.done, self.losses = self.epoch + 1, 0, []
            self._save()
            self._read()

    def _epoch(self, checkpoint_every: int | None) -> None:
        train_mode(self.parts.model)
        batches = self.pictures.loader.epoch(self.epoch, first_step=self.done)
        # All pictures of a step come first: if they do not come, the network is as the last step left it.
        while shares := list(islice(batches, self.recipe.accumulate)):
            rate = self.parts.optimizer.param_groups[0]["lr"]
            self.unread.append((self.step + 1, rate, self._step(shares)))
            self.done += 1
            due = checkpoint_every is not None and self.step % checkpoint_every == 0
            told = self.group.world == 1 and self.signals.received
            if due or told or self.step % READ_EVERY == 0 or self.done == self.steps_per_epoch:
                self._read()
            if due and self.done < self.steps_per_epoch:
                self._save()

    def _step(self, shares: list[Batch]) -> Tensor:
        """One optimizer step. Gives this process's mean loss before it; the device is not waited for."""
        recipe, parts = self.recipe, self.parts
        parts.remember_buffers()
        parts.optimizer.zero_grad()
        loss = torch.zeros((), device=self.group.device)
        try:
            for part, batch in enumerate(shares):
                share = part * self.group.world + self.group.rank
                # One number more than those that a picture's seed is made of.
                seed_here(derived_seed(recipe.seed, self.step, share, -1), self.group.device)
                self.unreadable.update(batch.failures)
                with parts.gradients_shared(part == len(shares) - 1):
                    own = self._loss(batch) / len(shares)
                    parts.scaler.scale(own).backward()
                loss += own.detach()
            parts.share_buffers()
        except RuntimeError:  # another process died, say: back to where a checkpoint can be written
            parts.restore_buffers()
            raise
        if recipe.optimizer.clip_norm is not None:
            parts.scaler.unscale_(parts.optimizer)
            nn.utils.clip_grad_norm_(parts.trained, recipe.optimizer.clip_norm)
        parts.scaler.step(parts.optimizer)
        parts.scaler.update()
        parts.schedule.step()
        if parts.average is not None:
            warming_up = self.epoch < recipe.schedule.warmup_epochs
            parts.average.update(parts.network, self.step + 1, warming_up=warming_up)
        return loss

    def _loss(self, batch: Batch) -> Tensor:
        recipe, device = self.recipe, self.group.device
        mixup, cutmix = recipe.augmentation.mixup, recipe.augmentation.cutmix
        pictures = batch.pictures.to(device, non_blocking=True)
        pictures = finish(pictures, batch.erased, recipe.evaluation.mean, recipe.evaluation.std)
        targets = batch.targets.to(device, non_blocking=True)
        if mixup or cutmix:
            pictures, targets = mix(pictures, targets, classes=self.classes, mixup=mixup, cutmix=cutmix)
        if recipe.precision.channels_last:
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        amp = _AMP[recipe.precision.amp]
        with torch.autocast(device.type, dtype=amp, enabled=amp is not None):
            outputs = self.parts.model(pictures)
            heads = outputs if isinstance(outputs, tuple) else (outputs,)
            smoothing = recipe.label_smoothing
            losses = [F.cross_entropy(head, targets, label_smoothing=smoothing) for head in heads if head is not None]
            return losses[0] + AUXILIARY * sum(losses[1:])

    def _read(self) -> None:
        """Reads the losses since the last time, as means over the processes, and stops if one was told to.

        Raises:
            TrainingError: If a loss is not a number.
            TrainingStoppedError: If a process was told to stop.
        """
        told = torch.tensor([self.signals.received], dtype=torch.float64, device=self.group.device)
        *losses, told = self.group.sum(torch.stack([*(loss.double() for *_, loss in self.unread), told[0]])).tolist()
        self._take([loss / self.group.world for loss in losses])
        if told and self.epoch < self.recipe.epochs:
            self._save()
            raise self._stopped()

    def _stopped(self) -> TrainingStoppedError:
        number = signal.Signals(self.signals.received or signal.SIGTERM)
        text = f"Stopped by {number.name} after step {self.step}, with a checkpoint. Go on with --resume."
        return TrainingStoppedError(text, number)

    def _take(self, losses: list[float]) -> None:
        """Takes in the losses of the steps that were not read."""
        for (step, rate, _), loss in zip(self.unread, losses, strict=True):
            if not math.isfinite(loss):
                before = self.losses[-5:]
                raise TrainingError(not_a_number(self.recipe, self.parts.network, step, rate, [*before, loss]))
            self.losses.append(loss)
            self.log.step(step, {"loss": loss, "learning_rate": rate})
        self.unread.clear()

    def _measure(self) -> None:
        """Measures what would be kept now, if it is time; writes it if it is the last, or the best so far."""
        recipe, parts, pictures = self.recipe, self.parts, self.pictures
        over = self.epoch + 1 == recipe.epochs
        figures = {"train_loss": math.fsum(self.losses) / len(self.losses)}
        tensors = parts.tensors()
        if recipe.average > 1 and self.epoch >= recipe.epochs - recipe.average:
            self.snapshots.append({name: tensor.to("cpu", copy=True) for name, tensor in tensors.items()})
            tensors = mean_of(self.snapshots) if over else tensors
        if over or (self.epoch + 1) % recipe.evaluation.every == 0:
            # Rounded first: the figures are those of the file.
            dtype = _DTYPES[recipe.dtype]
            stored = {name: each.to(dtype) if each.is_floating_point() else each for name, each in tensors.items()}
            parts.kept.load_state_dict(stored)
            counts = measure(parts.kept, pictures.held_out(), classes=self.classes, device=self.group.device)
            header = header_of(
                recipe, pictures, counts, network=parts.kept, epoch=self.epoch + 1, parent=self.start.entry
            )
            self.unreadable.update(counts.failures)
            self.last = header.metrics[pictures.about["name"]]
            figures |= self.last
            better = self.last["acc@1"] > self.best.get("acc@1", -1)
            self.best = self.last if better else self.best
            for name in [BEST] * better + [LAST] * over:
                self.group.first(partial(save_weights, stored, self.output / name, header))
        self.log.epoch(self.epoch, figures)

    def _save(self) -> None:
        """Writes a checkpoint; every process is here at the same time."""
        for failures in self.group.gather(self.unreadable):
            self.unreadable.update(failures)
        self.log.flush()
        self.group.first(lambda: self.checkpoints.save(self.step, self._state()))

    def _state(self) -> dict[str, Any]:
        weights = "none" if self.start.entry is None else str(self.start.entry)
        return {
            "recipe": as_toml(self.recipe),
            "recipe_sha256": recipe_hash(self.recipe),
            "given": {"data": self.pictures.about, "classes": list(self.pictures.classes), "weights": weights},
            "place": {"epoch": self.epoch, "done": self.done},
            "losses": self.losses,
            "best": self.best,
            "last": self.last,
            "snapshots": self.snapshots,
            "unreadable": self.unreadable,
            "parts": self.parts.state_dict(),
        }

    def _load_state(self, state: dict[str, Any]) -> None:
        check_same_run(self.output, state, self._state())
        self.epoch, self.done = state["place"]["epoch"], state["place"]["done"]
        self.losses, self.best, self.last = state["losses"], state["best"], state["last"]
        self.snapshots, self.unreadable = state["snapshots"], state["unreadable"]
        self.parts.load_state_dict(state["parts"])

    @contextmanager
    def kept_on_failure(self) -> Generator[None]:
        """Within it, the death of a process ends the run with a checkpoint of the last whole step."""
        try:
            yield
        except WorkerError as error:
            if self.signals.received:  # sent to all processes at once, those that read pictures too
                self._rescue()
                raise self._stopped() from error
            raise TrainingError(f"{error} {self._rescue()}") from error
        except MultiweightError:
            raise
        except OSError as error:
            raise TrainingError(f"{self.output} cannot be written: {error.strerror}. Go on with --resume.") from error
        except RuntimeError as error:
            if self.group.world == 1:
                raise
            reason = str(error).partition("\n")[0]
            raise TrainingError(
                f"Process {self.group.rank} of {self.group.world} failed after step {self.step}, or lost one that did: "
                f"{reason} {self._rescue()}"
            ) from error

    def _rescue(self) -> str:
        """Writes a checkpoint without the other processes, which may be gone; says so."""
        self._take([loss.item() for *_, loss in self.unread])
        self.log.flush()
        path = self.checkpoints.save(self.step, self._state())
        return f"The state after step {self.step} is in {path}; go on with --resume."

    def result(self) -> TrainingResult:
        """What came of it, when all epochs are over."""
        unreadable = tuple(sorted(self.unreadable.items()))
        picture = None
        if self.group.is_first:
            if unreadable:
                named = "\n".join(f"  {source}: {reason}" for source, reason in unreadable)
                self.log.say(f"{len(unreadable)} pictures could not be read:\n{named}")
            self.log.flush()
            try:
                picture = curves(self.output)
            except MissingExtraError as error:
                self.log.say(str(error))
        return TrainingResult(
            path=self.output / BEST,
            metrics=self.best,
            last=self.output / LAST,
            last_metrics=self.last,
            steps=self.step,
            unreadable=unreadable,
            curves=picture,
        )
