"""What a model says of one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from multiweight.errors import MultiweightError


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one picture, or why it can say nothing.

    Attributes:
        source: The picture's path or URL; `None` for bytes, arrays and tensors.
        labels: The likeliest labels, best first; empty if the picture could not be used.
        probabilities: Their probabilities in `[0, 1]`, out of all labels.
        indices: Their places in the model's output.
        error: Why the picture could not be used; `None` if it could.
    """

    source: str | None
    labels: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    indices: tuple[int, ...] = ()
    error: MultiweightError | None = None

    @property
    def ok(self) -> bool:
        """Whether the picture could be used."""
        return self.error is None

    @property
    def label(self) -> str:
        """The likeliest label.

        Raises:
            MultiweightError: `error`, if the picture could not be used.
        """
        self._check()
        return self.labels[0]

    @property
    def probability(self) -> float:
        """The likeliest label's probability, in `[0, 1]`.

        Raises:
            MultiweightError: `error`, if the picture could not be used.
        """
        self._check()
        return self.probabilities[0]

    def _check(self) -> None:
        if self.error is not None:
            # Without the traceback of an earlier call, to which each raise would add.
            raise self.error.with_traceback(None)

    def to_dict(self) -> dict[str, Any]:
        """The same in values that JSON has: `source` and either `predictions`, best first, or `error`."""
        if self.error is not None:
            return {"source": self.source, "error": str(self.error)}
        ranked = zip(self.labels, self.probabilities, self.indices, strict=True)
        return {
            "source": self.source,
            "predictions": [
                {"label": label, "probability": probability, "index": index} for label, probability, index in ranked
            ],
        }

    def __str__(self) -> str:
        if self.error is not None:
            return f"failed: {self.error}"
        ranked = ", ".join(f"{label} {share:.1%}" for label, share in zip(self.labels, self.probabilities, strict=True))
        return f"{self.source}: {ranked}" if self.source else ranked
