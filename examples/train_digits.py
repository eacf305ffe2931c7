"""Trains `ShuffleNet_V2_X0_5_Weights.DIGITS_V1`, the weights for handwritten digits that ship with multiweight.

The data are the 1,797 scans of 8×8 pixels that come with scikit-learn: the test part of "Optical Recognition of
Handwritten Digits" (E. Alpaydin, C. Kaynak, UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49,
CC BY 4.0). Every fifth scan, counted from the first, is held out; the others train. Writers are not kept apart: the
data set does not name them.

    pip install scikit-learn
    python examples/train_digits.py --output digits.safetensors
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from multiweight.models import ShuffleNet_V2_X0_5_Weights, shufflenet_v2_x0_5

EPOCHS, WARMUP_EPOCHS, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 120, 5, 64, 0.2, 1e-4
MAX_ROTATION, MAX_SHIFT, MAX_ZOOM = math.radians(12), 0.12, 0.12


def scans() -> tuple[list[Image.Image], Tensor]:
    """The scans as grey pictures of 8×8 pixels, in the data set's order, and what they show."""
    data = load_digits()
    pictures = [Image.fromarray((scan * (255 / 16)).round().astype("uint8")) for scan in data.images]
    return pictures, torch.from_numpy(data.target)


def held_out(count: int) -> Tensor:
    """Which of the scans are held out, as booleans."""
    return torch.arange(count) % 5 == 0


def distorted(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Turns, shifts and zooms each picture (N, 3, H, W) by a little of its own."""
    count = len(pictures)
    angle, zoom, dx, dy = (torch.rand(4, count, generator=generator) * 2 - 1).unbind()
    angle, zoom = angle * MAX_ROTATION, 1 + zoom * MAX_ZOOM
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    rows = [cos, -sin, dx * MAX_SHIFT, sin, cos, dy * MAX_SHIFT]
    grid = F.affine_grid(torch.stack(rows, 1).view(count, 2, 3), list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def accuracy(model: nn.Module, pictures: Tensor, targets: Tensor) -> dict[str, float]:
    """Top-1 and top-5 accuracy in percent, in evaluation mode."""
    model.eval()
    with torch.inference_mode():
        best = model(pictures).topk(5).indices
    right = best == targets[:, None]
    return {f"acc@{k}": 100 * right[:, :k].any(1).float().mean().item() for k in (1, 5)}


def train(seed: int) -> tuple[nn.Module, dict[str, float]]:
    """Trains from random weights; gives the network and its accuracy on the held-out scans."""
    preset = ShuffleNet_V2_X0_5_Weights.DIGITS_V1.transforms()
    scanned, targets = scans()
    pictures = torch.stack([preset(scan) for scan in scanned])
    test = held_out(len(scanned))
    train_pictures, train_targets = pictures[~test], targets[~test]

    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = shufflenet_v2_x0_5(num_classes=10)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=LEARNING_RATE, momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    steps = len(train_pictures) // BATCH_SIZE
    warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=WARMUP_EPOCHS * steps)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, (EPOCHS - WARMUP_EPOCHS) * steps)
    schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, cosine], [WARMUP_EPOCHS * steps])
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        order = torch.randperm(len(train_pictures), generator=generator)
        for batch in order[: steps * BATCH_SIZE].view(steps, BATCH_SIZE):
            logits = model(distorted(train_pictures[batch], generator))
            loss = F.cross_entropy(logits, train_targets[batch], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {total / steps:.3f}", flush=True)
    return model, accuracy(model, pictures[test], targets[test])


def main() -> None:
    """Trains, measures and writes the file."""
    arguments = argparse.ArgumentParser(description="Train the digits weights again.")
    arguments.add_argument("--output", type=Path, required=True, help="The safetensors file to write.")
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    model, measured = train(options.seed)
    save_file({key: tensor.contiguous() for key, tensor in model.state_dict().items()}, options.output)
    print(f"held out: {measured}; written to {options.output}")


if __name__ == "__main__":
    main()
