"""Every region comes from the level that fits it, in an exported program too."""

import pytest
import torch

from multiweight.layers import LevelMapper, MultiScaleRoIAlign, roi_align

NAMES = ["0", "1", "2", "3"]


def pyramid(height, width, *, pictures=1, levels=4, channels=3, dtype=torch.float32):
    generator = torch.Generator().manual_seed(height)
    return {
        name: torch.randn(pictures, channels, -(-height // 4 // 2**level), -(-width // 4 // 2**level),
                          generator=generator).to(dtype)
        for level, name in enumerate(NAMES[:levels])
    }  # fmt: skip


def boxes(count, size=500.0):
    generator = torch.Generator().manual_seed(count)
    start = torch.rand(count, 2, generator=generator) * 200
    return torch.cat((start, start + torch.rand(count, 2, generator=generator) ** 2 * size), 1)


@pytest.mark.parametrize("ratio", [2, 0])
@pytest.mark.parametrize("size", [7, (14, 3)])
def test_a_region_comes_from_its_level(ratio, size):
    maps, given = pyramid(480, 640, pictures=2), [boxes(9), boxes(4)]
    got = MultiScaleRoIAlign(NAMES, size, ratio)(maps, given, [(480, 640), (400, 640)])
    levels = LevelMapper(2, 5)(given).tolist()
    assert len(set(levels)) == 3
    numbered = [(picture, box) for picture, of_one in enumerate(given) for box in of_one]
    for number, (level, (picture, box)) in enumerate(zip(levels, numbered, strict=True)):
        features = maps[NAMES[level]][picture : picture + 1]
        expected = roi_align(features, [box[None]], size, 0.25 / 2**level, ratio)
        # Without a ratio, what is summed up in one go depends on the regions pooled with it.
        assert torch.equal(got[number], expected[0]) if ratio else torch.allclose(got[number], expected[0], atol=1e-6)


def test_levels():
    def square(side):
        return torch.tensor([[10.0, 10, 10 + side, 10 + side]])

    mapper = LevelMapper(2, 5)
    sides = [0, 1, 111.9, 112, 223.9, 224, 448, 1e6]
    assert mapper([square(side) for side in sides]).tolist() == [0, 0, 0, 1, 1, 2, 3, 3]
    assert LevelMapper(3, 5, canonical_scale=112, canonical_level=5)([square(112.0)]).tolist() == [2]
    assert mapper([torch.tensor([[0, 0, 5, -5], [0, 0, 1, torch.nan], [0, 0, 1, torch.inf]])]).tolist() == [-1, -1, 3]


def test_a_box_without_a_level_gives_zeros():
    given = torch.tensor([[0, 0, 9, torch.nan], [5, 5, 20, 1], [5, 5, 20, 20]])
    got = MultiScaleRoIAlign(NAMES, 3, 2)(pyramid(64, 64), [given], [(64, 64)])
    assert (got.abs().sum((1, 2, 3)) > 0).tolist() == [False, False, True]


@pytest.mark.parametrize("levels", [1, 4])
@pytest.mark.parametrize("ratio", [2, -1])
def test_no_boxes(levels, ratio):
    pooler = MultiScaleRoIAlign(NAMES, 7, ratio)
    assert pooler(pyramid(64, 96, levels=levels), [torch.rand(0, 4)], [(64, 96)]).shape == (0, 3, 7, 7)


def test_the_scales_are_those_of_the_first_call():
    pooler = MultiScaleRoIAlign(["1", "2"], 7, 2)
    assert pooler.scales is None
    assert pooler.map_levels is None
    pooler(pyramid(123, 200), [boxes(3)], [(123, 200), (100, 100)])
    assert pooler.scales == [1 / 8, 1 / 16]
    assert (pooler.map_levels.k_min, pooler.map_levels.k_max) == (3, 4)
    pooler(pyramid(500, 200), [boxes(3)], [(123, 200)])
    assert pooler.scales == [1 / 8, 1 / 16]


@pytest.mark.parametrize("ratio", [2, -1])
def test_gradients_reach_every_level(ratio):
    maps = {name: features.requires_grad_() for name, features in pyramid(480, 640).items()}
    MultiScaleRoIAlign(NAMES, 7, ratio)(maps, [boxes(30, 900.0)], [(480, 640)]).sum().backward()
    assert all(features.grad.abs().sum() > 0 for features in maps.values())


def test_the_first_maps_dtype_under_autocast():
    maps = pyramid(64, 64, dtype=torch.bfloat16) | {"3": torch.randn(1, 3, 2, 2)}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = MultiScaleRoIAlign(NAMES, 7, 2)(maps, [boxes(5)], [(64, 64)])
    assert got.dtype == torch.bfloat16
    wide = {name: features.float() for name, features in maps.items()}
    expected = MultiScaleRoIAlign(NAMES, 7, 2)(wide, [boxes(5)], [(64, 64)])
    assert torch.equal(got, expected.bfloat16())


def test_mistakes_get_sentences():
    with pytest.raises(ValueError, match=r"None of \['0', '1'\] is a map to pool from: \['feat'\]"):
        MultiScaleRoIAlign(["feat"], 7, 2)(pyramid(64, 64, levels=2), [boxes(1)], [(64, 64)])
    with pytest.raises(ValueError, match="image_shapes is empty"):
        MultiScaleRoIAlign(NAMES, 7, 2)(pyramid(64, 64), [boxes(1)], [])


class Pooled(torch.nn.Module):
    def __init__(self, ratio):
        super().__init__()
        self.pooler = MultiScaleRoIAlign(NAMES, 7, ratio)

    def forward(self, picture, maps, given):
        return self.pooler(maps, given, [tuple(picture.shape[-2:])])


@pytest.mark.parametrize("ratio", [2, -1])
def test_exported_for_any_picture(ratio):
    def scene(height, width, count):
        return torch.zeros(1, 3, height, width), pyramid(height, width), [boxes(count)]

    free = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    shapes = (free, dict.fromkeys(NAMES, free), [{0: torch.export.Dim.DYNAMIC}])
    program = torch.export.export(Pooled(ratio), scene(256, 320, 12), dynamic_shapes=shapes).module()
    for other in (scene(480, 224, 1), scene(200, 640, 50)):
        assert torch.equal(program(*other), Pooled(ratio)(*other))
