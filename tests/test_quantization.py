"""`quantize_weights`: from an entry and pictures to a file that every part of the library takes."""

import numpy as np
import pytest
import torch
from PIL import Image

import multiweight
from multiweight import Predictor, models, quantize_weights
from multiweight.catalogue import Header, ImageClassification, get_model_weights, read_header, resolve
from multiweight.data import open_pictures
from multiweight.errors import DatasetError, InputError, StoreError, UnknownModelError
from multiweight.models import get_model, get_model_builder, quantization
from multiweight.quantization import _Chosen
from multiweight.store.hashes import hash_file
from multiweight.store.save import save_weights

LABELS = ("cat", "dog", "hen")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Pictures of noise, of no class, one in a folder below, and one that is damaged."""
    folder = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(0)
    (folder / "more").mkdir()
    for name in ("0.png", "1.png", "2.png", "more/3.png"):
        Image.fromarray(noise.integers(0, 256, (80, 90, 3), dtype=np.uint8)).save(folder / name)
    (folder / "4.png").write_bytes(b"\x89PNG")
    return folder


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """A file of a variant that nobody publishes quantized weights of, with random weights."""
    path = tmp_path_factory.mktemp("parent") / "mine.safetensors"
    torch.manual_seed(0)
    network = models.mnasnet0_5(weights=None, num_classes=len(LABELS))
    with torch.no_grad():  # batch norms that have seen something
        network(torch.randn(8, 3, 64, 64))
    header = Header(
        variant="mnasnet0_5",
        labels=LABELS,
        preset=ImageClassification(crop_size=64, resize_size=72),
        license="CC-BY-4.0",
        num_params=940_000,
    )
    save_weights(network.state_dict(), path, header)
    return path


@pytest.fixture(scope="module")
def done(parent, pictures, tmp_path_factory):
    output = tmp_path_factory.mktemp("quantized") / "int8.safetensors"
    return quantize_weights(parent, data=pictures, output=output, pictures=10, batch_size=2, progress=False)


def test_the_file_knows_what_it_is(done, parent, pictures):
    header = read_header(done.path)
    assert header.variant == "quantized_mnasnet0_5"
    assert header.arguments == {"quantize": True}
    assert header.labels == LABELS
    assert header.preset == ImageClassification(crop_size=64, resize_size=72)
    assert header.license == "CC-BY-4.0"
    assert header.parent == {"name": "mine.safetensors", "sha256": hash_file(parent).sha256}
    assert header.quantization["data"] == {"name": pictures.name, "split": "all"}
    assert header.quantization["pictures"] == done.pictures == 4
    assert header.metrics == {}
    assert hash_file(done.path).sha256 == done.sha256


def test_what_cannot_be_read_is_named_and_stops_nothing(done):
    ((source, reason),) = done.failures
    assert source.endswith("4.png")
    assert "4.png" in reason
    assert (done.before, done.after) == (None, None)
    assert "'more' is not a label" in done.unmeasured


def test_every_part_of_the_library_takes_the_file(done, pictures):
    x = torch.randn(2, 3, 64, 64)
    by_path = get_model("quantized_mnasnet0_5", weights=str(done.path))
    expected = by_path(x)
    assert expected.shape == (2, 3)
    assert not by_path.training
    for network in (
        quantization.mnasnet0_5(weights=done.path, quantize=True),
        quantization.mnasnet0_5(weights=resolve(done.path)),
        get_model("QUANTIZED_mnasnet0_5", weights=resolve(done.path)),
    ):
        assert torch.equal(network(x), expected)
    (answer,) = Predictor(done.path).stream([pictures / "0.png"])
    assert answer.label in LABELS
    entry = resolve(done.path)
    assert entry.get_state_dict()["classifier.1.weight"].dtype == torch.int8
    assert entry.meta["quantization"]["pictures"] == 4


def test_the_file_is_the_network_that_was_made(parent, pictures, done):
    network = get_model("mnasnet0_5", weights=parent).eval()
    preset = resolve(parent).transforms()
    dataset = open_pictures(pictures)
    batch = torch.stack([preset(dataset.picture(index)) for index in (0, 1, 2, 4)])
    again = multiweight.quantize(network, [batch[:2], batch[2:3], batch[3:]])  # as they came
    x = torch.randn(2, 3, 64, 64)
    assert torch.equal(get_model("quantized_mnasnet0_5", weights=done.path)(x), again(x))


def test_the_float_builder_and_the_quantized_one_each_refuse_the_others_file(done, parent):
    with pytest.raises(TypeError, match="weights of quantized_mnasnet0_5, not of mnasnet0_5"):
        models.mnasnet0_5(weights=done.path)
    with pytest.raises(TypeError, match="weights of mnasnet0_5, not of quantized_mnasnet0_5"):
        quantization.mnasnet0_5(weights=parent, quantize=True)
    assert type(quantization.mnasnet0_5(weights=parent)).__name__ == "MNASNet"
    with pytest.raises(TypeError, match="no argument 'width'"):
        quantization.mnasnet0_5(quantize=True, width=2)


def test_every_variant_of_classification_has_a_quantized_one():
    variants = multiweight.list_models(module=models)
    assert len(variants) == 80
    for variant in variants:
        enum = get_model_weights(f"quantized_{variant}")
        assert enum.__name__ == get_model_weights(variant).__name__.replace("_Weights", "_QuantizedWeights")
        builder = get_model_builder(f"quantized_{variant}")
        assert builder.__name__ == variant
        assert get_model_weights(builder) is enum
        assert get_model_builder(f"quantized_{variant}") is builder
    for name in ("quantized_resnet51", "quantized_fcn_resnet50", "quantized_quantized_resnet50"):
        with pytest.raises(UnknownModelError, match=f"no model '{name}'"):
            get_model_weights(name)
    with pytest.raises(AttributeError, match="resnet51"):
        _ = quantization.resnet51


def test_what_cannot_be_done_is_refused_before_the_work(done, parent, pictures, tmp_path):
    out = {"data": pictures, "output": tmp_path / "x.safetensors"}
    with pytest.raises(InputError, match="quantized already"):
        quantize_weights(done.path, **out)
    with pytest.raises(InputError, match="for segmentation"):
        quantize_weights("LRASPP_MobileNet_V3_Small_Weights.DIGIT_PAGES_V1", **out)
    with pytest.raises(StoreError, match="there is no folder"):
        quantize_weights(parent, data=pictures, output=tmp_path / "none" / "x.safetensors")
    with pytest.raises(DatasetError, match="no folder"):
        quantize_weights(parent, data=tmp_path / "none", output=tmp_path / "x.safetensors")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="neither class folders nor"):
        quantize_weights(parent, data=tmp_path / "empty", output=tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match="at least 1"):
        quantize_weights(parent, **out, pictures=0)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_folder_of_nothing_but_damaged_pictures_is_refused(parent, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="got none"):
        quantize_weights(parent, data=tmp_path, output=tmp_path / "x.safetensors", progress=False)
    assert not (tmp_path / "x.safetensors").exists()


def test_pictures_are_evenly_spread():
    digits = open_pictures("digits", "val")
    chosen = _Chosen(digits, 9)
    assert [chosen.source(place) for place in (0, 8)] == [digits.source(20), digits.source(340)]
    assert (len(chosen), len(_Chosen(digits, 10_000))) == (9, 360)
    assert chosen.target(1) == digits.target(60)
    assert [chosen.name, chosen.split] == ["UCI digits", "val"]
