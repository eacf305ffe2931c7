"""Finding variants, builders and weights by name: as torchvision, and what it lacks."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight import models
from multiweight.errors import UnknownModelError, UnknownWeightsError
from multiweight.models import (
    ResNet50_Weights,
    get_model,
    get_model_builder,
    get_model_weights,
    get_weight,
    list_models,
    resnet50,
)
from tests.reference import torchvision

if TYPE_CHECKING:
    from multiweight.models import ShuffleNet_V2_X1_0_Weights as OnlyForTypeCheckers
    from multiweight.models import ShuffleNet_V2_X1_5_Weights

TASKS = ("classification", "detection", "segmentation", "video", "optical_flow")
OURS = [name for name in list_models() if name in torchvision().models.list_models()]
ENTRIES = [str(entry) for name in OURS for entry in get_model_weights(name) if entry.url.startswith("https://")]


def of_these_families(names):
    return [name for name in names if name in OURS]


PIECES = st.sampled_from(["*", "?", "res", "net", "50", "wide", "_", "[18]", "[!s]", "x", "v2", "101", "RES", "[", "d"])
PATTERN = st.lists(PIECES, max_size=5).map("".join)
PATTERNS = st.none() | PATTERN | st.lists(PATTERN, max_size=3) | st.sets(PATTERN, max_size=2)


@settings(deadline=None)  # the first call imports torchvision
@given(PATTERNS, PATTERNS)
def test_list_models_is_torchvisions(include, exclude):
    expected = torchvision().models.list_models(include=include, exclude=exclude)
    assert of_these_families(list_models(include=include, exclude=exclude)) == of_these_families(expected)


@pytest.mark.parametrize("patterns", ["*resnet*", ["resnet*", "*x1*"], ("*50*",), [], "", None, "resnet50"], ids=repr)
@pytest.mark.parametrize(
    "module", ["", ".detection", ".segmentation", ".video", ".optical_flow", ".quantization", ".resnet"]
)
def test_list_models_of_a_module_is_torchvisions(module, patterns):
    name = module.removeprefix(".")
    reference = getattr(torchvision().models, name) if name else torchvision().models
    ours = of_these_families(list_models(module=f"multiweight.models{module}", include=patterns))
    assert ours == of_these_families(torchvision().models.list_models(module=reference, include=patterns))
    if hasattr(models, name) or not name:
        of_module = list_models(module=getattr(models, name) if name else models, include=patterns)
        assert of_these_families(of_module) == ours


def test_list_models_takes_patterns_that_can_be_read_once():
    assert list_models(include=(each for each in ["resnet1*", "*x0_5"]), exclude=iter(["*101", "*152"])) == [
        "quantized_shufflenet_v2_x0_5",
        "resnet18",
        "shufflenet_v2_x0_5",
    ]


def test_list_models_of_a_task():
    by_task = {
        task: list_models(task=task)
        for task in ("classification", "detection", "segmentation", "video", "optical_flow")
    }
    assert sorted(name for names in by_task.values() for name in names) == list_models()
    assert by_task["classification"] == sorted([*list_models(module=models), *list_models(module=models.quantization)])
    assert list_models(task="no such task") == []


@pytest.mark.parametrize("name", OURS)
def test_names_lead_to_the_same_things_as_in_torchvision(name):
    reference = torchvision().models
    builder = reference.get_model_builder(name)
    assert get_model_builder(name).__name__ == builder.__name__ == name.removeprefix("quantized_")
    enum, expected = get_model_weights(name), reference.get_model_weights(name)
    assert enum.__name__ == expected.__name__
    assert enum.DEFAULT.name == expected.DEFAULT.name
    assert [each.name for each in enum if str(each) in ENTRIES] == [each.name for each in expected]
    assert get_model_weights(get_model_builder(name)) is enum
    assert enum.module == builder.__module__.rpartition(".")[0].replace(torchvision().__name__, "multiweight")
    assert get_model_weights(getattr(import_module(enum.module), builder.__name__)) is enum


@pytest.mark.parametrize("name", [*ENTRIES, "ResNet50_Weights.DEFAULT"])
def test_get_weight_is_torchvisions(name):
    assert get_weight(name).url == torchvision().models.get_weight(name).url


@pytest.mark.parametrize("written", ["resnet50", "ResNet50", "RESNET50", "ResNeT50"])
def test_names_of_variants_in_any_case(written):
    assert get_model_builder(written) is torchvision_spelled(written) is resnet50
    assert get_model_weights(written) is ResNet50_Weights


def torchvision_spelled(name):
    return getattr(models, torchvision().models.get_model_builder(name).__name__)


@pytest.mark.parametrize(
    ("find", "given", "error", "text"),
    [
        (get_model, "resnet5O", UnknownModelError, "There is no model 'resnet5O'. Did you mean resnet50"),
        (get_model_builder, "resnet51", UnknownModelError, "Did you mean resnet50"),
        (get_model_weights, "suffle", UnknownModelError, "There is no model 'suffle'."),
        (get_weight, "ResNet50_Weights.IMAGENET1K_V3", UnknownWeightsError, "Did you mean IMAGENET1K_V"),
        (get_weight, "ResNet51_Weights.DEFAULT", UnknownWeightsError, "Did you mean ResNet50_Weights"),
        (get_weight, "ResNet50_Weights", UnknownWeightsError, "Did you mean ResNet50_Weights.DEFAULT"),
    ],
)
def test_a_miss_is_torchvisions_error_and_names_the_nearest(find, given, error, text):
    with pytest.raises((KeyError, ValueError)) as expected:
        getattr(torchvision().models, find.__name__)(given)
    with pytest.raises(error, match=text) as caught:
        find(given)
    assert isinstance(caught.value, expected.type)


def test_get_model_passes_everything_on():
    network = get_model("ShuffleNet_V2_x0_5", weights=None, num_classes=4)
    assert isinstance(network, models.ShuffleNetV2)
    assert network.fc.out_features == 4


def written_plainly(*, weights: ResNet50_Weights | None = None): ...


def written_twice_as_a_string(*, weights: "Optional[ResNet50_Weights]" = None): ...  # noqa: UP037, UP045


def written_with_a_name_for_type_checkers(*, weights: ShuffleNet_V2_X1_5_Weights | str | None = None): ...


def not_annotated(*, weights=None): ...


def annotated_with_another(*, weights: str | None = None): ...


def annotated_with_an_unknown_name(*, weights: OnlyForTypeCheckers | None = None): ...


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (written_plainly, "ResNet50_Weights"),
        (written_twice_as_a_string, "ResNet50_Weights"),
        (written_with_a_name_for_type_checkers, "ShuffleNet_V2_X1_5_Weights"),
    ],
)
def test_weights_of_a_function_whose_annotations_are_strings(function, expected):
    assert isinstance(inspect.signature(function).parameters["weights"].annotation, str)
    assert get_model_weights(function).__name__ == expected


def test_weights_of_a_function_whose_annotations_are_objects():
    def function(*, weights=None): ...

    for annotation in (ResNet50_Weights, ResNet50_Weights | None, Optional[ResNet50_Weights]):  # noqa: UP045
        function.__annotations__["weights"] = annotation
        assert get_model_weights(function) is ResNet50_Weights


@pytest.mark.parametrize("function", [not_annotated, annotated_with_another, annotated_with_an_unknown_name])
def test_a_function_without_weights_is_an_error_that_names_it(function):
    with pytest.raises(UnknownModelError, match=function.__name__):
        get_model_weights(function)
