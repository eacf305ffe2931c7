"""The usual mistakes are what their names say, whatever the entry."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from multiweight.catalogue import ImageClassification, InterpolationMode, weights_enums
from multiweight.evaluate import Evaluator, mistakes, sensitivity
from tests.evaluate.support import Colours_Weights, picture

PRESETS = list(
    dict.fromkeys(
        entry.transforms
        for enum in weights_enums().values()
        for entry in enum
        if isinstance(entry.transforms, ImageClassification)
    )
)


@pytest.fixture(scope="module")
def photo():
    """A picture with detail, wider than high."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 53, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((371, 280), Image.Resampling.BICUBIC)


def named(preset):
    return {mistake.name: mistake for mistake in mistakes(preset)}


class TestEveryPreset:
    def test_has_a_mistake_of_each_kind_and_makes_none_itself(self):
        for preset in PRESETS:
            names = list(named(preset))
            assert len(names) == len(mistakes(preset))
            assert not any(name.startswith(f"{preset.interpolation.value} ") for name in names)
            kinds = [
                "interpolation",
                "antialias",
                "crop too small",
                "crop too large",
                "BGR",
                "mean and std",
                "0 to 255",
            ]
            assert all(any(kind in name for name in names) for kind in kinds), preset
            assert ("no normalisation" in names) == (preset.mean != (0, 0, 0))

    def test_can_be_sent_to_workers(self, photo):
        for mistake in mistakes(PRESETS[0]):
            assert torch.equal(pickle.loads(pickle.dumps(mistake))(photo), mistake(photo))


class TestMistakes:
    PRESET = ImageClassification(crop_size=96, resize_size=120)

    def test_differ_from_the_preset_and_from_each_other(self, photo):
        right = self.PRESET()(photo)
        tensors = [mistake(photo) for mistake in mistakes(self.PRESET)]
        for number, tensor in enumerate(tensors):
            assert not torch.equal(tensor, right) or tensor.shape != right.shape
            assert not any(torch.equal(tensor, other) for other in tensors[:number])

    def test_bgr(self, photo):
        swapped = named(self.PRESET)["BGR for RGB"](photo)
        values = self.PRESET(mean=(0, 0, 0), std=(1, 1, 1))(photo).flip(0)
        mean, std = (torch.tensor(given).view(3, 1, 1) for given in (self.PRESET.mean, self.PRESET.std))
        assert torch.allclose(swapped, (values - mean) / std, atol=1e-6)

    def test_0_to_255(self, photo):
        values = self.PRESET(mean=(0, 0, 0), std=(1, 1, 1))(photo) * 255
        mean, std = (torch.tensor(given).view(3, 1, 1) for given in (self.PRESET.mean, self.PRESET.std))
        wrong = named(self.PRESET)["0 to 255 for 0 to 1, then normalised"](photo)
        assert torch.allclose(wrong, (values - mean) / std, rtol=1e-5, atol=1e-3)

    def test_no_normalisation(self, photo):
        wrong = named(self.PRESET)["no normalisation"](photo)
        assert (wrong.min() >= 0, wrong.max() <= 1, wrong.max() > 0.5) == (True, True, True)

    def test_no_antialias(self, photo):
        wrong = named(self.PRESET)["resized as a tensor, no antialias"](photo)
        pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1)
        small = torch.nn.functional.interpolate(pixels[None].float(), (120, 159), mode="bilinear")[0].round()
        crop = small[:, 12:108, 32:128] / 255
        mean, std = (torch.tensor(given).view(3, 1, 1) for given in (self.PRESET.mean, self.PRESET.std))
        assert torch.allclose(wrong, (crop - mean) / std, atol=1e-5)

    def test_squashed(self, photo):
        wrong = named(self.PRESET)["squashed to 96 × 96 pixels"](photo)
        square = photo.resize((96, 96), Image.Resampling.BILINEAR)
        assert torch.equal(wrong, self.PRESET(resize_size=96)(square))

    @pytest.mark.parametrize(
        ("name", "side", "resize"),
        [
            ("crop too small: 72 of 120 pixels", 72, 120),
            ("crop too large: 128 of 120 pixels", 128, 120),
            ("all too small: 72 of 90 pixels", 72, 90),
            ("all too large: 128 of 160 pixels", 128, 160),
        ],
    )
    def test_sizes(self, photo, name, side, resize):
        wrong = named(self.PRESET)[name](photo)
        assert wrong.shape == (3, side, side)
        assert torch.equal(wrong, self.PRESET(crop_size=side, resize_size=resize)(photo))

    @pytest.mark.parametrize("mode", [InterpolationMode.NEAREST, InterpolationMode.BICUBIC, InterpolationMode.LANCZOS])
    def test_interpolation(self, photo, mode):
        wrong = named(self.PRESET)[f"{mode.value} interpolation"](photo)
        assert torch.equal(wrong, self.PRESET(interpolation=mode)(photo))


class TestCosts:
    def test_are_measured_one_by_one_and_refused_sizes_named(self, tmp_path):
        for number, name in enumerate("abcdefghi"):
            (tmp_path / name).mkdir()
            picture(number * 111 % 9).save(tmp_path / name / "0.png")
        entry = Colours_Weights.NINE_V1
        evaluator = Evaluator(entry, data=tmp_path, progress=False)
        costs = {cost.mistake.name: cost for cost in sensitivity(evaluator)}
        assert list(costs) == [mistake.name for mistake in mistakes(entry.transforms)]
        # The answer is a colour, of the last digit in blue, which no interpolation changes.
        assert costs["bicubic interpolation"].measurement.counts.confusion.equal(evaluator.measure().counts.confusion)
        assert costs["0 to 255 for 0 to 1, then normalised"].measurement.counts.top1 < 50
        assert costs["crop too small: 6 of 8 pixels"].measurement is not None
        small = Evaluator(entry, data=tmp_path, progress=False)
        small.preset = ImageClassification(crop_size=6, resize_size=6, mean=(0.0,) * 3, std=(1.0,) * 3)
        refused = {cost.mistake.name: cost.reason for cost in sensitivity(small) if cost.measurement is None}
        assert list(refused) == ["crop too small: 4 of 6 pixels", "all too small: 4 of 4 pixels"]
        assert set(refused.values()) == {"The picture has 4 pixels; at least 6 are needed."}
