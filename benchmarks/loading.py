"""From a file in the cache to a model in evaluation mode."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import geometric_mean

import torch
from torch import nn

from benchmarks.harness import OURS, Row, Section, interleaved, process_prints, timed
from multiweight import models, store
from multiweight.catalogue import WeightsEnum
from tests.reference import torchvision

MEMORY = ("efficientnet_b0", "resnet50", "swin_t", "vit_b_16", "vit_l_16", "wide_resnet101_2")
LARGE = 400 * 2**20
"""Bytes from which on fewer rounds do."""

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
        size = {"image_size": entry.meta["min_size"][0]} if variant.startswith("vit_") else {}
        torch.save(models.get_model(variant, weights=None, **size).state_dict(), path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found = [path.rename(folder / f"{variant}-{digest[:8]}.pth")]
    url = f"https://download.pytorch.org/models/{found[0].name}"
    object.__setattr__(entry.value, "url", url)
    object.__setattr__(reference.value, "url", url)
    return entry


def sections() -> list[Section]:
    """Time for every variant, memory for some."""
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    time_rows: list[Row] = []
    memory_rows: list[Row] = []
    for variant in models.list_models(module=models):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["TORCH_HOME"] = folder
            entry = publish(variant)
            size = Path(store.local_path(entry.url)).stat().st_size
            sides: dict[str, Callable[[], float]] = {
                OURS: timed(partial(_load, models, variant)),
                "torchvision": timed(partial(_load, torchvision().models, variant)),
            }
            rounds = 3 if size > LARGE else 5
            time_rows.append(Row(f"`{variant}`", "ms", interleaved(sides, rounds=rounds), f"{size / 2**20:.0f} MiB"))
            print(f"  {variant}: {time_rows[-1].ratios()['torchvision']:.1f}", file=sys.stderr)
            if variant in MEMORY:
                memory_rows.append(Row(f"`{variant}`", "× the file", _peaks(variant, size)))
    ratios = {row.what.strip("`"): row.ratios()["torchvision"] for row in time_rows}
    module_heavy = [name for name in ratios if name.startswith(("efficientnet", "densenet", "swin", "maxvit"))]
    slowest = min(ratios, key=ratios.__getitem__)
    return [
        Section(
            "Loading",
            "File in the cache → model in evaluation mode, one thread, page cache warm, medians of 5 interleaved "
            f"rounds (3 above {LARGE // 2**20} MiB). The files are zip-format `.pth` with random weights, verified "
            f"beforehand.\n\nGeometric mean over {len(ratios)} variants: **{geometric_mean(ratios.values()):.1f}×**; "
            f"least: {slowest}, {ratios[slowest]:.1f}×; over the {len(module_heavy)} of EfficientNet, DenseNet, Swin "
            f"and MaxViT: {geometric_mean(ratios[name] for name in module_heavy):.1f}×, least "
            f"{min(ratios[name] for name in module_heavy):.1f}×.",
            time_rows,
        ),
        Section(
            "Memory of loading",
            "Growth of the peak of resident memory in a fresh process, every tensor having been read once.",
            memory_rows,
        ),
    ]


def _peaks(variant: str, size: int) -> dict[str, float]:
    ours = _PREPARE_OURS.format(name=variant)
    build = f"models.get_model({variant!r}, weights='DEFAULT').eval()"
    prepares = {OURS: ours, "torchvision": f"{ours}; {_PREPARE_TORCHVISION}"}
    return {
        side: process_prints(_PEAK.format(prepare=prepare, build=build, size=size))
        for side, prepare in prepares.items()
    }


def _load(package: object, variant: str) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return package.get_model(variant, weights="DEFAULT").eval()  # pyright: ignore[reportAttributeAccessIssue]
