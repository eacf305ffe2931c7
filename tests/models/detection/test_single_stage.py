"""What holds for every single-stage detector. All of them go through every test here."""

import copy
import inspect
import pickle
import re

import pytest
import torch
from torch.export import Dim

from multiweight.catalogue import WeightsEnum, get_model_weights
from multiweight.errors import InputError, InputTypeError
from multiweight.layers import FrozenBatchNorm2d
from tests.models.detection.single_stage import (
    CLASSES,
    FAMILIES,
    KINDS,
    assert_same_detections,
    assert_same_training,
    lively,
    ours,
    pictures,
    small,
    targets,
    theirs,
)
from tests.models.support import LAYOUTS

PYRAMIDS = [variant for variant in FAMILIES if "fpn" in variant]


def twins(variant, **options):
    """A variant of both packages made with the same seed; the random numbers that come next are the same too."""
    networks, drawn = [], []
    for modules in (ours, theirs):
        torch.manual_seed(7)
        networks.append(getattr(modules(FAMILIES[variant]), variant)(**options))
        drawn.append(torch.rand(1))
    assert torch.equal(*drawn)
    one, other = networks
    assert [name for name, _ in one.named_modules()] == [name for name, _ in other.named_modules()]
    assert_same_tensors(one, other)
    return networks


def assert_same_tensors(one, other):
    one, other = one.state_dict(keep_vars=True), other.state_dict(keep_vars=True)
    assert list(one) == list(other)
    for key, tensor in one.items():
        assert tensor.dtype == other[key].dtype, key
        assert tensor.requires_grad == other[key].requires_grad, key
        assert torch.equal(tensor, other[key]), key


def assert_same_answers(one, other):
    with torch.no_grad():
        found = one.eval()(pictures())
        assert_same_detections(found, other.eval()(pictures()))
    assert all(len(each["scores"]) for each in found)


@pytest.mark.parametrize("variant", FAMILIES)
def test_settings_are_torchvisions(variant):
    twins(variant, weights_backbone=None, num_classes=None)


@torch.no_grad()
def losses_of(network):
    torch.manual_seed(5)
    return network.train()(pictures(), targets()), torch.rand(1)


def options_of(variant, modules):
    """Every option of a variant away from its default."""
    options = {
        "weights_backbone": None,
        "num_classes": CLASSES,
        "image_mean": [0.4, 0.5, 0.6],
        "image_std": [0.2, 0.25, 0.3],
        "score_thresh": 0.3,
        "nms_thresh": 0.3,
        "detections_per_img": 17,
        "topk_candidates": 50,
    }
    if variant.startswith("ssd"):
        options |= {"iou_thresh": 0.3, "positive_fraction": 0.4}
    if variant in PYRAMIDS:
        options |= {"min_size": (64, 96, 80), "max_size": 130}
    if variant in ("retinanet_resnet50_fpn", "fcos_resnet50_fpn"):
        ratios = (1.0,) if variant.startswith("fcos") else (0.6, 1.0)
        options["anchor_generator"] = modules("anchor_utils").AnchorGenerator((9, 17, 33, 65, 129), ratios)
    if variant == "retinanet_resnet50_fpn":
        options |= {"fg_iou_thresh": 0.3, "bg_iou_thresh": 0.1}
    if variant == "fcos_resnet50_fpn":
        options["center_sampling_radius"] = 2.5
    if variant.startswith("ssdlite"):
        options |= {"norm_layer": torch.nn.BatchNorm2d, "width_mult": 0.5, "score_thresh": 0.1}
    return options


@pytest.mark.parametrize("variant", FAMILIES)
def test_variant_with_options_is_torchvisions(variant):
    networks = []
    for modules in (ours, theirs):
        torch.manual_seed(7)
        network = getattr(modules(FAMILIES[variant]), variant)(**options_of(variant, modules))
        networks.append(lively(network))
    assert_same_tensors(*networks)
    assert_same_answers(*networks)


BACKBONES = ["resnet50", "vgg16", "mobilenet_v3_large"]
ENUMS = {get_model_weights(variant).__name__: variant for variant in [*FAMILIES, *BACKBONES]}


def tensors_of(entry):
    """Tensors as an entry's file has them, each of one value that tells it from the others, and so of no size."""
    return {
        key: torch.tensor(1 + index % 97, dtype=getattr(torch, dtype)).expand(shape)
        for index, (key, shape, dtype) in enumerate(LAYOUTS[ENUMS[type(entry).__name__]])
    }


@pytest.fixture
def files(monkeypatch):
    """Makes entries of both packages answer with the same tensors; gives the list of our entries that were asked."""
    asked = []

    def get_state_dict(self, *, progress=True, check_hash=True):
        asked.append(str(self))
        return tensors_of(self)

    monkeypatch.setattr(WeightsEnum, "get_state_dict", get_state_dict)
    monkeypatch.setattr(theirs("retinanet").WeightsEnum, "get_state_dict", lambda self, *_, **options: tensors_of(self))
    return asked


@pytest.mark.parametrize(
    ("variant", "backbone", "layers"),
    [
        ("retinanet_resnet50_fpn", "IMAGENET1K_V1", None),
        ("retinanet_resnet50_fpn_v2", "IMAGENET1K_V1", 5),
        ("fcos_resnet50_fpn", "IMAGENET1K_V1", 1),
        ("ssd300_vgg16", "IMAGENET1K_FEATURES", 2),
        ("ssdlite320_mobilenet_v3_large", "IMAGENET1K_V1", 0),
        ("ssdlite320_mobilenet_v3_large", "IMAGENET1K_V1", 3),
    ],
)
def test_pretrained_backbones_are_torchvisions(variant, backbone, layers, files):
    twins(variant, weights_backbone=backbone, trainable_backbone_layers=layers, num_classes=CLASSES)
    assert len(files) == 1


@pytest.mark.parametrize("variant", FAMILIES)
def test_pretrained_is_torchvisions(variant, files):
    """The file's tensors, what is trained, and the norms; without a random number, and without the backbone's file."""
    torch.manual_seed(7)
    drawn = torch.rand(1)
    torch.manual_seed(7)
    network = getattr(ours(FAMILIES[variant]), variant)(weights="DEFAULT")
    assert torch.equal(drawn, torch.rand(1))
    assert files == [str(get_model_weights(variant).DEFAULT)]
    other = getattr(theirs(FAMILIES[variant]), variant)(weights="DEFAULT")
    assert_same_tensors(network, other)
    assert frozen_norms(network) == frozen_norms(other)
    if variant in ("retinanet_resnet50_fpn", "fcos_resnet50_fpn"):
        assert set(frozen_norms(network)) == {0.0 if variant.startswith("retinanet") else 1e-5}


def frozen_norms(network):
    return [module.eps for module in network.modules() if type(module).__name__ == FrozenBatchNorm2d.__name__]


@pytest.mark.parametrize("variant", FAMILIES)
def test_classes_must_be_the_labels(variant):
    with pytest.raises(ValueError, match="91 labels.*got 7"):
        getattr(ours(FAMILIES[variant]), variant)(weights="DEFAULT", num_classes=7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"score_thresh": 0.9, "nms_thresh": 0.2, "detections_per_img": 3},
        {"topk_candidates": 5},
        {"score_thresh": 1.0},
        {"image_mean": [0.1, 0.2, 0.3], "image_std": [1.0, 2.0, 3.0]},
    ],
)
def test_class_is_torchvisions(kind, options):
    one, other = (small(kind, modules, **options) for modules in (ours, theirs))
    assert_same_tensors(one, other)
    images = pictures((90, 70), (64, 101), (20, 150))
    assert_same_detections(one(images), other(images))
    assert_same_training(one, other, images[:2], targets())


@pytest.mark.parametrize("kind", KINDS)
def test_detections_are_boxes_within_their_pictures(kind):
    images = pictures((90, 70), (64, 101))
    for image, found in zip(images, small(kind)(images), strict=True):
        height, width = image.shape[1:]
        assert len(found["boxes"]) > 1
        left, top, right, bottom = found["boxes"].unbind(1)
        assert (left >= 0).all()
        assert (top >= 0).all()
        # The way to the resized picture and back rounds.
        assert (right <= width + 1e-3).all()
        assert (bottom <= height + 1e-3).all()
        assert (found["scores"].diff() <= 0).all()
        assert found["labels"].dtype == torch.int64
        assert ((found["labels"] >= 0) & (found["labels"] < CLASSES)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_found_is_an_empty_answer(kind):
    (found,) = small(kind, score_thresh=1.0)(pictures((50, 60)))
    assert {key: tuple(tensor.shape) for key, tensor in found.items()} == {
        "boxes": (0, 4),
        "scores": (0,),
        "labels": (0,),
    }
    assert found["labels"].dtype == torch.int64


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_without_objects_teach_the_background(kind):
    nothing = [dict(targets()[1]) for _ in range(2)]
    network = small(kind).train()
    losses = network(pictures(), nothing)
    assert all(loss.isfinite() for loss in losses.values())
    assert losses["bbox_regression"] == 0
    sum(losses.values()).backward()


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_a_list_of_its_pictures(kind):
    network, batch = small(kind), torch.stack(pictures((60, 70), (60, 70)))
    assert_same_detections(network(batch), network(list(batch)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_grey_picture_stands_for_three_channels(kind):
    network, grey = small(kind), pictures((60, 70))[0][:1]
    assert_same_detections(network([grey]), network([grey.expand(3, -1, -1)]))


@pytest.mark.parametrize("kind", KINDS)
def test_copies_answer_the_same(kind):
    network, images = small(kind), pictures()
    expected = network(images)
    for clone in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert_same_detections(clone(images), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_doubles_and_channels_last(kind):
    network, images = small(kind), pictures()
    expected = network(images)
    for found in (
        network.double()([image.double() for image in images]),
        network.float().to(memory_format=torch.channels_last)(images),
    ):
        for one, other in zip(found, expected, strict=True):
            # The last bit may change the order where scores are nearly equal.
            torch.testing.assert_close(one["scores"].float(), other["scores"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_autocast(kind):
    network, images = small(kind), pictures()
    with torch.autocast("cpu", torch.bfloat16):
        (found, _), losses = network(images), network.train()(images, targets())
    assert found["boxes"].isfinite().all()
    assert all(loss.isfinite() for loss in losses.values())
    half = small(kind).bfloat16()([image.bfloat16() for image in images])
    assert all(found["scores"].dtype == torch.bfloat16 for found in half)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_and_boxes_have_gradients_in_evaluation(kind):
    image = pictures((50, 60))[0].requires_grad_()
    (found,) = small(kind)([image])
    (found["scores"].sum() + found["boxes"].sum()).backward()
    assert image.grad.any()


@pytest.mark.parametrize(
    ("kind", "score_thresh"), [("RetinaNet", 0.1), ("FCOS", 0.1), ("FCOS", 1.0), ("SSD", 0.1), ("SSD", 1.0)]
)
def test_exported_program_answers_the_same_for_pictures_of_every_size(kind, score_thresh):
    network = small(kind, score_thresh=score_thresh, topk_candidates=100).requires_grad_(False)
    program = torch.export.export(
        network, (pictures((48, 56)),), dynamic_shapes=([{1: Dim.DYNAMIC, 2: Dim.DYNAMIC}],), strict=False
    ).module()
    for size in [(48, 56), (64, 64), (90, 40), (33, 200), (200, 33), (300, 250)]:
        image = pictures(size)
        assert_same_detections(program(image), network(image))


GOOD = targets()[0]
NO_AREA = {"boxes": torch.tensor([[4.0, 6.0, 40.0, 50.0], [30.0, 20.0, 30.0, 80.0]]), "labels": GOOD["labels"]}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("images", "text"),
    [
        (
            torch.rand(3, 50, 60),
            r"list of pictures \(3, H, W\); got a tensor of shape \[3, 50, 60\]. For one .* \[picture\]",
        ),
        ([], "one picture or more; got none"),
        ([torch.rand(50, 60)], r"Picture 0 has the shape \[50, 60\]; expected \(3, H, W\)"),
        ([torch.rand(50, 60, 3)], r"expected \(3, H, W\). It looks like \(H, W, 3\)"),
        ([torch.rand(4, 50, 60)], "alpha channel"),
        ([torch.rand(3, 0, 60)], "Picture 0 has no pixels"),
        ([torch.zeros(3, 5, 6, dtype=torch.uint8)], r"Picture 0 holds torch.uint8; .* image / 255"),
        (["street.jpg"], "Picture 0 is a str"),
        ("street.jpg", "got a str"),
    ],
)
def test_wrong_pictures_are_sentences(kind, images, text):
    with pytest.raises(InputError, match=text):
        small(kind)(images)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("marks", "text"),
    [
        (None, "Training needs targets"),
        ([], "a target for each picture; got 0 for 1"),
        (GOOD, "targets is a list of dicts"),
        ([None], "target of picture 0 is a NoneType"),
        ([{"labels": GOOD["labels"]}], "picture 0 has no 'boxes'. It needs 'boxes', 'labels'"),
        ([{"boxes": GOOD["boxes"], "label": GOOD["labels"]}], "Did you mean label"),
        ([GOOD | {"boxes": GOOD["boxes"].tolist()}], "boxes of picture 0 are a list"),
        ([GOOD | {"boxes": torch.zeros(0)}], r"torch.zeros\(0, 4\)"),
        ([GOOD | {"boxes": torch.rand(2, 5)}], r"shape \[2, 5\]; expected \(G, 4\)"),
        (
            [GOOD | {"labels": torch.tensor([1])}],
            r"labels of picture 0 have the shape \[1\]; expected \[2\] for 2 boxes",
        ),
        ([GOOD | {"labels": torch.tensor([1.0, 2.0])}], "labels of picture 0 hold torch.float32"),
        (
            [GOOD | {"labels": torch.tensor([1, CLASSES])}],
            f"from 0 to {CLASSES - 1}; picture 0 has the label {CLASSES}",
        ),
        ([GOOD | {"labels": torch.tensor([-1, 1])}], "has the label -1"),
        ([NO_AREA], r"has an area.*Picture 0 has the box \[30.0, 20.0, 30.0, 80.0\]"),
        ([GOOD | {"boxes": GOOD["boxes"] * float("nan")}], "has an area"),
    ],
)
def test_wrong_targets_are_sentences(kind, marks, text):
    with pytest.raises(InputError, match=text):
        small(kind).train()(pictures((90, 70)), marks)


def test_wrong_types_are_type_errors():
    for call in (lambda: small("SSD")(["street.jpg"]), lambda: small("FCOS").train()(pictures(), [1, 2])):
        with pytest.raises(TypeError) as caught:
            call()
        assert isinstance(caught.value, InputTypeError)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_every_whole_dtype_teach_the_same(kind):
    image, losses = pictures((90, 70)), []
    for dtype in (torch.int64, torch.int32):
        losses.append(small(kind).train()(image, [GOOD | {"labels": GOOD["labels"].to(dtype)}]))
    assert losses[0] == losses[1]


@pytest.mark.parametrize("kind", ["RetinaNet", "FCOS"])
def test_wrong_parts_are_sentences(kind):
    network = getattr(ours(kind.lower()), kind)
    with pytest.raises(ValueError, match="Identity, has no attribute out_channels"):
        network(torch.nn.Identity(), CLASSES)
    backbone = small(kind).backbone
    with pytest.raises(TypeError, match="anchor_generator is of type AnchorGenerator or None; got a int"):
        network(backbone, CLASSES, anchor_generator=3)


@pytest.mark.parametrize("variant", FAMILIES)
def test_parameters_are_torchvisions(variant):
    """Classes are constructed, and methods called, with the same parameters in the same order."""
    one, other = ours(FAMILIES[variant]), theirs(FAMILIES[variant])
    compared = 0
    for name, value in vars(other).items():
        if not inspect.isclass(value) or value.__module__ != other.__name__ or name.endswith("_Weights"):
            continue
        for method, function in vars(value).items():
            if inspect.isfunction(function) and re.fullmatch(r"__init__|[a-z]\w+", method):
                given, expected = (
                    list(inspect.signature(each).parameters) for each in (getattr(getattr(one, name), method), function)
                )
                assert given == expected, (name, method)
                compared += 1
    assert compared > 3
