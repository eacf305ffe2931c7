"""The networks and presets of the entries published through timm are timm's, live, with random tensors."""

import json
import math
import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from multiweight import Predictor, store
from multiweight.catalogue import ImageClassification, WeightsEnum, get_model_weights, resolve
from multiweight.catalogue._architectures import FITS
from multiweight.catalogue._licenses import is_permissive, license_of
from multiweight.errors import HeaderError, MismatchError
from multiweight.models import get_model, vision_transformer
from multiweight.store.renaming import renamed
from tests.models.support import VARIANTS, network_of, relative_error
from tests.timm_reference import FACTS, network, timm

LARGEST = float(os.environ.get("MULTIWEIGHT_TIMM_LARGEST", "240e6"))
"""Networks with more parameters are compared by names and shapes: their sisters have the same code."""

LARGEST_FILE = 100e6
"""The tensors of networks with more parameters are not written into files, which would be gigabytes."""

ENTRIES = {
    entry.url.split("/")[3]: entry
    for variant in FACTS
    for entry in get_model_weights(variant)
    if entry.architecture is not None
}


def settings(entry):
    """What the function of an entry's network depends on."""
    return entry.architecture, tuple(entry.arguments.items())


DISTINCT = {settings(entry): entry for entry in reversed(ENTRIES.values())}
SMALL = [entry for entry in DISTINCT.values() if entry.meta.num_params <= LARGEST]
GIANTS = [entry for entry in DISTINCT.values() if entry.meta.num_params > LARGEST]


def side_of(entry):
    """The side of a picture: the entry's where the network takes no other, else a small one."""
    name = entry.architecture
    if "inception" in name:
        return 107
    # Two windows and a part of one at the least, so that they are shifted and padded.
    return entry.meta.size[0] if "vit_" in name or "deit_" in name or "swin" in name else 65


def outputs_of(entry):
    return {"num_classes": entry.arguments.get("num_classes", 1000)}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and no network."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    monkeypatch.setenv("MULTIWEIGHT_OFFLINE", "1")
    yield
    # pytest keeps the folders of three runs, and these are gigabytes.
    shutil.rmtree(tmp_path)


def published(entry, model):
    """Puts the tensors of timm's network where the entry's file belongs."""
    path = store.local_path(entry.url)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), path, metadata={"format": "pt"})
    return path


@torch.inference_mode()
def assert_same_function(entry, monkeypatch, **options):
    theirs = network(entry.architecture.removeprefix("timm/"), **outputs_of(entry), **options)
    if entry.meta.num_params <= LARGEST_FILE:
        published(entry, theirs)
    else:
        given = renamed(theirs.state_dict(), entry.architecture)
        monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **_: given)
    ours = get_model(type(entry).variant, weights=entry).eval()
    random = torch.Generator().manual_seed(1)
    side = side_of(entry)
    pictures = torch.rand(1, 3, side, side, generator=random) * 2 - 1
    expected = theirs(pictures)
    assert expected.std() > 0.01
    given = ours(pictures)
    assert given.shape == expected.shape
    assert relative_error(given, expected) < 1e-5


@pytest.mark.parametrize("entry", SMALL, ids=str)
def test_same_tensors_same_input_same_outputs(entry, cache, monkeypatch):
    assert_same_function(entry, monkeypatch)


def test_an_entry_predicts_and_is_verified(cache):
    entry = ENTRIES["mobilenetv3_small_100.lamb_in1k"]
    theirs = network("mobilenetv3_small_100")
    path = published(entry, theirs)
    photo = picture((500, 375))
    found = Predictor("mobilenet_v3_small_weights.timm-lamb-in1k", device="cpu", top=3)(photo)
    with torch.inference_mode():
        expected = theirs(entry.transforms()(photo)[None]).softmax(-1)[0].topk(3)
    assert found.labels == tuple(entry.meta["categories"][index] for index in expected.indices)
    assert found.probabilities == pytest.approx(expected.values.tolist(), rel=1e-4)
    assert store.verify(entry.value, name=str(entry)).ok
    # Its hash is not in the catalogue: bytes that decay are noticed, another file in its place is not.
    dates = path.stat()
    path.write_bytes(path.read_bytes()[:-4] + b"oops")
    os.utime(path, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    assert not store.verify(entry.value, name=str(entry)).ok
    without_labels = ENTRIES["convnext_tiny.dinov3_lvd1689m"]
    with pytest.raises(ValueError, match="it has no head and gives 768 features"):
        Predictor(without_labels)


@pytest.mark.parametrize("entry", GIANTS, ids=str)
def test_every_tensor_of_a_giant_has_its_place(entry, monkeypatch):
    name = entry.architecture.removeprefix("timm/")
    with torch.device("meta"):
        theirs = timm().create_model(name, **outputs_of(entry)).state_dict()
    ours = network_of(entry, monkeypatch).state_dict()
    found = renamed(theirs, entry.architecture)
    assert {key: tensor.shape for key, tensor in found.items()} == {key: each.shape for key, each in ours.items()}


DEPTHS = {"vit_l_16": "_LARGE", "vit_l_32": "_LARGE", "vit_h_14": "_HUGE"}
"""Their heads, which no shape tells, are seen in two blocks."""


@pytest.mark.parametrize("variant", DEPTHS)
def test_two_blocks_of_a_giant_transformer(variant, cache, monkeypatch):
    entry = next(entry for entry in GIANTS if type(entry).variant == variant)
    monkeypatch.setitem(getattr(vision_transformer, DEPTHS[variant]), "num_layers", 2)
    assert_same_function(entry, monkeypatch, depth=2)


def test_the_entries_are_those_of_the_facts():
    facts = {fact["name"]: (variant, fact) for variant, facts in FACTS.items() for fact in facts}
    assert len(facts) == 227
    assert facts.keys() == ENTRIES.keys()
    for name, (variant, fact) in facts.items():
        entry = ENTRIES[name]
        assert type(entry).variant == variant
        assert entry.name.startswith("TIMM_")
        assert entry.url == f"hf://{fact['hub']}/model.safetensors"
        assert entry.architecture == f"timm/{name.partition('.')[0]}"
        assert entry.meta.source == f"https://huggingface.co/{fact['hub']}"
        assert entry.meta.get("license") == fact["license"]
        labels = entry.meta["categories"]
        if fact["num_classes"] == 1000:
            assert entry.meta.label_list == "imagenet1k"
            assert "outputs" not in entry.meta
            assert "num_classes" not in entry.arguments
            figures = entry.meta.metrics["ImageNet-1K"]
            assert figures["acc@1"] == fact["top1"]
            assert math.isnan(figures["acc@5"])
            assert entry.meta.size == (fact["top1_size"],) * 2
        else:
            assert labels is None
            assert entry.meta.outputs
            assert all(map(math.isnan, entry.meta.metrics["ImageNet-1K"].values()))
            assert entry.arguments["num_classes"] == fact["num_classes"]


def test_the_architectures_are_those_of_the_entries():
    assert {entry.architecture for entry in ENTRIES.values()} == FITS.keys()
    for entry in ENTRIES.values():
        fit = FITS[entry.architecture]
        assert type(entry).variant == fit.variant
        assert {**entry.arguments, **fit.arguments} == entry.arguments


@pytest.mark.parametrize("variant", VARIANTS)
def test_best_is_the_best_of_those_with_a_permissive_licence(variant):
    enum = get_model_weights(variant)
    figures = {
        entry: entry.meta.metrics["ImageNet-1K"]["acc@1"]
        for entry in enum
        if "ImageNet-1K" in entry.meta.metrics and is_permissive(license_of(entry))
    }
    known = {entry: value for entry, value in figures.items() if not math.isnan(value)}
    if known:
        assert enum.BEST is max(known, key=known.get)
    else:
        assert "BEST" not in enum.__members__
        with pytest.raises(AttributeError, match="no entry 'BEST': none that was measured .* permissive licence"):
            _ = enum.BEST
    assert not enum.DEFAULT.name.startswith("TIMM_")
    assert enum.legacy is None or not enum.legacy.name.startswith("TIMM_")


PRESETS = {entry.value.transforms: name for name, entry in ENTRIES.items()}
SIZES = [(500, 375), (375, 500), (400, 600), (333, 501), (641, 480), (100, 80), (384, 384)]


def picture(size):
    noise = np.random.default_rng(0).integers(0, 256, (size[1] // 3, size[0] // 3, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize("preset", PRESETS, ids=PRESETS.get)
def test_the_preset_is_timms_for_testing(preset):
    entry = ENTRIES[PRESETS[preset]]
    about = timm().get_pretrained_cfg(PRESETS[preset]).to_dict()
    # One score was measured at the size of training.
    for_testing = PRESETS[preset] not in MEASURED_AS_TRAINED
    config = timm().data.resolve_data_config(pretrained_cfg=about, use_test_size=for_testing)
    theirs, ours = timm().data.create_transform(**config), entry.transforms()
    for size in SIZES:
        photo = picture(size)
        assert torch.equal(ours(photo), theirs(photo)), size


MEASURED_AS_TRAINED = {"convnext_tiny.fb_in22k_ft_in1k"}


def test_scores_are_of_the_preset():
    for name, entry in ENTRIES.items():
        about = timm().get_pretrained_cfg(name).to_dict()
        config = timm().data.resolve_data_config(pretrained_cfg=about, use_test_size=name not in MEASURED_AS_TRAINED)
        side, resized = config["input_size"][1], math.floor(config["input_size"][1] / config["crop_pct"])
        assert entry.transforms == ImageClassification(
            crop_size=side,
            resize_size=(resized, resized) if config["crop_mode"] == "squash" else resized,
            mean=tuple(config["mean"]),
            std=tuple(config["std"]),
            interpolation=config["interpolation"],
        )


LOOK_ALIKES = {
    "resnetaa50": "resnet50",
    "resnetblur50": "resnet50",
    "tf_efficientnet_b0": "efficientnet_b0",
    "tf_mobilenetv3_small_100": "mobilenet_v3_small",
    "swinv2_tiny_window16_256": "swin_v2_t",
    "regnetx_004": "regnet_x_400mf",
    "efficientnetv2_s": "efficientnet_v2_s",
}


def saved_by_timm(model, folder):
    """A folder as timm pushes it to the hub."""
    folder.mkdir(parents=True, exist_ok=True)
    timm().models.save_for_hf(model, folder, safe_serialization=True)
    return folder / "model.safetensors"


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_look_alikes_are_refused_by_what_they_say_they_are(name, tmp_path, cache):
    variant = LOOK_ALIKES[name]
    theirs = network(name)
    path = saved_by_timm(theirs, tmp_path / name)
    # Alone, and in the place of an entry's file.
    with pytest.raises(MismatchError, match=f"timm/{name}, which is another function"):
        get_model(variant, weights=path)
    entry = next((entry for entry in ENTRIES.values() if type(entry).variant == variant), None)
    if entry is not None:
        place = store.local_path(entry.url)
        saved_by_timm(theirs, place.parent)
        with pytest.raises(MismatchError, match=f"timm/{name}"):
            get_model(variant, weights=entry)
    path.with_name("config.json").unlink()
    with pytest.raises(HeaderError, match="does not say what it is"):
        resolve(path)
    if variant != "resnet50":  # whose names are timm's: what says nothing of itself is what the caller says it is
        with pytest.raises(MismatchError, match="does not fit the network"):
            get_model(variant, weights=path)


@pytest.mark.parametrize("name", ["resnetaa50", "swinv2_tiny_window16_256", "tf_efficientnet_b0"])
@torch.inference_mode()
def test_tensors_alone_would_not_tell(name, monkeypatch):
    """Without the check these would load, and answer otherwise."""
    theirs, entry = network(name), next(e for e in SMALL if type(e).variant == LOOK_ALIKES[name])
    ours = get_model(LOOK_ALIKES[name]).eval()
    ours.load_state_dict(renamed(theirs.state_dict(), entry.architecture))
    pictures = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(1))
    assert relative_error(ours(pictures), theirs(pictures)) > 1e-4


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"model_args": {"in_chans": 3, "act_layer": "silu"}}, "changed by {'act_layer': 'silu'}"),
        ({"model_args": {"output_stride": 16}}, "changed by"),
        ({"model_args": ["output_stride"]}, "changed by"),
        ({"global_pool": "max"}, "global_pool='max'"),
        ({"architecture": "resnet17"}, "nobody has compared.* timm/resnet18"),
        ({"pretrained_cfg": None}, "does not say its preprocessing"),
        ({"pretrained_cfg": {"input_size": [3, 224, 192]}}, "cannot be followed"),
        ({"num_classes": None}, "num_classes=None"),
    ],
)
def test_what_a_file_of_timm_says_is_followed_or_refused(changes, error, tmp_path):
    path = saved_by_timm(network("resnet18"), tmp_path)
    beside = path.with_name("config.json")
    beside.write_text(json.dumps({**json.loads(beside.read_text()), **changes}))
    with pytest.raises((MismatchError, HeaderError), match=error):
        resolve(path)


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_100", "vit_base_patch32_224", "regnety_004"])
@torch.inference_mode()
def test_files_of_timm_are_references(name, tmp_path):
    theirs = network(name, num_classes=7)
    path = saved_by_timm(theirs, tmp_path / name)
    config = json.loads(path.with_name("config.json").read_text())
    path.with_name("config.json").write_text(json.dumps({**config, "label_names": list("abcdefg")}))
    entry = resolve(path)
    assert entry.meta["categories"] == tuple("abcdefg")
    expected = timm().data.create_transform(
        **timm().data.resolve_data_config(pretrained_cfg=config["pretrained_cfg"], use_test_size=True)
    )
    photo = picture((500, 375))
    assert torch.equal(entry.transforms()(photo), expected(photo))
    ours = get_model(FITS[f"timm/{name}"].variant, weights=path).eval()
    batch = expected(photo)[None]
    assert relative_error(ours(batch), theirs(batch)) < 1e-5
