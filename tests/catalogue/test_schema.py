"""The weights contract: enum behaviour, spellings, meta, identity, pickling."""

import copy
import json
import pickle
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiweight.catalogue import (
    ImageClassification,
    InterpolationMode,
    Meta,
    Weights,
    WeightsEnum,
    get_weight,
    weights_enums,
)
from multiweight.catalogue.resnet import ResNet18_Weights, ResNet50_Weights
from multiweight.errors import UnknownMetaError, UnknownWeightsError

ENTRIES = [entry for enum in weights_enums().values() for entry in enum]


def settings(**more):
    return {
        "url": "file:///a.pth",
        "transforms": ImageClassification(crop_size=8),
        "meta": {"categories": ("a",)},
    } | more


class Twin_Weights(WeightsEnum):
    FIRST_V1 = Weights(**settings())
    SECOND_V1 = Weights(**settings())
    DEFAULT = FIRST_V1


class Several_Weights(WeightsEnum):
    COCO_V1 = Weights(**settings())
    COCO_V2 = Weights(**settings())
    COCO_V10 = Weights(**settings())
    VOC_WITH_COCO_LABELS_V1 = Weights(**settings())
    LVIS_SMALL_V1 = Weights(**settings())
    LVIS_LARGE_V1 = Weights(**settings())
    FEATURES = Weights(**settings())
    DEFAULT = COCO_V2


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
class TestEveryEntry:
    def test_is_found_however_it_is_spelt(self, entry):
        enum = type(entry)
        for name in (entry.name, entry.name.lower(), entry.name.title(), entry.name.replace("_", "-")):
            assert enum[name] is entry
            assert enum.verify(name) is entry
            assert enum.verify(f"{enum.__name__}.{name}") is entry
            if name.isidentifier():
                assert getattr(enum, name) is entry
        assert enum.verify(entry) is entry
        assert enum.verify(entry.value) is entry

    def test_prints_as_it_is_written(self, entry):
        assert repr(entry) == str(entry) == f"{entry}" == f"{type(entry).__name__}.{entry.name}"
        assert get_weight(str(entry)) is entry

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_is_pickled_by_name(self, entry, protocol):
        for thing in (entry, entry.value):
            pickled = pickle.dumps(thing, protocol)
            assert len(pickled) < 200
            assert pickle.loads(pickled) is thing

    def test_is_copied_by_name(self, entry):
        for thing in (entry, entry.value):
            assert copy.copy(thing) is thing
            assert copy.deepcopy(thing) is thing
            assert copy.deepcopy({"nested": [thing]})["nested"][0] is thing

    def test_cannot_be_changed(self, entry):
        with pytest.raises(AttributeError):
            entry.value.url = "elsewhere"
        with pytest.raises(AttributeError):
            entry.value.transforms.crop_size = 1
        with pytest.raises(TypeError):
            entry.meta["num_params"] = 1
        with pytest.raises(AttributeError):
            entry.meta.num_params = 1
        with pytest.raises(TypeError):
            next(iter(entry.meta["metrics"].values()))["acc@1"] = 100.0

    def test_answers_the_keys_of_both_generations(self, entry):
        meta, preset = entry.meta, entry.value.transforms
        figures = next(iter(meta["metrics"].values()))
        assert meta["_metrics"] == meta["metrics"] == meta.metrics
        assert meta["_ops"] == meta["gflops"] == meta.gflops
        assert meta["_file_size"] == meta["file_size"] == meta.file_size
        if crop := getattr(preset, "crop_size", None):
            assert meta["size"] == ((crop, crop) if isinstance(crop, int) else crop)
        assert meta.get("interpolation") == getattr(preset, "interpolation", None)
        for key, value in figures.items():
            assert meta[key] is value  # NaN, too
        if "categories" in meta:
            assert meta["categories"] is None or isinstance(meta["categories"], tuple)
            assert meta["categories"] is entry.meta["categories"]

    def test_iterates_over_the_public_names(self, entry):
        names = list(entry.meta)
        assert len(names) == len(set(names)) == len(entry.meta)
        assert not any(name.startswith("_") for name in names)
        of_presets = {"crop_size": "size", "interpolation": "interpolation"}
        expected = {name for setting, name in of_presets.items() if hasattr(entry.value.transforms, setting)}
        assert expected | {"metrics", "gflops", "file_size"} <= set(names)
        assert dict(entry.meta) == {name: entry.meta[name] for name in names}


def test_default_is_an_alias_and_no_member():
    assert ResNet50_Weights.DEFAULT is ResNet50_Weights.default is ResNet50_Weights.IMAGENET1K_V2
    assert ResNet50_Weights.DEFAULT.name == "IMAGENET1K_V2"
    assert ResNet50_Weights.BEST is ResNet50_Weights["best"] is ResNet50_Weights.TIMM_A1_IN1K
    names = [entry.name for entry in ResNet50_Weights]
    assert names[:2] == ["IMAGENET1K_V1", "IMAGENET1K_V2"]
    assert all(name.startswith("TIMM_") for name in names[2:])
    assert len({*ResNet50_Weights, ResNet50_Weights.DEFAULT, ResNet50_Weights.BEST}) == len(names)


def test_a_data_set_alone_is_its_newest_entry():
    assert ResNet50_Weights.ImageNet1K is ResNet50_Weights.IMAGENET1K_V2
    assert ResNet50_Weights["imagenet-1k"] is ResNet50_Weights.IMAGENET1K_V2
    assert ResNet50_Weights["timm-a1-in1k"] is ResNet50_Weights.timm_a1_in1k is ResNet50_Weights.TIMM_A1_IN1K
    assert Several_Weights.coco is Several_Weights.COCO_V10
    assert Several_Weights.VOC is Several_Weights.VOC_WITH_COCO_LABELS_V1
    assert Several_Weights.Features is Several_Weights.FEATURES


def test_a_data_set_that_could_be_two_is_no_guess():
    with pytest.raises(AttributeError, match="LVIS_SMALL_V1|LVIS_LARGE_V1"):
        Several_Weights.LVIS  # noqa: B018


def test_equal_contents_stay_two_entries():
    assert Twin_Weights.FIRST_V1 is not Twin_Weights.SECOND_V1
    assert Twin_Weights.FIRST_V1 != Twin_Weights.SECOND_V1
    assert Twin_Weights.FIRST_V1.value != Twin_Weights.SECOND_V1.value
    assert len(list(Twin_Weights)) == 2
    for entry in Twin_Weights:
        assert pickle.loads(pickle.dumps(entry)) is entry


def test_a_pickle_survives_a_change_of_the_metadata():
    before = pickle.dumps(Twin_Weights.FIRST_V1.value)
    meta = Twin_Weights.FIRST_V1.meta
    object.__setattr__(Twin_Weights.FIRST_V1.value, "meta", Meta({"categories": ("other",)}))
    try:
        assert pickle.loads(before).meta["categories"] == ("other",)
    finally:
        object.__setattr__(Twin_Weights.FIRST_V1.value, "meta", meta)


def test_weights_of_no_enum_are_pickled_by_value():
    weights = pickle.loads(
        pickle.dumps(Weights("file:///a.pth", ImageClassification(crop_size=8), {"acc": [1, {"b": 2}]}))
    )
    assert (weights.url, weights.transforms.crop_size, weights.meta["acc"]) == ("file:///a.pth", 8, (1, {"b": 2}))


def test_the_three_arguments_of_torchvisions_users_work():
    class Own_Weights(WeightsEnum):
        FLOWERS_V1 = Weights(
            url="https://example.org/own-01234567.pth",
            transforms=partial(dict, crop_size=224),
            meta={"categories": ["rose", "daisy"], "_metrics": {"Flowers": {"acc@1": 99.0}}, "_ops": 1.5},
        )

    entry = Own_Weights.FLOWERS_V1
    assert entry.transforms(resize_size=256) == {"crop_size": 224, "resize_size": 256}
    assert entry.meta["categories"] == ("rose", "daisy")
    assert entry.meta["acc@1"] == 99.0
    assert entry.meta.gflops == 1.5
    assert Own_Weights.verify("flowers") is entry


def test_a_member_that_is_no_weights_is_refused():
    with pytest.raises(TypeError, match="must be a Weights, not 'file.pth'"):

        class Wrong_Weights(WeightsEnum):
            V1 = "file.pth"


@pytest.mark.parametrize(
    ("ask", "given", "near"),
    [
        (lambda: ResNet50_Weights["IMAGENET1K_V3"], "IMAGENET1K_V3", "IMAGENET1K_V2"),
        (lambda: ResNet50_Weights.IMAGENET_V1, "IMAGENET_V1", "IMAGENET1K_V1"),
        (lambda: ResNet50_Weights.verify("nonsense"), "nonsense", "IMAGENET1K_V1"),
        (lambda: get_weight("ResNet50_Weights.IMAGENET1K_V3"), "IMAGENET1K_V3", "IMAGENET1K_V2"),
        (lambda: get_weight("ResNet51_Weights.DEFAULT"), "ResNet51_Weights", "ResNet50_Weights"),
        (lambda: get_weight("resnet50"), "resnet50", "ResNet50_Weights.DEFAULT"),
        (lambda: get_weight(""), "''", "ResNet50_Weights.DEFAULT"),
    ],
)
def test_a_miss_is_a_sentence_with_the_nearest_names(ask, given, near):
    with pytest.raises(UnknownWeightsError) as caught:
        ask()
    error = caught.value
    assert isinstance(error, KeyError)
    assert isinstance(error, ValueError)
    text = str(error)
    assert given in text
    assert near in text
    assert text != repr(error.args[0])
    assert text.endswith((".", "?"))
    assert "\\" not in text


def test_attributes_that_are_not_there_keep_hasattr_and_getattr_true():
    assert not hasattr(ResNet50_Weights, "no_such_entry")
    assert getattr(ResNet50_Weights, "no_such_entry", None) is None
    assert not hasattr(ResNet50_Weights, "__no_such_dunder__")
    assert getattr(ResNet50_Weights.DEFAULT.meta, "no_such_key", 3) == 3
    assert ResNet50_Weights.DEFAULT.meta.get("license", "unstated") == "unstated"


def test_meta_names_the_nearest_key():
    with pytest.raises(UnknownMetaError, match=r"no 'num_parameters'.*num_params"):
        ResNet50_Weights.DEFAULT.meta["num_parameters"]
    with pytest.raises(AttributeError, match="gflop"):
        ResNet50_Weights.DEFAULT.meta.gflop  # noqa: B018
    with pytest.raises(KeyError):
        ResNet50_Weights.DEFAULT.meta[3]


@pytest.mark.parametrize("wrong", [True, 1, 1.5, [], ResNet18_Weights.DEFAULT, "ResNet18_Weights.DEFAULT", object()])
def test_verify_refuses_what_is_no_entry_of_this_enum(wrong):
    with pytest.raises(TypeError, match="ResNet50_Weights"):
        ResNet50_Weights.verify(wrong)


def test_verify_takes_none():
    assert ResNet50_Weights.verify(None) is None


@given(st.text(max_size=40))
def test_any_text_is_an_entry_or_a_clear_miss(text):
    try:
        assert ResNet50_Weights[text] in set(ResNet50_Weights)
    except UnknownWeightsError as error:
        assert repr(text) in str(error)
    try:
        assert get_weight(text)
    except UnknownWeightsError as error:
        assert str(error)


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.recursive(
            st.none() | st.floats(allow_nan=False) | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        ),
    )
)
def test_any_meta_survives_pickling_and_stays_read_only(facts):
    if not isinstance(facts.get("metrics", {}), dict) or not isinstance(facts.get("_metrics", {}), dict):
        return
    meta = Meta(facts)
    again = pickle.loads(pickle.dumps(meta))
    assert repr(again) == repr(meta)
    assert list(again) == list(meta)
    copied = copy.deepcopy(meta)
    assert dict(copied) == dict(meta)


def test_presets_are_frozen_specs():
    spec = ImageClassification(crop_size=224, resize_size=232)
    assert spec == ImageClassification(crop_size=224, resize_size=232)
    assert hash(spec) == hash(ImageClassification(crop_size=224, resize_size=232))
    assert spec.settings() == {
        "crop_size": 224,
        "resize_size": 232,
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
        "interpolation": InterpolationMode.BILINEAR,
        "antialias": True,
    }
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert json.dumps(spec.settings()["interpolation"]) == '"bilinear"'
