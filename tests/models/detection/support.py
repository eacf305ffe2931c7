"""Small detectors of both packages with the same tensors, and scenes for them."""

from collections import OrderedDict
from importlib import import_module

import torch
from torch import nn

from multiweight import layers
from multiweight.models import detection
from tests.reference import torchvision

CLASSES = 4
POINTS = 3
KINDS = ["FasterRCNN", "MaskRCNN", "KeypointRCNN"]
VARIANTS = [
    *("fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2"),
    *("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_mobilenet_v3_large_320_fpn"),
    *("maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2", "keypointrcnn_resnet50_fpn"),
]


def ours():
    """The package of detectors and its operators."""
    return detection, layers


def theirs():
    """The same of torchvision."""
    return import_module(f"{torchvision().__name__}.models.detection"), torchvision().ops


class Backbone(nn.Module):
    """Two maps of features, at a quarter and an eighth of the size."""

    out_channels = 8

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 7, stride=4, padding=3)
        self.second = nn.Conv2d(8, 8, 3, stride=2, padding=1)

    def forward(self, x):
        first = self.first(x).relu()
        return OrderedDict([("fine", first), ("coarse", self.second(first).relu())])


def small(kind, package=ours, **options):
    """A network of class `kind` with few tensors, whose heads find something although nothing is trained."""
    module, operators = package()
    faster = import_module(f"{module.__name__}.faster_rcnn")

    def pool(side):
        return operators.MultiScaleRoIAlign(["fine", "coarse"], side, 2)

    torch.manual_seed(0)
    parts = {
        "min_size": 64,
        "max_size": 100,
        "box_detections_per_img": 12,
        "box_roi_pool": pool(3),
        "box_head": faster.TwoMLPHead(8 * 9, 16),
        "box_predictor": faster.FastRCNNPredictor(16, CLASSES),
        "rpn_anchor_generator": module.anchor_utils.AnchorGenerator(((16,), (32,)), ((0.5, 1.0, 2.0),) * 2),
    }
    if kind == "MaskRCNN":
        parts["mask_roi_pool"] = pool(5)
        parts["mask_head"] = module.mask_rcnn.MaskRCNNHeads(8, (8, 6), 1)
        parts["mask_predictor"] = module.mask_rcnn.MaskRCNNPredictor(6, 5, CLASSES)
    if kind == "KeypointRCNN":
        parts["keypoint_roi_pool"] = pool(5)
        parts["keypoint_head"] = module.keypoint_rcnn.KeypointRCNNHeads(8, (8, 6))
        parts["keypoint_predictor"] = module.keypoint_rcnn.KeypointRCNNPredictor(6, POINTS)
    network = getattr(module, kind)(Backbone(), **{**parts, **options})
    return lively(network)


@torch.no_grad()
def lively(network):
    """The network with predictors that are far from saying the same of everything."""
    generator = torch.Generator().manual_seed(5)
    heads, rpn = network.roi_heads, network.rpn.head
    for layer, spread in (
        (heads.box_predictor.cls_score, 3.0),
        (heads.box_predictor.bbox_pred, 1.0),
        (rpn.cls_logits, 1.0),
        (rpn.bbox_pred, 0.3),
    ):
        each = layer.weight[0].numel() ** 0.5
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * spread / each)
    return network


def pictures(*sizes, seed=1):
    """Pictures `(3, H, W)` of these sizes, of blocks that are smooth enough to have features."""
    generator = torch.Generator().manual_seed(seed)
    return [
        nn.functional.interpolate(torch.rand(1, 3, 6, 7, generator=generator), size=size, mode="bilinear")[0]
        for size in sizes
    ]


def targets_for(images, *, objects=(2, 1), points=POINTS, seed=2):
    """Made-up objects on pictures: boxes, labels, masks and points."""
    generator = torch.Generator().manual_seed(seed)
    targets = []
    for image, count in zip(images, objects, strict=True):
        height, width = image.shape[-2:]
        scale = torch.tensor([width, height, width, height])
        low, sides = (
            torch.rand(count, 2, generator=generator) * 0.4,
            torch.rand(count, 2, generator=generator) * 0.4 + 0.2,
        )
        boxes = torch.cat((low, low + sides), dim=1) * scale
        masks = torch.zeros(count, height, width, dtype=torch.uint8)
        for mask, (x1, y1, x2, y2) in zip(masks, boxes.long().tolist(), strict=True):
            mask[y1:y2, x1 : (x1 + x2) // 2 + 1] = 1
        place = boxes[:, None, :2] + torch.rand(count, points, 2, generator=generator) * (sides * scale[:2])[:, None]
        visible = (torch.rand(count, points, 1, generator=generator) > 0.3).float()
        labels = torch.randint(1, CLASSES, (count,), generator=generator)
        targets.append(
            {"boxes": boxes, "labels": labels, "masks": masks, "keypoints": torch.cat((place, visible), dim=2)}
        )
    return targets


def assert_close(answers, expected, atol=1e-4):
    """The same detections in the same order; numbers within a tolerance."""
    assert len(answers) == len(expected)
    for answer, wanted in zip(answers, expected, strict=True):
        assert list(answer) == list(wanted)
        assert torch.equal(answer["labels"], wanted["labels"])
        for key, value in wanted.items():
            torch.testing.assert_close(answer[key], value, atol=atol, rtol=1e-5)
