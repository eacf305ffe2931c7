"""Calls of before the multi-weight API: what they mean, what they warn of, and which are contradictions."""

import re
import warnings

import pytest
import torch
from torch import nn

from multiweight import models
from multiweight.catalogue import ImageClassification, Weights, WeightsEnum
from multiweight.errors import UnknownWeightsError
from multiweight.models import ResNet18_Weights, ResNet50_Weights, get_model, get_model_weights, resnet50
from tests.models.support import DENSE, FACTS, VARIANTS, without_files
from tests.models.support import OURS as OWN
from tests.reference import torchvision

V1, V2 = ResNet50_Weights.IMAGENET1K_V1, ResNet50_Weights.IMAGENET1K_V2

PUBLISHED = [name for name in DENSE if name not in OWN]

PRETRAINED = "The parameter 'pretrained' is deprecated, please use 'weights' instead."
LOADS = (
    "Arguments other than a weight enum or `None` for 'weights' are deprecated. The current behavior is equivalent to "
    "passing `weights=ResNet50_Weights.IMAGENET1K_V1`. You can also use `weights=ResNet50_Weights.DEFAULT` to get the "
    "most up-to-date weights."
)
LOADS_NONE = (
    "Arguments other than a weight enum or `None` for 'weights' are deprecated. The current behavior is equivalent to "
    "passing `weights=None`."
)
POSITIONAL = "Using 'weights' as positional parameter(s) is deprecated. Please use keyword parameter(s) instead."
BOTH_POSITIONAL = (
    "Using 'weights' and 'progress' as positional parameter(s) is deprecated. Please use keyword parameter(s) instead."
)

# Each call on a line of its own, for the warnings must point at it.
COMMON = [
    (lambda build, _: build(), None, []),
    (lambda build, _: build(weights=None), None, []),
    (lambda build, enum: build(weights=enum.IMAGENET1K_V1), V1, []),
    (lambda build, enum: build(weights=enum.IMAGENET1K_V2), V2, []),
    (lambda build, enum: build(weights=enum.DEFAULT), V2, []),
    (lambda build, _: build(weights="DEFAULT"), V2, []),
    (lambda build, _: build(weights="IMAGENET1K_V1"), V1, []),
    (lambda build, _: build(pretrained=True), V1, [PRETRAINED, LOADS]),
    (lambda build, _: build(pretrained=False), None, [PRETRAINED, LOADS_NONE]),
    (lambda build, _: build(pretrained=True, progress=False), V1, [PRETRAINED, LOADS]),
    (lambda build, _: build(weights=True), V1, [LOADS]),
    (lambda build, _: build(weights=False), None, [LOADS_NONE]),
    (lambda build, _: build(weights=1), V1, [LOADS]),
    (lambda build, _: build(None), None, [POSITIONAL]),
    (lambda build, enum: build(enum.IMAGENET1K_V2), V2, [POSITIONAL]),
    (lambda build, _: build("IMAGENET1K_V1"), V1, [POSITIONAL]),
    (lambda build, _: build(True), V1, [POSITIONAL, LOADS]),
    (lambda build, _: build(False), None, [POSITIONAL, LOADS_NONE]),
    (lambda build, _: build(True, False), V1, [BOTH_POSITIONAL, LOADS]),
    (lambda build, _: build(None, True), None, [BOTH_POSITIONAL]),
    (lambda build, _: build(None, progress=True), None, [POSITIONAL]),
]
OURS = [
    (lambda build, _: build(weights="ResNet50_Weights.DEFAULT"), V2, []),
    (lambda build, _: build(weights="resnet50_weights.default"), V2, []),
    (lambda build, _: build(weights="ResNet50_Weights.ImageNet1K_V1"), V1, []),
    (lambda build, _: build(weights="imagenet1k"), V2, []),
    (lambda build, enum: build(weights=enum.IMAGENET1K_V1.value), V1, []),
    (lambda build, _: build(pretrained=True, weights=True), V1, [PRETRAINED, LOADS]),
    (lambda build, _: build(pretrained=False, weights=None), None, [PRETRAINED, LOADS_NONE]),
    (lambda build, enum: build(pretrained=True, weights=enum.IMAGENET1K_V1), V1, [PRETRAINED, LOADS]),
    (lambda build, _: build(True, pretrained=True), V1, [POSITIONAL, PRETRAINED, LOADS]),
    (lambda *_: get_model("resnet50", pretrained=True), V1, [PRETRAINED, LOADS]),
    (lambda *_: get_model("ResNet50", weights=False), None, [LOADS_NONE]),
]


class Network(nn.Module):
    """Stands in for a network, which need not be built to see what a call means."""

    def __init__(self, *args, **options):
        super().__init__()


@pytest.fixture
def asked(monkeypatch):
    """The entries whose tensors were asked for, each with `progress`."""
    monkeypatch.setattr(models.resnet, "ResNet", Network)
    monkeypatch.setattr(models.shufflenetv2, "ShuffleNetV2", Network)
    asked = []

    def get_state_dict(self, *, progress=True, check_hash=True):
        asked.append((self, progress))
        return {}

    monkeypatch.setattr(WeightsEnum, "get_state_dict", get_state_dict)
    return asked


def heard(call, build, enum):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        network = call(build, enum)
    return network, caught


@pytest.mark.parametrize(("call", "entry", "texts"), [*COMMON, *OURS])
def test_what_a_call_means_and_warns_of(asked, call, entry, texts):
    _, caught = heard(call, resnet50, ResNet50_Weights)
    assert [loaded for loaded, _ in asked] == ([] if entry is None else [entry])
    assert [str(each.message) for each in caught] == texts
    for each in caught:
        assert each.category is UserWarning
        assert (each.filename, each.lineno) == (__file__, call.__code__.co_firstlineno)


@pytest.mark.parametrize(("call", "entry", "texts"), COMMON)
def test_it_is_what_torchvision_means_and_warns_of(monkeypatch, call, entry, texts):
    reference = torchvision().models
    loaded = []

    def get_state_dict(self, *args, **kwargs):
        loaded.append(str(self))
        return {}

    monkeypatch.setattr(reference.WeightsEnum, "get_state_dict", get_state_dict)
    monkeypatch.setattr(reference.resnet, "ResNet", Network)
    _, caught = heard(call, reference.resnet50, reference.ResNet50_Weights)
    assert loaded == ([] if entry is None else [str(entry)])
    since = " since 0.13 and may be removed in the future"
    assert [str(each.message).replace(since, "") for each in caught] == texts


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_calls_of_the_announcement_are_equivalent(monkeypatch):
    asked = without_files(monkeypatch)
    for calls in (
        (
            lambda: resnet50(weights=ResNet50_Weights.ImageNet1K_V1),
            lambda: resnet50(pretrained=True),
            lambda: resnet50(True),
        ),
        (lambda: resnet50(weights=None), lambda: resnet50(pretrained=False), lambda: resnet50(False)),
    ):
        tensors = []
        for call in calls:
            torch.manual_seed(0)
            tensors.append(call().state_dict())
        for others in tensors[1:]:
            assert all(torch.equal(tensors[0][key], others[key]) for key in tensors[0])
    assert [entry for entry, _ in asked] == [V1] * 3


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_progress_arrives(asked, given):
    resnet50(weights="DEFAULT", progress=given)
    resnet50(True, given)
    assert [progress for _, progress in asked] == [given, given]


@pytest.mark.parametrize("variant", [*VARIANTS, *PUBLISHED])
def test_pretrained_means_the_first_published_weights_of_every_variant(variant, monkeypatch):
    asked = []
    monkeypatch.setattr("multiweight.models._builder.assign", lambda model, state, source: None)
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, progress: asked.append(self) or {})
    enum = get_model_weights(variant)
    legacy = FACTS[variant]["legacy_default"]["weights"][1].removeprefix("callable:")
    if legacy == "None":
        with pytest.raises(ValueError, match=f"{variant} had no weights .*{enum.__name__}.DEFAULT"):
            get_model(variant, pretrained=True)
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        get_model(variant, pretrained=True)
    assert [str(entry) for entry in asked] == [legacy]
    expected = LOADS.replace("=ResNet50_Weights.IMAGENET1K_V1", f"={legacy}")
    expected = expected.replace("=ResNet50_Weights.DEFAULT", f"={enum.__name__}.DEFAULT")
    assert str(caught[1].message) == expected


BACKBONES = [name for name in PUBLISHED if "weights_backbone" in FACTS[name]["legacy_default"]]


@pytest.fixture
def loaded(monkeypatch):
    """The entries whose tensors were asked for; networks stay as they are."""
    loaded = []
    monkeypatch.setattr("multiweight.models._builder.assign", lambda model, state, source: None)
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, progress: loaded.append(self) or {})
    return loaded


@pytest.mark.parametrize("variant", BACKBONES)
def test_pretrained_backbone_means_the_first_published_weights_of_the_backbone(variant, loaded):
    expected = FACTS[variant]["legacy_default"]["weights_backbone"][1].removeprefix("callable:")
    with warnings.catch_warnings(record=True) as caught, torch.device("meta"):
        warnings.simplefilter("always")
        get_model(variant, pretrained_backbone=True)
        get_model(variant, pretrained_backbone=False)
        get_model(variant)
        get_model(variant, weights="DEFAULT")
        get_model(variant, weights="DEFAULT", weights_backbone=True)
    default = get_model_weights(variant).DEFAULT
    # The newest detectors have no pretrained backbone unless it is asked for.
    unasked = [] if variant.endswith("rcnn_resnet50_fpn_v2") or variant == "retinanet_resnet50_fpn_v2" else [expected]
    assert [str(entry) for entry in loaded] == [expected, *unasked, str(default), str(default)]
    enum = expected.partition(".")[0]
    of_backbone = [
        text.replace("'pretrained'", "'pretrained_backbone'")
        .replace("'weights'", "'weights_backbone'")
        .replace("weights=", "weights_backbone=")
        .replace("ResNet50_Weights.IMAGENET1K_V1", expected)
        .replace("ResNet50_Weights", enum)
        for text in (PRETRAINED, LOADS, LOADS_NONE)
    ]
    texts = [str(each.message) for each in caught]
    assert texts == [*of_backbone[:2], of_backbone[0], of_backbone[2], of_backbone[1]]
    assert {each.filename for each in caught} == {__file__}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_old_positions_of_detectors_and_the_weights_of_before(loaded):
    build = models.detection.keypointrcnn_resnet50_fpn
    with torch.device("meta"):
        build(pretrained="legacy")
        build(False, True, 3, 5, None, 2)
        build(None, True, 2, 17, True)
    enum = models.detection.KeypointRCNN_ResNet50_FPN_Weights
    assert loaded == [enum.COCO_LEGACY, V1]
    with pytest.raises(TypeError, match="pass 'older' as 'weights'"):
        build(pretrained="older")
    with pytest.raises(TypeError, match="weights_backbone=ResNet18_Weights|an entry of ResNet50_Weights"):
        build(weights_backbone=ResNet18_Weights.DEFAULT)


FOREIGN = Weights("https://example.org/x.pth", ImageClassification(crop_size=224), {})


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: resnet50(pretrained=True, weights=None),
            "pretrained=True, which means weights=ResNet50_Weights.IMAGE",
        ),
        (lambda: resnet50(pretrained=True, weights=V2), r"and weights=ResNet50_Weights.IMAGENET1K_V2"),
        (lambda: resnet50(pretrained=False, weights=V1), "pretrained=False, which means weights=None"),
        (lambda: resnet50(pretrained=True, weights=False), "and weights=False. Give 'weights' alone."),
        (lambda: resnet50(pretrained=True, weights="DEFAULT"), "and weights='DEFAULT'"),
        (lambda: resnet50(False, pretrained=True), "pretrained=True, which means"),
        (lambda: resnet50(True, weights=True), "got 'weights' both as a positional and as a keyword argument"),
        (lambda: resnet50(None, True, progress=True), "got 'progress' both as a positional and as a keyword argument"),
        (lambda: resnet50(None, True, 10), "takes keyword arguments only; got 3 positional ones"),
        (lambda: resnet50(pretrained="IMAGENET1K_V1"), "takes True or False; pass 'IMAGENET1K_V1' as 'weights'"),
        (lambda: resnet50(pretrained=V1), "takes True or False; pass ResNet50_Weights.IMAGENET1K_V1 as 'weights'"),
        (
            lambda: resnet50(weights=ResNet18_Weights.DEFAULT),
            "an entry of ResNet50_Weights.* an entry of another variant",
        ),
        (lambda: resnet50(ResNet18_Weights.DEFAULT), "an entry of ResNet50_Weights.* an entry of another variant"),
        (lambda: resnet50(weights=ResNet18_Weights.DEFAULT.value), "an entry of ResNet50_Weights"),
        (lambda: resnet50(weights="ResNet18_Weights.DEFAULT"), "it belongs to another variant"),
        (lambda: resnet50(weights=FOREIGN), "an entry of ResNet50_Weights"),
        (lambda: resnet50(weights=2), "got 2, a int"),
        (lambda: resnet50(weights=1.0), "got 1.0, a float"),
        (lambda: resnet50(weights={}), "got {}, a dict"),
        (lambda: resnet50(weights=torch.ones(1)), "a Tensor"),
        (lambda: resnet50(pretrained_backbone=True), "has no argument 'pretrained_backbone'"),
        (lambda: resnet50(weight=V1), "has no argument 'weight'. Did you mean weights"),
        (
            lambda: resnet50(weights=V1, bananas=3),
            "'bananas'. It takes weights, progress, num_classes, zero_init_resid",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Using 'weights:UserWarning")
def test_contradictions_and_mistakes_are_type_errors(asked, call, text):
    with pytest.raises(TypeError, match=text) as caught:
        call()
    assert "resnet50" in str(caught.value).lower()
    assert asked == []


@pytest.mark.parametrize("given", ["IMAGENET1K_V7", "ResNet50_Weights.IMAGENET1K_V7", "imagenet1k_v7"])
def test_a_name_that_is_no_entry_is_an_error_with_the_nearest(asked, given):
    with pytest.raises(UnknownWeightsError, match=re.escape("Did you mean IMAGENET1K_V")):
        resnet50(weights=given)
    assert asked == []


def test_a_warning_made_an_error_leaves_nothing_half_done(asked):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="'pretrained' is deprecated"):
            resnet50(pretrained=True)
    assert asked == []
