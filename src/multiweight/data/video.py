"""Opens videos: files, folders of frames, lists of pictures, arrays. Only the frames asked for are decoded and held.

Files are decoded by PyAV, which brings FFmpeg with it: the extra `video`. All else needs no extra. A file of unknown
origin is read as one of the formats named here and nothing else: FFmpeg's full list holds playlists, which open
other files and addresses.
"""

from __future__ import annotations

import math
import os
import re
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self, cast

import numpy as np
import torch
from torch import Tensor

from multiweight.data.decode import EXTENSIONS, MAX_PIXELS, _binary, is_url, named, source_name
from multiweight.data.pixels import picture_pixels
from multiweight.errors import InputError, InputTypeError, MissingExtraError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

VIDEO_FORMATS: dict[str, tuple[str, ...]] = {
    "mov,mp4,m4a,3gp,3g2,mj2": (".mp4", ".m4v", ".mov", ".3gp", ".3g2"),
    "matroska,webm": (".mkv", ".webm"),
    "avi": (".avi",),
    "mpegts": (".ts", ".mts", ".m2ts"),
    "mpeg": (".mpg", ".mpeg", ".vob"),
    "ogg": (".ogv", ".ogg"),
    "flv": (".flv",),
    "asf": (".wmv", ".asf"),
    "gif": (".gif",),
}
"""The formats that are read, as FFmpeg names them, with the endings of their files."""

VIDEO_EXTENSIONS = frozenset(extension for extensions in VIDEO_FORMATS.values() for extension in extensions)
"""The endings, in lower case, by which a video is recognised in a folder."""


class Video(ABC):
    """Frames in a row, decoded when they are asked for. A context manager, which closes the file.

    Attributes:
        source: The path or URL; `None` for what has no name.
        frame_rate: Frames a second; `None` where that is not known.
    """

    source: str | None
    frame_rate: Fraction | None

    @abstractmethod
    def __len__(self) -> int:
        """How many frames there are, at least one."""

    @abstractmethod
    def frames(self, indices: Iterable[int]) -> Iterator[Tensor]:
        """Decodes some frames, one after the other; fast where the indices ascend.

        Args:
            indices: Places of frames, from 0.

        Yields:
            `(3, H, W)`: uint8 from 0 to 255, or floats from 0 to 1.

        Raises:
            InputError: If a frame cannot be decoded.
        """

    def clip(self, indices: Sequence[int]) -> Tensor:
        """Decodes some frames into one tensor; those that are asked for twice, once.

        Args:
            indices: Places of frames, from 0, in any order.

        Returns:
            `(T, 3, H, W)`, T as many as there are indices.

        Raises:
            InputError: If a frame cannot be decoded, or they differ in size.
        """
        wanted = sorted(set(indices))
        decoded: list[Tensor] = []
        for index, frame in zip(wanted, self.frames(wanted), strict=True):
            if decoded and (frame.shape, frame.dtype) != (decoded[0].shape, decoded[0].dtype):
                raise InputError(
                    f"its frames differ: frame {wanted[0]} is {_described(decoded[0])}, "
                    f"frame {index} is {_described(frame)}."
                )
            decoded.append(frame)
        place = {index: at for at, index in enumerate(wanted)}
        return torch.stack([decoded[place[index]] for index in indices])

    def close(self) -> None:  # noqa: B027 (most have nothing to close)
        """Closes the file, if there is one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_video(source: Any, *, frame_rate: float | Fraction | None = None) -> Video:
    """Opens a video.

    Args:
        source: A path, a URL, the bytes of a file or a binary file object: a video file, which needs the extra
            `video`. A folder: its pictures are the frames, in natural order (`frame2.jpg` before `frame10.jpg`). A
            list of pictures of any kind. An array or tensor `(T, H, W, 3)` or `(T, 3, H, W)`, uint8 from 0 to 255 or
            floats from 0 to 1.
        frame_rate: Frames a second of a source that does not say it; a video file does.

    Returns:
        The video; close it, or use it as a context manager.

    Raises:
        InputError: If there is no such file, it is not a video, it is damaged, or it has no frames.
        InputTypeError: If the source is none of the above.
        MissingExtraError: If it is a video file and PyAV is not installed.
        ValueError: If the frame rate is not a positive number.
    """
    rate = _rate(frame_rate)
    if isinstance(source, np.ndarray | Tensor):
        return _Pixels(source, rate)
    if isinstance(source, list | tuple):
        return _Pictures(source, None, rate)
    if isinstance(source, str | os.PathLike) and not is_url(source) and os.path.isdir(source):
        name = source_name(source)
        with named(name):
            return _Pictures(frames_in(cast("str | os.PathLike[str]", source)), name, rate)
    return _File(source)


def frames_in(folder: str | os.PathLike[str]) -> list[Path]:
    """The pictures in a folder, by their names' endings, in natural order; hidden ones and subfolders are left out.

    Raises:
        InputError: If there are none.
        OSError: If the folder cannot be read.
    """
    names = [name for name in os.listdir(folder) if not name.startswith(".")]
    pictures = [name for name in names if os.path.splitext(name)[1].lower() in EXTENSIONS]
    if not pictures:
        raise InputError("a folder without pictures, which would be its frames.")
    return [Path(folder, name) for name in sorted(pictures, key=_natural)]


class Clip(NamedTuple):
    """One clip of a video.

    Attributes:
        frames: The places of its frames in the video.
        weight: How many of the clips asked for it stands for; more than one in a short video.
    """

    frames: tuple[int, ...]
    weight: int


def clips_of(
    count: int, rate: Fraction | None, *, length: int, frame_rate: float | None = None, clips: int = 1
) -> list[Clip]:
    """Chooses the clips of a video by which it is judged.

    The video is taken at `frame_rate` (frame `i` of it is frame `floor(i * rate / frame_rate)` of the file). Of all
    clips of consecutive frames in that, `clips` are chosen from the first to the last at even distances, and the first
    alone where one is asked for, as torchvision's reference does for the published figures. A video that is shorter
    than a clip begins again when it ends.

    Args:
        count: The video's frames.
        rate: Its frames a second; `None` means `frame_rate`, so that every frame counts.
        length: Frames of a clip.
        frame_rate: Frames a second of a clip; `None` means the video's own.
        clips: How many clips.

    Returns:
        The clips in order, each once; their weights add up to `clips`.
    """
    step = Fraction(1) if rate is None or frame_rate is None else rate / Fraction(frame_rate)
    # The reference counts a frame that has begun where it can slice, and else does not.
    resampled = math.ceil(count / step) if step.denominator == 1 else max(int(count / step), 1)
    last = max(resampled - length, 0)
    starts = [number * last // max(clips - 1, 1) for number in range(clips)]
    return [
        Clip(tuple(int((start + at) % resampled * step) for at in range(length)), starts.count(start))
        for start in dict.fromkeys(starts)
    ]


class _Pictures(Video):
    """Frames that are pictures: files of a folder, or a list of pictures of any kind."""

    def __init__(self, pictures: Sequence[Any], source: str | None, rate: Fraction | None) -> None:
        if not pictures:
            raise InputError("no frames: the list is empty.")
        self._pictures, self.source, self.frame_rate = pictures, source, rate

    def __len__(self) -> int:
        return len(self._pictures)

    def frames(self, indices: Iterable[int]) -> Iterator[Tensor]:
        for index in indices:
            picture = self._pictures[index]
            # A file's error names the file.
            with named(None if source_name(picture) else f"frame {index}"):
                pixels = picture_pixels(picture)
            yield pixels


class _Pixels(Video):
    """Frames in an array or tensor."""

    def __init__(self, pixels: np.ndarray[Any, Any] | Tensor, rate: Fraction | None) -> None:
        self.source, self.frame_rate = None, rate
        shape = tuple(pixels.shape)
        if pixels.ndim != 4 or (shape[1] != 3 and shape[-1] not in (1, 3, 4)):
            raise InputTypeError(f"A video as an array or tensor is (T, H, W, 3) or (T, 3, H, W); got {shape}.")
        if 0 in shape:
            raise InputError(f"The video has no pixels: its shape is {shape}.")
        # Where both could be the channels, arrays have them last and tensors first.
        self._last = shape[-1] in (1, 3, 4) and (isinstance(pixels, np.ndarray) or shape[1] != 3)
        self._pixels = pixels

    def __len__(self) -> int:
        return len(self._pixels)

    def frames(self, indices: Iterable[int]) -> Iterator[Tensor]:
        for index in indices:
            frame = self._pixels[index]
            if isinstance(frame, np.ndarray):
                yield picture_pixels(frame if self._last else frame.transpose(1, 2, 0))  # (3, H, W)
            else:
                yield picture_pixels(frame.permute(2, 0, 1) if self._last else frame)


class _File(Video):
    """A video file.

    All packets are read once, to know every frame's time; then frames are decoded as they are asked for.
    A frame that the decoder leaves out (an empty packet stands for "the same again") is the one before it, as on a
    screen.
    """

    def __init__(self, source: Any) -> None:
        self.source = source_name(source)
        self._name = self.source or "a video"
        self._container: InputContainer | None = None
        self._av = _require_av()
        with ExitStack() as opened, named(self._name):
            # A picture's file may be of so many bytes; a video's is not read at once.
            path = isinstance(source, str | os.PathLike) and not is_url(source)
            self._file: IO[bytes] = opened.enter_context(open(source, "rb") if path else _binary(source))  # noqa: SIM115
            opened.callback(self._close_container)
            if not self._file.read(1):
                raise InputError("empty (0 bytes).")
            with _damage_is_input_error():
                self._index()
                self._rewind()
            self._opened = opened.pop_all()

    def __len__(self) -> int:
        return self._count

    def frames(self, indices: Iterable[int]) -> Iterator[Tensor]:
        for index in indices:
            if not 0 <= index < self._count:
                raise IndexError(f"there is no frame {index}; there are {self._count}.")
            with named(self._name), _damage_is_input_error():
                frame = self._frame(index)
            yield frame

    def close(self) -> None:
        self._opened.close()

    def _close_container(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    def _rewind(self) -> VideoStream:
        """Opens the container anew, at its start: not every format can seek there."""
        self._close_container()
        self._file.seek(0)
        container: InputContainer = self._av.open(
            self._file, mode="r", container_options={"format_whitelist": ",".join(VIDEO_FORMATS)}
        )
        self._container = container
        if not container.streams.video:
            raise InputError("it holds no video.")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        self._stream, self._position, self._shown = stream, -1, None
        self._decoder = container.decode(stream)
        self._converter = self._av.video.reformatter.VideoReformatter()
        return stream

    def _index(self) -> None:
        """Reads all packets, without decoding: the frames' times in order, and which can be begun with."""
        stream = self._rewind()
        size = (stream.codec_context.width, stream.codec_context.height)
        if size[0] * size[1] > MAX_PIXELS:
            raise InputError(f"frames of {size[0]}x{size[1]} pixels; up to {MAX_PIXELS:,} are decoded.")
        expected = len(stream.index_entries)
        self.frame_rate = stream.average_rate or stream.guessed_rate or None
        times: list[tuple[int, bool]] = []
        timed, packets = True, 0
        for packet in cast("InputContainer", self._container).demux(stream):
            if not packet.size:
                continue  # the one that ends the stream
            if packet.is_corrupt:
                raise InputError(f"cut short: its packet {packets} is incomplete.")
            packets += 1
            if not packet.is_discard:
                timed = timed and packet.pts is not None
                times.append((packet.pts or 0, packet.is_keyframe))
        if not times:
            raise InputError("it holds no frames.")
        if packets < expected:
            raise InputError(f"cut short: {packets} of its {expected} packets are there.")
        times.sort()
        self._count = len(times)
        self._times = array("q", [time for time, _ in times])
        # Without times of their own, frames are counted from the start.
        self._timed = timed and all(a < b for (a, _), (b, _) in pairwise(times))
        self._keys = array("q", [index for index, (_, key) in enumerate(times) if key] if self._timed else [])

    def _frame(self, index: int) -> Tensor:
        if index < self._position or self._begins_between(index):
            self._seek(index)
        while self._position < index and (frame := next(self._decoder, None)) is not None:
            self._position = self._place(frame)
            self._shown = frame
        if self._shown is None:
            raise InputError("none of its frames can be decoded.")
        return self._pixels(self._shown)

    def _begins_between(self, index: int) -> bool:
        """Whether decoding can begin at a frame after the present one, at or before the one wanted."""
        at = bisect_right(self._keys, index)
        return at > 0 and self._keys[at - 1] > self._position + 1

    def _seek(self, index: int) -> None:
        at = bisect_right(self._keys, index)
        if at == 0 or self._container is None:
            self._rewind()
            return
        self._container.seek(self._times[self._keys[at - 1]], stream=self._stream)
        self._decoder, self._position, self._shown = self._container.decode(self._stream), -1, None
        first = next(self._decoder, None)
        if first is None or self._place(first) > index:
            self._rewind()  # the file's own index is wrong
        else:
            self._position, self._shown = self._place(first), first

    def _place(self, frame: VideoFrame) -> int:
        if self._timed and frame.pts is not None:
            return max(bisect_right(self._times, frame.pts) - 1, 0)
        return self._position + 1

    def _pixels(self, frame: VideoFrame) -> Tensor:
        pixels = self._converter.reformat(frame, format="rgb24").to_ndarray()  # (H, W, 3)
        turns = round(frame.rotation / 90) % 4  # counter-clockwise
        upright = np.ascontiguousarray(np.rot90(pixels, turns).transpose(2, 0, 1))
        return torch.from_numpy(upright)  # (3, H, W)


def _require_av() -> Any:
    try:
        import av
        import av.logging
        import av.video.reformatter
    except ImportError as error:
        raise MissingExtraError('Video files need PyAV: pip install "multiweight[video]"') from error
    return av


@contextmanager
def _damage_is_input_error() -> Iterator[None]:
    """Within it, whatever FFmpeg, or reading where it was told to, makes of a file's content is an `InputError`."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        said = getattr(error, "strerror", None) or str(error)
        raise InputError(f"not a video in a known format, or a damaged one: {said}.") from error


def _rate(given: float | Fraction | None) -> Fraction | None:
    if given is None:
        return None
    try:
        rate = Fraction(given)
    except (TypeError, ValueError, OverflowError):
        rate = Fraction(0)
    if rate <= 0:
        raise ValueError(f"frame_rate is a positive number of frames a second; got {given!r}.")
    return rate


def _natural(name: str) -> list[tuple[int, str]]:
    """A key by which numbers in names count as numbers."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if at % 2 else (0, part) for at, part in enumerate(parts)] + [(0, name)]


def _described(frame: Tensor) -> str:
    return f"{frame.shape[-1]}x{frame.shape[-2]} ({str(frame.dtype).removeprefix('torch.')})"
