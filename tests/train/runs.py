"""Runs small enough for a test: 48 pictures of four colours, and a network of a third of a million parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from multiweight.train import EMA, Augmentation, Evaluation, Optimizer, Recipe, Schedule, train
from multiweight.train.logs import read_lines

RECIPE = Recipe(
    name="small",
    description="A little of everything that has state or random numbers.",
    variant="shufflenet_v2_x0_5",
    epochs=3,
    batch_size=8,
    accumulate=2,
    average=2,
    dtype="float16",
    license="none",
    label_smoothing=0.1,
    augmentation=Augmentation(
        crop_size=16, policy="trivial_augment_wide", random_erasing=0.5, mixup=0.2, cutmix=1.0, repetitions=2
    ),
    evaluation=Evaluation(resize_size=16, crop_size=16),
    optimizer=Optimizer(name="sgd", learning_rate=0.05, weight_decay=1e-4, norm_weight_decay=0.0, clip_norm=1.0),
    schedule=Schedule(name="cosine", warmup_epochs=1, update="step"),
    ema=EMA(decay=0.99, every=2),
)

PLAIN = replace(
    RECIPE, name="plain", accumulate=1, average=1, dtype="float32", ema=None, augmentation=Augmentation(crop_size=16)
)


def make_pictures(root: Path, *, train: int = 12, val: int = 4) -> Path:
    """A folder of class folders of noisy pictures of one colour each, so many a class in either part."""
    rng = np.random.default_rng(0)
    colours = {"blue": (40, 60, 200), "green": (40, 180, 60), "grey": (120, 120, 120), "red": (200, 40, 50)}
    for part, count in (("train", train), ("val", val)):
        for name, colour in colours.items():
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                noise = rng.normal(colour, 50, size=(20, 24, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(noise).save(folder / f"{number}.png")
    return root


def run(output: Path, data: Path, recipe: Recipe = RECIPE, **options: Any) -> Any:
    """Trains without a bar, on the CPU."""
    torch.set_num_threads(1)
    return train(recipe, data=data, output=output, device="cpu", progress=False, **options)


def outcome(output: Path) -> dict[str, Any]:
    """All that a run leaves behind and that must not depend on how often it was killed."""
    lines = [{**line, "time": 0} for line in read_lines(output) if line["event"] != "note"]
    files = {name: load_file(output / f"{name}.safetensors") for name in ("best", "last")}
    return {"lines": lines, **files}


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Asserts that two runs left the same behind, bit for bit."""
    assert one["lines"] == other["lines"]
    for name in ("best", "last"):
        assert one[name].keys() == other[name].keys()
        for key, tensor in one[name].items():
            assert tensor.numpy().tobytes() == other[name][key].numpy().tobytes(), (name, key)
