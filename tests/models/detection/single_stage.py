"""Small single-stage detectors of both packages with the same tensors, and scenes for them."""

from collections import OrderedDict
from importlib import import_module

import torch
from torch import nn

from tests.reference import torchvision

CLASSES = 5
FAMILIES = {
    "retinanet_resnet50_fpn": "retinanet",
    "retinanet_resnet50_fpn_v2": "retinanet",
    "fcos_resnet50_fpn": "fcos",
    "ssd300_vgg16": "ssd",
    "ssdlite320_mobilenet_v3_large": "ssdlite",
}
KINDS = ["RetinaNet", "FCOS", "SSD"]


def ours(module):
    """A module of our detectors by its name."""
    return import_module(f"multiweight.models.detection.{module}")


def theirs(module):
    """The same of torchvision, where coders and matchers are in one."""
    module = {"box_coder": "_utils", "matcher": "_utils"}.get(module, module)
    return import_module(f"{torchvision().__name__}.models.detection.{module}")


class Backbone(nn.Module):
    """Three maps of features, at an 8th, a 16th and a 32nd of the size."""

    out_channels = 64

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(3, 64, 9, 8, 4), nn.Conv2d(64, 64, 3, 2, 1), nn.Conv2d(64, 64, 3, 2, 1)])

    def forward(self, x):
        maps = OrderedDict()
        for index, layer in enumerate(self.layers):
            x = layer(x).relu()
            maps[str(index)] = x
        return maps


class ManyChannels(Backbone):
    """The same, which tells the channels of each map, as SSD has them."""

    out_channels = (64, 64, 64)


def small(kind, modules=ours, **options):
    """A network of class `kind` with few tensors, seeded, whose head finds something although nothing is trained."""
    torch.manual_seed(0)
    if kind == "SSD":
        boxes = modules("anchor_utils").DefaultBoxGenerator([[2], [2, 3], [2]], steps=[8, 16, 32])
        network = modules("ssd").SSD(ManyChannels(), boxes, (96, 64), CLASSES, **options)
    else:
        shapes = ((8,), (16,), (32,)), ((1.0,),) * 3
        if kind == "RetinaNet":
            shapes = ((16, 20), (32, 40), (64, 80)), ((0.5, 1.0, 2.0),) * 3
        options = {"min_size": 64, "max_size": 100, **options}
        options.setdefault("anchor_generator", modules("anchor_utils").AnchorGenerator(*shapes))
        network = getattr(modules(kind.lower()), kind)(Backbone(), CLASSES, **options)
    return lively(network)


@torch.no_grad()
def lively(network):
    """The network with a head that is far from saying the same of everything."""
    torch.manual_seed(1)
    for parameter in network.head.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.03)
    scores = getattr(network.head.classification_head, "cls_logits", None)
    if scores is not None:
        scores.bias.add_(4.0)
    return network.eval()


def pictures(*sizes, seed=3):
    random = torch.Generator().manual_seed(seed)
    return [torch.rand(3, *size, generator=random) for size in sizes or ((90, 70), (64, 101))]


def targets():
    """Two objects on the first picture, none on the second."""
    return [
        {
            "boxes": torch.tensor([[4.0, 6.0, 40.0, 50.0], [30.0, 20.0, 68.0, 80.0]]),
            "labels": torch.tensor([1, CLASSES - 1]),
        },
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
    ]


def assert_same_detections(given, expected):
    """The same boxes, scores and labels, to the last bit."""
    assert len(given) == len(expected)
    for one, other in zip(given, expected, strict=True):
        assert list(one) == list(other)
        for key, tensor in one.items():
            assert tensor.dtype == other[key].dtype, key
            assert torch.equal(tensor, other[key]), key


def losses_of(network, images, marks):
    """Losses in training as numbers, the next random number, and the gradients."""
    network.train().zero_grad()
    torch.manual_seed(5)
    losses = network(images, [dict(mark) for mark in marks])
    drawn = torch.rand(1)
    sum(losses.values()).backward()
    network.eval()
    gradients = {name: each.grad for name, each in network.named_parameters() if each.grad is not None}
    return {name: loss.detach() for name, loss in losses.items()}, drawn, gradients


def assert_same_training(network, other, images, marks):
    (losses, drawn, gradients), (expected, expected_drawn, expected_gradients) = (
        losses_of(each, images, marks) for each in (network, other)
    )
    assert list(losses) == list(expected)
    assert all(torch.equal(losses[name], expected[name]) for name in losses)
    assert torch.equal(drawn, expected_drawn)
    assert list(gradients) == list(expected_gradients)
    assert all(torch.equal(gradients[name], expected_gradients[name]) for name in gradients)
