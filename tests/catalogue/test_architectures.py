"""What an entry's file is recognised by, where another publisher's network has the same names and shapes of tensors."""

import copy
import json
import pickle
import re

import pytest
import torch
from safetensors.torch import save_file

from multiweight import store
from multiweight.catalogue import ImageClassification, Weights, WeightsEnum, resolve
from multiweight.catalogue._architectures import FITS, LOOK_ALIKES, architecture_in_url, fit_of
from multiweight.errors import MismatchError
from multiweight.models import (
    MobileNet_V3_Small_Weights,
    ResNet18_Weights,
    mobilenet_v3_small,
    resnet18,
)

AA = "hf://timm/resnetaa50.d_in12k/model.safetensors"
MOBILE = "hf://timm/mobilenetv3_small_100.lamb_in1k/model.safetensors"


def entry(url, variant="resnet50", **about):
    class Some_Weights(WeightsEnum, variant=variant, builder=f"multiweight.models:{variant.rpartition('/')[2]}"):
        ONE = Weights(url=url, transforms=ImageClassification(crop_size=224), meta={"categories": None}, **about)

    return Some_Weights.ONE


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    monkeypatch.setenv("MULTIWEIGHT_OFFLINE", "1")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("hf://timm/resnet50.a1_in1k/model.safetensors", "timm/resnet50"),
        ("hf://timm/resnet50/model.safetensors", "timm/resnet50"),
        ("hf://timm/resnet50.a1_in1k@main/model.safetensors", "timm/resnet50"),
        ("https://huggingface.co/timm/resnetaa50.d_in12k/resolve/main/model.safetensors", "timm/resnetaa50"),
        ("hf://somebody/resnet50.a1_in1k/model.safetensors", None),
        ("https://download.pytorch.org/models/resnet50-11ad3fa6.pth", None),
        ("folder/timm/resnet50.a1_in1k/model.safetensors", None),
    ],
)
def test_a_publishers_repository_names_the_architecture(url, expected):
    assert architecture_in_url(url) == expected


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (entry(AA), "timm/resnetaa50, which is another function.*smooths"),
        (entry("hf://mine/x/model.safetensors", architecture="timm/resnetblur50"), "blurs"),
        (entry(AA, architecture="timm/resnet50"), "timm/resnetaa50, which is another function"),
        (entry("hf://timm/tf_efficientnet_b0.in1k/x.safetensors", "efficientnet_b0"), "TensorFlow's SAME"),
        (entry("hf://timm/swinv2_tiny_window16_256.ms_in1k/x.safetensors", "swin_v2_t"), "windows"),
        (entry("hf://timm/regnetx_004.pycls_in1k/x.safetensors", "regnet_x_400mf"), "_tv fits"),
        (entry("hf://timm/efficientnet_b6.x/x.safetensors", "efficientnet_b6"), "eps"),
        (entry("hf://timm/efficientnetv2_s.x/x.safetensors", "efficientnet_v2_s"), "eps"),
        (entry(MOBILE, "mobilenet_v3_small"), "batch_norm_eps=1e-05 only"),
        (entry("hf://timm/resnet18.a1_in1k/x.safetensors"), "fits resnet18 and not resnet50"),
        (entry("hf://timm/resnet18.a1_in1k/x.safetensors", architecture="timm/resnet34"), "several architectures"),
        (entry("hf://timm/resnet51q.ra2_in1k/x.safetensors"), "nobody has compared.*timm/resnet50"),
    ],
    ids=lambda value: value.url if isinstance(value, WeightsEnum) else "",
)
def test_what_does_not_fit_is_refused_before_it_is_downloaded(given, error):
    with pytest.raises(MismatchError, match=error):
        given.get_state_dict()


def test_an_entry_of_a_third_party_is_renamed_by_its_url():
    weights = entry(MOBILE, "mylab/mobilenet_v3_small", arguments={"batch_norm_eps": 1e-5})
    path = store.local_path(MOBILE)
    path.parent.mkdir(parents=True)
    save_file({"conv_stem.weight": torch.ones(2)}, path)
    assert list(weights.get_state_dict()) == ["features.0.0.weight"]
    save_file({"conv_stem.weight": torch.ones(3)}, path, metadata={"architecture": "tf_mobilenetv3_small_100"})
    with pytest.raises(MismatchError, match="tf_mobilenetv3_small_100, which is another"):
        weights.get_state_dict()
    path.with_name("config.json").write_text(json.dumps({"architecture": "mobilenetv3_small_100"}))
    with pytest.raises(MismatchError, match="says that it is of"):
        weights.get_state_dict()


def test_no_look_alike_is_among_those_that_fit():
    for architecture in FITS:
        assert fit_of(architecture, name="it") is FITS[architecture]
        assert not any(re.fullmatch(pattern, architecture) for pattern in LOOK_ALIKES)


def test_the_architecture_is_kept():
    weights = Weights(url=AA, transforms=ImageClassification(crop_size=8), meta={}, architecture="timm/resnet50")
    assert pickle.loads(pickle.dumps(weights)).architecture == "timm/resnet50"
    assert copy.deepcopy(weights) is weights
    assert ResNet18_Weights.TIMM_A1_IN1K.architecture == "timm/resnet18"
    assert ResNet18_Weights.IMAGENET1K_V1.architecture is None
    assert pickle.loads(pickle.dumps(ResNet18_Weights.BEST)) is ResNet18_Weights.BEST


def test_a_caller_may_not_make_another_function_of_it():
    with pytest.raises(ValueError, match="batch_norm_eps=1e-05; got batch_norm_eps=0.001"):
        mobilenet_v3_small(weights=MobileNet_V3_Small_Weights.TIMM_LAMB_IN1K, batch_norm_eps=1e-3)


def test_a_damaged_config_says_nothing(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"conv1.weight": torch.ones(2)}, path)
    for text in ("", "{", "[]", '{"architecture": 3}', '{"architectures": ["x"]}', "[" * 100_000):
        path.with_name("config.json").write_text(text)
        with pytest.raises(RuntimeError, match="does not say what it is"):
            resolve(path)
    path.with_name("config.json").write_text('{"architecture": "resnetaa50"}')
    with pytest.raises(MismatchError, match="another function"):
        resnet18(weights=path)
