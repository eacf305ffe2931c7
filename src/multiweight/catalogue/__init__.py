"""Which weights exist: one file of entries a family, as literals. Never imports torch.

A package of your own adds entries with the entry point `multiweight.catalogue`; see CONTRIBUTING.
"""

from multiweight.catalogue._registry import (
    get_model_weights,
    get_weight,
    list_models,
    resolve,
    weights_enums,
)
from multiweight.catalogue._schema import (
    ImageClassification,
    InterpolationMode,
    Labels,
    Meta,
    PresetSpec,
    Weights,
    WeightsEnum,
)

__all__ = [
    "ImageClassification",
    "InterpolationMode",
    "Labels",
    "Meta",
    "PresetSpec",
    "Weights",
    "WeightsEnum",
    "get_model_weights",
    "get_weight",
    "list_models",
    "resolve",
    "weights_enums",
]
