"""A folder of JPEGs to answers."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.harness import OURS, Row, Section, interleaved, timed
from benchmarks.loading import publish
from multiweight import Predictor
from tests.reference import torchvision

COUNT, BATCH_SIZE = 256, 16
VARIANTS = ("shufflenet_v2_x1_0", "resnet18")


def sections() -> list[Section]:
    """The whole way, models built beforehand."""
    torch.set_num_threads(os.cpu_count() or 1)
    rounds = 5
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCH_HOME"] = folder
        files = _pictures(Path(folder) / "pictures")
        for variant in VARIANTS:
            entry = publish(variant)
            predictor = Predictor(str(entry), device="cpu", batch_size=BATCH_SIZE, top=1)
            peer = getattr(torchvision().models, type(entry).__name__)[entry.name]
            network = torchvision().models.get_model(variant, weights=peer).eval()
            preset, labels = peer.transforms(), peer.meta["categories"]

            def ours(predictor: Predictor = predictor) -> list[str]:
                return [prediction.label for prediction in predictor.stream(files)]

            def plain(network=network, preset=preset, labels=labels) -> list[str]:
                answers: list[str] = []
                with torch.inference_mode():
                    for start in range(0, len(files), BATCH_SIZE):
                        opened = [Image.open(file).convert("RGB") for file in files[start : start + BATCH_SIZE]]
                        best = network(torch.stack([preset(one) for one in opened])).softmax(-1).argmax(-1)
                        answers += [labels[index] for index in best.tolist()]
                return answers

            assert ours() == plain()
            sides = {OURS: timed(ours, scale=1.0), "torchvision": timed(plain, scale=1.0)}
            rows.append(Row(f"`{variant}`, {COUNT} JPEGs", "s", interleaved(sides, rounds=rounds)))
    return [
        Section(
            "Folder to answers",
            f"{COUNT} JPEGs of 500×375, batches of {BATCH_SIZE}, CPU, all cores; the peer is the plain loop over its "
            f"preset. Medians of {rounds} interleaved rounds.",
            rows,
        )
    ]


def _pictures(folder: Path) -> list[Path]:
    folder.mkdir()
    generator = np.random.default_rng(0)
    paths = [folder / f"{number:03}.jpg" for number in range(COUNT)]
    for path in paths:
        noise = generator.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((500, 375), Image.Resampling.BICUBIC).save(path, quality=90)
    return paths
