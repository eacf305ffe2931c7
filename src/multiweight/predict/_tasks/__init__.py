"""What `Predictor` does differently from task to task: one file a task, and here which is which."""

from __future__ import annotations

from multiweight.catalogue import WeightsEnum
from multiweight.predict._tasks.base import FrameTask, PictureTask, Task
from multiweight.predict._tasks.classification import Classification
from multiweight.predict._tasks.detection import Detection
from multiweight.predict._tasks.optical_flow import OpticalFlow
from multiweight.predict._tasks.segmentation import Segmentation
from multiweight.predict._tasks.video import VideoClassification

__all__ = ["TASKS", "FrameTask", "PictureTask", "Task", "task_of"]

TASKS: dict[str, type[Task]] = {
    "classification": Classification,
    "detection": Detection,
    "segmentation": Segmentation,
    "video": VideoClassification,
    "optical_flow": OpticalFlow,
}
"""The tasks by name, as the presets of the catalogue give it."""


def task_of(weights: WeightsEnum, **options: float | None) -> Task:
    """The task of a weights entry, told what the user wants.

    A preset that says no task, as a third party's may, is one of classification.

    Raises:
        ValueError: If there is no such task, or an option is given that this one does not have.
    """
    name = type(weights).task or "classification"
    if name not in TASKS:
        raise ValueError(f"{weights} is for the task {name!r}; a predictor serves {', '.join(TASKS)}.")
    task = TASKS[name]
    for option, value in options.items():
        if value is not None and option not in task.options:
            having = [other for other, each in TASKS.items() if option in each.options]
            raise ValueError(f"{option} is for {' and '.join(having)}; {weights} is for {name}.")
    return task(weights, **{option: options.get(option) for option in task.options})
