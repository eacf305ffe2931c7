"""What is saved is the network, and says so: for every task, and whatever was done to the network before."""

import json
import os
from pathlib import Path

import jsonschema
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from multiweight import check_probe, get_model, load, quantize, save
from multiweight.catalogue import (
    Header,
    ImageClassification,
    SemanticSegmentation,
    VideoClassification,
    _plugins,
    get_model_weights,
    get_weight,
    header_json,
    read_header,
    resolve,
)
from multiweight.errors import HeaderError, MismatchError, ProbeError, StoreError, UnknownModelError
from multiweight.models import googlenet, mobilenet_v2, resnet18, shufflenet_v2_x0_5, vit_b_32
from multiweight.models.detection import FasterRCNN_ResNet50_FPN_Weights, fasterrcnn_resnet50_fpn
from multiweight.models.quantization import mobilenet_v2 as quantizable_mobilenet_v2
from multiweight.models.segmentation import lraspp_mobilenet_v3_small
from multiweight.store.hashes import hash_file
from multiweight.store.save import save_weights
from tests.catalogue.plugins import forget
from tests.labnet import LabNet, LabNet_Weights
from tests.models.support import inputs_of, small, task_of, tensors_in, without_files

VALIDATOR = jsonschema.Draft202012Validator(
    json.loads((Path(__file__).parents[1] / "docs/weights-file.schema.json").read_text(encoding="utf-8"))
)
DIGITS = get_weight("ShuffleNet_V2_X0_5_Weights.DIGITS_V1")
PAGES = get_weight("LRASPP_MobileNet_V3_Small_Weights.DIGIT_PAGES_V1")
PRESETS = {
    "classification": ImageClassification(crop_size=96, resize_size=(100, 100)),
    "segmentation": SemanticSegmentation(resize_size=None),
    "video": VideoClassification(crop_size=(64, 64), resize_size=(70, 80)),
}
NETWORKS = [
    ("shufflenet_v2_x0_5", {}),
    ("shufflenet_v2_x0_5", {"num_classes": 10}),
    ("mobilenet_v2", {"width_mult": 0.25, "num_classes": 3}),
    ("squeezenet1_1", {"num_classes": 4}),
    ("efficientnet_b0", {"num_classes": 4, "batch_norm_eps": 1e-3}),
    ("googlenet", {"num_classes": 4, "transform_input": True}),
    ("googlenet", {"num_classes": 4, "aux_logits": False}),
    ("deeplabv3_mobilenet_v3_large", {"num_classes": 5}),
    ("deeplabv3_mobilenet_v3_large", {"aux_loss": True}),
    ("lraspp_mobilenet_v3_small", {"num_classes": 5, "inter_channels": 32}),
    ("ssdlite320_mobilenet_v3_large", {"num_classes": 6}),
    ("fasterrcnn_mobilenet_v3_large_320_fpn", {"num_classes": 6}),
    ("r3d_18", {"num_classes": 4}),
    ("raft_small", {}),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.safetensors"


def settle(model, seed=0):
    """Numbers in the batch norms as if something had been learned."""
    random = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.running_var):
                tensor.add_(torch.rand(tensor.shape, generator=random) / 4)
    return model


def answers(model, *inputs):
    with torch.inference_mode():
        return tensors_in(model.eval()(*inputs))


def assert_same(model, other, variant):
    inputs = inputs_of(variant)
    for one, two in zip(answers(model, *inputs), answers(other, *inputs), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("variant", "options"), NETWORKS, ids=str)
def test_a_network_comes_back_as_it_was(variant, options, path):
    torch.manual_seed(3)
    model = settle(get_model(variant, **small(variant) | options))
    count, preset = options.get("num_classes"), PRESETS.get(task_of(variant))
    labels = None if count is None else [f"class {number}" for number in range(count)]
    sha256 = save(model, path, labels=labels, preset=preset, license="MIT", metrics={"mine": {"acc@1": 5}})
    assert sha256 == hash_file(path).sha256
    assert model.training
    VALIDATOR.validate(json.loads(header_json(read_header(path))))

    given, entry = load(path)
    assert not given.training
    assert type(entry).variant == variant
    assert "num_classes" not in entry.arguments
    assert entry.meta.get("categories") == (None if labels is None else tuple(labels))
    assert preset is None or entry.value.transforms == preset
    assert entry.meta["license"] == "MIT"
    assert entry.meta["metrics"] == {"mine": {"acc@1": 5}}
    assert entry.meta["num_params"] == sum(each.numel() for each in model.parameters())
    own = model.state_dict()
    assert given.state_dict().keys() == {key for key in own if key in given.state_dict()}
    assert {key for key in own if key not in given.state_dict()} <= {k for k in own if k.endswith("batches_tracked")}
    assert all(torch.equal(own[key], tensor) for key, tensor in given.state_dict().items())
    assert_same(model, given, variant)
    assert "absent" not in entry.header.probe
    assert check_probe(given, entry).same
    assert load_file(path).keys() == own.keys()  # every other reader's


def test_what_is_not_said_is_the_entrys(path):
    model = shufflenet_v2_x0_5(weights=DIGITS)
    save(model, path)
    entry = resolve(path)
    assert entry.meta["categories"] == DIGITS.meta["categories"]
    assert entry.value.transforms == DIGITS.value.transforms
    assert entry.meta["license"] == DIGITS.meta["license"]
    assert entry.meta["metrics"] == DIGITS.meta["metrics"]
    assert entry.meta["parent"] == {"name": str(DIGITS), "sha256": hash_file(_file_of(DIGITS)).sha256}
    with torch.no_grad():
        model.fc.bias += 0.1
    save(model, path, metrics={"mine": {"acc@1": 50}}, license="MIT", parent={}, labels=list("abcdefghij"))
    entry = resolve(path)
    assert entry.meta["metrics"] == {"mine": {"acc@1": 50}}
    assert entry.meta["license"] == "MIT"
    assert entry.meta["categories"] == tuple("abcdefghij")
    assert "parent" not in entry.meta


def _file_of(entry):
    from multiweight.store import local_path

    return local_path(entry.url)


def test_figures_and_recipe_are_kept_while_they_are_true(path, tmp_path):
    recipe = {"name": "mine", "text": "a = 1\n"}
    about = {"metrics": {"mine": {"acc@1": 9}}, "recipe": recipe, "parent": {"name": "none", "sha256": None}}
    save(resnet18(num_classes=2), path, labels=["a", "b"], preset=PRESETS["classification"], **about)
    model, entry = load(path)
    again = tmp_path / "again.safetensors"
    save(model, again, license="MIT")
    assert again.read_bytes() != path.read_bytes()
    for name in ("metrics", "recipe", "parent", "labels", "preset", "versions", "num_params", "tensors_sha256"):
        assert getattr(read_header(again), name) == getattr(entry.header, name), name
    save(model, again, preset=ImageClassification(crop_size=32))
    assert read_header(again).metrics == {}
    with torch.no_grad():
        model.fc.bias += 1
    save(model, again)
    assert read_header(again).metrics == {}
    assert read_header(again).recipe is None
    assert read_header(again).parent == {"name": "mine.safetensors", "sha256": hash_file(path).sha256}


def test_what_a_later_release_says_is_kept(path, tmp_path):
    said = {"variant": "shufflenet_v2_x0_5", "labels": DIGITS.meta["categories"], "preset": DIGITS.value.transforms}
    later = {"probe": {"version": 7, "in": [1]}, "extra": {"mood": {"good": [1, 2]}}}
    save_weights(DIGITS.get_state_dict(), path, Header(**said, **later))
    model, entry = load(path)
    with pytest.raises(HeaderError, match="version 7; this release compares version 1"):
        check_probe(model, entry)
    save(model, tmp_path / "again.safetensors", extra={"colour": "red"})
    assert read_header(tmp_path / "again.safetensors").extra == {"mood": {"good": [1, 2]}, "colour": "red"}


def test_a_new_head_has_new_labels(path):
    model = lraspp_mobilenet_v3_small(weights=PAGES)
    count = len(PAGES.meta["categories"])
    model.classifier.low_classifier = nn.Conv2d(24, 3, 1)
    model.classifier.high_classifier = nn.Conv2d(128, 3, 1)
    with pytest.raises(MismatchError, match=rf"(?s)It has {count} labels; .*give labels=.*low_classifier.weight \(3,"):
        save(model, path)
    assert not path.exists()
    save(model, path, labels=["a", "b", "c"])
    assert_same(load(path)[0], model, "lraspp_mobilenet_v3_small")
    with pytest.raises(MismatchError, match="give labels="):
        save(model, path, labels=[])
    save(model, path, labels=[], arguments={"num_classes": 3})
    assert resolve(path).meta["categories"] is None


@pytest.mark.parametrize(
    ("make", "options", "error", "words"),
    [
        (lambda: nn.Linear(2, 2), {}, ValueError, "what Linear is.* Give variant=.*arguments="),
        (resnet18, {}, ValueError, "Give preset=, such as ImageClassification"),
        (resnet18, {"preset": PRESETS["classification"]()}, TypeError, "spec only"),
        (resnet18, {"preset": PRESETS["classification"], "labels": "cat"}, TypeError, "the text 'cat'"),
        (resnet18, {"preset": PRESETS["classification"], "labels": ["cat"]}, MismatchError, "It has 1 labels"),
        (resnet18, {"preset": PRESETS["classification"], "variant": "resnet34"}, MismatchError, "missing: layer1.2"),
        (resnet18, {"preset": PRESETS["classification"], "variant": "resnet81"}, UnknownModelError, "resnet18"),
        (resnet18, {"preset": PRESETS["classification"], "arguments": {"depth": 1}}, HeaderError, "argument 'depth'"),
        (
            lambda: resnet18(norm_layer=nn.BatchNorm2d),
            {"preset": PRESETS["classification"]},
            ValueError,
            "norm_layer=<class .* no file can say",
        ),
        (lambda: shufflenet_v2_x0_5(weights=DIGITS), {"metrics": {"a": {"b": "c"}}}, ValueError, "metrics.a.b"),
        (lambda: shufflenet_v2_x0_5(weights=DIGITS), {"extra": {"license": "MIT"}}, ValueError, "of its own"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_not_come_back_is_not_written(make, options, error, words, path):
    with pytest.raises(error, match=words):
        save(make(), path, **options)
    assert not path.exists()


def test_what_tensors_do_not_show_is_refused(path):
    model = settle(shufflenet_v2_x0_5(weights=DIGITS))
    model.conv5[2] = nn.GELU()
    with pytest.raises(
        MismatchError, match="takes the same tensors, but its answers differ by .* such as an activation"
    ):
        save(model, path)
    assert not path.exists()
    model = settle(shufflenet_v2_x0_5(weights=DIGITS))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3
    with pytest.raises(MismatchError, match="eps of a normalisation"):
        save(model, path)


def test_heads_that_only_train_stay(path):
    save(googlenet(num_classes=3), path, labels=list("abc"), preset=PRESETS["classification"])
    model = load(path)[0].train()
    assert model.aux1 is not None
    assert len(model(torch.rand(2, 3, 64, 64))) == 3


def test_the_first_detectors_have_norms_without_eps(path, monkeypatch):
    without_files(monkeypatch)
    model = fasterrcnn_resnet50_fpn(weights=FasterRCNN_ResNet50_FPN_Weights.COCO_V1)
    monkeypatch.undo()
    save(model, path)
    given, entry = load(path)
    assert entry.arguments["batch_norm_eps"] == 0
    assert given.backbone.body.bn1.eps == model.backbone.body.bn1.eps == 0
    assert entry.header.probe == {"absent": "the network gives no numbers, or some that are not finite"}
    with pytest.raises(HeaderError, match="no probe: the network gives no numbers, or some"):
        load(path, probe=True)


def test_networks_of_one_size(path):
    model = vit_b_32(image_size=64, num_classes=2)
    save(model, path, labels=["a", "b"], preset=ImageClassification(crop_size=64))
    given, entry = load(path, probe=True)
    assert entry.meta["min_size"] == (64, 64)
    assert given.image_size == 64


def test_headless_networks(path):
    model = resnet18(num_classes=1)
    model.fc = nn.Identity()
    model.origin = type(model.origin)("resnet18", {"num_classes": 0})
    save(model, path, preset=PRESETS["classification"], extra={"outputs": "features"})
    given, entry = load(path, probe=True)
    assert isinstance(given.fc, nn.Identity)
    assert entry.meta["outputs"] == "features"


def test_quantized_networks(path):
    model = mobilenet_v2(weights="DIGITS_V2").eval()
    eight_bits = quantize(model, [torch.rand(4, 3, 64, 64)])
    save(eight_bits, path)
    given, entry = load(path, probe=True)
    assert type(entry).variant == "quantized_mobilenet_v2"
    assert entry.arguments == {"width_mult": model.origin.arguments["width_mult"], "quantize": True}
    assert entry.meta["parent"]["name"] == "MobileNet_V2_Weights.DIGITS_V2"
    assert entry.meta["categories"] == DIGITS.meta["categories"]
    pictures = torch.rand(2, 3, 64, 64)
    assert torch.equal(given(pictures), eight_bits(pictures))
    assert check_probe(model, entry).difference > 0
    save(given, path.with_name("again.safetensors"))
    assert read_header(path.with_name("again.safetensors")).parent == entry.header.parent
    in_float = quantizable_mobilenet_v2(width_mult=0.25)
    assert in_float.origin.variant == "mobilenet_v2"


@pytest.fixture
def labnets(monkeypatch):
    monkeypatch.setattr(_plugins, "_plugin_enums", lambda: iter([("labnet", LabNet_Weights)]))
    forget()
    yield
    monkeypatch.undo()
    forget()


def test_variants_of_others(path, labnets):
    model = LabNet(width=4).double().requires_grad_(False)
    about = {"preset": ImageClassification(crop_size=48), "labels": ["rose", "daisy", "tulip"]}
    with pytest.raises(ValueError, match="what LabNet is"):
        save(model, path, **about)
    with pytest.raises(MismatchError, match="(?s)not this network.*stem.weight"):
        save(model, path, variant="MyLab/LabNet", **about)
    about |= {"variant": "MyLab/LabNet", "arguments": {"width": 4}}
    with pytest.raises(MismatchError, match="has 3 outputs, and there are 2 labels"):
        save(model, path, **about | {"labels": ["rose", "daisy"]})
    save(model, path, **about)
    assert read_header(path).variant == "mylab/labnet"
    assert read_header(path).probe["inputs"] == [[1, 3, 48, 48]]
    assert load_file(path)["one.weight"].dtype == torch.float64
    given, _ = load(path, probe=True, dtype=torch.float64)
    assert torch.equal(given.one.weight, model.one.weight)
    assert get_model_weights("mylab/labnet") is LabNet_Weights


def test_wrappers_are_taken_off(path, tmp_path):
    model = mobilenet_v2(weights="DIGITS_V1")
    group = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=group, rank=0, world_size=1)
    try:
        wrapped = [nn.parallel.DistributedDataParallel(model), nn.DataParallel(model), AveragedModel(model)]
        wrapped += [torch.compile(model, backend="eager"), nn.DataParallel(torch.compile(model, backend="eager"))]
        expected = save(model, path)
        for each in wrapped:
            assert save(each, path) == expected, type(each)
    finally:
        torch.distributed.destroy_process_group()
    model.features[1] = torch.compile(model.features[1], backend="eager")
    save(model, path)
    assert load(path)[0].state_dict().keys() == mobilenet_v2(weights="DIGITS_V1").state_dict().keys()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_dtype_is_the_files(dtype, path):
    model = mobilenet_v2(weights="DIGITS_V1").to(dtype)
    save(model, path)
    stored = load_file(path)
    assert all(torch.equal(stored[key], tensor) for key, tensor in model.state_dict().items())
    name = str(dtype).removeprefix("torch.")
    assert read_header(path).probe["dtype"] == name
    given, _ = load(path, probe=True)
    assert given.classifier[1].weight.dtype == torch.float32
    given, entry = load(path, probe=True, dtype=dtype, device="cpu")
    assert given.classifier[1].weight.dtype == dtype
    assert check_probe(given, entry).difference == 0


def test_networks_in_more_than_one_dtype(path):
    model = mobilenet_v2(weights="DIGITS_V1")
    model.classifier.double()
    save(model, path)  # it takes no input, so nothing is asked
    assert "absent" in read_header(path).probe
    assert load_file(path)["classifier.1.weight"].dtype == torch.float64


def test_nothing_is_asked_unless_wanted(path, monkeypatch):
    model = mobilenet_v2(weights="DIGITS_V1")
    save(model, path, probe=False)
    assert read_header(path).probe == {"absent": "none was asked for"}
    with pytest.raises(HeaderError, match="none was asked for"):
        load(path, probe=True)
    save(model, path)
    with torch.no_grad():
        model.classifier[1].weight[0] += 1
    save_weights(model.state_dict(), path, read_header(path))
    load(path)
    with pytest.raises(ProbeError, match=r"mine.safetensors: OTHER ANSWERS: they differ by .* of their size"):
        load(path, probe=True)


def test_saving_changes_nothing_in_the_network(path):
    model = mobilenet_v2(weights="DIGITS_V1").train()
    model.features[3].eval()
    model.features[0][0].weight.requires_grad_(False)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    random, device = torch.get_rng_state(), torch.get_default_device()
    save(model, path)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.get_default_device() == device
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())
    assert [each.requires_grad for each in model.parameters()].count(False) == 1
    assert all(each.grad is None for each in model.parameters())


def test_the_file_that_the_network_has_mapped(path):
    save(mobilenet_v2(weights="DIGITS_V1"), path)
    model, _ = load(path)
    expected = answers(model, torch.ones(1, 3, 64, 64))[0].clone()
    for _ in range(2):
        save(model, path, license="MIT")
    assert torch.equal(answers(model, torch.ones(1, 3, 64, 64))[0], expected)
    torch.testing.assert_close(answers(load(path, probe=True)[0], torch.ones(1, 3, 64, 64))[0], expected)


def test_a_disk_that_says_no_loses_nothing(path, monkeypatch):
    save(mobilenet_v2(weights="DIGITS_V1"), path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StoreError, match="No space left"):
        save(mobilenet_v2(weights="DIGITS_V2"), path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    with pytest.raises(StoreError, match="cannot be written"):
        save(mobilenet_v2(weights="DIGITS_V1"), path.parent / "none/mine.safetensors")


def test_references_of_every_kind_load():
    for reference in (DIGITS, str(DIGITS), "shufflenet_v2_x0_5_weights.digits_v1"):
        model, entry = load(reference, progress=False)
        assert entry is DIGITS
        assert not model.training
        assert model.origin.weights is DIGITS
    assert load(DIGITS, num_classes=10)[0].fc.out_features == 10
    with pytest.raises(TypeError, match="no argument 'depth'"):
        load(DIGITS, depth=3)


@pytest.mark.parametrize(
    "asked",
    [
        {"classes": ["8", 3]},
        {"num_classes": 4},
        {"in_channels": 1, "classes": ["1", "7"]},
        {"in_channels": 5, "num_classes": 3},
        {"num_classes": 0},
    ],
    ids=str,
)
def test_adapted_networks(asked, path):
    model = shufflenet_v2_x0_5(weights=DIGITS, **asked).eval()
    save(model, path)
    again, entry = load(path, probe=True)
    tensors = again.state_dict()
    assert all(torch.equal(tensors[name], each) for name, each in model.state_dict().items())
    assert {*again.load_report.loaded} == tensors.keys()
    named = {"classes": ("8", "3")} if asked.get("classes") == ["8", 3] else {"classes": ("1", "7")}
    assert entry.meta["categories"] == (named["classes"] if "classes" in asked else None)
    # And once more, from that file.
    if entry.meta["categories"]:
        channels = asked.get("in_channels", 3)
        fewer = shufflenet_v2_x0_5(weights=path, classes=[entry.meta["categories"][1]], in_channels=2 * channels).eval()
        picture = torch.rand(2, 1, 64, 64)
        with torch.inference_mode():
            expected = model(picture.expand(-1, channels, -1, -1))[:, 1:]
            torch.testing.assert_close(fewer(picture.expand(-1, 2 * channels, -1, -1)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variant", ["swin_v2_t", "maxvit_t"])
def test_networks_for_pictures_of_another_size(variant, path):
    model = get_model(variant, weights=None, image_size=64, num_classes=3).eval()
    save(model, path, preset=ImageClassification(crop_size=64), labels=["a", "b", "c"])
    again, entry = load(path, probe=True)
    assert entry.arguments["image_size"] == 64
    assert again(torch.rand(1, 3, 64, 64)).shape == (1, 3)
    assert not again.load_report.adapted
