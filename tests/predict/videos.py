"""Video files, encoded here."""

import tempfile
from fractions import Fraction

import av
import numpy as np

CODECS = {
    "mp4": "libx264",
    "matroska": "libx264",
    "webm": "libvpx-vp9",
    "avi": "mpeg4",
    "mov": "mjpeg",
    "mpegts": "libx264",
    "gif": "gif",
}
"""The containers that are written, each with the codec that belongs to it."""

_PIXELS = {"mjpeg": "yuvj420p", "gif": "rgb8"}


def encoded_video(frames, container="mp4", rate=25, options=None, group=12):
    """The bytes of a video file.

    Args:
        frames: Arrays (H, W, 3).
        container: One of `CODECS`.
        rate: Frames a second.
        options: Of the container.
        group: Frames from one that can be decoded alone to the next.
    """
    codec = CODECS[container]
    with (
        tempfile.NamedTemporaryFile() as file,
        av.open(file.name, "w", format=container, options=options or {}) as output,
    ):
        stream = output.add_stream(codec, rate=Fraction(rate).limit_denominator(1001))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = _PIXELS.get(codec, "yuv420p")
        stream.codec_context.gop_size = group
        stream.bit_rate = 8_000_000
        for frame in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        output.mux(stream.encode())
        output.close()
        return file.read()


def steps(count, width=64, height=48):
    """Frames that are told apart by their grey."""
    return [np.full((height, width, 3), 5 * number % 256, np.uint8) for number in range(count)]


def number_of(frame):
    """Which of the `steps` a frame is, from its grey; of the first 51."""
    return round(float(frame.float().mean()) / 5)


def quarter_turned(data):
    """The same file, an MP4, marked to be shown turned by 90 degrees clockwise."""
    at = data.index(b"tkhd") + 4 + 4 + 20 + 16
    # QuickTime: the matrix, row by row, in 16.16 and 2.30 fixed point; x' = -y, y' = x
    matrix = b"".join(
        value.to_bytes(4, "big", signed=True) for value in (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    )
    return data[:at] + matrix + data[at + len(matrix) :]
