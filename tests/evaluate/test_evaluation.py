"""From an entry and data to figures."""

import json
import os
import random

import pytest
import torch

from multiweight.catalogue._file import Header
from multiweight.errors import DatasetError, InputError, UnknownWeightsError
from multiweight.evaluate import Evaluator, confused_pairs, evaluate, measure
from multiweight.models import ShuffleNet_V2_X0_5_Weights
from multiweight.store.save import save_weights
from tests.evaluate.support import CLAIM, Colours_Weights, picture
from tests.evaluate.test_counts import everything

ENTRY = Colours_Weights.IMAGENET1K_V1
WRONG = range(5, 1000, 10)
"""The classes whose pictures show the next class."""


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """A validation set with ImageNet's folders: 1,000 WordNet ids, in whose order the classes are."""
    root = tmp_path_factory.mktemp("imagenet")
    ids = sorted(random.Random(0).sample(range(1_440_764, 15_075_142), 1000))
    numbers = list(range(1000))
    random.Random(1).shuffle(numbers)  # so that the order of the folders on the disk is another
    for number in numbers:
        for split in ("val", "train"):
            folder = root / split / f"n{ids[number]:08d}"
            folder.mkdir(parents=True)
        shown = number + 1 if number in WRONG else number
        picture(shown).save(root / "val" / f"n{ids[number]:08d}" / f"ILSVRC2012_val_{number:08d}.JPEG", quality=95)
    return root


@pytest.fixture(scope="module")
def once(imagenet):
    return evaluate(ENTRY, data=imagenet, progress=False)


@pytest.fixture
def letters(tmp_path):
    """Two pictures of each of four classes, the second of `h` unreadable, and one of `b` that shows an `i`."""
    for name in "bdfh":
        (tmp_path / "letters" / "val" / name).mkdir(parents=True)
        number = "abcdefghi".index(name)
        picture(number).save(tmp_path / "letters" / "val" / name / "0.png")
        picture(8 if name == "b" else number).save(tmp_path / "letters" / "val" / name / "1.png")
    (tmp_path / "letters" / "val" / "h" / "1.png").write_bytes(b"no picture")
    return tmp_path / "letters"


class TestImageNet:
    def test_classes_are_in_the_order_of_the_wordnet_ids(self, once):
        counts = once.counts
        assert once.dataset == "ImageNet-1K"
        assert once.matching.places == tuple(range(1000))
        expected = torch.zeros(1000, 1000, dtype=torch.int64)
        for number in range(1000):
            expected[number, number + 1 if number in WRONG else number] = 1
        assert torch.equal(counts.confusion, expected)
        assert (counts.top1, counts.top5) == (90, 100)
        assert [(claim.key, claim.claimed, claim.difference) for claim in once.claims] == [
            (key, value, 0) for key, value in CLAIM.items()
        ]

    def test_the_folder_of_the_split_itself_will_do(self, imagenet):
        measurement = evaluate(ENTRY, data=imagenet / "val", progress=False)
        assert (measurement.dataset, measurement.counts.top1) == ("ImageNet-1K", 90)
        assert len(measurement.claims) == 2

    @pytest.mark.parametrize("options", [{"batch_size": 7}, {"batch_size": 1000}, {"batch_size": 333, "workers": 2}])
    def test_neither_batches_nor_workers_change_the_counts(self, imagenet, once, options):
        again = evaluate(ENTRY, data=imagenet, progress=False, **options)
        assert everything(again.counts) == everything(once.counts)

    def test_some_folders_of_it_are_refused(self, imagenet, tmp_path):
        for folder in sorted((imagenet / "val").iterdir())[:3]:
            os.symlink(folder, tmp_path / folder.name)
        with pytest.raises(DatasetError, match="WordNet ids are matched where all 1,000"):
            evaluate(ENTRY, data=tmp_path, progress=False)


@pytest.fixture(scope="module")
def measurement():
    return evaluate("ShuffleNet_V2_X0_5_Weights.DIGITS_V1", data="digits", progress=False)


class TestDigits:
    def test_is_what_its_definition_gives(self, measurement):
        from sklearn.datasets import load_digits

        from multiweight.data import open_dataset

        weights = ShuffleNet_V2_X0_5_Weights.DIGITS_V1
        model, preset = evaluate_model(weights), weights.transforms()
        dataset = open_dataset("digits", "val")
        logits = model(torch.stack([preset(dataset.picture(index)) for index in range(len(dataset))]))
        targets = torch.from_numpy(load_digits().target[::5])
        right = logits.topk(5).indices == targets[:, None]
        assert measurement.counts.total == len(targets) == 360
        assert measurement.counts.top1 == 100 * right[:, 0].double().mean().item()
        assert measurement.counts.top5 == pytest.approx(100 * right.any(1).double().mean().item())

    def test_record_says_with_what(self, measurement):
        record = json.loads(json.dumps(measurement.record(), allow_nan=False))
        assert record["metrics"] == measurement.figures
        expected = {
            "dataset": "UCI digits",
            "split": "val",
            "pictures": 360,
            "unreadable": 0,
            "classes": 10,
            "classes_matched_by": "name",
            "resolution": [36, 36],
            "sha256": ShuffleNet_V2_X0_5_Weights.DIGITS_V1.sha256,
            "precision": "fp32",
            "processes": 1,
            "batch_size": 64,
        }
        assert {key: record[key] for key in expected} == expected
        assert {"multiweight", "torch", "numpy", "pillow", "python"} == set(record["versions"])
        assert record["versions"]["torch"] == torch.__version__
        assert len(record["preset"]) == 12
        assert record["settings"]["interpolation"] == "bilinear"
        assert record["images_per_second"] > 0
        assert record["date"].startswith("20")
        assert record["device"].startswith("cpu")

    def test_other_settings_are_another_preset(self, measurement):
        other = evaluate(
            "ShuffleNet_V2_X0_5_Weights.DIGITS_V1", data="digits", overrides={"crop_size": 56}, progress=False
        )
        assert other.record()["resolution"] == [56, 56]
        assert other.record()["preset"] != measurement.record()["preset"]
        assert other.counts.top1 != measurement.counts.top1

    def test_mixed_precision_is_said(self):
        other = evaluate("ShuffleNet_V2_X0_5_Weights.DIGITS_V1", data="digits", precision="bf16", progress=False)
        assert other.record()["precision"] == "bf16"
        assert other.counts.top1 == pytest.approx(ShuffleNet_V2_X0_5_Weights.DIGITS_V1.meta["acc@1"], abs=1)


def evaluate_model(weights):
    from multiweight.models import shufflenet_v2_x0_5

    model = shufflenet_v2_x0_5(weights=weights).eval()
    return torch.inference_mode()(model)


class TestFewerClasses:
    def test_are_matched_by_name_and_unreadable_pictures_left_out(self, letters):
        measurement = evaluate(Colours_Weights.NINE_V1, data=letters, progress=False)
        counts = measurement.counts
        assert measurement.matching.places == (1, 3, 5, 7)
        assert counts.total == 7
        assert counts.support.tolist() == [0, 2, 0, 2, 0, 2, 0, 1, 0]
        assert counts.top1 == 100 * 6 / 7
        assert [source for source, _ in counts.failures] == [str(letters / "val" / "h" / "1.png")]
        assert confused_pairs(counts, 5) == [(1, 8, 1)]
        assert measurement.record()["unreadable"] == 1
        figures = {each.label: each for each in measurement.per_class()}
        assert list(figures) == ["b", "d", "f", "h"]
        assert (figures["b"].pictures, figures["b"].top1, figures["b"].taken_for) == (2, 50, "i")
        assert (figures["d"].top1, figures["d"].precision, figures["d"].taken_for) == (100, 100, None)

    def test_claims_are_looked_up_under_the_name_given(self, letters):
        assert evaluate(Colours_Weights.NINE_V1, data=letters, progress=False).claims[0].claimed == 50
        elsewhere = evaluate(Colours_Weights.NINE_V1, data=letters, dataset="Others", progress=False)
        assert (elsewhere.dataset, elsewhere.claims) == ("Others", [])

    def test_training_pictures_prove_no_claim(self, letters):
        (letters / "val").rename(letters / "train")
        measurement = evaluate(Colours_Weights.NINE_V1, data=letters, split="train", progress=False)
        assert measurement.counts.total == 7
        assert measurement.claims == []


class TestFile:
    def test_that_knows_what_it_is_needs_nothing_else(self, tmp_path, measurement):
        entry = ShuffleNet_V2_X0_5_Weights.DIGITS_V1
        header = Header(
            variant="shufflenet_v2_x0_5",
            labels=tuple(entry.meta["categories"]),
            preset=entry.transforms,
            metrics={"UCI digits": {"acc@1": 97.0}},
        )
        path = tmp_path / "best.safetensors"
        save_weights(entry.get_state_dict(), path, header)
        of_file = evaluate(path, data="digits", progress=False)
        assert everything(of_file.counts) == everything(measurement.counts)
        assert [(claim.key, claim.claimed) for claim in of_file.claims] == [("acc@1", 97.0)]
        record = of_file.record()
        assert len(record["tensors_sha256"]) == 64
        assert record["preset"] == measurement.record()["preset"]
        assert str(of_file.weights) == str(path)


class TestModes:
    def test_every_module_gets_its_own_back(self):
        model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(12), torch.nn.Linear(12, 3))
        model.train()[1].eval()
        seen = []

        class Batch:
            pictures = torch.zeros(2, 3, 2, 2)
            targets = torch.tensor([0, 2])
            failures = ()

        def batches():
            for _ in range(3):
                seen.append([module.training for module in model.modules()])
                yield Batch

        counts = measure(model, batches(), classes=3)
        assert counts.total == 6
        assert seen == [[False] * 4] * 3
        assert [module.training for module in model.modules()] == [True, True, False, True]
        assert not model[1].running_mean.any()


class TestRefuses:
    @pytest.mark.parametrize(
        ("reference", "options", "error", "text"),
        [
            ("resnet51", {}, UnknownWeightsError, "Did you mean"),
            ("fasterrcnn_resnet50_fpn", {}, InputError, "classify pictures can be measured.* is for detection"),
            (Colours_Weights.UNTRAINED, {}, InputError, "no labels"),
            (ENTRY, {"batch_size": 0}, ValueError, "batch_size must be at least 1"),
            (ENTRY, {"precision": "int8"}, ValueError, "fp32, bf16, fp16; got 'int8'"),
            (ENTRY, {"device": "abacus"}, ValueError, "'abacus' cannot be used"),
            (ENTRY, {}, DatasetError, "10 classes and the entry 1000 labels"),
            (ENTRY, {"split": "vall"}, DatasetError, "Did you mean val"),
        ],
    )
    def test_what_cannot_be_measured(self, reference, options, error, text):
        with pytest.raises(error, match=text):
            Evaluator(reference, data="digits", **{"progress": False, **options})
