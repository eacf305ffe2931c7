"""Which weights exist: one file of entries a family, as literals. Never imports torch.

A package of your own adds entries with the entry point `multiweight.catalogue`, a JSON file with `add_catalogue`; see
docs/catalogues.md.
"""

from multiweight.catalogue._file import Header, entry_of_file, header_json, preset_digest, read_header
from multiweight.catalogue._listing import as_json
from multiweight.catalogue._registry import (
    add_catalogue,
    get_model_weights,
    get_weight,
    list_models,
    resolve,
    weights_enums,
)
from multiweight.catalogue._schema import (
    METRICS,
    ImageClassification,
    InterpolationMode,
    Labels,
    Meta,
    Metric,
    ObjectDetection,
    OpticalFlow,
    PresetSpec,
    SemanticSegmentation,
    VideoClassification,
    Weights,
    WeightsEnum,
    metric,
)

__all__ = [
    "METRICS",
    "Header",
    "ImageClassification",
    "InterpolationMode",
    "Labels",
    "Meta",
    "Metric",
    "ObjectDetection",
    "OpticalFlow",
    "PresetSpec",
    "SemanticSegmentation",
    "VideoClassification",
    "Weights",
    "WeightsEnum",
    "add_catalogue",
    "as_json",
    "entry_of_file",
    "get_model_weights",
    "get_weight",
    "header_json",
    "list_models",
    "metric",
    "preset_digest",
    "read_header",
    "resolve",
    "weights_enums",
]
