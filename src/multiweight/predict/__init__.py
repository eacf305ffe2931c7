"""Use a model: from pictures and videos to labels, boxes, masks, keypoints, class maps and flow."""

from multiweight.predict._detections import Detection, Detections
from multiweight.predict._flow import FlowField
from multiweight.predict._prediction import Prediction
from multiweight.predict._predictor import Predictor, find_device
from multiweight.predict._rle import decode_mask, encode_mask
from multiweight.predict._segmentation import SegmentationMap
from multiweight.predict._video import VideoLabels

__all__ = [
    "Detection",
    "Detections",
    "FlowField",
    "Prediction",
    "Predictor",
    "SegmentationMap",
    "VideoLabels",
    "decode_mask",
    "encode_mask",
    "find_device",
]
