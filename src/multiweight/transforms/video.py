"""The preset of networks that classify videos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from multiweight.catalogue import InterpolationMode
from multiweight.errors import InputError, InputTypeError
from multiweight.transforms import _pictures
from multiweight.transforms._arguments import interpolation_mode, known_only, per_channel, sides
from multiweight.transforms._tensors import OF_TENSORS, check, normalise, resize_and_crop


class VideoClassification(nn.Module):
    """Resizes every frame, crops the centre, scales to `[0, 1]`, normalises, and puts the channels before the time.

    A call takes a video and returns 32-bit floats, `(3, T, *crop_size)`, or `(N, 3, T, *crop_size)` for a batch, equal
    bit for bit to what torchvision's preset of the same settings makes of a tensor:

    - a tensor `(T, 3, H, W)` or `(N, T, 3, H, W)`, uint8 from 0 to 255 or floats from 0 to 1, on any device.
    - a list of frames of one size, each a PIL picture, a NumPy array `(H, W, 3)` or a tensor `(3, H, W)`. Frames that
      are not RGB are converted first, as by `ImageClassification`.
    - a NumPy array `(T, H, W, 3)`, grey `(T, H, W, 1)`, or with an alpha that is left out `(T, H, W, 4)`; or a batch
      of such, `(N, T, H, W, 3)`. uint8, uint16, which is scaled to 8 bits, or floats from 0 to 1.

    Frames of every kind are resized as tensors, in floats and without a filter against aliasing: that is how the
    networks were trained and measured.

    For tensors it can be scripted, compiled, and exported with a dynamic number of videos and frames, height and
    width. The example must not have a 1 among its dynamic sizes, which `torch.export` would fix.

    Args:
        crop_size: The crop's height and width in pixels, or one number for both. Black is added where the resized
            frame is smaller.
        resize_size: Height and width after resizing, in pixels; or one number for the short side, where the long one
            keeps the shape, rounded down.
        mean: What is subtracted, one number for each of red, green and blue, or one for all; of values in `[0, 1]`.
        std: What is then divided by, likewise.
        interpolation: An `InterpolationMode`, its name, torchvision's enum or Pillow's constant: nearest,
            nearest-exact, bilinear or bicubic.

    Raises:
        TypeError: For an argument that is unknown or not of its kind.
        ValueError: For a size under 1, an interpolation that tensors do not know, or a mean or std that cannot be used.
    """

    @known_only
    def __init__(
        self,
        *,
        crop_size: int | Sequence[int],
        resize_size: int | Sequence[int],
        mean: Iterable[float] = (0.43216, 0.394666, 0.37645),
        std: Iterable[float] = (0.22803, 0.22145, 0.216989),
        interpolation: InterpolationMode | str | int = InterpolationMode.BILINEAR,
    ) -> None:
        super().__init__()
        crop = sides("crop_size", crop_size)
        self.crop_size = [crop[0], crop[-1]]
        self.resize_size = sides("resize_size", resize_size)
        self.mean = per_channel("mean", mean)
        self.std = per_channel("std", std, divisor=True)
        self.interpolation = interpolation_mode(interpolation)
        self._mode = self.interpolation.value
        if self._mode not in OF_TENSORS:
            raise ValueError(
                f"Videos are resized as tensors, which know {', '.join(OF_TENSORS)} interpolation; got {self._mode}."
            )

    if TYPE_CHECKING:

        def __call__(  # noqa: D102
            self, vid: Tensor | np.ndarray[Any, Any] | Sequence[Image.Image | np.ndarray[Any, Any] | Tensor]
        ) -> Tensor: ...

    def forward(self, vid: Tensor) -> Tensor:
        """Makes of a video what the network takes.

        Args:
            vid: A tensor `(T, 3, H, W)` or `(N, T, 3, H, W)`, a list of frames, or a NumPy array; see the class.

        Returns:
            `(3, T, *crop_size)`, or `(N, 3, T, *crop_size)` for a batch; a new tensor.

        Raises:
            InputError: If the video cannot be used.
            InputTypeError: If it is not a video.
        """
        if not isinstance(vid, Tensor):
            return self._from_frames(vid)
        _check_video(vid)
        frames = resize_and_crop(vid.flatten(0, -4), self.resize_size, self.crop_size, self._mode, False)
        frames = normalise(frames, self.mean, self.std)  # (N T, 3, *crop_size)
        frames = frames.view(list(vid.shape[:-3]) + list(frames.shape[1:]))
        return frames.transpose(-4, -3)

    @torch.jit.unused
    def _from_frames(self, vid: Any) -> Tensor:
        return self(_as_tensor(vid))

    def extra_repr(self) -> str:
        """Every setting, as the arguments that make an equal preset."""
        settings = {
            "crop_size": tuple(self.crop_size),
            "resize_size": tuple(self.resize_size),
            "mean": tuple(self.mean),
            "std": tuple(self.std),
            "interpolation": self.interpolation.value,
        }
        return ", ".join(f"{name}={value!r}" for name, value in settings.items())

    def describe(self) -> str:
        """What the preset takes and does, in sentences."""
        height, width = self.crop_size
        to = " by ".join(map(str, self.resize_size))
        return (
            "Takes a video: a tensor (T, 3, H, W) or (N, T, 3, H, W), a list of frames or a NumPy array (T, H, W, 3). "
            f"Resizes {'the short side of ' if len(self.resize_size) == 1 else ''}every frame to {to} pixels "
            f"with {self.interpolation.value} interpolation and keeps the central {height} by {width} pixels. "
            f"Then scales the values to [0, 1], subtracts the mean {tuple(self.mean)}, divides by the standard "
            f"deviation {tuple(self.std)} and puts the channels before the time: (..., 3, T, {height}, {width})."
        )


def _check_video(vid: Tensor) -> None:
    """Refuses a tensor that is no video or batch of videos.

    Raises:
        InputError: If it is not `(T, 3, H, W)` or `(N, T, 3, H, W)` of uint8 or floats, or has no frames or pixels.
    """
    shape = list(vid.shape)
    if (vid.dim() != 4 and vid.dim() != 5) or shape[-3] != 3:
        hint = ""
        if vid.dim() == 3:
            hint = " It looks like a picture: unsqueeze(0) makes a video of one frame."
        elif vid.dim() > 3 and shape[-1] == 3:
            hint = " It looks like (..., T, H, W, 3): movedim(-1, -3) puts the channels first."
        elif vid.dim() > 3 and shape[-4] == 3:
            hint = " It looks like (..., 3, T, H, W): transpose(-3, -4) puts the time first."
        elif vid.dim() > 3 and shape[-3] == 1:
            hint = " It looks grey: torch.cat([vid] * 3, dim=-3) makes three channels of one."
        raise InputError(f"A video as a tensor is (T, 3, H, W) or (N, T, 3, H, W); got {shape}.{hint}")
    if shape[-4] == 0:
        raise InputError(f"The video has no frames: its tensor is {shape}.")
    check(vid)


def _as_tensor(vid: object) -> Tensor:
    """The video in a list of frames or an array, `(T, 3, H, W)` or `(N, T, 3, H, W)`.

    Raises:
        InputError: If it cannot be used.
        InputTypeError: If it is not a video.
    """
    if isinstance(vid, np.ndarray):
        return _from_array(vid)
    if isinstance(vid, (list, tuple)):
        return _joined(vid)
    hint = ""
    if isinstance(vid, Image.Image):
        hint = " It is one picture: put it in a list to make a video of one frame."
    elif isinstance(vid, (str, bytes)) or hasattr(vid, "__fspath__") or hasattr(vid, "read"):
        hint = " Decode it first, or use multiweight.Predictor, which takes files."
    raise InputTypeError(
        f"Got a {type(vid).__name__}, which is no video. Takes a tensor (T, 3, H, W) or (N, T, 3, H, W), "
        f"a list of frames or a NumPy array (T, H, W, 3).{hint}"
    )


def _from_array(array: np.ndarray[Any, Any]) -> Tensor:
    if array.ndim not in (4, 5) or array.shape[-1] not in (1, 3, 4):
        hint = ""
        if array.ndim == 3 and array.shape[-1] not in (1, 3, 4):
            hint = " It looks grey: array[..., None] adds the dimension of the channels."
        elif array.ndim in (4, 5) and array.shape[-3] in (1, 3):
            hint = " It looks like (..., T, 3, H, W): numpy.moveaxis(array, -3, -1) puts the channels last."
        raise InputError(f"A video as an array is (T, H, W, 3) or (N, T, H, W, 3); got {array.shape}.{hint}")
    if not array.size:
        raise InputError(f"The video has no frames or no pixels: its array is {array.shape}.")
    frames = torch.stack([_pictures.as_tensor(frame) for frame in array.reshape(-1, *array.shape[-3:])])
    return frames.view(*array.shape[:-3], *frames.shape[1:])


def _joined(frames: Sequence[Any]) -> Tensor:
    if not frames:
        raise InputError("The video has no frames: the list is empty.")
    tensors: list[Tensor] = []
    for number, frame in enumerate(frames):
        tensor = frame if isinstance(frame, Tensor) else _pictures.as_tensor(frame)
        if tensor.dim() != 3:
            raise InputError(f"Frame {number} of the list is {list(tensor.shape)}; a frame is (3, H, W).")
        first = tensors[0] if tensors else tensor
        if (tensor.shape, tensor.dtype) != (first.shape, first.dtype):
            raise InputError(
                f"The frames of a video are of one size and dtype: the first is {list(first.shape)}, {first.dtype}; "
                f"frame {number} is {list(tensor.shape)}, {tensor.dtype}."
            )
        tensors.append(tensor)
    return torch.stack(tensors)
