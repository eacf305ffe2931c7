"""What holds for all detectors of two stages; parity is live against torchvision."""

import copy
import inspect
import pickle
import re
import warnings
from importlib import import_module

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.catalogue import WeightsEnum, get_model_weights
from multiweight.errors import InputError, InputTypeError
from multiweight.layers import FrozenBatchNorm2d
from multiweight.models import ResNet50_Weights, detection
from tests.models.detection.support import (
    CLASSES,
    KINDS,
    VARIANTS,
    assert_close,
    ours,
    pictures,
    small,
    targets_for,
    theirs,
)
from tests.models.support import tensors_of
from tests.reference import torchvision

SIZES = ((50, 70), (90, 40))


def built(package, variant, **options):
    """A variant from seed 0, and the random number after it."""
    torch.manual_seed(0)
    network = getattr(package()[0], variant)(**options)
    return network, torch.rand(1)


def assert_same_tensors(given, expected):
    given, expected = given.state_dict(), expected.state_dict()
    assert list(given) == list(expected)
    for key, tensor in expected.items():
        assert torch.equal(given[key], tensor), key


def settings_of(network):
    """All numbers and texts that parts of a network keep, by the part's name."""
    parts = {name: part for name, part in network.named_modules() if not isinstance(part, nn.ModuleList)}
    for name in ("rpn", "roi_heads"):
        for part in ("box_coder", "proposal_matcher", "fg_bg_sampler"):
            parts[f"{name}.{part}"] = getattr(parts[name], part)
    plain = (int, float, str, tuple, list, type(None))
    return {
        (name, key): list(value) if isinstance(value, tuple) else value
        for name, part in parts.items()
        for key, value in vars(part).items()
        if isinstance(value, plain) and not key.startswith(("_is_", "_backward", "_non_", "__")) and key not in SKIPPED
    }


def assert_same_settings(given, expected):
    given, expected = settings_of(given), settings_of(expected)
    assert {key: given.get(key, "missing") for key in expected} == expected


SKIPPED = {"cell_anchors", "call_super_init", "dump_patches", "_has_warned", "return_layers"} | {
    f"{name}_{kind}" for name, kind in (("BELOW_LOW", "THRESHOLD"), ("BETWEEN", "THRESHOLDS"))
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_settings_are_torchvisions(variant):
    options = {"weights_backbone": None, "min_size": 64, "max_size": 96}
    options |= {"rpn_post_nms_top_n_test": 20, "rpn_post_nms_top_n_train": 30, "box_detections_per_img": 5}
    network, drawn = built(ours, variant, **options)
    expected, expected_drawn = built(theirs, variant, **options)
    assert torch.equal(drawn, expected_drawn)
    assert_same_tensors(network, expected)
    assert_same_settings(network, expected)


@pytest.mark.parametrize("variant", ["fasterrcnn_resnet50_fpn_v2", "keypointrcnn_resnet50_fpn"])
def test_options_reach_the_network_as_with_torchvision(variant):
    options = {"num_classes": 7, "min_size": (70, 80), "max_size": 90, "image_mean": [0.1, 0.2, 0.3]}
    options |= {"image_std": [1.0, 2.0, 3.0], "size_divisible": 16, "bbox_reg_weights": (1.0, 2.0, 3.0, 4.0)}
    for stage, number in (("rpn", 3), ("box", 4)):
        names = [name for name in inspect.signature(detection.FasterRCNN).parameters if name.startswith(f"{stage}_")]
        parts = {"rpn_anchor_generator", "rpn_head", "box_roi_pool", "box_head", "box_predictor"}
        options |= {name: (0.11 if "thresh" in name or "fraction" in name else 1) * number for name in names} | {}
        for part in parts & set(options):
            del options[part]
    options["rpn_bg_iou_thresh"] = options["box_bg_iou_thresh"] = 0.1
    if variant.startswith("keypoint"):
        options["num_keypoints"] = 4
    network, drawn = built(ours, variant, weights_backbone=None, **options)
    expected, expected_drawn = built(theirs, variant, weights_backbone=None, **options)
    assert torch.equal(drawn, expected_drawn)
    assert_same_tensors(network, expected)
    assert_same_settings(network, expected)


@pytest.fixture
def files(monkeypatch):
    """Makes every entry of both packages answer with made-up tensors; gives the list of what was asked."""
    asked = []

    def of_ours(self, *, progress=True, check_hash=True):
        asked.append(str(self))
        return tensors_of(type(self).variant)

    def of_theirs(self, *args, **kwargs):
        enum = type(self).__name__
        return tensors_of(next(name for name in [*VARIANTS, *BACKBONES] if get_model_weights(name).__name__ == enum))

    monkeypatch.setattr(WeightsEnum, "get_state_dict", of_ours)
    monkeypatch.setattr(import_module(f"{torchvision().__name__}.models").WeightsEnum, "get_state_dict", of_theirs)
    return asked


BACKBONES = ["resnet50", "mobilenet_v3_large"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_pretrained_variant_is_torchvisions(variant, files):
    """With an entry: tensors, what is frozen, the eps of old entries, no file of the backbone."""
    for entry in get_model_weights(variant):
        files.clear()
        before = torch.get_rng_state()
        network = getattr(detection, variant)(weights=entry)
        assert torch.equal(torch.get_rng_state(), before)
        assert files == [str(entry)]
        expected = getattr(theirs()[0], variant)(weights=entry.name)
        assert_same_tensors(network, expected)
        assert [p.requires_grad for p in network.parameters()] == [p.requires_grad for p in expected.parameters()]
        wanted = {name: each.eps for name, each in expected.named_modules() if hasattr(each, "eps")}
        assert {name: each.eps for name, each in network.named_modules() if hasattr(each, "eps")} == wanted


@pytest.mark.parametrize(
    ("variant", "trained"),
    [("maskrcnn_resnet50_fpn", None), ("fasterrcnn_mobilenet_v3_large_320_fpn", 1), ("fasterrcnn_resnet50_fpn_v2", 0)],
)
def test_pretrained_backbone_is_torchvisions(variant, trained, files):
    """The rest of the network gets the random numbers that it would have got without a file."""
    entry = next(iter(get_model_weights(BACKBONES["mobilenet" in variant])))
    options = {"weights_backbone": entry.name, "trainable_backbone_layers": trained, "num_classes": 3}
    network, drawn = built(ours, variant, **options)
    expected, expected_drawn = built(theirs, variant, **options)
    assert files == [str(entry)]
    assert torch.equal(drawn, expected_drawn)
    assert_same_tensors(network, expected)
    assert [p.requires_grad for p in network.parameters()] == [p.requires_grad for p in expected.parameters()]


def test_backbone_of_old_calls(files):
    with pytest.warns(UserWarning, match="deprecated") as caught:
        network = detection.fasterrcnn_resnet50_fpn_v2(pretrained_backbone=True, num_classes=2)
    assert files == [str(ResNet50_Weights.IMAGENET1K_V1)]
    assert "'pretrained_backbone' is deprecated" in str(caught[0].message)
    assert {warning.filename for warning in caught} == {__file__}
    assert not any(parameter.requires_grad for parameter in network.backbone.body.layer1.parameters())


@pytest.mark.parametrize(
    ("variant", "options", "text"),
    [
        ("fasterrcnn_resnet50_fpn", {"num_classes": 2}, "has 91 labels, so num_classes must be 91; got 2"),
        ("maskrcnn_resnet50_fpn", {"num_classes": 2}, "has 91 labels, so num_classes must be 91; got 2"),
        ("keypointrcnn_resnet50_fpn", {"num_classes": 91}, "has 2 labels, so num_classes must be 2; got 91"),
        ("keypointrcnn_resnet50_fpn", {"num_keypoints": 5}, "has 17 points of an object, so num_keypoints must be 17"),
        ("fasterrcnn_resnet50_fpn", {"trainable_backbone_layers": 6}, "is from 0 to 5; got 6"),
        ("fasterrcnn_mobilenet_v3_large_fpn", {"trainable_backbone_layers": 7}, "is from 0 to 6; got 7"),
    ],
)
def test_contradictions_are_sentences(variant, options, text, files):
    with pytest.raises(ValueError, match=text):
        getattr(detection, variant)(weights="COCO_V1", **options)
    assert not files


def test_trainable_layers_without_weights_have_no_effect():
    with pytest.warns(UserWarning, match="trainable_backbone_layers=1 has no effect") as caught:
        network = detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights_backbone=None, trainable_backbone_layers=1)
    assert caught[0].filename == __file__
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_unknown_option_is_refused():
    with pytest.raises(TypeError, match=r"has no argument 'min_sise'\. Did you mean min_size"):
        detection.maskrcnn_resnet50_fpn(min_sise=3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'sise'"):
        small("FasterRCNN", sise=3)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_torchvisions(kind):
    """Proposals and features bit for bit; what follows region pooling within 1e-4."""
    network, expected = small(kind).eval(), small(kind, theirs).eval()
    assert_same_tensors(network, expected)
    seen = []
    for each in (network, expected):
        each.rpn.register_forward_hook(lambda module, given, found: seen.append((given[1], found[0])))
    images = pictures(*SIZES, (64, 64))
    with torch.no_grad():
        answers = network(images)
        assert_close(answers, expected(images))
    for one, other in zip(*(features.values() for features, _ in seen), strict=True):
        assert torch.equal(one, other)
    for one, other in zip(*(proposals for _, proposals in seen), strict=True):
        assert torch.equal(one, other)
    assert all(len(answer["boxes"]) > 3 for answer in answers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("objects", [(2, 1), (0, 3), (0, 0)])
def test_losses_and_gradients_are_torchvisions(kind, objects):
    images = pictures(*SIZES)
    found = []
    options = {"box_batch_size_per_image": 20, "rpn_batch_size_per_image": 16, "min_size": (48, 64)}
    for each in (small(kind, **options), small(kind, theirs, **options)):
        targets = targets_for(images, objects=objects)
        before = copy.deepcopy(targets)
        torch.manual_seed(7)
        losses = each.train()(images, targets)
        drawn = torch.rand(1)
        sum(losses.values()).backward()
        found.append((losses, drawn, [parameter.grad for parameter in each.parameters()]))
        for target, copied in zip(targets, before, strict=True):
            assert all(torch.equal(target[key], copied[key]) for key in copied)
    (losses, drawn, gradients), (expected, expected_drawn, expected_gradients) = found
    assert torch.equal(drawn, expected_drawn)
    assert list(losses) == list(expected)
    for name, loss in expected.items():
        torch.testing.assert_close(losses[name], loss, atol=1e-6, rtol=2e-6)
    for one, other in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_no_detection_is_an_answer(kind):
    network = small(kind, box_score_thresh=1.0).eval()
    with torch.no_grad():
        answers = network(pictures(*SIZES))
    for answer, size in zip(answers, SIZES, strict=True):
        assert answer["boxes"].shape == (0, 4)
        assert answer["labels"].shape == answer["scores"].shape == (0,)
        if kind == "MaskRCNN":
            assert answer["masks"].shape == (0, 1, *size)
        if kind == "KeypointRCNN":
            assert answer["keypoints"].shape == (0, 3, 3)
            assert answer["keypoints_scores"].shape == (0, 3)
    expected = small(kind, theirs, box_score_thresh=1.0).eval()
    with torch.no_grad():
        for answer, wanted in zip(answers, expected(pictures(*SIZES)), strict=True):
            assert {key: value.shape for key, value in answer.items()} == {k: v.shape for k, v in wanted.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_no_region_is_an_answer(kind):
    network = small(kind, rpn_score_thresh=1.1).eval()
    with torch.no_grad():
        assert [len(answer["boxes"]) for answer in network(pictures(*SIZES))] == [0, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_within_their_pictures_and_sorted(kind):
    with torch.no_grad():
        answers = small(kind).eval()(pictures(*SIZES))
    for answer, (height, width) in zip(answers, SIZES, strict=True):
        low, high = answer["boxes"][:, :2], answer["boxes"][:, 2:]
        assert (low >= 0).all()
        assert (high <= torch.tensor([width, height]) + 1e-4).all()
        assert (low < high).all()
        assert torch.equal(answer["scores"], answer["scores"].sort(descending=True).values)
        assert answer["labels"].min() > 0
        assert answer["labels"].max() < CLASSES


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_a_list(kind):
    network, images = small(kind).eval(), pictures((40, 50), (40, 50))
    with torch.no_grad():
        assert_close(network(torch.stack(images)), network(images), atol=0)
        assert_close(network(tuple(images)), network(images), atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_copies_and_files(kind, tmp_path):
    network, images = small(kind).eval(), pictures((40, 50))
    torch.save(network, tmp_path / "network.pt")
    saved = torch.load(tmp_path / "network.pt", weights_only=False)
    with torch.no_grad():
        expected = network(images)
        for copied in (copy.deepcopy(network), pickle.loads(pickle.dumps(network)), saved):
            assert_close(copied(images), expected, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_other_precisions_and_formats(kind):
    network, images = small(kind).eval(), pictures((48, 48))
    with torch.no_grad():
        expected = network(images)[0]
        last = copy.deepcopy(network).to(memory_format=torch.channels_last)
        assert_close(last([image.contiguous() for image in images]), [expected])
        double = copy.deepcopy(network).double()([image.double() for image in images])[0]
        assert double["scores"].dtype == double["boxes"].dtype == torch.float64
        torch.testing.assert_close(double["scores"].float(), expected["scores"], atol=1e-4, rtol=0)
        with torch.autocast("cpu", torch.bfloat16):
            half = network(images)[0]
        halves = copy.deepcopy(network).bfloat16()([image.bfloat16() for image in images])[0]
        for answer in (half, halves):
            assert len(answer["boxes"]) > 3
            assert answer["boxes"].isfinite().all()
            torch.testing.assert_close(answer["scores"].float()[:3], expected["scores"][:3], atol=0.05, rtol=0)


def test_autocast_trains():
    network, images = small("MaskRCNN").train(), pictures(*SIZES)
    with torch.autocast("cpu", torch.bfloat16):
        losses = network(images, targets_for(images))
    sum(losses.values()).backward()
    assert all(loss.isfinite() for loss in losses.values())


def changed(key, change):
    def with_mistake(images, targets):
        targets[1][key] = change(targets[1][key])
        return images, targets

    return with_mistake


def without(key):
    def with_mistake(images, targets):
        del targets[1][key]
        return images, targets

    return with_mistake


def first_of(images, targets):
    return images[0], targets


MISTAKES = {
    "no targets": (lambda images, targets: (images, None), InputError, "Training needs targets"),
    "fewer targets": (lambda images, targets: (images, targets[:1]), InputError, "got 1 for 2"),
    "a picture": (first_of, InputError, r"got a tensor of shape \[3, 50, 70\].* give \[picture\]"),
    "no picture": (lambda images, targets: ([], []), InputError, "one picture or more"),
    "a path": (lambda images, targets: ("dog.jpg", targets), InputTypeError, "got a str"),
    "bytes": (lambda i, t: ([(x * 255).byte() for x in i], t), InputTypeError, r"torch.uint8.*image / 255"),
    "flat picture": (lambda i, t: ([i[0], i[1][0]], t), InputError, r"Picture 1 has the shape \[90, 40\]"),
    "channels last": (lambda i, t: ([i[0], i[1].movedim(0, 2)], t), InputError, "looks like"),
    "no boxes": (without("boxes"), InputError, "picture 1 has no 'boxes'"),
    "no labels": (without("labels"), InputError, "picture 1 has no 'labels'"),
    "no masks": (without("masks"), InputError, "picture 1 has no 'masks'"),
    "no points": (without("keypoints"), InputError, "picture 1 has no 'keypoints'"),
    "boxes of five": (changed("boxes", lambda b: b.new_ones(1, 5)), InputError, r"\[1, 5\]; expected \(G, 4\)"),
    "box of no area": (changed("boxes", lambda b: b[:, [0, 1, 0, 3]]), InputError, "x1 < x2.*Picture 1"),
    "label too high": (changed("labels", lambda label: label * 0 + CLASSES), InputError, "0 to 3; picture 1.* 4"),
    "label below": (changed("labels", lambda label: label * 0 - 1), InputError, "picture 1 has the label -1"),
    "labels of floats": (changed("labels", lambda label: label.float()), InputTypeError, "float32"),
    "more labels": (changed("labels", lambda label: label.repeat(2)), InputError, r"\[2\]; expected \[1\]"),
    "smaller masks": (changed("masks", lambda m: m[:, 1:]), InputError, r"\[1, 89, 40\]; expected \[1, 90, 40\]"),
    "points of two": (changed("keypoints", lambda k: k[..., :2]), InputError, r"\[1, 3, 2\]; expected \[1, 3, 3\]"),
    "other points": (changed("keypoints", lambda k: k[:, :2]), InputError, r"\[1, 2, 3\]; expected \[1, 3, 3\]"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_in_training_are_sentences(mistake):
    make, error, text = MISTAKES[mistake]
    kind = "MaskRCNN" if "masks" in mistake else "KeypointRCNN" if "points" in mistake else "FasterRCNN"
    images = pictures(*SIZES)
    images, targets = make(images, targets_for(images))
    with pytest.raises(error, match=re.compile(text, re.DOTALL)) as caught:
        small(kind).train()(images, targets)
    assert isinstance(caught.value, TypeError if error is InputTypeError else ValueError)


@pytest.mark.parametrize("mistake", ["a picture", "no picture", "a path", "bytes", "flat picture", "channels last"])
def test_mistakes_in_evaluation_are_sentences(mistake):
    make, error, text = MISTAKES[mistake]
    images, _ = make(pictures(*SIZES), None)
    with pytest.raises(error, match=re.compile(text, re.DOTALL)):
        small("FasterRCNN").eval()(images)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from([-2, -1, 0, 1, 3]), max_size=12), min_size=1, max_size=3),
       st.integers(0, 6), st.sampled_from([0.0, 0.25, 0.5, 1.0]))  # fmt: skip
def test_sampler_is_torchvisions(labels, count, fraction):
    labels = [torch.tensor(each, dtype=torch.float32) for each in labels]
    package = f"{torchvision().__name__}.models.detection._utils"
    found = []
    for module in ("multiweight.models.detection.sampler", package):
        torch.manual_seed(0)
        answer = import_module(module).BalancedPositiveNegativeSampler(count, fraction)(labels)
        found.append(([each.tolist() for part in answer for each in part], torch.rand(1).item()))
    assert found[0][0] == [[bool(value) for value in each] for each in found[1][0]]
    assert found[0][1] == found[1][1]


@pytest.mark.parametrize("name", ["rpn", "roi_heads", "faster_rcnn", "mask_rcnn", "keypoint_rcnn", "transform",
                                  "generalized_rcnn", "image_list", "backbone_utils"])  # fmt: skip
def test_parameters_are_torchvisions(name):
    """Public classes and functions that torchvision has are here with the same parameters in the same order."""
    reference = import_module(f"{torchvision().__name__}.models.detection.{name}")
    module = import_module(f"multiweight.models.detection.{name}")
    for key, value in vars(reference).items():
        if getattr(value, "__module__", None) != reference.__name__ or "onnx" in key or key in ABSENT:
            continue
        assert hasattr(module, key), key
        if not key.endswith("_Weights") and not hasattr(value, "__wrapped__"):
            assert parameters_of(getattr(module, key)) == parameters_of(value), key


ABSENT = {"_resize_image_and_masks", "expand_masks_tracing_scale", "_fasterrcnn_mobilenet_v3_large_fpn"}
"""Private steps of torchvision's, which are taken otherwise here."""


def parameters_of(function):
    each = inspect.signature(function.__init__ if inspect.isclass(function) else function).parameters.values()
    return [one.name for one in each if one.kind is not one.VAR_KEYWORD and not one.name.startswith("_")]


def test_names_are_torchvisions():
    reference = {name for name in vars(theirs()[0]) if not name.startswith("_")}
    assert set(detection.__all__) == reference
    assert all(hasattr(detection, name) for name in reference)


def test_frozen_only_where_something_is_pretrained(files):
    assert not any(
        isinstance(module, FrozenBatchNorm2d)
        for module in detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights_backbone=None).modules()
    )
    network = detection.fasterrcnn_mobilenet_v3_large_320_fpn()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_parts_of_another_type_are_refused():
    with pytest.raises(InputTypeError, match="rpn_anchor_generator is of type AnchorGenerator or None; got a Linear"):
        small("FasterRCNN", rpn_anchor_generator=nn.Linear(1, 1))
    with pytest.raises(InputTypeError, match="mask_roi_pool is of type MultiScaleRoIAlign or None; got a int"):
        small("MaskRCNN", mask_roi_pool=3)
    with pytest.raises(InputError, match="One of num_classes and box_predictor"):
        small("FasterRCNN", num_classes=3)
    with pytest.raises(InputError, match="num_classes and mask_predictor cannot both"):
        small("MaskRCNN", num_classes=3)
    with pytest.raises(InputError, match="num_keypoints=3 and keypoint_predictor"):
        small("KeypointRCNN", num_keypoints=3)
    with pytest.raises(InputError, match="Linear, has no attribute out_channels"):
        detection.FasterRCNN(nn.Linear(1, 1), 2)


def test_any_backbone_with_one_map():
    """As torchvision's documentation has it: the features of a classifier and one size of pool."""
    from multiweight.layers import MultiScaleRoIAlign
    from multiweight.models import mobilenet_v2

    backbone = mobilenet_v2(width_mult=0.1).features
    backbone.out_channels = 1280
    anchors = detection.anchor_utils.AnchorGenerator(((8, 16),), ((0.5, 1.0),))
    pools = [MultiScaleRoIAlign(["0"], side, 2) for side in (3, 5)]
    options = {"rpn_anchor_generator": anchors, "min_size": 64, "box_score_thresh": 0.0}
    network = detection.MaskRCNN(backbone, 2, box_roi_pool=pools[0], mask_roi_pool=pools[1], **options).eval()
    with torch.no_grad(), warnings.catch_warnings():
        (answer,) = network([torch.rand(3, 60, 70)])
    assert answer["masks"].shape[1:] == (1, 60, 70)
