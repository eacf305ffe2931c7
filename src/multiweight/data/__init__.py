"""From a file, bytes or a URL to a picture or a video; from a data set to batches."""

from multiweight.data.datasets import Dataset, open_dataset, open_pictures
from multiweight.data.decode import (
    EXTENSIONS,
    FORMATS,
    MAX_BYTES,
    MAX_PIXELS,
    decoded,
    is_url,
    open_picture,
    picture_file,
    printable,
    source_name,
)
from multiweight.data.loading import Batch, Loader, evaluation_batches
from multiweight.data.pixels import picture_pixels
from multiweight.data.sampling import epoch_order
from multiweight.data.video import (
    VIDEO_EXTENSIONS,
    VIDEO_FORMATS,
    Clip,
    Video,
    clips_of,
    frames_in,
    open_video,
)

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "VIDEO_EXTENSIONS",
    "VIDEO_FORMATS",
    "Batch",
    "Clip",
    "Dataset",
    "Loader",
    "Video",
    "clips_of",
    "decoded",
    "epoch_order",
    "evaluation_batches",
    "frames_in",
    "is_url",
    "open_dataset",
    "open_picture",
    "open_pictures",
    "open_video",
    "picture_file",
    "picture_pixels",
    "printable",
    "source_name",
]
