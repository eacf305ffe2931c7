"""What detectors share that predict at every place of their feature maps, without regions in between.

Shapes: N pictures, A anchors a place, K numbers an anchor, h × w places of a feature map.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from multiweight.models.detection.checks import check_pictures, check_targets
from multiweight.models.detection.image_list import ImageList
from multiweight.models.detection.transform import GeneralizedRCNNTransform

__all__ = [
    "DenseDetector",
    "at_most",
    "best_of_each_class",
    "by_anchor",
    "feature_maps",
    "freeze",
    "most_likely",
    "start_at",
]


class Seen(NamedTuple):
    """What a detector's head says of pictures, and what is needed to understand it.

    Attributes:
        batch: The pictures, resized.
        targets: What is on them, in their pixels.
        sizes: Height and width of each picture as it was given.
        maps: The backbone's maps, each `(N, C, h, w)`.
        outputs: The head's answers by name, each `(N, B, …)`.
        anchors: For each picture `(B, 4)`, in pixels.
    """

    batch: ImageList
    targets: Any
    sizes: list[tuple[int, int]]
    maps: list[Tensor]
    outputs: dict[str, Tensor]
    anchors: list[Tensor]


class DenseDetector(nn.Module):
    """A backbone, a head on its maps and anchors; a subclass sets them and says what the head's answers mean."""

    backbone: nn.Module
    anchor_generator: nn.Module
    head: nn.Module
    transform: GeneralizedRCNNTransform

    _classes_of_head = "num_classes"
    """The attribute of `head.classification_head` that tells the number of classes."""

    def eager_outputs(
        self, losses: dict[str, Tensor], detections: list[dict[str, Tensor]]
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """Of the two, what the mode asks for: losses in training, detections in evaluation."""
        return losses if self.training else detections

    def _see(self, images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None) -> Seen:
        """From pictures to what the head says of them.

        Raises:
            InputError: If pictures or targets are not what a detector takes.
        """
        check_pictures(images, len(self.transform.image_mean))
        pictures = list(images)
        if self.training:
            head = getattr(self.head, "classification_head", None)
            check_targets(pictures, targets, getattr(head, self._classes_of_head, None))
        sizes = [(picture.shape[-2], picture.shape[-1]) for picture in pictures]
        batch, resized = self.transform(pictures, targets)
        maps = feature_maps(self.backbone(batch.tensors))
        return Seen(batch, resized, sizes, maps, self.head(maps), self.anchor_generator(batch, maps))


def by_anchor(outputs: Tensor, columns: int) -> Tensor:
    """What a convolution says at every place, as a row for each anchor.

    Args:
        outputs: `(N, A K, h, w)`.
        columns: K.

    Returns:
        `(N, h w A, K)`: place by place, row by row of the map, in the order of the anchor generators.
    """
    pictures, _, height, width = outputs.shape
    outputs = outputs.view(pictures, -1, columns, height, width).permute(0, 3, 4, 1, 2)  # (N, h, w, A, K)
    return outputs.reshape(pictures, -1, columns)


def feature_maps(features: Tensor | Mapping[str, Tensor]) -> list[Tensor]:
    """What a backbone gives, one map or maps by name, as a list."""
    return [features] if isinstance(features, Tensor) else list(features.values())


def most_likely(scores: Tensor, threshold: float, most: int) -> tuple[Tensor, Tensor]:
    """The highest scores above a threshold.

    Args:
        scores: `(B,)`.
        threshold: What a score must exceed.
        most: How many are taken.

    Returns:
        The scores `(b,)`, falling, and their places `(b,)` in `scores`; b is at most `most`, and may be 0.
    """
    places = torch.where(scores > threshold)[0]
    scores, order = scores[places].topk(_least(places.shape[0], most))
    return scores, places[order]


def best_of_each_class(scores: Tensor, threshold: float, most: int) -> tuple[Tensor, Tensor]:
    """The highest scores above a threshold of each class but the first, the background.

    It is a custom operator, `multiweight::best_of_each_class`: the size of the result depends on the numbers, for each
    class anew, and an exported program would be as long as there are classes.

    Args:
        scores: `(B, K)`.
        threshold: What a score must exceed.
        most: How many are taken of a class.

    Returns:
        Rows and columns of the scores, `(b,)` each; class by class, and falling within one.
    """
    return torch.ops.multiweight.best_of_each_class(scores.detach(), threshold, most)


def _best_of_each_class(scores: Tensor, threshold: float, most: int) -> tuple[Tensor, Tensor]:
    # Nothing is looked for in classes that no row has: mostly these are nearly all.
    seen = (scores > threshold).any(dim=0)
    seen[0] = False
    rows, columns = [seen.new_zeros(0, dtype=torch.int64)], [seen.new_zeros(0, dtype=torch.int64)]
    for column in seen.nonzero().flatten().tolist():
        rows.append(most_likely(scores[:, column], threshold, most)[1])
        columns.append(torch.full_like(rows[-1], column))
    return torch.cat(rows), torch.cat(columns)


def _some_of_each_class(scores: Tensor, threshold: float, most: int) -> tuple[Tensor, Tensor]:
    count = torch.library.get_ctx().new_dynamic_size()
    return scores.new_empty(count, dtype=torch.int64), scores.new_empty(count, dtype=torch.int64)


_library = torch.library.Library("multiweight", "FRAGMENT")
_library.define("best_of_each_class(Tensor scores, float threshold, int most) -> (Tensor, Tensor)")
_library.impl("best_of_each_class", _best_of_each_class, "CompositeExplicitAutograd")
torch.library.register_fake("multiweight::best_of_each_class", _some_of_each_class, lib=_library)


def at_most(indices: Tensor, most: int) -> Tensor:
    """The first of some indices `(b,)`, as many as there are or `most`."""
    return indices.narrow(0, 0, _least(indices.shape[0], most))


def _least(count: int, most: int) -> int:
    """The smaller number; in an exported program `count` is a symbol, which `min` would have to know."""
    return torch.sym_min(count, most)  # pyright: ignore[reportReturnType]


def start_at(modules: Iterable[nn.Module], std: float, bias: float = 0.0) -> None:
    """Fills convolutions with normal numbers of a standard deviation, and their biases with one number."""
    for module in modules:
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=std)
            if module.bias is not None:
                nn.init.constant_(module.bias, bias)


def freeze(layers: nn.Sequential, starts: Sequence[int], trainable_layers: int) -> None:
    """Lets only the last stages of a backbone be trained.

    Args:
        layers: The backbone.
        starts: The index of each stage's first layer.
        trainable_layers: How many stages are trained, from the last one.

    Raises:
        ValueError: If there are not so many stages.
    """
    if not 0 <= trainable_layers <= len(starts):
        raise ValueError(f"trainable_layers must be from 0 to {len(starts)}; got {trainable_layers!r}.")
    first = starts[len(starts) - trainable_layers] if trainable_layers else len(layers)
    layers[:first].requires_grad_(False)
