"""A detector of two stages: regions that may hold an object, then what each of them holds.

Paper: Faster R-CNN, https://arxiv.org/abs/1506.01497

Shapes: C channels, H × W pixels; B objects, detections or regions of a picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from multiweight.models.detection.checks import check_pictures, check_targets

__all__ = ["GeneralizedRCNN"]


class GeneralizedRCNN(nn.Module):
    """The two stages around a backbone.

    Args:
        backbone: From pictures `(N, 3, H, W)` to features: one tensor, or several by name, the finest first.
        rpn: From pictures, features and targets to the regions of each picture, and losses.
        roi_heads: From features, regions, the pictures' sizes and targets to detections, and losses.
        transform: From pictures and targets to a batch of pictures; its `postprocess` takes detections back to the
            original pictures' pixels.
    """

    def __init__(self, backbone: nn.Module, rpn: nn.Module, roi_heads: nn.Module, transform: nn.Module) -> None:
        super().__init__()
        self.transform = transform
        self.backbone = backbone
        self.rpn = rpn
        self.roi_heads = roi_heads

    def eager_outputs(self, losses: dict[str, Tensor], detections: list[dict[str, Tensor]]) -> Any:
        """What `forward` gives: the losses in training, the detections in evaluation."""
        return losses if self.training else detections

    def forward(self, images: Sequence[Tensor], targets: Sequence[dict[str, Tensor]] | None = None) -> Any:
        """Finds the objects on pictures, or learns to.

        Args:
            images: The pictures, `(C, H, W)` of floats from 0 to 1; each may have its own size.
            targets: In training, what is on each picture: `boxes` `(B, 4)`, `x1, y1, x2, y2` in pixels; `labels`
                `(B,)` of int64, from 1 on, as 0 is the background; `masks` `(B, H, W)` and `keypoints` `(B, K, 3)`
                where the network learns them.

        Returns:
            In training the losses by name. In evaluation, for each picture: `boxes` `(B, 4)`, in its pixels;
            `labels` `(B,)`; `scores` `(B,)`, from the highest on; and what the heads add.

        Raises:
            InputError: If a picture or a target is not as it should be; also a ValueError.
            InputTypeError: If it is of another type or dtype; also a TypeError.
        """
        channels = len(getattr(self.transform, "image_mean", ()))
        check_pictures(images, channels if channels > 1 else None)
        if self.training:
            check_targets(images, targets, **self._expected_targets())
        originals = [(image.shape[-2], image.shape[-1]) for image in images]
        batch, seen_targets = self.transform(images, targets)
        features = self.backbone(batch.tensors)  # each (N, channels, h, w)
        if isinstance(features, Tensor):
            features = OrderedDict([("0", features)])
        proposals, proposal_losses = self.rpn(batch, features, seen_targets)
        detections, detector_losses = self.roi_heads(features, proposals, batch.image_sizes, seen_targets)
        detections = self.transform.postprocess(detections, batch.image_sizes, originals)  # pyright: ignore[reportCallIssue]
        return self.eager_outputs({**detector_losses, **proposal_losses}, detections)

    def _expected_targets(self) -> dict[str, Any]:
        """What the heads learn from, as far as it is known: another head than ours need not say it."""
        heads: Any = self.roi_heads
        scores = getattr(getattr(heads, "box_predictor", None), "cls_score", None)
        expected: dict[str, Any] = {"num_classes": getattr(scores, "out_features", None), "masks": False}
        if hasattr(heads, "has_mask"):
            expected["masks"] = heads.has_mask()
        if hasattr(heads, "has_keypoint") and heads.has_keypoint():
            expected["keypoints"] = getattr(heads.keypoint_predictor, "out_channels", None)
        return expected
