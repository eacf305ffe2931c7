"""Every figure of the catalogue equals the published one, a copy of which is in tests/data."""

import json
import pickle
from pathlib import Path

import pytest

from multiweight.catalogue import WeightsEnum, get_model_weights, get_weight, list_models, weights_enums
from multiweight.catalogue._schema import spelling

DATA = Path(__file__).parents[1] / "data"
FACTS = json.loads((DATA / "facts_weights.json").read_text())["models"]
OURS = [name for name in list_models() if name in FACTS]


SWAPPED = {
    ("fcn_resnet101", "recipe"): ("deeplabv3_resnet101", "fcn_resnet101"),
    ("deeplabv3_resnet101", "recipe"): ("fcn_resnet101", "deeplabv3_resnet101"),
}
"""Two recipe links that were published with the fragment of each other."""


def plain(value):
    if hasattr(value, "items"):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, WeightsEnum):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("variant", OURS)
def test_entries_equal_the_published_facts(variant):
    facts, enum = FACTS[variant], get_model_weights(variant)
    assert enum.__name__ == facts["weights_enum"]
    # tests/parity/test_timm.py has what other publishers say of theirs.
    published = [entry.name for entry in enum if not (entry.url.startswith("package://") or entry.architecture)]
    assert published == list(facts["entries"])
    for name, fact in facts["entries"].items():
        entry = enum[name]
        assert entry.url == fact["url"]
        assert type(entry.value.transforms).__name__ == fact["transforms"]
        settings = {key: plain(value) for key, value in entry.value.transforms.settings().items()}
        # torchvision's preset objects hold sizes in lists, of one too.
        for key in ("crop_size", "resize_size"):
            if isinstance(settings.get(key), int):
                settings[key] = [settings[key]]
        assert settings == fact["settings"]
        for key, value in fact["meta"].items():
            if value is None:
                assert entry.meta[key] is None
            elif key == "categories":
                labels = (DATA / f"labels_{value}.txt").read_text().splitlines()
                assert list(entry.meta[key]) == labels
                assert entry.meta.label_list == value
            elif (variant, key) in SWAPPED:
                assert entry.meta[key] == value.replace(*SWAPPED[variant, key])
            else:
                # As text, in which a figure that was not published (NaN) equals itself.
                assert repr(plain(entry.meta[key])) == repr(value)
    assert enum["DEFAULT"].name == facts["default"]
    # Those of quantized variants were read off a call that asks for no quantization.
    if not variant.startswith("quantized_"):
        assert str(enum.legacy) == facts["legacy_default"]["weights"][1].removeprefix("callable:")


def test_every_published_variant_of_the_families_built_is_there():
    modules = {FACTS[variant]["module"] for variant in OURS}
    expected = {name for name, fact in FACTS.items() if fact["module"] in modules}
    assert expected == set(OURS)


def test_all_names_of_the_catalogue_can_be_told_apart_in_any_spelling():
    enums = weights_enums()
    assert len({spelling(name) for name in enums}) == len(enums)
    for enum in enums.values():
        names = list(enum.__members__)
        assert len({spelling(name) for name in names}) == len(names)
        for entry in enum:
            assert entry.name == entry.name.upper()
            for written in (str(entry), str(entry).lower(), str(entry).replace("_", "-").upper()):
                assert get_weight(written) is entry


def test_every_entry_is_complete():
    for enum in weights_enums().values():
        for entry in enum:
            for key in ("num_params", "min_size", "metrics", "gflops", "file_size", "recipe"):
                assert key in entry.meta, f"{entry} lacks {key}"
            assert ("categories" in entry.meta) == (enum.task != "optical_flow"), entry
            # Without them nobody can measure a video's accuracy again.
            for key in ("clip_len", "frame_rate", "clips_per_video"):
                assert (key in entry.meta) == (enum.task == "video"), entry


QUANTIZED = [entry for name in OURS if name.startswith("quantized_") for entry in get_model_weights(name)]


@pytest.mark.parametrize("entry", QUANTIZED, ids=str)
def test_quantized_weights_know_what_they_were_made_of_and_that_they_are_quantized(entry):
    origin = entry.meta.unquantized
    assert isinstance(origin, WeightsEnum)
    assert type(origin).variant == type(entry).variant.removeprefix("quantized_")
    for key in ("num_params", "min_size", "gflops", "categories"):
        assert entry.meta[key] == origin.meta[key]
    assert entry.transforms == origin.transforms
    assert entry.arguments == {**origin.arguments, "quantize": True}
    assert type(entry).legacy is next(iter(type(entry)))
    assert pickle.loads(pickle.dumps(entry)) is entry
    assert pickle.loads(pickle.dumps(entry.meta)).unquantized is origin
