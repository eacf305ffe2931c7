"""Parts of Faster R-CNN: backbones, the region proposals' head, the second stage's heads."""

import pytest
import torch
from torch import nn

from multiweight.errors import InputError, UnknownModelError
from multiweight.layers import FrozenBatchNorm2d, LastLevelP6P7
from multiweight.models import resnet18
from multiweight.models._features import IntermediateLayerGetter
from multiweight.models.detection import backbone_utils, faster_rcnn, roi_heads, rpn
from tests.models.detection.support import theirs
from tests.models.support import without_files

BACKBONES = [
    ("resnet_fpn_backbone", {"backbone_name": "resnet18", "trainable_layers": 2}),
    ("resnet_fpn_backbone", {"backbone_name": "resnet18", "trainable_layers": 5, "returned_layers": [2, 4]}),
    ("resnet_fpn_backbone", {"backbone_name": "resnet34", "trainable_layers": 0, "norm_layer": nn.BatchNorm2d}),
    ("mobilenet_backbone", {"backbone_name": "mobilenet_v2", "fpn": True, "trainable_layers": 3}),
    ("mobilenet_backbone", {"backbone_name": "mobilenet_v3_large", "fpn": True, "returned_layers": [1, 3]}),
    ("mobilenet_backbone", {"backbone_name": "mobilenet_v3_small", "fpn": False, "trainable_layers": 0}),
]


@pytest.mark.parametrize(("function", "options"), BACKBONES)
def test_backbone_is_torchvisions(function, options):
    networks, drawn = [], []
    for module in (backbone_utils, theirs()[0].backbone_utils):
        torch.manual_seed(0)
        networks.append(getattr(module, function)(weights=None, **options).eval())
        drawn.append(torch.rand(1))
    assert torch.equal(*drawn)
    network, expected = networks
    assert list(network.state_dict()) == list(expected.state_dict())
    assert all(map(torch.equal, network.state_dict().values(), expected.state_dict().values()))
    assert [p.requires_grad for p in network.parameters()] == [p.requires_grad for p in expected.parameters()]
    assert network.out_channels == expected.out_channels == 256
    pictures = torch.rand(1, 3, 70, 65)
    with torch.no_grad():
        answer, wanted = network(pictures), expected(pictures)
    if isinstance(wanted, torch.Tensor):
        answer, wanted = {"": answer}, {"": wanted}
    assert list(answer) == list(wanted)
    assert all(map(torch.equal, answer.values(), wanted.values()))


def test_backbone_with_weights_and_old_calls(monkeypatch):
    asked = without_files(monkeypatch)
    build = backbone_utils.resnet_fpn_backbone
    network = build(backbone_name="resnet18", weights="DEFAULT")
    assert [str(entry) for entry, _ in asked] == ["ResNet18_Weights.IMAGENET1K_V1"]
    assert isinstance(network.body.bn1, FrozenBatchNorm2d)
    with pytest.warns(UserWarning, match="deprecated") as caught:
        build(backbone_name="resnet18", pretrained=True)
    assert {warning.filename for warning in caught} == {__file__}
    with pytest.warns(UserWarning, match="deprecated") as caught:
        build("resnet18", True)
    assert str(caught[0].message).startswith("Using 'backbone_name' and 'weights' as positional")
    with pytest.warns(UserWarning, match="deprecated") as caught:
        build("resnet18", False)
    assert "equivalent to passing `weights=None`" in str(caught[1].message)
    assert len(asked) == 3


def test_mistakes_of_backbones_are_sentences():
    build, mobile = backbone_utils.resnet_fpn_backbone, backbone_utils.mobilenet_backbone
    with pytest.raises(UnknownModelError, match=r"No ResNet has the name 'resnet51'\. Did you mean resnet50"):
        build(backbone_name="resnet51", weights=None)
    with pytest.raises(KeyError, match="No MobileNet has the name 'resnet50'"):
        mobile(backbone_name="resnet50", weights=None, fpn=True)
    with pytest.raises(ValueError, match="trainable_layers is from 0 to 5 for a ResNet; got 6"):
        build(backbone_name="resnet18", weights=None, trainable_layers=6)
    with pytest.raises(ValueError, match=r"stages from 1 to 4 of the ResNet; got \[0, 1\]"):
        build(backbone_name="resnet18", weights=None, returned_layers=[0, 1])
    with pytest.raises(ValueError, match=r"stages from 0 to 5 of this MobileNet; got \[6\]"):
        mobile(backbone_name="mobilenet_v3_large", weights=None, fpn=True, returned_layers=[6])
    with pytest.raises(ValueError, match="from 0 to 6 for this MobileNet; got -1"):
        mobile(backbone_name="mobilenet_v3_large", weights=None, fpn=True, trainable_layers=-1)


def test_further_levels():
    network = backbone_utils.resnet_fpn_backbone(
        backbone_name="resnet18", weights=None, returned_layers=[3, 4], extra_blocks=LastLevelP6P7(256, 256)
    )
    assert list(network(torch.rand(1, 3, 64, 64))) == ["0", "1", "p6", "p7"]


def test_layers_by_name():
    network = resnet18().eval()
    getter = IntermediateLayerGetter(network, {"layer1": "a", "layer3": 3})
    assert list(getter)[-1] == "layer3"
    assert list(getter.state_dict()) == [
        key for key in network.state_dict() if not key.startswith(("layer4", "fc", "avgpool"))
    ]
    features = getter(torch.rand(1, 3, 64, 64))
    assert {key: tuple(value.shape) for key, value in features.items()} == {"a": (1, 64, 16, 16), "3": (1, 256, 4, 4)}
    with pytest.raises(ValueError, match=r"ResNet has no layer 'layer5' to return\. Did you mean layer"):
        IntermediateLayerGetter(network, {"layer5": "a"})


def test_proposal_head_takes_files_of_before():
    head = rpn.RPNHead(4, 2)
    state = head.state_dict()
    old = {key.replace("conv.0.0.", "conv."): torch.ones_like(value) for key, value in state.items()}
    assert list(old) != list(state)
    rpn.RPNHead(4, 2).load_state_dict(state)
    head.load_state_dict(old)
    assert all((value == 1).all() for value in head.state_dict().values())


def test_answers_of_maps_are_in_the_order_of_their_anchors():
    pictures, anchors, classes, height, width = 2, 3, 2, 4, 5
    layer = torch.arange(pictures * anchors * classes * height * width).view(pictures, -1, height, width)
    flat = rpn.permute_and_flatten(layer, pictures, anchors, classes, height, width)
    assert flat.shape == (2, 60, 2)
    y, x, anchor = 2, 3, 1
    assert flat[1, (y * width + x) * anchors + anchor].tolist() == layer[1, anchor * 2 : anchor * 2 + 2, y, x].tolist()


def test_loss_of_regions_by_hand():
    """Two regions: one of class 1 whose box is right but for one number, one of background."""
    scores = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    changes = torch.tensor([[9.0, 9.0, 9.0, 9.0, 0.0, 0.0, 0.0, 2.0], [7.0] * 8])
    labels, wanted = [torch.tensor([1, 0])], [torch.zeros(2, 4)]
    class_loss, box_loss = roi_heads.fastrcnn_loss(scores, changes, labels, wanted)
    assert class_loss.item() == pytest.approx(0.693147, abs=1e-6)
    assert box_loss.item() == pytest.approx((2 - 0.5 / 9) / 2)


def test_predictor_takes_vectors_or_single_places():
    predictor, vectors = faster_rcnn.FastRCNNPredictor(5, 3), torch.rand(2, 5)
    assert [tuple(each.shape) for each in predictor(vectors)] == [(2, 3), (2, 12)]
    assert all(map(torch.equal, predictor(vectors), predictor(vectors[..., None, None])))
    with pytest.raises(InputError, match=r"takes \(R, C\) or \(R, C, 1, 1\); got \[2, 5, 2, 2\]"):
        predictor(torch.rand(2, 5, 2, 2))


def test_stages_need_targets_in_training():
    with pytest.raises(InputError, match="In training the regions need targets"):
        roi_heads.RoIHeads.check_targets(None, None)
