"""What a model says of one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import Image

from multiweight.errors import MultiweightError
from multiweight.predict import _drawing
from multiweight.predict._result import Result


@dataclass(frozen=True, slots=True)
class Prediction(Result):
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

    def to_dict(self) -> dict[str, Any]:
        """The same in values that JSON has: `source` and either `predictions`, best first, or `error`."""
        if self.error is not None:
            return self._failed()
        ranked = zip(self.labels, self.probabilities, self.indices, strict=True)
        return {
            "source": self.source,
            "predictions": [
                {"label": label, "probability": probability, "index": index} for label, probability, index in ranked
            ],
        }

    def draw(self, picture: Any = None, *, scale: int | None = None) -> Image.Image:
        """The picture above a strip with its labels, whose probabilities are bars.

        Args:
            picture: The picture, in any form the predictor takes; `None` opens `source`.
            scale: The whole factor by which the picture is enlarged; `None` enlarges it where its longer side has
                less than 256 pixels, so that the text can be read.

        Returns:
            A picture in mode RGB, as wide as the one given, times the scale.

        Raises:
            MultiweightError: `error`, if the picture could not be used.
            InputError: If there is no picture, or it cannot be opened.
        """
        self._check()
        on = _drawing.canvas(picture, self.source, None, "this prediction", scale)
        ranked = zip(self.labels, self.probabilities, strict=True)
        return _drawing.with_bars(on, [_drawing.Entry(label, f"{share:.1%}", share=share) for label, share in ranked])

    def __str__(self) -> str:
        ranked = zip(self.labels, self.probabilities, strict=True)
        return self._summary(", ".join(f"{label} {share:.1%}" for label, share in ranked))
