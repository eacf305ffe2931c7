"""From picture to tensor: the presets that belong to weights entries, one module a task.

A weights entry carries its preset's settings (`weights.transforms`), so that `weights.transforms()` is the preset
itself, an `nn.Module`.
"""

from multiweight.catalogue import InterpolationMode
from multiweight.transforms.classification import ImageClassification
from multiweight.transforms.detection import ObjectDetection
from multiweight.transforms.optical_flow import OpticalFlow
from multiweight.transforms.segmentation import SemanticSegmentation
from multiweight.transforms.video import VideoClassification

__all__ = [
    "ImageClassification",
    "InterpolationMode",
    "ObjectDetection",
    "OpticalFlow",
    "SemanticSegmentation",
    "VideoClassification",
]
