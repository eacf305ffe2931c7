"""Other classes, other channels and pictures of another size than the weights': one mechanism for every family."""

import copy
import logging
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.catalogue import WeightsEnum, get_model_weights
from multiweight.errors import MismatchError, UnknownLabelError
from multiweight.models import (
    ConvNeXt_Tiny_Weights,
    ResNet18_Weights,
    convnext_tiny,
    get_model,
    resnet18,
    shufflenet_v2_x0_5,
    vit_b_16,
)
from multiweight.models._adapting import _folded, resized_bias_table
from multiweight.models.detection import ssdlite320_mobilenet_v3_large
from tests.models.support import VARIANTS, relative_error, without_files

FAMILIES = {
    get_model_weights(variant).__module__: variant
    for variant in sorted(VARIANTS, key=lambda name: -get_model_weights(name)["DEFAULT"].meta.num_params)
}
"""The smallest variant of each."""

RESIZED = ("vit_b_16", "swin_t", "swin_v2_t", "maxvit_t")
SIDES = {"inception_v3": 107, "maxvit_t": 224, "swin_t": 64, "swin_v2_t": 64, "vit_b_16": 224}


@pytest.fixture(scope="module", params=[*FAMILIES.values(), "swin_v2_t"])
def trained(request):
    """A variant and a network of it whose features are alive, in eval mode, as if its file held these tensors."""
    variant = request.param
    heads = {"aux_logits": True, "init_weights": True} if variant in ("googlenet", "inception_v3") else {}
    torch.manual_seed(0)
    network = get_model(variant, weights=None, **heads).eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = (3 / module.weight[0].numel()) ** 0.5
            module.weight.uniform_(-bound, bound)
    return variant, network


@pytest.fixture
def entry(trained, monkeypatch):
    variant, network = trained
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **_: network.state_dict())
    return get_model_weights(variant)["IMAGENET1K_V1"]


def built(entry, **options):
    if type(entry).variant in ("googlenet", "inception_v3"):
        options.setdefault("transform_input", False)
    return get_model(type(entry).variant, weights=entry, **options).eval()


def grey(variant):
    side = SIDES.get(variant, 64)
    return torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_named_classes_keep_their_trained_rows(trained, entry):
    variant, _ = trained
    picture = grey(variant).expand(-1, 3, -1, -1)
    rows, labels = [282, 281, 3], ("tiger cat", "tabby", "tiger shark")
    network = built(entry, classes=["Tiger Cat", "tabby", 3])
    assert relative_error(network(picture), built(entry)(picture)[:, rows]) < 5e-6
    assert network.load_report.labels == labels
    assert all(how == "3 of 1000 trained rows" for how in network.load_report.adapted.values())
    assert not network.load_report.new


@torch.inference_mode()
def test_another_number_of_classes_gives_a_new_head_and_keeps_the_rest(trained, entry, caplog):
    variant, whole = trained
    caplog.set_level(logging.INFO, logger="multiweight")
    state = torch.get_rng_state()
    torch.manual_seed(5)
    network = built(entry, num_classes=10)
    assert len(caplog.records) == 1
    assert "10 classes" in caplog.text
    report, given = network.load_report, network.state_dict()
    heads = [name for name in given if name.rpartition(".")[0] in ("AuxLogits.fc", network.head_name)]
    assert sorted(report.new) == sorted(heads)
    assert all(name in report.dropped for name in heads)
    assert report.labels is None
    assert {*report.loaded} == given.keys() - report.new.keys()
    assert all(torch.equal(given[name], tensor) for name, tensor in whole.state_dict().items() if name in report.loaded)
    assert all(len(given[name]) == 10 for name in heads)
    torch.manual_seed(5)
    again = built(entry, num_classes=10).state_dict()
    assert all(torch.equal(again[name], given[name]) for name in given)
    # As the network would have initialised it.
    fresh = get_model(variant, weights=None, num_classes=10).state_dict()
    for name in heads:
        assert given[name].std() == pytest.approx(fresh[name].std().item(), rel=0.1, abs=0.01 if ".bias" in name else 0)
    torch.set_rng_state(state)


@torch.inference_mode()
def test_the_head_is_kept_where_nothing_else_is_asked_for(trained, entry):
    before = torch.get_rng_state()
    given, usual = built(entry, num_classes=1000), built(entry)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(usual.state_dict()[key], tensor) for key, tensor in given.state_dict().items())
    report = usual.load_report
    assert {*report.loaded} == usual.state_dict().keys()
    assert not report.new
    assert not report.adapted
    assert report.labels == entry.meta["categories"]


@torch.inference_mode()
def test_no_classes_give_features(trained, entry):
    variant, _ = trained
    picture = grey(variant).expand(-1, 3, -1, -1)
    network, heard = built(entry), []
    hook = network.get_submodule(network.head_name).register_forward_pre_hook(lambda head, given: heard.append(*given))
    network(picture)
    hook.remove()
    headless = built(entry, num_classes=0)
    expected = heard[0].relu().mean((2, 3)) if heard[0].ndim == 4 else heard[0]  # SqueezeNet pools behind its head
    assert relative_error(headless(picture), expected) < 1e-6
    assert isinstance(headless.get_submodule(network.head_name), nn.Identity)
    features = headless.forward_features(picture)
    assert features.ndim == (3 if "vit_" in variant.replace("maxvit", "") else 4)
    assert torch.equal(features, network.forward_features(picture))


@torch.inference_mode()
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_grey_pictures_give_what_they_gave(trained, entry, channels):
    picture = grey(trained[0])
    expected = built(entry)(picture.expand(-1, 3, -1, -1))
    assert expected.std() > 0
    network = built(entry, in_channels=channels)
    assert relative_error(network(picture.expand(-1, channels, -1, -1)), expected) < 1e-5
    assert network.load_report.adapted == {f"{network.stem_name}.weight": f"3 channels became {channels}"}
    assert network.get_submodule(network.stem_name).in_channels == channels


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(1, 8))
def test_folding_keeps_the_sum_over_channels(before, after):
    weight = torch.randn(4, before, 3, 3)
    folded = _folded(weight, after)
    assert folded.shape == (4, after, 3, 3)
    torch.testing.assert_close(folded.sum(1), weight.sum(1), rtol=1e-4, atol=1e-5)
    if before == after:
        assert torch.equal(folded, weight)


def test_without_weights_the_stem_is_folded_too():
    torch.manual_seed(0)
    usual = resnet18()
    torch.manual_seed(0)
    folded = resnet18(in_channels=1).eval()
    assert torch.equal(folded.fc.weight, usual.fc.weight)
    torch.testing.assert_close(folded.conv1.weight, usual.conv1.weight.sum(1, keepdim=True))
    assert folded(torch.rand(1, 1, 64, 64)).shape == (1, 1000)
    for wrong in (0, -1, True, 1.5):
        with pytest.raises(ValueError, match="in_channels is a whole number from 1 on"):
            resnet18(in_channels=wrong)
    with pytest.raises(ValueError, match="without these give num_classes"):
        resnet18(classes=["tabby"])


@pytest.mark.parametrize("variant", ["googlenet", "inception_v3"])
def test_colours_that_the_network_computes_with_are_not_folded(variant, monkeypatch):
    without_files(monkeypatch)
    with pytest.raises(ValueError, match="transform_input=False"):
        get_model(variant, weights="DEFAULT", in_channels=1)


@pytest.mark.parametrize("variant", RESIZED)
@torch.inference_mode()
def test_tables_of_positions_are_interpolated(variant, monkeypatch):
    whole = get_model(variant, weights=None)
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **_: whole.state_dict())
    network = get_model(variant, weights="DEFAULT", image_size=320).eval()
    fresh = get_model(variant, weights=None, image_size=320)
    given, expected = network.state_dict(), fresh.state_dict()
    assert {key: each.shape for key, each in given.items()} == {key: each.shape for key, each in expected.items()}
    assert network(torch.rand(1, 3, 320, 320)).shape == (1, 1000)
    adapted = network.load_report.adapted
    assert adapted
    for key, tensor in given.items():
        if key.endswith("relative_position_index"):
            assert torch.equal(tensor, expected[key])
        assert torch.equal(tensor, whole.state_dict()[key]) != (key in adapted)
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **_: {**given, "extra": torch.ones(1)})
    with pytest.raises(MismatchError, match="1 unexpected: extra"):
        get_model(variant, weights="DEFAULT", image_size=320)


def test_the_authors_own_size_changes_nothing():
    for variant, side in {"swin_t": 224, "swin_v2_t": 256, "maxvit_t": 224}.items():
        with torch.device("meta"):
            own, same = get_model(variant), get_model(variant, image_size=side)
        assert {k: v.shape for k, v in own.state_dict().items()} == {k: v.shape for k, v in same.state_dict().items()}
        with pytest.raises(ValueError, match="multiple of 32.* 224 is near|multiple of 32.*near 224"):
            get_model(variant, image_size=225)
    with pytest.raises(TypeError, match="no argument 'image_size'"):
        resnet18(image_size=224)


def test_offsets_beyond_the_trained_window_go_on_in_their_scale(monkeypatch):
    """Of Swin v2: what was the edge of a window keeps its number, and its bias."""
    whole = get_model("swin_v2_t", weights=None)
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **_: whole.state_dict())
    key = "features.1.0.attn.relative_coords_table"
    table = get_model("swin_v2_t", weights="DEFAULT", image_size=320).state_dict()[key]
    assert torch.equal(table[:, 2:-2, 2:-2], whole.state_dict()[key])
    assert table.abs().max() > 1


def test_a_smooth_table_stays_smooth():
    rows = torch.linspace(-1, 1, 13)
    table = (rows[:, None] + 2 * rows).reshape(-1, 1).expand(-1, 3).contiguous()
    again = resized_bias_table(table, 12)
    assert again.shape == (23 * 23, 3)
    rows = grid_of(23)
    # The kernel keeps straight lines to some hundredths.
    inside = (slice(3, -3), slice(3, -3))
    torch.testing.assert_close(
        again[:, 0].reshape(23, 23)[inside], (rows[:, None] + 2 * rows)[inside], rtol=0, atol=0.05
    )
    torch.testing.assert_close(resized_bias_table(table, 7), table)


def grid_of(count):
    """The numbers that 13 evenly spaced ones from -1 to 1 have at `count` places, pixels as areas."""
    return ((torch.arange(count) + 0.5) * 13 / count - 0.5) / 6 - 1


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"classes": ["tabbi"]}, UnknownLabelError, "no class 'tabbi'. Did you mean tabby"),
        ({"classes": ["tabby", "tabby"]}, ValueError, "'tabby' .index 281. is named twice"),
        ({"classes": ["a"]}, UnknownLabelError, "no class 'a'"),
        ({"classes": "tabby"}, ValueError, "takes a list of labels; got 'tabby'"),
        ({"classes": []}, ValueError, "takes a list of labels"),
        ({"classes": [1000]}, ValueError, "classes from 0 to 999; got 1000"),
        ({"classes": [True]}, ValueError, "classes from 0 to 999; got True"),
        ({"classes": ["tabby"], "num_classes": 2}, ValueError, "num_classes is 1; got 2"),
        ({"num_classes": -1}, ValueError, "got -1"),
        ({"num_classes": 2.5}, ValueError, "got 2.5"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(options, error, text, monkeypatch):
    without_files(monkeypatch)
    with pytest.raises(error, match=text):
        resnet18(weights="DEFAULT", **options)


def test_an_entry_without_labels_has_no_classes_to_name():
    with pytest.raises(ValueError, match="has no labels"):
        convnext_tiny(weights=ConvNeXt_Tiny_Weights.TIMM_DINOV3_LVD1689M, classes=["tabby"])


def test_features_of_another_publisher_get_a_head(monkeypatch):
    whole = convnext_tiny()
    trunk = {key: tensor for key, tensor in whole.state_dict().items() if not key.startswith("classifier.2")}
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **_: trunk)
    entry = ConvNeXt_Tiny_Weights.TIMM_DINOV3_LVD1689M
    network = convnext_tiny(weights=entry, num_classes=10)
    assert {*network.load_report.new} == {"classifier.2.weight", "classifier.2.bias"}
    assert not network.load_report.dropped
    assert convnext_tiny(weights=entry).classifier[2].__class__ is nn.Identity


@pytest.mark.parametrize("options", [{}, {"num_classes": 10}, {"classes": ["tabby"]}, {"in_channels": 1}], ids=str)
def test_a_file_that_lacks_much_is_an_error_whatever_is_asked_for(options, monkeypatch):
    whole = get_model("resnet50").state_dict()
    lacking = {key: tensor for number, (key, tensor) in enumerate(whole.items()) if number < len(whole) - 114}
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **_: dict(lacking))
    with pytest.raises(MismatchError, match=r"9[35] missing: layer3\.3"):
        get_model("resnet50", weights="DEFAULT", **options)


def test_other_tasks_keep_their_classes():
    with pytest.raises(ValueError, match="has 91 labels, so num_classes must be 91; got 3"):
        ssdlite320_mobilenet_v3_large(weights="DEFAULT", num_classes=3)
    with pytest.raises(ValueError, match="known to networks for classification only"):
        get_model("r3d_18", weights=None, num_classes=0)


def test_the_report_counts_and_is_kept(monkeypatch):
    without_files(monkeypatch)
    network = resnet18(weights="DEFAULT", num_classes=10, in_channels=1)
    text = str(network.load_report)
    assert text.splitlines()[0].endswith(": 119 loaded, 1 adapted, 2 new, 2 dropped.")
    assert "  new: fc.weight, fc.bias: a head for 10 classes" in text
    assert "  adapted: conv1.weight: 3 channels became 1" in text
    for kept in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert str(kept.load_report) == text
    assert not hasattr(resnet18(), "load_report")
    assert network.load_report.source.startswith(f"{ResNet18_Weights.DEFAULT} (")


def test_a_vit_with_a_stem_of_convolutions_names_its_first():
    from multiweight.models.vision_transformer import ConvStemConfig

    stem = [ConvStemConfig(24, 3, 4), ConvStemConfig(48, 3, 4)]
    network = vit_b_16(conv_stem_configs=stem, in_channels=1).eval()
    assert network.stem_name == "conv_proj.conv_bn_relu_0.0"
    assert network(torch.rand(1, 1, 224, 224)).shape == (1, 1000)


def test_shipped_weights_are_adapted():
    network = shufflenet_v2_x0_5(weights="DIGITS_V2", classes=["3", "8"], in_channels=1).eval()
    assert network(torch.rand(1, 1, 64, 64)).shape == (1, 2)
    assert network.load_report.labels == ("3", "8")
