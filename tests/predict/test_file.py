"""A weights file is all that a network, a prediction and another process need."""

import multiprocessing
import re
import shutil
from pathlib import Path

import pytest
import torch

from multiweight import Predictor, save
from multiweight.catalogue import Header, ImageClassification, get_weight, resolve
from multiweight.errors import CorruptFileError, HeaderError, MismatchError, UnknownWeightsError
from multiweight.models import get_model, mobilenet_v2, resnet18, shufflenet_v2_x0_5
from multiweight.models.segmentation import lraspp_mobilenet_v3_small
from multiweight.store import local_path
from multiweight.store.save import save_weights

EXAMPLES = Path(__file__).parents[2] / "examples"
DIGITS = get_weight("ShuffleNet_V2_X0_5_Weights.DIGITS_V1")
PAGES = get_weight("LRASPP_MobileNet_V3_Small_Weights.DIGIT_PAGES_V1")


def as_file(entry, path):
    """The tensors of an entry in a file that knows as much as the entry does."""
    said = Header(
        variant=type(entry).variant, labels=entry.meta["categories"], preset=entry.value.transforms, license="MIT"
    )
    save_weights(entry.get_state_dict(), path, said)
    return path


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return as_file(DIGITS, tmp_path_factory.mktemp("run") / "best.safetensors")


def test_it_predicts_as_the_entry_with_no_other_input(digits, monkeypatch):
    pictures = sorted(EXAMPLES.glob("digits/*.png"))[:8]
    expected = [str(each) for each in Predictor(DIGITS, device="cpu")(pictures)]
    monkeypatch.chdir(digits.parent)
    for reference in (digits, str(digits), "best.safetensors", resolve(digits)):
        predictor = Predictor(reference, device="cpu")
        assert [str(each) for each in predictor(pictures)] == expected
        assert predictor.labels == DIGITS.meta["categories"]
        assert repr(predictor).startswith("Predictor('best.safetensors'")


def test_other_tasks_do_too(tmp_path):
    page = sorted(EXAMPLES.glob("pages/*.png"))[0]
    path = as_file(PAGES, tmp_path / "pages.safetensors")
    assert Predictor(path, device="cpu")(page).to_dict() == Predictor(PAGES, device="cpu")(page).to_dict()
    with pytest.raises(TypeError, match="holds weights of lraspp_mobilenet_v3_small"):
        lraspp_mobilenet_v3_small(weights_backbone=path)


def test_builders_take_it_as_any_weights(digits):
    expected = shufflenet_v2_x0_5(weights=DIGITS).state_dict()
    for model in (
        shufflenet_v2_x0_5(weights=str(digits)),
        shufflenet_v2_x0_5(weights=digits),
        shufflenet_v2_x0_5(weights=resolve(digits), num_classes=10),
        get_model("shufflenet_v2_x0_5", weights=str(digits)),
    ):
        assert all(torch.equal(tensor, expected[name]) for name, tensor in model.state_dict().items())
    with pytest.raises(TypeError, match="holds weights of shufflenet_v2_x0_5, not of resnet18"):
        resnet18(weights=str(digits))
    assert shufflenet_v2_x0_5(weights=digits, num_classes=5).load_report.new.keys() == {"fc.weight", "fc.bias"}
    with pytest.raises(UnknownWeightsError, match=r"Did you mean .*best.safetensors"):
        shufflenet_v2_x0_5(weights=str(digits).replace("best", "bets"))


def test_the_documentation_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    model, recipe = shufflenet_v2_x0_5(weights=DIGITS), {"name": "mine", "text": 'name = "mine"\n'}
    save(model, "run/best.safetensors", recipe=recipe)
    shutil.copy(EXAMPLES / "digits/0000_0.png", "photo.jpg")
    text = (EXAMPLES.parent / "docs/files.md").read_text(encoding="utf-8")
    names = {}
    for code in re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        exec(code, names)
    assert names["header"].recipe["name"] == "mine"
    assert names["result"].same
    assert resolve("mine.safetensors").meta["categories"] == ("cat", "dog")


def answers_in_another_process(entry):
    return Predictor(entry, device="cpu")(EXAMPLES / "digits/0005_5.png").label


def test_it_goes_to_another_process(digits):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(answers_in_another_process, [resolve(digits)])
    assert there == answers_in_another_process(DIGITS)


def narrow(path, state=None, **more):
    said = {"variant": "mobilenet_v2", "labels": ("a", "b"), "preset": ImageClassification(crop_size=32)}
    said |= {"arguments": {"width_mult": 0.25}} | more
    save_weights(state or mobilenet_v2(width_mult=0.25, num_classes=2).state_dict(), path, Header(**said))
    return path


class TestArguments:
    def test_the_network_is_built_as_the_file_says(self, tmp_path):
        path = narrow(tmp_path / "narrow.safetensors", arguments={"width_mult": 0.25, "dropout": 0.0})
        model = mobilenet_v2(weights=path)
        assert model.classifier[-1].out_features == 2
        assert model.classifier[0].p == 0.0
        assert len(Predictor(path, device="cpu")(torch.zeros(3, 40, 40, dtype=torch.uint8)).labels) == 2

    def test_the_callers_own_come_first(self, tmp_path):
        path = narrow(tmp_path / "narrow.safetensors", arguments={"width_mult": 0.25, "dropout": 0.0})
        assert mobilenet_v2(weights=path, dropout=0.7).classifier[0].p == 0.7
        with pytest.raises(MismatchError, match=r"narrow.safetensors.* does not fit"):
            mobilenet_v2(weights=path, width_mult=0.5)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"with_mult": 0.25}, "Did you mean width_mult"),
            ({"weights": "DEFAULT"}, "no argument 'weights'"),
            ({"progress": True}, "no argument 'progress'"),
            ({"pretrained": True}, "no argument 'pretrained'"),
            ({"width_mult": "a quarter"}, "cannot be built with width_mult='a quarter'"),
            ({"width_mult": 0.25, "num_classes": 3}, "so num_classes must be 2"),
            ({"width_mult": 0.25, "norm_layer": "BatchNorm2d"}, "norm_layer='BatchNorm2d'"),
        ],
        ids=str,
    )
    def test_what_no_network_can_be_told_is_an_error_that_says_so(self, tmp_path, arguments, words):
        path = narrow(tmp_path / "narrow.safetensors", arguments=arguments)
        with pytest.raises(HeaderError, match=words) as caught:
            mobilenet_v2(weights=path)
        assert "narrow.safetensors" in str(caught.value)

    def test_without_them_it_does_not_fit(self, tmp_path):
        path = narrow(tmp_path / "narrow.safetensors", arguments={})
        with pytest.raises(MismatchError, match="misshapen"):
            mobilenet_v2(weights=path)


def test_tensors_that_are_not_all_there_are_an_error(tmp_path):
    state = mobilenet_v2(width_mult=0.25, num_classes=2).state_dict()
    kept = {name: tensor for number, (name, tensor) in enumerate(state.items()) if number % 3}
    with pytest.raises(MismatchError, match="105 missing"):
        mobilenet_v2(weights=narrow(tmp_path / "a.safetensors", kept))


def test_a_file_that_is_damaged_or_says_nothing(tmp_path, digits):
    (tmp_path / "half.safetensors").write_bytes(digits.read_bytes()[:-1000])
    with pytest.raises(CorruptFileError, match="half.safetensors is truncated or damaged"):
        Predictor(tmp_path / "half.safetensors")
    with pytest.raises(HeaderError, match="does not say what it is"):
        Predictor(local_path(get_weight("LRASPP_MobileNet_V3_Small_Weights.DIGIT_PAGES_V1").url))
