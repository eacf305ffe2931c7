"""From weights in floating point to a file of 8-bit ones that knows what it is, with what that cost in accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor, nn

from multiweight.catalogue import Header, WeightsEnum, get_model_weights, preset_digest, resolve
from multiweight.catalogue._registry import QUANTIZED
from multiweight.data import Dataset, evaluation_batches, open_pictures
from multiweight.errors import DatasetError, InputError, StoreError
from multiweight.evaluate import Evaluator, Measurement
from multiweight.evaluate.evaluation import classification_preset
from multiweight.evaluate.measuring import shown
from multiweight.files import header_of, load, versions
from multiweight.models.quantization._calibration import quantize
from multiweight.store.save import save_weights

__all__ = ["Quantization", "quantize", "quantize_weights"]


@dataclass(frozen=True)
class Quantization:
    """What came out when weights were quantized.

    Attributes:
        weights: The entry in floating point.
        path: The file.
        sha256: Its SHA-256 in hexadecimal.
        header: What it says of itself.
        pictures: How many pictures were looked at.
        failures: The pictures that could not be read, each with the reason.
        before: What the weights measured in floating point; `None` where the data have no labels that fit.
        after: What they measure with 8 bits.
        unmeasured: Why nothing was measured.
    """

    weights: WeightsEnum
    path: Path
    sha256: str
    header: Header
    pictures: int
    failures: tuple[tuple[str, str], ...]
    before: Measurement | None
    after: Measurement | None
    unmeasured: str | None = None


def quantize_weights(
    reference: str | Path | WeightsEnum,
    *,
    data: str | Path,
    output: str | Path,
    split: str = "train",
    measured_split: str = "val",
    pictures: int = 1000,
    batch_size: int = 32,
    workers: int = 0,
    progress: bool = True,
) -> Quantization:
    """Makes the 8-bit form of weights, by post-training static quantization, and writes it as one file.

    Where the data's classes are the weights' labels, both forms are measured with them, and the file says what it cost.

    ```python
    done = quantize_weights("ResNet50_Weights.DEFAULT", data="imagenet/", output="resnet50_int8.safetensors")
    model = get_model("quantized_resnet50", weights=done.path)
    ```

    Args:
        reference: A weights entry in any spelling, a variant, or a weights file that knows what it is; of any variant
            for classification.
        data: A folder of class folders, WebDataset shards, or `"digits"`, as `multiweight.data.open_dataset` takes
            them; or a folder of pictures without classes.
        output: The file, best ending in `.safetensors`. Its folder must be there.
        split: The part of the data that ranges are taken from, pictures evenly spread over it.
        measured_split: The part that both forms are measured with.
        pictures: How many pictures ranges are taken from.
        batch_size: Pictures in the network at once.
        workers: Processes that read pictures; 0 for none but this one.
        progress: Whether to show how far it is, on a terminal.

    Returns:
        The file and the figures.

    Raises:
        MultiweightError: If the weights or the data cannot be used.
        StoreError: If the file cannot be written. What was under its name before is still there.
        ValueError: If an argument is out of its range.
    """
    if pictures < 1 or batch_size < 1:
        raise ValueError(f"pictures and batch_size must be at least 1; got {pictures!r} and {batch_size!r}.")
    output = Path(output)
    if not output.parent.is_dir():
        raise StoreError(f"{output} cannot be written: there is no folder {output.parent}.")
    entry = resolve(reference)
    preset = classification_preset(entry)
    if entry.arguments.get("quantize"):
        raise InputError(f"{entry} is quantized already.")
    chosen = _Chosen(open_pictures(data, split), pictures)
    evaluator, unmeasured = _evaluator(entry, data, measured_split, batch_size, workers, progress)
    model = evaluator.model if evaluator else load(entry, progress=progress)[0]
    before = evaluator.measure() if evaluator else None

    failures: list[tuple[str, str]] = []
    batches = evaluation_batches(chosen, preset(), batch_size=batch_size, workers=workers)

    def seen() -> Iterator[Tensor]:
        with shown(progress, len(chosen), "calibrating") as advance:
            for batch in batches:
                failures.extend(batch.failures)
                if len(batch.pictures):
                    yield batch.pictures
                advance(len(batch.pictures) + len(batch.failures))

    quantized = quantize(model, seen())
    after = None
    if evaluator:
        evaluator.model = quantized
        after = evaluator.measure()
    header = _header(quantized, entry, chosen, len(chosen) - len(failures), before, after)
    sha256 = save_weights(quantized.state_dict(), output, header)
    told = entry, output, sha256, header, len(chosen) - len(failures), tuple(failures)
    return Quantization(*told, before, after, unmeasured)


def _evaluator(
    entry: WeightsEnum, data: str | Path, split: str, batch_size: int, workers: int, progress: bool
) -> tuple[Evaluator | None, str | None]:
    """What measures both forms, or why they cannot be measured with this data."""
    options = {"batch_size": batch_size, "workers": workers, "progress": progress, "device": "cpu"}
    try:
        return Evaluator(entry, data=data, split=split, **options), None
    except (InputError, DatasetError) as error:
        return None, str(error)


class _Chosen(Dataset):
    """Some pictures of a data set, evenly spread over it."""

    def __init__(self, dataset: Dataset, most: int) -> None:
        self._dataset = dataset
        self.name, self.split, self.classes = dataset.name, dataset.split, dataset.classes
        count = min(most, len(dataset))
        self._indices = [math.floor((number + 0.5) * len(dataset) / count) for number in range(count)]

    def __len__(self) -> int:
        return len(self._indices)

    def picture(self, index: int) -> Image.Image:
        return self._dataset.picture(self._indices[index])

    def target(self, index: int) -> int:
        return self._dataset.target(self._indices[index])

    def source(self, index: int) -> str:
        return self._dataset.source(self._indices[index])


def _header(
    network: nn.Module,
    entry: WeightsEnum,
    chosen: Dataset,
    pictures: int,
    before: Measurement | None,
    after: Measurement | None,
) -> Header:
    enum, preset = get_model_weights(f"{QUANTIZED}{type(entry).variant}"), classification_preset(entry)
    quantization: dict[str, Any] = {
        "method": "post-training, static",
        "weights": "int8, symmetric, a scale for each output channel",
        "features": "uint8, ranges of least mean square error",
        "data": {"name": chosen.name, "split": chosen.split},
        "pictures": pictures,
    }
    metrics: dict[str, dict[str, float]] = {}
    measured: tuple[dict[str, Any], ...] = ()
    if before is not None and after is not None:
        quantization["metrics"] = {before.dataset: _figures(before)}
        metrics = {after.dataset: _figures(after)}
        measured = (
            {
                "dataset": after.dataset,
                "split": after.split,
                "pictures": after.counts.total,
                "unreadable": len(after.counts.failures),
                "metrics": _figures(after),
                "preset_digest": preset_digest(preset),
                "resolution": preset.crop_size,
                "versions": versions(),
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        )
    meta = entry.meta
    return header_of(
        network,
        variant=str(enum.variant),
        arguments={**entry.arguments, "quantize": True},
        labels=meta["categories"],
        preset=preset,
        metrics=metrics,
        measured=measured,
        parent=entry,
        quantization=quantization,
        license=meta.get("license"),
        num_params=meta.get("num_params"),
        gflops=meta.get("gflops"),
        min_size=meta.get("min_size"),
    )


def _figures(measurement: Measurement) -> dict[str, float]:
    return {key: value for key, value in measurement.figures.items() if key != "ece"}
