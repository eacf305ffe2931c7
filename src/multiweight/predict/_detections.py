"""What a detector finds in one picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from multiweight.errors import MultiweightError
from multiweight.predict import _drawing
from multiweight.predict._result import Result, as_array, picture_size, rounded, to_array
from multiweight.predict._rle import encode_mask


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Detection:
    """One thing that a detector found.

    Attributes:
        label: What it is.
        score: How sure the model is, in `[0, 1]`.
        index: The label's place among the model's labels.
        box: `(4,)`: left, top, right and bottom edge, in pixels of the picture.
        mask: `(H, W)`, which of the picture's pixels belong to it; `None` where the model gives no masks.
        keypoints: `(K, 3)`: x, y in pixels of the picture, and whether the point is visible (0 is no); `None` where
            the model gives no keypoints.
        keypoint_names: The names of the keypoints; may be empty.
        keypoint_scores: `(K,)`, how sure the model is of each: higher is surer, on the model's own scale; or `None`.
    """

    label: str
    score: float
    index: int
    box: NDArray[np.float32]
    mask: NDArray[np.bool_] | None = None
    keypoints: NDArray[np.float32] | None = None
    keypoint_names: tuple[str, ...] = ()
    keypoint_scores: NDArray[np.float32] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same in values that JSON has, as `Detections.to_dict` describes."""
        values: dict[str, Any] = {
            "label": self.label,
            "score": rounded(self.score, 6),
            "index": self.index,
            "box": [rounded(side, 2) for side in self.box],
        }
        if self.mask is not None:
            values["mask"] = encode_mask(self.mask)
        if self.keypoints is not None:
            values["keypoints"] = [self._keypoint(place, *point) for place, point in enumerate(self.keypoints.tolist())]
        return values

    def _keypoint(self, place: int, x: float, y: float, visible: float) -> dict[str, Any]:
        values: dict[str, Any] = {"name": self.keypoint_names[place]} if self.keypoint_names else {}
        values |= {"x": rounded(x, 2), "y": rounded(y, 2), "visible": round(visible)}
        if self.keypoint_scores is not None:
            values["score"] = rounded(self.keypoint_scores[place], 4)
        return values

    def __str__(self) -> str:
        return f"{self.label} {self.score:.1%}"

    def __repr__(self) -> str:
        return f"<Detection: {self} at {[rounded(side, 1) for side in self.box]}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Detections(Result):
    """What a detector finds in one picture, or why it can find nothing.

    ```python
    for detection in detections.above(0.5):
        print(detection.label, detection.score, detection.box)
    detections.above(0.5).draw().save("found.png")
    ```

    It is a sequence of `Detection`s, in the order given; a slice of it is a `Detections` again. Arrays, tensors of any
    device and nested lists are taken, and kept as NumPy arrays. Of a failed one the arrays are empty, and whatever
    asks for its things raises `error`.

    Attributes:
        source: The picture's path or URL; `None` for bytes, arrays and tensors.
        boxes: `(N, 4)`, float32: left, top, right and bottom edge, in pixels of the picture as it was given.
        scores: `(N,)`, float32: how sure the model is, in `[0, 1]`.
        labels: What the N things are.
        indices: `(N,)`, int64: the labels' places among the model's labels.
        size: `(height, width)` of the picture, in pixels.
        masks: `(N, H, W)`, which of the picture's pixels belong to each thing; `None` where the model gives none.
            Probabilities in `[0, 1]` are taken too, also as `(N, 1, H, W)`: from 0.5 on a pixel belongs to it.
        keypoints: `(N, K, 3)`, float32: x, y in pixels of the picture, and whether the point is visible (0 is no);
            `None` where the model gives none.
        keypoint_names: The names of the K keypoints; may be empty.
        keypoint_scores: `(N, K)`, float32: how sure the model is of each keypoint, on the model's own scale; or `None`.
        error: Why the picture could not be used; `None` if it could.

    Raises:
        TypeError: If an array is of a wrong dtype.
        ValueError: If shapes do not fit each other, numbers are not finite, a box ends before it begins, or mask
            values are not from 0 to 1.
    """

    source: str | None
    boxes: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    scores: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    labels: tuple[str, ...] = ()
    indices: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    size: tuple[int, int] = (0, 0)
    masks: NDArray[np.bool_] | None = None
    keypoints: NDArray[np.float32] | None = None
    keypoint_names: tuple[str, ...] = ()
    keypoint_scores: NDArray[np.float32] | None = None
    error: MultiweightError | None = None

    def __post_init__(self) -> None:
        """Checks what was given, and makes it arrays."""
        if self.error is not None:
            return
        boxes = as_array("boxes", self.boxes, ("N", 4)).astype(np.float32, copy=False)
        count = len(boxes)
        scores = as_array("scores", self.scores, (count,)).astype(np.float32, copy=False)
        indices = as_array("indices", self.indices, (count,), kinds="iu").astype(np.int64, copy=False)
        self._set(boxes=boxes, scores=scores, indices=indices)
        self._set(labels=tuple(self.labels), size=picture_size("size", self.size))
        if len(self.labels) != count:
            raise ValueError(f"labels: expected {count}, one a box; got {len(self.labels)}.")
        backwards = np.flatnonzero((boxes[:, 2:] < boxes[:, :2]).any(1))
        if backwards.size:
            raise ValueError(
                f"boxes: expected left, top, right, bottom; box {backwards[0]} ends before it begins: "
                f"{boxes[backwards[0]].tolist()}."
            )
        if self.masks is not None:
            self._set(masks=_masks(self.masks, count, self.size))
        names = tuple(self.keypoint_names)
        self._set(keypoint_names=names)
        if self.keypoints is not None:
            keypoints = as_array("keypoints", self.keypoints, (count, len(names) or "K", 3)).astype(
                np.float32, copy=False
            )
            self._set(keypoints=keypoints)
            if self.keypoint_scores is not None:
                sure = as_array("keypoint_scores", self.keypoint_scores, (count, keypoints.shape[1]))
                self._set(keypoint_scores=sure.astype(np.float32, copy=False))
        elif self.keypoint_scores is not None:
            raise ValueError("keypoint_scores: got some, but no keypoints.")

    def __len__(self) -> int:
        self._check()
        return len(self.boxes)

    @overload
    def __getitem__(self, place: int) -> Detection: ...

    @overload
    def __getitem__(self, place: slice) -> Detections: ...

    def __getitem__(self, place: int | slice) -> Detection | Detections:
        self._check()
        if isinstance(place, slice):
            return self._only(np.arange(len(self))[place])
        label = self.labels[place]  # first, for its IndexError ends an iteration
        return Detection(
            label,
            float(self.scores[place]),
            int(self.indices[place]),
            self.boxes[place],
            None if self.masks is None else self.masks[place],
            None if self.keypoints is None else self.keypoints[place],
            self.keypoint_names,
            None if self.keypoint_scores is None else self.keypoint_scores[place],
        )

    def __iter__(self) -> Iterator[Detection]:
        return (self[place] for place in range(len(self)))

    def above(self, score: float) -> Detections:
        """Only what has a greater score.

        Args:
            score: The bound, in `[0, 1]`.

        Raises:
            MultiweightError: `error`, if the picture could not be used.
        """
        self._check()
        return self._only(np.flatnonzero(self.scores > score))

    def _only(self, places: NDArray[np.intp]) -> Detections:
        return Detections(
            self.source,
            self.boxes[places],
            self.scores[places],
            tuple(self.labels[place] for place in places),
            self.indices[places],
            self.size,
            None if self.masks is None else self.masks[places],
            None if self.keypoints is None else self.keypoints[places],
            self.keypoint_names,
            None if self.keypoint_scores is None else self.keypoint_scores[places],
        )

    def to_dict(self) -> dict[str, Any]:
        """The same in values that JSON has.

        Returns:
            `source` and either `error` or `size` (`[height, width]`) and `detections`, each with `label`, `score` (6
            decimals), `index` and `box` (left, top, right, bottom in pixels, 2 decimals); with masks `mask`, COCO's
            compressed run-length code (`{"size": [height, width], "counts": "…"}`); with keypoints `keypoints`, each
            with its `name` if it has one, `x` and `y` (pixels, 2 decimals), `visible` and, if there is one, its
            `score` (4 decimals).
        """
        if self.error is not None:
            return self._failed()
        found = [detection.to_dict() for detection in self]
        return {"source": self.source, "size": list(self.size), "detections": found}

    def draw(self, picture: Any = None, *, scale: int | None = None) -> Image.Image:
        """The picture with all things drawn in: boxes with labels and scores, masks, keypoints and skeletons.

        A class has the same colour in every drawing. Keypoints that are not visible, or whose score is not above 0,
        are left out; limbs are drawn between points that have the names of COCO's.

        Args:
            picture: The picture, in any form the predictor takes; `None` opens `source`.
            scale: The whole factor by which the picture is enlarged; `None` enlarges it where its longer side has
                less than 256 pixels, so that the text can be read.

        Returns:
            A picture in mode RGB, of the given one's size times the scale.

        Raises:
            MultiweightError: `error`, if the picture could not be used.
            InputError: If there is no picture, it cannot be opened, or it has not the size of the one used.
        """
        self._check()
        on = _drawing.canvas(picture, self.source, self.size, "these detections", scale)
        colours = [_drawing.class_colour(index) for index in self.indices.tolist()]
        if self.masks is not None:
            areas = self.masks.sum((1, 2))
            for place in np.argsort(-areas, kind="stable"):  # the large ones first, lest they hide the small
                mask = _drawing.repeated(self.masks[place], on.scale)
                _drawing.tint(on.picture, mask, colours[place], 0.45, on.line)
        best_first = np.argsort(-self.scores, kind="stable").tolist()
        boxes = self.boxes.astype(np.float64) * on.scale
        for place in reversed(best_first):
            _draw_box(on, boxes[place].tolist(), colours[place])
        for place in reversed(best_first):
            self._draw_keypoints(on, place)
        tabs = [
            _drawing.Tab(self.labels[place], f"{self.scores[place]:.0%}", colours[place], tuple(boxes[place].tolist()))
            for place in best_first
            if _inside(on, boxes[place].tolist()) is not None
        ]
        _drawing.draw_tabs(on, tabs)
        return on.picture

    def _draw_keypoints(self, on: _drawing.Canvas, place: int) -> None:
        if self.keypoints is None:
            return
        points = self.keypoints[place].astype(np.float64)
        shown = points[:, 2] > 0
        if self.keypoint_scores is not None:
            shown &= self.keypoint_scores[place] > 0
        far = 4 * max(on.picture.size)  # what lies beyond is not seen, and Pillow counts in 32 bits
        places = [tuple(point) for point in (points[:, :2] * on.scale).clip(-far, far).tolist()]
        known = {name: place for place, name in enumerate(self.keypoint_names) if shown[place]}
        pen = on.draw
        for one, other in LIMBS:
            if one in known and other in known:
                ends = [places[known[one]], places[known[other]]]
                pen.line(ends, _side_colour(one, other), on.line + 1)
        radius = on.line + 1
        for number in np.flatnonzero(shown).tolist():
            x, y = places[number]
            name = self.keypoint_names[number] if self.keypoint_names else ""
            fill = _side_colour(name, name) if name in _JOINTS else _drawing.class_colour(number)
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill, (255, 255, 255), max(on.line // 2, 1))

    def __str__(self) -> str:
        named = [f"{label} {score:.1%}" for label, score in zip(self.labels[:_NAMED], self.scores, strict=False)]
        rest = len(self.labels) - len(named)
        more = f" and {rest} more" if rest else ""
        return self._summary(", ".join(named) + more or "nothing found")


_NAMED = 5
"""How many things one line names."""

LIMBS = (
    ("nose", "left_eye"),
    ("nose", "right_eye"),
    ("left_eye", "right_eye"),
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    *(
        (f"{side}_{one}", f"{side}_{other}")
        for side in ("left", "right")
        for one, other in (
            ("eye", "ear"),
            ("ear", "shoulder"),
            ("shoulder", "elbow"),
            ("elbow", "wrist"),
            ("shoulder", "hip"),
            ("hip", "knee"),
            ("knee", "ankle"),
        )
    ),
)
"""Which of COCO's keypoints are joined: https://cocodataset.org/#keypoints-2020."""

_JOINTS = {name for limb in LIMBS for name in limb}


def _side_colour(one: str, other: str) -> _drawing.Colour:
    """One colour for the left side of a body, one for the right, one between."""
    sides = {name.partition("_")[0] for name in (one, other)}
    if sides == {"left"}:
        return (0, 200, 255)
    return (255, 140, 0) if sides == {"right"} else (120, 220, 60)


def _masks(given: Any, count: int, size: tuple[int, int]) -> NDArray[np.bool_]:
    array = to_array(given)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    masks = as_array("masks", array, (count, *size), kinds="bfiu")  # (N, H, W)
    if masks.dtype == bool:
        return masks
    if masks.size and not (masks.min() >= 0 and masks.max() <= 1):
        raise ValueError(f"masks: expected values from 0 to 1, got {masks.min():g} to {masks.max():g}.")
    return masks >= 0.5


def _inside(on: _drawing.Canvas, box: list[float]) -> tuple[int, int, int, int] | None:
    """The first and last pixels of a box within the picture; `None` if it is beside the picture."""
    width, height = on.picture.size
    x1, y1, x2, y2 = box
    if x2 < 0 or y2 < 0 or x1 >= width or y1 >= height:
        return None
    left, top = max(math.floor(x1), 0), max(math.floor(y1), 0)
    right, bottom = min(math.ceil(x2), width) - 1, min(math.ceil(y2), height) - 1
    return left, top, max(right, left), max(bottom, top)


def _draw_box(on: _drawing.Canvas, box: list[float], colour: _drawing.Colour) -> None:
    pixels = _inside(on, box)
    if pixels is not None:
        on.draw.rectangle(pixels, outline=colour, width=on.line)
