"""From a file in the cache to a model in evaluation mode."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from benchmarks.harness import OURS, Row, Section, interleaved, process_prints, timed
from multiweight import models, store
from multiweight.catalogue import WeightsEnum
from tests.reference import torchvision

VARIANTS = ("resnet18", "resnet50", "wide_resnet101_2", "shufflenet_v2_x1_0")

# In a process of its own: load, touch every tensor, and say by how much the peak of resident memory grew.
_PEAK = """
import gc, re, sys
import torch
torch.set_num_threads(1)
{prepare}
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
gc.collect()
open("/proc/self/clear_refs", "w").write("5")
before = peak()
model = {build}
for tensor in model.state_dict().values():
    tensor.float().sum()
print((peak() - before) / {size})
"""
_PREPARE_OURS = "from benchmarks.loading import publish; from multiweight import models; publish({name!r})"
_PREPARE_TORCHVISION = "from tests.reference import torchvision; models = torchvision().models"


def publish(variant: str) -> WeightsEnum:
    """Makes the file of random weights in the cache the variant's default entry, in this process.

    The name carries the file's true hash, so that the published check is what runs; both sides find the file.
    """
    entry: WeightsEnum = models.get_model_weights(variant)["DEFAULT"]
    reference = getattr(torchvision().models, type(entry).__name__)[entry.name]
    folder = store.checkpoints_dir()
    folder.mkdir(parents=True, exist_ok=True)
    found = list(folder.glob(f"{variant}-*.pth"))
    if not found:
        path = folder / "new.pth"
        torch.manual_seed(0)
        torch.save(models.get_model(variant, weights=None).state_dict(), path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found = [path.rename(folder / f"{variant}-{digest[:8]}.pth")]
    url = f"https://download.pytorch.org/models/{found[0].name}"
    object.__setattr__(entry.value, "url", url)
    object.__setattr__(reference.value, "url", url)
    return entry


def sections() -> list[Section]:
    """Time and memory, for a few variants."""
    torch.set_num_threads(1)
    rounds = 7
    time_rows: list[Row] = []
    memory_rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCH_HOME"] = folder
        os.environ["OMP_NUM_THREADS"] = "1"
        for variant in VARIANTS:
            entry = publish(variant)
            path = Path(store.local_path(entry.url))
            size = path.stat().st_size
            sides: dict[str, Callable[[], float]] = {
                OURS: timed(lambda variant=variant: _load(models, variant)),
                "torchvision": timed(lambda variant=variant: _load(torchvision().models, variant)),
            }
            note = f"{size / 2**20:.0f} MiB"
            time_rows.append(Row(f"`{variant}`", "ms", interleaved(sides, rounds=rounds), note))
            builds = {
                OURS: (_PREPARE_OURS.format(name=variant), f"models.get_model({variant!r}, weights='DEFAULT').eval()"),
                "torchvision": (
                    f"{_PREPARE_OURS.format(name=variant)}; {_PREPARE_TORCHVISION}",
                    f"models.get_model({variant!r}, weights='DEFAULT').eval()",
                ),
            }
            peaks = {
                side: process_prints(_PEAK.format(prepare=prepare, build=build, size=size))
                for side, (prepare, build) in builds.items()
            }
            memory_rows.append(Row(f"`{variant}`", "× the file", peaks))
    return [
        Section(
            "Loading",
            f"File in the cache → model in evaluation mode, one thread, page cache warm, medians of {rounds} "
            "interleaved rounds. The files are zip-format `.pth` with random weights, verified beforehand.",
            time_rows,
        ),
        Section(
            "Memory of loading",
            "Growth of the peak of resident memory in a fresh process, every tensor having been read once.",
            memory_rows,
        ),
    ]


def _load(package: object, variant: str) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return package.get_model(variant, weights="DEFAULT").eval()  # pyright: ignore[reportAttributeAccessIssue]
