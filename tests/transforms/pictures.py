"""Noise as pictures of every kind, for the tests of presets."""

import io

import numpy as np
import torch
from PIL import Image

MODES = ["1", "L", "P", "PA", "LA", "La", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV", "F", "I", "I;16"]


def pixels(height=20, width=30):
    """uint8 (H, W, 3)."""
    return np.random.default_rng(height + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def picture(height=20, width=30):
    return Image.fromarray(pixels(height, width))


def tensor(height=20, width=30):
    """uint8 (3, H, W)."""
    return torch.from_numpy(pixels(height, width)).permute(2, 0, 1).contiguous()


def in_mode(mode):
    """The noise as a picture of the mode, and what it is as RGB."""
    if mode.startswith("I"):
        eight = pixels()[..., 0]
        wide = eight.astype(np.int32 if mode == "I" else np.uint16) * 257
        return Image.fromarray(wide), Image.fromarray(eight).convert("RGB")
    converted = {"La": "LA", "RGBa": "RGBA"}.get(mode, mode)
    made = picture().convert("RGBA").convert("PA") if mode == "PA" else picture().convert(converted)
    return made.convert(mode), made.convert("RGB")


def noise(shape, dtype):
    values = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(sum(shape)))
    return values.to(dtype) if dtype == torch.uint8 else (values / 255).to(dtype)


def scripted(preset):
    """The preset as TorchScript, saved and loaded."""
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(preset), file)
    file.seek(0)
    return torch.jit.load(file)


NO_PICTURES = [
    (torch.zeros(1, 20, 20), r"\(..., 3, H, W\); got \[1, 20, 20\]. It looks like a grey"),
    (torch.zeros(20, 21, 3), r"got \[20, 21, 3\]. .*movedim"),
    (torch.zeros(3, 0, 20), r"no pixels: .*\[3, 0, 20\]"),
    (torch.zeros(3, 20, 20, dtype=torch.int64), "uint8 .* or floats .*; got torch.int64"),
    (np.zeros((2, 20, 20, 3), np.uint8), "batch"),
    (np.zeros((20, 20, 3), np.int64), "uint8 .*; got int64"),
    (np.full((20, 20, 3), 255.0), "from 0 to 1; got values up to 255"),
    (Image.new("RGB", (0, 20)), "no pixels: it is 0 by 20"),
    ("photo.jpg", "Got a str, which is no picture. .*PIL.Image.open"),
    ([picture()], "Got a list.*one by one"),
    (None, "Got a NoneType"),
]
"""What is no picture, with the text of the error."""
