"""Blocks that three families or more are made of, and the operations that detectors need."""

from multiweight.layers.boxes import (
    box_area,
    box_convert,
    box_iou,
    clip_boxes_to_image,
    complete_box_iou,
    distance_box_iou,
    generalized_box_iou,
    masks_to_boxes,
    remove_small_boxes,
)
from multiweight.layers.conv import Conv2dNormActivation, Conv3dNormActivation
from multiweight.layers.divisible import make_divisible
from multiweight.layers.feature_pyramid import ExtraFPNBlock, FeaturePyramidNetwork, LastLevelMaxPool, LastLevelP6P7
from multiweight.layers.frozen_batch_norm import FrozenBatchNorm2d
from multiweight.layers.initialisation import initialise
from multiweight.layers.losses import (
    complete_box_iou_loss,
    distance_box_iou_loss,
    generalized_box_iou_loss,
    sigmoid_focal_loss,
)
from multiweight.layers.mlp import MLP
from multiweight.layers.nms import batched_nms, nms
from multiweight.layers.permute import Permute
from multiweight.layers.poolers import LevelMapper, MultiScaleRoIAlign
from multiweight.layers.relative_position import relative_position_index
from multiweight.layers.roi_align import roi_align
from multiweight.layers.squeeze_excitation import SqueezeExcitation
from multiweight.layers.stochastic_depth import StochasticDepth, stochastic_depth

__all__ = [
    "MLP",
    "Conv2dNormActivation",
    "Conv3dNormActivation",
    "ExtraFPNBlock",
    "FeaturePyramidNetwork",
    "FrozenBatchNorm2d",
    "LastLevelMaxPool",
    "LastLevelP6P7",
    "LevelMapper",
    "MultiScaleRoIAlign",
    "Permute",
    "SqueezeExcitation",
    "StochasticDepth",
    "batched_nms",
    "box_area",
    "box_convert",
    "box_iou",
    "clip_boxes_to_image",
    "complete_box_iou",
    "complete_box_iou_loss",
    "distance_box_iou",
    "distance_box_iou_loss",
    "generalized_box_iou",
    "generalized_box_iou_loss",
    "initialise",
    "make_divisible",
    "masks_to_boxes",
    "nms",
    "relative_position_index",
    "remove_small_boxes",
    "roi_align",
    "sigmoid_focal_loss",
    "stochastic_depth",
]
