"""What a measurement counts: integers only, so that sums come out the same in every order and on every machine."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

CONFIDENCE_STEPS = 2**36
"""Confidences are summed in steps of one over this: finer than 32-bit floats are, and exact for 2**27 pictures."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The pictures whose confidence is in one part of `(0, 1]`.

    Attributes:
        low: Where the part begins; confidences are above it.
        high: Where it ends, inclusive.
        count: How many pictures there are.
        confidence: Their mean confidence, in `[0, 1]`; 0 where there are none.
        accuracy: The share of them that is right, in `[0, 1]`; 0 where there are none.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


class Counts:
    """How often a classifier was right, and how sure it was.

    Every sum is one of 64-bit integers: batches, processes and their order change nothing in any figure. What can
    still differ is what goes in, the network's outputs, in their last bits.

    Ties go to the lower class, in all figures alike: the prediction is the first of the largest outputs, and a target
    is among the best k if fewer than k classes are above it, of larger output, or of equal output and lower number.

    Args:
        classes: How many classes the network tells apart.
        bins: Into how many parts of equal width confidences are sorted, for the calibration error.
        device: Where it is counted; best where the outputs are.

    Attributes:
        confusion: `(classes, classes)`, int64: how many pictures of the row's class were taken for the column's.
        failures: The pictures that could not be read, which are in no count, each with the reason.

    Raises:
        ValueError: If there are no classes or bins.
    """

    def __init__(self, classes: int, *, bins: int = 15, device: torch.device | str | None = None) -> None:
        if classes < 1 or bins < 1:
            raise ValueError(f"Counts needs at least one class and one bin; got classes={classes}, bins={bins}.")
        self.classes = classes
        self.confusion = torch.zeros(classes, classes, dtype=torch.int64, device=device)
        self.failures: list[tuple[str, str]] = []
        self._top5 = torch.zeros(classes, dtype=torch.int64, device=device)
        # Rows: how many, how many of them right, their confidences.
        self._bins = torch.zeros(3, bins, dtype=torch.int64, device=device)
        self._not_numbers = torch.zeros(1, dtype=torch.int64, device=device)

    def add(self, logits: Tensor, targets: Tensor) -> None:
        """Counts a batch.

        Args:
            logits: `(N, classes)`, the network's outputs before softmax, of any float type.
            targets: `(N,)`, the right classes.

        Raises:
            ValueError: If the shapes do not fit, or a target on the CPU is no class.
        """
        if logits.dim() != 2 or logits.shape[1] != self.classes or targets.shape != logits.shape[:1]:
            raise ValueError(
                f"Expected logits (N, {self.classes}) and targets (N,); "
                f"got {tuple(logits.shape)} and {tuple(targets.shape)}."
            )
        if not len(targets):
            return
        if targets.device.type == "cpu" and not 0 <= int(targets.min()) <= int(targets.max()) < self.classes:
            raise ValueError(
                f"Targets are classes from 0 to {self.classes - 1}; got {int(targets.min())} to {int(targets.max())}."
            )
        logits = (
            logits.detach().to(self.confusion.device).to(torch.float64)
        )  # in two steps, for not all devices have it
        targets = targets.to(self.confusion.device, torch.int64)
        self._not_numbers += (logits.isnan() | logits.isposinf()).any(1).sum()
        logits = logits.nan_to_num(-torch.inf, -torch.inf, -torch.inf)
        own = logits.gather(1, targets[:, None])
        lower = torch.arange(self.classes, device=logits.device) < targets[:, None]
        rank = ((logits > own) | ((logits == own) & lower)).sum(1)
        predicted = logits.argmax(1)  # the first of equal ones, as topk does not promise
        best = logits.gather(1, predicted[:, None])
        right = (rank == 0).to(torch.int64)
        one = torch.ones_like(right)
        self.confusion.view(-1).index_add_(0, targets * self.classes + predicted, one)
        self._top5.index_add_(0, targets, (rank < 5).to(torch.int64))
        confidence = (logits - best).exp_().sum(1).reciprocal_().nan_to_num_(0.0)  # of the prediction
        bins = self._bins.shape[1]
        place = (confidence * bins).ceil_().to(torch.int64).sub_(1).clamp_(0, bins - 1)
        steps = (confidence * CONFIDENCE_STEPS).round_().to(torch.int64)
        self._bins.index_add_(1, place, torch.stack([one, right, steps]))

    def reduce(self) -> Counts:
        """Makes these the counts of all processes together, once; without torch.distributed they are that already.

        Returns:
            These counts, which are now the same in every process.
        """
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            parts = [self.confusion, self._top5, self._bins, self._not_numbers]
            together = torch.cat([part.flatten() for part in parts])
            dist.all_reduce(together)
            for part, summed in zip(parts, together.split([part.numel() for part in parts]), strict=True):
                part.copy_(summed.view_as(part))
            failures: list[list[tuple[str, str]]] = [[] for _ in range(dist.get_world_size())]
            dist.all_gather_object(failures, self.failures)
            self.failures = [failure for of_process in failures for failure in of_process]
        return self

    @property
    def total(self) -> int:
        """How many pictures were counted."""
        return int(self.confusion.sum())

    @property
    def not_numbers(self) -> int:
        """How many pictures gave an output that is not a number, or infinite; such an output counts as the least."""
        return int(self._not_numbers)

    @property
    def top1(self) -> float:
        """The share of pictures whose class is the prediction, in percent; NaN where there are no pictures."""
        return _percent(int(self.confusion.diagonal().sum()), self.total)

    @property
    def top5(self) -> float:
        """The share of pictures whose class is among the best five, in percent; NaN where there are no pictures."""
        return _percent(int(self._top5.sum()), self.total)

    @property
    def support(self) -> Tensor:
        """`(classes,)`, int64: how many pictures there are of each class."""
        return self.confusion.sum(1)

    @property
    def top1_right(self) -> Tensor:
        """`(classes,)`, int64: how many pictures of each class were predicted."""
        return self.confusion.diagonal()

    @property
    def top5_right(self) -> Tensor:
        """`(classes,)`, int64: of how many pictures of each class the class is among the best five."""
        return self._top5

    def bins(self) -> list[Bin]:
        """The pictures sorted by confidence, the share of the softmax that the prediction has."""
        count, right, steps = self._bins.tolist()
        width = 1 / len(count)
        return [
            Bin(
                place * width,
                (place + 1) * width,
                count[place],
                steps[place] / CONFIDENCE_STEPS / max(count[place], 1),
                right[place] / max(count[place], 1),
            )
            for place in range(len(count))
        ]

    def ece(self) -> float:
        """The expected calibration error, in percent; NaN where there are no pictures.

        The mean over all pictures of how far the accuracy of a picture's bin is from the bin's mean confidence (Guo
        et al., "On Calibration of Modern Neural Networks", 2017, https://arxiv.org/abs/1706.04599).
        """
        _, right, steps = self._bins.tolist()
        gaps = sum(abs(good * CONFIDENCE_STEPS - sure) for good, sure in zip(right, steps, strict=True))
        return _percent(gaps, self.total * CONFIDENCE_STEPS)

    def __repr__(self) -> str:
        return f"<Counts: {self.total} pictures, acc@1 {self.top1:.3f} %, acc@5 {self.top5:.3f} %>"


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else float("nan")
