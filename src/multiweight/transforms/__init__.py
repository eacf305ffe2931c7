"""From picture to tensor: the presets that belong to weights entries, one module a task.

A weights entry carries its preset's settings (`weights.transforms`), so that `weights.transforms()` is the preset
itself, an `nn.Module`.
"""

from multiweight.catalogue import InterpolationMode
from multiweight.transforms.classification import ImageClassification

__all__ = ["ImageClassification", "InterpolationMode"]
