"""What several tests of the networks need: copies of the published facts, and files' tensors without files."""

import gzip
import json
from pathlib import Path

import torch

from multiweight.catalogue import WeightsEnum

DATA = Path(__file__).parents[1] / "data"
FACTS = json.loads((DATA / "facts_weights.json").read_text())["models"]
LAYOUTS = json.loads(gzip.decompress((DATA / "state_dict_layouts.json.gz").read_bytes()))


def layout(model):
    """Every key of a state dict with its shape and dtype, as the facts write it."""
    return [
        [key, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")]
        for key, tensor in model.state_dict().items()
    ]


def tensors_of(variant):
    """Tensors as a published file of the variant has them, each with one value that tells it from the others."""
    return {
        key: torch.full(shape, 1 + index % 97, dtype=getattr(torch, dtype))
        for index, (key, shape, dtype) in enumerate(LAYOUTS[variant])
    }


def without_files(monkeypatch):
    """Makes every entry answer with `tensors_of` its variant; returns the list of the entries that were asked."""
    asked = []

    def get_state_dict(self, *, progress=True, check_hash=True):
        asked.append((self, progress))
        return tensors_of(type(self).variant)

    monkeypatch.setattr(WeightsEnum, "get_state_dict", get_state_dict)
    return asked
