"""The classification preset on pictures and tensors."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from benchmarks.harness import OURS, Row, Section, interleaved, timed
from multiweight.models import ResNet50_Weights
from tests.reference import torchvision

SIZES = ((500, 375), (4000, 3000))


def sections() -> list[Section]:
    """PIL and tensor input at two sizes."""
    torch.set_num_threads(1)
    ours = ResNet50_Weights.IMAGENET1K_V2.transforms()
    peer = torchvision().models.ResNet50_Weights.IMAGENET1K_V2.transforms()
    rows: list[Row] = []
    for width, height in SIZES:
        noise = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
        picture = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
        tensor = torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
        for kind, given in (("PIL", picture), ("uint8 tensor", tensor)):
            assert torch.equal(ours(given), peer(given))
            repeats, rounds = (20, 15) if width < 1000 else (2, 7)
            sides = {
                OURS: timed(lambda given=given: ours(given), repeats=repeats),
                "torchvision": timed(lambda given=given: peer(given), repeats=repeats),
            }
            rows.append(Row(f"{kind}, {width}×{height}", "ms", interleaved(sides, rounds=rounds), "bit-equal"))
    return [Section("Preset", "Resize 232, crop 224, normalise; one thread, medians of interleaved rounds.", rows)]
