"""Quantized networks beside those of torch's eager quantization, live: the same file, the same answers."""

import copy
import warnings
from functools import lru_cache

import pytest
import torch

from multiweight import models
from multiweight.catalogue import ImageClassification, Weights, WeightsEnum
from multiweight.errors import MismatchError
from multiweight.layers.quantized import kernels
from multiweight.models import get_model_builder
from multiweight.models.quantization import _build
from multiweight.store.load import read_state_dict
from tests.models.support import QUANTIZED
from tests.reference import torchvision

SHUFFLED = [name for name in QUANTIZED if "shufflenet" in name]
INPUTS, BATCH = 1000, 50
SMALLEST = {"quantized_inception_v3": 75, "quantized_googlenet": 40, **dict.fromkeys(SHUFFLED, 64)}
"""Sides of the pictures, in pixels; of the others 32."""

FULL_RANGE = {"quantized_resnet18", "quantized_shufflenet_v2_x0_5", "quantized_mobilenet_v2"}
"""Quantized to all 256 numbers; the others to 128, as torch did for processors whose sums could overflow."""


def side(variant):
    return SMALLEST.get(variant, 32)


@pytest.fixture
def eager():
    """torch's eager quantization, which warns that it is deprecated; its engine is put back."""
    torchvision()
    engine = torch.backends.quantized.engine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.backends.quantized.engine = engine


def config(variant):
    ao = torch.ao.quantization
    if variant == "quantized_mobilenet_v2":
        return ao.get_default_qconfig("qnnpack")  # a scale for a whole weight, all 256 numbers
    activation = ao.HistogramObserver.with_args(reduce_range=variant not in FULL_RANGE)
    return ao.QConfig(activation=activation, weight=ao.default_per_channel_weight_observer)


def seen(network, size, times=2, batch=8):
    with torch.no_grad():
        for _ in range(times):
            network(torch.randn(batch, 3, size, size))


def in_float(variant):
    """torchvision's float network with random weights, and batch norms that know what comes to them.

    Without, values die out on their way, and the scores of all pictures are the same.
    """
    torch.manual_seed(len(variant))
    builder = getattr(torchvision().models.quantization, variant.removeprefix("quantized_"))
    network = builder(weights=None, quantize=False)
    for name in ("aux1", "aux2", "AuxLogits"):
        if hasattr(network, name):
            setattr(network, name, None)
            network.aux_logits = False
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    network.train()
    seen(network, side(variant))
    return network


@lru_cache(maxsize=1)
def calibrated(variant):
    """The network with the ranges of its values, before it is quantized for an engine."""
    network, ao = in_float(variant), torch.ao.quantization
    if variant == "quantized_mobilenet_v3_large":  # published as it was trained, and quantized when it is loaded
        network.fuse_model(is_qat=True)
        network.qconfig = ao.get_default_qat_qconfig("qnnpack")
        ao.prepare_qat(network, inplace=True)
        seen(network, side(variant))
        return network.eval()
    network.eval()
    network.qconfig = config(variant)
    network.fuse_model(is_qat=False)
    ao.prepare(network, inplace=True)
    seen(network, side(variant))
    return network


def quantized(variant, engine="onednn"):
    torch.backends.quantized.engine = engine
    return torch.ao.quantization.convert(copy.deepcopy(calibrated(variant)))


def published(variant, folder, *, old=False):
    """What torchvision would publish, as a file; and the entry that it is."""
    state = calibrated(variant) if variant == "quantized_mobilenet_v3_large" else quantized(variant)
    path = folder / "published.pth"
    torch.save(state.state_dict(), path, _use_new_zipfile_serialization=not old)

    class Published_Weights(WeightsEnum, variant=variant, builder=f"multiweight.models.quantization:{variant}"):
        IMAGENET1K_V1 = Weights(
            url=path.as_uri(), transforms=ImageClassification(crop_size=32), meta={"metrics": {}, "categories": None}
        )
        DEFAULT = IMAGENET1K_V1

    return path, Published_Weights.IMAGENET1K_V1


def ours(variant, entry, monkeypatch, **options):
    """Our network of the file, made as the variant's builder makes those of published entries."""
    made = []

    def of_file(network, weights, progress, *, per_channel):
        made.append(_build.quantized(network, entry, False, per_channel=per_channel))
        return made[0]

    monkeypatch.setattr("multiweight.models.quantization._quantizable.quantized", of_file)
    get_model_builder(variant)(weights=None, quantize=True, **options)
    return made[0]


def last_scale(network):
    last = network.fc if hasattr(network, "fc") else network.classifier[-1]
    return last.scale


def compared(network, peer, size, seed, count=INPUTS):
    """The largest distance of scores in steps, how many differ at all, and how many pictures get another best class."""
    generator = torch.Generator().manual_seed(seed)
    mine, theirs = [], []
    with torch.inference_mode():
        for _ in range(count // BATCH):
            x = torch.randn(BATCH, 3, size, size, generator=generator)
            mine.append(network(x))
            theirs.append(peer(x))
    mine, theirs = (torch.cat(each) / last_scale(peer) for each in (mine, theirs))
    # Scores that hardly depend on the picture would be alike whatever is wrong; measured from 8 steps.
    assert theirs.std(0).mean() > 4
    assert len(theirs.argmax(1).unique()) > 1
    apart = (mine - theirs).abs()
    return int(apart.max().round()), int((apart > 0).sum()), int((mine.argmax(1) != theirs.argmax(1)).sum())


@pytest.mark.skipif(not kernels.available(), reason="this processor has no VNNI: torch's engines saturate on it")
@pytest.mark.parametrize("variant", QUANTIZED)
def test_answers_are_those_of_torchs_engine(variant, eager, tmp_path, monkeypatch):
    _, entry = published(variant, tmp_path)
    network = ours(variant, entry, monkeypatch)
    assert compared(network, quantized(variant), side(variant), seed=7) == (0, 0, 0)


@pytest.mark.skipif(not kernels.available(), reason="this processor has no VNNI: torch's engines saturate on it")
@pytest.mark.parametrize("variant", ["quantized_resnet18", "quantized_mobilenet_v2"])
def test_torchs_own_engines_are_further_apart(variant, eager, tmp_path, monkeypatch):
    """So to equal one of them is all that can be asked for.

    FBGEMM cuts sums off on its way: 9 steps for ResNet-18, 27 for MobileNetV2. The engine x86 takes one or the other
    by the shape of a layer: 0 and 13.
    """
    _, entry = published(variant, tmp_path)
    network = ours(variant, entry, monkeypatch)
    apart = {
        engine: compared(network, quantized(variant, engine), side(variant), seed=7, count=200)
        for engine in ("onednn", "x86", "fbgemm")
    }
    assert apart["onednn"] == (0, 0, 0)
    assert apart["fbgemm"][0] > 4
    assert (apart["x86"][0] > 4) == (variant == "quantized_mobilenet_v2")


@pytest.mark.parametrize("variant", ["quantized_resnet18", "quantized_mobilenet_v2"])
def test_plain_arithmetic_gives_the_same_answers(variant, eager, tmp_path, monkeypatch):
    _, entry = published(variant, tmp_path)
    network = ours(variant, entry, monkeypatch)
    x = torch.randn(BATCH, 3, side(variant), side(variant))
    asking = network(x.clone().requires_grad_())
    assert torch.equal(asking.detach(), network(x))
    asking.sum().backward()


@pytest.mark.parametrize("variant", ["quantized_googlenet", "quantized_inception_v3"])
def test_colours_are_turned_round_before_they_become_numbers(variant, eager, tmp_path, monkeypatch):
    """As published weights of these two want it."""
    _, entry = published(variant, tmp_path)
    turned = ours(variant, entry, monkeypatch, transform_input=True)
    peer = quantized(variant)
    peer.transform_input = True
    assert compared(turned, peer, side(variant), seed=7, count=100) == (0, 0, 0)


def test_the_older_format_is_the_same_network(eager, tmp_path, monkeypatch):
    variant = "quantized_shufflenet_v2_x0_5"
    x = torch.randn(4, 3, 32, 32)
    answers = []
    for old in (False, True):
        path, entry = published(variant, tmp_path, old=old)
        assert (path.read_bytes()[:2] == b"PK") != old
        answers.append(ours(variant, entry, monkeypatch)(x))
        path.unlink()
    assert torch.equal(*answers)


UNFITTING = {
    "quantized_shufflenet_v2_x0_5": {
        "1 missing: conv1.0.weight_scale": {"conv1.0.weight_scale": None},
        "2 missing: conv1.0.scale, conv1.0.zero_point": {"conv1.0.scale": None, "conv1.0.zero_point": None},
        "1 missing: stage2.0.cat.scale": {"stage2.0.cat.scale": None},
        "1 unexpected: fc2.weight": {"fc2.weight": torch.zeros(3)},
        r"1 misshapen: conv1.0.weight \(24, 3, 1, 1\) instead of \(24, 3, 3, 3\)": {
            "conv1.0.weight": torch.zeros(24, 3, 1, 1, dtype=torch.int8)
        },
        "conv5.0 has a weight with a zero point": {"conv5.0.weight_zero_point": torch.ones(1024, dtype=torch.int32)},
    },
    # As it was trained.
    "quantized_mobilenet_v3_large": {
        "1 missing: features.0.0.weight": {"features.0.0.weight": None},
        "1 missing: features.0.0.bn.running_var": {"features.0.0.bn.running_var": None},
        "1 missing: classifier.3.bias": {"classifier.3.bias": None},
        "1 missing: quantize.activation_post_process.activation_post_process.min_val": {
            "quant.activation_post_process.activation_post_process.min_val": None
        },
        "1 missing: classifier.0.weight_fake_quant.activation_post_process.max_val": {
            "classifier.0.weight_fake_quant.activation_post_process.max_val": None
        },
        "1 unexpected: classifier.9.weight": {"classifier.9.weight": torch.zeros(3)},
        "1 misshapen: features.0.0.weight": {"features.0.0.weight": torch.zeros(16, 3, 1, 1)},
    },
}


@pytest.mark.parametrize("variant", UNFITTING)
def test_a_file_that_does_not_fit_says_what_does_not(variant, eager, tmp_path, monkeypatch):
    path, entry = published(variant, tmp_path)
    state = read_state_dict(path, name="it")
    for said, change in UNFITTING[variant].items():
        wrong = {key: value for key, value in {**state, **change}.items() if value is not None}
        monkeypatch.setattr(type(entry), "get_state_dict", lambda self, wrong=wrong, **told: wrong)
        with pytest.raises(MismatchError, match=said):
            ours(variant, entry, monkeypatch)


def test_a_layout_of_torchs_for_a_network_it_never_had_is_refused(tmp_path, monkeypatch):
    state = {"quant.scale": torch.ones(1), "quant.zero_point": torch.zeros(1, dtype=torch.int64)}
    monkeypatch.setattr(models.ViT_B_32_Weights, "get_state_dict", lambda self, **told: state)
    with pytest.raises(MismatchError, match="which this network never was"):
        _build.quantized(models.vit_b_32, models.ViT_B_32_Weights.DEFAULT, False, per_channel=True)
