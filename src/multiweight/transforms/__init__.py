"""From picture to tensor: the presets that belong to weights entries, and the augmentations of training.

A weights entry carries its preset's settings (`weights.transforms`), so that `weights.transforms()` is the preset
itself, an `nn.Module`. A recipe's augmentations are `TrainingPicture` for each picture, then `finish` and `mix` for
each batch; the steps that they are made of are here too, under torchvision's names.
"""

from multiweight.catalogue import InterpolationMode
from multiweight.transforms.classification import ImageClassification
from multiweight.transforms.detection import ObjectDetection
from multiweight.transforms.erasing import RandomErasing
from multiweight.transforms.geometry import RandomHorizontalFlip, RandomResizedCrop
from multiweight.transforms.mixing import CutMix, MixUp
from multiweight.transforms.optical_flow import OpticalFlow
from multiweight.transforms.policies import AugMix, AutoAugment, AutoAugmentPolicy, RandAugment, TrivialAugmentWide
from multiweight.transforms.segmentation import SemanticSegmentation
from multiweight.transforms.training import TrainingPicture, finish, mix
from multiweight.transforms.video import VideoClassification

__all__ = [
    "AugMix",
    "AutoAugment",
    "AutoAugmentPolicy",
    "CutMix",
    "ImageClassification",
    "InterpolationMode",
    "MixUp",
    "ObjectDetection",
    "OpticalFlow",
    "RandAugment",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "SemanticSegmentation",
    "TrainingPicture",
    "TrivialAugmentWide",
    "VideoClassification",
    "finish",
    "mix",
]
