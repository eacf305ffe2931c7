"""Trains `LRASPP_MobileNet_V3_Small_Weights.DIGIT_PAGES_V1`, which finds and reads the digits on small pages.

The pages are composed as `examples/digit_pages.py` says: those for training of training scans, a new one each time;
those that the figures are measured on of held-out scans. The tensors are stored as 16-bit floats, half the size, and
the figures are those of the stored tensors.

    pip install scikit-learn
    python examples/train_digit_pages.py --output digit_pages.safetensors
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import torch
from digit_pages import HEIGHT, WIDTH, Page, compose, scans
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from multiweight.models.segmentation import lraspp_mobilenet_v3_small
from multiweight.transforms import SemanticSegmentation

STEPS, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 640, 8, 4e-3, 0.02
CLASSES = 11
FIRST_TRAINING_SEED = 1_000_000
HELD_OUT_SEEDS = range(1000, 1200)
PRESET = SemanticSegmentation(resize_size=256, mean=(0.82, 0.81, 0.8), std=(0.2, 0.2, 0.2))


def tensors(pages: Iterable[Page]) -> tuple[Tensor, Tensor]:
    """What the network takes `(N, 3, 256, 320)` and what it should answer `(N, H, W)`, of pages."""
    pages = list(pages)
    pictures = torch.stack([PRESET(Image.fromarray(page.picture)) for page in pages])
    truths = torch.stack([torch.from_numpy(page.truth) for page in pages])
    return pictures.contiguous(memory_format=torch.channels_last), truths.long()


def scores(model: nn.Module, pictures: Tensor) -> Tensor:
    """The scores of the pixels of pages `(N, 11, H, W)`, from pictures at the preset's size."""
    return F.interpolate(model(pictures)["out"], size=(HEIGHT, WIDTH), mode="bilinear", align_corners=False)


def measure(model: nn.Module, pages: Iterable[Page]) -> dict[str, float]:
    """Mean IoU of the 11 classes and the share of pixels that are right, in percent, over all pages together."""
    model.eval()
    found = torch.zeros(CLASSES, CLASSES, dtype=torch.long)
    pages = list(pages)
    with torch.inference_mode():
        for first in range(0, len(pages), BATCH_SIZE):
            pictures, truths = tensors(pages[first : first + BATCH_SIZE])
            pairs = truths * CLASSES + scores(model, pictures).argmax(1)
            found += pairs.flatten().bincount(minlength=CLASSES**2).view(CLASSES, CLASSES)
    right = found.diagonal().double()
    union = found.sum(0) + found.sum(1) - right
    return {"miou": 100 * (right / union).mean().item(), "pixel_acc": 100 * (right.sum() / found.sum()).item()}


def stored(model: nn.Module) -> dict[str, Tensor]:
    """The tensors as the file holds them: 16-bit floats, and the counters of the batch norms."""
    state = model.state_dict()
    return {key: (t.half() if t.is_floating_point() else t).contiguous().clone() for key, t in state.items()}


def train(seed: int, output: Path) -> nn.Module:
    """Trains from random weights, and now and then writes how far it is."""
    part = scans(held_out=False)
    torch.manual_seed(seed)
    model = lraspp_mobilenet_v3_small(num_classes=CLASSES, weights_backbone=None)
    model = model.to(memory_format=torch.channels_last).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            # The backbone's own 0.01 remembers the last few hundred steps: here that is half of the training.
            module.momentum = 0.05
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS, pct_start=0.15)
    total = 0.0
    for step in range(STEPS):
        first = FIRST_TRAINING_SEED * (seed + 1) + step * BATCH_SIZE
        pictures, truths = tensors(compose(part, number) for number in range(first, first + BATCH_SIZE))
        # Straight from the head's size to the page's: a fifth faster than by way of the picture's, which is larger.
        low = model.classifier(model.backbone(pictures))  # (N, 11, 32, 40)
        loss = F.cross_entropy(F.interpolate(low, size=(HEIGHT, WIDTH), mode="bilinear"), truths)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 50 == 49:
            print(f"step {step + 1}: loss {total / 50:.3f}", flush=True)
            save_file(stored(model), output)
            total = 0.0
    return model


def main() -> None:
    """Trains, writes the file and measures what is in it."""
    arguments = argparse.ArgumentParser(description="Train the weights for pages of digits again.")
    arguments.add_argument("--output", type=Path, required=True, help="The safetensors file to write.")
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    model = train(options.seed, options.output)
    tensors_in_file = stored(model)
    save_file(tensors_in_file, options.output)
    model.load_state_dict(tensors_in_file)
    part = scans(held_out=True)
    measured = measure(model, (compose(part, seed) for seed in HELD_OUT_SEEDS))
    print(f"held out: {measured}; written to {options.output}")


if __name__ == "__main__":
    main()
