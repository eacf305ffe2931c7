"""How a file of weights is written as a reference: `[VARIANT=]PLACE[#PART]`. Never imports torch.

PLACE is a path or a URL. VARIANT says which network a file holds that does not say so itself, and PART which of the
state dicts of a checkpoint is meant.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

REMOTE = ("https", "http", "hf", "s3", "gs")
"""The schemes of references to files elsewhere."""

ENDINGS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")
"""How files that can be a reference end."""

_VARIANT = re.compile(r"\s*(?P<variant>\w[\w./-]*)=(?P<place>.+)", re.DOTALL)
_REMOTE = re.compile(rf"({'|'.join(REMOTE)})://", re.IGNORECASE)
_AS_A_PATH = ("/", "./", "../", "~", "\\")


class FileReference(NamedTuple):
    """A file of weights as it was named.

    Attributes:
        place: A path or a URL.
        variant: The network that the file holds, where that was said.
        part: Which part of a checkpoint, where that was said.
    """

    place: str
    variant: str | None = None
    part: str | None = None

    def __str__(self) -> str:
        variant = f"{self.variant}=" if self.variant else ""
        return f"{variant}{self.place}{f'#{self.part}' if self.part else ''}"


def is_file_reference(reference: str | os.PathLike[str]) -> bool:
    """Whether a reference can only mean a file: a path object, a URL, `VARIANT=…`, or text that is like a path.

    That is, text that ends as a weights file or begins as a path. The file need not be there.
    """
    if not isinstance(reference, str):
        return True
    place, variant, _ = parse(reference)
    return (
        variant is not None
        or place.lower().endswith(ENDINGS)
        or place.startswith((*_AS_A_PATH, "file://"))
        or (is_remote(place))
    )


def is_remote(place: str) -> bool:
    """Whether a place is elsewhere: a URL of one of the schemes that are downloaded from."""
    return _REMOTE.match(place) is not None


def parse(reference: str | os.PathLike[str]) -> FileReference:
    """The parts of a reference to a file. A path object has none but itself."""
    if not isinstance(reference, str):
        return FileReference(os.fspath(reference))
    place, variant = reference.strip(), None
    # `./a=b.pth` is a path, and so is `a=b.pth` where there is such a file.
    match = None if place.startswith(_AS_A_PATH) else _VARIANT.fullmatch(place)
    if match and not os.path.exists(place):
        variant, place = match["variant"].lower(), match["place"].strip()
    whole, mark, part = place.rpartition("#")
    if mark and whole and re.fullmatch(r"\w+", part) and not os.path.exists(place):
        return FileReference(whole, variant, part)
    return FileReference(place, variant)
