"""What a model says of one video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import Image

from multiweight.data import printable
from multiweight.errors import InputError
from multiweight.predict._prediction import Prediction
from multiweight.predict._result import rounded


@dataclass(frozen=True, slots=True)
class VideoLabels(Prediction):
    """What a model says of one video: the labels of a `Prediction`, averaged over clips, and what each clip gave.

    Attributes:
        source: The path or URL of the video or of the folder of frames; `None` for arrays and tensors.
        labels: The likeliest labels, best first; empty if the video could not be used.
        probabilities: Their probabilities in `[0, 1]`, out of all labels, averaged over the clips.
        indices: Their places in the model's output.
        error: Why the video could not be used; `None` if it could.
        clips: For each clip that was looked at, its first and its last frame, counted from 0.
        per_clip: For each clip the probabilities of `labels`, in their order.

    Raises:
        ValueError: If `per_clip` has not one row a clip, or a row has not one number a label.
    """

    clips: tuple[tuple[int, int], ...] = ()
    per_clip: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        """Checks that the clips and their probabilities belong together."""
        if len(self.per_clip) != len(self.clips):
            raise ValueError(
                f"per_clip: expected one row for each of {len(self.clips)} clips, got {len(self.per_clip)}."
            )
        for row in self.per_clip:
            if len(row) != len(self.labels):
                raise ValueError(f"per_clip: expected {len(self.labels)} numbers a clip, one a label; got {len(row)}.")

    def to_dict(self) -> dict[str, Any]:
        """The same in values that JSON has.

        Returns:
            What `Prediction.to_dict` gives, and `clips`: for each its `frames` (first and last, counted from 0) and
            the `probabilities` of the labels, in their order, with 6 decimals.
        """
        # super() without arguments does not know the class that slots=True makes anew
        values = Prediction.to_dict(self)
        if self.ok:
            values["clips"] = [
                {"frames": list(frames), "probabilities": [rounded(share, 6) for share in shares]}
                for frames, shares in zip(self.clips, self.per_clip, strict=True)
            ]
        return values

    def draw(self, picture: Any = None, *, scale: int | None = None) -> Image.Image:
        """A frame above a strip with the labels, whose probabilities are bars.

        Args:
            picture: The frame, in any form the predictor takes a picture.
            scale: The whole factor by which the frame is enlarged; `None` enlarges it where its longer side has less
                than 256 pixels, so that the text can be read.

        Returns:
            A picture in mode RGB, as wide as the frame, times the scale.

        Raises:
            MultiweightError: `error`, if the video could not be used.
            InputError: If there is no frame, or it cannot be opened.
        """
        self._check()
        if picture is None:
            named = printable(self.source) if self.source else "A video"
            raise InputError(f"{named} has many pictures; give the one to draw on: draw(frame).")
        return Prediction.draw(self, picture, scale=scale)
