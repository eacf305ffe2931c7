"""What several tests of the networks need: copies of the published facts, and files' tensors without files."""

import gzip
import inspect
import json
from pathlib import Path

import pytest
import torch

from multiweight.catalogue import WeightsEnum, get_model_weights
from multiweight.models import get_model, get_model_builder, list_models

DATA = Path(__file__).parents[1] / "data"
FACTS = json.loads((DATA / "facts_weights.json").read_text())["models"]
LAYOUTS = json.loads(gzip.decompress((DATA / "state_dict_layouts.json.gz").read_bytes()))


VARIANTS = list_models(module="multiweight.models")
"""The variants of classification in floating point; the other tasks' are in `DENSE`."""
QUANTIZED = list_models(module="multiweight.models.quantization")
"""Variants whose networks, as they are built unless told otherwise, are those of `VARIANTS` or nearly so."""
DENSE = [name for name in list_models() if name not in {*VARIANTS, *QUANTIZED}]
OURS = {"lraspp_mobilenet_v3_small"}
"""Variants that torchvision does not have."""

GIANTS = {name for name in VARIANTS if get_model_weights(name)["DEFAULT"].meta.num_params > 300e6}
"""Gigabytes each: one at a time, and only once at full size."""


def each(names):
    """Parameters of a test: all tests of a variant in one process, where they share its network."""
    return [
        # All giants in one, so that memory suffices.
        pytest.param(name, marks=pytest.mark.xdist_group("giants" if name in GIANTS else name), id=name)
        for name in names
    ]


EACH_VARIANT = each(VARIANTS)


def task_of(variant):
    """The task of a variant, as its entries say."""
    return get_model_weights(variant).task


def side_of(variant, training=False):
    """The side in pixels of pictures that the variant takes as it is built without weights, small where it can be."""
    if variant.startswith(("vit_", "maxvit_", "mvit_")):
        return 224
    if variant.endswith("inception_v3"):
        return 299 if training else 75
    return {"raft_large": 128, "raft_small": 128, "s3d": 224}.get(variant, 64)


FRAMES = {"mvit_v1_b": 16, "mvit_v2_s": 16, "s3d": 14}
"""How many frames a clip has at least; others take few."""


def small(variant):
    """Options that keep a network's parameters and make its work on a picture small, without any pretrained part."""
    options = {}
    if "weights_backbone" in inspect.signature(get_model_builder(variant)).parameters:
        options["weights_backbone"] = None
    if task_of(variant) == "detection" and not variant.startswith("ssd"):
        options |= {"min_size": 96, "max_size": 128}
    if variant.startswith(("retinanet", "fcos")):
        # Without training every score is low: 0.01 is where focal loss wants them to begin.
        options |= {"score_thresh": 0.005, "detections_per_img": 20}
    if variant.startswith(("fasterrcnn", "maskrcnn", "keypointrcnn")):
        # Random weights say something of every region.
        options |= {"rpn_post_nms_top_n_test": 40, "rpn_post_nms_top_n_train": 40, "box_detections_per_img": 6}
    if variant.startswith("keypointrcnn"):
        options["box_score_thresh"] = 0.0
    if variant.startswith("fasterrcnn_mobilenet"):
        # These ask for more of a score than the others, which no random weights have.
        options |= {"rpn_score_thresh": 0.0, "box_score_thresh": 0.005}
    return options


def inputs_of(variant, *, training=False, seed=0):
    """Arguments for a network built with `small`, as random numbers: two of what it takes."""
    random = torch.Generator().manual_seed(seed)
    side, task = side_of(variant, training), task_of(variant)
    if task == "video":
        # These take seconds a clip.
        count = 1 if training and variant in FRAMES else 2
        return (torch.rand(count, 3, FRAMES.get(variant, 4), side, side, generator=random),)
    if task == "optical_flow":
        first = torch.rand(2, 3, side, side, generator=random) * 2 - 1
        return first, first.roll((1, 2), (2, 3)), 2  # steps, of 12 that a flow takes otherwise
    if task != "detection":
        return (torch.rand(2, 3, side, side, generator=random),)
    pictures = [torch.rand(3, 90, 70, generator=random), torch.rand(3, 64, 100, generator=random)]
    return (pictures, [_target(variant, picture) for picture in pictures]) if training else (pictures,)


def _target(variant, picture):
    """Two objects in a picture, with masks or points where the variant learns them."""
    height, width = picture.shape[1:]
    boxes = torch.tensor([[4.0, 6.0, width / 2, height / 2], [width / 3, height / 4, width - 2.0, height - 3.0]])
    target = {"boxes": boxes, "labels": torch.tensor([1, 1])}
    if variant.startswith("maskrcnn"):
        rows, columns = torch.arange(height)[None, :, None], torch.arange(width)[None, None]
        left, top, right, bottom = (boxes[:, side, None, None] for side in range(4))
        inside = (columns >= left) & (columns < right) & (rows >= top) & (rows < bottom)
        target["masks"] = inside.to(torch.uint8)
    if variant.startswith("keypointrcnn"):
        shares = torch.linspace(0.1, 0.9, 17)[None, :, None]
        places = boxes[:, None, :2] + shares * (boxes[:, None, 2:] - boxes[:, None, :2])
        target["keypoints"] = torch.cat([places, torch.ones(2, 17, 1)], 2)
    return target


def tensors_in(answer):
    """The tensors of whatever a network answers with, in order."""
    if isinstance(answer, torch.Tensor):
        return [answer]
    parts = answer.values() if isinstance(answer, dict) else answer
    return [tensor for part in parts if part is not None for tensor in tensors_in(part)]


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
        network: One whose tensors the file has where they are not the variant's usual ones.
    """
    kinds = LAYOUTS[variant] if network is None else layout(network)
    return {
        key: torch.full(shape, 1 + index % 97, dtype=getattr(torch, dtype))
        for index, (key, shape, dtype) in enumerate(kinds)
    }


def without_files(monkeypatch):
    """Makes every entry answer with `tensors_of` its variant; returns the list of the entries that were asked."""
    asked = []

    def get_state_dict(self, *, progress=True, check_hash=True):
        asked.append((self, progress))
        return tensors_of(type(self).variant)

    monkeypatch.setattr(WeightsEnum, "get_state_dict", get_state_dict)
    return asked


def relative_error(given, expected):
    return ((given.double() - expected.double()).norm() / expected.double().norm()).item()
