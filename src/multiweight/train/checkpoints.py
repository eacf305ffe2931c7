"""Checkpoints: files that are whole or not there, the last few of which are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, cast

import torch

from multiweight.errors import TrainingError
from multiweight.store.save import write_atomically
from multiweight.train.recipe import differences, recipe_of

_NAME = re.compile(r"step_(\d+)\.pt")


class Checkpoints:
    """The checkpoints of a run, one file each, named by how many optimizer steps had been made.

    Args:
        folder: Where they are; made when the first one is written.
        keep: How many to keep.
    """

    def __init__(self, folder: Path, keep: int = 3) -> None:
        self.folder, self.keep = folder, keep

    def steps(self) -> list[int]:
        """After how many steps there are checkpoints, in ascending order."""
        if not self.folder.is_dir():
            return []
        matches = (_NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(match[1]) for match in matches if match)

    def path(self, step: int) -> Path:
        """The file of the checkpoint after so many steps."""
        return self.folder / f"step_{step:09d}.pt"

    def save(self, step: int, state: dict[str, Any]) -> Path:
        """Writes a checkpoint, then removes those that are too many.

        The file gets its name once its bytes are on the disk, so that neither a kill nor a full disk leaves a part of
        one, and what was there before stays until then.

        Args:
            step: How many optimizer steps have been made.
            state: Tensors, numbers, texts, and lists and dictionaries of such.

        Raises:
            TrainingError: If it cannot be written.
        """
        path = self.path(step)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, lambda put: torch.save(state, cast("IO[bytes]", _Sink(put))))
        except (OSError, RuntimeError) as error:  # torch's writer makes the one the other
            older = self.steps()
            kept = f"the one after step {older[-1]} is whole" if older else "there is none yet"
            raise TrainingError(
                f"The checkpoint after step {step} could not be written to {self.folder} ({_reason(error)}); {kept}. "
                "Make room there and go on with --resume."
            ) from error
        for old in self.steps()[: -self.keep]:
            self.path(old).unlink(missing_ok=True)
        return path

    def load(self) -> dict[str, Any] | None:
        """The newest checkpoint, its tensors on the CPU; `None` where there is none.

        Raises:
            TrainingError: If it is damaged.
        """
        steps = self.steps()
        if not steps:
            return None
        for left in self.folder.glob(".step_*"):  # of a process that was killed while it wrote
            left.unlink(missing_ok=True)
        path = self.path(steps[-1])
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch names neither the file nor a common class of error
            older = f"go on from the one after step {steps[-2]}" if len(steps) > 1 else "begin again"
            raise TrainingError(f"{path} is damaged ({error}). Remove it to {older}.") from error


def check_same_run(folder: Path, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Checks that a checkpoint is of the run that wants to go on from it.

    Args:
        folder: The run's folder.
        saved: The checkpoint; of it `recipe`, `recipe_sha256` and `given`, what else was given by name.
        now: The same of the run.

    Raises:
        TrainingError: If it is not; the text says what differs.
    """
    changed: list[tuple[str, Any, Any]] = []
    if saved["recipe_sha256"] != now["recipe_sha256"]:
        changed += differences(*(recipe_of(state["recipe"], name="the run's recipe") for state in (saved, now)))
    changed += [(name, before, now["given"][name]) for name, before in saved["given"].items()]
    said = "; ".join(f"{name} was {before!r} and is {given!r}" for name, before, given in changed if before != given)
    if said:
        raise TrainingError(f"{folder} holds another run: {said}. Resume it as it was, or choose another folder.")


class _Sink:
    """What torch writes to: a function that takes bytes."""

    def __init__(self, put: Callable[[Any], object]) -> None:
        self._put = put

    def write(self, data: Any) -> int:
        self._put(data)
        return len(data)

    def flush(self) -> None: ...


def _reason(error: BaseException) -> str:
    while error.__context__ is not None and not isinstance(error, OSError):
        error = error.__context__
    return error.strerror or str(error) if isinstance(error, OSError) else str(error).splitlines()[0]
