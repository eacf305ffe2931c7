"""The contract of a variant. Every one of them goes through every test here.

Quantized variants go through some in tests/models/quantization: their networks in floating point are those of others.
"""

import ast
import copy
import inspect
import pickle
import textwrap
import typing
from importlib import import_module

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from multiweight.catalogue import WeightsEnum
from multiweight.models import get_model, get_model_builder, get_model_weights
from multiweight.models._adapting import AdaptingOptions, head_names
from tests.models.support import (
    DENSE,
    FACTS,
    FRAMES,
    LAYOUTS,
    OURS,
    QUANTIZED,
    VARIANTS,
    each,
    inputs_of,
    layout,
    network_of,
    relative_error,
    small,
    task_of,
    tensors_in,
    tensors_of,
)


@pytest.fixture(scope="module", params=each([*VARIANTS, *DENSE]))
def variant(request):
    return request.param


@pytest.fixture(scope="module")
def model(variant):
    """A network with random tensors in eval mode. Tests leave it as it is."""
    torch.manual_seed(0)
    network = get_model(variant, **small(variant)).eval().requires_grad_(False)
    for parameter in network.parameters():
        if not parameter.any():  # a head that starts at zero would make all networks of a kind equal
            nn.init.normal_(parameter, std=0.02)
    return network


@pytest.fixture(scope="module")
def inputs(variant):
    return inputs_of(variant)


@pytest.fixture(scope="module")
def answer(model, inputs):
    return tensors_in(model(*inputs))


def with_each(inputs, change):
    """The same inputs with every tensor of them changed."""
    changed = ([change(each) for each in one] if isinstance(one, list) else one for one in inputs)
    return tuple(change(one) if isinstance(one, torch.Tensor) else one for one in changed)


def assert_equal(given, expected):
    given = tensors_in(given)
    assert len(given) == len(expected)
    for one, other in zip(given, expected, strict=True):
        assert torch.equal(one, other)


def assert_near(given, expected, error):
    """Nearly equal answers. A detector's are not compared: a rounding can bring in another region."""
    for one, other in zip(tensors_in(given), expected, strict=True):
        assert relative_error(one, other) < error


def test_the_facts_know_the_variant(variant):
    if variant in OURS:
        assert variant not in FACTS
    else:
        assert FACTS[variant]["weights_enum"] == get_model_weights(variant).__name__


def test_layout_is_the_published_one(variant, model):
    if variant not in OURS:
        assert layout(model) == LAYOUTS[variant]


def test_every_entry_says_the_size_of_its_network(variant, monkeypatch):
    said = {}
    for entry in get_model_weights(variant):
        # Entries of one network at one size need one look.
        key = (tuple(entry.arguments.items()), entry.value.transforms.task, entry.meta.get("size"), entry.architecture)
        claims = (entry.meta.num_params, entry.meta.gflops)
        if entry.architecture and said.setdefault(key, claims) is not claims:
            assert said[key] == claims, entry
            continue
        network = network_of(entry, monkeypatch)
        assert sum(parameter.numel() for parameter in network.parameters()) == entry.meta.num_params, entry
        with FlopCounterMode(display=False) as counter:
            work_of(entry, network)
        # Two operations are one multiply-add; the published figures have three decimals.
        assert counter.get_total_flops() / 2e9 == pytest.approx(entry.meta.gflops, abs=0.001), entry


def work_of(entry, network):
    """Does what an entry's GFLOPs count, on the meta device: one picture as the preset makes it of 512 × 512 pixels."""
    variant = type(entry).variant
    task = task_of(variant)
    if task == "detection":
        detect_on_meta(network, REGIONS.get(variant), OBJECTS.get(str(entry), 0))
        return
    side = {"segmentation": getattr(entry.value.transforms, "resize_size", None), "optical_flow": 512}.get(task)
    height, width = (side, side) if side else entry.meta.size
    frames = (16,) if task == "video" else ()
    picture = torch.empty(1, 3, *frames, height, width, device="meta")
    network(*[picture] * (2 if task == "optical_flow" else 1))


REGIONS = {"fasterrcnn_mobilenet_v3_large_fpn": 0, "fasterrcnn_mobilenet_v3_large_320_fpn": 0}
"""Regions that were found when the published figure was counted, on noise; with others as many as are allowed."""

OBJECTS = {"MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1": 100, "KeypointRCNN_ResNet50_FPN_Weights.COCO_V1": 1}
"""Objects that were found then, and had masks or points; none with the others."""


def detect_on_meta(network, regions, objects):
    """Runs the parts of a detector in turn, as what depends on values cannot be run on the meta device."""
    side = network.transform.fixed_size or (network.transform.min_size[-1],) * 2
    features = network.backbone(torch.empty(1, 3, *side, device="meta"))
    maps = [features] if isinstance(features, torch.Tensor) else list(features.values())
    if not hasattr(network, "rpn"):
        network.head(maps)
        return
    network.rpn.head(maps)
    heads = network.roi_heads
    regions = network.rpn.post_nms_top_n() if regions is None else regions

    def pooled(number, pool):
        return torch.empty(number, maps[0].shape[1], *pool.output_size, device="meta")

    heads.box_predictor(heads.box_head(pooled(regions, heads.box_roi_pool)))
    if heads.mask_roi_pool is not None and objects:
        heads.mask_predictor(heads.mask_head(pooled(objects, heads.mask_roi_pool)))
    if heads.keypoint_roi_pool is not None and objects:
        heads.keypoint_predictor(heads.keypoint_head(pooled(objects, heads.keypoint_roi_pool)))


def test_every_entry_takes_its_smallest_input(variant, monkeypatch):
    seen = set()
    for entry in get_model_weights(variant):
        key = (tuple(entry.arguments.items()), entry.meta.min_size, entry.architecture)
        if entry.architecture and key in seen:
            continue
        seen.add(key)
        network = network_of(entry, monkeypatch)
        height, width = entry.meta.min_size
        if task_of(variant) == "optical_flow":
            picture = torch.empty(1, 3, height, width, device="meta")
            assert network(picture, picture, num_flow_updates=1)[-1].shape == (1, 2, height, width)
            continue
        labels = entry.arguments.get("num_classes", 1000)
        if entry.meta.categories is not None:
            labels = len(entry.meta.categories)
        if task_of(variant) == "video":
            frames = entry.meta.get("min_temporal_size", 1)
            assert network(torch.empty(1, 3, frames, height, width, device="meta")).shape == (1, labels)
        elif task_of(variant) == "segmentation":
            assert network(torch.empty(1, 3, height, width, device="meta"))["out"].shape == (1, labels, height, width)
        elif task_of(variant) == "classification":
            outputs = network(torch.empty(1, 3, height, width, device="meta"))
            assert outputs.ndim == 2
            if labels:
                assert outputs.shape == (1, labels)
            else:
                assert f"gives {outputs.shape[1]:,} features" in entry.meta.outputs


def test_the_smallest_picture_of_a_detector(variant, model):
    if task_of(variant) == "detection":
        (found,) = model([torch.rand(3, *get_model_weights(variant).DEFAULT.meta.min_size)])
        assert found["boxes"].shape[1] == 4


def test_answers_are_finite_and_as_many_as_labels(variant, model, inputs, answer):
    assert all(tensor.isfinite().all() for tensor in answer)
    labels = get_model_weights(variant).DEFAULT.meta.get("categories")
    if task_of(variant) == "detection":
        for found in model(*inputs):
            assert len(found["boxes"]) > 0
            assert {len(values) for values in found.values()} == {len(found["boxes"])}
            assert found["labels"].min() >= (0 if variant.startswith(("retinanet", "fcos")) else 1)  # background
            assert found["labels"].max() < len(labels)
            assert "masks" not in found or found["masks"].shape[1] == 1
        return
    assert not torch.equal(answer[-1][0], answer[-1][1])
    if labels is not None and variant not in OURS:
        assert answer[0].shape[:2] == (2, len(labels))


FIXED = {
    "DenseNet": {"growth_rate", "block_config", "num_init_features"},
    "SqueezeNet": {"version"},
}
"""Parameters that have a default although every variant of the family sets them."""

ADDED = {
    "EfficientNet": {"batch_norm_eps"},
    "MaxVit": {"image_size"},
    "SwinTransformer": {"image_size"},
    "MobileNetV3": {"width_mult", "reduced_tail", "dilated", "batch_norm_eps"},
}
"""Options from which the builder computes what the network is told."""


def test_options_are_the_parameters_of_the_network(variant, model):
    """What the builder does not fix (what the network must be told) can be told it, under the same names."""
    builder = get_model_builder(variant)
    (options,) = typing.get_args(typing.get_type_hints(builder)["options"])
    parameters = inspect.signature(type(model)).parameters.values()
    known = {*options.__annotations__, *inspect.signature(builder).parameters} - {"weights", "progress", "options"}
    optional = {each.name for each in parameters if each.default is not each.empty}
    name = type(model).__name__
    if task_of(variant) == "classification":
        assert optional - known == FIXED.get(name, set())
        own = known - AdaptingOptions.__annotations__.keys()
        assert known - own == AdaptingOptions.__annotations__.keys()
        assert own - {each.name for each in parameters} == ADDED.get(name, set())
    elif task_of(variant) == "detection":
        fixed = {"box_predictor", "num_classes"} if "rcnn" in variant else {"head"}
        assert optional - known <= fixed | FIXED_IN_DETECTORS
    assert not options.__required_keys__


def test_a_classifier_names_its_stem_and_its_head(variant, model):
    if task_of(variant) == "classification":
        stem, head = model.get_submodule(model.stem_name), model.get_submodule(model.head_name)
        assert stem is next(module for module in model.modules() if isinstance(module, nn.Conv2d))
        assert stem.in_channels == 3
        assert head is [module for module in model.modules() if isinstance(module, nn.Linear | nn.Conv2d)][-1]
        assert len(head.weight) == 1000
        assert all(len(model.get_parameter(f"{name}.weight")) == 1000 for name in head_names(model))


FIXED_IN_DETECTORS: set[str] = set()
"""Parts of detectors that the builders make."""


EPS_OF_FIRST = {f"{name}_resnet50_fpn" for name in ("fasterrcnn", "maskrcnn", "keypointrcnn", "retinanet")}
"""Detectors whose first published weights want frozen norms without eps; files of these have to say so."""


def test_builder_is_small_explained_and_typed(variant, model):
    builder = get_model_builder(variant)
    function = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(builder)))).body[0]
    assert ast.get_docstring(function)
    assert function.body[-1].end_lineno - function.body[1].lineno < 8
    signature = inspect.signature(builder)
    kinds = [each.kind.name for each in signature.parameters.values()]
    assert kinds == ["KEYWORD_ONLY"] * (len(kinds) - 1) + ["VAR_KEYWORD"]
    added = {"batch_norm_eps"} if variant in EPS_OF_FIRST else set()
    names = [name.replace("options", "kwargs") for name in signature.parameters if name not in added]
    assert names == FACTS.get(variant, FACTS.get(variant.replace("small", "large")))["parameters"]
    hints = typing.get_type_hints(builder)
    enums = [get_model_weights(variant)]
    if variant in QUANTIZED:
        enums.append(type(enums[0].DEFAULT.meta.unquantized))
        assert hints["return"] == type(model) | nn.Module
    else:
        assert hints["return"] is type(model)
    assert hints["weights"] == typing.Union[*enums, str, None]
    for part in ("Args:", "Raises:", *(enum.__name__ for enum in enums), *(f"{name}: " for name in names[:-1])):
        assert part in builder.__doc__


def test_unknown_argument_is_refused_with_the_known_ones(variant):
    with pytest.raises(TypeError, match=r"has no argument 'progres'\. Did you mean progress") as caught:
        get_model(variant, progres=False)
    assert get_model_builder(variant).__name__ in str(caught.value)
    assert "It takes weights, progress, " in str(caught.value)


def test_builder_is_public(variant, model):
    builder = get_model_builder(variant)
    package = import_module(get_model_weights(variant).module)
    assert vars(package)[builder.__name__] is builder
    assert pickle.loads(pickle.dumps(builder)) is builder
    assert getattr(package, get_model_weights(variant).__name__) is get_model_weights(variant)
    if type(model).__name__ != "SSD":  # torchvision, too, has it in its module only
        assert getattr(package, type(model).__name__) is type(model)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Scripted .* network always returns:UserWarning")
def test_scripts(variant, model, inputs, answer):
    if task_of(variant) == "detection":
        return  # exported instead
    given = torch.jit.script(model)(*inputs)
    # A script has one type of result: with auxiliary outputs it is a tuple in evaluation too.
    assert_equal(getattr(given, "logits", given), answer)


@pytest.fixture
def slow_attention():
    """Without the kernel that nn.MultiheadAttention has for evaluation: it rounds otherwise and is not exported."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(before)


def test_exports_with_any_number_of_inputs(variant, model, inputs, slow_attention):
    """Where pictures of any size are taken, with these too."""
    if task_of(variant) == "detection":
        return  # see the next test
    dynamic, changes = (
        {0: torch.export.Dim("N")},
        [lambda batch: batch[:1], lambda batch: torch.cat([batch, batch[:1]])],
    )
    if task_of(variant) in ("segmentation", "optical_flow"):
        dynamic |= {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
        # A flow's pictures have sides of 128 pixels and more, in steps of 8.
        changes = [lambda batch: batch[:1].tile(1, 1, 2, 3)[..., :136, :160], lambda batch: batch.tile(2, 1, 2, 2)[:3]]
    elif variant in FRAMES:
        changes = changes[:1]  # seconds a clip
    shapes = tuple(dynamic if isinstance(each, torch.Tensor) else None for each in inputs)
    program = torch.export.export(model, inputs, dynamic_shapes=shapes).module()
    for change in changes:
        batch = with_each(inputs, change)
        assert_equal(program(*batch), tensors_in(model(*batch)))


def test_exports_with_pictures_of_any_size(variant, model):
    if task_of(variant) != "detection":
        return  # see the test before
    dynamic = {1: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC}
    pictures = [torch.rand(3, *size) for size in ((90, 70), (64, 100), (64, 64), (120, 61))]
    program = torch.export.export(model, ([pictures[0]],), dynamic_shapes=([dynamic],), strict=False).module()
    for picture in pictures:
        assert_near(program([picture]), tensors_in(model([picture])), error=1e-5)


BF16_ERROR = {"inception_v3": 0.03, "swin_v2_b": 0.03, "swin_v2_s": 0.04}
"""Networks that lose more than others in 8 bits of mantissa. How much depends on the processor's instructions."""


def test_autocast(variant, model, inputs, answer):
    with torch.autocast("cpu", torch.bfloat16):
        given = tensors_in(model(*inputs))
    if task_of(variant) == "detection":
        assert all(tensor.isfinite().all() for tensor in given)
        return
    if task_of(variant) == "classification":
        assert given[0].dtype == torch.bfloat16
    assert_near(given, answer, BF16_ERROR.get(variant, 0.02))


def test_channels_last(variant, model, inputs, answer):
    last = torch.channels_last_3d if task_of(variant) == "video" else torch.channels_last
    network = copy.deepcopy(model).to(memory_format=last)
    if task_of(variant) == "detection":
        assert all(tensor.isfinite().all() for tensor in tensors_in(network(*inputs)))
    else:
        given = network(*with_each(inputs, lambda each: each.to(memory_format=last)))
        assert_near(given, answer, 1e-3 if task_of(variant) == "optical_flow" else 5e-6)


def test_double(variant, model, inputs, answer):
    given = tensors_in(copy.deepcopy(model).double()(*with_each(inputs, torch.Tensor.double)))
    assert {tensor.dtype for tensor in given} <= {torch.float64, torch.int64}
    if task_of(variant) != "detection":
        assert_near(answer, given, 1e-3 if task_of(variant) == "optical_flow" else 5e-6)


def test_copies(model, inputs, answer):
    copied = copy.deepcopy(model)
    pairs = zip(copied.parameters(), model.parameters(), strict=True)
    assert all(one.data_ptr() != other.data_ptr() for one, other in pairs)
    assert_equal(copied(*inputs), answer)


def test_pickles(variant, monkeypatch):
    network = network_of(get_model_weights(variant).DEFAULT, monkeypatch)
    again = pickle.loads(pickle.dumps(network))
    assert repr(again) == repr(network)
    assert layout(again) == layout(network)


def test_with_weights_every_tensor_is_the_files(variant, monkeypatch):
    asked = []
    expected = tensors_of(variant, network_of(get_model_weights(variant).DEFAULT, monkeypatch))
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: asked.append(self) or expected)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    built = get_model(variant, weights="DEFAULT")
    assert asked == [get_model_weights(variant).DEFAULT]  # and so no backbone of its own
    assert torch.equal(torch.get_rng_state(), before)
    assert built.training
    assert all(parameter.is_leaf for parameter in built.parameters())
    if task_of(variant) != "detection":  # those train the last stages of a pretrained backbone only
        assert all(parameter.requires_grad for parameter in built.parameters())
    for key, tensor in built.state_dict().items():
        assert tensor.dtype == expected[key].dtype
        assert torch.equal(tensor, expected[key]), key
