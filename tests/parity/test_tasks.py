"""Every variant of the dense tasks is torchvision's, live: tensors, random draws, answers, losses and gradients.

Bit for bit, but for what comes after the pooling of regions: there an answer may differ by 1e-4 of a pixel or a score.
"""

import inspect
from importlib import import_module

import pytest
import torch

from multiweight import models
from multiweight.catalogue import WeightsEnum
from multiweight.models import get_model, get_model_builder, get_model_weights
from tests.models.support import DENSE, OURS, each, inputs_of, small, task_of, tensors_in
from tests.parity.test_models import assert_same_tensors, outcome
from tests.reference import torchvision

pytestmark = [
    pytest.mark.filterwarnings("ignore:The default weight initialization of:FutureWarning"),  # torchvision's
    pytest.mark.filterwarnings("ignore:torch.meshgrid:UserWarning"),  # torchvision's
]
PUBLISHED = [name for name in DENSE if name not in OURS]
POOLING = ("fasterrcnn", "maskrcnn", "keypointrcnn")


def assert_same(variant, ours, expected):
    """Equal tensors; where regions were pooled before, nearly equal ones in the same order."""
    ours, expected = tensors_in(ours), tensors_in(expected)
    assert [tensor.shape for tensor in ours] == [tensor.shape for tensor in expected]
    for one, other in zip(ours, expected, strict=True):
        assert one.dtype == other.dtype
        if variant.startswith(POOLING):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-4)
        else:
            assert torch.equal(one, other)


def networks(variant, **options):
    """The network of each, seeded, with the same tensors or the test fails; both without statistics of a batch yet."""
    expected, expected_drawn = outcome(torchvision().models.get_model, variant, **options)
    ours, drawn = outcome(get_model, variant, **options)
    assert torch.equal(drawn, expected_drawn)
    assert_same_tensors(ours.state_dict().items(), expected.state_dict().items())
    flags = [[(name, each.requires_grad) for name, each in network.named_parameters()] for network in (ours, expected)]
    assert flags[0] == flags[1]
    return ours, expected


@pytest.mark.parametrize("variant", each(PUBLISHED))
def test_variant_is_torchvisions(variant):
    ours, expected = networks(variant, **small(variant))
    with torch.no_grad():
        # One of what takes seconds: of clips, that is.
        inputs = inputs_of(variant, training=task_of(variant) == "video")
        answers = [network.eval()(*inputs) for network in (ours, expected)]
    assert_same(variant, *answers)
    if task_of(variant) == "detection":
        assert len(tensors_in(answers[0])[0]) > 0
    losses, draws = [], []
    for network in (ours, expected):
        torch.manual_seed(11)
        losses.append(network.train()(*inputs_of(variant, training=True)))
        draws.append(torch.rand(1))
        sum(tensor.float().pow(2).mean() for tensor in tensors_in(losses[-1])).backward()
    assert torch.equal(*draws)
    if isinstance(losses[1], dict):
        assert list(losses[0]) == list(losses[1])
    assert_same(variant, *losses)
    assert_same(variant, dict(ours.named_buffers()), dict(expected.named_buffers()))
    most = max(float(each.grad.norm()) for each in expected.parameters() if each.grad is not None)
    for (name, one), other in zip(ours.named_parameters(), expected.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None), name
        if one.grad is not None and variant.startswith(POOLING):
            # Some are sums that cancel, of which nothing but the rounding is left.
            assert (one.grad - other.grad).norm() <= 5e-3 * other.grad.norm() + 1e-5 * most, name
        elif one.grad is not None:
            assert torch.equal(one.grad, other.grad), name


WITH_BACKBONE = [name for name in PUBLISHED if task_of(name) in ("detection", "segmentation")]


@pytest.mark.parametrize("variant", each(WITH_BACKBONE))
def test_default_arguments_take_a_pretrained_backbone_as_torchvision_does(variant, monkeypatch):
    """The rest of the network starts with the same tensors: the backbone's random numbers are drawn all the same."""
    default = inspect.signature(get_model_builder(variant)).parameters["weights_backbone"].default
    has_default = default is not None
    if not has_default:
        default = models.ResNet50_Weights.IMAGENET1K_V1
    torch.manual_seed(1)
    state = get_model(type(default).variant).state_dict()
    asked = []

    def get_state_dict(self, *args, **kwargs):
        asked.append(str(self))
        return dict(state)

    for enum in (WeightsEnum, torchvision().models.WeightsEnum):
        monkeypatch.setattr(enum, "get_state_dict", get_state_dict)
    # The newest detectors have none by default.
    asks = {} if has_default else {"weights_backbone": "IMAGENET1K_V1"}
    networks(variant, **asks)
    assert asked == [str(default)] * 2
    layers = {"trainable_backbone_layers": 1} if task_of(variant) == "detection" else {}
    networks(variant, num_classes=5, **asks, **layers)


@pytest.mark.parametrize("task", ["detection", "segmentation", "video", "optical_flow"])
def test_names_are_torchvisions(task):
    """All public names of torchvision's package are here, and nothing that it has not but what is ours."""
    ours, expected = vars(getattr(models, task)), vars(getattr(torchvision().models, task))
    names = {name for name in expected if not name.startswith("_")}
    assert names <= ours.keys()
    added = {name for name in ours if not name.startswith("_") and not inspect.ismodule(ours[name])} - names
    assert added == {name for own in OURS if task_of(own) == task for name in (own, get_model_weights(own).__name__)}


MODULES = [
    f"{task}.{module}"
    for task, names in {
        "detection": (
            *("anchor_utils", "backbone_utils", "faster_rcnn", "fcos", "generalized_rcnn", "image_list"),
            *("keypoint_rcnn", "mask_rcnn", "retinanet", "roi_heads", "rpn", "ssd", "ssdlite", "transform"),
        ),
        "segmentation": ("deeplabv3", "fcn", "lraspp"),
        "video": ("mvit", "resnet", "s3d", "swin_transformer"),
        "optical_flow": ("raft",),
    }.items()
    for module in names
]


@pytest.mark.parametrize("module", MODULES)
def test_classes_and_their_parameters_are_torchvisions(module):
    """Every public class of torchvision's module is in ours, and constructed with the same parameters in order."""
    reference = import_module(f"{torchvision().__name__}.models.{module}")
    ours = import_module(f"multiweight.models.{module}")
    for name, expected in vars(reference).items():
        own = inspect.isclass(expected) and expected.__module__ == reference.__name__
        if not own or name.startswith("_") or name.endswith("_Weights"):
            continue
        parameters = [
            [
                each.name
                for each in inspect.signature(one.__init__).parameters.values()
                if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD) and not each.name.startswith("_")
            ]
            for one in (getattr(ours, name), expected)
        ]
        assert parameters[0] == parameters[1], name
