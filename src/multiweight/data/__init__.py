"""From a file, bytes or a URL to a picture."""

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

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "decoded",
    "is_url",
    "open_picture",
    "picture_file",
    "printable",
    "source_name",
]
