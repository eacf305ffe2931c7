"""What several tests of the networks need: copies of the published facts, and files' tensors without files."""

import gzip
import json
from pathlib import Path

import pytest
import torch

from multiweight.catalogue import WeightsEnum, get_model_weights
from multiweight.models import get_model, list_models

DATA = Path(__file__).parents[1] / "data"
FACTS = json.loads((DATA / "facts_weights.json").read_text())["models"]
LAYOUTS = json.loads(gzip.decompress((DATA / "state_dict_layouts.json.gz").read_bytes()))


VARIANTS = list_models(module="multiweight.models")
GIANTS = {name for name in VARIANTS if get_model_weights(name)["DEFAULT"].meta.num_params > 300e6}
"""Gigabytes each: one at a time, and only once at full size."""

EACH_VARIANT = [
    # All tests of a variant in one process, where they share its network; all giants in one, so that memory suffices.
    pytest.param(name, marks=pytest.mark.xdist_group("giants" if name in GIANTS else name), id=name)
    for name in VARIANTS
]


def side_of(variant, training=False):
    """The side in pixels of pictures that the variant takes as it is built without weights, small where it can be."""
    if variant.startswith(("vit_", "maxvit_")):
        return 224
    if variant == "inception_v3":
        return 299 if training else 75
    return 64


def network_of(entry, monkeypatch):
    """An entry's network on the meta device, as its builder makes it with these weights, but without tensors."""
    with monkeypatch.context() as patch, torch.device("meta"):
        patch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: {})
        patch.setattr("multiweight.models._builder.assign", lambda model, state, source: None)
        return get_model(type(entry).variant, weights=entry).eval()


def layout(model):
    """Every key of a state dict with its shape and dtype, as the facts write it."""
    return [
        [key, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")]
        for key, tensor in model.state_dict().items()
    ]


def tensors_of(variant, network=None):
    """Tensors as a published file of the variant has them, each with one value that tells it from the others.

    Args:
        variant: The variant's name.
        network: One whose shapes the file has where they are not the variant's usual ones.
    """
    shapes = {} if network is None else {key: tensor.shape for key, tensor in network.state_dict().items()}
    return {
        key: torch.full(shapes.get(key, shape), 1 + index % 97, dtype=getattr(torch, dtype))
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
