"""From an entry and data to figures, beside those that the entry claims."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn

from multiweight.catalogue import ImageClassification, WeightsEnum, resolve
from multiweight.catalogue._file import FileWeights, preset_digest
from multiweight.catalogue._schema import UNTRAINED, spelling
from multiweight.data import Batch, evaluation_batches, open_dataset
from multiweight.errors import InputError
from multiweight.evaluate.classes import Matching, match_classes
from multiweight.evaluate.counts import Counts
from multiweight.evaluate.measuring import measure
from multiweight.files import versions
from multiweight.predict import find_device

Precision = Literal["fp32", "bf16", "fp16"]

_PRECISIONS: dict[Precision, torch.dtype | None] = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}

_PLACES = 3
"""Decimals of a figure, as the published ones have them."""


@dataclass(frozen=True)
class Claim:
    """A figure that an entry claims, beside the one that was measured.

    Attributes:
        key: What it is: `"acc@1"` or `"acc@5"`.
        claimed: The entry's figure, in percent.
        measured: The measured one, in percent, to three decimals.
    """

    key: str
    claimed: float
    measured: float

    @property
    def difference(self) -> float:
        """The measured figure less the claimed one, in percentage points."""
        return round(self.measured - self.claimed, _PLACES)


@dataclass(frozen=True)
class ClassFigures:
    """How it went with one class.

    Attributes:
        label: The class.
        pictures: How many pictures there are of it.
        top1: The share of them that is predicted, in percent.
        top5: The share of them for which it is among the best five, in percent.
        precision: The share of the pictures taken for it that are of it, in percent; `None` if there are none.
        taken_for: The class that its pictures are most often taken for by mistake; `None` without mistakes.
        times: How often they are.
    """

    label: str
    pictures: int
    top1: float
    top5: float
    precision: float | None
    taken_for: str | None
    times: int


@dataclass(frozen=True)
class Measurement:
    """What came out when an entry was measured.

    Attributes:
        weights: The entry.
        dataset: The data set's name.
        split: Its part.
        labels: The entry's labels, in the order of `counts`.
        matching: How the data set's classes were matched with the labels.
        preset: The preset's spec.
        counts: How often the network was right, and how sure; of all processes together.
        device: On what it ran.
        precision: In what it was computed.
        processes: How many processes shared the pictures.
        batch_size: Pictures a process had in the network at once.
        seconds: How long it took, from opening the first picture to the last count.
    """

    weights: WeightsEnum
    dataset: str
    split: str
    labels: tuple[str, ...]
    matching: Matching
    preset: ImageClassification
    counts: Counts
    device: str
    precision: Precision
    processes: int
    batch_size: int
    seconds: float

    @property
    def images_per_second(self) -> float:
        """Pictures a second of all processes together, from the file to the count."""
        return self.counts.total / self.seconds

    @property
    def figures(self) -> dict[str, float]:
        """Top-1 and top-5 accuracy and the calibration error, in percent, to three decimals."""
        counts = self.counts
        return {
            key: round(value, _PLACES)
            for key, value in {"acc@1": counts.top1, "acc@5": counts.top5, "ece": counts.ece()}.items()
        }

    @property
    def claims(self) -> list[Claim]:
        """What the entry claims for this data set, beside what was measured; nothing for a training split."""
        figures = self.figures
        return [
            Claim(key, claimed, figures[key])
            for key, claimed in claimed_figures(self.weights, self.dataset, self.split).items()
        ]

    def per_class(self) -> list[ClassFigures]:
        """The figures of each class that has pictures, in the order of the labels."""
        confusion = self.counts.confusion.cpu()
        right, predicted = confusion.diagonal().tolist(), confusion.sum(0).tolist()
        among_five, support = self.counts.top5_right.tolist(), self.counts.support.tolist()
        wrong = confusion.clone().fill_diagonal_(0)
        times, others = wrong.max(1).values.tolist(), wrong.argmax(1).tolist()
        return [
            ClassFigures(
                label=label,
                pictures=support[place],
                top1=100 * right[place] / support[place],
                top5=100 * among_five[place] / support[place],
                precision=100 * right[place] / predicted[place] if predicted[place] else None,
                taken_for=self.labels[others[place]] if times[place] else None,
                times=times[place],
            )
            for place, label in enumerate(self.labels)
            if support[place]
        ]

    def record(self) -> dict[str, Any]:
        """The measurement in values that JSON has: what was measured, with what, when, and what came out."""
        figures = {key: None if math.isnan(value) else value for key, value in self.figures.items()}
        settings = self.preset.settings()
        return {
            "dataset": self.dataset,
            "split": self.split,
            "pictures": self.counts.total,
            "unreadable": len(self.counts.failures),
            "classes": len(self.matching.places),
            "classes_matched_by": self.matching.how,
            "metrics": figures,
            "preset": preset_digest(self.preset),
            "settings": {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()},
            "resolution": [settings["crop_size"]] * 2,
            "sha256": self.weights.sha256,
            "tensors_sha256": self.weights.header.tensors_sha256 if isinstance(self.weights, FileWeights) else None,
            "precision": self.precision,
            "device": self.device,
            "processes": self.processes,
            "batch_size": self.batch_size,
            "images_per_second": round(self.images_per_second, 1),
            "versions": versions(),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def __str__(self) -> str:
        figures = self.figures
        return (
            f"{self.weights} on {self.dataset}, {self.split}: acc@1 {figures['acc@1']:.3f} %, "
            f"acc@5 {figures['acc@5']:.3f} % of {self.counts.total:,} pictures"
        )


def claimed_figures(weights: WeightsEnum, dataset: str, split: str) -> dict[str, float]:
    """What an entry claims for a data set, of what is measured here, in percent; nothing for a training split."""
    if split == "train":
        return {}
    return {
        key: claimed
        for name, claims in weights.meta["metrics"].items()
        if spelling(name) == spelling(dataset)
        for key, claimed in claims.items()
        if key in ("acc@1", "acc@5") and not math.isnan(claimed)
    }


class Evaluator:
    """A network and the pictures to measure it with, for one measurement or several with other presets.

    Args:
        reference: A weights entry in any spelling, a variant, or a weights file that knows what it is.
        data: A folder of class folders, WebDataset shards, or `"digits"`; see `multiweight.data.open_dataset`.
        split: The part of the data.
        dataset: The name under which the data set is recorded and claims are looked up; `None` for its own.
        batch_size: Pictures in the network at once, in each process.
        device: Where the network runs; `None` is a CUDA device if there is one, else the CPU.
        precision: `"fp32"`, or `"bf16"` or `"fp16"` for torch's automatic mixed precision.
        workers: Processes that decode; 0 for none but this one.
        progress: Whether to show how far it is, on a terminal.

    Attributes:
        weights: The entry.
        matching: How the data set's classes were matched with the entry's labels.

    Raises:
        UnknownNameError: If there is no such entry.
        StoreError: If the weights' file cannot be had.
        WeightsFileError: If it cannot be used.
        InputError: If the data cannot be used, their classes cannot be matched with the entry's labels, or the entry
            is not one that classifies pictures.
        ValueError: If there is no such device here, or an argument is out of its range.
    """

    def __init__(
        self,
        reference: str | Path | WeightsEnum,
        *,
        data: str | Path,
        split: str = "val",
        dataset: str | None = None,
        batch_size: int = 64,
        device: str | torch.device | None = None,
        precision: Precision = "fp32",
        workers: int = 0,
        progress: bool = True,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1; got {batch_size!r}.")
        if precision not in _PRECISIONS:
            raise ValueError(f"precision is one of {', '.join(_PRECISIONS)}; got {precision!r}.")
        self.device = find_device(device)
        self.weights = resolve(reference)
        self.preset = classification_preset(self.weights)
        self.labels = tuple(self.weights.meta["categories"])
        self.dataset = open_dataset(data, split)
        self.matching = match_classes(self.dataset.classes, self.labels)
        self.name = dataset or self.dataset.name
        self.precision: Precision = precision
        self.batch_size, self.workers, self.progress = batch_size, workers, progress
        module, _, function = type(self.weights).builder.partition(":")
        build = getattr(import_module(module), function)
        self.model: nn.Module = build(weights=self.weights, progress=progress).eval().to(self.device)

    def measure(
        self, preset: ImageClassification | None = None, *, module: Callable[[Any], Tensor] | None = None
    ) -> Measurement:
        """Measures the network.

        Args:
            preset: The spec of the preset to use instead of the entry's.
            module: What makes tensors of pictures, if not what the spec builds.

        Returns:
            The measurement, of all processes together.
        """
        spec = preset or self.preset
        rank, world = (dist.get_rank(), dist.get_world_size()) if _distributed() else (0, 1)
        batches = evaluation_batches(
            self.dataset,
            module or spec(),
            batch_size=self.batch_size,
            rank=rank,
            world=world,
            workers=self.workers,
        )
        dtype = _PRECISIONS[self.precision]
        precision = torch.autocast(self.device.type, dtype) if dtype else nullcontext()
        begin = time.perf_counter()
        with precision:
            counts = measure(
                self.model,
                self._matched(batches),
                classes=len(self.labels),
                device=self.device,
                total=math.ceil(len(self.dataset) / world),
                progress=self.progress and rank == 0,
            )
        return Measurement(
            weights=self.weights,
            dataset=self.name,
            split=self.dataset.split,
            labels=self.labels,
            matching=self.matching,
            preset=spec,
            counts=counts,
            device=device_name(self.device),
            precision=self.precision,
            processes=world,
            batch_size=self.batch_size,
            seconds=time.perf_counter() - begin,
        )

    def _matched(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        places = torch.tensor(self.matching.places)
        for batch in batches:
            yield batch._replace(targets=places[batch.targets])


def evaluate(
    reference: str | Path | WeightsEnum,
    *,
    data: str | Path,
    split: str = "val",
    overrides: Mapping[str, Any] | None = None,
    **options: Any,
) -> Measurement:
    """Measures how good an entry is on data, in all processes of torch.distributed together where it is initialised.

    ```python
    measurement = evaluate("ResNet50_Weights.IMAGENET1K_V2", data="/data/imagenet", batch_size=256, workers=8)
    print(measurement.counts.top1, measurement.claims)
    ```

    Args:
        reference: A weights entry in any spelling, a variant, or a weights file that knows what it is.
        data: A folder of class folders, WebDataset shards, or `"digits"`; see `multiweight.data.open_dataset`.
        split: The part of the data.
        overrides: Settings of the preset that replace the entry's own, such as `{"crop_size": 288}`.
        **options: Those of `Evaluator`: `dataset`, `batch_size`, `device`, `precision`, `workers`, `progress`.

    Returns:
        The measurement, the same in each process but for the seconds.

    Raises:
        MultiweightError: If the entry or the data cannot be used; see `Evaluator`.
        ValueError: If there is no such device here, or an argument is out of its range.
    """
    evaluator = Evaluator(reference, data=data, split=split, **options)
    return evaluator.measure(replace(evaluator.preset, **overrides) if overrides else None)


def device_name(device: torch.device) -> str:
    """A device as people know it: `cpu (x86_64)`, `cuda (NVIDIA H200)`."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return f"{device.type} ({name})"


def classification_preset(weights: WeightsEnum) -> ImageClassification:
    """The preset of an entry that can be measured.

    Raises:
        InputError: If the entry does not classify pictures, or has no labels.
    """
    task = type(weights).task or "classification"
    if task != "classification":
        raise InputError(
            f"Only weights that classify pictures can be measured; {weights} is for {task.replace('_', ' ')}."
        )
    if weights.meta["categories"] is None:
        why = weights.meta.get("outputs", UNTRAINED)
        raise InputError(f"{weights} has no labels: {why}. There is nothing to measure.")
    if not isinstance(weights.transforms, ImageClassification):
        raise InputError(f"The preset of {weights} is {weights.transforms!r}, not an ImageClassification(…).")
    return weights.transforms


def _distributed() -> bool:
    return dist.is_available() and dist.is_initialized()
