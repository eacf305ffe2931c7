"""Trains LabNet on scikit-learn's digits, measures it on the scans it has not seen, and writes the file that ships.

`python train.py` needs half a minute. Every fifth scan is held out, as in multiweight's own entries for these digits.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from mylab_weights.network import LabNet
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

from multiweight.catalogue import Header, ImageClassification
from multiweight.store.save import save_weights

FILE = Path(__file__).parent / "src/mylab_weights/labnet_digits.safetensors"
PRESET = ImageClassification(crop_size=16, resize_size=16, mean=(0.5,), std=(0.5,))
EPOCHS, BATCH = 30, 64


def scans() -> tuple[list[Image.Image], torch.Tensor, torch.Tensor]:
    """The scans, what they show `(N,)`, and which are held out `(N,)`."""
    digits = load_digits()
    pictures = [Image.fromarray((scan * (255 / 16)).round().astype(np.uint8)) for scan in digits.images]
    return pictures, torch.from_numpy(digits.target), torch.arange(len(pictures)) % 5 == 0


def main() -> None:
    """Trains, measures and writes; prints what the entry says of the file."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    pictures, targets, held_out = scans()
    preset = PRESET()
    inputs = torch.stack([preset(picture) for picture in pictures])  # (N, 3, 16, 16)
    x, y = inputs[~held_out], targets[~held_out]
    model = LabNet(10)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.05)
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(x)).split(BATCH):
            # Moved by up to two pixels, as nobody writes in the middle.
            shift = [int(each) for each in torch.randint(-2, 3, (2,))]
            loss = nn.functional.cross_entropy(model(x[chosen].roll(shift, (2, 3))), y[chosen], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.inference_mode():
        right = model(inputs[held_out]).argmax(1) == targets[held_out]
    accuracy = round(right.double().mean().item() * 100, 3)
    header = Header(
        variant="mylab/labnet",
        labels=tuple("0123456789"),
        preset=PRESET,
        builder="mylab_weights.network:labnet",
        metrics={"UCI digits": {"acc@1": accuracy}},
        license="CC-BY-4.0",
        num_params=sum(each.numel() for each in model.parameters()),
    )
    sha256 = save_weights(model.state_dict(), FILE, header)
    print(f"acc@1 {accuracy}, num_params {header.num_params}, {FILE.stat().st_size} bytes, sha256 {sha256}")


if __name__ == "__main__":
    main()
