"""Small networks of every task whose answers are known, as a third party's catalogue, and scenes for them."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from multiweight.catalogue import (
    ObjectDetection,
    OpticalFlow,
    SemanticSegmentation,
    VideoClassification,
    Weights,
    WeightsEnum,
)

COLOURS = ("red", "green", "blue")
LABELS = ("__background__", *COLOURS)
POINTS = ("middle", "corner")


class Boxes(nn.Module):
    """Finds at most one rectangle of each pure colour; the brighter, the surer. Worst first, as no rule forbids."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def forward(self, pictures):
        assert isinstance(pictures, list)
        self.batches.append([tuple(picture.shape) for picture in pictures])
        return [self.found(picture) for picture in pictures]

    def found(self, picture):
        boxes, scores, labels, masks, points = [], [], [], [], []
        for channel in range(3):
            others = [other for other in range(3) if other != channel]
            mask = (picture[channel] > 0.1) & (picture[others] < 0.1).all(0)  # (H, W)
            if mask.any():
                rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
                box = [float(side) for side in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)]
                boxes.append(box)
                scores.append(float(picture[channel][mask].mean()))
                labels.append(channel + 1)
                masks.append(mask.float()[None])
                points.append([[(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, 1.0], [box[0], box[1], 1.0]])
        order = sorted(range(len(scores)), key=lambda number: scores[number])
        height, width = picture.shape[-2:]
        return {
            "boxes": torch.tensor(boxes).reshape(-1, 4)[order],
            "scores": torch.tensor(scores)[order],
            "labels": torch.tensor(labels, dtype=torch.int64)[order],
            "masks": torch.stack(masks)[order] if masks else torch.zeros(0, 1, height, width),
            "keypoints": torch.tensor(points).reshape(-1, 2, 3)[order],
            "keypoints_scores": torch.full((len(scores), 2), 3.0),
        }


class Regions(nn.Module):
    """Scores for each colour, coarser than the picture by four."""

    def forward(self, pictures):
        coarse = F.avg_pool2d(pictures, 4, ceil_mode=True)  # (N, 3, h, w)
        return {"out": 10 * torch.cat([torch.full_like(coarse[:, :1], 0.3), coarse], 1)}


class Moods(nn.Module):
    """Scores are the channels' means over the clip."""

    def __init__(self):
        super().__init__()
        self.clips = []

    def forward(self, clips):
        assert clips.shape[1] == 3
        assert clips.shape[3:] == (16, 16)
        self.clips += list(clips)
        return 10 * clips.mean((2, 3, 4))


class Shifts(nn.Module):
    """The one shift, of up to four pixels, by which the second picture fits the first best, everywhere."""

    def forward(self, first, second):
        assert first.shape == second.shape
        assert first.shape[-2] % 8 == first.shape[-1] % 8 == 0
        steps = [(right, down) for down in range(-4, 5) for right in range(-4, 5)]
        middle = first[..., 4:-4, 4:-4]
        errors = torch.stack(
            [
                (second.roll((-down, -right), (-2, -1))[..., 4:-4, 4:-4] - middle).abs().mean((1, 2, 3))
                for right, down in steps
            ]
        )  # (81, N)
        best = torch.tensor(steps, dtype=torch.float32)[errors.argmin(0)]  # (N, 2)
        flow = best[:, :, None, None].expand(-1, -1, *first.shape[-2:])
        return [torch.zeros_like(flow), flow]


def boxes(*, weights, progress=True):
    return Boxes()


def regions(*, weights, progress=True):
    return Regions()


def moods(*, weights, progress=True):
    return Moods()


def shifts(*, weights, progress=True):
    return Shifts()


NOWHERE = "package://tests/none.safetensors"


class Boxes_Weights(WeightsEnum, variant="tests/boxes", builder="tests.predict.scenes:boxes"):
    RGB_V1 = Weights(NOWHERE, ObjectDetection(), {"categories": LABELS, "keypoint_names": POINTS})
    DEFAULT = RGB_V1


class Regions_Weights(WeightsEnum, variant="tests/regions", builder="tests.predict.scenes:regions"):
    RGB_V1 = Weights(NOWHERE, SemanticSegmentation(resize_size=64, mean=(0.0,), std=(1.0,)), {"categories": LABELS})
    DEFAULT = RGB_V1


class Moods_Weights(WeightsEnum, variant="tests/moods", builder="tests.predict.scenes:moods"):
    RGB_V1 = Weights(
        NOWHERE,
        VideoClassification(crop_size=(16, 16), resize_size=(20,), mean=(0.0,), std=(1.0,)),
        {"categories": COLOURS, "clip_len": 4, "frame_rate": 5, "clips_per_video": 3, "min_temporal_size": 1},
    )
    DEFAULT = RGB_V1


class Shifts_Weights(WeightsEnum, variant="tests/shifts", builder="tests.predict.scenes:shifts"):
    V1 = Weights(NOWHERE, OpticalFlow(), {"min_size": (24, 24)})
    DEFAULT = V1


def install(folder):
    """Makes this catalogue an installed plugin for interpreters that have the folder on their path."""
    metadata = folder / "scenes-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: scenes\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[multiweight.catalogue]\nscenes = tests.predict.scenes\n")


def scene(width, height, **rectangles):
    """A black picture with rectangles, each `colour=(left, top, right, bottom, brightness)`, as an array."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for colour, (left, top, right, bottom, brightness) in rectangles.items():
        pixels[top:bottom, left:right, COLOURS.index(colour)] = brightness
    return pixels


def texture(width, height, seed=0):
    """Something on which a shift can be seen, as an array."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def shifted(pixels, right, down):
    """The same, moved, and what leaves on one side comes in on the other."""
    return np.roll(pixels, (down, right), (0, 1))
